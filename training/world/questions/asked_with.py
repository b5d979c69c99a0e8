"""Questions asked with a picture: the same thing drawn anew, whose caption in the collection says what it is."""

from __future__ import annotations

import dataclasses
import random

from mmrag.types import Hop
from training.world.documents import table_id
from training.world.facts import Entity
from training.world.looks import Look, told
from training.world.questions.composed import fact_draft, typed
from training.world.questions.draft import Desk, Draft
from training.world.questions.reading import THING, TOWN

_NAME = (
    "What is the name of {x}?",
    "What is {x} called?",
    "Which name does {x} have?",
    "Tell me the name of {x}.",
    "By what name is {x} known?",
    "Can you name {x}?",
    "What do people call {x}?",
)
_PLACE = (
    "Which town is {x} in?",
    "In which town is {x}?",
    "Where is {x}?",
    "In what town can one see {x}?",
    "Tell me in which town {x} is.",
    "To which town does {x} belong?",
    "Where can one find {x}?",
)
_THIS = ("this", "this {kind}", "the {kind} in this picture", "the {kind} shown here")
_TOWN_OF = ("the town of this {kind}", "the town of the {kind} shown here", "the town where this {kind} is")


def asked_with(desk: Desk, rng: random.Random) -> Draft:
    """One question about a thing that is shown, not named."""
    entity = rng.choice(desk.facts.entities)
    ask = rng.choices((_name, _place, _text, _number, _town), weights=(0.26, 0.14, 0.38, 0.12, 0.1))[0]
    return dataclasses.replace(ask(desk, rng, entity), pictured=entity)


def _this(entity: Entity, rng: random.Random) -> str:
    return rng.choice(_THIS).format(kind=entity.kind)


def _known(desk: Desk, entity: Entity, question: str, answer: str) -> Hop:
    """The step from the shown picture to the collection's own, whose caption has name and town."""
    source = desk.library.source[entity.name, "name"]
    return Hop(question, "image", answer, (source,), recognised(entity.look, entity.the, entity.town.name))


def recognised(look: Look, the: str, town: str) -> str:
    """The clause that says which thing a picture shows, and first what is seen of it.

    From what it has written a model finds the picture that shows the same; naming the thing at once it did no better
    than by chance.
    """
    return f"this {look.kind} ({told(look)}) is {the} in {town}"


def _name(desk: Desk, rng: random.Random, entity: Entity) -> Draft:
    hop = _known(desk, entity, "What is the name of this?", entity.name)
    question = desk.word(rng, _NAME, x=_this(entity, rng))
    return Draft(question, (entity.name,), "Others", "ImageQ", (hop,), (entity,))


def _place(desk: Desk, rng: random.Random, entity: Entity) -> Draft:
    hop = _known(desk, entity, "Which town is this in?", entity.town.name)
    question, able = desk.word(rng, _PLACE, x=_this(entity, rng)), frozenset((table_id(entity),))
    return Draft(question, (entity.town.name,), "Others", "ImageQ", (hop,), (entity,), able=able)


def _text(desk: Desk, rng: random.Random, entity: Entity) -> Draft:
    first = _known(desk, entity, "What is the name of this?", entity.name)
    return fact_draft(desk, rng, entity, _this(entity, rng), first, THING)


def _number(desk: Desk, rng: random.Random, entity: Entity) -> Draft:
    first = _known(desk, entity, "What is the name of this?", entity.name)
    return fact_draft(desk, rng, entity, _this(entity, rng), first, tuple(entity.numbers))


def _town(desk: Desk, rng: random.Random, entity: Entity) -> Draft:
    name, town = rng.choice(TOWN), entity.town
    first, hop = _known(desk, entity, "Which town is this in?", town.name), desk.hop(town, name)
    question = desk.ask(town, name, rng, rng.choice(_TOWN_OF).format(kind=entity.kind))
    able = frozenset((table_id(entity),))
    return typed(Draft(question, (hop.answer,), "text", "", (first, hop), (entity, town), able=able))
