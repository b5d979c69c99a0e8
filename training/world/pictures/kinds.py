"""The registry: for each kind how it is drawn, how large it is, and the scenery it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from training.world.pictures import boats, buildings, street, things
from training.world.pictures.palette import Paint


@dataclass(frozen=True, slots=True)
class Drawing:
    """`draw` draws the entity with its foot's centre at the origin, in a box of `width` by `height` above it."""

    draw: Callable[[Mapping[str, str], Paint], str]
    width: float
    height: float
    scene: str


DRAWINGS: Mapping[str, Drawing] = {
    "lighthouse": Drawing(buildings.lighthouse, 164, 330, "coast"),
    "chapel": Drawing(buildings.chapel, 296, 322, "village"),
    "windmill": Drawing(buildings.windmill, 222, 330, "village"),
    "ferry": Drawing(boats.ferry, 286, 284, "sea"),
    "sailboat": Drawing(boats.sailboat, 270, 326, "sea"),
    "inn sign": Drawing(street.inn_sign, 292, 320, "street"),
    "shop": Drawing(street.shop, 290, 320, "street"),
    "fox": Drawing(things.fox, 290, 288, "meadow"),
    "guitar": Drawing(things.guitar, 276, 340, "meadow"),
    "chart": Drawing(things.chart, 286, 304, "meadow"),
    "tram": Drawing(street.tram, 284, 320, "street"),
}
