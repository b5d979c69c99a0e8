"""What was answered before: the same question, asked just now of another checkpoint or over other documents.

So a person drops a document, or chooses another checkpoint, asks again, and sees what that did to the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from urllib.parse import quote

from mmrag.settings import BASE
from mmrag.types import Before, Phase, Step, Trace, Verdict
from mmrag.ui.markup import Mark, chip, esc, icon


def remembering(trace: Trace, previous: Trace | None) -> Trace:
    """`trace` with what `previous` came to, if that is the same question and was answered to its end."""
    if previous is None or previous.phase is not Phase.DONE or previous.query != trace.query or not previous.steps:
        return trace
    step = previous.steps[-1]
    adapter = previous.fingerprint.adapter if previous.fingerprint else None
    p_keep = {verdict.document_id: verdict.p_keep for verdict in step.verdicts}
    return replace(trace, before=Before(previous.id, adapter, previous.answer, step.shown, p_keep))


def offer(trace: Trace, stage: str) -> str:
    """One line for who has chosen another checkpoint than the one that answered: a button asks that one the same."""
    by = stage_of(trace.fingerprint.adapter) if trace.fingerprint else stage
    if trace.phase is not Phase.DONE or by == stage:
        return ""
    return (
        f'<p class="notice offer" role="status"><span>This was answered by <b>{esc(by)}</b>.</span>'
        f'<button type="button" data-trigger="same">{icon("again")} Ask {esc(stage)} the same</button></p>'
    )


def stage_of(adapter: str | None) -> str:
    """The name under which an adapter, or having none, is chosen."""
    return adapter or BASE


def line(trace: Trace, step: Step, named: Mapping[str, Mark], linked: bool) -> str:
    """What the answer was before, by whom, and over which other documents; empty where nothing has changed."""
    before = trace.before
    if before is None:
        return ""
    made = trace.fingerprint
    by = f"by {esc(stage_of(before.adapter))}" if made and made.adapter != before.adapter else ""
    over = difference(before.shown, step.shown, named)
    same = (before.answer or "").strip().casefold() == (trace.answer or "").strip().casefold()
    if same and not by and not over:
        return ""
    answer = "the same" if same else esc(before.answer or "no answer")
    if linked:
        answer = f'<a href="?trace={quote(before.trace_id, safe="")}">{answer}</a>'
    told = ", ".join(filter(None, ("Before", by, over)))
    return f'<p class="before">{told}: <b dir="auto">{answer}</b></p>'


def difference(these: Collection[str], those: Collection[str], named: Mapping[str, Mark]) -> str:
    """In letters, how `these` documents differ from `those`: `with A and without C`; empty where they do not."""
    more = "".join(chip(named[name]) for name in these if name not in those and name in named)
    less = "".join(chip(named[name]) for name in those if name not in these and name in named)
    return " and ".join(filter(None, (f"with {more}" if more else "", f"without {less}" if less else "")))


def change(before: Before | None, verdict: Verdict) -> str:
    """How a verdict differs from the one before, in words; empty where it does not, or there was none."""
    if before is None or verdict.document_id not in before.p_keep:
        return ""
    if (was := verdict.document_id in before.shown) == verdict.keep:
        return ""
    return f"{'kept' if was else 'dropped'} before ({before.p_keep[verdict.document_id]:.2f})"
