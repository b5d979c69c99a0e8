"""Fox, guitar and chart, each with its foot's centre at the origin; up is negative."""

from __future__ import annotations

import random
from collections.abc import Mapping

from training.world.pictures.palette import CREAM, INK, Paint
from training.world.pictures.parts import plank
from training.world.pictures.shapes import circle, ellipse, line, move, path, polygon, rect, row

_WOOD = "#8a5a34"
_GUITARS = {  # outline and where the strings end
    "round": ("M-108 -112A108 108 0 0 1 108 -112A108 108 0 0 1 -108 -112Z", -56),
    "square": ("M-92 -216H92Q106 -216 106 -202V-22Q106 -8 92 -8H-92Q-106 -8 -106 -22V-202Q-106 -216 -92 -216Z", -52),
    "triangular": ("M-122 -226H122Q142 -226 130 -208L10 -6Q0 6 -10 -6L-130 -208Q-142 -226 -122 -226Z", -112),
}


def fox(a: Mapping[str, str], paint: Paint) -> str:
    """A fox from the side, with spots on its flank and a scarf."""
    coat = paint.part(a["coat"])
    tail = path("M86 -92Q150 -96 136 -214Q92 -208 82 -150Q78 -120 60 -108Z", **coat)
    tail += path("M136 -214Q92 -208 85 -166Q112 -190 139 -172Q140 -192 136 -214Z", **paint.plain(CREAM))
    legs = "".join(
        path(f"M{x:g} -84V-6H{x + 28:g}V-84", **coat) + plank(x - 2, -26, 32, 24, "#4a3a45", paint)
        for x in (-56, -16, 40, 76)
    )
    body = path("M-72 -110Q-70 -170 0 -166Q114 -172 112 -104Q110 -58 20 -58Q-66 -58 -72 -110Z", **coat)
    count = int(a["spots"])
    mark = paint.mark(a["coat"])
    upper = count if count <= 3 else (count + 1) // 2
    spots = "".join(circle(47 + x, -132, 13, fill=mark) for x in row(upper, 40))
    spots += "".join(circle(47 + x, -89, 13, fill=mark) for x in row(count - upper, 40))
    drawn = tail + legs + body + spots + _scarf(a, paint) + _head(a, paint)
    return move(drawn, 0, 0, mirror=a["facing"] == "right")


def _scarf(a: Mapping[str, str], paint: Paint) -> str:
    scarf = paint.part(a["scarf"])
    end = path("M-78 -134L-34 -134L-26 -62L-74 -62Z", **scarf)
    end += "".join(line(x, -70, x, -60, stroke=INK, stroke_width=3) for x in (-62, -50, -38))
    return end + path("M-124 -158Q-70 -128 -12 -176L-10 -136Q-66 -92 -122 -116Z", **scarf)


def _head(a: Mapping[str, str], paint: Paint) -> str:
    coat = paint.part(a["coat"])
    ears = path("M-116 -232L-116 -286L-76 -250Z", **coat) + path("M-62 -250L-26 -286L-20 -226Z", **coat)
    inner = polygon([(-109, -246), (-109, -268), (-92, -252)], fill="#5a3b4f")
    inner += polygon([(-46, -252), (-32, -268), (-30, -244)], fill="#5a3b4f")
    face = path("M-140 -176Q-122 -256 -66 -256Q-10 -252 -14 -196Q-20 -146 -72 -146Q-112 -148 -140 -176Z", **coat)
    cheek = path(
        "M-141 -177Q-112 -150 -72 -148Q-56 -148 -46 -154Q-70 -186 -104 -186Q-128 -186 -141 -177Z",
        **paint.plain(CREAM, 3),
    )
    eye = ellipse(-88, -210, 9, 11, fill=CREAM, stroke=INK, stroke_width=3) + circle(-90, -209, 5, fill=INK)
    return ears + inner + face + cheek + eye + circle(-140, -177, 9, fill=INK)


def guitar(a: Mapping[str, str], paint: Paint) -> str:
    """A broad guitar on its stand; one peg at the head for each string."""
    shape, bridge = _GUITARS[a["shape"]]
    stand = "".join(
        line(x * 0.3, -60, x, -2, stroke=INK, stroke_width=16, stroke_linecap="round")
        + line(x * 0.3, -60, x, -2, stroke=paint.near(_WOOD), stroke_width=8, stroke_linecap="round")
        for x in (-104, 104)
    )
    body = path(shape, **paint.part(a["body"], 6))
    rim = move(path(shape, fill="none", stroke="#0a0820", stroke_opacity=0.25, stroke_width=4), 0, -12, 0.89)
    hole = circle(0, bridge - 50, 58, fill="#0a0820", fill_opacity=0.2, stroke=paint.mark(a["body"]), stroke_width=4)
    return stand + body + rim + hole + _neck(a, paint) + _strings(a, paint, bridge)


def _neck(a: Mapping[str, str], paint: Paint) -> str:
    head = path("M-50 -286L-64 -330Q0 -346 64 -330L50 -286Z", **paint.plain(_WOOD))
    neck = path("M-56 -290H56L62 -166H-62Z", **paint.part(a["neck"]))
    frets = "".join(
        line(-56, y, 56, y, stroke="#0a0820", stroke_opacity=0.25, stroke_width=4) for y in (-256, -226, -196)
    )
    return head + neck + frets


def _strings(a: Mapping[str, str], paint: Paint, bridge: float) -> str:
    """The strings from their pegs over the neck to the bridge, on each part in a colour that stands out from it."""
    drawn = plank(-62, bridge - 5, 124, 15, _WOOD, paint) + plank(-60, -294, 120, 10, CREAM, paint)
    for x in row(int(a["strings"]), 24):
        drawn += circle(x, -314, 8, **paint.plain(CREAM))
        drawn += line(x, -284, x, -169, stroke=paint.mark(a["neck"]), stroke_width=8)
        drawn += line(x, -163, x, bridge - 6, stroke=paint.mark(a["body"]), stroke_width=8)
    return drawn


def chart(a: Mapping[str, str], paint: Paint) -> str:
    """A bar chart painted on a board; only the tallest and the shortest bar bear a colour."""
    legs = "".join(line(x, -70, x * 1.25, -2, stroke=INK, stroke_width=18) for x in (-84, 84))
    legs += "".join(line(x, -70, x * 1.25, -2, stroke=paint.near(_WOOD), stroke_width=10) for x in (-84, 84))
    board = rect(-142, -302, 284, 256, rx=8, **paint.plain(_WOOD, 5)) + rect(
        -130, -290, 260, 232, fill=paint.near("#c3b594")
    )
    rules = "".join(
        line(-130, y, 130, y, stroke="#0a0820", stroke_opacity=0.15, stroke_width=3) for y in (-120, -172, -224)
    )
    count = int(a["bars"])
    pitch = min(84, 260 / count)
    bars = "".join(
        rect(
            x - pitch / 2 + 9,
            -64 - height,
            pitch - 18,
            height,
            **(paint.part(colour) if colour else paint.plain("#85808f")),
        )
        for x, (height, colour) in zip(row(count, pitch), _bars(a, count), strict=True)
    )
    return legs + board + rules + bars + line(-128, -64, 128, -64, stroke=INK, stroke_width=7)


def _bars(a: Mapping[str, str], count: int) -> list[tuple[float, str]]:
    """Height and colour of each bar from left to right; the bars between the extremes differ from chart to chart."""
    rng = random.Random(f"{a['tallest']} {a['peak']} {count}")
    others: list[tuple[float, str]] = [(height, "") for height in rng.sample((104, 122, 140), count - 2)]
    others.insert(rng.randrange(count - 1), (62, a["shortest"]))
    tallest = [(210.0, a["tallest"])]
    return tallest + others if a["peak"] == "left" else others + tallest
