"""The point-wise stage: each document is judged alone, so none can argue against its neighbours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from mmrag.policy.prompts import Shown
from mmrag.systems.parts import FreshlyJudged, Judged, Policy
from mmrag.types import Check, Query, Verdict

REASON_TOKENS = 40  # a verdict and one short sentence
CHECK = "verdict is readable"


def judge(policy: Policy, query: Query, shown: Sequence[Shown]) -> dict[str, FreshlyJudged]:
    """What the model thinks of each document, by id, in the order shown."""
    judged = policy.judge(query, shown, REASON_TOKENS)
    return {one.document.id: opinion for one, opinion in zip(shown, judged, strict=True)}


def keep(judged: Mapping[str, Judged], threshold: float, top_k: int) -> tuple[Verdict, ...]:
    """A verdict on each document, in the order given, which settles ties.

    A document is kept when its P(keep) is at least `threshold` and fewer than `top_k` others stand above it.
    """
    best = sorted(judged, key=lambda name: -judged[name].p_keep)
    kept = {name for name in best[:top_k] if judged[name].p_keep >= threshold}
    return tuple(Verdict(name, name in kept, one.p_keep, one.reason) for name, one in judged.items())


def kept(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """Ids of the kept documents, highest P(keep) first."""
    best = sorted((verdict for verdict in verdicts if verdict.keep), key=lambda verdict: -verdict.p_keep)
    return tuple(verdict.document_id for verdict in best)


def unreadable(judged: Mapping[str, FreshlyJudged]) -> tuple[Check, ...]:
    """One failed check for each verdict whose words could not be read. Its P(keep) comes from logits and stands."""
    return tuple(
        Check(CHECK, name, 0.0, False, f"{one.malformed.reason}: {one.malformed.detail}")
        for name, one in judged.items()
        if one.malformed is not None
    )


def tokens(judged: Collection[FreshlyJudged]) -> tuple[int, int]:
    """How many tokens all prompts hold, and how many the verdicts with their reasons."""
    return sum(one.tokens_in for one in judged), sum(one.tokens_out for one in judged)
