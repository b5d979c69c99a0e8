"""What documents say: finding which one says it, copying it, and what follows from it."""

from __future__ import annotations

from mmrag.policy.prompts import Prompt, Shown, as_text, asked_of
from mmrag.types import Document, Modality, Query
from training.classroom import Classroom
from training.data import ABSENT, Example, capitalised, reasoning, subject
from training.skills.answering import MISSING, answered_from, told_apart

TWO_ROWS = 0.25  # of what a column decides is between two of them
UNANSWERABLE = 0.06  # of `read` asks what no document of the world says


def read(room: Classroom) -> Example:
    """Find the one document that answers, say what it says, and answer; or say that none does."""
    unanswerable = room.unanswerable and room.rng.random() < UNANSWERABLE
    question = room.rng.choice(room.unanswerable if unanswerable else room.single)
    shown = room.shuffled(question, room.rng.randint(1, room.documents))
    return answered_from(room, question, room.query(question), shown, "read")


def even(room: Classroom) -> Example:
    """Like `read`, of every sort of question as often as of any other: it asks of a town once in forty times.

    A model that had only `read` said of three questions in four about a town that no document holds the answer.
    """
    question = room.rng.choice(room.rng.choice(room.sorts))
    shown = room.shuffled(question, room.rng.randint(1, room.documents))
    return answered_from(room, question, room.query(question), shown, "even")


def seek(room: Classroom) -> Example:
    """Like `read`, of what must be found before it can be named: by a row, by a look, by what is said of it."""
    question = room.rng.choice(room.sought or room.single)
    shown = room.shuffled(question, room.rng.randint(1, room.documents))
    return answered_from(room, question, room.query(question), shown, "seek")


def column(room: Classroom) -> Example:
    """Say what a column decides, or two of its rows, from the table alone: of `seek`, which has few, one costs many."""
    over = room.world.over_rows if room.rng.random() < TWO_ROWS else room.world.over_column
    question = over(room.rng)
    if question is None:
        return cells(room)
    shown = [room.shown(one) for one in question.evidence]
    return answered_from(room, question, Query(question.question), shown, "column")


def survey(room: Classroom) -> Example:
    """Answer several questions from the same documents, a sentence each: `read` has one for as much to read."""
    rng = room.rng
    first = rng.choice(room.told)
    others = rng.sample(room.told, min(len(room.told), 40))
    others.sort(key=lambda one: not set(one.evidence) & {*first.negatives, *first.evidence})
    asked = list({one.hops[0].statement: one for one in (first, *others)}.values())[: rng.randint(2, 4)]
    gold = list(dict.fromkeys(one.evidence[0] for one in asked))
    near = [one for one in first.negatives if one not in gold]
    ids = [*gold, *rng.sample(near, min(len(near), max(0, room.documents - len(gold))))]
    if rng.random() < 2 * MISSING:
        ids.remove(rng.choice(gold))
    rng.shuffle(ids)
    rng.shuffle(asked)
    number = {one: index for index, one in enumerate(ids, start=1)}
    said = [reasoning(one.hops[0], number) if one.evidence[0] in number else ABSENT for one in asked]
    query = Query(" ".join(one.question for one in asked))
    shown = [room.shown(one) for one in ids]
    target = f"<think>{' '.join(said)}</think>"
    return Example(Prompt.of(*asked_of(query, shown)), target, "survey", told_apart(shown, gold))


def quote(room: Classroom) -> Example:
    """Like `read`, of documents of one sentence: several lessons in telling things apart for the price of one."""
    category = room.rng.choice(sorted({question.category for question in room.told}))
    question = room.rng.choice([question for question in room.told if question.category == category])
    shown = room.sentences(question, room.rng.randint(2, 2 + room.documents))
    return answered_from(room, question, Query(question.question), shown, "quote")


def cite(room: Classroom) -> Example:
    """Say of several sentences which document each is: four numbers to learn from, where an answer has one."""
    shown = room.sentences(room.rng.choice(room.told), room.rng.randint(2, 2 + room.documents))
    number = {one.document.text: index for index, one in enumerate(shown, start=1)}
    asked = room.rng.sample(list(number), min(len(number), 4))
    cited = " ".join(f"{sentence[:-1]} [{number[sentence]}]." for sentence in asked)
    prompt = Prompt.of(*asked_of(Query(f"Where is it said? {' '.join(asked)}"), shown))
    helps = told_apart(shown, {one.document.id for one in shown if one.document.text in asked})
    return Example(prompt, f"<think>{cited}</think>", "cite", helps)


def conclude(room: Classroom) -> Example:
    """Answer from sentences that say all there is to know: mostly yes or no, or which of two is more."""
    makers = (room.world.yes_or_no, room.world.comparison, lambda rng: rng.choice(room.reasoned))
    question = room.rng.choices(makers, (0.7, 0.2, 0.1))[0](room.rng)
    said = " ".join(f"{capitalised(hop.statement)}." for hop in question.hops)
    decided = f"<think>{capitalised(question.conclusion)}.</think>" if question.conclusion else ""
    target = f"{decided}<answer> {', '.join(question.answers)}</answer>"
    return Example(Prompt.of(f"{said}\nQuestion: {question.question}"), target, f"conclude {question.category}")


def agree(room: Classroom) -> Example:
    """Say for several questions what is so, where it is said, and whether that agrees: one would be one bit."""
    asked = [room.world.yes_or_no(room.rng) for _ in range(room.rng.randint(2, 4))]
    said = {f"{capitalised(one.hops[0].statement)}.": one for one in asked}  # what is asked twice is said once
    shown = [Shown(Document(str(n), Modality.PASSAGE, "", text)) for n, text in enumerate(said)]
    room.rng.shuffle(shown)
    number = {one.document.text: index for index, one in enumerate(shown, start=1)}
    found = " ".join(f"{text[:-1]} [{number[text]}]: {one.answers[0]}." for text, one in said.items())
    questions = " ".join(one.question for one in said.values())
    return Example(Prompt.of(*asked_of(Query(questions), shown)), f"<think>{found}</think>", "agree")


def find(room: Classroom) -> Example:
    """Say which documents are about a named thing, among things of similar names."""
    question = room.rng.choice(room.single)
    shown = room.shuffled(question, max(2, room.documents))
    about = subject(room.rng.choice(shown).document)
    helps = tuple(subject(one.document) == about for one in shown)
    found = [f"[{index}]" for index, helpful in enumerate(helps, start=1) if helpful]
    prompt = Prompt.of(*asked_of(Query(f"Which are about {about}?"), shown))
    return Example(prompt, f"<rank>{' > '.join(found)}</rank>", "find", helps)


def cells(room: Classroom) -> Example:
    """Look up several cells of one table, some of a row that it lacks: by row and column, where `column` needs one."""
    asked = room.world.over_cells(room.rng, room.rng.randint(3, 6))
    table = next((one.evidence[0] for one in asked if one.evidence), room.rng.choice(room.tables).id)
    said = [reasoning(one.hops[0], {table: 1}) if one.hops else ABSENT for one in asked]
    prompt = Prompt.of(*asked_of(Query(" ".join(one.question for one in asked)), [room.shown(table)]))
    return Example(prompt, f"<think>{' '.join(said)}</think>", "cells")


def echo(room: Classroom) -> Example:
    """Write a document out again: a lesson in copying with every word, where an answer has it in two or three."""
    text = as_text(room.rng.choice(room.written))
    return Example(Prompt.of(f"{text}\nRepeat it."), text, "echo")
