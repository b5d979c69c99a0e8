"""The single skills that pre-training exercises on a world: seeing, reading, copying, finding, matching.

Ours. Every function takes a world and a random generator and gives one `Example`. Composed behaviour (several hops,
comparing, ranking, abstaining) is left out on purpose: it belongs to sft and to reinforcement. But every token of the
output formats is written here (Yes, No, the parts' marks): an adapter leaves the embeddings alone, so a token that the
base never wrote is one that no adapter can teach it to write.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from mmrag.policy.prompts import Prompt, Shown, as_text, document_parts, question_parts
from mmrag.types import Modality, Query, Question
from training.data import Example, judge_target, reasoning, subject
from training.world import World
from training.world.looks import KINDS, Look, View

DRAWN = 96  # pixels; pictures are drawn this large for training and shrunk by the processor
_NOUN = {"color": "colour", "shape": "shape", "number": "count", "Others": ""}


@dataclass
class Classroom:
    """A world and everything about it that examples are cut from, made once."""

    world: World
    questions: tuple[Question, ...]
    rng: random.Random
    documents: int  # documents shown at most: one handle of the curriculum
    copying: float = 1.0  # weight of `echo` against its usual share: the other

    def __post_init__(self) -> None:
        self.single = [q for q in self.questions if len(q.hops) == 1 and len(q.evidence) == 1]
        self.pictures = [d for d in self.world.documents.values() if d.modality is Modality.IMAGE]
        self.written = [d for d in self.world.documents.values() if d.modality is not Modality.IMAGE]
        self.tables = [d for d in self.world.documents.values() if d.table is not None]
        self._drawn: dict[str, Image.Image] = {}

    def shown(self, document_id: str) -> Shown:
        """A document with its picture, drawn once."""
        document = self.world.documents[document_id]
        if document.modality is not Modality.IMAGE:
            return Shown(document)
        if document_id not in self._drawn:
            self._drawn[document_id] = self.world.picture(document_id, DRAWN)
        return Shown(document, self._drawn[document_id])

    def query(self, question: Question) -> Query:
        """The question as it is asked, with its picture if it has one."""
        if question.image is None:
            return Query(question.question)
        buffer = io.BytesIO()
        self.world.query_picture(question.id, DRAWN).save(buffer, "PNG", compress_level=1)
        return Query(question.question, buffer.getvalue())

    def shuffled(self, question: Question, count: int) -> list[Shown]:
        """All evidence among hard negatives and other documents, `count` in all, in random order."""
        ids = list(question.evidence)
        near = [one for one in question.negatives if one not in ids]
        ids += self.rng.sample(near, min(len(near), max(0, (count - len(ids) + 1) // 2)))
        ids += [one for one in self.world.lookalikes(question, count, self.rng) if one not in ids][: count - len(ids)]
        self.rng.shuffle(ids)
        return [self.shown(one) for one in ids]


def describe(room: Classroom) -> Example:
    """Say everything that can be asked of a picture: a dense lesson for the vision tower."""
    document = room.rng.choice(room.pictures)
    look, view = room.world.views[document.id]
    picture = room.shown(document.id).picture
    if room.rng.random() < 0.5:
        picture, view = room.world.fresh_picture(document.id, room.rng, DRAWN)
    return Example(Prompt.of(picture, "\nDescribe the picture."), description(look, view), "describe")


def description(look: Look, view: View) -> str:
    """A picture in words: its kind, each attribute, and what belongs to this view alone."""
    parts = []
    for attribute in KINDS[look.kind]:
        noun = _NOUN[attribute.category]
        label = (
            "number on the " + attribute.phrase if attribute.name == "number" else f"{attribute.phrase} {noun}".strip()
        )
        parts.append(f"{label} {look.attributes[attribute.name]}")
    scene = f"{view.weather}, {view.hour}, {view.beside} on the {view.side}"
    return f"{look.kind}: {', '.join(parts)}; {scene}"


def read(room: Classroom) -> Example:
    """Find the one document that answers, say what it says, and answer."""
    question = room.rng.choice(room.single)
    shown = room.shuffled(question, room.rng.randint(1, room.documents))
    number = {one.document.id: index for index, one in enumerate(shown, start=1)}
    kinds = {one.document.id: one.document.modality for one in shown}
    think = reasoning(question.hops[0], number, kinds)
    target = f"<think>{think}</think><answer> {', '.join(question.answers)}</answer>"
    return Example(_reading_prompt(room.query(question), shown), target, f"read {question.category}")


def find(room: Classroom) -> Example:
    """Say which documents are about a named thing, among things of similar names."""
    question = room.rng.choice(room.single)
    shown = room.shuffled(question, max(2, room.documents))
    about = subject(room.rng.choice(shown).document)
    found = [f"[{index}]" for index, one in enumerate(shown, start=1) if subject(one.document) == about]
    return Example(_documents_prompt(shown, f"Which are about {about}?"), f"<rank>{' > '.join(found)}</rank>", "find")


def weigh(room: Classroom) -> Example:
    """Say whether one document is of use for a question, and what it is about."""
    question = room.rng.choice(room.single)
    wanted = room.rng.random() < 0.5
    other = (
        room.rng.choice(question.negatives) if question.negatives else room.world.lookalikes(question, 1, room.rng)[0]
    )
    shown = room.shown(question.evidence[0] if wanted else other)
    query = room.query(question)
    parts = ["Question: ", *question_parts(query), "\n", *document_parts(shown), "\nIs it of use?"]
    return Example(Prompt.of(*parts), judge_target(question, shown.document), "weigh")


def cells(room: Classroom) -> Example:
    """Read one row of a table aloud, with the names of its columns."""
    document = room.rng.choice(room.tables)
    assert document.table is not None
    row = room.rng.choice(document.table.rows)
    spoken = ", ".join(f"{name} {cell}" for name, cell in zip(document.table.header[1:], row[1:], strict=True))
    return Example(Prompt.of(f"{as_text(document)}\nRead the row of {row[0]}."), spoken, "cells")


def echo(room: Classroom) -> Example:
    """Write a document out again: a lesson in copying with every word, where an answer has it in two or three."""
    text = as_text(room.rng.choice(room.written))
    return Example(Prompt.of(f"{text}\nRepeat it."), text, "echo")


def same(room: Classroom) -> Example:
    """Say whether two pictures show the same thing, however each was taken."""
    first = room.rng.choice(room.pictures)
    kind = room.world.views[first.id][0].kind
    rivals = [d for d in room.pictures if d.id != first.id and room.world.views[d.id][0].kind == kind]
    alike = room.rng.random() < 0.5 or not rivals
    chosen = first if alike else room.rng.choice(rivals)
    other, _ = room.world.fresh_picture(chosen.id, room.rng, DRAWN)
    return Example(
        Prompt.of(room.shown(first.id).picture, " ", other, "\nIs it the same one?"), "yes" if alike else "no", "same"
    )


SKILLS: Mapping[Callable[[Classroom], Example], float] = {
    describe: 0.14,
    read: 0.48,
    find: 0.12,
    weigh: 0.18,
    cells: 0.03,
    echo: 0.02,
    same: 0.03,
}


def lesson(room: Classroom) -> Example:
    """One example of a skill drawn by its share; early on, much of `echo`."""
    weights = [share * (room.copying if skill is echo else 1.0) for skill, share in SKILLS.items()]
    return room.rng.choices(list(SKILLS), weights)[0](room)


def _reading_prompt(query: Query, shown: Sequence[Shown]) -> Prompt:
    return _documents_prompt(shown, "Question: ", *question_parts(query))


def _documents_prompt(shown: Sequence[Shown], *end: str | Image.Image) -> Prompt:
    parts: list[str | Image.Image] = []
    for index, one in enumerate(shown, start=1):
        parts += [f"[{index}] ", *document_parts(one), "\n"]
    return Prompt.of(*parts, *end)
