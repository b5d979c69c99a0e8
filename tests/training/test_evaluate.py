"""Contract of training.evaluate: the shape of its figures, fair samples, and the same numbers for the same seed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mmrag.policy.grammar import NOT_FOUND
from mmrag.session import Session
from mmrag.settings import Settings
from mmrag.types import Question, Ranking, Step
from training import evaluate
from training.outcomes import Judged, Outcome, balanced_pair, given_documents

NAMES = tuple("abcdefghij")
ANSWERABLE = Question("q1", "Which?", ("oak", "elm"), evidence=("a", "b"), negatives=("c", "d"), type="ImageListQ")
ABSENT = Question("q2", "Which?", (NOT_FOUND,), negatives=("c", "d", "e", "f", "g", "h"))
RIGHT = Step("Which?", shown=("a", "b", "c"), ranking=Ranking(("b", "a")), answer="elm, oak", raw="…")
SAID_NO = Step("Which?", answer=NOT_FOUND)


def outcome(question: Question, step: Step) -> Outcome:
    p_keep = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.1}
    pair = ("a", "d") if question.evidence else ()
    return Outcome(question, Judged(("a", "c", "b"), ("a", "c", "b"), pair, p_keep, step.shown), step, step)


def figures(report: Any) -> Iterator[Any]:
    if isinstance(report, dict):
        if "value" in report:
            yield report
        else:
            for part in report.values():
                yield from figures(part)


def test_right_answers_score_one_and_refusing_rightly_is_right() -> None:
    report = evaluate.report([outcome(ANSWERABLE, RIGHT), outcome(ABSENT, SAID_NO)], {"total": [0.5, 1.5]})
    assert report["n"] == 2
    for part, name in (("listwise", "em"), ("listwise", "ndcg"), ("answer", "f1"), ("rank", "mrr"), ("judge", "f1")):
        assert report[part][name] == {"value": 1.0, "ci95": [1.0, 1.0]}
    for part in ("listwise", "answer"):
        assert report[part]["by_type"]["ImageListQ"]["em"]["value"] == 1
    assert report["retrieval"]["recall@1"]["all"]["value"] == 0.5  # of the one answerable question's two
    assert report["judge"]["retrieved"]["precision"]["value"] == pytest.approx(2 / 6, abs=1e-4)  # kept, gold among them
    assert report["latency"]["total"]["p50"]["value"] == 1.0
    assert report["retrieval"]["recall@12"]["with_picture"] is None


def test_a_balanced_pair_is_one_gold_and_one_hard_negative_or_nothing() -> None:
    gold, negative = balanced_pair(ANSWERABLE, seed=1)
    assert gold in ANSWERABLE.evidence
    assert negative in ANSWERABLE.negatives
    assert balanced_pair(ABSENT, seed=1) == ()


@pytest.mark.parametrize("seed", range(8))
def test_five_documents_are_given_with_all_gold_among_them_in_seeded_order(seed: int) -> None:
    given = given_documents(ANSWERABLE, NAMES, seed)
    assert len(set(given)) == len(given) == 5
    assert {"a", "b", "c", "d"} <= set(given)  # gold and hard negatives come before others
    assert given == given_documents(ANSWERABLE, NAMES, seed)
    assert set(given_documents(ABSENT, NAMES, seed)) <= set(ABSENT.negatives)


def test_the_whole_run_gives_every_figure_with_its_interval(session: Session) -> None:
    report = evaluate.evaluate(session, "sft", Settings(max_new_tokens=6), count=None, seed=0)
    assert report["n"] == 4
    assert report["stage"] == "sft"
    found = list(figures(report))
    assert len(found) > 40
    assert all(one["ci95"][0] <= one["value"] <= one["ci95"][1] for one in found)
    assert report["parse_rate"]["value"] == 0  # a random model's
    assert set(report["latency"]) == {"retrieve", "judge", "answer", "total"}
    assert json.loads(json.dumps(report)) == report
