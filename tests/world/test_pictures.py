"""Pictures of the world: the same every time, and nothing that can be asked is lost at 64 pixels."""

from __future__ import annotations

import dataclasses
import itertools
import random
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from training.world.looks import BESIDE, COLOURS, HOURS, KINDS, SIDES, WEATHERS, Attribute, Look, View, random_look
from training.world.pictures import draw, svg
from training.world.pictures.palette import BASE

Pixels = NDArray[np.int16]
DAY = View("sunny", "day", "tree", "left", scale=1.0, shift=0.0, tilt=0.0, clutter=3, seed=1)
NIGHT = dataclasses.replace(
    DAY, weather="snowy", hour="night", beside="lamp", side="right", scale=0.85, tilt=3.0, seed=2
)
ASKED = [(kind, attribute) for kind, attributes in KINDS.items() for attribute in attributes]
NUMBERS = [*map(str, range(10, 20)), *map(str, range(20, 100, 10))]  # every digit in either place
COLOURED = [(kind, attribute) for kind, attribute in ASKED if attribute.category == "color"]


@cache
def base(kind: str) -> Look:
    return random_look(random.Random(kind), kind)


def changed(look: Look, **values: str) -> Look:
    return Look(look.kind, {**look.attributes, **values})


def seen(look: Look, view: View) -> Pixels:
    """What the small model sees, (64, 64, 3)."""
    return _drawn(look.kind, tuple(look.attributes.items()), view)


@cache
def _drawn(kind: str, attributes: tuple[tuple[str, str], ...], view: View) -> Pixels:
    return np.asarray(draw(Look(kind, dict(attributes)), view, 64)).astype(np.int16)


def apart(first: Pixels, second: Pixels, by: int) -> NDArray[np.bool_]:
    """Which pixels, (64, 64), differ by more than `by` of 255 in some channel."""
    return np.abs(first - second).max(axis=2) > by


def part(kind: str, attribute: Attribute, view: View) -> NDArray[np.bool_]:
    """The pixels, (64, 64), that wholly belong to a coloured part: they turn from white to black with it."""
    white, black = (seen(changed(base(kind), **{attribute.name: colour}), view) for colour in ("white", "black"))
    return apart(white, black, 150)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_arguments_give_the_same_bytes(kind: str) -> None:
    assert svg(base(kind), DAY) == svg(base(kind), DAY)
    assert draw(base(kind), NIGHT, 96).tobytes() == draw(base(kind), NIGHT, 96).tobytes()


@pytest.mark.parametrize("size", [64, 384])
def test_a_picture_is_rgb_of_the_size_asked_for(size: int) -> None:
    picture = draw(base("fox"), DAY, size)
    assert (picture.mode, picture.size) == ("RGB", (size, size))


def test_another_seed_changes_the_picture_and_not_the_entity() -> None:
    body = KINDS["lighthouse"][0]
    other = dataclasses.replace(DAY, seed=99)
    assert apart(seen(base("lighthouse"), DAY), seen(base("lighthouse"), other), 24).sum() > 100
    assert (part("lighthouse", body, DAY) == part("lighthouse", body, other)).mean() > 0.99


@pytest.mark.parametrize(("kind", "attribute"), ASKED, ids=lambda item: getattr(item, "name", item))
def test_any_two_values_of_an_attribute_look_different_on_a_snowy_night(kind: str, attribute: Attribute) -> None:
    values = NUMBERS if attribute.name == "number" else attribute.values
    pictures = [seen(changed(base(kind), **{attribute.name: value}), NIGHT) for value in values]
    assert min(int(apart(*pair, 48).sum()) for pair in itertools.combinations(pictures, 2)) >= 8


def nearest(kind: str, attribute: Attribute, colour: str, view: View) -> str:
    """The name of the colour that the part's pixels are closest to when it is painted in `colour`."""
    shown = np.median(seen(changed(base(kind), **{attribute.name: colour}), view)[part(kind, attribute, view)], axis=0)
    return min(BASE, key=lambda name: float(np.linalg.norm(shown - _rgb(BASE[name]))))


@pytest.mark.parametrize(("kind", "attribute"), COLOURED, ids=lambda item: getattr(item, "name", item))
def test_a_colour_stays_itself_on_a_snowy_night(kind: str, attribute: Attribute) -> None:
    assert part(kind, attribute, NIGHT).sum() >= 20
    assert [nearest(kind, attribute, colour, NIGHT) for colour in COLOURS] == list(COLOURS)


@pytest.mark.parametrize("hour", HOURS)
@pytest.mark.parametrize("weather", WEATHERS)
def test_a_colour_stays_itself_in_any_light(weather: str, hour: str) -> None:
    view = dataclasses.replace(DAY, weather=weather, hour=hour)
    assert [nearest("windmill", KINDS["windmill"][0], colour, view) for colour in COLOURS] == list(COLOURS)


@pytest.mark.parametrize("name", ["weather", "hour", "beside", "side"])
@pytest.mark.parametrize("kind", ["lighthouse", "chapel", "ferry", "shop", "fox"])  # one of each scenery
def test_what_a_view_says_can_be_seen(kind: str, name: str) -> None:
    values = {"weather": WEATHERS, "hour": HOURS, "beside": BESIDE, "side": SIDES}[name]
    pictures = [seen(base(kind), dataclasses.replace(DAY, clutter=0, **{name: value})) for value in values]
    assert min(int(apart(*pair, 32).sum()) for pair in itertools.combinations(pictures, 2)) >= 60


@pytest.mark.parametrize(("kind", "attribute"), COLOURED, ids=lambda item: getattr(item, "name", item))
def test_nothing_strewn_about_covers_the_entity(kind: str, attribute: Attribute) -> None:
    few, many = (seen(base(kind), dataclasses.replace(NIGHT, clutter=count)) for count in (0, 6))
    assert not (apart(few, many, 60) & part(kind, attribute, NIGHT)).any()


@pytest.mark.parametrize(("side", "shift", "tilt"), [("left", 0.08, 4.0), ("right", -0.08, -4.0)])
@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_and_most_shifted_entity_stays_in_the_frame(
    kind: str, side: str, shift: float, tilt: float
) -> None:
    view = dataclasses.replace(DAY, scale=1.1, side=side, shift=shift, tilt=tilt)
    for attribute in (item for item in KINDS[kind] if item.category == "color"):
        where = part(kind, attribute, view)
        assert where.sum() == where[1:-1, 1:-1].sum() > 0


def _rgb(code: str) -> Pixels:
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.int16)
