"""Any folder: pictures with `captions.jsonl`, passages in .txt or .md, tables in .csv. No corpus.jsonl needed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from mmrag.corpus.lines import decode, json_lines, located, read_bytes, read_table
from mmrag.corpus.paths import followed, inside
from mmrag.corpus.records import CaptionLine, content_id, short_enough
from mmrag.errors import BadCollection
from mmrag.scripts import UNSPACED
from mmrag.settings import MAX_PICTURE_BYTES
from mmrag.types import Document, Modality, Table

T = TypeVar("T")

CAPTIONS = "captions.jsonl"
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
WINDOW = 120  # words of a passage or a table; about what a small model reads well

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[.!?][\"'”’)])\s+|(?<=[。！？])\s*")
_SINGLE = f"{UNSPACED}。！？"  # these end a sentence without a blank, also before a Latin word
_WORD = re.compile(rf"[{_SINGLE}]|[^\s{_SINGLE}]{{1,80}}")  # a longer run is no word, and is cut like a sentence
_HEADING = re.compile(r"^#{1,6}[ \t]+(\S.*)$", re.MULTILINE)


def folder_documents(root: Path) -> Iterator[Document]:
    """The documents of `root`, by path; a text told twice is one document.

    Raises:
        BadCollection: a file cannot be used, naming it and, where it can, the line.
    """
    captions = _captions(root)
    seen: set[str] = set()
    for name in _names(root):
        with located(name):
            for document in _documents(root, name, captions):
                if document.id not in seen:
                    seen.add(document.id)
                    yield short_enough(document)


def windows(text: str, size: int = WINDOW) -> list[str]:
    """`text` in pieces of about `size` words that end where sentences end; a longer sentence is cut."""
    ends = {end.start() for end in _SENTENCE_END.finditer(text)}
    sentences: list[list[re.Match[str]]] = [[]]
    for word in _WORD.finditer(text):
        sentences[-1].append(word)
        if word.end() in ends:
            sentences.append([])
    parts = (words[start : start + size] for words in sentences for start in range(0, len(words), size))
    pieces = _filled(((part, len(part)) for part in parts), size)
    return [" ".join(text[piece[0][0].start() : piece[-1][-1].end()].split()) for piece in pieces]


def row_windows(table: Table, size: int = WINDOW) -> list[Table]:
    """`table` in tables of its header and as many rows as make about `size` words; a longer row stands alone."""
    room = size - _words(table.header)
    return [Table(table.header, tuple(rows)) for rows in _filled(((row, _words(row)) for row in table.rows), room)]


def _words(row: Iterable[str]) -> int:
    return sum(len(_WORD.findall(cell)) for cell in row)


def _filled(parts: Iterable[tuple[T, int]], size: int) -> Iterator[list[T]]:
    """The parts in their order, as many together as weigh `size`."""
    held: list[T] = []
    weight = 0
    for part, own in parts:
        if held and weight + own > size:
            yield held
            held, weight = [], 0
        held.append(part)
        weight += own
    if held:
        yield held


def _names(root: Path) -> list[str]:
    """Relative paths of the folder's files, sorted, without hidden ones and linked folders."""
    paths = (path.relative_to(root) for path in root.rglob("*") if not path.is_dir())
    names = sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))
    for name in names:
        if any("\ud800" <= character <= "\udfff" for character in name):  # how Python shows bytes that are no UTF-8
            raise BadCollection(f"the name of the file {name[:80]!r} is not UTF-8: rename it")
    return names


def _captions(root: Path) -> dict[str, str]:
    if not (root / CAPTIONS).exists():
        return {}
    captions: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, data in json_lines(inside(root, CAPTIONS), CAPTIONS):
        with located(CAPTIONS, number):
            record = CaptionLine.read(data)
            inside(root, record.file)
            name = Path(record.file).as_posix()
            if name in lines:
                raise BadCollection(f"{name!r} has a caption on line {lines[name]} already: keep one")
            if Path(name).suffix.lower() not in PICTURES:
                raise BadCollection(f"{name!r} is not named as a picture: its name must end in {', '.join(PICTURES)}")
            captions[name], lines[name] = record.caption, number
    return captions


def _documents(root: Path, name: str, captions: dict[str, str]) -> Iterator[Document]:
    suffix = Path(name).suffix.lower()
    title = re.sub(r"[\s_-]+", " ", Path(name).stem).strip() or name
    if suffix in PICTURES:
        caption = captions.get(name, "")
        content = read_bytes(followed(root, name), MAX_PICTURE_BYTES)
        yield Document(content_id("image", title, caption, content), Modality.IMAGE, title, caption, image=name)
    elif suffix in (".txt", ".md"):
        text = decode(read_bytes(followed(root, name)))
        if heading := _HEADING.search(text) if suffix == ".md" else None:
            title = heading.group(1).rstrip(" \t#")[:300] or title
            text = text[: heading.start()] + text[heading.end() :]
        for piece in windows(text):
            yield Document(content_id("passage", title, piece, b""), Modality.PASSAGE, title, piece)
    elif suffix == ".csv":
        for part in row_windows(read_table(read_bytes(followed(root, name)))):
            content = json.dumps(part.to_dict()).encode()
            yield Document(content_id("table", title, "", content), Modality.TABLE, title, table=part)
