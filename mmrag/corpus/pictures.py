"""A picture from anyone becomes a plain RGB image, or one `BadPicture`.

Covered: byte and pixel caps before any decoding, PNG, JPEG and WebP only (by content, never by file name), checksums, a
full decode, the first frame of an animation, EXIF rotation applied and all metadata dropped, and every colour mode
brought to 8-bit RGB on white. Not covered: a fault inside Pillow's own decoders, for which its floor version is pinned.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mmrag.errors import BadPicture
from mmrag.settings import MAX_ASPECT, MAX_PICTURE_BYTES, MAX_PIXELS

FORMATS = ("PNG", "JPEG", "WEBP")


def safe_picture(source: bytes | Path, name: str) -> Image.Image:
    """The picture in `source` as an upright 8-bit RGB image without metadata; `name` is what an error calls it.

    Raises:
        BadPicture: it is missing, empty, too large, damaged, or not a PNG, JPEG or WebP.
    """
    data = _read(source, name)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image, name)
            image.verify()  # checksums; it leaves the image unusable, hence the second opening
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            image.load()
            return _on_white(ImageOps.exif_transpose(image))
    except BadPicture:
        raise
    except UnidentifiedImageError as error:
        raise BadPicture(f"{name!r} is not a PNG, JPEG or WebP picture: save it as one of these") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadPicture(_too_many_pixels(name)) from error
    except Exception as error:  # decoders raise almost anything on hostile bytes, from SyntaxError to struct.error
        raise BadPicture(f"{name!r} is damaged or cut short and cannot be decoded: save it again") from error


def encode_png(image: Image.Image, max_side: int = 512) -> bytes:
    """PNG bytes of `image`, shrunk so that neither side exceeds `max_side` pixels: what `Query.picture` holds."""
    small = image.convert("RGB")
    small.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "PNG")
    return out.getvalue()


def _read(source: bytes | Path, name: str) -> bytes:
    if isinstance(source, Path):
        try:
            if not source.is_file():
                raise BadPicture(f"there is no picture file {name!r}: put it there or correct the name")
            with source.open("rb") as file:
                data = file.read(MAX_PICTURE_BYTES + 1)
        except OSError as error:
            raise BadPicture(f"{name!r} cannot be read ({error.strerror}): check its permissions") from error
    else:
        data = source
    if not data:
        raise BadPicture(f"{name!r} is empty: save the picture again")
    if len(data) > MAX_PICTURE_BYTES:
        raise BadPicture(f"{name!r} is larger than {MAX_PICTURE_BYTES / 1e6:g} MB: save it smaller")
    return data


def _check_size(image: Image.Image, name: str) -> None:
    """Refuse by the header alone: Pillow's own limits are ten times ours, and only warn at first."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise BadPicture(_too_many_pixels(name))
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise BadPicture(f"{name!r} is {width} x {height} pixels, a mere line: crop it to at most {MAX_ASPECT} to 1")


def _too_many_pixels(name: str) -> str:
    return f"{name!r} has more than {MAX_PIXELS / 1e6:g} million pixels: save it smaller"


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow's own conversion clips to white
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    clean = Image.new("RGB", image.size, "white")  # a new image, so that no metadata comes along
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        clean.paste(layer, mask=layer)
    else:
        clean.paste(image.convert("RGB"))
    return clean
