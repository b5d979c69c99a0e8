"""The rewards as TRL asks for them: one function of a batch for each component of each kind of row.

Ours. What they tell is what `training.rewards` makes of a single completion, so a run's log, its evaluation and its
table of samples agree.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from mmrag.types import Question
from training.rewards import Score, judged, pointwise, ranked
from training.start import StageConfig

RewardFunction = Callable[..., list[float | None]]


def rewards(config: StageConfig) -> tuple[list[RewardFunction], list[float]]:
    """One function for each component of each kind of row, and its share of the reward."""
    weights = config.weights
    named = [(kind, name, weight) for kind, some in weights.items() for name, weight in some.items()]
    functions = [component(kind, name, config.kept) for kind, name, _ in named]
    return functions, [weight / sum(weights[kind].values()) for kind, _, weight in named]


def component(of: str, name: str, kept: float = pointwise.KEPT) -> RewardFunction:
    """TRL's reward function of one component; None for rows of the other kind."""

    def reward(
        completions: Sequence[list[dict[str, str]]],
        question: Sequence[str],
        shown: Sequence[list[str]],
        wanted: Sequence[bool | None],
        kind: Sequence[str],
        **_: Any,
    ) -> list[float | None]:
        rows = zip(completions, question, shown, wanted, kind, strict=True)
        return [
            _score(written[0]["content"], asked, tuple(ids), gold, one, kept).components[name] if one == of else None
            for written, asked, ids, gold, one in rows
        ]

    reward.__name__ = f"{of}_{name}"
    return reward


def score(text: str, row: Mapping[str, Any], config: StageConfig) -> Score:
    """The worth of what was written for a row."""
    found = _score(text, row["question"], tuple(row["shown"]), row["wanted"], row["kind"], config.kept)
    return Score.of(found.components, config.weights[row["kind"]])


@lru_cache(4096)  # every component of one completion asks anew
def _score(text: str, question: str, shown: tuple[str, ...], wanted: bool | None, kind: str, kept: float) -> Score:
    if kind == "judged":
        return judged(text, bool(wanted), kept=kept)
    return ranked(text, Question.from_dict(json.loads(question)), shown)
