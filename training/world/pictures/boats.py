"""Ferry and sailboat, drawn with the middle of the waterline at the origin; up is negative."""

from __future__ import annotations

from collections.abc import Mapping

from training.world.pictures.digits import plate
from training.world.pictures.palette import ACCENT, CREAM, INK, Paint
from training.world.pictures.parts import plank, porthole
from training.world.pictures.shapes import circle, line, path, polygon, rect, row

_FOAM = "#e8f6ff"


def ferry(a: Mapping[str, str], paint: Paint) -> str:
    """A hull with its number, a deck house with portholes in a row, and a funnel."""
    smoke = "".join(
        circle(44 + i * 26, -284 - i * 9, 12 + i * 4, fill=paint.near("#c9c6d2"), fill_opacity=0.75) for i in range(3)
    )
    funnel = polygon([(-6, -194), (2, -276), (78, -276), (86, -194)], **paint.part(a["funnel"]))
    funnel += rect(-2, -280, 84, 10, rx=3, fill=INK)
    mast = line(-78, -196, -78, -268, stroke=INK, stroke_width=6) + polygon(
        [(-78, -268), (-40, -256), (-78, -244)], fill=ACCENT, stroke=INK, stroke_width=3
    )
    house = rect(-122, -198, 240, 66, rx=8, **paint.plain("#d8cdb8")) + plank(-130, -206, 256, 12, "#8c8478", paint)
    holes = "".join(porthole(x - 2, -164, 17, paint) for x in row(int(a["portholes"]), 48))
    hull = path("M-138 -138H146Q140 -40 116 1H-112Q-134 -60 -138 -138Z", **paint.part(a["hull"]))
    hull += path("M-134 -136H142", fill="none", stroke=CREAM, stroke_width=4)
    return smoke + mast + funnel + house + holes + hull + plate(a["number"], 0, -68, paint) + _waves(130, paint)


def sailboat(a: Mapping[str, str], paint: Paint) -> str:
    """One broad sail with its number on a mast, whose pennant flies to the left or the right."""
    way = -1 if a["flag"] == "left" else 1
    mast = line(0, -40, 0, -318, stroke=INK, stroke_width=12) + line(0, -40, 0, -316, stroke="#a9713f", stroke_width=6)
    pennant = polygon([(way * 4, -322), (way * 100, -298), (way * 4, -272)], **paint.plain(ACCENT))
    yard = line(-112, -262, 112, -262, stroke=INK, stroke_width=13, stroke_linecap="round")
    sail = path("M-108 -260H108Q134 -160 112 -68Q0 -46 -112 -68Q-134 -160 -108 -260Z", **paint.part(a["sail"]))
    hull = path("M-132 -58Q0 -42 132 -58Q122 -16 92 1H-92Q-122 -16 -132 -58Z", **paint.part(a["hull"]))
    hull += path("M-126 -44Q0 -28 126 -44", fill="none", stroke="#0a0820", stroke_opacity=0.25, stroke_width=5)
    return mast + pennant + yard + sail + plate(a["number"], 0, -162, paint) + hull + _waves(118, paint)


def _waves(half: float, paint: Paint) -> str:
    """Foam along the waterline."""
    crest = f"M{-half - 14:g} 2" + "q7 -12 14 0t14 0" * (int(half / 14) + 1)
    return path(crest, fill="none", stroke=paint.near(_FOAM), stroke_width=7, stroke_linecap="round")
