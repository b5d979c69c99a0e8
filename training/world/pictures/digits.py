"""Digits drawn as strokes, so that a number looks the same wherever there is no font."""

from __future__ import annotations

from training.world.pictures.palette import CREAM, INK, Paint
from training.world.pictures.shapes import move, path, rect

PLATE_WIDTH, PLATE_HEIGHT = 136.0, 120.0
_STROKE, _PITCH = 17, 62  # a digit's centre line fills a box 38 wide and 88 high, centred on the origin

_PATHS = {
    "0": "M0 -44C-26 -44 -26 44 0 44C26 44 26 -44 0 -44Z",
    "1": "M-14 -28L6 -44V44M-12 44H22",
    "2": "M-19 -24C-19 -52 19 -50 19 -22C19 0 -12 20 -19 44H20",
    "3": "M-18 -44H18L-4 -10C28 -12 26 44 -2 44C-12 44 -18 40 -21 34",
    "4": "M8 44V-44L-22 20H23",
    "5": "M17 -44H-14L-17 -6C28 -22 28 44 -2 44C-12 44 -18 40 -21 34",
    "6": "M14 -44C-14 -30 -19 -4 -19 16C-19 53 19 53 19 16C19 -12 -16 -10 -19 16",
    "7": "M-20 -44H20C6 -16 -4 14 -6 44",
    "8": "M0 -6C-22 -8 -22 -44 0 -44C22 -44 22 -8 0 -6C-26 -4 -26 44 0 44C26 44 26 -4 0 -6Z",
    "9": "M-14 44C14 30 19 4 19 -16C19 -53 -19 -53 -19 -16C-19 12 16 10 19 -16",
}


def number(text: str, x: float, y: float) -> str:
    """The digits of `text` side by side, centred on (x, y), 105 units high."""
    start = x - (len(text) - 1) * _PITCH / 2
    style: dict[str, str | float] = {"fill": "none", "stroke": INK, "stroke_width": _STROKE, "stroke_linejoin": "round"}
    drawn = (move(path(_PATHS[digit], **style), start + i * _PITCH, y) for i, digit in enumerate(text))
    return "".join(drawn)


def plate(text: str, x: float, y: float, paint: Paint) -> str:
    """A light plate with a dark number on it, centred on (x, y)."""
    left, top = x - PLATE_WIDTH / 2, y - PLATE_HEIGHT / 2
    return rect(left, top, PLATE_WIDTH, PLATE_HEIGHT, rx=12, **paint.plain(CREAM)) + number(text, x, y)
