"""The list-wise stage: reasoning, ranking and answer over the kept documents, in one generation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from mmrag.errors import MalformedOutput
from mmrag.policy.grammar import NOT_FOUND, read_progress, read_ranked_answer
from mmrag.policy.prompts import Prompt
from mmrag.systems.parts import Policy
from mmrag.types import Malformed, Step

PACE = 1 / 15  # seconds between two growths: as fast as reads as a flow


def rank(policy: Policy, prompt: Prompt, step: Step, max_new_tokens: int) -> Iterator[Step]:
    """`step` as the model writes its answer; the last one is finished. Closing the iterator stops the model."""
    text, shown_at = "", time.monotonic()
    for piece in policy.generate(prompt, max_new_tokens):
        text += piece
        if time.monotonic() - shown_at >= PACE:
            shown_at = time.monotonic()
            yield replace(step, raw=text, sentences=read_progress(text, step.shown))
    yield finished(step, text)


def finished(step: Step, text: str) -> Step:
    """`step` with what the whole of `text` says; if it breaks the grammar, with what was wrong and no answer."""
    try:
        read = read_ranked_answer(text, step.shown)
    except MalformedOutput as error:
        wrong = Malformed(error.reason, error.detail)
        return replace(step, raw=text, sentences=read_progress(text, step.shown), malformed=wrong, answer=None)
    return replace(step, raw=text, sentences=read.sentences, ranking=read.ranking, answer=read.answer)


def nothing_kept(step: Step) -> Step:
    """`step` with the only answer that no evidence allows; the model is not asked."""
    return replace(step, answer=NOT_FOUND)
