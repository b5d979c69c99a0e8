"""The reasoning: every sentence tied by letter and colour to the documents that it cites."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mmrag.types import Sentence, Step
from mmrag.ui.markup import Mark, chip, esc

_NUMBERS = re.compile(r"\[\s*(\d{1,4}(?:\s*,\s*\d{1,4})*)\s*\]")


def why(step: Step, named: Mapping[str, Mark], running: bool, halted: bool) -> str:
    """The reasoning as one card.

    Args:
        step: the round whose reasoning it is.
        named: the documents' letters and colours.
        running: whether more of it is being made.
        halted: whether it was stopped before its end.
    """
    items = "".join(_sentence(sentence, step, named) for sentence in step.sentences)
    if running and step.answer is None:
        items += '<li class="bone" aria-hidden="true"></li>' * (1 if items else 3)
    listed = f'<ol class="why">{items}</ol>' if items else ""
    told = f'<p class="nothing plain">{_absence(step, halted)}</p>' if halted or not items else ""
    return f'<section class="card"><h2>Why</h2>{listed}{told}</section>'


def _absence(step: Step, halted: bool) -> str:
    """Why there is no reasoning, or no more of it."""
    if halted:
        return "It was stopped here, and is cut off." if step.shown else "It was stopped before any reasoning."
    return "The model gave no reasoning." if step.shown else "Nothing was kept, so there was nothing to reason over."


def _sentence(sentence: Sentence, step: Step, named: Mapping[str, Mark]) -> str:
    cites = [named[name] for name in sentence.cites if name in named]
    if not cites:
        text = _with_chips(sentence.text, step, named)
        body = f'<span class="text" dir="auto">{text}</span><span class="unsupported">no evidence cited</span>'
        return f'<li class="link none">{body}</li>'
    share = 100 / len(cites)
    bands = ",".join(f"var(--line-{mark.hue}) {share * i:.1f}% {share * (i + 1):.1f}%" for i, mark in enumerate(cites))
    tint = cites[0].classes if len(cites) == 1 else "several"
    letters = " ".join(mark.letter for mark in cites)
    text = _with_chips(sentence.text, step, named)
    left = "".join(chip(mark) for mark in cites if f'data-pin="{mark.letter}"' not in text)
    return (
        f'<li class="link {tint}" data-ev="{letters}" style="--bands:linear-gradient({bands})">'
        f'<span class="text" dir="auto">{text}{left}</span></li>'
    )


def _with_chips(text: str, step: Step, named: Mapping[str, Mark]) -> str:
    """The text, escaped, with the model's numbers like [2] shown as the letters that the page gives the documents."""
    parts = []
    for index, piece in enumerate(_NUMBERS.split(text)):
        numbers = [int(number) for number in piece.split(",")] if index % 2 else []
        known = [step.shown[n - 1] for n in numbers if 1 <= n <= len(step.shown)]
        if numbers and len(known) == len(numbers) and all(name in named for name in known):
            parts.append("".join(chip(named[name]) for name in known))
        else:
            parts.append(esc(f"[{piece}]" if index % 2 else piece))
    return "".join(parts)
