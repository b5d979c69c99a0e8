"""Questions in the making: a draft holds what its family knows; the desk gives it facts, hops and wordings."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from mmrag.types import Hop, Question
from training.world.difficulty import Difficulty
from training.world.documents import Library, capital, tables
from training.world.facts import Entity, Facts, Subject
from training.world.questions.relations import relation
from training.world.questions.sights import Seen, seen
from training.world.words import Group

TRIES = 60
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Draft:
    """A question without id, split and negatives. `about` are the things it turns on; documents about them mislead."""

    question: str
    answers: tuple[str, ...]
    category: str
    type: str
    hops: tuple[Hop, ...]
    about: tuple[Subject, ...]
    pictured: Entity | None = None
    conclusion: str = ""  # what the hops decide together, as a clause, where that is more than each says
    able: frozenset[str] = frozenset()  # documents that could answer beside the evidence, and so are no negatives

    @property
    def evidence(self) -> tuple[str, ...]:
        """Every hop's documents, in order, each once."""
        return tuple(dict.fromkeys(one for hop in self.hops for one in hop.evidence))

    def finish(self, key: str, split: str, negatives: Sequence[str]) -> Question:
        """The question as the collection stores it."""
        return Question(
            id=key,
            question=self.question,
            answers=self.answers,
            image=f"images/query-{key}.png" if self.pictured else None,
            keywords=tuple(word for answer in self.answers for word in answer.lower().split()),
            evidence=self.evidence,
            hops=self.hops,
            conclusion=self.conclusion,
            negatives=tuple(negatives),
            category=self.category,
            type=self.type,
            split=split,
        )


@dataclass(frozen=True)
class Desk:
    """A world as one asks about it. It is shared by all families and holds no randomness of its own."""

    facts: Facts
    library: Library
    difficulty: Difficulty

    def value(self, subject: Subject, name: str) -> str:
        """What is so."""
        return self.library.value[subject.name, name]

    def hop(self, subject: Subject, name: str) -> Hop:
        """The step that finds a fact of a subject whose name is known."""
        how, value = relation(subject, name), self.value(subject, name)
        source = self.library.source[subject.name, name]
        return Hop(how.plain(subject.the), how.kb, value, (source,), how.say(subject.the, value))

    def hop_to(self, entity: Entity, name: str, question: str, statement: str) -> Hop:
        """The step that finds which entity a fact is true of."""
        known = self.hop(entity, name)
        return Hop(question, known.kb, entity.name, known.evidence, statement)

    def ask(self, subject: Subject, name: str, rng: random.Random, x: str | None = None) -> str:
        """A question for a fact, of the subject by its name or as it is described."""
        return relation(subject, name).ask(x or subject.the, rng, self.difficulty.wordings)

    def word(self, rng: random.Random, forms: Sequence[str], **words: object) -> str:
        """One of the wordings that the difficulty allows, filled in."""
        return capital(rng.choice(forms[: self.difficulty.wordings]).format(**words))

    @cached_property
    def shelves(self) -> tuple[tuple[Group, tuple[Entity, ...]], ...]:
        """The rows of every table."""
        return tuple((group, tuple(rows)) for _, group, rows in tables(self.facts))

    @cached_property
    def kinds(self) -> Mapping[str, tuple[Entity, ...]]:
        """Entities by kind."""
        return _grouped(self.facts.entities, lambda one: one.kind)

    @cached_property
    def neighbours(self) -> Mapping[tuple[str, str], tuple[Entity, ...]]:
        """Entities by kind and town's name."""
        return _grouped(self.facts.entities, lambda one: (one.kind, one.town.name))

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of all entities."""
        return frozenset(one.name for one in self.facts.entities)

    @cached_property
    def alike(self) -> Mapping[str, tuple[Entity, ...]]:
        """Entities by their core without its last vowel."""
        return _grouped(self.facts.entities, lambda one: one.core[:-2] + one.core[-1])

    def sharing(self, entity: Entity, name: str, value: str) -> tuple[Entity, ...]:
        """Those of its kind in its town that have the same value, itself among them."""
        return tuple(one for one in self.neighbours[entity.kind, entity.town.name] if self.value(one, name) == value)


def _grouped(entities: Sequence[Entity], key: Callable[[Entity], K]) -> dict[K, tuple[Entity, ...]]:
    groups: defaultdict[K, list[Entity]] = defaultdict(list)
    for entity in entities:
        groups[key(entity)].append(entity)
    return {name: tuple(members) for name, members in groups.items()}


def attempt(ask: Callable[[Desk, random.Random], Draft | None], desk: Desk, rng: random.Random) -> Draft | None:
    """What `ask` drafts at the first try that works out, so that rare kinds of questions keep their share."""
    return next(filter(None, (ask(desk, rng) for _ in range(TRIES))), None)


def look_names(entity: Entity) -> list[str]:
    """The relations that its look answers plainly. A striped tower has two colours, so its colour is not asked for."""
    unclear = "body" if entity.look.attributes.get("pattern") == "striped" else None
    return [f"look.{name}" for name in entity.look.attributes if name != unclear]


def sight(entity: Entity, name: str) -> Seen:
    """The relation `name` of what a picture of `entity` shows."""
    return seen(entity.kind, name)


def listed(names: Sequence[str]) -> str:
    """Names in a row: "the A, the B and the C"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def weighed(numbers: Mapping[str, str]) -> str:
    """Numbers, or what else is compared, with whose they are, in brackets.

    The number comes first, so that whose it is follows it: with names first a model often told the right number and
    then another's name (docs/notebook.md).
    """
    return f"({', '.join(f'{number} {name}' for name, number in numbers.items())})"


def decided(which: str, numbers: Mapping[str, str], *won: str) -> str:
    """Which of those `weighed` it is, or they are: once more the number, and right after it, as before, its name."""
    return f"{which} {weighed(numbers)}: {', '.join(f'{numbers[one]} {one}' for one in won)}"


QUESTION_OF = {"text": "TextQ", "image": "ImageQ", "table": "TableQ"}  # MultimodalQA's words, by knowledge base
