"""Stage I: what one verdict on one document is worth. Rule-based, as the paper says; the rules are ours.

MMRAG-RFT publishes no formula (papers.md, section 1); deviations cannot be told from it, so these are the choices:
1. A verdict counts by itself; the words after it are only asked to be few, since nothing shows how to reason here.
2. Gold and other documents come in equal numbers (`training.rows`), so "No" to everything earns one half.
3. To keep what is no evidence costs half of what it costs to drop what is: the list-wise stage passes over the one,
   and nothing brings the other back. With equal costs stage I said "No" to every second document that the question
   does not name, and dropped 53 of 913 gold documents where `sft` dropped 47 (docs/notebook.md).
"""

from __future__ import annotations

from collections.abc import Mapping

from mmrag.errors import MalformedOutput
from mmrag.policy.grammar import read_verdict
from training.rewards.score import Score

WEIGHTS: Mapping[str, float] = {"verdict": 0.9, "format": 0.1}
KEPT = 0.5  # of a right verdict's worth is what "Yes" to another document earns
LONGEST = 32  # words of a reason


def judged(completion: str, wanted: bool, weights: Mapping[str, float] = WEIGHTS, kept: float = KEPT) -> Score:
    """The worth of a finished verdict on a document that is (`wanted`) or is not gold evidence.

    `kept` is what "Yes" to one that is not earns, of what "No" to it earns.

    >>> judged("Yes. It shows that the roof is red.", True).total
    1.0
    >>> judged("No. It is about the Orsk windmill.", True).components
    {'verdict': 0.0, 'format': 1.0}
    >>> judged("Yes. It shows that the roof is red.", False).components
    {'verdict': 0.5, 'format': 1.0}
    >>> judged("Perhaps.", True).total
    0.0
    """
    try:
        says, reason = read_verdict(completion)
    except MalformedOutput:
        return Score.of({"verdict": 0.0, "format": 0.0}, weights)
    right = 1.0 if says == wanted else kept if says else 0.0
    return Score.of({"verdict": right, "format": float(len(reason.split()) <= LONGEST)}, weights)
