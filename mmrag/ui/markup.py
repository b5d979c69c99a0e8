"""The smallest pieces of HTML: escaped text, letters, colours, icons and chips.

Every text from outside passes `esc` on its way into a page; nothing else in `mmrag.ui` escapes. One document has one
letter and one colour through all stages of a trace: letters by retrieval rank, colours in a row of eight which comes
round again with a pattern, so that letter, colour and pattern never tell different stories.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mmrag.types import Modality, Trace

HUES = "abcdefgh"  # classes ev-a … ev-h of page.css
PATTERNS = 3

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Not needed in HTML, but a template engine that reads the page a second time finds nothing to run (ui.md, 1.4).
_TEMPLATE = str.maketrans({"$": "&#36;", "{": "&#123;", "}": "&#125;", "`": "&#96;", "\\": "&#92;"})


def esc(text: str) -> str:
    """`text` as it may stand in an element or in a quoted attribute; characters that no one can see become U+FFFD."""
    return html.escape(_CONTROL.sub("\ufffd", text), quote=True).translate(_TEMPLATE)


@dataclass(frozen=True, slots=True)
class Mark:
    """How one document is recognised: a letter, one of eight colours, and one of three patterns."""

    letter: str
    hue: str
    pattern: int
    title: str
    modality: Modality

    @property
    def classes(self) -> str:
        """The classes that give an element this document's colour and pattern."""
        return f"ev-{self.hue} p{self.pattern}"


def letter(index: int) -> str:
    """The letter of the index-th document, from 0.

    >>> letter(0), letter(25), letter(26), letter(51), letter(52)
    ('A', 'Z', 'AA', 'AZ', 'BA')
    """
    head, tail = divmod(index, 26)
    return (letter(head - 1) if head else "") + chr(ord("A") + tail)


def marks(trace: Trace) -> Mapping[str, Mark]:
    """A mark for every document of a trace by id, in the order in which they were first retrieved."""
    found = {hit.document.id: hit.document for step in trace.steps for hit in step.hits}
    return {
        document.id: Mark(
            letter(index),
            HUES[index % len(HUES)],
            index // len(HUES) % PATTERNS,
            document.title,
            document.modality,
        )
        for index, document in enumerate(found.values())
    }


def chip(mark: Mark) -> str:
    """A letter that can be focused and pinned."""
    label = f"evidence {mark.letter}, {mark.modality}: {mark.title}"
    return (
        f'<button type="button" class="badge {mark.classes}" data-pin="{mark.letter}" aria-pressed="false"'
        f' aria-label="{esc(label)}" title="{esc(mark.title)}">{mark.letter}</button>'
    )


_PATHS = {
    "image": '<rect x="1.5" y="2.5" width="13" height="11" rx="1.5"/><path d="M2 12l4-4 3 3 2-2 3 3"/>'
    '<circle cx="11" cy="6" r="1.2"/>',
    "passage": '<path d="M2 4h12M2 8h12M2 12h8"/>',
    "table": '<rect x="1.5" y="2.5" width="13" height="11" rx="1"/><path d="M1.5 6.5h13M6 2.5v11"/>',
    "keep": '<path d="M3 8.5l3.5 3.5L13 4.5"/>',
    "drop": '<path d="M4 4l8 8M12 4l-8 8"/>',
    "link": '<path d="M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 014.5 4.5L11.5 9M9 11.5L7.5 13A3 3 0 013 8.5L4.5 7"/>',
    "down": '<path d="M8 2.5v8M4.5 7.5L8 11l3.5-3.5M3 13.5h10"/>',
    "again": '<path d="M13 8a5 5 0 11-1.5-3.5M13 2v3h-3"/>',
    "none": '<circle cx="8" cy="8" r="5.5"/><path d="M4 12l8-8"/>',
    "warn": '<path d="M8 2.5l6 11H2zM8 7v3M8 11.8v.2"/>',
    "theme": '<circle cx="8" cy="8" r="5.5"/><path d="M8 2.5v11a5.5 5.5 0 000-11" fill="currentColor"/>',
    "zoom": '<path d="M9.5 2.5h4v4M6.5 13.5h-4v-4M13.5 2.5l-4.5 4.5M2.5 13.5L7 9"/>',
    "close": '<path d="M4 4l8 8M12 4l-8 8"/>',
}


def icon(name: str, label: str = "") -> str:
    """A small line drawing; with a label it speaks, without one it is decoration."""
    speech = f'role="img" aria-label="{esc(label)}"' if label else 'aria-hidden="true"'
    return f'<svg class="ic" viewBox="0 0 16 16" {speech}>{_PATHS[name]}</svg>'


def percent(part: float) -> str:
    """A share in [0, 1] as a CSS length."""
    return f"{min(max(part, 0.0), 1.0) * 100:.2f}%"
