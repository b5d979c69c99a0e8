"""What things look like: the kinds, the attributes a question can ask about, and the view a picture is taken from.

A `Look` belongs to an entity and is the same in every picture of it; a `View` belongs to one picture. Names never enter
here, so a picture gives away nothing that its caption does not say.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "white", "black")
COUNTS = (1, 2, 3, 4, 5)
SIDES = ("left", "right")
BOARDS = ("round", "square", "triangular", "diamond")
SYMBOLS = ("star", "moon", "fish", "crown", "heart", "key")
BODIES = ("round", "square", "triangular")
PATTERNS = ("plain", "striped")
WEATHERS = ("sunny", "cloudy", "rainy", "snowy")
HOURS = ("day", "dusk", "night")
BESIDE = ("tree", "lamp", "bench", "flag", "barrel")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing that can be asked about a look: the words for it, its category (WebQA's), and its values."""

    name: str
    phrase: str  # "roof" in "the roof of the Velmar lighthouse"
    category: str  # color | shape | number | Others
    values: tuple[str, ...]


def _colour(name: str, phrase: str) -> Attribute:
    return Attribute(name, phrase, "color", COLOURS)


def _count(name: str, phrase: str) -> Attribute:
    return Attribute(name, phrase, "number", tuple(map(str, COUNTS)))


def _written(phrase: str) -> Attribute:
    return Attribute("number", phrase, "Others", tuple(map(str, range(10, 100))))


def _side(name: str, phrase: str) -> Attribute:
    return Attribute(name, phrase, "Others", SIDES)


KINDS: Mapping[str, tuple[Attribute, ...]] = {
    "lighthouse": (
        _colour("body", "tower"),
        _colour("roof", "roof"),
        Attribute("pattern", "tower's pattern", "Others", PATTERNS),
        _count("windows", "windows"),
    ),
    "chapel": (
        _colour("wall", "wall"),
        _colour("roof", "roof"),
        _count("windows", "windows"),
        _side("bell", "bell tower"),
    ),
    "windmill": (
        _colour("body", "body"),
        _colour("sails", "sails"),
        _count("windows", "windows"),
        _side("door", "door"),
    ),
    "ferry": (_colour("hull", "hull"), _colour("funnel", "funnel"), _count("portholes", "portholes"), _written("hull")),
    "sailboat": (_colour("hull", "hull"), _colour("sail", "sail"), _written("sail"), _side("flag", "pennant")),
    "inn sign": (
        _colour("board", "board"),
        Attribute("shape", "board", "shape", BOARDS),
        Attribute("symbol", "symbol", "Others", SYMBOLS),
        _colour("ink", "symbol"),
    ),
    "shop": (_colour("awning", "awning"), _colour("front", "front"), _side("door", "door"), _written("door")),
    "fox": (_colour("coat", "coat"), _colour("scarf", "scarf"), _side("facing", "head"), _count("spots", "spots")),
    "guitar": (
        _colour("body", "body"),
        Attribute("shape", "body", "shape", BODIES),
        _count("strings", "strings"),
        _colour("neck", "neck"),
    ),
    "chart": (
        _colour("tallest", "tallest bar"),
        _colour("shortest", "shortest bar"),
        Attribute("bars", "bars", "number", ("2", "3", "4", "5")),
        _side("peak", "tallest bar"),
    ),
    "tram": (_colour("body", "body"), _colour("stripe", "stripe"), _count("windows", "windows"), _written("front")),
}


@dataclass(frozen=True, slots=True)
class Look:
    """An entity's appearance: its kind and one value for each attribute of that kind."""

    kind: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class View:
    """How one picture was taken. `scale`, `shift` and `tilt` are small; `clutter` counts the things strewn about."""

    weather: str
    hour: str
    beside: str
    side: str  # on which side of the entity `beside` stands, seen from the viewer
    scale: float  # 0.85 .. 1.1
    shift: float  # -0.08 .. 0.08 of the width
    tilt: float  # -4 .. 4 degrees
    clutter: int  # 0 .. 6
    seed: int  # for everything that no question asks about


_NOUN = {"color": " colour", "shape": " shape", "number": " count", "Others": ""}


def told(look: Look) -> str:
    """A look in words, the thing itself unnamed: "tower colour: red, roof colour: black, windows count: 3"."""
    parts = []
    for attribute in KINDS[look.kind]:
        written = attribute.name == "number"
        label = f"number on the {attribute.phrase}" if written else f"{attribute.phrase}{_NOUN[attribute.category]}"
        parts.append(f"{label}: {look.attributes[attribute.name]}")
    return ", ".join(parts)


def random_look(rng: random.Random, kind: str) -> Look:
    """A look of `kind` in which no two colours are the same, so that each part stands out from its neighbour."""
    values: dict[str, str] = {}
    colours = rng.sample(COLOURS, len(COLOURS))
    for attribute in KINDS[kind]:
        values[attribute.name] = colours.pop() if attribute.category == "color" else rng.choice(attribute.values)
    return Look(kind, values)


def random_view(rng: random.Random, clutter: int = 3) -> View:
    """A view drawn from the whole range, with up to `clutter` things strewn about."""
    return View(
        weather=rng.choice(WEATHERS),
        hour=rng.choice(HOURS),
        beside=rng.choice(BESIDE),
        side=rng.choice(SIDES),
        scale=round(rng.uniform(0.85, 1.1), 3),
        shift=round(rng.uniform(-0.08, 0.08), 3),
        tilt=round(rng.uniform(-4, 4), 2),
        clutter=rng.randint(0, clutter),
        seed=rng.getrandbits(32),
    )
