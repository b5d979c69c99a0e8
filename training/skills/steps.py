"""Questions that need several documents: the second found by what the first says, or all that fit."""

from __future__ import annotations

from dataclasses import replace

from mmrag.policy.prompts import Prompt, question_parts
from mmrag.types import Question
from training.classroom import Classroom
from training.data import Example
from training.skills.answering import answered
from training.skills.reading import echo, read

LACKING = 0.4  # of the lessons lack a step: a model that seldom met it told the second of what the first was read from
WITHIN = 0.1  # of `chain` is about two rows of one table
THAT = "that one"  # what the step before has found, where a second step is told


def follow(room: Classroom) -> Example:
    """Take two steps that are told, the second from what the first finds; then answer it, or what both decide."""
    if not room.chains:  # in the curriculum's first worlds
        return read(room)
    question = room.rng.choice(room.chains)
    told = steps(question)
    decided = ", ".join(question.answers) != question.hops[1].answer
    return _in_steps(room, question, f"{told} {question.question}" if decided else told, "follow")


def chain(room: Classroom) -> Example:
    """Take two steps that are not told, of a question as it is asked in use: what `plan` says, as `follow` does it.

    Some rest on one document, which then is ranked once; of a world's own questions hardly any do.
    """
    if not room.chains:
        return read(room)
    within = room.world.over_rows(room.rng) if room.rng.random() < WITHIN else None
    question = within or room.rng.choice(room.chains)
    return _in_steps(room, question, question.question, "chain")


def gather(room: Classroom) -> Example:
    """Find all that fits: a step for every picture that does, or for every row of a table that does and its picture.

    Of pictures alone none is ever lacking: nothing tells how many there should be.
    """
    question = room.world.over_lists(room.rng)
    if question is None:  # in the curriculum's first worlds
        return read(room)
    missing = LACKING if question.hops[0].kb == "table" else 0.0
    return _in_steps(room, question, question.question, "gather", missing)


def plan(room: Classroom) -> Example:
    """Say the steps of a question that needs two, without taking them."""
    if not room.chains:
        return echo(room)
    question = room.rng.choice(room.chains)
    parts = ["Question: ", *question_parts(room.query(question)), "\nIn which steps?"]
    return Example(Prompt.of(*parts), steps(question), f"plan {question.type}")


def steps(question: Question) -> str:
    """The questions of two hops, the second without what the first finds."""
    first, second = question.hops
    return f"{first.question} {second.question.replace(f'the {first.answer}', THAT).replace(first.answer, THAT)}"


def _in_steps(room: Classroom, question: Question, asked: str, skill: str, missing: float = LACKING) -> Example:
    """All steps and the answer over the shown documents; in some lessons one is lacking, which ends it."""
    query = replace(room.query(question), text=asked)
    gold = len(question.evidence)
    count = room.rng.randint(gold, max(gold, 2, room.documents))
    lacking = room.rng.random() < missing
    shown = room.lacking(question, count) if lacking else room.shuffled(question, count)
    return answered(room, question, query, shown, skill, question.type)
