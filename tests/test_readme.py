"""The front page tells what was measured: its figures are those of the result files."""

from __future__ import annotations

import json
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
README = " ".join((ROOT / "README.md").read_text("utf-8").split())  # wherever its lines end
FOUND: list[dict[str, Any]] = [
    json.loads((ROOT / "docs" / f"{stage}-4242.json").read_text("utf-8")) for stage in ("sft", "stage2")
]
FROM_NOTHING = ("from-nothing.json", "from-nothing-4242.json")
RESULTS = json.loads((ROOT / "docs" / "results.json").read_text("utf-8"))
ROWS = {
    "judging balanced pairs, F1": (("judge", "f1"), 2),
    "answer from five documents, exact match": (("listwise", "em"), 2),
    "documents cited and ranked for it, F1": (("listwise", "evidence_f1"), 2),
    "answer of the whole pipeline, exact match": (("answer", "em"), 2),
    "evidence ranked by the whole pipeline, F1": (("rank", "evidence_f1"), 2),
    "output that parses": (("parse_rate",), 3),
}


def told(figure: dict[str, Any], digits: int) -> str:
    """A figure with its interval, as the front page writes it."""
    low, high = figure["ci95"]
    return f"{figure['value']:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def value(variant: str, figure: str) -> float:
    """A figure of a variant in the ablation."""
    return float(RESULTS["variants"][variant][figure]["value"])


@pytest.mark.parametrize("row", list(ROWS))
def test_a_figure_on_the_front_page_is_that_of_its_result_file(row: str) -> None:
    path, digits = ROWS[row]
    both = (told(reduce(getitem, path, found), digits) for found in FOUND)
    assert f"| {row} | {' | '.join(both)} |" in README


def test_what_retrieval_finds_is_that_of_the_result_file() -> None:
    found = FOUND[0]["retrieval"]["recall@12"]
    assert (
        f"{found['in_words']['value']:.2f} of the evidence among twelve documents for questions in words, "
        f"{found['with_picture']['value']:.2f} for those asked with a picture" in README
    )


def test_the_comparison_on_the_front_page_is_that_of_the_results() -> None:
    one, two = (told(RESULTS["variants"][stage]["answer.em"], 2) for stage in ("sft", "stage2"))
    assert f"{one} and {two} of the whole pipeline's answers are right there" in README
    one, two = (told(RESULTS["variants"][stage]["answer.several"], 2) for stage in ("sft", "stage2"))
    assert f"{one} of those answers are right after `sft`, {two} after `stage2`" in README
    (earned,) = (one for one in RESULTS["comparisons"] if (one["ours"], one["theirs"]) == ("stage2", "sft"))
    lost, (low, high) = earned["answer.one"]["value"], earned["answer.one"]["ci95"]
    assert f"a loss of {-lost:.3f} [{-high:.3f}, {-low:.3f}]" in README
    assert f"{value('sft', 'answer.one'):.3f} and {value('stage2', 'answer.one'):.3f}" in README
    made = RESULTS["made"]
    assert f"on {made['questions']:,} questions of {len(made['worlds'])} worlds" in README


def test_what_each_part_earns_on_the_front_page_is_that_of_the_results() -> None:
    without, whole = (value("stage2-alone", "judge.distractors"), value("stage2", "judge.distractors"))
    assert f"{without:.3f} of the distractors are kept in place of {whole:.3f}" in README
    assert f"the labels of its rows ({value('supervised', 'answer.em'):.2f})" in README
    assert f"is right in {value('stage2-silent', 'answer.em'):.2f}." in README
    assert round(10 * value("stage2-silent", "tokens") / value("stage2", "tokens")) == 3  # "three tenths"


def test_what_the_front_page_says_of_stage_two_and_its_parts_is_what_the_intervals_say() -> None:
    against = {one["theirs"]: one for one in RESULTS["comparisons"] if one["ours"] == "stage2"}
    low, high = against["stage2-alone"]["answer.em"]["ci95"]
    assert low <= 0 <= high  # "as many"
    assert against["stage2-alone"]["judge.distractors"]["ci95"][1] < 0
    assert against["stage2-alone"]["rank.ndcg"]["ci95"][0] > 0
    supervised, several = (against["supervised"][figure] for figure in ("answer.em", "answer.several"))
    assert supervised["ci95"][0] > 0
    assert f"ends {supervised['value']:.3f} lower, {several['value']:.3f} where several documents are needed" in README


def test_what_the_front_page_says_of_single_rewards_is_what_the_intervals_say() -> None:
    parts = ("stage2-ranking", "stage2-answer", "stage2-outcome")
    compared = {(one["ours"], one["theirs"]): one["answer.em"] for one in RESULTS["comparisons"] if "answer.em" in one}
    shipped, again = ([compared[ours, part] for part in parts] for ours in ("stage2", "stage2-again"))
    assert all(one["ci95"][1] <= 0 for one in shipped)
    assert all(one["ci95"][0] <= 0 <= one["ci95"][1] for one in again)  # "may be chance"
    for which in (shipped, again):
        assert "{:.3f}, {:.3f} and {:.3f}".format(*(-one["value"] for one in which)) in README


def test_the_speed_on_the_front_page_is_that_of_the_bench() -> None:
    bench = json.loads((ROOT / "docs" / "bench.json").read_text("utf-8"))
    assert f"Judging 20 documents is {bench['judging']['20']['ratio']:.1f} times as fast" in README


def test_what_a_run_from_nothing_reaches_on_the_front_page_is_that_of_its_result_files() -> None:
    run, found = (json.loads((ROOT / "docs" / name).read_text("utf-8")) for name in FROM_NOTHING)
    minutes, pictures = run["seconds"] / 60, round(run["pictures"], -3)
    assert f"it took {minutes:.0f} minutes on two cores, for {pictures:,} pictures" in README
    assert f"and {run['tokens'] / 1e6:.0f} M tokens (`docs/{FROM_NOTHING[0]}`;" in README
    judged, given, whole = (told(found[a][b], 2) for a, b in (("judge", "f1"), ("listwise", "em"), ("answer", "em")))
    assert f"with F1 {judged}, answers {given} of its questions from five documents and {whole} by the whole" in README
    assert f"{told(found['parse_rate'], 3)} of its output parses" in README
    assert not run["settings"]["start_at"]


def test_what_the_stages_earn_from_nothing_on_the_front_page_is_that_of_its_result_file() -> None:
    stages = json.loads((ROOT / "docs" / "from-nothing-stages.json").read_text("utf-8"))
    one, two = (told(stages["variants"][stage]["answer.em"], 2) for stage in ("sft", "stage2"))
    assert f"from {one} to {two} on the questions of `docs/results.md`" in README
    assert stages["made"]["worlds"] == RESULTS["made"]["worlds"]
