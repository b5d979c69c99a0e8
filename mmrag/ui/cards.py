"""Evidence cards: a document with what found it, its verdict and why, and what it says or shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mmrag.types import Before, Document, Found, Hit, Modality, Step, Table, Verdict
from mmrag.ui.before import change
from mmrag.ui.markup import Mark, chip, esc, icon, percent
from mmrag.ui.rejudge import kept

PictureUrl = Callable[[str, bool], str]  # (document id, large?) -> the address of its picture
EVEN = 0.5  # of P(keep): beneath it the model's own verdict is no
LONG = 420  # characters of a passage that are shown before it folds
ROWS = 6  # rows of a table that are in view; of a longer one the rest is scrolled to

# What each retriever's score means, for the reader who asks; an unknown one is shown under its own name.
SCORES: Mapping[str, tuple[str, str]] = {
    "words": ("words", "BM25 over the document's words: 0 or more, higher is better"),
    "text": ("meaning", "cosine of the question's and the text's embeddings: from -1 to 1, higher is better"),
    "picture": ("picture", "cosine of the question's and the picture's embeddings: from -1 to 1, higher is better"),
    "link": ("a name", "a name that another found document brought up: 0 or more, higher is better"),
}


@dataclass(frozen=True, slots=True)
class Cards:
    """What all cards of one step share."""

    step: Step
    marks: Mapping[str, Mark]
    picture: PictureUrl
    threshold: float
    by_hand: frozenset[str]  # ids of what was kept or dropped against the rule
    answer: str  # its words are marked in the documents; empty for none
    before: Before | None = None
    hand: bool = False  # whether a person may keep or drop here
    running: bool = False  # whether more of the step is being made

    def evidence(self) -> str:
        """Cards of what is not dropped: ranked ones, then kept ones, then those still to be judged."""
        hits = {hit.document.id: hit for hit in self.step.hits}
        if not hits:
            bones = "".join('<div class="doc bone tall"></div>' for _ in range(3))
            return _section("Evidence", bones if self.running else '<p class="nothing">Nothing was retrieved.</p>')
        judged = {verdict.document_id for verdict in self.step.verdicts}
        waiting = "".join(self._card(hit) for name, hit in hits.items() if name not in judged)
        if not judged:
            return _section("Evidence, as retrieved", waiting)
        ranked = self.step.ranking.order if self.step.ranking else ()
        keeping = kept(self.step)
        first = sorted(keeping, key=lambda name: ranked.index(name) if name in ranked else len(ranked))
        heading = "Evidence, as the model ranks it" if ranked and first else "Evidence kept"
        cards = "".join(self._card(hits[name]) for name in first if name in hits) or _NOTHING
        return _section(heading, cards) + (_section(self._pending.capitalize(), waiting) if waiting else "")

    def dropped(self) -> str:
        """What was dropped, in retrieval order, one line each that opens; empty when nothing was."""
        names = {verdict.document_id for verdict in self.step.verdicts if not verdict.keep}
        rows = [self._row(hit) for hit in self.step.hits if hit.document.id in names]
        heading = f'{icon("drop")} Dropped <span class="count">{len(rows)}</span>'
        return _section(heading, "".join(rows), "dropped") if rows else ""

    @property
    def _pending(self) -> str:
        return "being judged" if self.running else "not judged"

    def _card(self, hit: Hit) -> str:
        document, mark = hit.document, self.marks[hit.document.id]
        verdict = self._verdict(document.id)
        thumb = self._thumb(document) if document.modality is Modality.IMAGE else ""
        return (
            f'<article class="doc link {mark.classes}{" pictured" if thumb else ""}" data-ev="{mark.letter}"'
            f' data-card="{mark.letter}">{thumb}<div class="body"><header>{chip(mark)}{_kind(document)}'
            f'<h3 dir="auto">{esc(document.title)}</h3>{self._rank(hit)}</header>'
            f"{_found(hit)}{self._meter(verdict)}{_reason(verdict)}{self._content(document)}</div></article>"
        )

    def _row(self, hit: Hit) -> str:
        document, mark = hit.document, self.marks[hit.document.id]
        verdict = self._verdict(document.id)
        thumb = self._thumb(document) if document.modality is Modality.IMAGE else ""
        return (
            f'<details class="doc off link {mark.classes}" data-ev="{mark.letter}" data-card="{mark.letter}"'
            f' data-key="dropped-{mark.letter}"><summary><span class="badge {mark.classes} struck">{mark.letter}</span>'
            f'{_kind(document)}<span class="title" dir="auto">{esc(document.title)}</span>'
            f"{self._changed(verdict)}{_bar(verdict.p_keep, self.threshold) if verdict else ''}</summary>"
            f'<div class="{"pictured" if thumb else ""}">{thumb}<div class="body">{_found(hit)}'
            f"{self._meter(verdict, told=True)}{_reason(verdict)}{self._content(document)}</div></div></details>"
        )

    def _verdict(self, document_id: str) -> Verdict | None:
        return next((verdict for verdict in self.step.verdicts if verdict.document_id == document_id), None)

    def _rank(self, hit: Hit) -> str:
        order = self.step.ranking.order if self.step.ranking else ()
        if order and hit.document.id not in order:
            return '<span class="rank">not ranked</span>'
        if not order:
            return f'<span class="rank">retrieved <b>#{hit.rank}</b></span>'
        rank = order.index(hit.document.id) + 1
        return f'<span class="rank"><b>#{rank}</b>{_move(hit.rank - rank)}</span>'

    def _changed(self, verdict: Verdict | None) -> str:
        words = change(self.before, verdict) if verdict else ""
        return f'<span class="changed">{words}</span>' if words else ""

    def _exception(self, verdict: Verdict) -> str:
        """Why a document is not kept though it is likely enough, or kept though the reason beneath says no."""
        if verdict.document_id in self.by_hand:
            return '<span class="sub">by hand</span>'
        if not verdict.keep:
            beyond = verdict.p_keep >= self.threshold
            return '<span class="sub">over the threshold, but beyond top-k</span>' if beyond else ""
        return '<span class="sub">rather no, but over the threshold</span>' if verdict.p_keep < EVEN else ""

    def _turn(self, verdict: Verdict) -> str:
        if not self.hand:
            return ""
        word, title = "drop" if verdict.keep else "keep", self.marks[verdict.document_id].title
        return (
            f'<button type="button" class="turn" data-trigger="turn" data-document="{esc(verdict.document_id)}"'
            f' aria-label="{word} {esc(title)}">{word} it</button>'
        )

    def _meter(self, verdict: Verdict | None, told: bool = False) -> str:
        """The verdict as a line; `told` where it stands elsewhere already that it has changed."""
        if verdict is None:
            meter = '<span class="meter"></span>' if self.running else ""
            return f'<p class="verdict waiting"><span class="word">{self._pending}</span>{meter}</p>'
        word, sign = ("kept", "keep") if verdict.keep else ("dropped", "drop")
        changed = "" if told else self._changed(verdict)
        return (
            f'<p class="verdict {word}"><span class="word">{icon(sign)} {word}</span>'
            f"{_bar(verdict.p_keep, self.threshold)}{self._exception(verdict)}{changed}{self._turn(verdict)}</p>"
        )

    def _thumb(self, document: Document) -> str:
        alt = document.text or document.title
        return (
            f'<button type="button" class="thumb" data-large="{esc(self.picture(document.id, True))}"'
            f' data-caption="{esc(alt)}" aria-label="open large: {esc(alt)}">'
            f'<img src="{esc(self.picture(document.id, False))}" alt="{esc(alt)}" loading="lazy"/>'
            f"{icon('zoom')}</button>"
        )

    def _content(self, document: Document) -> str:
        if document.table is not None:
            return _table(document.table, self.answer)
        if len(document.text) <= LONG:
            return f'<p class="text" dir="auto">{marked(document.text, self.answer)}</p>' if document.text else ""
        cut = document.text.rfind(" ", 0, LONG) + 1 or LONG
        head, tail = marked(document.text[:cut], self.answer), marked(document.text[cut:], self.answer)
        key = f"text-{self.marks[document.id].letter}"
        return (
            f'<p class="text" dir="auto">{head}…</p><details data-key="{key}"><summary>the rest</summary>'
            f'<p class="text" dir="auto">{tail}</p></details>'
        )


_NOTHING = '<p class="nothing">No document was kept.</p>'


def marked(text: str, answer: str) -> str:
    """`text`, escaped, with whole-word occurrences of the answer marked; a bare yes or no marks nothing.

    >>> marked("a <red> roof, reddish", "red")
    'a &lt;<mark>red</mark>&gt; roof, reddish'
    """
    if not answer or answer.lower() in ("yes", "no"):
        return esc(text)
    pieces = re.split(rf"(?<!\w)({re.escape(answer)})(?!\w)", text, flags=re.IGNORECASE)
    return "".join(f"<mark>{esc(piece)}</mark>" if index % 2 else esc(piece) for index, piece in enumerate(pieces))


def _section(heading: str, cards: str, kind: str = "") -> str:
    return f'<section class="evidence {kind}"><h2>{heading}</h2>{cards}</section>'


def _kind(document: Document) -> str:
    return icon(document.modality, document.modality)


def _move(places: int) -> str:
    if places == 0:
        return '<span class="move" title="the rank at which it was retrieved">=</span>'
    arrow, word = ("↑", "up") if places > 0 else ("↓", "down")
    return f'<span class="move" title="{abs(places)} {word} from its retrieval rank">{arrow}{abs(places)}</span>'


def _found(hit: Hit) -> str:
    ways = " · ".join(_way(found) for found in hit.found)
    return f'<p class="found">found by {ways or "the collection"}</p>'


def _way(found: Found) -> str:
    name, meaning = SCORES.get(found.by, (found.by, "this retriever's own score, higher is better"))
    value = f"{found.score:.1f}" if abs(found.score) >= 2 else f"{found.score:.2f}"
    return f'<span title="{esc(meaning)}">{esc(name)} <b>#{found.rank}</b> ({value})</span>'


def _bar(p_keep: float, threshold: float) -> str:
    label = f"P(keep) {p_keep:.2f}, threshold {threshold:.2f}"
    return (
        f'<span class="meter" role="img" aria-label="{label}" title="{label}"><i style="width:{percent(p_keep)}"></i>'
        f'<u style="left:{percent(threshold)}"></u></span><b class="p">{p_keep:.2f}</b>'
    )


def _reason(verdict: Verdict | None) -> str:
    return f'<p class="reason" dir="auto">“{esc(verdict.reason)}”</p>' if verdict and verdict.reason else ""


def _table(table: Table, answer: str) -> str:
    head = "".join(f'<th scope="col" dir="auto">{esc(cell)}</th>' for cell in table.header)
    rows = "".join(_table_row(row, answer) for row in table.rows)
    more = f'<p class="sub">{len(table.rows)} rows; scroll to see them all</p>' if len(table.rows) > ROWS else ""
    return (
        '<div class="table" tabindex="0" role="region" aria-label="table"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{more}"
    )


def _table_row(row: tuple[str, ...], answer: str) -> str:
    cells = "".join(f'<td dir="auto">{marked(cell, answer)}</td>' for cell in row)
    return f'<tr class="hit">{cells}</tr>' if "<mark>" in cells else f"<tr>{cells}</tr>"
