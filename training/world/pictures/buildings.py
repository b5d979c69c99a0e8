"""Lighthouse, chapel and windmill. Each is drawn with its foot's centre at the origin; up is negative."""

from __future__ import annotations

from collections.abc import Mapping

from training.world.pictures.palette import ACCENT, CREAM, GLOW, INK, Paint
from training.world.pictures.parts import door, plank, shade, window
from training.world.pictures.shapes import Point, circle, ellipse, line, move, path, polygon, rect, row

_STONE = "#a79f98"


def lighthouse(a: Mapping[str, str], paint: Paint) -> str:
    """A tapering tower, plain or banded, with its windows up the stairs and the lantern under the roof."""
    light = ""
    if paint.lit:
        light = polygon([(0, -254), (-420, -330), (-420, -210)], fill=GLOW, fill_opacity=0.28)
        light += polygon([(0, -254), (420, -330), (420, -210)], fill=GLOW, fill_opacity=0.28)
    tower = polygon(_tower(-8, -228), **paint.part(a["body"]))
    if a["pattern"] == "striped":
        band = "black" if a["body"] == "white" else "white"
        tower += "".join(polygon(_tower(low, low - 44), **paint.part(band, 3)) for low in (-52, -140))
    tower += shade((30, -228), (46, -228), (72, -8), (44, -8))
    count = int(a["windows"])
    panes = (window((-17, 17)[i % 2], -118 + y, 24, 26, paint) for i, y in enumerate(reversed(row(count, 43))))
    head = circle(0, -252, 60, fill="url(#light)") if paint.lit else ""
    head += rect(-30, -272, 60, 40, **paint.plain(GLOW)) + line(0, -272, 0, -234, stroke=INK, stroke_width=4)
    head += plank(-60, -240, 120, 13, "#6d6a78", paint)
    roof = path("M-52 -270Q-34 -318 0 -322Q34 -318 52 -270Z", **paint.part(a["roof"])) + circle(0, -324, 6, fill=INK)
    return light + tower + "".join(panes) + head + roof + plank(-82, -14, 164, 16, _STONE, paint)


def _tower(low: float, high: float) -> list[Point]:
    """The tower's outline between two heights."""

    def half(y: float) -> float:
        return 72 + (y + 8) * 26 / 220

    return [(-half(low), low), (half(low), low), (half(high), high), (-half(high), high)]


def chapel(a: Mapping[str, str], paint: Paint) -> str:
    """A nave with arched windows in a row, and the bell tower at one end of it."""
    nave = rect(-106, -122, 212, 118, **paint.part(a["wall"])) + shade(
        (-106, -122), (106, -122), (106, -106), (-106, -106)
    )
    roof = polygon([(-120, -118), (-82, -200), (82, -200), (120, -118)], **paint.part(a["roof"]))
    tiles = "".join(
        line(
            -100 + i * 9,
            -142 - i * 19,
            100 - i * 9,
            -142 - i * 19,
            stroke="#0a0820",
            stroke_opacity=0.2,
            stroke_width=4,
        )
        for i in range(3)
    )
    panes = "".join(window(x, -60, 23, 54, paint, arched=True) for x in row(int(a["windows"]), 41))
    way = -1 if a["bell"] == "left" else 1
    steps = plank(-112, -8, 224, 10, _STONE, paint)
    return move(nave + roof + tiles + steps + panes, -way * 32, 0) + move(_bell_tower(a, paint), way * 104, 0)


def _bell_tower(a: Mapping[str, str], paint: Paint) -> str:
    walls = rect(-34, -246, 68, 244, **paint.part(a["wall"])) + shade((16, -246), (34, -246), (34, -2), (16, -2))
    spire = polygon([(-44, -242), (0, -314), (44, -242)], **paint.part(a["roof"])) + circle(0, -318, 6, fill=INK)
    arch = path("M-22 -172V-208A22 22 0 0 1 22 -208V-172Z", fill="#1d1a33", stroke=CREAM, stroke_width=4)
    bell = path(
        "M-15 -178Q-10 -184 -10 -198A10 10 0 0 1 10 -198Q10 -184 15 -178Z", fill=GLOW, stroke=INK, stroke_width=3
    )
    return walls + spire + arch + bell + circle(0, -175, 4, fill=GLOW) + door(0, -2, 40, 74, paint)


def windmill(a: Mapping[str, str], paint: Paint) -> str:
    """A tapering mill with four crossed sails, windows in two rows and the door at one side."""
    body = polygon([(-94, -4), (94, -4), (56, -236), (-56, -236)], **paint.part(a["body"]))
    body += shade((30, -236), (56, -236), (94, -4), (54, -4))
    cap = path("M-62 -232Q-50 -280 0 -282Q50 -280 62 -232Z", **paint.plain("#b98a5a", 5))
    way = -1 if a["door"] == "left" else 1
    count = int(a["windows"])
    upper = count if count <= 3 else (count + 1) // 2
    panes = "".join(window(x, -127, 23, 26, paint) for x in row(upper, 45))
    panes += "".join(window(x, -84, 23, 26, paint) for x in row(count - upper, 45))
    arm = line(0, 0, 0, -124, stroke=INK, stroke_width=8) + rect(-19, -122, 38, 90, rx=3, **paint.part(a["sails"]))
    arm += "".join(line(-19, y, 19, y, stroke="#0a0820", stroke_opacity=0.22, stroke_width=3) for y in (-98, -76, -54))
    sails = "".join(move(arm, 0, -230, turn=turn) for turn in (45, 135, 225, 315))
    hub = circle(0, -230, 15, **paint.plain(ACCENT))
    ground = ellipse(0, -2, 98, 8, **paint.plain(_STONE))
    return ground + body + cap + panes + door(way * 60, -4, 44, 58, paint) + sails + hub
