"""How each fact is asked for and stated: six wordings or more, and one clause that reasoning is written with.

A clause begins with what the question names and ends with what is found: a model that writes from left to right looks
up with what it has written. Begun with the maker, "who built it?" brought the maker of the thing beside it.

`{x}` stands for the thing, named ("the Velmar lighthouse") or described ("the lighthouse that Ada Brenn designed").
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from training.world.documents import capital


@dataclass(frozen=True, slots=True)
class Relation:
    """One kind of fact about one kind of subject."""

    name: str
    kb: str  # where it is found: text | image | table
    category: str  # WebQA's word for a question that asks for it
    asks: tuple[str, ...]
    says: str

    def ask(self, x: str, rng: random.Random, wordings: int) -> str:
        """A question for the value, in one of the first `wordings` ways."""
        return capital(rng.choice(self.asks[:wordings]).format(x=x))

    def plain(self, x: str) -> str:
        """The question in its plainest wording."""
        return capital(self.asks[0].format(x=x))

    def say(self, x: str, value: str) -> str:
        """The clause that states the value."""
        return self.says.format(x=x, v=value, a=article(value))


def article(word: str) -> str:
    """Whether "a" or "an", by the first letter: no word of this world is an exception."""
    return "an" if word[:1] in "aeiou" else "a"


def fill(template: str, words: Mapping[str, str]) -> str:
    """`template` with `words` in place, its own blanks for things and values left open."""
    return template.format(**{name: f"{{{name}}}" for name in ("x", "v", "a", "has")}, **words)
