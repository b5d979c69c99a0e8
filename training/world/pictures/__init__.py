"""Illustrated pictures of the world's entities: drawn large for people, and legible at 64 pixels for a small model.

`svg` writes the picture, `draw` renders it; the same arguments give the same bytes. A picture is layers from back to
front: sky, ground, clutter, what is falling, what stands beside, the entity's shadow, the entity. Nothing is drawn over
the entity, so nothing that can be asked about it is ever hidden.
"""

from __future__ import annotations

import io
import math

import resvg_py
from PIL import Image

from training.world.looks import Look, View
from training.world.pictures.beside import BESIDE, quay
from training.world.pictures.clutter import clutter
from training.world.pictures.ground import ground
from training.world.pictures.kinds import DRAWINGS, Drawing
from training.world.pictures.palette import Paint, paint_of
from training.world.pictures.shapes import ellipse, move, tag
from training.world.pictures.sky import SIZE, fall, sky

__all__ = ["draw", "svg"]

_STRIP = 80.0  # kept free at one edge for what stands beside


def svg(look: Look, view: View) -> str:
    """The picture of `look` in `view` as SVG text with a 384x384 view box; no fonts, filters or links."""
    drawing, paint = DRAWINGS[look.kind], paint_of(view)
    way = -1 if view.side == "left" else 1
    edge = 192 + way * 192
    entity, slack = _entity(look, view, drawing, paint, way)
    layers = (
        tag("defs", paint.defs()),
        sky(view, paint, edge - way * 50),
        ground(drawing.scene, view, paint),
        clutter(drawing.scene, view, paint),
        fall(view),
        _beside(view, drawing, paint, edge - way * (42 + min(22.0, slack / 3))),
        entity,
    )
    return tag("svg", *layers, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {SIZE} {SIZE}")


def draw(look: Look, view: View, size: int = SIZE) -> Image.Image:
    """The picture of `look` in `view`, RGB, `size` pixels wide and high."""
    data = resvg_py.svg_to_bytes(svg_string=svg(look, view), width=size, height=size, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(data))).convert("RGB")


def _entity(look: Look, view: View, drawing: Drawing, paint: Paint, way: int) -> tuple[str, float]:
    """The entity in its place with its shadow, and the room left at its sides.

    It stands in the middle of what the strip leaves; where `view` would push it out of the frame it is moved or
    enlarged less.
    """
    lean = math.sin(math.radians(view.tilt))
    wide, high = drawing.width + drawing.height * abs(lean), drawing.height + drawing.width / 2 * abs(lean)
    scale = min(view.scale, (SIZE - _STRIP) / wide, (SIZE - 14) / high)
    slack = SIZE - _STRIP - wide * scale
    middle = 192 - way * _STRIP / 2 + max(-slack / 2, min(slack / 2, view.shift * SIZE))
    x, foot = middle - drawing.height * scale * lean / 2, min(374.0, 204 + drawing.height * scale / 2)
    shadow = ellipse(x, foot, drawing.width * scale * 0.62, 17, fill="url(#shadow)")
    return shadow + move(drawing.draw(look.attributes, paint), x, foot, scale, view.tilt), slack


def _beside(view: View, drawing: Drawing, paint: Paint, x: float) -> str:
    """What stands beside, on a pier if the entity floats."""
    thing = BESIDE[view.beside](paint)
    if drawing.scene == "sea":
        pier = move(quay(paint), x, 322, mirror=view.side == "right")
        return pier + move(thing, x, 320)
    return ellipse(x, 342, 52, 10, fill="url(#shadow)") + move(thing, x, 342)
