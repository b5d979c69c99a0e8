"""Comparing variants of the training: paired on the same questions, kept by question, told in a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from mmrag.errors import BadInput, CheckpointError, UnknownId
from mmrag.policy.grammar import NOT_FOUND
from mmrag.settings import ROOT
from mmrag.types import Malformed, Question, Ranking, Step
from training.ablate import Ablation, Comparison, ablate
from training.marks import (
    FIGURES,
    KEEPING,
    Mark,
    Marked,
    changed,
    difference,
    distractors,
    figure,
    read_marks,
    write_marks,
)
from training.outcomes import Judged, Outcome
from training.variants import Variant, made_from, train_missing

ASKED = Question("q", "Which?", ("red",), evidence=("a",), negatives=("b",), category="color", type="ImageQ")
RIGHT = Step("Which?", shown=("a", "b"), ranking=Ranking(("a",)), answer="red", raw="<think>…")
BROKEN = Step("Which?", shown=("a", "b"), ranking=Ranking(("a",)), answer="red", raw="…", malformed=Malformed("x", "y"))
MADE = {
    "date": "2026-11-26",
    "commit": "abc",
    "hardware": "x",
    "device": "cpu",
    "versions": dict.fromkeys(("torch", "transformers", "trl"), "1"),
}


def mark(whole: Step = RIGHT, p_gold: float = 0.9, p_other: float = 0.1) -> Mark:
    judged = Judged(("a", "b", "c"), ("a", "b"), ("a", "b"), {"a": p_gold, "b": p_other}, ("a",))
    return Mark.of(Outcome(ASKED, judged, RIGHT, whole), len)


def many(rng: np.random.Generator, lift: float) -> Marked:
    """A hundred questions: one gold document and nine distractors each, told apart the better the higher `lift`."""
    wanted = [[True] + [False] * 9 for _ in range(100)]
    brought = [tuple((float(1 / (1 + np.exp(-rng.normal(lift * gold)))), gold) for gold in row) for row in wanted]
    base = mark()
    return Marked.of([Mark(**{**vars_of(base), "brought": row, "pair": row[:2]}) for row in brought])


def vars_of(one: Mark) -> dict[str, object]:
    return {name: getattr(one, name) for name in Mark.__dataclass_fields__}


def test_marks_tell_what_was_right_and_malformed_output_earns_no_ranking() -> None:
    assert mark().whole == pytest.approx(dict.fromkeys(("em", "f1", "evidence_f1", "ndcg", "mrr"), 1.0), abs=1e-4)
    broken = mark(BROKEN)
    assert (broken.whole["ndcg"], broken.parsed, broken.given["ndcg"]) == (0.0, 0.0, 1.0)
    assert broken.tokens == len("…")


def test_a_question_without_a_pair_or_an_answer_still_has_marks() -> None:
    absent = Question("n", "Which?", (NOT_FOUND,))
    judged = Judged((), (), (), {}, ())
    made = Mark.of(Outcome(absent, judged, RIGHT, Step("Which?", answer=NOT_FOUND)), len)
    assert (made.whole["em"], made.given["em"], made.tokens, made.brought) == (1.0, 0.0, 0, ())


def test_marks_come_back_as_written_and_only_for_what_they_were_made_of(tmp_path: Path) -> None:
    path, made = tmp_path / "some" / "sft.jsonl.gz", [mark(), mark(BROKEN)]
    write_marks(path, {"adapter": "x", "worlds": (1, 2)}, {"date": "today"}, made)
    assert read_marks(path, {"adapter": "x", "worlds": (1, 2)}) == ({"date": "today"}, made)
    assert read_marks(path, {"adapter": "y", "worlds": (1, 2)}) is None
    assert read_marks(tmp_path / "none.jsonl.gz", {}) is None
    before = path.read_bytes()
    write_marks(path, {"adapter": "x", "worlds": (1, 2)}, {"date": "today"}, made)
    assert path.read_bytes() == before, "the same marks are the same bytes"


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[: len(whole) // 2], lambda whole: b"no gzip", lambda whole: b""]
)
def test_damaged_marks_are_told_and_not_taken_for_none(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "sft.jsonl.gz"
    write_marks(path, {}, {}, [mark()])
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadInput, match=r"sft\.jsonl\.gz holds no marks .*take it away"):
        read_marks(path, {})


def test_a_variant_does_not_differ_from_itself_and_a_better_one_does() -> None:
    weak, strong = many(np.random.default_rng(1), 0.5), many(np.random.default_rng(1), 4.0)
    for name in ("judge.f1", "judge.distractors", "answer.em"):
        same = difference(weak, weak, name)
        assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    assert difference(strong, weak, "judge.f1").low > 0
    assert difference(strong, weak, "judge.distractors").high < 0, "fewer of them"
    with pytest.raises(ValueError, match="100 and 1 questions"):
        difference(weak, Marked.of([mark()]), "answer.em")


def test_distractors_are_counted_at_the_threshold_that_keeps_the_evidence() -> None:
    marked = many(np.random.default_rng(2), 1.0)
    gold = np.sort(marked.p_keep[marked.gold])
    bar = gold[int((1 - KEEPING) * (len(gold) - 1))]
    assert (gold >= bar).mean() >= KEEPING
    expected = (marked.p_keep[~marked.gold] >= bar).mean()
    assert distractors(marked, np.arange(marked.size)) == pytest.approx(expected)


def test_answers_from_several_documents_count_by_themselves() -> None:
    right, wrong = mark(), mark(replace(RIGHT, answer="blue"))
    two_gold = ((0.9, True), (0.8, True), (0.1, False))
    from_two = [replace(one, brought=two_gold) for one in (right, wrong, wrong)]
    marked = Marked.of([right, wrong, *from_two])
    assert figure(marked, "answer.one").value == 0.5
    assert figure(marked, "answer.several").value == pytest.approx(1 / 3)
    assert figure(Marked.of([right, wrong]), "answer.several").value == 0.0


@pytest.mark.parametrize("name", list(FIGURES))
def test_every_figure_lies_in_its_interval(name: str) -> None:
    found = figure(many(np.random.default_rng(3), 1.0), name)
    assert found.low <= found.value <= found.high


def ablation(base: Path, tmp_path: Path) -> Ablation:
    """Two variants of one adapter, one that nobody has trained, and one that is not shipped yet."""
    adapter = base.parent / "sft"
    return Ablation(
        base=base,
        worlds=(9_402,),
        entities=12,
        questions=6,
        runs=tmp_path / "runs",
        marks=tmp_path / "marks",
        results=tmp_path / "docs" / "results.json",
        variants={
            "one": Variant(adapter=adapter, says="an adapter"),
            "two": Variant(adapter=adapter, says="again"),
            "later": Variant(adapter=tmp_path / "later", says="untrained", trained="training.sft --no_such_flag 1"),
            "shipped": Variant(adapter=tmp_path / "none", says="to be shipped one day"),
        },
        comparisons=(
            Comparison(ours="one", theirs="two", by=("judge.f1", "answer.em")),
            Comparison(ours="one", theirs="later", by=("judge.f1",)),
        ),
        shown=("one", "two"),
    )


def test_variants_are_marked_compared_and_told(random_checkpoint: Path, tmp_path: Path) -> None:
    config = ablation(random_checkpoint, tmp_path)
    found = ablate(config, ["one"])
    assert (list(found["variants"]), found["comparisons"]) == (["one"], [])
    assert found["made"]["lacking"] == ["two", "later", "shipped"]
    found = ablate(config, ["two"])
    assert list(found["variants"]) == ["one", "two"], "the table tells of all that have marks"
    assert found["changed"] == {"before": "one", "after": "two", "won": 0, "lost": 0, "examples": []}
    assert json.loads(config.results.read_text()) == found
    (compared,) = found["comparisons"]
    assert compared["judge.f1"] == {"value": 0.0, "ci95": [0.0, 0.0]}
    assert found["made"]["questions"] == 6
    told = config.results.with_suffix(".md").read_text()
    assert "| one against two | answer of the whole pipeline, exact match | +0.000 [+0.000, +0.000] |" in told
    assert "Not marked yet: later, shipped." in told
    marks = config.marks / "one.jsonl.gz"
    before = marks.stat().st_mtime_ns
    assert ablate(config, ["one"])["variants"] == found["variants"]
    assert marks.stat().st_mtime_ns == before, "marked once"


def test_a_table_is_made_of_marks_without_training_what_they_are_of(random_checkpoint: Path, tmp_path: Path) -> None:
    config = ablation(random_checkpoint, tmp_path)
    write_marks(config.marks / "later.jsonl.gz", config.made_of("later"), MADE, [mark()] * 6)
    assert ablate(config, ["later"])["variants"]["later"]["answer.em"]["value"] == 1.0
    other = config.variants["later"].model_copy(update={"trained": "training.sft --no_such_flag 2"})
    changed = config.model_copy(update={"variants": {**config.variants, "later": other}})
    with pytest.raises(CheckpointError, match="training later failed"):
        ablate(changed, ["later"])


def test_what_changed_is_counted_whole_and_shown_in_part() -> None:
    wrong = mark(replace(RIGHT, answer="blue"))
    before, after = [wrong] * 5 + [mark()] * 4, [mark()] * 5 + [mark()] * 3 + [wrong]
    found = changed(before, after, 2, 0)
    assert (found["won"], found["lost"], len(found["examples"])) == (5, 1, 2)
    told = found["examples"][0]
    assert (told["asked"], told["gold"]) == ("Which?", "red")
    assert {told["before"]["right"], told["after"]["right"]} == {True, False}
    assert told["after"]["kept"] == {"gold": 1, "others": 0}


SFT = (
    "training.sft --base {base} --worlds 1 --entities 12 --judged 2 --ranked 2 --composed 0 --absent 0 --rank 2 "
    "--batch 2 --reasoned false --out {{adapter}} --runs {{runs}}"
)


def test_a_variant_is_trained_once_and_again_when_its_settings_change(random_checkpoint: Path, tmp_path: Path) -> None:
    settings = tmp_path / "sft.yaml"
    settings.write_text("epochs: 1\n")
    silent = Variant(
        adapter=tmp_path / "silent",
        says="no reasoning",
        trained=f"{SFT.format(base=random_checkpoint)} --config {settings}",
    )
    train_missing("silent", {"silent": silent}, random_checkpoint, tmp_path / "runs")
    weights = silent.adapter / "adapter_model.safetensors"
    first = weights.stat().st_mtime_ns
    settings.write_text("epochs: 1  # said otherwise\n")
    train_missing("silent", {"silent": silent}, random_checkpoint, tmp_path / "runs")
    assert weights.stat().st_mtime_ns == first, "trained once"
    settings.write_text("epochs: 2\n")
    train_missing("silent", {"silent": silent}, random_checkpoint, tmp_path / "runs")
    assert weights.stat().st_mtime_ns != first
    assert json.loads((silent.adapter / "card.json").read_text())["config"]["epochs"] == 2


def test_what_a_variant_goes_on_from_is_trained_before_it(random_checkpoint: Path, tmp_path: Path) -> None:
    broken = Variant(adapter=tmp_path / "x", says="", trained="training.sft --no_such_flag 1 --out {adapter}")
    onward = Variant(adapter=tmp_path / "y", says="", trained="training.stage1 --start {start}", start=broken.adapter)
    variants = {"y": onward, "x": broken}
    with pytest.raises(CheckpointError, match="training x failed"):
        train_missing("y", variants, random_checkpoint, tmp_path / "runs")
    before = made_from("y", variants, random_checkpoint)
    other = broken.model_copy(update={"trained": "training.sft --no_such_flag 2"})
    assert made_from("y", {**variants, "x": other}, random_checkpoint) != before


def test_a_training_that_fails_is_told_and_nothing_is_compared(random_checkpoint: Path, tmp_path: Path) -> None:
    broken = Variant(adapter=tmp_path / "x", says="", trained="training.sft --no_such_flag 1 --out {adapter}")
    with pytest.raises(CheckpointError, match="training x failed"):
        train_missing("x", {"x": broken}, random_checkpoint, tmp_path / "runs")
    with pytest.raises(ValueError, match="no command of this project"):
        Variant(adapter=tmp_path, says="", trained="rm -rf {adapter}")


def test_the_shipped_comparison_reads_and_every_variant_follows_what_it_starts_from() -> None:
    config = Ablation(**yaml.safe_load((ROOT / "training/configs/ablation.yaml").read_text()))
    made: set[Path] = set()
    for variant in config.variants.values():
        assert variant.start is None or variant.start in made
        made.add(variant.adapter)
    compared = {name for one in config.comparisons for name in (one.ours, one.theirs)}
    assert compared | {"sft-silent"} == set(config.variants)
    assert {key for one in config.comparisons for key in one.by} <= set(FIGURES)


def test_a_variant_that_was_not_trained_is_named(random_checkpoint: Path, tmp_path: Path) -> None:
    missing = Variant(adapter=tmp_path / "stage9", says="nothing")
    config = Ablation(
        base=random_checkpoint,
        worlds=(1,),
        runs=tmp_path,
        marks=tmp_path,
        results=tmp_path / "r.json",
        variants={"x": missing},
    )
    with pytest.raises(CheckpointError, match="stage9"):
        ablate(config)


def test_a_variant_that_is_not_in_the_configuration_is_named() -> None:
    whole = Ablation(**yaml.safe_load((ROOT / "training/configs/ablation.yaml").read_text("utf-8")))
    with pytest.raises(UnknownId, match="no variant 'stage9': choose among sft"):
        ablate(whole, ["stage9"])
