"""How good a stage is on a collection whose questions have gold: one JSON object on standard output.

    python -m training.world --seed 4242 --entities 60 --questions 300 --out DIR
    python -m training.evaluate --collection DIR --stage sft --json [--questions N] [--seed S]

Every figure is {"value": v, "ci95": [low, high]}, a bootstrap over questions. Answers are scored as MultimodalQA does
(`mmrag.metrics.list_em`, `list_f1`). Two settings are told apart: `judge` and `listwise` are given their documents
(balanced pairs; gold evidence among five), `judge.retrieved`, `rank` and `answer` take what retrieval brings. Latency
is measured on its own, on questions asked one at a time as a person asks them.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmrag import metrics
from mmrag.errors import BadCollection, MmragError
from mmrag.session import Session, open_collection, open_session
from mmrag.settings import POLICY, WORLD, Settings
from mmrag.types import Phase, Question, Step
from training.outcomes import DEPTHS, VERDICT, Evaluation, Outcome, scored
from training.progress import speak, watched

TIMED = 16  # questions asked one at a time


def report(
    outcomes: Sequence[Outcome], seconds: Mapping[str, Sequence[float]], threshold: float = Settings().threshold
) -> dict[str, Any]:
    """Every figure, in the form that the issue tracker and the model card quote."""
    written = [step for one in outcomes for step in (one.given, one.whole) if step.raw]
    pairs = [one.judged.counts(one.judged.pair, one.question.evidence, VERDICT) for one in outcomes if one.judged.pair]
    brought = [one.judged.counts(one.judged.brought, one.question.evidence, threshold) for one in outcomes]
    return {
        "n": len(outcomes),
        "retrieval": {f"recall@{k}": recalls(outcomes, k) for k in DEPTHS},
        "judge": {**judging(pairs), "retrieved": judging(brought)},
        "listwise": {
            **scores(outcomes, lambda one: one.given, ("em", "f1", "evidence_f1", "ndcg")),
            "by_type": grouped(outcomes, lambda one: one.given, lambda q: q.type),
        },
        "rank": scores(outcomes, lambda one: one.whole, ("ndcg", "mrr", "evidence_f1")),
        "answer": {
            **scores(outcomes, lambda one: one.whole, ("em", "f1")),
            "by_category": grouped(outcomes, lambda one: one.whole, lambda q: q.category),
            "by_type": grouped(outcomes, lambda one: one.whole, lambda q: q.type),
        },
        "parse_rate": figure([float(step.malformed is None) for step in written]),
        "latency": {
            stage: {f"p{share}": quantile(values, share) for share in (50, 95)} for stage, values in seconds.items()
        },
    }


def recalls(outcomes: Sequence[Outcome], k: int) -> dict[str, Any]:
    """Recall at `k` of answerable questions: of all, in words and with a picture, and by type."""
    found = [one for one in outcomes if one.question.evidence]

    def mean(chosen: Iterable[Outcome]) -> dict[str, Any]:
        return figure([metrics.recall_at(k, one.judged.retrieved, one.question.evidence) for one in chosen])

    return {
        "all": mean(found),
        "in_words": mean(one for one in found if one.question.image is None),
        "with_picture": mean(one for one in found if one.question.image is not None),
        "by_type": {name: mean(part) for name, part in groups(found, lambda q: q.type)},
    }


def judging(counts: Sequence[metrics.Counts]) -> dict[str, Any]:
    """Precision, recall and F1 over all documents, resampled by question."""
    columns = [[getattr(one, name) for one in counts] for name in ("true_keep", "false_keep", "false_drop")]
    scores = {"precision": metrics.precision, "recall": metrics.recall, "f1": metrics.f1}
    return {name: metrics.estimate(score, *columns).to_dict() if counts else None for name, score in scores.items()}


def scores(outcomes: Sequence[Outcome], step: Callable[[Outcome], Step], names: Sequence[str]) -> dict[str, Any]:
    """The means of what `outcomes.scored` tells of a step."""
    found = [scored(step(one), one.question) for one in outcomes]
    return {name: figure([one[name] for one in found]) for name in names}


def grouped(
    outcomes: Sequence[Outcome], step: Callable[[Outcome], Step], key: Callable[[Question], str]
) -> dict[str, Any]:
    """How good the answers are by a property of the question."""
    return {name: {"n": len(part), **scores(part, step, ("em", "f1"))} for name, part in groups(outcomes, key)}


def groups(outcomes: Sequence[Outcome], key: Callable[[Question], str]) -> Iterator[tuple[str, list[Outcome]]]:
    """Outcomes under each value of `key`, in alphabetical order."""
    for name in sorted({key(one.question) for one in outcomes}):
        yield name, [one for one in outcomes if key(one.question) == name]


def figure(values: Sequence[float]) -> dict[str, Any] | None:
    """The mean with its interval; None where there is nothing to average."""
    return metrics.mean(values).to_dict() if values else None


def quantile(values: Sequence[float], share: int) -> dict[str, Any]:
    """A percentile with its interval."""
    return metrics.estimate(lambda sample, axis=-1: np.percentile(sample, share, axis=axis), values).to_dict()


def evaluate(session: Session, stage: str, settings: Settings, count: int | None, seed: int) -> dict[str, Any]:
    """All figures of `stage` on `count` questions (all if None) of the session's collection.

    Raises:
        BadCollection: it has no questions.
        UnknownId: there is no such stage.
    """
    questions = list(session.opened.collection.questions)
    if not questions:
        raise BadCollection(f"{session.opened.title!r} has no questions.jsonl, so there is no gold: add the file")
    random.Random(seed).shuffle(questions)
    session.use(stage)
    outcomes = Evaluation(session.opened, session.policy, settings, seed).run(questions[:count])
    seconds = timed(session, questions[: min(TIMED, len(outcomes))], stage, settings)
    about = {"stage": stage, "seed": seed, "model": session.describe().to_dict(), "scorer": "MultimodalQA"}
    return {**report(outcomes, seconds, settings.threshold), **about}


def timed(session: Session, questions: Sequence[Question], stage: str, settings: Settings) -> dict[str, list[float]]:
    """Seconds by stage, and in all, of questions asked one at a time."""
    found: dict[str, list[float]] = {}
    for question in watched(questions, "Timing", len(questions)):
        query = session.opened.collection.query(question)
        (done,) = (t for t in session.ask(query, stage, settings) if t.phase is Phase.DONE)
        taken = {timing.stage: timing.seconds for timing in done.timings}
        for name, value in (taken | {"total": sum(taken.values())}).items():
            found.setdefault(name, []).append(value)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Read flags, evaluate, print; 0, or 2 after one line on standard error."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description="How good a stage is.")
    parser.add_argument("--collection", type=Path, default=WORLD, help="a folder with gold questions")
    parser.add_argument("--stage", default="sft", help="an adapter, or base")
    parser.add_argument("--checkpoint", default=str(POLICY), help="a folder, or a hub id")
    parser.add_argument("--questions", type=int, default=None, help="how many to ask; all by default")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of questions and documents")
    parser.add_argument("--json", action="store_true", help="on one line")
    flags = parser.parse_args(arguments)
    speak()
    try:
        session = open_session(open_collection(flags.collection), checkpoint=flags.checkpoint)
        figures = evaluate(session, flags.stage, Settings(), flags.questions, flags.seed)
    except MmragError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(figures, indent=None if flags.json else 1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
