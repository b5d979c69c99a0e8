"""Questions about a world, a family of them to a file. A family is a function that tries to draft one question.

for question, pictured in stream(desk, seed, "train"): ...
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator, Mapping

from mmrag.types import Question
from training.world.facts import Entity
from training.world.questions.asked_with import asked_with
from training.world.questions.compared import compared
from training.world.questions.composed import composed
from training.world.questions.draft import Desk, Draft
from training.world.questions.negatives import negatives
from training.world.questions.reading import reading
from training.world.questions.seeing import seeing
from training.world.questions.tables import in_tables
from training.world.questions.unanswerable import unanswerable

__all__ = ["FAMILIES", "PATIENCE", "SPLITS", "Desk", "stream"]

FAMILIES: Mapping[str, Callable[[Desk, random.Random], Draft | None]] = {
    "seeing": seeing,
    "reading": reading,
    "tables": in_tables,
    "composed": composed,
    "compared": compared,
    "pictures": asked_with,
    "unanswerable": unanswerable,
}
SPLITS = ("train", "dev", "test")
PATIENCE = 500  # drafts in a row that bring nothing new; then the world is exhausted


def stream(desk: Desk, seed: int, split: str) -> Iterator[tuple[Question, Entity | None]]:
    """Questions of a split without end but for exhaustion, each with the entity whose picture it is asked with.

    No question comes twice, and none is in both dev and test: its own words decide which of them it belongs to.
    """
    rng = random.Random(f"questions/{seed}/{len(desk.facts.entities)}/{desk.difficulty.level}/{split}")
    names, weights = zip(*desk.difficulty.shares.items(), strict=True)
    asked: set[tuple[str, str]] = set()
    while (draft := _new(desk, rng, rng.choices(names, weights=weights)[0], split, asked)) is not None:
        yield draft.finish(f"{split}-{len(asked):05d}", split, negatives(desk, draft, rng)), draft.pictured


def _new(desk: Desk, rng: random.Random, family: str, split: str, asked: set[tuple[str, str]]) -> Draft | None:
    """A draft of the family that was not asked before, or none after much patience."""
    for _ in range(PATIENCE):
        draft = FAMILIES[family](desk, rng)
        if draft is None:
            continue
        key = (draft.question, draft.pictured.name if draft.pictured else "")
        if key not in asked and split in ("train", _half(key)):
            asked.add(key)
            return draft
    return None


def _half(key: tuple[str, str]) -> str:
    return ("dev", "test")[zlib.crc32("/".join(key).encode()) % 2]
