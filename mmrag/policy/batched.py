"""Many answers at once, for evaluation: what `LocalPolicy.generate` writes for each prompt, without the stream."""

from __future__ import annotations

from collections.abc import Sequence

from mmrag.policy.local import LocalPolicy
from mmrag.policy.prompts import Prompt


def generate_batch(policy: LocalPolicy, prompts: Sequence[Prompt], max_new_tokens: int) -> list[str]:
    """The whole greedily written text for each prompt, in their order; pictures that prompts share are seen once."""
    if not prompts:
        return []
    with policy._turn(policy.stage):
        openings = policy._runner.open(prompts, policy._verdicts, max_new_tokens)
    return [policy._text(opening.tokens) for opening in openings]
