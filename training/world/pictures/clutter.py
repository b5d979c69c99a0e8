"""Things strewn about that nobody asks for: never in front of the entity, never like what may stand beside it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from training.world.looks import View
from training.world.pictures.palette import Paint, mix
from training.world.pictures.shapes import circle, ellipse, line, move, path, polygon, rect

_Maker = Callable[[random.Random, Paint], str]


def clutter(scene: str, view: View, paint: Paint) -> str:
    """`view.clutter` things fit for `scene`, the farther ones drawn first."""
    rng = random.Random(f"{view.seed} clutter")
    low = sorted(rng.uniform(286, 376) for _ in range(view.clutter))
    return "".join(_one(scene, y, rng, paint) for y in low)


def _one(scene: str, y: float, rng: random.Random, paint: Paint) -> str:
    kind = rng.choice(_FITTING[scene])
    if kind == "bird":
        return move(_bird(rng, paint), rng.uniform(20, 364), rng.uniform(24, 200), rng.uniform(0.8, 1.3))
    return move(_MAKERS[kind](rng, paint), rng.uniform(8, 376), y, 0.7 + (y - 286) / 150)


def _bird(rng: random.Random, paint: Paint) -> str:
    colour = paint.far("#3a3650") if paint.hour != "night" else "#aab4e0"
    return path("M-16 -6Q-8 -12 0 0Q8 -12 16 -6", fill="none", stroke=colour, stroke_width=4, stroke_linecap="round")


def _bush(rng: random.Random, paint: Paint) -> str:
    green = mix(paint.far("#5c9a4c"), paint.white(), 0.5 if paint.snow else rng.uniform(0, 0.15))
    leaves = path("M-28 0A13 13 0 0 1 -18 -18A17 17 0 0 1 12 -22A14 14 0 0 1 28 0Z", fill=green)
    return leaves + "".join(circle(x, y, 2.5, fill=paint.far("#e9d8e8")) for x, y in ((-14, -10), (4, -15), (14, -6)))


def _crate(rng: random.Random, paint: Paint) -> str:
    wood = paint.far("#c9a877")
    style: dict[str, str | float] = {"fill": wood, "stroke": mix(wood, "#000000", 0.4), "stroke_width": 3}
    return rect(-15, -26, 30, 26, **style) + line(-15, -26, 15, 0, stroke=mix(wood, "#000000", 0.4), stroke_width=3)


def _pebbles(rng: random.Random, paint: Paint) -> str:
    stones = ((rng.uniform(-22, 22), rng.uniform(-4, 4), rng.uniform(4, 8)) for _ in range(4))
    return "".join(ellipse(x, y, r, r * 0.6, fill=paint.far("#a9a39c")) for x, y, r in stones)


def _puddle(rng: random.Random, paint: Paint) -> str:
    water = paint.far("#dfeefa" if paint.snow else "#a8d3ea")
    return ellipse(0, 0, 34, 7, fill=water) + ellipse(-6, -1, 16, 2.5, fill=mix(water, "#ffffff", 0.4))


def _flowers(rng: random.Random, paint: Paint) -> str:
    colour = paint.far(rng.choice(("#f7b7d0", "#fff0c0", "#d9c8f5")))
    heads = ((rng.uniform(-18, 18), rng.uniform(-14, -6)) for _ in range(4))
    return "".join(
        line(x, 0, x, y, stroke=paint.far("#4f8040"), stroke_width=2) + circle(x, y, 4.5, fill=colour) for x, y in heads
    )


def _buoy(rng: random.Random, paint: Paint) -> str:
    return polygon([(-10, 0), (10, 0), (5, -24), (-5, -24)], fill=paint.far("#c7a7b4")) + circle(
        0, -28, 5, fill=paint.far("#fff0c0")
    )


def _rock(rng: random.Random, paint: Paint) -> str:
    stone = paint.far("#8d8791")
    cap = polygon(
        [(-14, -16), (2, -24), (14, -12), (0, -14)], fill=paint.white() if paint.snow else paint.far("#a9a3ad")
    )
    return polygon([(-26, 0), (-14, -16), (2, -24), (14, -12), (26, 0)], fill=stone) + cap


_MAKERS: Mapping[str, _Maker] = {
    "bush": _bush,
    "crate": _crate,
    "pebbles": _pebbles,
    "puddle": _puddle,
    "flowers": _flowers,
    "buoy": _buoy,
    "rock": _rock,
}
_FITTING = {
    "coast": ("bush", "pebbles", "rock", "bird", "crate", "flowers"),
    "village": ("bush", "pebbles", "bird", "puddle", "flowers", "crate"),
    "sea": ("buoy", "rock", "bird", "bird", "crate"),
    "street": ("crate", "puddle", "bird", "pebbles", "bush"),
    "meadow": ("bush", "flowers", "bird", "pebbles", "rock", "puddle"),
}
