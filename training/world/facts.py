"""Who and what there is in a world: towns, people, things, and everything that is true of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, cycle, islice

from training.world.difficulty import Difficulty
from training.world.looks import Look, View, random_look, random_view
from training.world.names import VOWELS, families
from training.world.words import CRAFTS, GIVEN, GROUP_OF, GROUPS, KNOWN_FOR, PROFESSIONS, REASONS, Craft, Group

ROWS = 4  # of a table, at most


@dataclass(frozen=True, slots=True)
class Town:
    """A place."""

    name: str
    founded: int
    known_for: str
    river: str

    @property
    def the(self) -> str:
        """The name in a sentence."""
        return self.name


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who made or looks after things."""

    given: str
    surname: str
    profession: str
    birthplace: Town

    @property
    def name(self) -> str:
        """Given name and surname; the surname is nobody else's."""
        return f"{self.given} {self.surname}"

    @property
    def the(self) -> str:
        """The name in a sentence."""
        return self.name


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """A thing with a picture, two passages and a row in a table."""

    core: str
    kind: str
    town: Town
    look: Look
    view: View
    maker: Person
    year: int
    keeper: Person
    reason: str  # with its article
    numbers: Mapping[str, int]  # by column

    @property
    def name(self) -> str:
        """As tables and answers have it: "Velmar lighthouse"."""
        return f"{self.core} {self.kind}"

    @property
    def the(self) -> str:
        """The name in a sentence: "the Velmar lighthouse"."""
        return f"the {self.name}"

    @property
    def key(self) -> str:
        """What its documents' ids begin with: "velmar-lighthouse"."""
        return self.name.lower().replace(" ", "-")

    @property
    def craft(self) -> Craft:
        """How one speaks of its kind."""
        return CRAFTS[self.kind]

    @property
    def group(self) -> Group:
        """Which tables it belongs to."""
        return GROUP_OF[self.kind]


Subject = Entity | Person | Town


@dataclass(frozen=True, slots=True)
class Facts:
    """A world's content. `phantoms` are names of things that do not exist but resemble ones that do."""

    towns: tuple[Town, ...]
    people: tuple[Person, ...]
    entities: tuple[Entity, ...]
    phantoms: Mapping[str, tuple[str, ...]]  # core -> unused names of the same family


class _Names:
    """Hands out a world's names, each once."""

    def __init__(self, seed: int, rng: random.Random) -> None:
        chosen = [rng.sample(family, len(family)) for family in families(seed)]
        rng.shuffle(chosen)
        columns = zip(*chosen, strict=True)  # a name of each family, then another of each, ...
        self._free: dict[str, None] = {name: None for column in columns for name in column}

    def fresh(self) -> str:
        """A name of the family that has been used least."""
        name = next(iter(self._free))
        del self._free[name]
        return name

    def similar(self, name: str, rng: random.Random) -> str | None:
        """A name that differs from `name` in one vowel, if one is left."""
        if not (left := self.left(name)):
            return None
        chosen = rng.choice(left)
        del self._free[chosen]
        return chosen

    def left(self, name: str) -> tuple[str, ...]:
        """Names of the family of `name` that nobody bears."""
        family = (f"{name[:-2]}{vowel}{name[-1]}" for vowel in VOWELS)
        return tuple(other for other in family if other in self._free)


def settle(seed: int, size: int, difficulty: Difficulty) -> Facts:
    """The world of `seed` with `size` entities."""
    rng = random.Random(f"facts/{seed}/{size}/{difficulty.level}")
    names = _Names(seed, rng)
    kinds = Counter(islice(cycle(rng.sample(difficulty.kinds, len(difficulty.kinds))), size))
    widest = max(sum(kinds[kind] for kind in group.kinds) for group in GROUPS)
    towns = _towns(max(4, -(-size // 12), -(-widest // ROWS)), names, rng)
    people = tuple(
        Person(rng.choice(GIVEN), names.fresh(), rng.choice(PROFESSIONS), rng.choice(towns))
        for _ in range(max(6, size // 2))
    )
    slots = [slot for group in GROUPS for slot in _slots(group, kinds, towns, rng)]
    cores = _cores(slots, names, rng)
    entities = tuple(_entities(slots, cores, people, difficulty, rng))
    return Facts(towns, people, entities, {core: names.left(core) for core in cores})


def _towns(number: int, names: _Names, rng: random.Random) -> tuple[Town, ...]:
    known = cycle(rng.sample(KNOWN_FOR, len(KNOWN_FOR)))
    return tuple(Town(names.fresh(), rng.randint(900, 1690), next(known), names.fresh()) for _ in range(number))


def _slots(
    group: Group, kinds: Mapping[str, int], towns: Sequence[Town], rng: random.Random
) -> Iterator[tuple[str, Town, dict[str, int]]]:
    """Kind, town and numbers of every entity of a group: towns get two to four each, often of one kind."""
    members = [kind for kind in group.kinds for _ in range(kinds[kind])]
    for _ in range(len(members) // 3):
        first, second = rng.randrange(len(members)), rng.randrange(len(members))
        members[first], members[second] = members[second], members[first]
    places = rng.sample(towns, min(len(towns), max(1, len(members) // 2)))
    for index, town in enumerate(places):
        rows = members[index * len(members) // len(places) : (index + 1) * len(members) // len(places)]
        columns = [rng.sample(range(column.low, column.high + 1), len(rows)) for column in group.columns]
        for kind, *numbers in zip(rows, *columns, strict=True):
            yield kind, town, {column.name: number for column, number in zip(group.columns, numbers, strict=True)}


def _cores(slots: Sequence[tuple[str, Town, dict[str, int]]], names: _Names, rng: random.Random) -> list[str]:
    """A core for every slot: some of a kind in one town sound alike, some of different kinds share theirs."""
    cores: list[str] = []
    lonely: list[int] = []  # indices whose core nobody shares yet
    for index, (kind, town, _) in enumerate(slots):
        twin = next((other for other in range(max(0, index - ROWS), index) if slots[other][:2] == (kind, town)), None)
        core = names.similar(cores[twin], rng) if twin is not None and rng.random() < 0.5 else None
        others = [other for other in lonely if slots[other][0] != kind] if core is None and rng.random() < 0.2 else []
        if others:
            lonely.remove(shared := rng.choice(others))
            core = cores[shared]
        elif core is None:
            core = names.fresh()
            lonely.append(index)
        cores.append(core)
    return cores


def _entities(
    slots: Sequence[tuple[str, Town, dict[str, int]]],
    cores: Sequence[str],
    people: Sequence[Person],
    difficulty: Difficulty,
    rng: random.Random,
) -> Iterator[Entity]:
    makers, keepers, looks = _Work(people, rng), _Work(people, rng), _Looks(rng)
    for (kind, town, numbers), core in zip(slots, cores, strict=True):
        maker = makers.give(kind)
        yield Entity(
            core=core,
            kind=kind,
            town=town,
            look=looks.new(kind),
            view=random_view(rng, difficulty.clutter),
            maker=maker,
            year=rng.randint(1700, 1999),
            keeper=keepers.give(kind, besides=maker),
            reason=rng.choice(REASONS),
            numbers=numbers,
        )


class _Work:
    """Gives work to people evenly, so that nobody does two things of one kind: "the chapel that Ada built" is one."""

    def __init__(self, people: Sequence[Person], rng: random.Random) -> None:
        self._people, self._rng = people, rng
        self._done: Counter[Person] = Counter()
        self._kinds: set[tuple[Person, str]] = set()

    def give(self, kind: str, besides: Person | None = None) -> Person:
        able = [one for one in self._people if (one, kind) not in self._kinds and one is not besides]
        least = min(self._done[one] for one in able)
        chosen = self._rng.choice([one for one in able if self._done[one] == least])
        self._done[chosen] += 1
        self._kinds.add((chosen, kind))
        return chosen


class _Looks:
    """Draws looks so that two of a kind differ, in two attributes while there is room: a picture names one thing."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._taken: dict[str, list[Look]] = {}

    def new(self, kind: str) -> Look:
        """A look that no other entity has."""
        taken = self._taken.setdefault(kind, [])
        for tries in count():
            look = random_look(self._rng, kind)
            apart = 2 if tries < 200 else 1
            if all(_distance(look, other) >= apart for other in taken):
                break
        taken.append(look)
        return look


def _distance(one: Look, other: Look) -> int:
    return sum(other.attributes[name] != value for name, value in one.attributes.items())
