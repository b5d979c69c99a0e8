"""Whether a document is of use for a question."""

from __future__ import annotations

from mmrag.policy.prompts import Prompt, Shown, document_parts, judge_prompt, question_parts
from mmrag.types import Query
from training.classroom import Classroom, as_png
from training.data import Example, judge_target, verdict

COMPOSED = 0.3  # of `weigh` is of questions that need a second document


def weigh(room: Classroom) -> Example:
    """Say whether one document is of use for a question, and what it is about.

    Some questions need two: of the second no more is known than what it must be about, and that is of use.
    """
    pool = room.chains if room.chains and room.rng.random() < COMPOSED else room.single
    question = room.rng.choice(pool)
    wanted = room.rng.random() < 0.5
    rivals = room.rivals(question)
    other = room.rng.choice(rivals) if rivals else room.world.lookalikes(question, 1, room.rng)[0]
    shown = room.shown(room.rng.choice(question.evidence) if wanted else other)
    return _judged(room, room.query(question), shown, judge_target(question, shown.document), "weigh")


def match(room: Classroom) -> Example:
    """Say whether a document shows the thing on the question's picture: `same`, as it is met in use."""
    first = room.rng.choice(room.pictures)
    picture, _ = room.world.fresh_picture(first.id, room.rng, room.drawn)
    document = first if room.rng.random() < 0.5 else room.another(first)
    target = verdict(document, room.recognised(first) if document == first else None)
    return _judged(room, Query("What is this?", as_png(picture)), room.shown(document.id), target, "match")


def _judged(room: Classroom, query: Query, shown: Shown, target: str, skill: str) -> Example:
    """A lesson whose answer is a verdict: in the words of use, or in few."""
    if room.rng.random() < room.instructed:
        return Example(judge_prompt(query, shown), target, skill)
    parts = ["Question: ", *question_parts(query), "\n", *document_parts(shown), "\nIs it of use?"]
    return Example(Prompt.of(*parts), target, skill)
