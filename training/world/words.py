"""The vocabulary: what is said of each kind of thing, how kinds are grouped into tables, and the pools to draw from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Craft:
    """How one speaks of a kind: "Ada designed it, it was opened in 1874, Nils is its keeper"."""

    did: str
    make: str  # infinitive: "Which lighthouse did Ada design?"
    done: str
    opened: str
    role: str


CRAFTS: Mapping[str, Craft] = {
    "lighthouse": Craft("designed", "design", "designed", "opened", "keeper"),
    "chapel": Craft("built", "build", "built", "opened", "sexton"),
    "windmill": Craft("built", "build", "built", "opened", "miller"),
    "ferry": Craft("built", "build", "built", "launched", "captain"),
    "sailboat": Craft("built", "build", "built", "launched", "skipper"),
    "inn sign": Craft("painted", "paint", "painted", "hung", "owner"),
    "shop": Craft("founded", "found", "founded", "opened", "owner"),
    "fox": Craft("tamed", "tame", "tamed", "first shown", "trainer"),
    "guitar": Craft("made", "make", "made", "first played", "player"),
    "chart": Craft("drew", "draw", "drawn", "printed", "curator"),
    "tram": Craft("designed", "design", "designed", "put to work", "driver"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers. `{x}` is a thing, `{g}` the things of a table, `{v}` a number."""

    name: str
    header: str
    asks: tuple[str, ...]
    says: str
    top: str
    bottom: str
    more: str  # "Which is higher, A or B?"
    over: str  # "Which of them are higher than 40 m?"
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds that share tables: a town has at most one table of each group."""

    key: str
    title: str  # "Towers and chapels" of Orsk
    kinds: tuple[str, ...]
    columns: tuple[Column, Column]

    def of(self, town: str) -> str:
        """The things of the table: "the towers and chapels of Orsk"."""
        return f"the {self.title[0].lower()}{self.title[1:]} of {town}"


def _measure(name: str, unit: str, units: str, adjective: str, more: str, top: str, bottom: str) -> Column:
    """A column for a length or a weight, asked in the same eight ways."""
    asks = (
        f"How {adjective} is {{x}}?",
        f"What is the {name} of {{x}}?",
        f"How many {units} {adjective} is {{x}}?",
        f"What {name} does {{x}} have?",
        f"Tell me the {name} of {{x}}.",
        f"Which {name} is listed for {{x}}?",
        f"What {name} is given for {{x}}?",
        f"Look up the {name} of {{x}}.",
    )
    return Column(
        name, f"{name} ({unit})", asks, f"the {name} of {{x}} is {{v}} {unit}", f"the {top} of {{g}}",
        f"the {bottom} of {{g}}", f"is {more}", f"are {more} than {{v}} {unit}", 10, 99,
    )  # fmt: skip


def _amount(name: str, have: str, had: str, low: int, high: int) -> Column:
    """A column that counts something, asked in the same eight ways; `have` of many, `had` of one."""
    asks = (
        f"How many {name} does {{x}} have?",
        f"What is the number of {name} of {{x}}?",
        f"How many {name} are listed for {{x}}?",
        f"Tell me how many {name} {{x}} {had}.",
        f"What number of {name} does {{x}} have?",
        f"How many {name} does the table give for {{x}}?",
        f"How many {name} are given for {{x}}?",
        f"Look up the number of {name} of {{x}}.",
    )
    top, bottom = f"the one with the most {name} among {{g}}", f"the one with the fewest {name} among {{g}}"
    says, more, over = f"the number of {name} of {{x}} is {{v}}", f"{had} more {name}", f"{have} more than {{v}} {name}"
    return Column(name, name, asks, says, top, bottom, more, over, low, high)


GROUPS = (
    Group(
        "towers",
        "Towers and chapels",
        ("lighthouse", "chapel", "windmill"),
        (_measure("height", "m", "metres", "high", "higher", "highest", "lowest"),
         _amount("visitors", "have", "has", 100, 999)),
    ),
    Group(
        "boats",
        "Boats and trams",
        ("ferry", "sailboat", "tram"),
        (_measure("length", "m", "metres", "long", "longer", "longest", "shortest"),
         _amount("seats", "have", "has", 10, 99)),
    ),
    Group(
        "shops",
        "Shops, signs and charts",
        ("inn sign", "shop", "chart"),
        (_measure("width", "cm", "centimetres", "wide", "wider", "widest", "narrowest"),
         _amount("visitors", "have", "has", 100, 999)),
    ),
    Group(
        "foxes",
        "Foxes and guitars",
        ("fox", "guitar"),
        (_measure("weight", "kg", "kilos", "heavy", "heavier", "heaviest", "lightest"),
         _amount("prizes", "have", "has", 10, 99)),
    ),
)  # fmt: skip

GROUP_OF: Mapping[str, Group] = {kind: group for group in GROUPS for kind in group.kinds}
COLUMNS: Mapping[tuple[str, str], Column] = {
    (kind, column.name): column for kind, group in GROUP_OF.items() for column in group.columns
}

GIVEN = (
    "Ada", "Anna", "Boris", "Bram", "Cleo", "Dora", "Dov", "Elin", "Emil", "Finn", "Frida",
    "Gwen", "Hugo", "Iris", "Ivo", "Jonas", "Kira", "Lena", "Leon", "Mara", "Nils", "Olga",
    "Otto", "Piet", "Rosa", "Sven", "Tilda", "Ulf", "Vera", "Wim", "Yara", "Zeno",
)  # fmt: skip

PROFESSIONS = (
    "baker", "sailor", "teacher", "doctor", "weaver", "gardener", "lawyer", "tailor", "painter", "farmer", "cook",
    "singer", "judge", "potter", "smith", "barber", "dancer", "nurse", "printer", "butcher", "miner", "pilot",
)  # fmt: skip

KNOWN_FOR = (
    "cheese", "glass", "clocks", "honey", "kites", "carpets", "cider", "lace", "salt", "violins", "roses", "paper",
    "candles", "apples", "boots", "bells", "soap", "pottery", "mustard", "silk", "umbrellas", "puppets", "gingerbread",
    "rope", "marbles", "hats",
)  # fmt: skip

REASONS = (
    "a storm", "a king", "a lost ship", "an old song", "a blind horse", "a frozen lake", "a saint", "a comet",
    "a mountain", "a poet", "a giant", "a wild rose", "a broken bell", "a white whale", "a queen", "a sea battle",
    "a hermit", "a dream", "a forest fire", "a twin sister", "a silver mine", "a lucky coin", "a great flood",
    "a black swan",
)  # fmt: skip


def plural(kind: str) -> str:
    """Several of a kind: "ferries", "foxes", "inn signs"."""
    if kind.endswith("y"):
        return f"{kind[:-1]}ies"
    return f"{kind}es" if kind.endswith("x") else f"{kind}s"
