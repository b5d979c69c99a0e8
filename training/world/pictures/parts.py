"""Small parts that several entities share: windows, portholes, doors, shading."""

from __future__ import annotations

from training.world.pictures.palette import CREAM, GLOW, INK, Paint
from training.world.pictures.shapes import Point, circle, path, polygon, rect

GLASS = "#35618f"


def glass(paint: Paint) -> str:
    """What a pane looks like now: dark blue by day, glowing when lamps are lit."""
    return GLOW if paint.lit else GLASS


def window(x: float, y: float, width: float, height: float, paint: Paint, arched: bool = False) -> str:
    """A window centred on (x, y): a cream frame between two dark lines, so that it shows on every colour."""
    w, h = width / 2, height / 2
    top = f"V{y - h + w:g}A{w:g} {w:g} 0 0 1 {x + w:g} {y - h + w:g}" if arched else f"V{y - h:g}H{x + w:g}"
    shape = f"M{x - w:g} {y + h:g}{top}V{y + h:g}Z"
    return path(shape, fill=glass(paint), stroke=INK, stroke_width=9, stroke_linejoin="round") + path(
        shape, fill="none", stroke=CREAM, stroke_width=4, stroke_linejoin="round"
    )


def porthole(x: float, y: float, radius: float, paint: Paint) -> str:
    """A round window with a brass rim."""
    rim = circle(x, y, radius, fill=paint.near("#c08a2e"), stroke=INK, stroke_width=4)
    pane = circle(x, y, radius - 5, fill=glass(paint), stroke=INK, stroke_width=2)
    return rim + pane + path(f"M{x - 6:g} {y:g}A6 6 0 0 1 {x:g} {y - 6:g}", fill="none", stroke=CREAM, stroke_width=3)


def door(x: float, y: float, width: float, height: float, paint: Paint) -> str:
    """A wooden door standing on (x, y), round at the top, with a knob."""
    w = width / 2
    shape = f"M{x - w:g} {y:g}V{y - height + w:g}A{w:g} {w:g} 0 0 1 {x + w:g} {y - height + w:g}V{y:g}Z"
    wood = path(shape, **paint.plain("#7b4a2b", 5))
    frame = path(shape, fill="none", stroke=CREAM, stroke_width=2)
    return wood + frame + circle(x + w * 0.45, y - height * 0.42, 4, fill=GLOW)


def shade(*points: Point) -> str:
    """A soft shadow over part of a shape, for roundness."""
    return polygon(points, fill="#0a0820", fill_opacity=0.13)


def plank(x: float, y: float, width: float, height: float, colour: str, paint: Paint) -> str:
    """A plain beam, board or slab with an outline."""
    return rect(x, y, width, height, rx=3, **paint.plain(colour))
