"""What a picture shows: how it is asked for openly, by yes or no, or as a choice, and how it is stated."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from training.world.documents import capital
from training.world.looks import KINDS, Attribute
from training.world.questions.wording import Relation, article, fill


@dataclass(frozen=True, slots=True)
class Seen(Relation):
    """A fact that a picture shows."""

    part: str
    values: tuple[str, ...]
    trait: str  # "a red roof", as in "does it have ...?"
    check: str = ""  # "Is the roof of ... red?", where that is natural

    def has(self, value: str) -> str:
        """The value as something that the thing has: "a red roof", "3 windows", "the door on the left"."""
        if self.category == "number":
            return f"{value} {self.part if value != '1' else self.part.removesuffix('s')}"
        many = self.part.endswith("s") and self.category == "color"
        return self.trait.format(v=value, a="" if many else f"{article(value)} ")

    def say(self, x: str, value: str) -> str:
        """The clause that states the value."""
        return self.says.format(x=x, v=value, has=self.has(value))

    def checks(self, x: str, value: str, rng: random.Random, wordings: int) -> str:
        """A question to be answered by yes or no."""
        says, has = self.say(x, value), self.has(value)
        forms = [
            *([self.check.format(x=x, v=value)] if self.check else []),
            f"Does {x} have {has}?",
            f"Is it true that {says}?",
            f"Does the picture of {x} show {has}?",
            f"Is it right that {says}?",
            f"Would you say that {says}?",
            f"Can one see {has} in the picture of {x}?",
            f"Is it correct to say that {says}?",
        ]
        return capital(rng.choice(forms[:wordings]))

    def picks(self, x: str, value: str, other: str, rng: random.Random, wordings: int) -> str:
        """A question that offers two values, in random order."""
        first, second = rng.sample((value, other), 2)
        either = f"{first} or {second}"
        forms = [*([self.check.format(x=x, v=either)] if self.check else [])]
        forms += [f"{ask.format(x=x)[:-1]}: {either}?" for ask in self.asks if ask.endswith("?")]
        return capital(rng.choice(forms[:wordings]))


VIEWS: Mapping[str, Relation] = {
    "view.weather": Relation(
        "view.weather",
        "image",
        "Others",
        (
            "What is the weather like in the picture of {x}?",
            "What weather does the picture of {x} show?",
            "How is the weather in the picture of {x}?",
            "Is it sunny, cloudy, rainy or snowy in the picture of {x}?",
            "Tell me the weather in the picture of {x}.",
            "Which weather can be seen in the picture of {x}?",
        ),
        "in the picture of {x} it is {v}",
    ),
    "view.hour": Relation(
        "view.hour",
        "image",
        "Others",
        (
            "What time of day is it in the picture of {x}?",
            "Is it day, dusk or night in the picture of {x}?",
            "At what time of day is {x} shown?",
            "Which time of day does the picture of {x} show?",
            "Tell me the time of day in the picture of {x}.",
            "When, by day, at dusk or at night, was {x} pictured?",
        ),
        "in the picture of {x} it is {v}",
    ),
    "view.beside": Relation(
        "view.beside",
        "image",
        "Others",
        (
            "What stands beside {x} in the picture?",
            "What can be seen next to {x} in the picture?",
            "What is beside {x} in its picture?",
            "Which thing stands next to {x} in its picture?",
            "Tell me what stands beside {x} in its picture.",
            "What does the picture show next to {x}?",
        ),
        "beside {x} stands {a} {v}",
    ),
}


@cache
def side_of(beside: str) -> Relation:
    """The relation that tells on which side the thing beside stands."""
    return Relation(
        "view.side",
        "image",
        "Others",
        tuple(
            form.format(x="{x}", thing=beside)
            for form in (
                "On which side of {x} does the {thing} stand?",
                "On what side of {x} is the {thing}?",
                "Does the {thing} stand to the left or to the right of {x}?",
                "To which side of {x} can the {thing} be seen?",
                "Tell me on which side of {x} the {thing} stands.",
                "Where does the {thing} stand in the picture of {x}, left or right?",
            )
        ),
        f"the {beside} beside {{x}} stands to the {{v}}",
    )


@cache
def seen(kind: str, name: str) -> Seen:
    """The relation of attribute `name` ("look.roof") of a kind."""
    attribute = next(one for one in KINDS[kind] if f"look.{one.name}" == name)
    return _STYLES[_style(attribute)](attribute)


def _style(attribute: Attribute) -> str:
    if attribute.category in ("color", "shape"):
        return attribute.category
    if attribute.category == "number":
        return "count"
    if attribute.values == ("left", "right"):
        return "side"
    return {"number": "number", "symbol": "symbol", "pattern": "pattern"}[attribute.name]


def _seen(attribute: Attribute, asks: tuple[str, ...], says: str, trait: str, check: str = "", part: str = "") -> Seen:
    part = part or attribute.phrase
    words = {"part": part, "is": "are" if part.endswith("s") else "is"}
    words |= {"Is": words["is"].capitalize(), "do": "do" if part.endswith("s") else "does"}
    words["where"] = "above the door" if part == "door" else f"on the {part}"  # where a shop has its plate
    filled = tuple(fill(ask, words) for ask in asks)
    return Seen(
        f"look.{attribute.name}", "image", attribute.category, filled, fill(says, words), part, attribute.values,
        fill(trait, words), fill(check, words),
    )  # fmt: skip


def _colour(attribute: Attribute) -> Seen:
    return _seen(
        attribute,
        (
            "What colour {is} the {part} of {x}?",
            "Which colour {do} the {part} of {x} have?",
            "What is the colour of the {part} of {x}?",
            "In what colour {is} the {part} of {x} painted?",
            "What colour can be seen on the {part} of {x}?",
            "Tell me the colour of the {part} of {x}.",
            "Of what colour {is} the {part} of {x}?",
        ),
        "the {part} of {x} {is} {v}",
        "{a}{v} {part}",
        "{Is} the {part} of {x} {v}?",
    )


def _shape(attribute: Attribute) -> Seen:
    return _seen(
        attribute,
        (
            "What shape is the {part} of {x}?",
            "Which shape does the {part} of {x} have?",
            "What is the shape of the {part} of {x}?",
            "What form does the {part} of {x} have?",
            "How is the {part} of {x} shaped?",
            "Tell me the shape of the {part} of {x}.",
            "Of what shape is the {part} of {x}?",
        ),
        "the {part} of {x} is {v}",
        "{a}{v} {part}",
        "Is the {part} of {x} {v}?",
    )


def _count(attribute: Attribute) -> Seen:
    return _seen(
        attribute,
        (
            "How many {part} does {x} have?",
            "What is the number of {part} of {x}?",
            "How many {part} can be counted on {x}?",
            "How many {part} are there on {x}?",
            "Count the {part} of {x}: how many are there?",
            "Tell me how many {part} {x} has.",
            "How many {part} can you see on {x}?",
        ),
        "{x} has {has}",
        "",
    )


def _number(attribute: Attribute) -> Seen:
    return _seen(
        attribute,
        (
            "What number is written {where} of {x}?",
            "Which number stands {where} of {x}?",
            "What number can be read {where} of {x}?",
            "What is the number {where} of {x}?",
            "Read the number {where} of {x}: what is it?",
            "Tell me the number {where} of {x}.",
            "What figure is painted {where} of {x}?",
        ),
        "the number {where} of {x} is {v}",
        "the number {v} {where}",
        "Is the number {where} of {x} {v}?",
    )


def _side(attribute: Attribute) -> Seen:
    return _seen(
        attribute,
        (
            "On which side of {x} is the {part}?",
            "On what side of {x} can the {part} be seen?",
            "On which side does {x} have the {part}?",
            "To which side of {x} is the {part}?",
            "Tell me on which side of {x} the {part} is.",
            "Where is the {part} of {x}, left or right?",
            "On what side is the {part} of {x}?",
        ),
        "the {part} of {x} is on the {v}",
        "the {part} on the {v}",
        "Is the {part} of {x} on the {v}?",
    )


def _pattern(attribute: Attribute) -> Seen:
    return _seen(
        attribute,
        (
            "What pattern does the {part} of {x} have?",
            "Which pattern does the {part} of {x} show?",
            "What is the pattern on the {part} of {x}?",
            "What pattern can be seen on the {part} of {x}?",
            "Of what pattern is the {part} of {x}?",
            "Tell me the pattern of the {part} of {x}.",
        ),
        "the {part} of {x} is {v}",
        "{a}{v} {part}",
        "Is the {part} of {x} {v}?",
        part=attribute.phrase.removesuffix("'s pattern"),
    )


def _symbol(attribute: Attribute) -> Seen:
    return _seen(
        attribute,
        (
            "What symbol is on {x}?",
            "Which symbol does {x} show?",
            "What is painted on {x}?",
            "What symbol can be seen on {x}?",
            "What does {x} show as its symbol?",
            "Tell me the symbol on {x}.",
            "Which symbol does {x} bear?",
        ),
        "the symbol of {x} is {has}",
        "{a}{v}",
    )


_STYLES: Mapping[str, Callable[[Attribute], Seen]] = {
    "color": _colour,
    "shape": _shape,
    "count": _count,
    "number": _number,
    "side": _side,
    "pattern": _pattern,
    "symbol": _symbol,
}
