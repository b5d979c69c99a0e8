"""Contract of mmrag.corpus: what comes in is whole and safe, or refused by one error that says where and what to do."""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import unicodedata
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mmrag.corpus import Collection, clean_question, encode_png, read_collection, safe_picture
from mmrag.corpus.folder import windows
from mmrag.errors import BadCollection, BadPicture, BadQuestion, UnknownId
from mmrag.settings import MAX_LINE_BYTES, MAX_PICTURE_BYTES, MAX_QUESTION
from mmrag.types import Modality, Question

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def two_halves(mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right, 40 x 20."""
    image = Image.new("RGB", (40, 20), RED)
    image.paste(BLUE, (20, 0, 40, 20))
    return image.convert(mode)


def noise(side: int = 200) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8))


def png_header(width: int, height: int) -> bytes:
    """A tiny PNG that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")
    )


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


PNG, JPEG, WEBP = (saved(noise(), kind) for kind in ("PNG", "JPEG", "WEBP"))
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><script>alert(1)</script></svg>"
BAD_PICTURES = {
    "empty": b"",
    "text": b"not a picture",
    "svg renamed": SVG,
    "html": b"<html><img src=x onerror=alert(1)></html>",
    "gif": saved(two_halves(), "GIF"),
    "bmp": saved(two_halves(), "BMP"),
    "tiff": saved(two_halves(), "TIFF"),
    "ico": saved(two_halves(), "ICO"),
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "fits": b"SIMPLE  =                    T" + b" " * 3000,
    "pdf": b"%PDF-1.4\n",
    "zip": b"PK\x03\x04" + bytes(100),
    "png magic only": b"\x89PNG\r\n\x1a\n",
    "jpeg magic only": b"\xff\xd8\xff\xe0",
    "webp magic only": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    "png half": PNG[: len(PNG) // 2],
    "png without its end": PNG[:-20],
    "jpeg half": JPEG[: len(JPEG) // 2],
    "webp half": WEBP[: len(WEBP) // 2],
    "png flipped": flipped(PNG),
    "bomb of 30 MP": png_header(6000, 5000),
    "bomb of 144 MP": png_header(12_000, 12_000),
    "bomb of 4 GP": png_header(65_000, 65_000),
    "bomb beyond any": png_header(2**31 - 1, 2**31 - 1),
    "real bomb": saved(Image.new("L", (5000, 4000)), "PNG"),
    "no width": png_header(0, 10),
    "a line": saved(Image.new("RGB", (1, 5000)), "PNG"),
    "too many bytes": PNG + bytes(MAX_PICTURE_BYTES),
}


# --- pictures


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", BAD_PICTURES)
def test_a_bad_picture_is_one_error_that_names_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(BAD_PICTURES[name])
    for source in (BAD_PICTURES[name], path):
        with pytest.raises(BadPicture, match=r"'bad\.png'.*: .+") as caught:
            safe_picture(source, "bad.png")
        assert "\n" not in str(caught.value)
        assert str(tmp_path) not in str(caught.value)


def test_a_missing_picture_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.png", tmp_path / ("n" * 300), tmp_path / "a\0b"):
        with pytest.raises(BadPicture):
            safe_picture(path, "x.png")


@given(st.binary(max_size=200), st.sampled_from([b"", PNG[:100], JPEG[:400], WEBP[:100]]))
def test_any_bytes_are_a_picture_or_a_bad_picture(tail: bytes, head: bytes) -> None:
    with contextlib.suppress(BadPicture):
        assert safe_picture(head + tail, "x").mode == "RGB"


def test_a_damaged_jpeg_never_raises_anything_else() -> None:
    for at in range(0, len(JPEG), 97):
        with contextlib.suppress(BadPicture):
            safe_picture(JPEG[:at] + b"\xff\x00\xff" + JPEG[at + 3 :], "x.jpg")


MODES = {"PNG": ("RGB", "L", "RGBA", "LA", "P", "1"), "JPEG": ("RGB", "L", "CMYK"), "WEBP": ("RGB", "L", "RGBA", "P")}


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, modes in MODES.items() for mode in modes])
def test_every_colour_mode_becomes_rgb(kind: str, mode: str) -> None:
    source = two_halves(mode)
    image = safe_picture(saved(source, kind, quality=95), "x")
    assert (image.mode, image.size) == ("RGB", (40, 20))
    expected = source.convert("RGB")
    for point in ((5, 10), (35, 10)):
        assert np.abs(np.subtract(image.getpixel(point), expected.getpixel(point))).max() <= 12


def test_what_is_transparent_becomes_white() -> None:
    image = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (10, 0, 20, 20))
    for data in (saved(image, "PNG"), saved(image, "WEBP", lossless=True), saved(image.convert("LA"), "PNG")):
        assert safe_picture(data, "x").getpixel((2, 2)) == WHITE
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([0, 255, 0, 255, 0, 0])
    assert safe_picture(saved(palette, "PNG", transparency=0), "x").getpixel((1, 1)) == WHITE


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    grey = Image.fromarray(np.full((8, 8), 32768, dtype=np.uint16))
    assert safe_picture(saved(grey, "PNG"), "x").getpixel((4, 4)) == (128, 128, 128)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    first, second = Image.new("RGB", (16, 16), RED), Image.new("RGB", (16, 16), BLUE)
    data = saved(first, kind, save_all=True, append_images=[second], lossless=True)
    assert safe_picture(data, "x").getpixel((8, 8)) == RED


@pytest.mark.parametrize("turned", range(1, 9))
def test_a_picture_turned_by_exif_stands_upright_and_loses_its_metadata(turned: int) -> None:
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transposition that undoes each orientation's own
    stored = two_halves() if turned == 1 else two_halves().transpose(Image.Transpose(back[turned]))
    exif = Image.Exif()
    exif[0x0112] = turned
    exif[0x010E] = "a secret place"
    image = safe_picture(saved(stored, "PNG", exif=exif), "x")
    assert image.size == (40, 20)
    assert image.getpixel((5, 10)) == RED
    assert not image.getexif()
    assert not image.info
    assert b"secret" not in encode_png(image)


def test_an_encoded_picture_is_a_png_no_larger_than_asked() -> None:
    image = Image.open(io.BytesIO(encode_png(Image.new("RGB", (2000, 30)), max_side=256)))
    assert (image.format, image.size) == ("PNG", (256, 4))
    assert Image.open(io.BytesIO(encode_png(two_halves()))).size == (40, 20)


# --- questions


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("  What\tis \n this? ", "What is this?"),
        ("cafe\u0301?", "café?"),
        ("a\u0000b\u0007c", "a b c"),
        ("who\u202e is \u200bit\ufeff?", "who is it?"),
        ("\ud800what", "what"),
        ("東京の塔は何色ですか", "東京の塔は何色ですか"),
        ("ما لون السقف؟", "ما لون السقف؟"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("<script>alert(1)</script> ${x}", "<script>alert(1)</script> ${x}"),
        ("7", "7"),
    ],
)
def test_a_question_in_any_script_is_cleaned(typed: str, clean: str) -> None:
    assert clean_question(typed) == clean


@pytest.mark.parametrize(
    "typed", ["", " \n\t", "\0\0", "\u200b", "???", "🙂", "—", "a" * (MAX_QUESTION + 1), "x " * 10_000]
)
def test_a_question_with_nothing_to_look_for_or_too_much_is_refused(typed: str) -> None:
    with pytest.raises(BadQuestion) as caught:
        clean_question(typed)
    assert len(str(caught.value)) < 200


@given(st.text())
def test_a_clean_question_stays_as_it_is(typed: str) -> None:
    try:
        clean = clean_question(typed)
    except BadQuestion:
        return
    assert clean_question(clean) == clean
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in clean)


# --- a collection in corpus.jsonl


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


IMAGE = {"id": "i", "kind": "image", "title": "Velmar", "text": "A view.", "image": "images/a.png"}
PASSAGE = {"id": "p", "kind": "passage", "title": "Velmar", "text": "It is old."}
TABLE = {"id": "t", "kind": "table", "title": "Heights", "text": "", "table": "t.csv"}
QUESTION = {"id": "q", "question": "How high?", "answers": ["31"], "evidence": ["t"], "image": "images/a.png"}


def write(root: Path, *lines: object, name: str = "corpus.jsonl") -> None:
    parts = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    (root / name).write_bytes(b"\n".join(parts) + b"\n")


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


# --- any folder


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
