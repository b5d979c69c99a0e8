"""What stands beside the entity: each about 84 units wide, its foot's centre at the origin; up is negative."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from training.world.pictures.palette import GLOW, INK, Paint
from training.world.pictures.parts import plank
from training.world.pictures.shapes import circle, ellipse, line, path, polygon, rect

_WOOD = "#8f6239"


def _tree(paint: Paint) -> str:
    trunk = plank(-9, -62, 18, 62, "#74502f", paint)
    crown = path(
        "M-30 -52A30 30 0 0 1-32-106A34 34 0 0 1-16-164A28 28 0 0 1 28-156A34 34 0 0 1 34-100A29 29 0 0 1 26-52Z",
        **paint.plain("#3f8f4a"),
    )
    leaves = "".join(circle(x, y, 9, fill=paint.near("#67b460")) for x, y in ((-18, -132), (14, -110), (-14, -84)))
    cap = path("M-30 -128A30 30 0 0 1 -14 -164A28 28 0 0 1 28 -156Q36 -148 36 -132Q6 -112 -30 -128Z", fill="#f5f8fc")
    return trunk + crown + leaves + (cap if paint.snow else "")


def _lamp(paint: Paint) -> str:
    glow = circle(0, -172, 74, fill="url(#light)") if paint.lit else ""
    pole = plank(-5, -150, 10, 150, "#3d3a4c", paint) + plank(-16, -10, 32, 10, "#3d3a4c", paint)
    head = polygon([(-16, -148), (16, -148), (23, -190), (-23, -190)], **paint.plain("#eef3f5"))
    if paint.lit:
        head = polygon([(-16, -148), (16, -148), (23, -190), (-23, -190)], fill=GLOW, stroke=INK, stroke_width=4)
    return glow + pole + head + polygon([(-28, -190), (28, -190), (0, -210)], **paint.plain("#3d3a4c"))


def _bench(paint: Paint) -> str:
    legs = "".join(plank(x, -34, 9, 34, "#3d3a4c", paint) for x in (-36, 27))
    back = "".join(plank(-42, y, 84, 14, _WOOD, paint) for y in (-84, -64))
    posts = "".join(plank(x, -82, 7, 52, "#3d3a4c", paint) for x in (-30, 23))
    return posts + back + legs + plank(-44, -42, 88, 14, "#a9753f", paint)


def _flag(paint: Paint) -> str:
    pole = line(-34, 0, -34, -206, stroke=INK, stroke_width=10)
    pole += line(-34, 0, -34, -204, stroke=paint.near("#d9d4c8"), stroke_width=4)
    cloth = path("M-30 -200Q-8 -212 10 -198T36 -200V-140Q24 -132 8 -142T-30 -142Z", **paint.plain("#19b3b0"))
    stripe = path("M-28 -180Q-8 -192 10 -178T34 -180V-161Q24 -154 8 -163T-28 -163Z", fill=paint.near("#ffe9c4"))
    return pole + cloth + stripe + circle(-34, -208, 7, **paint.plain("#f2c14e", 3))


def _barrel(paint: Paint) -> str:
    body = path("M-28 -4Q-44 -44 -28 -84H28Q44 -44 28 -4Q0 4 -28 -4Z", **paint.plain("#a56b35", 5))
    staves = "".join(
        path(f"M{x} -84Q{x * 1.5:g} -44 {x} -4", fill="none", stroke=INK, stroke_opacity=0.4, stroke_width=3)
        for x in (-10, 10)
    )
    hoops = "".join(rect(-w, y, 2 * w, 9, rx=3, **paint.plain("#55525f", 2)) for y, w in ((-70, 35), (-26, 36)))
    return body + staves + hoops + ellipse(0, -84, 28, 8, **paint.plain("#7c4d24"))


BESIDE: Mapping[str, Callable[[Paint], str]] = {
    "tree": _tree, "lamp": _lamp, "bench": _bench, "flag": _flag, "barrel": _barrel,
}  # fmt: skip


def quay(paint: Paint) -> str:
    """A stone pier for whatever stands beside a boat; its top is at the origin's height."""
    wall = rect(-80, -4, 138, 90, rx=4, **paint.plain("#8e8a90"))
    joints = "".join(line(-78, y, 56, y, stroke=INK, stroke_opacity=0.4, stroke_width=3) for y in (22, 46))
    return wall + joints + rect(-84, -8, 146, 14, rx=4, **paint.plain("#f3f6fb" if paint.snow else "#b6b1b3"))
