"""What passages and tables say of things, people and towns, and where to find how any fact is asked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from training.world.facts import Entity, Subject
from training.world.questions.sights import VIEWS, seen, side_of
from training.world.questions.wording import Relation, fill
from training.world.words import COLUMNS, CRAFTS


def relation(subject: Subject, name: str) -> Relation:
    """The relation `name` of `subject`."""
    if not isinstance(subject, Entity):
        return PLAIN[name]
    if name.startswith("look."):
        return seen(subject.kind, name)
    if name == "view.side":
        return side_of(subject.view.beside)
    return _of_thing(subject.kind, name)


@cache
def _of_thing(kind: str, name: str) -> Relation:
    if column := COLUMNS.get((kind, name)):
        return Relation(name, "table", "number", column.asks, column.says)
    if name in VIEWS:
        return VIEWS[name]
    asks, says = THINGS[name]
    craft = CRAFTS[kind]
    words = {"did": craft.did, "done": craft.done, "opened": craft.opened, "role": craft.role}
    asks, says = tuple(fill(ask, words) for ask in asks), fill(says, words)
    return Relation(name, "text", "text", asks, says)


THINGS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "maker": (
        (
            "Who {did} {x}?",
            "By whom was {x} {done}?",
            "Which person {did} {x}?",
            "Tell me who {did} {x}.",
            "What is the name of the person who {did} {x}?",
            "Who was it that {did} {x}?",
            "Name the person who {did} {x}.",
        ),
        "{x} was {done} by {v}",
    ),
    "year": (
        (
            "When was {x} {opened}?",
            "In which year was {x} {opened}?",
            "What year was {x} {opened}?",
            "Tell me when {x} was {opened}.",
            "In what year was {x} {opened}?",
            "Since which year has {x} existed?",
            "Give the year when {x} was {opened}.",
        ),
        "{x} was {opened} in {v}",
    ),
    "keeper": (
        (
            "Who is the {role} of {x}?",
            "What is the name of the {role} of {x}?",
            "Who serves as the {role} of {x}?",
            "Tell me who the {role} of {x} is.",
            "Which person is the {role} of {x}?",
            "Name the {role} of {x}.",
            "By what name does the {role} of {x} go?",
        ),
        "the {role} of {x} is {v}",
    ),
    "reason": (
        (
            "What is {x} named after?",
            "After what is {x} named?",
            "What gave {x} its name?",
            "Where does the name of {x} come from?",
            "What does the name of {x} recall?",
            "To what does {x} owe its name?",
            "Tell me what {x} is named after.",
        ),
        "{x} is named after {a} {v}",
    ),
}

PLAIN: Mapping[str, Relation] = {
    "profession": Relation(
        "profession",
        "text",
        "text",
        (
            "What is the profession of {x}?",
            "What does {x} work as?",
            "What work does {x} do?",
            "Which profession does {x} have?",
            "Tell me the profession of {x}.",
            "What is the job of {x}?",
            "By what work does {x} live?",
        ),
        "{x} is {a} {v}",
    ),
    "birthplace": Relation(
        "birthplace",
        "text",
        "text",
        (
            "Where was {x} born?",
            "In which town was {x} born?",
            "What is the birthplace of {x}?",
            "Which town is the birthplace of {x}?",
            "Tell me where {x} was born.",
            "From which town does {x} come?",
            "Name the town where {x} was born.",
        ),
        "{x} was born in {v}",
    ),
    "founded": Relation(
        "founded",
        "text",
        "text",
        (
            "When was {x} founded?",
            "In which year was {x} founded?",
            "What year was {x} founded?",
            "Tell me when {x} was founded.",
            "In what year was {x} founded?",
            "Give the year when {x} was founded.",
        ),
        "{x} was founded in {v}",
    ),
    "river": Relation(
        "river",
        "text",
        "text",
        (
            "On which river does {x} lie?",
            "Which river does {x} lie on?",
            "What is the river of {x} called?",
            "Tell me on which river {x} lies.",
            "What river runs by {x}?",
            "Name the river on which {x} lies.",
        ),
        "{x} lies on the river {v}",
    ),
    "known": Relation(
        "known",
        "text",
        "text",
        (
            "What is {x} known for?",
            "For what is {x} known?",
            "Which product is {x} known for?",
            "What made {x} known?",
            "Tell me what {x} is known for.",
            "For which product do people know {x}?",
        ),
        "{x} is known for its {v}",
    ),
}
