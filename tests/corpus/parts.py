"""Small pictures, and lines of a collection."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

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


PNG, JPEG, WEBP = (saved(noise(), kind) for kind in ("PNG", "JPEG", "WEBP"))


IMAGE = {"id": "i", "kind": "image", "title": "Velmar", "text": "A view.", "image": "images/a.png"}


PASSAGE = {"id": "p", "kind": "passage", "title": "Velmar", "text": "It is old."}


TABLE = {"id": "t", "kind": "table", "title": "Heights", "text": "", "table": "t.csv"}


QUESTION = {"id": "q", "question": "How high?", "answers": ["31"], "evidence": ["t"], "image": "images/a.png"}


def write(root: Path, *lines: object, name: str = "corpus.jsonl") -> None:
    parts = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    (root / name).write_bytes(b"\n".join(parts) + b"\n")
