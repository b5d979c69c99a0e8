"""A reward with what it is made of, so that a run, an evaluation and a reader see the same parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """Named components, each in [0, 1], and the reward that they make, in [0, 1]."""

    components: Mapping[str, float]
    total: float

    @classmethod
    def of(cls, components: Mapping[str, float], weights: Mapping[str, float]) -> Score:
        """The mean of the components by weight; a component of weight 0 is told and does not count.

        >>> Score.of({"ranking": 1.0, "answer": 0.5}, {"ranking": 1.0, "answer": 3.0}).total
        0.625
        """
        total = sum(weights[name] * value for name, value in components.items())
        return cls(dict(components), round(total / sum(weights.values()), 6))
