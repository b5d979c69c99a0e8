"""What stands around a trace: the header, the examples, the picture to ask with, the empty page, the picture viewer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mmrag.types import Fingerprint, Modality, Question
from mmrag.ui.markup import esc, icon
from mmrag.ui.pictures import inline

_PLURALS = {Modality.IMAGE: "pictures", Modality.PASSAGE: "passages", Modality.TABLE: "tables"}


def header(title: str, counts: Mapping[Modality, int], made: Fingerprint) -> str:
    """The top of the page: the collection and the model that answers."""
    chips = "".join(
        f'<span class="stat">{icon(modality)} <b>{counts.get(modality, 0):,}</b> {plural}</span>'
        for modality, plural in _PLURALS.items()
    )
    return (
        '<header class="mm top"><h1 class="mark">mmrag</h1>'
        f'<div class="facts"><p class="about"><b dir="auto">{esc(title)}</b>{chips}</p>'
        f'<p class="model">{model_line(made)}</p></div>'
        f'<button type="button" class="theme" data-theme-toggle aria-label="light or dark">{icon("theme")}</button>'
        '<p class="announce" role="status" aria-live="polite"></p></header>'
    )


def model_line(made: Fingerprint) -> str:
    """Model, adapter, quantisation, parameters and memory in one line."""
    numbers = "bf16" if made.dtype == "bfloat16" else made.dtype
    weights = numbers if made.quantization == "none" else f"{made.quantization} over {numbers}"
    parts = (weights, f"{_count(made.parameters)} parameters", f"{made.memory_bytes / 1e6:,.0f} MB", made.device)
    adapter = f"<span data-adapter>adapter {esc(made.adapter or 'none')}</span>"  # page.js tells the last answer's
    return f'<span dir="auto">{esc(made.checkpoint)}</span>{adapter}' + "".join(
        f'<span dir="auto">{esc(part)}</span>' for part in parts
    )


def examples(by_category: Mapping[str, Sequence[Question]]) -> str:
    """Chips that ask an example of their category; each click takes the category's next one."""
    chips = "".join(
        f'<button type="button" class="example" data-trigger="example"'
        f' data-ids="{esc(json.dumps([question.id for question in questions]))}"'
        f' title="{esc(questions[0].question)}">{icon("image") if questions[0].image else ""}{esc(label)}</button>'
        for label, questions in by_category.items()
        if questions
    )
    return f'<div class="mm examples" role="group" aria-label="examples"><span>Try</span>{chips}</div>'


def empty(by_category: Mapping[str, Sequence[Question]]) -> str:
    """The page before the first question: what will happen, and a question of each category to begin with."""
    stages = (
        ("Retrieve", "Search by words, by meaning and by picture brings the likeliest documents."),
        ("Judge", "The model looks at each alone and keeps or drops it, with a reason."),
        ("Answer", "It ranks what is left, reasons in sentences that cite, and answers."),
    )
    items = "".join(f"<li><b>{name}</b><span>{what}</span></li>" for name, what in stages)
    offers = "".join(
        f'<button type="button" data-trigger="example" data-ids="{esc(json.dumps([questions[0].id]))}">'
        f'<span class="sub">{esc(label)}</span><span dir="auto">{esc(questions[0].question)}'
        f"{' ' + icon('image', 'with a picture') if questions[0].image else ''}</span></button>"
        for label, questions in by_category.items()
        if questions
    )
    return (
        '<div class="mm trace empty" data-busy="0" data-phase="empty" data-status=""><ol class="how">'
        f'{items}</ol><h2>Try one, or ask your own</h2><div class="offers">{offers}</div></div>'
    )


def failed(notice: str) -> str:
    """The page when there is no trace to show, only what went wrong."""
    return f'<div class="mm trace empty" data-busy="0" data-phase="failed" data-status="">{notice}</div>'


def preview(png: bytes) -> str:
    """The picture that will be asked with, and a button to take it away.

    Args:
        png: a small safe picture.
    """
    return (
        f'<div class="mm preview"><img src="{inline(png)}" alt="the picture to ask with"/><span>asking with this'
        f' picture</span><button type="button" data-trigger="forget" aria-label="take the picture away">{icon("close")}'
        "</button></div>"
    )


def viewer() -> str:
    """The dialog in which a picture opens large; `page.js` fills it."""
    return (
        '<dialog class="mm viewer" aria-label="picture"><button type="button" data-close aria-label="close">'
        f'{icon("close")}</button><figure><img alt=""/><figcaption dir="auto"></figcaption></figure></dialog>'
    )


def _count(number: int) -> str:
    for size, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f} {name}"
    return str(number)
