"""Pictures on their way to a browser: drawn anew as PNG, and never larger than asked."""

from __future__ import annotations

import base64
import io

from PIL import Image

SMALL, LARGE = 360, 1024  # px, the longer side: on a card, and opened


def png(image: Image.Image, side: int) -> bytes:
    """The picture as PNG bytes, shrunk where its longer side is more than `side` pixels."""
    shrunk = image.convert("RGB")
    shrunk.thumbnail((side, side))
    out = io.BytesIO()
    shrunk.save(out, "PNG")
    return out.getvalue()


def inline(data: bytes) -> str:
    """PNG bytes as an address that needs no server."""
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")
