"""Pictures: whole, upright and small enough, or refused by one error that says why."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mmrag.corpus import encode_png, safe_picture
from mmrag.errors import BadPicture
from mmrag.settings import MAX_PICTURE_BYTES
from tests.corpus.parts import BLUE, JPEG, PNG, RED, WEBP, WHITE, saved, two_halves


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
