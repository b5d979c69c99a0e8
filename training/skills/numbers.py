"""Which number is more: what comparing two things, and finding the most of a column, come down to."""

from __future__ import annotations

from mmrag.policy.prompts import Prompt
from training.classroom import Classroom
from training.data import Example

NAMED = 0.5  # of the lessons in order


def order(room: Classroom) -> Example:
    """Put numbers of one kind in order: six of them tell ten times as much as which of two things is wider.

    In half of the lessons whose they are goes with them, as it has to where the most of a column is named.
    """
    whose = room.rng.choice(room.numbers)
    chosen = room.rng.sample(list(whose), room.rng.randint(2, min(6, len(whose))))
    named = room.rng.random() < NAMED

    def said(number: int) -> str:
        return f"{number} {whose[number]}" if named else str(number)

    largest = room.rng.random() < 0.5
    sign, which = (" > ", "largest") if largest else (" < ", "smallest")
    prompt = Prompt.of(f"{', '.join(map(said, chosen))}\nPut them in order, the {which} first.")
    return Example(prompt, sign.join(map(said, sorted(chosen, reverse=largest))), "order")
