"""What the browser fetches beside the page: pictures and saved traces, by id, never by path.

Covered: an id is looked up in the backend and nowhere else; every picture is drawn anew as a PNG of bounded size; what
is to be kept goes out as an attachment in a sandbox, so it never runs with the page's rights. Not covered: who may see
what; whoever has a trace's id may read the trace.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import FastAPI, Path, Response
from PIL import Image

from mmrag.errors import BadPicture, MmragError, UnknownId
from mmrag.ui.backend import Backend
from mmrag.ui.export import export
from mmrag.ui.pictures import LARGE, SMALL, png

_LOG = logging.getLogger(__name__)
_SAFE = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
Id = Annotated[str, Path(max_length=512)]


def add_routes(app: FastAPI, backend: Backend) -> None:
    """Teach Gradio's own server the addresses that `html.py` writes."""

    @app.get("/picture/{document_id:path}")
    def picture(document_id: Id, size: Literal["small", "large"] = "small") -> Response:
        """A document's picture."""
        return _answered(lambda: _picture(backend.picture(document_id), SMALL if size == "small" else LARGE))

    @app.get("/query-picture/{trace_id}")
    def query_picture(trace_id: Id) -> Response:
        """The picture that a saved trace was asked with."""
        return _answered(lambda: _picture(_opened(backend.load(trace_id).query.picture), LARGE))

    @app.get("/trace/{trace_id}.json")
    def trace_json(trace_id: Id) -> Response:
        """A saved trace as JSON, to keep."""
        return _answered(lambda: _file(_json(backend, trace_id), "application/json", "trace.json"))

    @app.get("/trace/{trace_id}.html")
    def trace_html(trace_id: Id) -> Response:
        """A saved trace as one self-contained page, to keep."""
        return _answered(lambda: _file(_html(backend, trace_id), "text/html", "trace.html"))


def _answered(make: Callable[[], Response]) -> Response:
    try:
        return make()
    except UnknownId as error:
        return Response(str(error), 404, _SAFE, "text/plain")
    except MmragError as error:
        _LOG.warning("a file could not be served: %s", error)
        return Response(str(error), 422, _SAFE, "text/plain")


def _picture(image: Image.Image | None, side: int) -> Response:
    if image is None:
        return Response("there is no picture here", 404, _SAFE, "text/plain")
    return Response(png(image, side), 200, {**_SAFE, "Cache-Control": "private, max-age=3600"}, "image/png")


def _opened(data: bytes | None) -> Image.Image | None:
    return None if data is None else Image.open(io.BytesIO(data), formats=("PNG",))


def _file(text: str, media: str, name: str) -> Response:
    headers = {**_SAFE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.encode(), 200, headers, media)


def _json(backend: Backend, trace_id: str) -> str:
    return json.dumps(backend.load(trace_id).to_dict(), indent=1)


def _html(backend: Backend, trace_id: str) -> str:
    return export(backend.load(trace_id), lambda document_id: _known(backend, document_id))


def _known(backend: Backend, document_id: str) -> Image.Image | None:
    """A document's picture, or none where the collection has lost it since the trace was made."""
    try:
        return backend.picture(document_id)
    except (UnknownId, BadPicture):
        return None
