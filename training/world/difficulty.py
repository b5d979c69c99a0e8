"""How hard a world is. The curriculum climbs these; the third, richest level is the one that ships."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from training.world.looks import KINDS


@dataclass(frozen=True, slots=True)
class Difficulty:
    """What a world may contain and what may be asked of it."""

    level: int
    kinds: tuple[str, ...]
    clutter: int  # things strewn about in a picture, at most
    fillers: int  # sentences in a passage that nobody asks about
    wordings: int  # of each question, at most
    hops: int  # 1: what one document answers; 2: questions over several documents too
    shares: Mapping[str, float]  # of each family of questions


_SINGLE = {"seeing": 0.46, "reading": 0.32, "tables": 0.22}
_ALL = {"composed": 0.11, "compared": 0.09, "pictures": 0.10, "unanswerable": 0.08}

LEVELS: Mapping[int, Difficulty] = {
    1: Difficulty(1, ("lighthouse", "chapel", "ferry", "sailboat", "inn sign", "shop"), 0, 0, 2, 1, _SINGLE),
    2: Difficulty(
        2,
        ("lighthouse", "chapel", "windmill", "ferry", "sailboat", "inn sign", "shop", "fox", "guitar"),
        3,
        1,
        4,
        2,
        {
            "seeing": 0.36,
            "reading": 0.24,
            "tables": 0.16,
            "composed": 0.08,
            "compared": 0.04,
            "pictures": 0.07,
            "unanswerable": 0.05,
        },
    ),
    3: Difficulty(3, tuple(KINDS), 6, 2, 12, 2, {"seeing": 0.30, "reading": 0.20, "tables": 0.12, **_ALL}),
}
