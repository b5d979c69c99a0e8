"""A figure and how sure it is: 95 % intervals by SciPy's bootstrap (percentiles), seeded.

What is resampled is the question, so figures that several documents of one question share stay honest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import bootstrap

RESAMPLES = 2_000
_BATCH = 100  # resamples held in memory at a time


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | list[float]]:
        """The form in which every figure is reported."""
        return {"value": round(self.value, 4), "ci95": [round(self.low, 4), round(self.high, 4)]}


def mean(values: Sequence[float], seed: int = 0) -> Estimate:
    """The mean of one value a question.

    Raises:
        ValueError: there are no values.
    """
    return estimate(lambda sample, axis=-1: np.mean(sample, axis=axis), values, seed=seed)


def paired_difference(ours: Sequence[float], theirs: Sequence[float], seed: int = 0) -> Estimate:
    """The mean of `ours - theirs`, two systems' values on the same questions in the same order.

    Raises:
        ValueError: the sequences are empty or of different lengths.
    """
    return mean([one - other for one, other in zip(ours, theirs, strict=True)], seed)


def estimate(statistic: Callable[..., Any], *samples: Sequence[float], seed: int = 0) -> Estimate:
    """Any statistic of aligned samples, one entry a question: `statistic(*arrays, axis=-1)` must be vectorised.

    Raises:
        ValueError: there are no values.
    """
    arrays = [np.asarray(sample) for sample in samples]
    if not arrays[0].size:
        raise ValueError("there are no values to estimate from: give at least one")
    value = float(statistic(*arrays, axis=-1))
    if arrays[0].size == 1:
        return Estimate(value, value, value)
    interval = bootstrap(
        arrays, statistic, n_resamples=RESAMPLES, batch=_BATCH, paired=True, vectorized=True, method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return Estimate(value, float(interval.low), float(interval.high))
