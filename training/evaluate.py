"""How good a stage is on a collection whose questions have gold: one JSON object on standard output.

    python -m training.world --seed 4242 --entities 60 --questions 300 --out DIR
    python -m training.evaluate --collection DIR --stage sft --json [--questions N] [--seed S]

Every figure is {"value": v, "ci95": [low, high]}, a bootstrap over questions. Answers are scored as MultimodalQA does
(`mmrag.metrics.list_em`, `list_f1`). Two settings are told apart: `judge` and `listwise` are given their documents
(balanced pairs; gold evidence among five), `judge.retrieved`, `rank` and `answer` take what retrieval brings.

Ours, so that it is quick: questions are answered in batches, with the same prompts, rules and grammar as in use.
Latency is measured on its own, on questions asked one at a time as a person asks them.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track

from mmrag import metrics
from mmrag.errors import BadCollection, MmragError
from mmrag.policy.prompts import Prompt, Shown, rank_prompt
from mmrag.session import Session, open_collection, open_session
from mmrag.settings import POLICY, WORLD, Settings
from mmrag.systems.judge import keep, kept
from mmrag.systems.rank import finished, nothing_kept
from mmrag.types import Phase, Query, Question, Step

SHOWN = 5  # documents that the list-wise stage is given
TOGETHER = 24  # questions whose answers are written at once
TIMED = 16  # questions asked one at a time
DEPTHS = (1, 5, 12)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question. `given` is the list-wise stage alone; `whole` the pipeline, from retrieval on."""

    question: Question
    retrieved: tuple[str, ...]
    pair: metrics.Counts
    brought: metrics.Counts
    given: Step
    whole: Step


class Evaluation:
    """Runs one stage of one model over one collection's questions, a few at a time."""

    def __init__(self, session: Session, settings: Settings, seed: int) -> None:
        self.session, self.settings, self.seed = session, settings, seed
        self.documents = session.opened.collection.documents
        # Pictures that are the same object are seen by the model once, however many prompts show them.
        self.picture: Callable[[str], Image.Image | None] = lru_cache(1024)(session.opened.picture)

    def run(self, questions: Sequence[Question]) -> list[Outcome]:
        """The outcome of every question, with progress on standard error."""
        parts = [questions[start : start + TOGETHER] for start in range(0, len(questions), TOGETHER)]
        console = Console(file=sys.stderr)
        return [one for part in track(parts, "Evaluating", console=console) for one in self.together(part)]

    def together(self, questions: Sequence[Question]) -> list[Outcome]:
        """Outcomes of questions whose answers are written in one batch."""
        queries = [self.session.opened.collection.query(question) for question in questions]
        judged = [self.judge(question, query) for question, query in zip(questions, queries, strict=True)]
        given = [Step(q.question, shown=given_documents(q, tuple(self.documents), self.seed)) for q in questions]
        whole = [Step(q.question, shown=one.kept) for q, one in zip(questions, judged, strict=True)]
        steps = self.answer([*queries, *queries], [*given, *whole])
        halves = zip(questions, judged, steps[: len(questions)], steps[len(questions) :], strict=True)
        return [Outcome(q, one.retrieved, one.pair, one.brought, alone, last) for q, one, alone, last in halves]

    def judge(self, question: Question, query: Query) -> Judged:
        """Judge what retrieval brings and a balanced pair, all in one batch."""
        pair = balanced_pair(question, self.seed)
        hits = self.session.opened.search(query, max(self.settings.retrieve, *DEPTHS))
        retrieved = tuple(hit.document.id for hit in hits)
        brought = retrieved[: self.settings.retrieve]
        names = tuple(dict.fromkeys((*brought, *pair)))
        judgements = dict(zip(names, self.session.policy.judge(query, self.shown(names)), strict=True))
        verdicts = keep({name: judgements[name] for name in brought}, self.settings.threshold, self.settings.top_k)

        def counts(judged: Iterable[str]) -> metrics.Counts:
            bar = self.settings.threshold
            return metrics.Counts.of((judgements[name].p_keep >= bar, name in question.evidence) for name in judged)

        return Judged(retrieved, kept(verdicts), counts(pair), counts(brought))

    def answer(self, queries: Sequence[Query], steps: Sequence[Step]) -> list[Step]:
        """Each step finished: by the model where documents are shown, else by the rule for nothing kept."""
        asked = [(query, step) for query, step in zip(queries, steps, strict=True) if step.shown]
        prompts: list[Prompt] = [rank_prompt(query, self.shown(step.shown)) for query, step in asked]
        texts = iter(self.session.policy.generate_all(prompts, self.settings.max_new_tokens))
        return [finished(step, next(texts)) if step.shown else nothing_kept(step) for step in steps]

    def shown(self, names: Iterable[str]) -> tuple[Shown, ...]:
        """Documents by id, with their pictures."""
        return tuple(Shown(self.documents[name], self.picture(name)) for name in names)

    def seconds(self, questions: Sequence[Question], stage: str) -> dict[str, list[float]]:
        """Seconds by stage, and in all, of questions asked one at a time."""
        found: dict[str, list[float]] = {}
        for question in track(questions, "Timing", console=Console(file=sys.stderr)):
            query = self.session.opened.collection.query(question)
            (done,) = (t for t in self.session.ask(query, stage, self.settings) if t.phase is Phase.DONE)
            taken = {timing.stage: timing.seconds for timing in done.timings}
            for name, value in (taken | {"total": sum(taken.values())}).items():
                found.setdefault(name, []).append(value)
        return found


@dataclass(frozen=True, slots=True)
class Judged:
    """What the judge made of one question's documents."""

    retrieved: tuple[str, ...]
    kept: tuple[str, ...]
    pair: metrics.Counts
    brought: metrics.Counts


def balanced_pair(question: Question, seed: int) -> tuple[str, ...]:
    """One gold document and one hard negative; nothing where the question lacks either."""
    rng = random.Random(f"{seed}/pair/{question.id}")
    if not question.evidence or not question.negatives:
        return ()
    return rng.choice(question.evidence), rng.choice(question.negatives)


def given_documents(question: Question, documents: Sequence[str], seed: int) -> tuple[str, ...]:
    """All evidence among hard negatives (and others, if these are few), `SHOWN` in all, in random order."""
    rng = random.Random(f"{seed}/shown/{question.id}")
    gold = dict.fromkeys(question.evidence)
    near = [name for name in rng.sample(question.negatives, len(question.negatives)) if name not in gold]
    others = rng.sample(documents, min(len(documents), 2 * SHOWN))
    chosen = list(dict.fromkeys([*gold, *near, *others]))[: max(SHOWN, len(gold))]
    rng.shuffle(chosen)
    return tuple(chosen)


def report(outcomes: Sequence[Outcome], seconds: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Every figure, in the form that the issue tracker and the model card quote."""
    written = [step for one in outcomes for step in (one.given, one.whole) if step.raw]
    return {
        "n": len(outcomes),
        "retrieval": {f"recall@{k}": recalls(outcomes, k) for k in DEPTHS},
        "judge": {**judging([one.pair for one in outcomes]), "retrieved": judging([one.brought for one in outcomes])},
        "listwise": {
            **answers(outcomes, lambda one: one.given),
            **rankings(outcomes, lambda one: one.given, ("evidence_f1", "ndcg")),
            "by_type": grouped(outcomes, lambda one: one.given, lambda q: q.type),
        },
        "rank": rankings(outcomes, lambda one: one.whole, ("ndcg", "mrr", "evidence_f1")),
        "answer": {
            **answers(outcomes, lambda one: one.whole),
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
        return figure([metrics.recall_at(k, one.retrieved, one.question.evidence) for one in chosen])

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
    return {name: metrics.estimate(score, *columns).to_dict() for name, score in scores.items()}


def answers(outcomes: Sequence[Outcome], step: Callable[[Outcome], Step]) -> dict[str, Any]:
    """Exact match and F1 of the answers; a missing one scores 0."""
    pairs = [(metrics.as_list(step(one).answer or ""), gold_answer(one.question)) for one in outcomes]
    return {
        "em": figure([metrics.list_em(ours, gold) for ours, gold in pairs]),
        "f1": figure([metrics.list_f1(ours, gold) for ours, gold in pairs]),
    }


def rankings(outcomes: Sequence[Outcome], step: Callable[[Outcome], Step], names: Sequence[str]) -> dict[str, Any]:
    """Figures of the model's ranking against the gold evidence; malformed output scores 0."""
    scores: dict[str, Callable[[tuple[str, ...], tuple[str, ...]], float]] = {
        "ndcg": metrics.ndcg,
        "mrr": metrics.reciprocal_rank,
        "evidence_f1": metrics.evidence_f1,
    }

    def value(name: str, one: Outcome) -> float:
        made = step(one)
        order = made.ranking.order if made.ranking is not None else ()
        return 0.0 if made.malformed is not None else scores[name](order, one.question.evidence)

    return {name: figure([value(name, one) for one in outcomes]) for name in names}


def grouped(
    outcomes: Sequence[Outcome], step: Callable[[Outcome], Step], key: Callable[[Question], str]
) -> dict[str, Any]:
    """How good the answers are by a property of the question."""
    return {name: {"n": len(part), **answers(part, step)} for name, part in groups(outcomes, key)}


def groups(outcomes: Sequence[Outcome], key: Callable[[Question], str]) -> Iterator[tuple[str, list[Outcome]]]:
    """Outcomes under each value of `key`, in alphabetical order."""
    for name in sorted({key(one.question) for one in outcomes}):
        yield name, [one for one in outcomes if key(one.question) == name]


def gold_answer(question: Question) -> tuple[str, ...]:
    """The gold's items, split as a prediction is."""
    return metrics.as_list(", ".join(question.answers))


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
    run = Evaluation(session, settings, seed)
    outcomes = run.run(questions[:count])
    seconds = run.seconds(questions[: min(TIMED, len(outcomes))], stage)
    about = {"stage": stage, "seed": seed, "model": session.describe().to_dict(), "scorer": "MultimodalQA"}
    return {**report(outcomes, seconds), **about}


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
