"""Questions that weigh things against each other: compare two, list all that match, intersect a table with pictures."""

from __future__ import annotations

import random
from collections.abc import Sequence

from mmrag.types import Hop
from training.world.documents import capital
from training.world.facts import Entity
from training.world.questions.draft import QUESTION_OF, Desk, Draft, attempt, decided, look_names, sight
from training.world.questions.tables import exceeding
from training.world.words import Column, plural

_COMPARE = (
    "Which {more}: {a} or {b}?",
    "Which {more}, {a} or {b}?",
    "{a} or {b}: which {more}?",
    "Of {a} and {b}, which {more}?",
    "Compare {a} and {b}: which {more}?",
    "Tell me which {more}: {a} or {b}.",
    "Which of the two {more}: {a} or {b}?",
)
_SAME = (
    "Do the {part} of {a} and the {part} of {b} have the same colour?",
    "Do {a} and {b} share the colour of the {part}?",
    "Is the colour of the {part} the same for {a} and {b}?",
    "Are {a} and {b} alike in the colour of the {part}?",
    "Are the {part} of {a} and the {part} of {b} of one colour?",
    "Is it true that the {part} of {a} and the {part} of {b} have the same colour?",
    "Does the {part} of {a} match the {part} of {b} in colour?",
)
_LIST = (
    "Which {kinds} in {town} have {has}?",
    "Name the {kinds} in {town} that have {has}.",
    "What are the names of the {kinds} in {town} with {has}?",
    "Tell me which {kinds} in {town} have {has}.",
    "In {town}, which {kinds} have {has}?",
    "List the {kinds} in {town} with {has}.",
    "Which of the {kinds} in {town} have {has}?",
)
_BOTH = (
    "Which of {g} {over} and have {has}?",
    "Of {g}, which {over} and have {has}?",
    "Name those of {g} that {over} and have {has}.",
    "Among {g}, which {over} and also have {has}?",
    "Tell me which of {g} {over} and have {has}.",
    "Which of {g} both {over} and have {has}?",
    "List those of {g} that {over} and have {has}.",
)


def compared(desk: Desk, rng: random.Random) -> Draft | None:
    """One question over several things."""
    ask = rng.choices((_years, _columns, _counts, _same, _list, _both), weights=(0.2, 0.16, 0.16, 0.18, 0.14, 0.16))[0]
    return attempt(ask, desk, rng)


def comparison(desk: Desk, rng: random.Random) -> Draft:
    """One question that weighs two things by their years, their numbers or what is counted on them."""
    while True:
        if (draft := attempt(rng.choice((_years, _columns, _counts)), desk, rng)) is not None:
            return draft


def over_lists(desk: Desk, rng: random.Random) -> Draft | None:
    """One question for all that fits: of pictures alone, or of the rows of a table and their pictures."""
    return attempt(rng.choice((_list, _both)), desk, rng)


def over_rows(desk: Desk, rng: random.Random) -> Draft | None:
    """One question that two rows of one table decide: two hops, and one document that both rest on."""
    return attempt(_rows, desk, rng)


def _years(desk: Desk, rng: random.Random) -> Draft | None:
    entity = rng.choice(desk.facts.entities)
    other = rng.choice(desk.facts.entities)
    if entity is other or entity.year == other.year:
        return None
    earlier = rng.random() < 0.5
    won = (min if earlier else max)((entity, other), key=lambda one: one.year)
    return _weighed(desk, rng, (entity, other), "year", "came earlier" if earlier else "came later", won)


def _columns(desk: Desk, rng: random.Random) -> Draft | None:
    entity = rng.choice(desk.facts.entities)
    column = rng.choice(entity.group.columns)
    rivals = [one for kind in entity.group.kinds for one in desk.kinds.get(kind, ())]
    return _by_column(desk, rng, (entity, rng.choice(rivals)), column)


def _rows(desk: Desk, rng: random.Random) -> Draft | None:
    group, rows = rng.choice(desk.shelves)
    return _by_column(desk, rng, rng.sample(rows, 2), rng.choice(group.columns)) if len(rows) > 1 else None


def _by_column(desk: Desk, rng: random.Random, pair: Sequence[Entity], column: Column) -> Draft | None:
    if len({one.numbers[column.name] for one in pair}) < 2:
        return None
    won = max(pair, key=lambda one: one.numbers[column.name])
    return _weighed(desk, rng, pair, column.name, column.more, won)


def _counts(desk: Desk, rng: random.Random) -> Draft | None:
    entity = rng.choice(desk.facts.entities)
    names = [name for name in look_names(entity) if sight(entity, name).category == "number"]
    if not names:
        return None
    other = rng.choice(desk.kinds[entity.kind])
    count = {one.name: int(desk.value(one, names[0])) for one in (entity, other)}
    if count[entity.name] == count[other.name]:
        return None
    won = max(entity, other, key=lambda one: count[one.name])
    return _weighed(desk, rng, (entity, other), names[0], f"has more {sight(entity, names[0]).part}", won)


def _weighed(desk: Desk, rng: random.Random, pair: Sequence[Entity], name: str, more: str, won: Entity) -> Draft:
    """Which of the pair `more`, by one hop for each."""
    first, second = (desk.hop(one, name) for one in pair)
    numbers = {pair[0].name: first.answer, pair[1].name: second.answer}
    conclusion = decided(f"the one that {more}", numbers, won.name)
    question = desk.word(rng, _COMPARE, more=more, a=pair[0].the, b=pair[1].the)
    kind = _compare(first, second)
    return Draft(question, (won.name,), "choose", kind, (first, second), tuple(pair), conclusion=conclusion)


def _same(desk: Desk, rng: random.Random) -> Draft | None:
    entity, same = rng.choice(desk.facts.entities), rng.random() < 0.5
    name = rng.choice([name for name in look_names(entity) if sight(entity, name).category == "color"])
    value = desk.value(entity, name)
    others = (one for one in desk.kinds[entity.kind] if one is not entity and name in look_names(one))
    rivals = [one for one in others if (desk.value(one, name) == value) == same]
    if not rivals:
        return None
    other = rng.choice(rivals)
    first, second = desk.hop(entity, name), desk.hop(other, name)
    part = sight(entity, name).part
    forms = [form for form in _SAME if not (part.endswith("s") and form.startswith("Does"))]
    question = desk.word(rng, forms, part=part, a=entity.the, b=other.the)
    answer = "yes" if same else "no"
    return Draft(question, (answer,), "YesNo", _compare(first, second), (first, second), (entity, other))


def _compare(first: Hop, second: Hop) -> str:
    return f"Compare({QUESTION_OF[first.kb]},{QUESTION_OF[second.kb]})"


def _list(desk: Desk, rng: random.Random) -> Draft | None:
    """All of a kind in a town that look alike in one thing: two at least."""
    entity = rng.choice(desk.facts.entities)
    name = rng.choice(look_names(entity))
    value = desk.value(entity, name)
    found = desk.sharing(entity, name, value)
    if len(found) < 2 or any(name not in look_names(one) for one in found):
        return None
    words = {"kinds": plural(entity.kind), "town": entity.town.name, "has": sight(entity, name).has(value)}
    hops = tuple(desk.hop(one, name) for one in found)
    return Draft(desk.word(rng, _LIST, **words), tuple(one.name for one in found), "Others", "ImageListQ", hops, found)


def _both(desk: Desk, rng: random.Random) -> Draft | None:
    """Rows of a table that exceed a number, and of these the ones whose pictures show something."""
    _, rows = rng.choice(desk.shelves)
    if (found := exceeding(desk, rng, rows)) is None or len(found[0]) < 2:
        return None
    chosen, over, first = found
    one = next(row for row in rows if row in chosen)  # not the first named: a seed's questions stay
    name = rng.choice(look_names(one))
    how = sight(one, name)
    if any(name not in look_names(row) or sight(row, name).has("") != how.has("") for row in chosen):
        return None
    value = desk.value(one, name)
    matching = tuple(row for row in chosen if desk.value(row, name) == value)
    g = rows[0].group.of(rows[0].town.name)
    question = capital(desk.word(rng, _BOTH, g=g, over=over, has=how.has(value)))
    seen = {row.name: desk.hop(row, name) for row in chosen}
    answers = tuple(row.name for row in matching)
    which = f"{'the one' if len(answers) == 1 else 'those'} of them with {how.has(value)}"
    conclusion = decided(which, {one: hop.answer for one, hop in seen.items()}, *answers)
    hops = (first, *seen.values())
    return Draft(question, answers, "Others", "Intersect(TableQ,ImageListQ)", hops, chosen, conclusion=conclusion)
