"""The command line: `python -m mmrag ask "…"` and `python -m mmrag index DIR`.

Standard output carries the result alone; progress, warnings and errors go to standard error. A mistake of the caller's
or a damaged file is one line there, and exit code 2.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress as Bar

from mmrag import settings
from mmrag.cli.printed import KIND, print_trace
from mmrag.errors import MmragError
from mmrag.quiet import quiet_libraries
from mmrag.session import OpenCollection, open_collection, open_session, read_picture
from mmrag.settings import Settings
from mmrag.types import Query

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
USUAL = Settings()


@app.callback()
def about() -> None:
    """Ask a collection of pictures, passages and tables, and see why the answer is what it is."""


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What to ask.")],
    image: Annotated[Path | None, typer.Option(help="A picture to ask about: PNG, JPEG or WebP.")] = None,
    collection: Annotated[Path, typer.Option(help="The collection's folder.")] = settings.WORLD,
    system: Annotated[str, typer.Option(help="How questions are answered.")] = "rft",
    stage: Annotated[str | None, typer.Option(help="The adapter, or base; the last one trained by default.")] = None,
    checkpoint: Annotated[str, typer.Option(help="The model: a folder, or a hub id.")] = str(settings.POLICY),
    quantize: Annotated[str, typer.Option(help=f"Weights: {', '.join(settings.QUANTIZATIONS)}.")] = "none",
    retrieve: Annotated[int, typer.Option(help="Documents that retrieval brings.")] = USUAL.retrieve,
    top_k: Annotated[int, typer.Option(help="Documents kept at most.")] = USUAL.top_k,
    threshold: Annotated[float, typer.Option(help="Keep a document when P(keep) is at least this.")] = USUAL.threshold,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON trace instead.")] = False,
) -> None:
    """Ask one question and print the trace of its answer."""
    with tidy():
        chosen = Settings(retrieve=retrieve, top_k=top_k, threshold=threshold)
        query = Query(question, None if image is None else read_picture(image))
        opened = _open(collection)
        session = open_session(opened, checkpoint=_source(checkpoint), quantize=quantize, system=system)
        for trace in session.ask(query, stage or session.stages()[0], chosen):
            last = trace
    if as_json:
        sys.stdout.write(json.dumps(last.to_dict()) + "\n")
    else:
        print_trace(last, Console(file=sys.stdout, highlight=False))


@app.command()
def index(folder: Annotated[Path, typer.Argument(help="The collection's folder.")]) -> None:
    """Prepare a collection, or bring its index up to date, so that the first question need not wait."""
    with tidy():
        opened = _open(folder)
    counts = ", ".join(f"{count} {KIND[kind]}s" for kind, count in sorted(opened.count().items()))
    sys.stdout.write(f"Indexed {len(opened.collection.documents)} documents: {counts}\n")


@contextlib.contextmanager
def tidy() -> Iterator[None]:
    """Send what is printed meanwhile to standard error, and end the program with one line on an `MmragError`."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except MmragError as error:
        sys.stderr.write(f"mmrag: {error}\n")
        raise typer.Exit(2) from error


def main() -> None:
    """What `python -m mmrag` runs."""
    quiet_libraries()
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks ✓ shows ?, and the answer beside it
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app(prog_name="mmrag")


def _open(folder: Path) -> OpenCollection:
    console = Console(file=sys.stderr)
    with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Indexing", total=None, visible=False)
        return open_collection(
            folder, progress=lambda done, total: bar.update(task, completed=done, total=total, visible=True)
        )


def _source(checkpoint: str) -> str | Path:
    return Path(checkpoint) if Path(checkpoint).is_dir() else checkpoint
