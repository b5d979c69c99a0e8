"""A trace as one HTML file that a person can mail: style, script and pictures inside, nothing fetched when opened.

What is covered: a content security policy in the file lets only its own script run and only pictures within the file be
drawn, so even a text that slipped through escaping could neither run nor call home. What is not: a mail program that
strips the policy; there escaping stands alone.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from PIL import Image

from mmrag.types import Trace
from mmrag.ui.assets import read
from mmrag.ui.html import Links, trace_view
from mmrag.ui.markup import esc, icon
from mmrag.ui.pictures import LARGE, inline, png
from mmrag.ui.shell import viewer

_MAIN = "margin:0 auto;padding:24px 20px 60px;max-width:1180px;background:var(--bg);min-height:100vh"
_HEADER = (
    '<header class="mm top"><h1 class="mark">mmrag</h1><div class="facts"><p class="about">One question, and why its '
    'answer is what it is.</p></div><button type="button" class="theme" data-theme-toggle aria-label="light or dark">'
    f"{icon('theme')}</button></header>"
)


def export(trace: Trace, picture: Callable[[str], Image.Image | None]) -> str:
    """The file's text.

    Args:
        trace: what to write, usually done.
        picture: a document's picture by id; None draws an empty frame.
    """
    addresses = {
        hit.document.id: _inlined(picture(hit.document.id))
        for step in trace.steps
        for hit in step.hits
        if hit.document.image is not None
    }
    asked = inline(trace.query.picture) if trace.query.picture else ""
    links = Links(lambda document_id, large: addresses.get(document_id, "data:,"), asked, actions=False)
    script, style = read("page.js"), read("page.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{esc(trace.query.text)}</title>'
        f'<style>{style}</style></head><body style="margin:0"><main class="mm" style="{_MAIN}">'
        f"{_HEADER}{trace_view(trace, links)}{viewer()}</main><script>{script}</script></body></html>"
    )


def _inlined(image: Image.Image | None) -> str:
    return "data:," if image is None else inline(png(image, LARGE))
