"""The second hop: documents about a name that the first hop brought up and that the question does not say.

"What colour is the roof of the lighthouse that Ada Brenn designed?" finds the passage "Ada Brenn designed the Velmar
lighthouse"; the picture that answers is titled "Velmar lighthouse" and shares no name with the question. A question
asked with a picture has its first hop in the picture: the title of the nearest one leads to the passages about it.

A name is a whole title, or capitalised words in a row. Not covered: names that are written in two ways, scripts without
capitals (their titles still count), and chains of three hops, which a system walks by asking again.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from mmrag.retrieval.fusion import best
from mmrag.retrieval.words import STOP_WORDS, full_text, tokens
from mmrag.types import Document

Name: TypeAlias = tuple[str, ...]

LONGEST = 6  # words of a name
MOST = 50  # documents; a name that more of them say leads to none of them, but to those that it titles
IN_TITLE = 2.0  # a document titled with the name is about it; one that mentions it in passing counts 1
IS_TITLE = 0.5  # one whose whole title it is counts by how few such there are: a town's own page, which all mention
_SENTENCE = re.compile(r"[.!?]\s+")
_WORD = re.compile(r"\w+|[^\w\s'’-]")


class Links:
    """Which documents say which names. Scores are sums over seeds of weight x rarity of the name, above 0."""

    def __init__(self, documents: Sequence[Document]) -> None:
        known = _by_first_word({name for document in documents for name in _names(document)})
        self._count = len(documents)
        self._said = {document.id: _mentions(full_text(document), known) for document in documents}
        self._titled = {document.id: _mentions(document.title, known) for document in documents}
        self._holders: defaultdict[Name, list[str]] = defaultdict(list)
        self._about: defaultdict[Name, list[str]] = defaultdict(list)
        for document in documents:
            for name in self._said[document.id]:
                self._holders[name].append(document.id)
            for name in _trimmed(tokens(document.title)):
                self._about[name].append(document.id)

    def search(
        self, question: str, seeds: Mapping[str, float], relevance: Mapping[str, float], limit: int
    ) -> list[tuple[str, float]]:
        """Ids and scores of the documents that say a name of a seed which `question` does not say.

        Args:
            seeds: first-hop ids with weights above 0.
            relevance: 0 to 1 for ids that share words with the question; it decides between holders of one name.
        """
        asked = set(tokens(question))
        scores: defaultdict[str, float] = defaultdict(float)
        for seed, weight in sorted(seeds.items()):
            for holder, strength in self._from(seed, asked).items():
                scores[holder] += weight * strength * (1 + relevance.get(holder, 0.0))
        return best(scores, limit)

    def _from(self, seed: str, asked: set[str]) -> dict[str, float]:
        """Where the names that `seed` says lead, each place by the strongest of them: parts of a name are names too."""
        strengths: dict[str, float] = {}
        for name in self._said[seed]:
            if asked.issuperset(name):
                continue
            for place, strength in self._places(name):
                if place != seed:
                    strengths[place] = max(strength, strengths.get(place, 0.0))
        return strengths

    def _places(self, name: Name) -> Iterator[tuple[str, float]]:
        """The documents that say the name, with how much they have to do with it; some come twice."""
        holders, about = self._holders[name], self._about.get(name, [])
        if len(holders) <= MOST:
            for holder in holders:
                yield holder, self._rarity(len(holders)) * (IN_TITLE if name in self._titled[holder] else 1.0)
        if len(about) <= MOST:
            for place in about:
                yield place, self._rarity(len(about)) * IS_TITLE

    def _rarity(self, places: int) -> float:
        """Next to 0 for a name that leads to every document; names of few documents lead somewhere."""
        return math.log((1 + self._count) / places) / math.sqrt(places)


def _names(document: Document) -> Iterator[Name]:
    """The title, and every run of capitalised words, without the small words around them."""
    yield from _trimmed(tokens(document.title))
    for sentence in _SENTENCE.split(document.text):
        yield from _runs(sentence, opening=True)
    if document.table is not None:
        for cell in (cell for row in document.table.rows for cell in row):
            yield from _runs(cell, opening=False)


def _runs(text: str, opening: bool) -> Iterator[Name]:
    """Runs of capitalised words; with `opening`, one lone word at the start is a sentence's capital and no name."""
    run: list[str] = []
    for place, word in enumerate((*_WORD.findall(text), "")):
        if word[:1].isupper():
            run.append(word.casefold())
            continue
        if not (opening and len(run) == place == 1):
            yield from _trimmed(run)
        run = []


def _trimmed(words: Sequence[str]) -> Iterator[Name]:
    start, end = 0, len(words)
    while start < end and words[start] in STOP_WORDS:
        start += 1
    while end > start and words[end - 1] in STOP_WORDS:
        end -= 1
    if 0 < end - start <= LONGEST:
        yield tuple(words[start:end])


def _by_first_word(names: Iterable[Name]) -> dict[str, set[Name]]:
    known: defaultdict[str, set[Name]] = defaultdict(set)
    for name in names:
        known[name[0]].add(name)
    return dict(known)


def _mentions(text: str, known: Mapping[str, set[Name]]) -> frozenset[Name]:
    words = tokens(text)
    return frozenset(
        name
        for start, word in enumerate(words)
        if word in known
        for length in range(1, LONGEST + 1)
        if (name := tuple(words[start : start + length])) in known[word]
    )
