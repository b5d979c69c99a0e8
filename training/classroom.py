"""A world as lessons are cut from it: its questions sorted by what they need, and documents to hide an answer among."""

from __future__ import annotations

import io
import random
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from PIL import Image

from mmrag.policy.prompts import Shown
from mmrag.types import Document, Modality, Query, Question
from training.data import aside, capitalised, subject
from training.world import World
from training.world.facts import Entity
from training.world.questions.asked_with import recognised

FEW = 3  # rivals of another sort than the evidence, at least
OF_A_KIND = 0.5  # of the pictures that are to be told apart
DRAWN = 96  # pixels; pictures are drawn this large for training and shrunk by the processor


@dataclass
class Classroom:
    """A world and everything about it that examples are cut from, made once."""

    world: World
    questions: tuple[Question, ...]
    rng: random.Random
    documents: int  # documents shown at most: one handle of the curriculum
    stress: Mapping[str, float] = field(default_factory=dict)  # shares of the lessons that skills have for a while
    instructed: float = 0.0  # share of the lessons in reading and judging that are asked in the words of use
    drawn: int = DRAWN  # pixels of a picture's side

    def __post_init__(self) -> None:
        self.single = [q for q in self.questions if len(q.hops) == 1 and len(q.evidence) == 1]
        self.told = [q for q in self.single if q.image is None and not aside(q)]  # those that a sentence answers
        names = {one.name for one in self.world.facts.entities}
        self.sought = [q for q in self.single if aside(q) or q.answers[0] in names]
        self.sorts = list(_by_sort(self.single, self.world.library.role, names).values())
        self.seen = [q for q in self.single if q.hops[0].kb == "image"]
        self.chains = [q for q in self.questions if q.type.startswith(("Compose(", "Compare("))]
        self.unanswerable = [q for q in self.questions if not q.hops]
        self.reasoned = [q for q in self.questions if q.hops and q.image is None]
        self.pictures = [d for d in self.world.documents.values() if d.modality is Modality.IMAGE]
        self.written = [d for d in self.world.documents.values() if d.modality is not Modality.IMAGE]
        self.tables = [d for d in self.world.documents.values() if d.table is not None]
        self.numbers = _numbers(self.world.facts.entities)
        self._drawn: dict[str, Image.Image] = {}

    def shown(self, document_id: str) -> Shown:
        """A document with its picture, drawn once."""
        document = self.world.documents[document_id]
        if document.modality is not Modality.IMAGE:
            return Shown(document)
        if document_id not in self._drawn:
            self._drawn[document_id] = self.world.picture(document_id, self.drawn)
        return Shown(document, self._drawn[document_id])

    def query(self, question: Question) -> Query:
        """The question as it is asked, with its picture if it has one."""
        if question.image is None:
            return Query(question.question)
        return Query(question.question, as_png(self.world.query_picture(question.id, self.drawn)))

    def alike(self) -> tuple[Document, list[Document]]:
        """A picture, and two or more that it is one of, in random order: of its kind as far as may be, or of any."""
        first = self.rng.choice(self.pictures)
        others = [one for one in self.pictures if one != first]
        self.rng.shuffle(others)
        if self.rng.random() < OF_A_KIND:
            others.sort(key=lambda one: self.world.views[one.id][0].kind != self.world.views[first.id][0].kind)
        chosen = [first, *others[: self.rng.randint(1, max(1, self.documents - 1))]]
        self.rng.shuffle(chosen)
        return first, chosen

    def recognised(self, document: Document) -> str:
        """The clause that says what is seen of a document's picture, and whose it is."""
        look, _ = self.world.views[document.id]
        return recognised(look, *self._caption(document))

    def whose(self, document: Document) -> str:
        """The same without what is seen."""
        return " in ".join(self._caption(document))

    def _caption(self, document: Document) -> tuple[str, str]:
        return subject(document), document.text.rpartition(", ")[2]

    def another(self, first: Document) -> Document:
        """Another picture, of the same kind or any: told apart by kind, pictures begin to be compared at all."""
        others = [one for one in self.pictures if one != first]
        kind = self.world.views[first.id][0].kind
        alike = [one for one in others if self.world.views[one.id][0].kind == kind]
        return self.rng.choice(alike if alike and self.rng.random() < OF_A_KIND else others)

    def sentences(self, question: Question, count: int) -> list[Shown]:
        """At most `count` documents of one sentence: the one that answers, among those most like it that do not."""
        (hop,) = question.hops
        before, _, after = hop.statement.partition(question.answers[0])
        pool = {q.hops[0].statement for q in self.told} - {hop.statement}
        others = [one for one in sorted(pool) if not (after and one.startswith(before) and one.endswith(after))]
        self.rng.shuffle(others)
        pieces = _pieces(hop.statement)
        others.sort(key=lambda one: -len(pieces & _pieces(one)))
        near = others[: count + 2]
        said = [hop.statement, *self.rng.sample(near, min(len(near), count - 1))]
        ids = [hop.evidence[0], *map(str, range(1, len(said)))]
        documents = [
            Document(one, Modality.PASSAGE, "", f"{capitalised(says)}.") for one, says in zip(ids, said, strict=True)
        ]
        self.rng.shuffle(documents)
        return [Shown(one) for one in documents]

    def rivals(self, question: Question) -> list[str]:
        """Documents that mislead, none of them evidence, in random order.

        Where a thing is sought that the question does not name, the world's own negatives are about that thing, its
        likes in name and its town: a model that learned among them named what was told of most, and failed in use,
        where retrieval knows no more than the question. These are of the same sort as the evidence, and for each of
        them one that names what the question names or tells of the same kind of thing.
        """
        facts, library = self.world.facts, self.world.library
        kinds = {one.kind for one in facts.entities if one.name not in question.question and _finds(question, one.name)}
        if not kinds:
            return self.rng.sample(question.negatives, len(question.negatives))
        roles = {library.role[gold] for gold in question.evidence}
        alike = {one for role in roles for one in library.roles[role]} - {*question.evidence}
        named = {one.name for one in (*facts.people, *facts.towns) if one.name in question.question}
        kin = {one.name for one in facts.entities if one.kind in kinds}
        others = {one for name in named | kin for one in library.mentions[name]} - alike - {*question.evidence}
        rivals = [*alike, *self.rng.sample(sorted(others), min(len(others), max(len(alike), FEW)))]
        return self.rng.sample(sorted(rivals), len(rivals))

    def shuffled(self, question: Question, count: int) -> list[Shown]:
        """All evidence among hard negatives, or as many other documents, `count` in all, in random order."""
        ids = list(question.evidence)
        near = self.rivals(question)
        most = max(0, count - len(ids)) if self.rng.random() < 0.5 else max(0, (count - len(ids) + 1) // 2)
        ids += self.rng.sample(near, min(len(near), most))
        ids += [one for one in self.world.lookalikes(question, count, self.rng) if one not in ids][: count - len(ids)]
        self.rng.shuffle(ids)
        return [self.shown(one) for one in ids]

    def lacking(self, question: Question, count: int) -> list[Shown]:
        """As `shuffled`, without one document of the evidence: a second step is not taken from what the first was.

        Mostly it is the last: that the first is lacking was told rightly in nine of ten when of the last it was in two.
        """
        lost = self.rng.choice((question.evidence[-1], *question.evidence)) if question.evidence else None
        shown = [one for one in self.shuffled(question, count) if one.document.id != lost]
        return shown or [
            self.shown(self.rng.choice(question.negatives or self.world.lookalikes(question, 1, self.rng)))
        ]


def as_png(picture: Image.Image) -> bytes:
    """A picture as a question carries it."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _numbers(entities: Sequence[Entity]) -> list[dict[int, str]]:
    """The years of a world, and the numbers of each column of its tables, two or more, each with one that has it."""
    pools = [{one.year: one.name for one in entities}]
    names = sorted({name for one in entities for name in one.numbers})
    pools += [{one.numbers[name]: one.name for one in entities if name in one.numbers} for name in names]
    return [pool for pool in pools if len(pool) > 1]


def _finds(question: Question, name: str) -> bool:
    """Whether a hop ends at that name: what it compares on the way, in brackets, does not count."""
    return any(name in hop.statement.rpartition(")")[2] for hop in question.hops)


def _pieces(statement: str) -> set[str]:
    """Runs of three letters: names that differ in one vowel share most of theirs."""
    return {statement[at : at + 3] for at in range(len(statement) - 2)}


def _by_sort(
    questions: Iterable[Question], role: Mapping[str, str], names: Container[str]
) -> dict[tuple[str, str, bool], list[Question]]:
    """Questions by what answers them: the sort of document, of what it is about, and whether that is to be found."""
    sorts: dict[tuple[str, str, bool], list[Question]] = {}
    for one in questions:
        about = role[one.evidence[0]]
        key = (one.hops[0].kb, about if about in ("town", "person") else "thing", one.answers[0] in names)
        sorts.setdefault(key, []).append(one)
    return sorts
