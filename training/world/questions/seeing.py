"""Questions that one picture answers: open, yes or no, a choice, about the view, and by what a thing looks like."""

from __future__ import annotations

import random
from collections.abc import Mapping

from mmrag.types import Hop
from training.world.facts import Entity
from training.world.questions.draft import Desk, Draft, attempt, look_names, sight

_VIEWS = ("view.weather", "view.hour", "view.beside", "view.side")
_WHICH = (
    "Which {kind} in {town} has {has}?",
    "What is the name of the {kind} in {town} with {has}?",
    "Name the {kind} in {town} that has {has}.",
    "Which {kind} with {has} is in {town}?",
    "Tell me which {kind} in {town} has {has}.",
    "What is the {kind} in {town} with {has} called?",
    "In {town}, which {kind} has {has}?",
)


def seeing(desk: Desk, rng: random.Random) -> Draft | None:
    """One question about one picture."""
    ask = rng.choices((_open, _yes_no, _choice, _view, _which), weights=(0.46, 0.2, 0.16, 0.1, 0.08))[0]
    return attempt(ask, desk, rng)


def _open(desk: Desk, rng: random.Random) -> Draft:
    entity = rng.choice(desk.facts.entities)
    return look_draft(desk, entity, rng, entity.the, ())


def look_draft(desk: Desk, entity: Entity, rng: random.Random, x: str, before: tuple[Hop, ...]) -> Draft:
    """The open question for an attribute of `entity`, described as `x` by way of the hops `before`."""
    name = rng.choice(look_names(entity))
    hop = desk.hop(entity, name)
    question = desk.ask(entity, name, rng, x)
    return Draft(question, (hop.answer,), sight(entity, name).category, "ImageQ", (*before, hop), (entity,))


def yes_no_draft(desk: Desk, entity: Entity, rng: random.Random, x: str, before: tuple[Hop, ...]) -> Draft:
    """Whether an attribute of `entity` has a value, true in half of all cases."""
    name = rng.choice(look_names(entity))
    how, hop = sight(entity, name), desk.hop(entity, name)
    true = rng.random() < 0.5
    asked = hop.answer if true else rng.choice([value for value in how.values if value != hop.answer])
    question = how.checks(x, asked, rng, desk.difficulty.wordings)
    return Draft(question, ("yes" if true else "no",), "YesNo", "ImageQ", (*before, hop), (entity,))


def _yes_no(desk: Desk, rng: random.Random) -> Draft:
    entity = rng.choice(desk.facts.entities)
    return yes_no_draft(desk, entity, rng, entity.the, ())


def _choice(desk: Desk, rng: random.Random) -> Draft:
    entity = rng.choice(desk.facts.entities)
    name = rng.choice(look_names(entity))
    how, hop = sight(entity, name), desk.hop(entity, name)
    other = rng.choice([value for value in how.values if value != hop.answer])
    question = how.picks(entity.the, hop.answer, other, rng, desk.difficulty.wordings)
    return Draft(question, (hop.answer,), "choose", "ImageQ", (hop,), (entity,))


def _view(desk: Desk, rng: random.Random) -> Draft:
    entity = rng.choice(desk.facts.entities)
    name = rng.choice(_VIEWS)
    hop = desk.hop(entity, name)
    return Draft(desk.ask(entity, name, rng), (hop.answer,), "Others", "ImageQ", (hop,), (entity,))


def _which(desk: Desk, rng: random.Random) -> Draft | None:
    """Which of its kind in its town looks like that: only where no other does."""
    entity = rng.choice(desk.facts.entities)
    name = rng.choice(look_names(entity))
    value = desk.value(entity, name)
    if len(desk.sharing(entity, name, value)) > 1:
        return None
    words = {"kind": entity.kind, "town": entity.town.name, "has": sight(entity, name).has(value)}
    hop = look_hop(desk, entity, name, words)
    return Draft(desk.word(rng, _WHICH, **words), (entity.name,), "Others", "ImageQ", (hop,), (entity,))


def look_hop(desk: Desk, entity: Entity, name: str, words: Mapping[str, str]) -> Hop:
    """The step that finds the one of its `kind` in its `town` that `has` what is asked for."""
    statement = "the {kind} in {town} with {has} is {x}".format(x=entity.the, **words)
    return desk.hop_to(entity, name, _WHICH[0].format(**words), statement)
