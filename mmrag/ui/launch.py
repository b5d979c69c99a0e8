"""Start the server: Gradio's page and our own addresses on one port, closed to everything that was not asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass

import gradio as gr

from mmrag.settings import MAX_PICTURE_BYTES, MODELS, RESULTS, runs_dir
from mmrag.ui.ask import AskPage
from mmrag.ui.assets import read
from mmrag.ui.backend import Backend
from mmrag.ui.serve import add_routes
from mmrag.ui.theme import theme
from mmrag.ui.training import TrainingPage

WAITING = 64  # questions at most that wait for the model; more are refused at once


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    page: gr.Blocks
    url: str

    def wait(self) -> None:
        """Serve until the process is interrupted."""
        self.page.block_thread()

    def close(self) -> None:
        """Stop serving."""
        self.page.close()


def launch(backend: Backend, port: int | None = None) -> Served:
    """Serve the pages over a backend; returns once they can be opened.

    The routes are added to Gradio's own app after it has started: it is the one way that leaves host, port, queue and
    Spaces' handling to Gradio. Server-side rendering stays off, since its proxy would stand before those routes. The
    sheet goes into the head as it is: Gradio's `css` would add a second, more specific copy of every rule.
    """
    page = AskPage(backend).build()
    with page.route("Training", "training"):
        TrainingPage({"": runs_dir(), "shipped ": MODELS}, RESULTS).build(page)
    page.queue(max_size=WAITING)
    app, url, _ = page.launch(
        prevent_thread_lock=True,
        server_name=host(),
        server_port=port,
        theme=theme(),
        head=f"<style>{read('page.css')}{read('widgets.css')}</style><script>{read('page.js')}</script>",
        max_file_size=MAX_PICTURE_BYTES,
        strict_cors=True,
        share=False,
        enable_monitoring=False,
        run_history=False,
        show_error=False,
        ssr_mode=False,
        footer_links=[],
        quiet=True,
    )
    add_routes(app, backend)
    return Served(page, url)


def host() -> str:
    """Loopback unless told otherwise by `MMRAG_HOST` or `GRADIO_SERVER_NAME`; every interface on a Space."""
    on_space = "0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1"  # noqa: S104 - a Space's own proxy is in front
    return os.environ.get("MMRAG_HOST") or os.environ.get("GRADIO_SERVER_NAME") or on_space
