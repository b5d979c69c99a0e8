"""`corpus.jsonl`: every line is a document, or one error that says where and what to do."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmrag.corpus import read_collection
from mmrag.errors import BadCollection, BadPicture, UnknownId
from mmrag.settings import MAX_LINE_BYTES
from mmrag.types import Modality, Question
from tests.corpus.parts import IMAGE, PASSAGE, PNG, QUESTION, TABLE, saved, two_halves, write


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A folder with one document of each kind; tests append their own lines."""
    root = tmp_path / "world"
    (root / "images").mkdir(parents=True)
    (root / "images" / "a.png").write_bytes(saved(two_halves(), "PNG"))
    (root / "t.csv").write_text("Name,Height\nVelmar,31\n")
    write(root, IMAGE, PASSAGE, TABLE)
    (tmp_path / "outside.png").write_bytes(PNG)
    (tmp_path / "world-beside").mkdir()
    (tmp_path / "world-beside" / "b.png").write_bytes(PNG)
    return root


def test_a_collection_gives_documents_pictures_and_questions(world: Path) -> None:
    write(world, QUESTION, name="questions.jsonl")
    collection = read_collection(world)
    assert list(collection.documents) == ["i", "p", "t"]
    assert [document.modality for document in collection.documents.values()] == list(Modality)
    table = collection.document("t").table
    assert table is not None
    assert (table.header, table.rows) == (("Name", "Height"), (("Velmar", "31"),))
    picture = collection.picture("i")
    assert picture is not None
    assert picture.size == (40, 20)
    assert collection.picture("p") is None
    assert collection.questions == (Question.from_dict(QUESTION),)
    query = collection.query(collection.questions[0])
    assert query.text == "How high?"
    assert query.picture is not None
    for unknown in (collection.document, collection.picture):
        with pytest.raises(UnknownId, match="nobody"):
            unknown("nobody")


def test_a_byte_order_mark_blank_lines_and_windows_ends_are_tolerated(world: Path) -> None:
    (world / "corpus.jsonl").write_bytes(b"\xef\xbb\xbf" + json.dumps(PASSAGE).encode() + b"\r\n\r\n  \n")
    (world / "t.csv").write_bytes(b'\xef\xbb\xbfName\r\n\r\n"a,\nb"\r\n')
    assert list(read_collection(world).documents) == ["p"]
    write(world, TABLE)
    table = read_collection(world).document("t").table
    assert table is not None
    assert (table.header, table.rows) == (("Name",), (("a,\nb",),))


def test_ids_from_content_stay_when_the_collection_grows_and_change_with_the_content(world: Path) -> None:
    lines = [{**line, "id": None} for line in (IMAGE, PASSAGE, TABLE)]
    write(world, *lines)
    before = read_collection(world)
    write(world, {**PASSAGE, "id": None, "text": "Another."}, *reversed(lines))
    after = read_collection(world)
    assert len(after.documents) == 4
    assert all(after.documents[name] == document for name, document in before.documents.items())
    assert all(len(name) == 16 for name in after.documents)
    (world / "images" / "a.png").write_bytes(PNG)
    (world / "t.csv").write_text("Name,Height\nVelmar,32\n")
    assert len(set(read_collection(world).documents) & set(before.documents)) == 1


DEEP = b'{"a":' * 20_000 + b"1" + b"}" * 20_000


BAD_LINES = {
    "not json": (b"{", "is not JSON"),
    "plain text": (b"hello", "is not JSON"),
    "two objects": (b"{} {}", "is not JSON"),
    "a list": (b"[1]", "is a list"),
    "a text": (b'"x"', "is a str"),
    "null": (b"null", "is a NoneType"),
    "not utf-8": (b'{"title": "\xff\xfe"}', "not UTF-8"),
    "utf-16": ('{"a": 1}'.encode("utf-16-be"), "JSON|UTF-8"),
    "nan": (b'{"id": NaN}', "NaN"),
    "infinity": (b'{"id": -Infinity}', "Infinity"),
    "nested": (DEEP, "nested too deeply"),
    "nested list": (b"[" * 400_000, "nested too deeply"),
    "huge number": (b'{"id": ' + b"9" * 6000 + b"}", "not usable JSON"),
    "too long": (b'{"title": "' + b"x" * MAX_LINE_BYTES + b'"}', "longer than 1 MB"),
    "longer than a prompt": ({**PASSAGE, "id": "x", "text": "word " * 2000}, "reads 10000 at most: split it"),
    "half a character": (b'{"title": "\\ud800"}', "half a character"),
    "empty object": (b"{}", "'kind'"),
    "unknown field": ({**PASSAGE, "id": "x", "colour": "red"}, "'colour'.*fields are"),
    "unknown kind": ({**PASSAGE, "kind": "video"}, "'kind'.*'image'"),
    "no title": ({"kind": "passage", "text": "a"}, "'title'"),
    "blank title": ({**PASSAGE, "title": " "}, "'title'"),
    "endless title": ({**PASSAGE, "title": "t" * 301}, "'title'"),
    "title of a wrong type": ({**PASSAGE, "title": 3}, "'title'"),
    "text of a wrong type": ({**PASSAGE, "text": ["a"]}, "'text'"),
    "passage without text": ({**PASSAGE, "id": "x", "text": "  "}, "needs 'text'"),
    "image without picture": ({"kind": "image", "title": "a"}, "needs 'image'"),
    "table without file": ({"kind": "table", "title": "a"}, "needs 'table'"),
    "passage with a picture": ({**PASSAGE, "id": "x", "image": "images/a.png"}, "has no 'image'"),
    "image with a table": ({**IMAGE, "id": "x", "table": "t.csv"}, "has no 'table'"),
    "missing picture": ({**IMAGE, "id": "x", "image": "images/none.png"}, "no file 'images/none.png'"),
    "missing table": ({**TABLE, "id": "x", "table": "none.csv"}, "no file 'none.csv'"),
    "repeated id": ({**PASSAGE, "text": "other"}, "'p' of line 2"),
    "id with a slash": ({**PASSAGE, "id": "a/b"}, "'id'"),
    "id with a newline": ({**PASSAGE, "id": "a\n"}, "'id'"),
    "empty id": ({**PASSAGE, "id": ""}, "'id'"),
    "endless id": ({**PASSAGE, "id": "a" * 121}, "'id'"),
    "id of a wrong type": ({**PASSAGE, "id": 7}, "'id'"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_is_one_error_that_names_file_and_line(name: str, world: Path) -> None:
    line, message = BAD_LINES[name]
    write(world, IMAGE, PASSAGE, TABLE, line, PASSAGE)
    with pytest.raises(BadCollection, match=rf"^corpus\.jsonl line 4: .*({message})") as caught:
        read_collection(world)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no row"),
        (b"Name,Height\n", "no row"),
        (b"a,b\n1\n", "1 cells; the header has 2"),
        (b"a,b\n1,2,3\n", "line 2"),
        (b"a\n\xff\n", "not UTF-8"),
        (b'a\n"x"y\n', "not CSV"),
        (b'a\n"never closed', "not CSV"),
        (b"a\n" + b"x" * 200_000, "not CSV"),
        (b"a\n" * 3_000_000, "larger than 5 MB"),
    ],
)
def test_a_bad_table_is_one_error_that_names_line_and_table(content: bytes, message: str, world: Path) -> None:
    (world / "t.csv").write_bytes(content)
    with pytest.raises(BadCollection, match=rf"^corpus\.jsonl line 3: t\.csv: .*({message})"):
        read_collection(world)


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        {**QUESTION, "id": 3},
        {**QUESTION, "colour": "red"},
        {"id": "x"},
        {**QUESTION, "answers": "31"},
        {**QUESTION, "evidence": ["nobody"]},
        {**QUESTION, "image": "../outside.png"},
        {**QUESTION, "image": "images/none.png"},
        QUESTION,
    ],
)
def test_a_bad_question_line_is_one_error_that_names_file_and_line(line: object, world: Path) -> None:
    write(world, QUESTION, line, name="questions.jsonl")
    with pytest.raises(BadCollection, match=r"^questions\.jsonl line 2: "):
        read_collection(world)


ATTACKS = [
    "../outside.png",
    "images/../../outside.png",
    "..",
    ".",
    "images",
    "./../outside.png",
    "/etc/passwd",
    "//etc/passwd",
    "../world-beside/b.png",
    "images/../images/a.png",
    "..\\outside.png",
    "images\\a.png",
    "C:\\windows\\win.ini",
    "C:/windows/win.ini",
    "\\\\server\\share\\a.png",
    "file:///etc/passwd",
    "http://127.0.0.1/a.png",
    "images/a.png\0.txt",
    "%2e%2e/outside.png",
    "%2fetc%2fpasswd",
    "~/a.png",
    "link.png",
    "linked/passwd",
    "loop.png",
    "pipe.png",
    "images/a.png/..",
    "n" * 900,
    "a/" * 400 + "a.png",
    "",
]


@pytest.mark.parametrize("part", ["image", "table"])
@pytest.mark.parametrize("path", ATTACKS)
def test_no_path_leads_out_of_the_folder(path: str, part: str, world: Path) -> None:
    (world / "link.png").symlink_to(world.parent / "outside.png")
    (world / "linked").symlink_to("/etc")
    (world / "loop.png").symlink_to("loop.png")
    os.mkfifo(world / "pipe.png")
    write(world, PASSAGE, {"kind": part, "title": "a", part: path})
    with pytest.raises(BadCollection, match=r"^corpus\.jsonl line 2: ") as caught:
        read_collection(world)
    assert str(world.parent) not in str(caught.value)


def test_a_picture_that_becomes_a_link_after_reading_is_refused(world: Path) -> None:
    collection = read_collection(world)
    (world / "images" / "a.png").unlink()
    with pytest.raises(BadPicture, match="no file"):
        collection.picture("i")
    (world / "images" / "a.png").symlink_to(world.parent / "outside.png")
    with pytest.raises(BadPicture, match="links out"):
        collection.picture("i")


def test_a_damaged_picture_is_named_when_it_is_opened(world: Path) -> None:
    (world / "images" / "a.png").write_bytes(PNG[:500])
    with pytest.raises(BadPicture, match=r"'images/a\.png'"):
        read_collection(world).picture("i")


@pytest.mark.parametrize("name", ["none", "world/corpus.jsonl", "a\0b", "n" * 5000])
def test_what_is_no_folder_is_refused(name: str, world: Path) -> None:
    with pytest.raises(BadCollection, match="is not a folder"):
        read_collection(world.parent / name)


def test_a_corpus_file_that_links_out_is_refused(world: Path) -> None:
    (world / "corpus.jsonl").rename(world.parent / "corpus.jsonl")
    (world / "corpus.jsonl").symlink_to(world.parent / "corpus.jsonl")
    with pytest.raises(BadCollection, match="links out"):
        read_collection(world)


WORDS = st.sampled_from(["a", "image", "passage", "table", "images/a.png", "t.csv", "../x", "", "\x00"]) | st.text(
    max_size=4
)
FIELDS = st.sampled_from(["id", "kind", "title", "text", "image", "table", "question", "answers", "evidence", "colour"])
LINES = st.dictionaries(FIELDS, WORDS | st.lists(WORDS, max_size=2) | st.none() | st.integers(), max_size=6)


@given(
    st.binary(max_size=60) | LINES.map(lambda line: json.dumps(line).encode()), st.sampled_from(["corpus", "questions"])
)
def test_any_line_is_read_or_is_one_error(tmp_path_factory: pytest.TempPathFactory, line: bytes, name: str) -> None:
    root = tmp_path_factory.mktemp("any")
    (root / "images").mkdir()
    (root / "images" / "a.png").write_bytes(PNG)
    (root / "t.csv").write_text("Name,Height\nVelmar,31\n")
    write(root, PASSAGE)
    write(root, *([PASSAGE, line] if name == "corpus" else [line]), name=f"{name}.jsonl")
    try:
        read = read_collection(root)
    except BadCollection as error:
        message = str(error)
    else:
        message = f"{name}.jsonl line" if len(read.documents) in (1, 2) else ""
    assert f"{name}.jsonl" in message
