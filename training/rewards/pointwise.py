"""Stage I: what one verdict on one document is worth. Rule-based, as the paper says; the rules are ours.

MMRAG-RFT publishes no formula (papers.md, section 1); deviations cannot be told from it, so these are the choices:
1. A verdict counts by itself; the words after it are only asked to be few, since nothing shows how to reason here.
2. Gold and other documents come in equal numbers (`training.rows`), so "No" to everything earns one half.
"""

from __future__ import annotations

from collections.abc import Mapping

from mmrag.errors import MalformedOutput
from mmrag.policy.grammar import read_verdict
from training.rewards.score import Score

WEIGHTS: Mapping[str, float] = {"verdict": 0.9, "format": 0.1}
LONGEST = 32  # words of a reason


def judged(completion: str, wanted: bool, weights: Mapping[str, float] = WEIGHTS) -> Score:
    """The worth of a finished verdict on a document that is (`wanted`) or is not gold evidence.

    >>> judged("Yes. It shows that the roof is red.", True).total
    1.0
    >>> judged("No. It is about the Orsk windmill.", True).components
    {'verdict': 0.0, 'format': 1.0}
    >>> judged("Perhaps.", True).total
    0.0
    """
    try:
        says, reason = read_verdict(completion)
    except MalformedOutput:
        return Score.of({"verdict": 0.0, "format": 0.0}, weights)
    return Score.of({"verdict": float(says == wanted), "format": float(len(reason.split()) <= LONGEST)}, weights)
