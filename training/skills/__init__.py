"""The single skills that pre-training exercises on a world, a sort of them to a file, and the mix of them all.

Ours. Every function takes a world and a random generator and gives one `Example`. Every token of the output formats is
written here (Yes, No, the parts' marks): an adapter leaves the embeddings alone, so a token that the base never wrote
is one that no adapter can teach it to write. Questions that need two steps are here too, as they are in what large
models read: reinforcement makes likely what a model can do, and what it never does is never rewarded
(docs/notebook.md). Later in the run a share of the lessons is asked in the words of use, long as they are, so that
fine-tuning need not spend itself on reading past them; but none that takes several steps, which is for reinforcement
to earn there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from training.classroom import Classroom
from training.data import Example
from training.skills.judging import match, weigh
from training.skills.numbers import order
from training.skills.reading import agree, cells, cite, column, conclude, echo, even, find, quote, read, seek, survey
from training.skills.seeing import caption, describe, identify, look, pick, same, spot
from training.skills.steps import chain, follow, gather, plan

__all__ = ["SKILLS", "lesson"]

SKILLS: Mapping[Callable[[Classroom], Example], float] = {  # of all lessons; short ones cost little
    describe: 0.04,
    pick: 0.05,
    look: 0.05,
    read: 0.08,
    seek: 0.08,
    column: 0.06,
    cells: 0.04,
    follow: 0.04,
    plan: 0.01,
    chain: 0.09,
    gather: 0.03,
    survey: 0.01,
    quote: 0.01,
    cite: 0.01,
    conclude: 0.04,
    order: 0.03,
    agree: 0.01,
    find: 0.01,
    weigh: 0.08,
    match: 0.07,
    identify: 0.07,
    caption: 0.02,
    spot: 0.05,
    same: 0.01,
    echo: 0.01,
    even: 0.0,  # when the curriculum stresses it
}


def lesson(room: Classroom) -> Example:
    """One example of a skill drawn by its share; those under stress have their own, the others share what is left."""
    usual = sum(share for skill, share in SKILLS.items() if skill.__name__ not in room.stress)
    left = 1.0 - sum(room.stress.values())
    weights = [room.stress.get(skill.__name__, share / usual * left) for skill, share in SKILLS.items()]
    return room.rng.choices(list(SKILLS), weights)[0](room)
