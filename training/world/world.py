"""A whole invented world by its seed: documents, pictures and questions. Nothing is drawn until it is asked for.

world = World(seed=7, entities=132)
question = world.questions(1, "train")[0]
world.picture(question.evidence[0])  # if that document is a picture
"""

from __future__ import annotations

import random
from itertools import islice

from PIL.Image import Image

from mmrag.errors import BadSetting, UnknownId
from mmrag.types import Document, Modality, Question
from training.world.difficulty import LEVELS, Difficulty
from training.world.documents import write_documents
from training.world.facts import Entity, settle
from training.world.looks import Look, View, random_view
from training.world.questions import SPLITS, Desk, stream
from training.world.questions.compared import comparison, over_lists, over_rows
from training.world.questions.draft import Draft
from training.world.questions.seeing import yes_no_draft
from training.world.questions.tables import over_cells, over_column

LEAST, MOST = 12, 300  # entities; more than 300 would use up the world's names


class World:
    """One seed's world. Equal arguments make equal worlds; different seeds share no name of a thing, person or town.

    Raises:
        BadSetting: the seed is negative, or there are too few or too many entities.
    """

    def __init__(self, seed: int, entities: int = 100, difficulty: Difficulty = LEVELS[3]) -> None:
        if seed < 0:
            raise BadSetting(f"the seed is {seed}; it must be 0 or more")
        if not LEAST <= entities <= MOST:
            raise BadSetting(f"a world has {LEAST} to {MOST} entities, not {entities}; for more, make several worlds")
        self.seed = seed
        self.difficulty = difficulty
        self.facts = settle(seed, entities, difficulty)
        self.library = write_documents(self.facts, difficulty.fillers, seed)
        self.documents: dict[str, Document] = self.library.documents
        self._entities = {self.library.source[one.name, "name"]: one for one in self.facts.entities}
        self.views: dict[str, tuple[Look, View]] = {key: (one.look, one.view) for key, one in self._entities.items()}
        self._desk = Desk(self.facts, self.library, difficulty)
        self._ids = tuple(self.documents)
        self._pictured: dict[str, Entity] = {}

    def document(self, document_id: str) -> Document:
        """The document of that id.

        Raises:
            UnknownId: this world has none.
        """
        if document_id not in self.documents:
            raise UnknownId(f"the world of seed {self.seed} has no document {document_id!r}")
        return self.documents[document_id]

    def questions(self, count: int, split: str = "train") -> list[Question]:
        """The first `count` questions of a split; dev and test share none, train is drawn from all.

        Raises:
            BadSetting: the split is unknown, or the world has fewer questions.
        """
        if split not in SPLITS:
            raise BadSetting(f"there is no split {split!r}; there are {', '.join(SPLITS)}")
        asked = list(islice(stream(self._desk, self.seed, split), count))
        if len(asked) < count:
            raise BadSetting(
                f"a world of {len(self.facts.entities)} entities has about {len(asked)} questions of split {split!r}, "
                f"not {count}; ask for fewer, or for more entities"
            )
        self._pictured |= {question.id: entity for question, entity in asked if entity is not None}
        return [question for question, _ in asked]

    def yes_or_no(self, rng: random.Random) -> Question:
        """A question that asks whether a thing looks so, true in half of all cases; of no split, and without an id."""
        entity = rng.choice(self.facts.entities)
        return yes_no_draft(self._desk, entity, rng, entity.the, ()).finish("", "train", ())

    def comparison(self, rng: random.Random) -> Question:
        """A question that asks which of two things is more; of no split, and without an id."""
        return comparison(self._desk, rng).finish("", "train", ())

    def over_column(self, rng: random.Random) -> Question | None:
        """A question that a table's column decides, of no split and without an id; None where tables have one row."""
        return _unlisted(over_column(self._desk, rng))

    def over_cells(self, rng: random.Random, count: int) -> list[Question]:
        """Questions for `count` cells of one table, and for such as it lacks; of no split, and without an id."""
        return [draft.finish("", "train", ()) for draft in over_cells(self._desk, rng, count)]

    def over_lists(self, rng: random.Random) -> Question | None:
        """A question for all that fits, of no split and without an id; None where a world is too small to have one."""
        return _unlisted(over_lists(self._desk, rng))

    def over_rows(self, rng: random.Random) -> Question | None:
        """A question that two rows of one table decide, of no split and without an id; None where tables have one."""
        return _unlisted(over_rows(self._desk, rng))

    def lookalikes(self, question: Question, count: int, rng: random.Random) -> list[str]:
        """Random documents, at most `count`, that are no evidence for `question`: something to hide the evidence in."""
        barred = set(question.evidence)
        drawn = rng.sample(self._ids, min(len(self._ids), count + len(barred)))
        return [one for one in drawn if one not in barred][:count]

    def picture(self, document_id: str, size: int = 384) -> Image:
        """The document's picture, RGB, `size` pixels square.

        Raises:
            UnknownId: the document is unknown or no picture.
        """
        look, view = self._viewed(document_id)
        return _draw(look, view, size)

    def fresh_picture(self, document_id: str, rng: random.Random, size: int = 384) -> tuple[Image, View]:
        """The same thing drawn anew, and from where.

        Raises:
            UnknownId: the document is unknown or no picture.
        """
        look, _ = self._viewed(document_id)
        view = random_view(rng, self.difficulty.clutter)
        return _draw(look, view, size), view

    def query_picture(self, question_id: str, size: int = 384) -> Image:
        """The picture that a question is asked with: its own view of the thing, the same each time.

        Raises:
            UnknownId: the question is asked without one, or `questions` has not made it yet.
        """
        if question_id not in self._pictured:
            raise UnknownId(f"no question {question_id!r} with a picture: make it with questions() first")
        rng = random.Random(f"query/{self.seed}/{question_id}")
        return _draw(self._pictured[question_id].look, random_view(rng, self.difficulty.clutter), size)

    def _viewed(self, document_id: str) -> tuple[Look, View]:
        if self.document(document_id).modality is not Modality.IMAGE:
            raise UnknownId(f"the document {document_id!r} is a {self.documents[document_id].modality}, not a picture")
        return self.views[document_id]


def _draw(look: Look, view: View, size: int) -> Image:
    from training.world.pictures import draw  # here, so that worlds of words alone load no drawing

    return draw(look, view, size)


def _unlisted(draft: Draft | None) -> Question | None:
    """A drafted question of no split and without an id."""
    return draft.finish("", "train", ()) if draft else None
