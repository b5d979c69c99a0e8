"""How a lesson in reading is set: a question over documents, in the words of use or in few, and what answers it."""

from __future__ import annotations

from collections.abc import Container, Sequence

from mmrag.policy.grammar import NOT_FOUND
from mmrag.policy.prompts import Prompt, Shown, asked_of, rank_prompt
from mmrag.types import Query, Question
from training.classroom import Classroom
from training.data import Example, told, written

MISSING = 0.3  # of the lessons have no answer among their documents


def answered_from(room: Classroom, question: Question, query: Query, shown: Sequence[Shown], skill: str) -> Example:
    """Reasoning and answer over the shown documents; in some lessons without the one that answers."""
    if len(shown) > 1 and room.rng.random() < MISSING:
        shown = [one for one in shown if one.document.id not in question.evidence]
    return answered(room, question, query, shown, skill, question.category)


def answered(
    room: Classroom, question: Question, query: Query, shown: Sequence[Shown], skill: str, sort: str
) -> Example:
    """A lesson whose end is a ranking and an answer: in the words of use, or in few.

    What takes several steps is asked in few words always: to take them in the words of use is left for the
    reinforcement stages to earn. Counted by its skill and the `sort` of its question.
    """
    said = told(question, [one.document.id for one in shown])
    counted = f"{skill} {'absent' if said.answer == NOT_FOUND else sort}"
    instructed = len(question.hops) < 2 and room.rng.random() < room.instructed
    prompt = rank_prompt(query, shown) if instructed else Prompt.of(*asked_of(query, shown))
    return Example(prompt, written(said), counted, told_apart(shown, question.evidence))


def told_apart(shown: Sequence[Shown], wanted: Container[str]) -> tuple[bool, ...]:
    """Which of the documents shown are of the ids `wanted`; nothing of one alone, which always is."""
    return tuple(one.document.id in wanted for one in shown) if len(shown) > 1 else ()
