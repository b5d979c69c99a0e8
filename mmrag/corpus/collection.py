"""A collection that has been read: its documents by id, its questions, and safe access to its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from mmrag.corpus.paths import followed
from mmrag.corpus.pictures import encode_png, safe_picture
from mmrag.corpus.questions import clean_question
from mmrag.errors import BadCollection, BadPicture, UnknownId
from mmrag.types import Document, Query, Question


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents by id, in the order in which they were read; `root` is the resolved folder."""

    root: Path
    documents: Mapping[str, Document]
    questions: tuple[Question, ...] = ()

    def document(self, document_id: str) -> Document:
        """The document of that id.

        Raises:
            UnknownId: the collection has none.
        """
        try:
            return self.documents[document_id]
        except KeyError as error:
            raise UnknownId(f"the collection has no document {document_id[:120]!r}: read the folder again") from error

    def picture(self, document_id: str) -> Image.Image | None:
        """The document's picture, made safe; None for a passage or a table.

        Raises:
            UnknownId: the collection has no such document.
            BadPicture: the file is gone, damaged, or not allowed.
        """
        image = self.document(document_id).image
        return None if image is None else self._open(image)

    def query(self, question: Question) -> Query:
        """What a person asks when asking `question`: its words and its picture, if any.

        Raises:
            BadQuestion: its words are unusable.
            BadPicture: its picture is gone, damaged, or not allowed.
        """
        picture = None if question.image is None else encode_png(self._open(question.image))
        return Query(clean_question(question.question), picture)

    def _open(self, image: str) -> Image.Image:
        try:
            path = followed(self.root, image)  # again at each use: the folder may have changed since it was read
        except BadCollection as error:
            raise BadPicture(str(error)) from error
        return safe_picture(path, image)
