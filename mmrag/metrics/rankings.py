"""How good a ranking of documents is, for one question with binary relevance.

Ours, ten lines of them, in place of ir-measures, whose compiled evaluator would be one more thing to install. Where a
question has no gold documents, the one right ranking is the empty one: it scores 1 and any other 0.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence


def recall_at(k: int, ranked: Sequence[str], gold: Collection[str]) -> float:
    """The share of `gold` among the first `k` of `ranked`."""
    if not gold:
        return float(not ranked)
    return len(set(gold).intersection(ranked[:k])) / len(set(gold))


def ndcg(ranked: Sequence[str], gold: Collection[str]) -> float:
    """Normalised discounted cumulative gain of the whole ranking: 1 when all of `gold` comes first."""
    if not gold:
        return float(not ranked)
    gain = sum(1 / math.log2(rank + 1) for rank, one in enumerate(ranked, start=1) if one in gold)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, len(set(gold)) + 1))


def reciprocal_rank(ranked: Sequence[str], gold: Collection[str]) -> float:
    """1 over the rank of the first document of `gold`; 0 if none is ranked."""
    if not gold:
        return float(not ranked)
    return next((1 / rank for rank, one in enumerate(ranked, start=1) if one in gold), 0.0)


def evidence_f1(named: Collection[str], gold: Collection[str]) -> float:
    """F1 of the set of documents that an answer names as its evidence (WebQA's Retrieval F1 without its epsilon)."""
    if not named and not gold:
        return 1.0
    return 2 * len(set(named) & set(gold)) / (len(set(named)) + len(set(gold)))
