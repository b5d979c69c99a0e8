"""A world as a folder: corpus.jsonl, images/, tables/, questions.jsonl, and world.json that says how it was made."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL.Image import Dither, Image, Quantize

from mmrag.errors import BadSetting, StorageFull
from mmrag.types import Document, Modality, Question, Table
from training.world.world import World

VERSION = 1
MARK = "world.json"  # written last: a folder that has it is whole, and may be replaced
COLOURS = 128  # of a stored picture's own palette; fewer show bands in the skies


def write_world(
    world: World, questions: int, out: Path, report: Callable[[int, int], None] = lambda done, all_: None
) -> None:
    """Write `world` with so many questions, half of them dev, half test, to the folder `out`.

    It is written beside `out` and renamed at the end, so a half-written world is never seen. `report` is told how many
    pictures are drawn, and of how many.

    Raises:
        BadSetting: `out` holds something that is no world, or the world has fewer questions.
        StorageFull: the disk took no more.
    """
    check_replaceable(out)
    asked = _asked(world, questions)
    building = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        _fill(world, asked, building, report)
        _swap(building, out)
    except OSError as error:
        raise StorageFull(
            f"{str(out)!r} cannot be written ({error.strerror}): free some space or name another"
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def words_of(world: World, questions: int) -> str:
    """A hash of all the words that `write_world` would write, 16 hex digits: they change when the code of worlds does.

    Raises:
        BadSetting: the world has fewer questions.
    """
    lines = [*map(repr, world.documents.values()), *(str(one.to_dict()) for one in _asked(world, questions))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _asked(world: World, questions: int) -> list[Question]:
    return [*world.questions(questions - questions // 2, "dev"), *world.questions(questions // 2, "test")]


def check_replaceable(out: Path) -> None:
    """Make sure that writing to `out` destroys nothing but a world.

    Raises:
        BadSetting: it is a file, or a folder with something else in it.
    """
    if out.exists() and not out.is_dir():
        raise BadSetting(f"{str(out)!r} is a file: name a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise BadSetting(f"{str(out)!r} holds files but no {MARK}: name an empty folder, or one that holds a world")


def _fill(world: World, asked: list[Question], folder: Path, report: Callable[[int, int], None]) -> None:
    (folder / "images").mkdir(parents=True)
    (folder / "tables").mkdir()
    _write_lines(folder / "corpus.jsonl", map(_corpus_line, world.documents.values()))
    for document in world.documents.values():
        if document.table is not None:
            (folder / _table_path(document)).write_bytes(_csv(document.table))
    _write_lines(folder / "questions.jsonl", (question.to_dict() for question in asked))
    pictures = _pictures(world, asked)
    for done, (path, draw) in enumerate(pictures.items(), start=1):
        (folder / path).write_bytes(png(draw()))
        report(done, len(pictures))
    summary = {
        "version": VERSION,
        "seed": world.seed,
        "entities": len(world.facts.entities),
        "level": world.difficulty.level,
        "documents": len(world.documents),
        "questions": len(asked),
    }
    (folder / MARK).write_bytes((json.dumps(summary, indent=2) + "\n").encode())


def _pictures(world: World, asked: list[Question]) -> dict[str, Callable[[], Image]]:
    """How to draw every picture, by its path."""
    drawn: dict[str, Callable[[], Image]] = {}
    for key in world.views:
        drawn[f"images/{key}.png"] = lambda key=key: world.picture(key)  # type: ignore[misc]
    for question in asked:
        if question.image is not None:
            drawn[question.image] = lambda key=question.id: world.query_picture(key)  # type: ignore[misc]
    return drawn


def png(picture: Image) -> bytes:
    """The picture as a small PNG: its own palette, no dithering (it would cost size and show as noise)."""
    buffer = io.BytesIO()
    picture.quantize(COLOURS, Quantize.MEDIANCUT, dither=Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _corpus_line(document: Document) -> dict[str, str]:
    line = {"id": document.id, "kind": document.modality.value, "title": document.title, "text": document.text}
    if document.image is not None:
        line["image"] = document.image
    if document.modality is Modality.TABLE:
        line["table"] = _table_path(document)
    return line


def _table_path(document: Document) -> str:
    return f"tables/{document.id}.csv"


def _csv(table: Table) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((table.header, *table.rows))
    return text.getvalue().encode()


def _write_lines(path: Path, items: Iterable[Mapping[str, Any]]) -> None:
    path.write_bytes("".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items).encode())


def _swap(building: Path, out: Path) -> None:
    """Put the finished folder in place; a world that was there goes only once the new one is there."""
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    if out.is_dir():
        out.rename(old)
    try:
        building.rename(out)
    except OSError:
        if old.is_dir():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
