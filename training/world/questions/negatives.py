"""Documents that mislead: of the right thing but another part, of a similar name, the same kind, the same town."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from training.world.facts import Entity, Person
from training.world.questions.draft import Desk, Draft

LEAST, MOST = 6, 10


def negatives(desk: Desk, draft: Draft, rng: random.Random) -> list[str]:
    """Six to ten ids, hardest ways mixed, none of them evidence or able to answer."""
    barred = {*draft.evidence, *draft.able}
    ways = (
        _same_subject(desk, draft),
        _similar_name(desk, draft),
        _same_role(desk, draft, rng),
        _same_town(desk, draft),
    )
    found: dict[str, None] = {}
    wanted = rng.randint(LEAST, MOST)
    for round_ in zip_longest(*(_shuffled(way, rng) for way in ways)):
        for one in round_:
            if one is not None and one not in barred and len(found) < wanted:
                found[one] = None
    return list(found)


def _shuffled(ids: Iterable[str], rng: random.Random) -> list[str]:
    unique = list(dict.fromkeys(ids))
    rng.shuffle(unique)
    return unique


def _same_subject(desk: Desk, draft: Draft) -> Iterator[str]:
    """Whatever else is said of the same things."""
    for subject in draft.about:
        yield from desk.library.mentions[subject.name]


def _similar_name(desk: Desk, draft: Draft) -> Iterator[str]:
    """Documents about things that share the core or differ from it in one vowel."""
    for subject in draft.about:
        if isinstance(subject, Entity):
            for other in desk.alike[subject.core[:-2] + subject.core[-1]]:
                if other is not subject:
                    yield from desk.library.mentions[other.name]


def _same_role(desk: Desk, draft: Draft, rng: random.Random) -> list[str]:
    """Documents of the same sort as the evidence: the picture of another lighthouse, the life of another person."""
    role = desk.library.role
    wanted = [role[one] for one in draft.evidence] or [
        role[one] for subject in draft.about for one in desk.library.mentions[subject.name][:2]
    ]
    return [
        one for name in wanted for one in rng.sample(desk.library.roles[name], min(MOST, len(desk.library.roles[name])))
    ]


def _same_town(desk: Desk, draft: Draft) -> Iterator[str]:
    for subject in draft.about:
        town = (
            subject.town
            if isinstance(subject, Entity)
            else subject.birthplace
            if isinstance(subject, Person)
            else subject
        )
        yield from desk.library.mentions[town.name]
