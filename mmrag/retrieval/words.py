"""Lexical search: BM25 (bm25s) over English stems of each document's title, text and table cells.

Every row of a table is counted by itself, with the title and the header, and the table as its best row (Dai and Callan
2019, MaxP): as one long text, a table that answers stood behind all that is told elsewhere of the thing it is asked of.

It is built anew from the documents whenever they change, in a few seconds for 100,000: BM25's weights depend on all of
them, so there is nothing to add to.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace

import bm25s
import numpy as np
import Stemmer

from mmrag.scripts import UNSPACED
from mmrag.types import Document

STOP_WORDS = frozenset(
    """
    a an and are as at be been being by can could did do does for from had has have how i if in into is it its many
    much may might of on or s shall should so such than that the their then there these they this those to was were
    what when where which while who whom whose why will with would you your
    """.split()  # noqa: SIM905 - words read better as words
)
logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG when imported
_TOKEN = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")


def full_text(document: Document) -> str:
    """Title, text, header and cells, a line each: all that a document says in words."""
    table = document.table
    rows = () if table is None else (table.header, *table.rows)
    return "\n".join(filter(None, (document.title, document.text, *map(" · ".join, rows))))


def passages(document: Document) -> list[str]:
    """What a document is found by: each row of a table with the header above it, or all of its text."""
    table = document.table
    if table is None or not table.rows:
        return [full_text(document)]
    above = full_text(replace(document, table=replace(table, rows=())))
    return [f"{above}\n{' · '.join(row)}" for row in table.rows]


def tokens(text: str) -> list[str]:
    """Lower-case words of any script, in order."""
    return _TOKEN.findall(text.casefold())


def stems(text: str) -> list[str]:
    """Stems of the words that carry meaning."""
    stemmer = Stemmer.Stemmer("english")  # one a call: it may not be shared between threads
    stemmed: list[str] = stemmer.stemWords([token for token in tokens(text) if token not in STOP_WORDS])
    return stemmed


class Words:
    """A BM25 index of documents; scores are BM25's own, above 0 and without an upper bound."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._ids = [document.id for document in documents]
        found = [passages(document) for document in documents]
        self._starts = np.cumsum([0, *map(len, found)])[:-1]  # of each document's passages
        corpus = [stems(text) for texts in found for text in texts]
        self._bm25 = bm25s.BM25() if any(corpus) else None
        if self._bm25 is not None:
            self._bm25.index(corpus, show_progress=False)

    def search(self, text: str, limit: int | None = None) -> list[tuple[str, float]]:
        """Ids and scores of the documents that share a stem with `text`, best first, ties in the documents' order."""
        query = stems(text)
        if self._bm25 is None or not query:
            return []
        scores = np.maximum.reduceat(self._bm25.get_scores(query), self._starts)  # (documents,)
        rows = np.argsort(-scores, kind="stable")[:limit]
        return [(self._ids[row], float(scores[row])) for row in rows if scores[row] > 0]
