"""Any folder of pictures, texts and tables is a collection, with ids that stay."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mmrag.corpus import Collection, read_collection
from mmrag.corpus.folder import windows
from mmrag.errors import BadCollection
from mmrag.settings import MAX_PICTURE_BYTES
from tests.corpus.parts import saved, two_halves, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    for name in ("velmar_lighthouse", "no-caption"):
        (tmp_path / "pictures" / f"{name}.png").write_bytes(saved(two_halves(), "PNG"))
    write(tmp_path, {"file": "pictures/velmar_lighthouse.png", "caption": "At dusk."}, name="captions.jsonl")
    (tmp_path / "ada.md").write_text("Foreword.\n\n# Ada Brenn #\n\nShe was born in Corl. She built towers.\n")
    (tmp_path / "long.txt").write_text("A sentence of six words, always. " * 100)
    (tmp_path / "towns.csv").write_text("Town,People\nCorl,812\n")
    (tmp_path / ".hidden.txt").write_text("not for reading")
    (tmp_path / "other.docx").write_bytes(b"\0")
    return tmp_path


def by_title(collection: Collection) -> dict[str, list[str]]:
    titles: dict[str, list[str]] = {}
    for document in collection.documents.values():
        titles.setdefault(document.title, []).append(document.text)
    return titles


def test_any_folder_is_a_collection(folder: Path) -> None:
    titles = by_title(read_collection(folder))
    assert set(titles) == {"velmar lighthouse", "no caption", "Ada Brenn", "long", "towns"}
    assert titles["velmar lighthouse"] == ["At dusk."]
    assert titles["no caption"] == [""]
    assert titles["Ada Brenn"] == ["Foreword. She was born in Corl. She built towers."]


def test_a_folder_keeps_its_ids_when_it_grows(folder: Path) -> None:
    before = read_collection(folder).documents
    (folder / "aaa.txt").write_text("A new passage.")
    after = read_collection(folder).documents
    assert set(before) < set(after)
    assert len(after) == len(before) + 1


def test_the_same_text_in_two_files_of_one_name_is_one_document(folder: Path) -> None:
    (folder / "again").mkdir()
    before = len(read_collection(folder).documents)
    (folder / "again" / "long.txt").write_text((folder / "long.txt").read_text())
    assert len(read_collection(folder).documents) == before


def test_windows_end_at_sentences_and_lose_no_word() -> None:
    text = 'He said "no." Then he left! ' * 60 + "word " * 300 + "東京。大阪。" + "x" * 500
    pieces = windows(text, 50)
    assert all(len(piece.split()) <= 50 for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece.endswith(("!", '."')) for piece in pieces[:4])


def _no_such_picture(folder: Path) -> None:
    write(folder, {"file": "none.png", "caption": ""}, name="captions.jsonl")


def _caption_outside(folder: Path) -> None:
    write(folder, {"file": "../x.png", "caption": ""}, name="captions.jsonl")


def _caption_of_text(folder: Path) -> None:
    write(folder, {"file": "ada.md", "caption": ""}, name="captions.jsonl")


def _caption_unknown_field(folder: Path) -> None:
    write(folder, {"file": "pictures/no-caption.png", "caption": "", "x": 1}, name="captions.jsonl")


def _caption_twice(folder: Path) -> None:
    line = {"file": "pictures/no-caption.png", "caption": "a"}
    write(folder, line, {**line, "file": "./pictures/no-caption.png"}, name="captions.jsonl")


@pytest.mark.parametrize(
    ("harm", "line"),
    [
        (_no_such_picture, 1),
        (_caption_outside, 1),
        (_caption_of_text, 1),
        (_caption_unknown_field, 1),
        (_caption_twice, 2),
    ],
)
def test_a_bad_caption_line_is_named(harm: Callable[[Path], None], line: int, folder: Path) -> None:
    harm(folder)
    with pytest.raises(BadCollection, match=rf"^captions\.jsonl line {line}: "):
        read_collection(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bad.txt", b"\xff\xfe"),
        ("bad.csv", b"a,b\n1\n"),
        ("big.md", b"x" * 5_000_001),
        ("big.png", bytes(MAX_PICTURE_BYTES + 1)),
    ],
)
def test_a_bad_file_in_a_folder_is_named(name: str, content: bytes, folder: Path) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(BadCollection, match=rf"^{name}: "):
        read_collection(folder)


def test_a_link_out_of_a_folder_is_refused(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.txt").write_text("canary")
    (folder / "linked").symlink_to(outside)
    assert all("canary" not in document.text for document in read_collection(folder).documents.values())
    (folder / "link.txt").symlink_to(outside / "secret.txt")
    with pytest.raises(BadCollection, match=r"^link\.txt: .*links out"):
        read_collection(folder)


def test_an_empty_folder_says_what_to_add(tmp_path: Path) -> None:
    with pytest.raises(BadCollection, match="holds no documents: add"):
        read_collection(tmp_path)


def test_a_file_whose_name_is_not_utf8_is_named(folder: Path) -> None:
    (Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt"))).write_text("A coffee house.")
    with pytest.raises(BadCollection, match=r"'caf\\udce9.txt' is not UTF-8: rename it"):
        read_collection(folder)


def test_a_heading_of_many_blanks_is_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# a" + " #" * 200_000 + "b\nText.")
    (tmp_path / "b.md").write_text("#  ##\nMore text.")
    started = time.perf_counter()
    titles = {document.title for document in read_collection(tmp_path).documents.values()}
    assert time.perf_counter() - started < 2, "its time grew with the square of the blanks"
    assert "b" in titles, "a heading of nothing leaves the file's name"


def test_writing_without_blanks_is_cut_by_its_characters_and_gets_no_blanks() -> None:
    text = "港の灯台は赤い。" * 20 + "ไทย" * 60
    pieces = windows(text, 50)
    assert "".join(pieces) == text
    assert all(len(piece) <= 60 for piece in pieces)
    assert windows("用 AI 读 image", 50) == ["用 AI 读 image"]
    assert windows("港は赤い。AI reads it.", 6) == ["港は赤い。", "AI reads it."], (
        "a sentence ends before a Latin word too"
    )


def test_a_long_table_is_read_as_several_with_its_header_and_keeps_their_ids_when_it_grows(tmp_path: Path) -> None:
    rows = [f"Town {number},{number * 7},a port of the north coast" for number in range(100)]
    (tmp_path / "towns.csv").write_text("\n".join(["Town,People,What", *rows]))
    before = read_collection(tmp_path).documents
    tables = [document.table for document in before.values() if document.table is not None]
    assert len(tables) > 5
    assert {table.header for table in tables} == {("Town", "People", "What")}
    assert [",".join(row) for table in tables for row in table.rows] == rows
    (tmp_path / "towns.csv").write_text("\n".join(["Town,People,What", *rows, "Corl,812,new"]))
    assert len(set(before) - set(read_collection(tmp_path).documents)) <= 1, "only the last part may have changed"


def test_a_row_that_no_model_can_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "towns.csv").write_text(f"Town,What\nCorl,{'long ' * 3000}\n")
    with pytest.raises(BadCollection, match=r"^towns\.csv: the table 'towns' has 15\d+ characters.*split it"):
        read_collection(tmp_path)


def test_a_folder_takes_its_files_whatever_they_are_named(folder: Path) -> None:
    (folder / "Note 10:30.txt").write_text("The ferry left.")
    (folder / "a\\b.png").write_bytes(saved(two_halves(), "PNG"))
    collection = read_collection(folder)
    assert by_title(collection)["Note 10:30"] == ["The ferry left."]
    (picture,) = (one for one in collection.documents.values() if one.image == "a\\b.png")
    assert collection.picture(picture.id) is not None
