"""Questions over two documents: the first says which thing, person or town is meant, the second answers."""

from __future__ import annotations

import dataclasses
import random

from mmrag.types import Hop
from training.world.facts import Entity, Person
from training.world.questions.draft import QUESTION_OF, Desk, Draft, attempt, look_names, sight
from training.world.questions.reading import PERSON, THING, TOWN, back_hop, person_words
from training.world.questions.seeing import look_draft, look_hop, yes_no_draft
from training.world.questions.tables import extreme

_BY_MAKER = ("the {kind} that {person} {did}", "the {kind} {done} by {person}", "the {kind} which {person} {did}")
_BY_KEEPER = ("the {kind} whose {role} is {person}", "the {kind} that has {person} as its {role}")
_BY_LOOK = ("the {kind} in {town} with {has}", "the {kind} in {town} that has {has}")
_WHO_MADE = ("the person who {did} {the}", "the one who {did} {the}")
_BIRTHPLACE = ("the town where {person} was born", "the birthplace of {person}")


def composed(desk: Desk, rng: random.Random) -> Draft | None:
    """One question over two documents."""
    ask = rng.choices((_thing, _about_maker, _about_birthplace), weights=(0.86, 0.07, 0.07))[0]
    return attempt(ask, desk, rng)


def _thing(desk: Desk, rng: random.Random) -> Draft | None:
    described = rng.choices((_by_person, _by_rank, _by_look), weights=(0.4, 0.38, 0.22))[0](desk, rng)
    if described is None:
        return None
    draft = _about_thing(desk, rng, *described)
    return draft if len(draft.evidence) == 2 else None  # else the first document would have answered it all


def _about_thing(desk: Desk, rng: random.Random, entity: Entity, x: str, first: Hop) -> Draft:
    """Something to ask of a thing that `first` finds; a description already given is not asked for."""
    kind = rng.choices(("look", "yes or no", "text", "number"), weights=(0.5, 0.14, 0.2, 0.16))[0]
    if kind == "look":
        draft = look_draft(desk, entity, rng, x, (first,))
    elif kind == "yes or no":
        draft = yes_no_draft(desk, entity, rng, x, (first,))
    else:
        draft = fact_draft(desk, rng, entity, x, first, THING if kind == "text" else tuple(entity.numbers))
    return typed(draft)


def fact_draft(desk: Desk, rng: random.Random, entity: Entity, x: str, first: Hop, names: tuple[str, ...]) -> Draft:
    """A question for one of the facts `names` of a thing that `first` finds."""
    name = rng.choice(names)
    hop = desk.hop(entity, name)
    category = "number" if hop.kb == "table" else "text"
    return typed(Draft(desk.ask(entity, name, rng, x), (hop.answer,), category, "", (first, hop), (entity,)))


def typed(draft: Draft) -> Draft:
    """The draft with its type written from its two hops."""
    first, second = (QUESTION_OF[hop.kb] for hop in draft.hops)
    return dataclasses.replace(draft, type=f"Compose({first},{second})")


def _by_person(desk: Desk, rng: random.Random) -> tuple[Entity, str, Hop]:
    """A thing, a phrase that fits it alone, and the hop that finds it."""
    entity, name = rng.choice(desk.facts.entities), rng.choice(("maker", "keeper"))
    phrase = rng.choice(_BY_MAKER if name == "maker" else _BY_KEEPER).format(**person_words(entity, name))
    return entity, phrase, back_hop(desk, entity, name)


def _by_rank(desk: Desk, rng: random.Random) -> tuple[Entity, str, Hop] | None:
    _, rows = rng.choice(desk.shelves)
    return extreme(desk, rng, rows) if len(rows) > 1 else None


def _by_look(desk: Desk, rng: random.Random) -> tuple[Entity, str, Hop] | None:
    entity = rng.choice(desk.facts.entities)
    name = rng.choice(look_names(entity))
    value = desk.value(entity, name)
    if len(desk.sharing(entity, name, value)) > 1:
        return None
    words = {"kind": entity.kind, "town": entity.town.name, "has": sight(entity, name).has(value)}
    return entity, rng.choice(_BY_LOOK).format(**words), look_hop(desk, entity, name, words)


def _about_maker(desk: Desk, rng: random.Random) -> Draft:
    entity, name = rng.choice(desk.facts.entities), rng.choice(("maker", "keeper"))
    if name == "maker":
        person, phrase = entity.maker, rng.choice(_WHO_MADE).format(did=entity.craft.did, the=entity.the)
    else:
        person, phrase = entity.keeper, f"the {entity.craft.role} of {entity.the}"
    return _passages(desk, rng, person, phrase, desk.hop(entity, name), entity)


def _passages(desk: Desk, rng: random.Random, person: Person, phrase: str, first: Hop, entity: Entity) -> Draft:
    name = rng.choice(PERSON)
    hop = desk.hop(person, name)
    question = desk.ask(person, name, rng, phrase)
    return typed(Draft(question, (hop.answer,), "text", "", (first, hop), (entity, person)))


def _about_birthplace(desk: Desk, rng: random.Random) -> Draft:
    person, name = rng.choice(desk.facts.people), rng.choice(TOWN)
    first, hop = desk.hop(person, "birthplace"), desk.hop(person.birthplace, name)
    question = desk.ask(person.birthplace, name, rng, rng.choice(_BIRTHPLACE).format(person=person.name))
    return typed(Draft(question, (hop.answer,), "text", "", (first, hop), (person, person.birthplace)))
