"""The sky: its colours for each hour and weather, sun, moon and stars, clouds, rain and snow."""

from __future__ import annotations

import math
import random

from training.world.looks import View
from training.world.pictures.palette import GLOW, Paint, gradient, halo
from training.world.pictures.shapes import circle, move, path, polygon, rect

SIZE = 384
_SKIES = {  # from the zenith down to the horizon
    ("day", "sunny"): ("#3f9cf0", "#8fcbfa", "#dff3ff"),
    ("day", "cloudy"): ("#97abc0", "#bccad6", "#dde5ea"),
    ("day", "rainy"): ("#566779", "#76889a", "#9cadb9"),
    ("day", "snowy"): ("#a9bdd8", "#ccd9ea", "#e9eff7"),
    ("dusk", "sunny"): ("#6a4aa5", "#ee6f8d", "#ffb066"),
    ("dusk", "cloudy"): ("#76648f", "#b9808f", "#eaa789"),
    ("dusk", "rainy"): ("#4c4667", "#76607c", "#b07a7c"),
    ("dusk", "snowy"): ("#86759f", "#c796ac", "#f5bfa9"),
    ("night", "sunny"): ("#121a4b", "#26347a", "#4a5ba6"),
    ("night", "cloudy"): ("#20274a", "#343f68", "#4d5a85"),
    ("night", "rainy"): ("#141a35", "#232d4e", "#36426a"),
    ("night", "snowy"): ("#222d5e", "#3d4b85", "#6675b0"),
}
_CLOUDS = {"day": ("#ffffff", "#c9d3dd"), "dusk": ("#f2c3c0", "#a98ba6"), "night": ("#6f7aa6", "#48527e")}
_STORM = {"day": ("#5b6878", "#3e4956"), "dusk": ("#5c4c68", "#3f3550"), "night": ("#323b5e", "#1d2440")}


def sky(view: View, paint: Paint, corner: float) -> str:
    """Everything above the ground. `corner` is the x of the free upper corner, where sun or moon stand."""
    rng = random.Random(f"{view.seed} sky")
    colours = _SKIES[view.hour, view.weather]
    drawn = gradient("sky", *colours) + rect(0, 0, SIZE, 290, fill="url(#sky)")
    if view.hour == "night" and view.weather in ("sunny", "cloudy"):
        drawn += _stars(rng, 34 if view.weather == "sunny" else 8)
    if view.weather == "sunny":
        drawn += _moon(corner) if view.hour == "night" else _sun(view.hour, corner)
    return drawn + _clouds(rng, view, paint)


def fall(view: View) -> str:
    """Rain or snow in the air."""
    rng = random.Random(f"{view.seed} fall")
    if view.weather == "rainy":
        colour = "#d5e8f7" if view.hour == "day" else "#a9c3ea"
        drops = [
            (column * 26 + rng.uniform(-6, 6), level * 44 + rng.uniform(-9, 9))
            for level in range(9)
            for column in range(16)
        ]
        streaks = "".join(f"M{x:.0f} {y:.0f}l-8 26" for x, y in drops)
        return path(streaks, fill="none", stroke=colour, stroke_width=3.5, stroke_opacity=0.75)
    if view.weather == "snowy":
        flakes = [
            (column * 38 + rng.uniform(-13, 13), level * 36 + rng.uniform(-13, 13))
            for level in range(10)
            for column in range(11)
        ]
        return path("".join(_flake(x, y, rng.uniform(4, 7.5)) for x, y in flakes), fill="#ffffff")
    return ""


def _flake(x: float, y: float, r: float) -> str:
    return f"M{x - r:.1f} {y:.1f}q0 {-r:.1f} {r:.1f} {-r:.1f}t{r:.1f} {r:.1f}t{-r:.1f} {r:.1f}t{-r:.1f} {-r:.1f}Z"


def _sun(hour: str, x: float) -> str:
    low = hour == "dusk"
    y = 84 if low else 56
    beams = "".join(
        polygon([(-4, -42), (4, -42), (0, -58)], fill=GLOW, transform=f"translate({x:g} {y}) rotate({turn})")
        for turn in range(0, 360, 30)
    )
    disc = circle(x, y, 36, fill="#ff7a3d" if low else "#ffd83b", stroke="#ffe9a0", stroke_width=4)
    return circle(x, y, 96, fill="url(#light)") + ("" if low else beams) + disc


def _moon(x: float) -> str:
    crescent = path("M12 -36A38 38 0 1 0 34 24A32 32 0 1 1 12 -36Z", fill="#fff6cf")
    return halo("moonlight", "#cfd8ff", 0.5) + circle(x, 58, 80, fill="url(#moonlight)") + move(crescent, x, 58)


def _stars(rng: random.Random, count: int) -> str:
    spots = ((rng.uniform(4, 380), rng.uniform(4, 215), rng.uniform(1.6, 4.2)) for _ in range(count))
    return "".join(
        polygon(_spark(x, y, r * 1.7), fill="#fffbe0") if r > 3 else circle(x, y, r, fill="#fffbe0")
        for x, y, r in spots
    )


def _spark(x: float, y: float, size: float) -> list[tuple[float, float]]:
    arms = ((size if i % 2 == 0 else size * 0.35, i * math.pi / 4) for i in range(8))
    return [(x + r * math.cos(t), y + r * math.sin(t)) for r, t in arms]


def _clouds(rng: random.Random, view: View, paint: Paint) -> str:
    """A stray cloud in the sun, a cover of them when cloudy or snowy, a dark bank when it rains."""
    top, under = (_STORM if view.weather == "rainy" else _CLOUDS)[view.hour]
    if view.weather == "sunny":
        places = [(rng.uniform(20, 364), rng.uniform(120, 190), rng.uniform(0.4, 0.6))] if view.hour == "day" else []
    elif view.weather == "cloudy":
        places = [
            (i * 96 + rng.uniform(-20, 20), y + rng.uniform(-12, 12), rng.uniform(0.9, 1.25))
            for y, i in ((36, 0), (30, 2), (40, 4), (92, 1), (86, 3), (150, 0.2), (146, 3.8))
        ]
    else:
        places = [(i * 64 + rng.uniform(-14, 14), rng.uniform(6, 34), rng.uniform(1.0, 1.3)) for i in range(7)]
    cloud = path(_CLOUD, fill=top) + path(_BELLY, fill=under)
    return "".join(move(cloud, x, y, size) for x, y, size in places)


_CLOUD = "M-58 22A22 22 0 0 1 -50 -18A32 32 0 0 1 8 -30A26 26 0 0 1 48 -10A18 18 0 0 1 54 22Z"
_BELLY = "M-58 22A22 22 0 0 1 -70 10Q-30 16 -8 4Q20 18 67 10A18 18 0 0 1 54 22Z"
