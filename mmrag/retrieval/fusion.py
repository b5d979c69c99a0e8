"""Reciprocal-rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009): many rankings become one, by rank alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

# How slowly a rank's worth falls. The paper's 60 fits rankers that are alike and lists of a thousand: with it, among
# the first twelve, what four rankers find in passing beats what one puts first (recall@12 0.78; with 2, 0.98).
K = 2


def fuse(
    rankings: Mapping[str, Sequence[str]], weights: Mapping[str, float] | None = None, k: int = K
) -> list[tuple[str, float]]:
    """Ids, best first, each with the sum over retrievers of weight / (k + rank); ranks start at 1, ties go by id.

    A retriever that `weights` leaves out weighs 1.

    >>> [name for name, score in fuse({"text": ["a", "b"], "words": ["b", "c"]})]
    ['b', 'a', 'c']
    """
    scores: defaultdict[str, float] = defaultdict(float)
    for by in sorted(rankings):  # sorted, so that the sums of floats do not depend on the order of the mapping
        weight = (weights or {}).get(by, 1.0)
        for rank, name in enumerate(rankings[by], start=1):
            scores[name] += weight / (k + rank)
    return best(scores)


def best(scores: Mapping[str, float], limit: int | None = None) -> list[tuple[str, float]]:
    """Ids with their scores, highest first, ties by id, at most `limit` of them."""
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit]
