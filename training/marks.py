"""What one variant earned on every question, kept on disk; and the figures that variants are compared by.

Ours. A figure is a function of which questions are counted, so that one bootstrap over questions gives its interval,
and the same resampled questions for two variants give the interval of their difference (paired).
"""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmrag import metrics
from mmrag.errors import BadInput
from mmrag.metrics.intervals import Estimate, estimate
from training.outcomes import VERDICT, Outcome, scored

KEEPING = 0.98  # the share of gold evidence that a judge's threshold is set to keep, when distractors are counted
Chosen = NDArray[np.integer[Any]]
Figure = Callable[["Marked", Chosen], Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """What came of one question: the pipeline's words, and everything else in numbers."""

    question: str
    type: str
    category: str
    asked: str
    gold: str
    wrote: str  # whole, as the model wrote it for the pipeline; empty where nothing was kept
    answer: str
    kept: tuple[bool, ...]  # of each document that the judge kept, whether it is gold
    given: Mapping[str, float]  # `outcomes.scored` of the list-wise stage, gold among five
    whole: Mapping[str, float]  # the same of the whole pipeline
    parsed: float
    tokens: int  # written for the pipeline's answer
    pair: tuple[tuple[float, bool], ...]  # P(keep), and whether it is gold, of the balanced pair
    brought: tuple[tuple[float, bool], ...]  # and of what retrieval brings

    @classmethod
    def of(cls, outcome: Outcome, count: Callable[[str], int]) -> Mark:
        """The marks of an outcome; `count` tells how many tokens a text has."""
        question, judged = outcome.question, outcome.judged
        pair, brought = (
            tuple((round(judged.p_keep[name], 6), name in question.evidence) for name in names)
            for names in (judged.pair, judged.brought)
        )
        parsed = float(outcome.given.malformed is None and outcome.whole.malformed is None)
        last = outcome.whole
        return cls(
            question=question.id,
            type=question.type,
            category=question.category,
            asked=question.question,
            gold=", ".join(question.answers),
            wrote=last.raw,
            answer=last.answer or "",
            kept=tuple(name in question.evidence for name in judged.kept),
            given=scored(outcome.given, question),
            whole=scored(last, question),
            parsed=parsed,
            tokens=count(last.raw) if last.raw else 0,
            pair=pair,
            brought=brought,
        )


@dataclass(frozen=True, eq=False)
class Marked:
    """All marks of a variant as arrays: N questions, K documents brought at most."""

    means: Mapping[str, NDArray[np.float64]]  # (N,) each
    counts: NDArray[np.int64]  # (3, N) true keeps, false keeps, false drops of the pairs at `VERDICT`
    p_keep: NDArray[np.float64]  # (N, K); NaN where fewer were brought
    gold: NDArray[np.bool_]  # (N, K)

    @classmethod
    def of(cls, marks: Sequence[Mark]) -> Marked:
        """The marks in columns."""
        means = {
            f"{part}.{name}": np.array([getattr(one, part)[name] for one in marks])
            for part in ("given", "whole")
            for name in ("em", "f1", "evidence_f1", "ndcg")
        }
        means["parsed"] = np.array([one.parsed for one in marks])
        means["tokens"] = np.array([float(one.tokens) for one in marks])
        counts = [metrics.Counts.of((p >= VERDICT, gold) for p, gold in one.pair) for one in marks]
        table = np.array([[one.true_keep, one.false_keep, one.false_drop] for one in counts]).T
        widest = max(len(one.brought) for one in marks)
        p_keep = np.full((len(marks), widest), np.nan)
        gold = np.zeros((len(marks), widest), dtype=bool)
        for row, one in enumerate(marks):
            p_keep[row, : len(one.brought)] = [p for p, _ in one.brought]
            gold[row, : len(one.brought)] = [wanted for _, wanted in one.brought]
        return cls(means, table, p_keep, gold)

    @property
    def size(self) -> int:
        """How many questions."""
        return len(self.p_keep)


def judging_f1(marked: Marked, chosen: Chosen) -> Any:
    """F1 of "keep" by the verdict, on balanced pairs."""
    return metrics.f1(*marked.counts[:, chosen], axis=-1)


def distractors(marked: Marked, chosen: Chosen) -> Any:
    """The share of retrieved distractors kept at the threshold that keeps `KEEPING` of the retrieved gold evidence."""
    p_keep, gold = marked.p_keep[chosen], marked.gold[chosen]  # (..., N, K)
    bar = np.nanquantile(np.where(gold, p_keep, np.nan), 1 - KEEPING, axis=(-2, -1), keepdims=True, method="lower")
    others = ~gold & ~np.isnan(p_keep)
    return (others & (p_keep >= bar)).sum((-2, -1)) / others.sum((-2, -1))


def mean_of(name: str) -> Figure:
    """The mean of a column."""
    return lambda marked, chosen: marked.means[name][chosen].mean(-1)


def answers(several: bool) -> Figure:
    """Exact match of the pipeline's answers where retrieval brings several gold documents, or where not; 0 if never."""

    def right(marked: Marked, chosen: Chosen) -> Any:
        counted = (marked.gold[chosen].sum(-1) > 1) == several
        return (counted * marked.means["whole.em"][chosen]).sum(-1) / np.maximum(counted.sum(-1), 1)

    return right


FIGURES: Mapping[str, tuple[str, Figure]] = {
    "judge.f1": ("judging balanced pairs, F1", judging_f1),
    "judge.distractors": (f"distractors kept where {KEEPING:.0%} of the evidence is", distractors),
    "listwise.em": ("answer from five documents, exact match", mean_of("given.em")),
    "listwise.evidence_f1": ("evidence ranked, gold among five, F1", mean_of("given.evidence_f1")),
    "answer.em": ("answer of the whole pipeline, exact match", mean_of("whole.em")),
    "answer.one": ("answer of the whole pipeline from one document at most, exact match", answers(several=False)),
    "answer.several": ("answer of the whole pipeline from several documents, exact match", answers(several=True)),
    "answer.f1": ("answer of the whole pipeline, F1", mean_of("whole.f1")),
    "rank.evidence_f1": ("evidence ranked by the whole pipeline, F1", mean_of("whole.evidence_f1")),
    "rank.ndcg": ("order of the whole pipeline, nDCG", mean_of("whole.ndcg")),
    "parsed": ("output that parses", mean_of("parsed")),
    "tokens": ("tokens written for an answer", mean_of("tokens")),
}


def figure(marked: Marked, name: str) -> Estimate:
    """A figure of a variant with its interval."""
    statistic = FIGURES[name][1]
    return estimate(lambda chosen, axis=-1: statistic(marked, chosen), range(marked.size))


def difference(ours: Marked, theirs: Marked, name: str) -> Estimate:
    """How much higher a figure is for `ours` than for `theirs`, on the same questions, with its interval.

    Raises:
        ValueError: they answered different numbers of questions.
    """
    if ours.size != theirs.size:
        raise ValueError(f"{ours.size} and {theirs.size} questions cannot be paired: mark both on the same ones")
    statistic = FIGURES[name][1]
    return estimate(lambda chosen, axis=-1: statistic(ours, chosen) - statistic(theirs, chosen), range(ours.size))


def changed(before: Sequence[Mark], after: Sequence[Mark], most: int, seed: int) -> dict[str, Any]:
    """How many questions one variant answers right and the other does not, and `most` of them drawn at random."""
    pairs = [(one, two) for one, two in zip(before, after, strict=True) if one.whole["em"] != two.whole["em"]]
    won = sum(two.whole["em"] > one.whole["em"] for one, two in pairs)
    drawn = random.Random(seed).sample(pairs, min(len(pairs), most))
    examples = [
        {"asked": one.asked, "type": one.type, "gold": one.gold, "before": _told(one), "after": _told(two)}
        for one, two in drawn
    ]
    return {"won": won, "lost": len(pairs) - won, "examples": examples}


def _told(mark: Mark) -> dict[str, Any]:
    gold = sum(mark.kept)
    return {
        "answer": mark.answer,
        "right": bool(mark.whole["em"]),
        "wrote": mark.wrote,
        "kept": {"gold": gold, "others": len(mark.kept) - gold},
    }


def write_marks(path: Path, made_of: Mapping[str, Any], made: Mapping[str, Any], marks: Iterable[Mark]) -> None:
    """One line that says what the marks depend on and how they were made, one for each question; renamed when whole.

    Compressed without a date, so that the same marks are the same bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"made_of": made_of, "made": made}), *(json.dumps(asdict(one)) for one in marks)]
    fresh = path.with_suffix(".writing")
    fresh.write_bytes(gzip.compress("\n".join([*lines, ""]).encode(), mtime=0))
    fresh.rename(path)


def read_marks(path: Path, made_of: Mapping[str, Any]) -> tuple[dict[str, Any], list[Mark]] | None:
    """How the marks of `path` were made, and they; None where there are none, or where they depend on something else.

    Raises:
        BadInput: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        first, *rest = (json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().splitlines())
        if first["made_of"] != json.loads(json.dumps(made_of)):
            return None
        return first["made"], [_mark(found) for found in rest]
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} holds no marks ({error}): take it away, and they are made anew") from None


def _mark(found: dict[str, Any]) -> Mark:
    pairs = {name: tuple((p, gold) for p, gold in found[name]) for name in ("pair", "brought")}
    return Mark(**{**found, **pairs, "kept": tuple(found["kept"])})
