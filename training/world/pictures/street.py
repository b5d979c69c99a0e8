"""Inn sign, shop and tram, each with its foot's centre at the origin; up is negative."""

from __future__ import annotations

from collections.abc import Mapping

from training.world.pictures.digits import plate
from training.world.pictures.palette import CREAM, GLOW, INK, Paint
from training.world.pictures.parts import door, plank, shade, window
from training.world.pictures.shapes import circle, line, move, path, rect, row
from training.world.pictures.symbols import SYMBOL_PATHS

_IRON = "#4b4759"
_WOOD = "#8a5a34"
_BOARDS = {  # outline about the origin, the symbol's height in it and its size
    "round": ("M0 -118A118 118 0 0 1 0 118A118 118 0 0 1 0 -118Z", 0.0, 1.3),
    "square": ("M-108 -112H108V112H-108Z", 0.0, 1.3),
    "triangular": ("M0 -130L134 116H-134Z", 42.0, 1.0),
    "diamond": ("M0 -136L136 0L0 136L-136 0Z", 0.0, 1.15),
}


def inn_sign(a: Mapping[str, str], paint: Paint) -> str:
    """A painted board hanging from an iron bar between two posts."""
    shape, height, size = _BOARDS[a["shape"]]
    posts = "".join(plank(x, -312, 16, 312, _WOOD, paint) for x in (-138, 122))
    bar = plank(-146, -318, 292, 14, _IRON, paint) + line(0, -304, 0, -270, stroke=INK, stroke_width=6)
    board = path(shape, **paint.part(a["board"], 7))
    inner = move(path(shape, fill="none", stroke="#0a0820", stroke_opacity=0.28, stroke_width=4), 0, 0, 0.9)
    symbol = path(SYMBOL_PATHS[a["symbol"]], fill_rule="evenodd", **paint.part(a["ink"], 4))
    return posts + bar + move(board + inner + move(symbol, 0, height, size), 0, -152)


def shop(a: Mapping[str, str], paint: Paint) -> str:
    """A narrow house: the door on one side with its number above, the shop window beside it, an awning between."""
    way = -1 if a["door"] == "left" else 1
    front = rect(-128, -306, 256, 304, **paint.part(a["front"])) + shade((104, -306), (128, -306), (128, -2), (104, -2))
    cornice = plank(-138, -318, 276, 16, "#b8aa98", paint)
    upper = move(window(0, 0, 46, 66, paint) + plank(-34, 38, 68, 9, _WOOD, paint), -way * 78, -238)
    display = move(_display(paint), -way * 54, 0)
    awning = path(_awning(), **paint.part(a["awning"]))
    folds = "".join(
        line(x * 0.88, -172, x, -112, stroke="#0a0820", stroke_opacity=0.22, stroke_width=5) for x in row(5, 48)
    )
    entrance = door(way * 76, -2, 60, 104, paint)
    return front + cornice + upper + plate(a["number"], way * 50, -240, paint) + display + entrance + awning + folds


def _awning() -> str:
    scallops = "".join(f"A24 15 0 0 1 {x - 24:g} -112" for x in reversed(row(6, 48)))
    return f"M-126 -176H126L144 -112{scallops}Z"


def _display(paint: Paint) -> str:
    """The shop window with its goods."""
    pane = rect(-62, -92, 124, 62, fill=GLOW if paint.lit else "#bfe0ee", stroke=INK, stroke_width=10)
    pane += rect(-62, -92, 124, 62, fill="none", stroke=CREAM, stroke_width=4)
    goods = "".join(
        path(f"M{x:g} -34v-16q8 -14 16 0v16Z", fill="#8d8799", stroke=INK, stroke_width=2) for x in (-46, -8, 30)
    )
    return pane + goods + plank(-72, -28, 144, 12, "#b8aa98", paint)


def tram(a: Mapping[str, str], paint: Paint) -> str:
    """A tram from the side: a row of windows above a broad stripe, and its number at the front end."""
    pole = path(
        "M-30 -252L-58 -286L-22 -316M-70 -318H26", fill="none", stroke=INK, stroke_width=6, stroke_linejoin="round"
    )
    roof = plank(-116, -254, 226, 18, _IRON, paint)
    shell = path("M-134 -22V-216Q-134 -242 -108 -242H96Q128 -242 134 -206L140 -22Z", **paint.part(a["body"]))
    stripe = path("M-134 -122H136.5L138.5 -62H-134Z", **paint.part(a["stripe"], 4))
    panes = "".join(window(x - 2, -193, 30, 48, paint) for x in row(int(a["windows"]), 50))
    wheels = "".join(
        circle(x, -14, 20, **paint.plain(_IRON)) + circle(x, -14, 8, fill=CREAM) for x in (-88, -46, 50, 94)
    )
    bumper = plank(-140, -30, 284, 12, _IRON, paint)
    lamp = circle(134, -44, 10, **paint.plain(GLOW))
    if paint.lit:
        lamp = circle(150, -44, 44, fill="url(#light)") + lamp
    return pole + roof + wheels + shell + stripe + bumper + panes + plate(a["number"], 52, -92, paint) + lamp
