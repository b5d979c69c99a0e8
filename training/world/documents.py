"""The documents of a world. Each fact is stated in exactly one of them, and each document records what it states.

The town of a thing is the one exception: its caption says it, and the table that it stands in is the town's. So it is
asked only of a picture that one has in hand, which no table can answer.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mmrag.types import Document, Modality, Table
from training.world.facts import Entity, Facts, Person, Town
from training.world.words import Group

# Each begins with the title, so that a model which reads title and text need not read the name twice.
_HISTORY = (
    "{The} was {opened} in {year}. It was {done} by {maker}.",
    "{The} was {opened} in {year}. {maker} {did} it.",
    "{The}, {done} by {maker}, was {opened} in {year}.",
    "{The} was {done} by {maker} and {opened} in {year}.",
    "{The}, which {maker} {did}, was {opened} in {year}.",
    "{The} was {opened} in {year}; it was {maker} who {did} it.",
)
_PEOPLE = (
    "{The} is named after {reason}. {keeper} is its {role}.",
    "{The}, named after {reason}, has {keeper} as its {role}.",
    "{The} got its name from {reason}. Its {role} is {keeper}.",
    "{The} is in the care of its {role}, {keeper}. It is named after {reason}.",
    "{The} has {keeper} as its {role}. Its name recalls {reason}.",
    "{The} owes its name to {reason}. {keeper} serves as its {role}.",
)
_PERSON = (
    "{name} works as a {profession} and was born in {town}.",
    "{name} is a {profession}. The birthplace of {given} is {town}.",
    "{name}, a {profession}, was born in {town}.",
    "Born in {town}, {name} became a {profession}.",
)
_TOWN = (
    "{name} was founded in {year} and lies on the river {river}. It is known for its {known}.",
    "{name}, a town on the river {river}, is known for its {known}. It was founded in {year}.",
    "The town of {name} is known for its {known}. Founded in {year}, it lies on the river {river}.",
    "Founded in {year}, {name} lies on the river {river}. The town is known for its {known}.",
)
_ABOUT_THINGS = (
    "A film of {later} shows it.",
    "A song of {later} mentions it.",
    "A book of {later} praises it.",
    "It was shown on a stamp in {later}.",
    "Many people know it from postcards.",
    "Painters are fond of it.",
    "Old people tell stories about it.",
    "It is often mentioned together with {other}.",
    "People compare it with {other}.",
    "Children draw it at school.",
    "Guides speak of it with pride.",
)
_ABOUT_PEOPLE = (
    "{given} likes chess and long walks.",
    "Friends praise the patience of {given}.",
    "{given} collects old coins.",
    "On Sundays {given} plays cards.",
    "{given} speaks three languages.",
    "{given} once met a neighbour of {other}.",
    "{given} rises early and reads much.",
)
_ABOUT_TOWNS = (
    "The market opens every Friday.",
    "Most houses are built of brick.",
    "A festival is held each spring.",
    "The streets are narrow and steep.",
    "Its people are said to be stubborn.",
    "The old bridge was rebuilt in {later}.",
)


@dataclass(slots=True)
class Library:
    """Documents by id, and what they state.

    `source` and `value` answer for (subject's name, relation): which document says it, and what it says.
    """

    documents: dict[str, Document] = field(default_factory=dict)
    source: dict[tuple[str, str], str] = field(default_factory=dict)
    value: dict[tuple[str, str], str] = field(default_factory=dict)
    mentions: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # ids by subject's name
    roles: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # ids by "lighthouse.picture", ...
    role: dict[str, str] = field(default_factory=dict)

    def add(
        self, document: Document, role: str, stated: Mapping[tuple[str, str], str], mentioned: Sequence[str] = ()
    ) -> None:
        """Put `document` on its shelf with what it states; subjects of statements count as mentioned."""
        self.documents[document.id] = document
        self.roles[role].append(document.id)
        self.role[document.id] = role
        for fact, value in stated.items():
            self.source[fact], self.value[fact] = document.id, value
        for name in dict.fromkeys((*(subject for subject, _ in stated), *mentioned)):
            self.mentions[name].append(document.id)


def write_documents(facts: Facts, fillers: int, seed: int) -> Library:
    """Every document of the world, things first, then people, towns and tables."""
    rng = random.Random(f"documents/{seed}/{len(facts.entities)}/{fillers}")
    library = Library()
    for entity in facts.entities:
        _add_picture(library, entity)
        _add_history(library, entity, _Fillers(facts, fillers, rng))
        _add_people(library, entity, _Fillers(facts, fillers, rng))
    for person in facts.people:
        _add_person(library, person, _Fillers(facts, fillers, rng))
    for town in facts.towns:
        _add_town(library, town, _Fillers(facts, fillers, rng))
    for town, group, rows in tables(facts):
        _add_table(library, town, group, rng.sample(rows, len(rows)))
    return library


def tables(facts: Facts) -> Iterator[tuple[Town, Group, list[Entity]]]:
    """Each town's entities by group."""
    shelves: dict[tuple[str, str], list[Entity]] = defaultdict(list)
    for entity in facts.entities:
        shelves[entity.town.name, entity.group.key].append(entity)
    for rows in shelves.values():
        yield rows[0].town, rows[0].group, rows


def table_id(entity: Entity) -> str:
    """The id of the table that `entity` has a row in."""
    return f"{entity.town.name.lower()}.{entity.group.key}"


@dataclass(frozen=True, slots=True)
class _Fillers:
    """Sentences that nobody asks about."""

    facts: Facts
    most: int
    rng: random.Random

    def some(self, text: str, pool: Sequence[str], **words: object) -> str:
        """`text` with up to `most` sentences of `pool` behind it, one at least if any are wanted."""
        number = self.rng.randint(1, self.most) if self.most else 0
        words["other"] = self.rng.choice(self.facts.entities).the
        return " ".join([text, *(sentence.format(**words) for sentence in self.rng.sample(pool, number))])


def _add_picture(library: Library, entity: Entity) -> None:
    key = f"{entity.key}.picture"
    document = Document(
        key, Modality.IMAGE, capital(entity.the), f"{capital(entity.the)}, {entity.town.name}", f"images/{key}.png"
    )
    seen = {f"look.{name}": value for name, value in entity.look.attributes.items()}
    view = entity.view
    seen |= {"view.weather": view.weather, "view.hour": view.hour, "view.beside": view.beside, "view.side": view.side}
    seen |= {"name": entity.name, "town": entity.town.name}
    library.add(document, f"{entity.kind}.picture", _of(entity.name, seen), [entity.town.name])


def _add_history(library: Library, entity: Entity, fillers: _Fillers) -> None:
    craft, maker = entity.craft, entity.maker.name
    text = fillers.rng.choice(_HISTORY).format(
        The=capital(entity.the), the=entity.the, opened=craft.opened, year=entity.year, did=craft.did, done=craft.done,
        maker=maker,
    )  # fmt: skip
    later = fillers.rng.randint(entity.year + 1, 2020)
    _add_passage(
        library,
        f"{entity.key}.history",
        f"{entity.kind}.history",
        capital(entity.the),
        fillers.some(text, _ABOUT_THINGS, later=later),
        _of(entity.name, {"maker": maker, "year": str(entity.year)}),
        [maker],
    )


def _add_people(library: Library, entity: Entity, fillers: _Fillers) -> None:
    keeper = entity.keeper.name
    text = fillers.rng.choice(_PEOPLE).format(
        The=capital(entity.the), the=entity.the, role=entity.craft.role, keeper=keeper, reason=entity.reason
    )
    later = fillers.rng.randint(entity.year + 1, 2020)
    _add_passage(
        library,
        f"{entity.key}.people",
        f"{entity.kind}.people",
        capital(entity.the),
        fillers.some(text, _ABOUT_THINGS, later=later),
        _of(entity.name, {"keeper": keeper, "reason": bare(entity.reason)}),
        [keeper],
    )


def _add_person(library: Library, person: Person, fillers: _Fillers) -> None:
    text = fillers.rng.choice(_PERSON).format(
        name=person.name, given=person.given, profession=person.profession, town=person.birthplace.name
    )
    _add_passage(
        library,
        f"{person.name.lower().replace(' ', '-')}.person",
        "person",
        person.name,
        fillers.some(text, _ABOUT_PEOPLE, given=person.given),
        _of(person.name, {"profession": person.profession, "birthplace": person.birthplace.name}),
        [person.birthplace.name],
    )


def _add_town(library: Library, town: Town, fillers: _Fillers) -> None:
    text = fillers.rng.choice(_TOWN).format(name=town.name, year=town.founded, river=town.river, known=town.known_for)
    _add_passage(
        library,
        f"{town.name.lower()}.town",
        "town",
        town.name,
        fillers.some(text, _ABOUT_TOWNS, later=fillers.rng.randint(1700, 2020)),
        _of(town.name, {"founded": str(town.founded), "river": town.river, "known": town.known_for}),
    )


def _add_passage(
    library: Library,
    key: str,
    role: str,
    title: str,
    text: str,
    stated: Mapping[tuple[str, str], str],
    mentioned: Sequence[str] = (),
) -> None:
    library.add(Document(key, Modality.PASSAGE, title, text), role, stated, mentioned)


def _add_table(library: Library, town: Town, group: Group, rows: Sequence[Entity]) -> None:
    header = ("name", *(column.header for column in group.columns))
    cells = tuple((one.name, *(str(one.numbers[column.name]) for column in group.columns)) for one in rows)
    document = Document(table_id(rows[0]), Modality.TABLE, f"{group.title} of {town.name}", table=Table(header, cells))
    stated = {(one.name, name): str(number) for one in rows for name, number in one.numbers.items()}
    library.add(document, f"{group.key}.table", stated, [town.name])


def _of(name: str, values: Mapping[str, str]) -> dict[tuple[str, str], str]:
    return {(name, relation): value for relation, value in values.items()}


def capital(text: str) -> str:
    """`text` with its first letter large."""
    return text[:1].upper() + text[1:]


def bare(reason: str) -> str:
    """A reason without its article: "an old song" is answered "old song"."""
    return reason.split(" ", 1)[1]
