"""Reads a collection's folder: `corpus.jsonl` where there is one, else whatever the folder holds.

    from mmrag.corpus import read_collection
    collection = read_collection(Path("assets/world"))

Not checked here: that each picture decodes. That is found, file by file, when it is opened (`Collection.picture`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

from mmrag.corpus.collection import Collection
from mmrag.corpus.folder import folder_documents
from mmrag.corpus.lines import json_lines, located, read_bytes, read_table
from mmrag.corpus.paths import inside
from mmrag.corpus.records import CorpusLine, make_document
from mmrag.errors import BadCollection
from mmrag.settings import MAX_PICTURE_BYTES
from mmrag.types import Document, Question

CORPUS = "corpus.jsonl"
QUESTIONS = "questions.jsonl"


def read_collection(folder: Path) -> Collection:
    """The collection in `folder`.

    Raises:
        BadCollection: the folder, a file or a line cannot be used; it names the first and what to do about it.
    """
    try:
        root = folder.resolve()
        found = root.is_dir()
    except (OSError, RuntimeError, ValueError):
        found = False
    if not found:
        raise BadCollection(f"{str(folder)[:200]!r} is not a folder: name the folder that holds the collection")
    try:
        listed = _corpus(root) if (root / CORPUS).exists() else folder_documents(root)
        documents = {document.id: document for document in listed}
        if not documents:
            raise BadCollection(f"{root.name!r} holds no documents: add {CORPUS}, or pictures, .txt, .md or .csv files")
        questions = tuple(_questions(root, documents)) if (root / QUESTIONS).exists() else ()
    except OSError as error:
        raise BadCollection(f"{root.name!r} cannot be read ({error.strerror}): check its permissions") from error
    return Collection(root, MappingProxyType(documents), questions)


def _corpus(root: Path) -> Iterator[Document]:
    lines: dict[str, int] = {}
    for number, data in json_lines(inside(root, CORPUS), CORPUS):
        with located(CORPUS, number):
            document = _document(root, CorpusLine.read(data))
            if document.id in lines:
                raise BadCollection(f"repeats the document {document.id!r} of line {lines[document.id]}: remove one")
            lines[document.id] = number
        yield document


def _document(root: Path, line: CorpusLine) -> Document:
    """`line` with its files looked at; a picture's bytes are read only where they must give the id."""
    content, table = b"", None
    if line.table is not None:
        path = inside(root, line.table)
        with located(line.table):
            content = read_bytes(path)
            table = read_table(content)
    elif line.image is not None:
        path = inside(root, line.image)
        with located(line.image):
            content = b"" if line.id else read_bytes(path, MAX_PICTURE_BYTES)
    return make_document(line, content, table)


def _questions(root: Path, documents: dict[str, Document]) -> Iterator[Question]:
    lines: dict[str, int] = {}
    for number, data in json_lines(inside(root, QUESTIONS), QUESTIONS):
        with located(QUESTIONS, number):
            question = Question.from_dict(data)
            if question.id in lines:
                raise BadCollection(f"repeats the question {question.id!r} of line {lines[question.id]}: remove one")
            if unknown := next((name for name in question.evidence if name not in documents), None):
                raise BadCollection(f"the evidence {unknown!r} is no document of {CORPUS}: correct the id")
            if question.image is not None:
                inside(root, question.image)
            lines[question.id] = number
        yield question
