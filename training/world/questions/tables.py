"""Questions that one table answers: a cell, the row with the most or least, and how many rows exceed a number."""

from __future__ import annotations

import random
from collections.abc import Sequence

from mmrag.types import Hop
from training.world.facts import Entity
from training.world.questions.draft import Desk, Draft, attempt, decided, listed, weighed
from training.world.questions.unanswerable import unlisted

LACKING = 0.3  # of the cells asked of a table are of no row of it

_EXTREME = (
    "Which is {top}?",
    "What is the name of {top}?",
    "Name {top}.",
    "What is {top} called?",
    "Tell me which is {top}.",
    "Can you name {top}?",
    "Which name does {top} bear?",
)
_COUNT = (
    "How many of {g} {over}?",
    "Of {g}, how many {over}?",
    "Among {g}, how many {over}?",
    "Tell me how many of {g} {over}.",
    "What is the number of those among {g} that {over}?",
    "Count those among {g} that {over}: how many are there?",
)


def in_tables(desk: Desk, rng: random.Random) -> Draft | None:
    """One question about one table."""
    ask = rng.choices((_cell, _extreme, _count), weights=(0.6, 0.28, 0.12))[0]
    return attempt(ask, desk, rng)


def over_column(desk: Desk, rng: random.Random) -> Draft | None:
    """One question that a column decides: whose number is the most or least, or how many exceed one."""
    return attempt(rng.choices((_extreme, _count), weights=(0.7, 0.3))[0], desk, rng)


def over_cells(desk: Desk, rng: random.Random, count: int) -> list[Draft]:
    """Questions for cells of one table, some of them of a row that it lacks: its name is one vowel off."""
    _, rows = rng.choice(desk.shelves)
    chosen = [rng.choice(rows) for _ in range(count)]
    lacking = [rng.random() < LACKING and unlisted(desk, rng, one) for one in chosen]
    return [absent or _cell_of(desk, rng, one) for one, absent in zip(chosen, lacking, strict=True)]


def _cell(desk: Desk, rng: random.Random) -> Draft:
    return _cell_of(desk, rng, rng.choice(desk.facts.entities))


def _cell_of(desk: Desk, rng: random.Random, entity: Entity) -> Draft:
    name = rng.choice(list(entity.numbers))
    hop = desk.hop(entity, name)
    return Draft(desk.ask(entity, name, rng), (hop.answer,), "number", "TableQ", (hop,), (entity,))


def extreme(desk: Desk, rng: random.Random, rows: Sequence[Entity]) -> tuple[Entity, str, Hop]:
    """The row with the largest or smallest number of a column, the phrase for it, and the hop that finds it."""
    group, town = rows[0].group, rows[0].town
    column, largest = rng.choice(group.columns), rng.random() < 0.5
    found = (max if largest else min)(rows, key=lambda one: one.numbers[column.name])
    phrase = (column.top if largest else column.bottom).format(g=group.of(town.name))
    numbers = {name: str(number) for name, number in _column(desk, rows, column.name).items()}
    source = desk.library.source[found.name, column.name]
    question, statement = _EXTREME[0].format(top=phrase), decided(phrase, numbers, found.name)
    return found, phrase, Hop(question, "table", found.name, (source,), statement)


def _extreme(desk: Desk, rng: random.Random) -> Draft | None:
    _, rows = rng.choice(desk.shelves)
    if len(rows) < 2:
        return None
    found, phrase, hop = extreme(desk, rng, rows)
    return Draft(desk.word(rng, _EXTREME, top=phrase), (found.name,), "text", "TableQ", (hop,), (found,))


def exceeding(desk: Desk, rng: random.Random, rows: Sequence[Entity]) -> tuple[tuple[Entity, ...], str, Hop] | None:
    """Some of the rows but not all, the phrase that sets them apart ("are higher than 40 m"), and the hop to them."""
    if len(rows) < 2:
        return None
    column = rng.choice(rows[0].group.columns)
    numbers = sorted(one.numbers[column.name] for one in rows)
    place = rng.randrange(len(numbers) - 1)
    if numbers[place + 1] - numbers[place] < 2:
        return None
    limit = rng.randrange(numbers[place] + 1, numbers[place + 1])
    numbered = _column(desk, rows, column.name)
    above = [name for name, number in numbered.items() if number > limit]
    row = {one.name: one for one in rows}
    chosen = tuple(row[name] for name in above)  # as the sentence names them: whoever looks at each follows it
    over = column.over.format(v=limit)
    among = rows[0].group.of(rows[0].town.name)
    source = desk.library.source[chosen[0].name, column.name]
    those = f"those of {among} that {over}" if len(chosen) > 1 else f"the one of {among} that {_singular(over)}"
    told = weighed({name: f"{number} {'>' if number > limit else '<'} {limit}" for name, number in numbered.items()})
    statement = f"{those} {told} {'are' if len(chosen) > 1 else 'is'} {listed([one.the for one in chosen])}"
    names = ", ".join(one.name for one in chosen)
    return chosen, over, Hop(f"Which of {among} {over}?", "table", names, (source,), statement)


def _count(desk: Desk, rng: random.Random) -> Draft | None:
    _, rows = rng.choice(desk.shelves)
    if (found := exceeding(desk, rng, rows)) is None:
        return None
    chosen, over, hop = found
    question = desk.word(rng, _COUNT, g=rows[0].group.of(rows[0].town.name), over=over)
    return Draft(question, (str(len(chosen)),), "number", "TableQ", (hop,), chosen)


def _column(desk: Desk, rows: Sequence[Entity], name: str) -> dict[str, int]:
    """The numbers of a column by the names of their `rows`, in the table's order."""
    table = desk.library.documents[desk.library.source[rows[0].name, name]].table
    assert table is not None
    numbers = {one.name: one.numbers[name] for one in rows}
    return {row[0]: numbers[row[0]] for row in table.rows}


def _singular(over: str) -> str:
    verb, rest = over.split(" ", 1)
    return f"{_ONE[verb]} {rest}"


_ONE = {"are": "is", "have": "has"}
