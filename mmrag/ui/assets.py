"""The style sheet and the scripts, as text."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def read(name: str) -> str:
    """The text of one of `page.css`, `widgets.css`, `page.js`, `bridge.js`."""
    return (Path(__file__).parent / "static" / name).read_text(encoding="utf-8")
