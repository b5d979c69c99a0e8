"""How a notebook shows a `Trace`: the page's own drawing of it, in a frame that can neither fetch nor reach anything.

`types` knows nothing of pages, so IPython is told here, when `mmrag` is imported in it. Pictures come from the
collections that were opened in this process; a trace read from elsewhere is shown without them.
"""

from __future__ import annotations

import html
import sys

from PIL import Image

from mmrag.errors import BadPicture
from mmrag.session.opened import opened_collections
from mmrag.types import Trace


def register() -> None:
    """Tell IPython, if this runs in it."""
    if "IPython" not in sys.modules:
        return
    shell = sys.modules["IPython"].get_ipython()
    if shell is not None:
        shell.display_formatter.formatters["text/html"].for_type(Trace, trace_html)


def trace_html(trace: Trace) -> str:
    """`trace` as a self-contained, sandboxed frame; every text in it is escaped."""
    from mmrag.ui.export import export

    documents = {hit.document.id: hit.document for step in trace.steps for hit in step.hits}

    def picture(document_id: str) -> Image.Image | None:
        for opened in opened_collections():
            if opened.collection.documents.get(document_id) == documents[document_id]:
                try:
                    return opened.picture(document_id)
                except BadPicture:  # its file is gone or damaged since: everything else can still be shown
                    return None
        return None

    page = html.escape(export(trace, picture), quote=True)
    style = "width:100%;height:720px;border:1px solid #8884;border-radius:8px"
    return (
        f'<iframe sandbox="allow-scripts" srcdoc="{page}" title="the trace of one question" style="{style}"></iframe>'
    )
