"""The texts that the embedded model's tokenizer is learned on. Ours."""

from __future__ import annotations

from collections.abc import Iterator

from mmrag.policy.prompts import JUDGE, RANK, as_text
from training.data import capitalised
from training.world import World
from training.world.names import mixed

WORLDS = 240  # in a few, their invented names would be frequent enough to take the tokens that syllables need


def texts(worlds: int = WORLDS) -> Iterator[str]:
    """Documents, questions, and the words around them, of so many `worlds`."""
    for seed in mixed(100, worlds):
        world = World(seed, 24)
        yield from (as_text(document) for document in world.documents.values())
        for question in world.questions(40, "train"):
            yield question.question
            said = (*(hop.statement for hop in question.hops), question.conclusion)
            yield from (f"{capitalised(one)} [1]." for one in filter(None, said))
    yield from [" ".join(f"{pair:02d}" for pair in range(100))] * 300  # each a token, though a world has few of them
    yield from [f"user\n{JUDGE}\n{RANK}\nassistant\n", "Yes.", "No.", " yes", " no"] * 400
