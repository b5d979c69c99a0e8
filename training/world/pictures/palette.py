"""Colours and light: what each named colour looks like, and what the hour and the weather make of it.

Two rules keep a picture answerable. Light colours the scenery strongly but the entity hardly at all, so that red is red
at night. And whatever is counted or read is drawn in `Paint.mark`, which contrasts with the colour it lies on.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from training.world.looks import COLOURS, View
from training.world.pictures.shapes import tag

INK = "#2b2440"
CREAM = "#fff6dc"
PALE = "#d9d4e6"  # outlines black parts, which ink would not
GLOW = "#ffdd66"
ACCENT = "#ff5fa8"  # for parts that nobody asks the colour of; none of the eight

BASE: Mapping[str, str] = {
    "red": "#e02b2b",
    "orange": "#ff8a17",
    "yellow": "#ffdc2e",
    "green": "#22a344",
    "blue": "#2166e0",
    "purple": "#8f3cc4",
    "white": "#fbfbfb",
    "black": "#24242b",
}
_LIGHT_COLOURS = ("orange", "yellow", "white")  # on these a mark is ink, on the others cream
_HOUR_TINT = {"day": ("#ffffff", 0.0), "dusk": ("#8a3f78", 0.34), "night": ("#101a4a", 0.6)}
_WEATHER_TINT = {"sunny": 0.0, "cloudy": 0.25, "rainy": 0.4, "snowy": 0.2}  # share of grey


def mix(first: str, second: str, share: float) -> str:
    """The colour `share` of the way from `first` to `second`; all are #rrggbb."""
    pairs = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def gradient(name: str, *stops: str, across: bool = False) -> str:
    """A named linear gradient over a shape's box, from the top down, or from left to right if `across`."""
    steps = [tag("stop", offset=i / (len(stops) - 1), stop_color=colour) for i, colour in enumerate(stops)]
    return tag("linearGradient", *steps, id=name, x1=0, y1=0, x2=int(across), y2=int(not across))


def halo(name: str, colour: str, strength: float) -> str:
    """A named radial gradient from `colour` at the given opacity to nothing: soft light, or soft shadow."""
    stops = [
        tag("stop", offset=0, stop_color=colour, stop_opacity=strength),
        tag("stop", offset=1, stop_color=colour, stop_opacity=0),
    ]
    return tag("radialGradient", *stops, id=name)


@dataclass(frozen=True, slots=True)
class Paint:
    """One picture's paint box: hour and weather, and the eight colours as this picture shows them."""

    hour: str
    weather: str
    colours: Mapping[str, str]

    @property
    def lit(self) -> bool:
        """Whether lamps are on and windows glow."""
        return self.hour != "day"

    @property
    def snow(self) -> bool:
        """Whether snow lies on the scenery."""
        return self.weather == "snowy"

    def part(self, colour: str, width: float = 5) -> dict[str, str | float]:
        """Style of an asked part: its colour, softly shaded, and an outline that stands out from it."""
        edge = PALE if colour == "black" else INK
        return {"fill": f"url(#{colour})", "stroke": edge, "stroke_width": width, "stroke_linejoin": "round"}

    def plain(self, colour: str, width: float = 4) -> dict[str, str | float]:
        """Style of an unasked part of the entity, `colour` being #rrggbb, hardly touched by the light."""
        return {"fill": self.near(colour), "stroke": INK, "stroke_width": width, "stroke_linejoin": "round"}

    def mark(self, colour: str) -> str:
        """What is counted on a part of this colour: ink on light colours, cream on dark ones."""
        return INK if colour in _LIGHT_COLOURS else CREAM

    def near(self, colour: str) -> str:
        """A colour on the entity or its prop, as the light shows it."""
        return mix(colour, _HOUR_TINT[self.hour][0], _HOUR_TINT[self.hour][1] * 0.3)

    def far(self, colour: str) -> str:
        """A colour of the scenery, as the light and the weather show it."""
        tint, share = _HOUR_TINT[self.hour]
        return mix(mix(colour, "#9aa3ad", _WEATHER_TINT[self.weather]), tint, share)

    def white(self) -> str:
        """Snow on the scenery: blue at night and rosy at dusk, but always the palest thing there."""
        tint, share = _HOUR_TINT[self.hour]
        return mix("#f6f9fd", mix(tint, "#8fa2e0", 0.5), share * 0.75)

    def defs(self) -> str:
        """The gradients that `part` refers to, and the soft shadow and light."""
        fills = [
            gradient(name, mix(c, "#ffffff", 0.1), c, mix(c, "#000000", 0.1), across=True)
            for name, c in self.colours.items()
        ]
        return "".join([*fills, halo("shadow", "#0a0820", 0.55), halo("light", GLOW, 0.75)])


def paint_of(view: View) -> Paint:
    """The paint box of `view`: each colour a little lighter or darker by its seed, a little dimmer by its hour."""
    rng = random.Random(f"{view.seed} colours")
    tint, share = _HOUR_TINT[view.hour]
    colours = {}
    for name in COLOURS:
        shift = rng.uniform(-0.06, 0.06)
        varied = mix(BASE[name], "#ffffff" if shift > 0 else "#000000", abs(shift))
        colours[name] = mix(varied, tint, share * 0.14)
    return Paint(view.hour, view.weather, colours)
