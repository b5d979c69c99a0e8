"""A trace as HTML: pure functions from values to text. Every text from outside goes through `markup.esc`.

The same bytes are drawn by the page, by the exported file and by a notebook; what differs is only where pictures come
from, which the caller says in `Links`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mmrag.policy.grammar import NOT_FOUND
from mmrag.types import Phase, Step, Timing, Trace
from mmrag.ui import before
from mmrag.ui.cards import Cards, PictureUrl
from mmrag.ui.markup import Mark, chip, esc, icon, marks, percent
from mmrag.ui.rejudge import bar, by_hand, is_stale, kept
from mmrag.ui.strip import cited, strip
from mmrag.ui.why import why

STAGES: Mapping[str, str] = {"retrieve": "retrieve", "judge": "judge", "answer": "rank, reason, answer"}
# How far a trace got that grows no more and yet is not done.
HALTED: Mapping[Phase, str] = {
    Phase.ASKED: "before anything was retrieved",
    Phase.RETRIEVED: "before the documents were judged",
    Phase.JUDGED: "before the reasoning began",
    Phase.ANSWERING: "before the answer was whole",
}


@dataclass(frozen=True, slots=True)
class Links:
    """Where the page finds what is not in the trace; an exported file has pictures, but no actions."""

    picture: PictureUrl
    query_picture: str = ""  # address; empty for none
    actions: bool = True
    moved: bool = False  # whether verdicts were changed since the trace was saved: link and files give it as answered


def trace_view(trace: Trace, links: Links, *, running: bool = False, notice: str = "") -> str:
    """The whole trace.

    Args:
        trace: in any phase.
        links: where pictures are.
        running: whether more of it is being made; skeletons stand for what is still to come. A trace that neither
            runs nor is done was stopped.
        notice: HTML of a line above it, from `problem` or `remark`.
    """
    named = marks(trace)
    steps = trace.steps or (Step(trace.query.text),)
    body = "".join(
        _step(trace, step, number, named, links, running and number == len(steps))
        for number, step in enumerate(steps, start=1)
    )
    return (
        f'<div class="mm trace" data-trace="{esc(trace.id)}" data-phase="{trace.phase}" data-busy="{int(running)}"'
        f' data-adapter="{esc(_adapter(trace))}" data-status="{esc(status(trace, running))}">'
        f"{notice}{_hero(trace, steps[-1], named, links, running)}"
        f"{body}{_colophon(trace)}</div>"
    )


def status(trace: Trace, running: bool) -> str:
    """One line for a screen reader: what has just happened."""
    step = trace.steps[-1] if trace.steps else Step("")
    if halted := _halted(trace, running):
        return f"Stopped {halted}."
    match trace.phase:
        case Phase.ASKED:
            return "Searching the collection."
        case Phase.RETRIEVED:
            return f"{len(step.hits)} documents retrieved. Judging each."
        case Phase.JUDGED | Phase.ANSWERING:
            return f"{len(kept(step))} documents kept. Ranking, reasoning and answering."
        case _ if step.malformed:
            return "The model's output could not be read."
        case _ if is_stale(step):
            return f"{len(kept(step))} documents kept. The answer was written over others."
        case _:
            return f"Answer: {_answer(trace)}" if _answer(trace) else "No answer."


def problem(line: str) -> str:
    """An error as one line."""
    return f'<p class="notice error" role="alert">{icon("warn")}<span dir="auto">{esc(line)}</span></p>'


def remark(line: str) -> str:
    """Something worth knowing, as one line."""
    return f'<p class="notice" role="status">{icon("warn")}<span dir="auto">{esc(line)}</span></p>'


def _halted(trace: Trace, running: bool) -> str:
    return "" if running else HALTED.get(trace.phase, "")


def _adapter(trace: Trace) -> str:
    return (trace.fingerprint.adapter or "none") if trace.fingerprint else ""


def _answer(trace: Trace) -> str:
    return trace.answer or (trace.steps[-1].answer if trace.steps else None) or ""


def _hero(trace: Trace, step: Step, named: Mapping[str, Mark], links: Links, running: bool) -> str:
    picture = ""
    if links.query_picture:
        picture = (
            f'<button type="button" class="thumb asked" data-large="{esc(links.query_picture)}"'
            f' data-caption="the picture that was asked with" aria-label="open large: the picture that was asked with">'
            f'<img src="{esc(links.query_picture)}" alt="the picture that was asked with"/></button>'
        )
    return (
        f'<section class="card hero" aria-label="answer">{picture}<div class="said">'
        f'<p class="question" dir="auto">{esc(trace.query.text)}</p>{_answer_line(trace, step, named, running)}'
        f"{'' if running else before.line(trace, step, named, links.actions)}</div>"
        f"{_actions(trace, step, links, running)}{_rail(trace, step, running)}</section>"
    )


def _answer_line(trace: Trace, step: Step, named: Mapping[str, Mark], running: bool) -> str:
    answer = _answer(trace)
    if not answer:
        if running:
            return '<p class="answer bone" aria-hidden="true"></p>'
        halted = _halted(trace, running)
        told = f'<p class="sub">Stopped {halted}.</p>' if halted else ""
        return f'<p class="answer absent">{icon("none")} no answer</p>{told}'
    if answer.strip().lower() == NOT_FOUND:
        if step.verdicts and not kept(step):
            best = max(verdict.p_keep for verdict in step.verdicts)
            why = f"None of the {len(step.verdicts)} retrieved documents was kept; the best had P(keep) {best:.2f}."
        else:
            why = "The model found no answer in the documents that it kept."
        return f'<p class="answer absent">{icon("none")} {esc(answer)}</p><p class="sub">{why}</p>'
    order = step.ranking.order if step.ranking else ()
    used = [name for name in order if name in cited(step)] or list(order)
    chips = "".join(chip(named[name]) for name in used if name in named)
    return f'<p class="answer"><span dir="auto">{esc(answer)}</span> <span class="cites">{chips}</span></p>'


def _actions(trace: Trace, step: Step, links: Links, running: bool) -> str:
    if not links.actions or running or not step.verdicts:
        return ""
    stale = "primary" if is_stale(step) else ""
    where = f"trace/{esc(trace.id)}"
    what = " as answered" if links.moved else ""
    return (
        f'<div class="actions"><button type="button" class="{stale}" data-trigger="again">'
        f"{icon('again')} Answer again with these</button>"
        f'<button type="button" data-copy>{icon("link")} <span>Copy link</span>{what}</button>'
        f'<a class="button" href="{where}.html" download>{icon("down")} Page{what}</a>'
        f'<a class="button" href="{where}.json" download>{icon("down")} JSON{what}</a></div>'
    )


def _rail(trace: Trace, step: Step, running: bool) -> str:
    """The stages with what came of each and how long it took, over one bar of their times."""
    judged = f"{len(kept(step))} of {len(step.verdicts)} kept" if step.verdicts else ""
    found = f"{len(step.hits)} documents" if step.hits else ""
    ranked = f"{len(step.ranking.order)} ranked, {len(cited(step))} cited" if step.ranking else ""
    outcomes = {"retrieve": found, "judge": judged, "answer": ranked}
    spent = {timing.stage: timing for timing in trace.timings}
    names = list(dict.fromkeys((*outcomes, *spent)))
    waiting = [name for name in names if name not in spent]
    items = "".join(
        _stage(name, outcomes.get(name, ""), spent.get(name), running and name == waiting[0])
        if waiting
        else _stage(name, outcomes.get(name, ""), spent[name], False)
        for name in names
    )
    total = sum(timing.seconds for timing in trace.timings)
    shares = "".join(
        f'<i class="stage-{names.index(t.stage) % 5}" style="width:{percent(t.seconds / total)}"></i>'
        for t in trace.timings
        if total > 0
    )
    sums = f'<p class="total">{seconds(total)}<span class="sub"> in all</span></p>' if total and not running else ""
    return f'<div class="rail"><div class="spent" aria-hidden="true">{shares}</div><ol>{items}</ol>{sums}</div>'


def _stage(name: str, outcome: str, timing: Timing | None, current: bool) -> str:
    state = "done" if timing else "current" if current else "ahead"
    sign = f'<span class="sign">{icon("keep")}</span>' if timing else '<span class="sign"></span>'
    told = [" · ".join(filter(None, (outcome, seconds(timing.seconds) if timing else "")))]
    if timing and (timing.tokens_in or timing.tokens_out):
        told.append(f"{timing.tokens_in:,} tokens read, {timing.tokens_out:,} written")
    lines = "".join(f'<span class="told">{esc(line)}</span>' for line in told)
    return f'<li class="{state}" data-stage="{esc(name)}">{sign}<b>{esc(STAGES.get(name, name))}</b> {lines}</li>'


def seconds(value: float) -> str:
    """A duration as a person reads it.

    >>> seconds(0.0242), seconds(1.5)
    ('24 ms', '1.5 s')
    """
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def _step(trace: Trace, step: Step, number: int, named: Mapping[str, Mark], links: Links, running: bool) -> str:
    threshold, top_k = bar(trace)
    answer = (step.answer or "").strip()
    marked = "" if answer.lower() == NOT_FOUND else answer
    hand = links.actions and not running and step in trace.steps[-1:]
    against = by_hand(step, threshold, top_k)
    halted = number >= len(trace.steps) and bool(_halted(trace, running))
    cards = Cards(step, named, links.picture, threshold, against, marked, trace.before, hand, running)
    title = ""
    if len(trace.steps) > 1:
        outcome = f" <b>{esc(step.answer)}</b>" if step.answer else ""
        base = esc(step.knowledge_base)
        title = (
            f'<h2 class="round">Round {number} · {base} · <span dir="auto">{esc(step.question)}</span>{outcome}</h2>'
        )
    return (
        f"{title}{_stale(step, named) if links.actions else ''}{strip(step, named, running)}"
        f'<div class="grid"><div class="left">{why(step, named, running, halted)}{_malformed(step)}{_raw(step)}</div>'
        f'<div class="right">{cards.evidence()}</div><div class="below">{cards.dropped()}</div></div>'
    )


def _stale(step: Step, named: Mapping[str, Mark]) -> str:
    if not is_stale(step):
        return ""
    line = f"The answer above was written {before.difference(step.shown, kept(step), named)}."
    return (
        f'<p class="notice stale">{icon("again")}<span>{line} “Answer again with these” asks the model anew.</span></p>'
    )


def _malformed(step: Step) -> str:
    if step.malformed is None:
        return ""
    return (
        f'<section class="card malformed"><h2>{icon("warn")} The model broke its format</h2>'
        f'<p><code>{esc(step.malformed.reason)}</code> <span dir="auto">{esc(step.malformed.detail)}</span></p>'
        f'<p class="sub">Nothing is guessed from it. This is what it wrote:</p>'
        f'<pre tabindex="0" dir="auto">{esc(step.raw) or "(nothing)"}</pre></section>'
    )


def _raw(step: Step) -> str:
    if not step.raw or step.malformed:
        return ""
    return (
        '<details class="raw" data-key="raw"><summary>What the model wrote, to the letter</summary>'
        f'<pre tabindex="0" dir="auto">{esc(step.raw)}</pre></details>'
    )


def _colophon(trace: Trace) -> str:
    made = trace.fingerprint
    model = f" by {esc(made.checkpoint)}, adapter {esc(made.adapter or 'none')}, {esc(made.digest)}" if made else ""
    return (
        '<details class="raw" data-key="reading"><summary>How to read this</summary><ul class="legend">'
        "<li>One letter and colour is one document, everywhere on the page. Hover, focus or click to follow it; "
        "Esc lets go.</li>"
        "<li><b>found by</b> says which search found a document, at which rank, and with which score of its own.</li>"
        "<li><b>P(keep)</b> is the model's probability that the document helps; the upright line is the threshold.</li>"
        "<li><b>↑3</b> means that the model ranks it three places above where the search did.</li>"
        "<li>A card's button drops or keeps its document by hand; a moved slider decides them all anew.</li>"
        "<li>A striped bar beside a sentence means that it cites more than one document; a hatched one, none.</li>"
        "<li><mark>Marked</mark> words in a document are the answer's own.</li></ul>"
        f'<p class="sub">Trace {esc(trace.id)}, made {esc(trace.created)} with {esc(trace.system)}{model}.</p>'
        "</details>"
    )
