"""Figures of merit: of answers, rankings and verdicts, each of one question, and intervals over many.

Pure functions of strings, ids and numbers; nothing here knows a model or a collection.
"""

from __future__ import annotations

from mmrag.metrics.answers import as_list, exact_match, keyword_accuracy, list_em, list_f1, normalise, token_f1
from mmrag.metrics.intervals import Estimate, estimate, mean, paired_difference
from mmrag.metrics.judging import Counts, f1, precision, recall
from mmrag.metrics.rankings import evidence_f1, ndcg, recall_at, reciprocal_rank

__all__ = [
    "Counts",
    "Estimate",
    "as_list",
    "estimate",
    "evidence_f1",
    "exact_match",
    "f1",
    "keyword_accuracy",
    "list_em",
    "list_f1",
    "mean",
    "ndcg",
    "normalise",
    "paired_difference",
    "precision",
    "recall",
    "recall_at",
    "reciprocal_rank",
    "token_f1",
]
