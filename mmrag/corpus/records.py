"""One line of a collection's files, as pydantic models: the border where outside data is checked."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from mmrag.errors import BadCollection
from mmrag.settings import MAX_DOCUMENT
from mmrag.types import Document, Modality, Table

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,120}\z")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
FilePath = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class Record(BaseModel):
    """Strict: no field is guessed, converted or ignored."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self:
        """The record in `data`.

        Raises:
            BadCollection: a field is missing, unknown, or of the wrong type or form.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(map(str, first["loc"]))
            allowed = f" (the fields are {', '.join(cls.model_fields)})" if first["type"] == "extra_forbidden" else ""
            message = first["msg"].removeprefix("Value error, ")
            raise BadCollection(f"{f'{field[:40]!r}: ' if field else ''}{message}{allowed}") from error


class CorpusLine(Record):
    """A line of corpus.jsonl. `image` and `table` are paths relative to the collection's folder."""

    id: Id | None = None
    kind: Literal["image", "passage", "table"]
    title: Title
    text: str = ""
    image: FilePath | None = None
    table: FilePath | None = None

    @model_validator(mode="after")
    def _kind_has_its_part(self) -> Self:
        parts = {"image": self.image, "passage": self.text.strip() or None, "table": self.table}
        named = {"image": "'image'", "passage": "'text'", "table": "'table'"}
        if parts[self.kind] is None:
            raise ValueError(f"a document of kind {self.kind!r} needs {named[self.kind]}")
        if stray := next((part for part in ("image", "table") if part != self.kind and parts[part] is not None), None):
            raise ValueError(f"a document of kind {self.kind!r} has no {named[stray]}")
        return self


class CaptionLine(Record):
    """A line of captions.jsonl: a picture of the folder and what it shows."""

    file: FilePath
    caption: str


def make_document(line: CorpusLine, content: bytes, table: Table | None) -> Document:
    """The document that `line` describes; its picture's or table's bytes, `content`, make an id if none is given.

    Raises:
        BadCollection: it is longer than a model reads.
    """
    document = Document(
        id=line.id or content_id(line.kind, line.title, line.text, content),
        modality=Modality(line.kind),
        title=line.title,
        text=line.text,
        image=line.image,
        table=table,
    )
    return short_enough(document)


def short_enough(document: Document) -> Document:
    """The document, if a model can read it beside others.

    Raises:
        BadCollection: it is longer than `MAX_DOCUMENT`.
    """
    lines = () if document.table is None else (document.table.header, *document.table.rows)
    length = len(document.title) + len(document.text) + sum(len(cell) for line in lines for cell in line)
    if length > MAX_DOCUMENT:
        named = f"the {document.modality} {document.title[:80]!r}"
        raise BadCollection(f"{named} has {length} characters; a model reads {MAX_DOCUMENT} at most: split it")
    return document


def content_id(kind: str, title: str, text: str, content: bytes) -> str:
    """16 hex digits of the content's SHA-256, so that the id stays when the collection around it grows."""
    digest = hashlib.sha256()
    for part in (kind.encode(), title.encode(), text.encode(), content):
        digest.update(len(part).to_bytes(8, "big") + part)  # lengths first: ("ab", "c") is not ("a", "bc")
    return digest.hexdigest()[:16]
