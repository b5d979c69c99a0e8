"""Which number is more: what comparing two things, and finding the most of a column, come down to."""

from __future__ import annotations

from mmrag.policy.prompts import Prompt
from training.classroom import Classroom
from training.data import Example


def order(room: Classroom) -> Example:
    """Put numbers of one kind in order: six of them tell ten times as much as which of two things is wider."""
    numbers = room.rng.choice(room.numbers)
    chosen = room.rng.sample(numbers, room.rng.randint(2, min(6, len(numbers))))
    largest = room.rng.random() < 0.5
    sign, which = (" > ", "largest") if largest else (" < ", "smallest")
    prompt = Prompt.of(f"{', '.join(map(str, chosen))}\nPut them in order, the {which} first.")
    return Example(prompt, sign.join(map(str, sorted(chosen, reverse=largest))), "order")
