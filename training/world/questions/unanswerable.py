"""Questions that no document answers: facts that nobody wrote down, and things that only resemble real ones."""

from __future__ import annotations

import random

from mmrag.policy.grammar import NOT_FOUND
from training.world.facts import Entity, Subject
from training.world.questions.draft import Desk, Draft, attempt, look_names
from training.world.questions.reading import THING

_OF_THINGS = (
    "How much did {x} cost?",
    "Who paid for {x}?",
    "What is the motto of {x}?",
    "Which company insures {x}?",
    "What is the telephone number of {x}?",
    "Who cleans {x}?",
    "What does a ticket for {x} cost?",
    "Which prize did a painting of {x} win?",
)
_OF_PEOPLE = (
    "How old is {x}?",
    "Whom did {x} marry?",
    "What is the favourite dish of {x}?",
    "Where did {x} go to school?",
    "What is the name of the dog of {x}?",
    "How tall is {x}?",
    "In which house does {x} live?",
)
_OF_TOWNS = (
    "Who is the mayor of {x}?",
    "How many people live in {x}?",
    "What is the postcode of {x}?",
    "Which town is the twin of {x}?",
    "What animal is on the flag of {x}?",
    "How many schools does {x} have?",
    "How far is {x} from the sea?",
)


def unanswerable(desk: Desk, rng: random.Random) -> Draft | None:
    """One question whose right answer is that the collection does not say."""
    ask = rng.choices((_unstated, _phantom), weights=(0.5, 0.5))[0]
    return attempt(ask, desk, rng)


def _unstated(desk: Desk, rng: random.Random) -> Draft:
    pools: tuple[tuple[tuple[Subject, ...], tuple[str, ...]], ...] = (
        (desk.facts.entities, _OF_THINGS),
        (desk.facts.people, _OF_PEOPLE),
        (desk.facts.towns, _OF_TOWNS),
    )
    subjects, forms = rng.choices(pools, weights=(0.6, 0.25, 0.15))[0]
    subject = rng.choice(subjects)
    return _draft(desk.word(rng, forms, x=subject.the), subject)


def _phantom(desk: Desk, rng: random.Random) -> Draft | None:
    """A name one vowel off, or the right name of the wrong kind."""
    entity, model = rng.choice(desk.facts.entities), rng.choice(desk.facts.entities)
    left = desk.facts.phantoms[entity.core]
    if left and rng.random() < 0.6:
        name, model = f"{rng.choice(left)} {entity.kind}", entity
    else:
        name = f"{entity.core} {model.kind}"
    if name in desk.names:
        return None
    return _draft(desk.ask(model, _something(model, rng), rng, f"the {name}"), entity)


def unlisted(desk: Desk, rng: random.Random, entity: Entity) -> Draft | None:
    """A question for a number of a thing that is none: its name is one vowel off an entity's; None where all exist."""
    if not (left := desk.facts.phantoms[entity.core]):
        return None
    name = f"the {rng.choice(left)} {entity.kind}"
    return _draft(desk.ask(entity, rng.choice(list(entity.numbers)), rng, name), entity)


def _something(model: Entity, rng: random.Random) -> str:
    return rng.choice((rng.choice(look_names(model)), rng.choice(THING), rng.choice(list(model.numbers))))


def _draft(question: str, subject: Subject) -> Draft:
    return Draft(question, (NOT_FOUND,), "Others", "Unanswerable", (), (subject,))
