"""Questions that one passage answers: facts about things, people and towns, and things by who made or minds them."""

from __future__ import annotations

import random

from mmrag.types import Hop
from training.world.facts import Entity, Subject
from training.world.questions.draft import Desk, Draft

THING = ("maker", "year", "keeper", "reason")
PERSON = ("profession", "birthplace")
TOWN = ("founded", "river", "known")

_MADE = (
    "Which {kind} did {person} {make}?",
    "What is the name of the {kind} that {person} {did}?",
    "Which {kind} was {done} by {person}?",
    "Name the {kind} that {person} {did}.",
    "Tell me which {kind} was {done} by {person}.",
    "What is the {kind} {done} by {person} called?",
)
_KEPT = (
    "Of which {kind} is {person} the {role}?",
    "Which {kind} has {person} as its {role}?",
    "What is the name of the {kind} whose {role} is {person}?",
    "Name the {kind} whose {role} is {person}.",
    "Tell me which {kind} has {person} as its {role}.",
    "What is the {kind} called that has {person} as its {role}?",
)


def reading(desk: Desk, rng: random.Random) -> Draft:
    """One question about one passage."""
    ask = rng.choices((_fact, _back, _person, _town), weights=(0.56, 0.18, 0.16, 0.1))[0]
    return ask(desk, rng)


def _fact(desk: Desk, rng: random.Random) -> Draft:
    return _draft(desk, rng, rng.choice(desk.facts.entities), rng.choice(THING))


def _person(desk: Desk, rng: random.Random) -> Draft:
    return _draft(desk, rng, rng.choice(desk.facts.people), rng.choice(PERSON))


def _town(desk: Desk, rng: random.Random) -> Draft:
    return _draft(desk, rng, rng.choice(desk.facts.towns), rng.choice(TOWN))


def _draft(desk: Desk, rng: random.Random, subject: Subject, name: str) -> Draft:
    hop = desk.hop(subject, name)
    return Draft(desk.ask(subject, name, rng), (hop.answer,), "text", "TextQ", (hop,), (subject,))


def _back(desk: Desk, rng: random.Random) -> Draft:
    """From the person to the thing: nobody has made, or minds, two of one kind."""
    entity, name = rng.choice(desk.facts.entities), rng.choice(("maker", "keeper"))
    words, forms = person_words(entity, name), _MADE if name == "maker" else _KEPT
    hop = back_hop(desk, entity, name)
    return Draft(desk.word(rng, forms, **words), (entity.name,), "text", "TextQ", (hop,), (entity,))


def person_words(entity: Entity, name: str) -> dict[str, str]:
    """The words with which `entity` is described by its maker or keeper."""
    craft, person = entity.craft, entity.maker if name == "maker" else entity.keeper
    return {
        "kind": entity.kind,
        "person": person.name,
        "make": craft.make,
        "did": craft.did,
        "done": craft.done,
        "role": craft.role,
    }


def back_hop(desk: Desk, entity: Entity, name: str) -> Hop:
    """The step from the maker or the keeper to the thing."""
    words = person_words(entity, name)
    question = (_MADE if name == "maker" else _KEPT)[0].format(**words)
    says = "{person} {did} {x}" if name == "maker" else "{person} is the {role} of {x}"
    return desk.hop_to(entity, name, question, says.format(x=entity.the, **words))
