"""What lies between the sky and the entity: coast, village, sea, street or meadow, under sun, rain or snow."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from training.world.looks import View
from training.world.pictures.palette import GLOW, Paint, gradient, mix
from training.world.pictures.shapes import ellipse, line, path, polygon, rect

HORIZON = 250.0
_GREENS = ("#8cc152", "#a3c65a", "#79b565", "#b5c766", "#9dbb6a")
_FRONTS = ("#d8b49a", "#c9bfae", "#bcc4b0", "#d3c0c6", "#b9c2cf")
_ROOFS = ("#a06a58", "#7d7f92", "#8d7561")


def ground(scene: str, view: View, paint: Paint) -> str:
    """The scenery of `scene`, filling the frame from the horizon down."""
    return SCENES[scene](random.Random(f"{view.seed} ground"), paint)


def _land(colour: str, paint: Paint, share: float = 0.88) -> str:
    """A ground colour as light and snow leave it."""
    return mix(paint.far(colour), paint.white(), share) if paint.snow else paint.far(colour)


def _ridge(rng: random.Random, base: float, height: float, colour: str) -> str:
    """A line of rolling hills across the frame."""
    d = f"M-20 400V{base - rng.uniform(0, height):.0f}"
    for x in range(-20, 400, 105):
        crest, saddle = base - height * rng.uniform(0.5, 2), base - rng.uniform(0, height * 0.5)
        d += f"Q{x + 52 + rng.uniform(-16, 16):.0f} {crest:.0f} {x + 105} {saddle:.0f}"
    return path(d + "V400Z", fill=colour)


def _lawn(name: str, colour: str, top: float, paint: Paint) -> str:
    shades = (_land(mix(colour, "#ffffff", 0.14), paint), _land(mix(colour, "#1c4a2a", 0.22), paint))
    return gradient(name, *shades) + rect(0, top, 384, 384 - top, fill=f"url(#{name})")


def _meadow(rng: random.Random, paint: Paint) -> str:
    green = rng.choice(_GREENS)
    hills = _ridge(rng, HORIZON - 6, 34, _land("#7fa3a8", paint, 0.6)) + _ridge(
        rng, HORIZON + 6, 18, _land("#6f9c6c", paint, 0.7)
    )
    tufts = "".join(
        path(
            f"M{x:.0f} {y:.0f}q-2 -9 -6 -11m6 11q0 -10 1 -14m-1 14q3 -8 7 -10",
            fill="none",
            stroke=_land("#4f8040", paint, 0.5),
            stroke_width=2.5,
        )
        for x, y in _strewn(rng, 14)
    )
    return hills + _lawn("lawn", green, HORIZON + 10, paint) + tufts


def _village(rng: random.Random, paint: Paint) -> str:
    hills = _ridge(rng, HORIZON - 10, 30, _land("#88a9a0", paint, 0.6))
    homes = "".join(_home(rng, x, HORIZON + 14, rng.uniform(20, 32), paint) for x in rng.sample(range(10, 374, 44), 5))
    field = _lawn("lawn", rng.choice(_GREENS), HORIZON + 12, paint)
    bend, top = rng.uniform(-50, 50), HORIZON + 12
    near, far = (
        f"M{192 + bend:.0f} {top:g}Q{192 - bend:.0f} 300 120 384",
        f"Q{216 - bend:.0f} 300 {200 + bend:.0f} {top:g}",
    )
    return hills + homes + field + path(f"{near}H264{far}Z", fill=_land("#d9c195", paint, 0.7))


def _home(rng: random.Random, x: float, foot: float, size: float, paint: Paint) -> str:
    """A small far house."""
    wall, roof = paint.far(rng.choice(_FRONTS)), _land(rng.choice(_ROOFS), paint, 0.8)
    pane = rect(
        x + size * 0.35, foot - size * 0.5, size * 0.26, size * 0.26, fill=GLOW if paint.lit else paint.far("#5b6b80")
    )
    gable = polygon(
        [(x - 4, foot - size * 0.8), (x + size / 2, foot - size * 1.4), (x + size + 4, foot - size * 0.8)], fill=roof
    )
    return rect(x, foot - size * 0.8, size, size * 0.8, fill=wall) + gable + pane


def _water(rng: random.Random, top: float, bottom: float, paint: Paint) -> str:
    shades = (paint.far("#8cc8e6"), paint.far("#2f86c4"))
    crests = "".join(
        path(
            f"M{x:.0f} {y:.0f}q7 -6 14 0t14 0",
            fill="none",
            stroke=paint.far("#dff2fb"),
            stroke_width=2.5,
            stroke_opacity=0.8,
        )
        for x, y in ((rng.uniform(-10, 370), rng.uniform(top + 8, bottom - 4)) for _ in range(16))
    )
    return gradient("water", *shades) + rect(0, top, 384, bottom - top, fill="url(#water)") + crests


def _coast(rng: random.Random, paint: Paint) -> str:
    sea = _water(rng, HORIZON - 30, 330, paint)
    far = _ridge_island(rng, HORIZON - 30, paint)
    rise = rng.uniform(286, 304)
    shore = path(
        f"M-4 {rise + 10:.0f}Q90 {rise - 22:.0f} 200 {rise:.0f}T388 {rise + 6:.0f}V388H-4Z",
        fill=_land("#d8c79a", paint),
    )
    grass = path(
        f"M-4 {rise + 30:.0f}Q110 {rise:.0f} 220 {rise + 18:.0f}T388 {rise + 22:.0f}V388H-4Z",
        fill=_land(rng.choice(_GREENS), paint),
    )
    return far + sea + shore + grass


def _sea(rng: random.Random, paint: Paint) -> str:
    floes = (
        "".join(ellipse(x, y, rng.uniform(14, 26), 5, fill=paint.white()) for x, y in _strewn(rng, 6))
        if paint.snow
        else ""
    )
    return _ridge_island(rng, HORIZON - 10, paint) + _water(rng, HORIZON - 10, 388, paint) + floes


def _ridge_island(rng: random.Random, base: float, paint: Paint) -> str:
    """Far land across the water."""
    x, width, height = rng.uniform(-40, 240), rng.uniform(120, 260), rng.uniform(18, 40)
    rise = f"q{width * 0.2:.0f} {-height:.0f} {width * 0.45:.0f} {-height * 0.7:.0f}"
    d = f"M{x:.0f} {base + 2:g}{rise}t{width * 0.55:.0f} {height * 0.7:.0f}Z"
    return path(d, fill=_land("#7f9fae", paint, 0.6))


def _street(rng: random.Random, paint: Paint) -> str:
    houses, x = "", -14.0
    while x < 384:
        width = rng.uniform(52, 80)
        houses += _front(rng, x, width, rng.uniform(110, 165), paint)
        x += width
    pavement = _lawn("lawn", "#b9b2ab", HORIZON + 34, paint)
    kerb = rect(0, HORIZON + 30, 384, 8, fill=_land("#d8d2ca", paint))
    joints = "".join(
        line(
            192 + (i - 4) * 34,
            HORIZON + 38,
            192 + (i - 4) * 78,
            384,
            stroke=paint.far("#8f8883"),
            stroke_width=2,
            stroke_opacity=0.6,
        )
        for i in range(9)
    )
    rows = "".join(
        line(0, y, 384, y, stroke=paint.far("#8f8883"), stroke_width=2, stroke_opacity=0.6) for y in (304, 328, 358)
    )
    return houses + pavement + joints + rows + kerb


def _front(rng: random.Random, x: float, width: float, height: float, paint: Paint) -> str:
    """One house of the row across the street."""
    foot, top = HORIZON + 34, HORIZON + 34 - height
    wall = rect(x, top, width + 1, height, fill=paint.far(rng.choice(_FRONTS)))
    roof = polygon(
        [(x - 3, top), (x + 12, top - 26), (x + width - 12, top - 26), (x + width + 3, top)],
        fill=_land(rng.choice(_ROOFS), paint, 0.85),
    )
    dark = paint.far("#6d7a8c")
    panes = "".join(
        rect(x + width * share - 7, y, 14, 20, fill=GLOW if paint.lit and rng.random() < 0.5 else dark)
        for share in (0.3, 0.7)
        for y in range(round(top) + 16, round(foot) - 40, 38)
    )
    return wall + roof + panes


def _strewn(rng: random.Random, count: int) -> list[tuple[float, float]]:
    """Places on the ground."""
    return [(rng.uniform(4, 380), rng.uniform(HORIZON + 28, 380)) for _ in range(count)]


SCENES: Mapping[str, Callable[[random.Random, Paint], str]] = {
    "coast": _coast, "village": _village, "sea": _sea, "street": _street, "meadow": _meadow,
}  # fmt: skip
