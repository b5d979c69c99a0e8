"""How good yes-or-no verdicts are: precision, recall and F1 of "keep"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating[Any]] | NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Counts:
    """The verdicts on one question's documents, counted."""

    true_keep: int
    false_keep: int
    false_drop: int

    @classmethod
    def of(cls, verdicts: Iterable[tuple[bool, bool]]) -> Counts:
        """Counts of pairs (kept, relevant)."""
        pairs = list(verdicts)
        return cls(pairs.count((True, True)), pairs.count((True, False)), pairs.count((False, True)))


def precision(true_keep: Numbers, false_keep: Numbers, false_drop: Numbers, axis: int = -1) -> Any:
    """The share of kept documents that are relevant, counts summed along `axis` (micro); 0 if none was kept."""
    return _share(true_keep.sum(axis), (true_keep + false_keep).sum(axis))


def recall(true_keep: Numbers, false_keep: Numbers, false_drop: Numbers, axis: int = -1) -> Any:
    """The share of relevant documents that were kept, counts summed along `axis` (micro); 0 if none is relevant."""
    return _share(true_keep.sum(axis), (true_keep + false_drop).sum(axis))


def f1(true_keep: Numbers, false_keep: Numbers, false_drop: Numbers, axis: int = -1) -> Any:
    """The harmonic mean of `precision` and `recall`; 0 if both are."""
    return _share(2 * true_keep.sum(axis), (2 * true_keep + false_keep + false_drop).sum(axis))


def _share(part: Any, whole: Any) -> Any:
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) > 0)
