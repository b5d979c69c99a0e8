"""How a lesson in reading is set: a question over documents, in the words of use or in few, and what answers it."""

from __future__ import annotations

from collections.abc import Sequence

from mmrag.policy.grammar import NOT_FOUND
from mmrag.policy.prompts import Prompt, Shown, asked_of, rank_prompt
from mmrag.types import Query, Question
from training.classroom import Classroom
from training.data import ABSENT, Example, ranking, reasoning, written

MISSING = 0.3  # of the lessons have no answer among their documents
NOWHERE = ABSENT, (), NOT_FOUND  # what is said then


def answered_from(room: Classroom, question: Question, query: Query, shown: Sequence[Shown], skill: str) -> Example:
    """Reasoning and answer over the shown documents; in some lessons without the one that answers."""
    missing = not question.hops or (len(shown) > 1 and room.rng.random() < MISSING)
    if missing:
        shown = [one for one in shown if one.document.id not in question.evidence]
        return answered(room, query, shown, NOWHERE, f"{skill} absent")
    number = {one.document.id: index for index, one in enumerate(shown, start=1)}
    said = reasoning(question.hops[0], number), ranking(question.hops, number), ", ".join(question.answers)
    return answered(room, query, shown, said, f"{skill} {question.category}")


def answered(
    room: Classroom, query: Query, shown: Sequence[Shown], said: tuple[str, tuple[int, ...], str], skill: str
) -> Example:
    """A lesson whose end is an answer: in the words of use, with the ranking, or in few words and without."""
    if room.rng.random() < room.instructed:
        return Example(rank_prompt(query, shown), written(*said), skill)
    think, _, answer = said
    target = f"<think>{think}</think><answer> {answer}</answer>"
    return Example(Prompt.of(*asked_of(query, shown)), target, skill)
