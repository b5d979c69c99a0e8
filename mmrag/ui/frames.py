"""From an iterator of growing traces to what the page shows: paced, saved, and never a traceback."""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from mmrag.errors import MmragError
from mmrag.types import Trace
from mmrag.ui.backend import Backend
from mmrag.ui.html import Links, problem, trace_view
from mmrag.ui.shell import failed

PACE = 0.09  # seconds between two drawings of the same phase: eleven a second read as a flow
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Frame:
    """One drawing of the page: its HTML, the trace behind it (if any), and whether it is the last of its run."""

    html: str
    trace: Trace | None
    last: bool


def run(traces: Iterator[Trace], previous: Trace | None, backend: Backend) -> Iterator[Frame]:
    """Frames of one run. Errors become the last frame, above whatever had been shown; what was made is saved.

    Args:
        traces: of one question.
        previous: what was shown before, and stays when the question is refused.
        backend: where traces are saved.
    """
    trace: Trace | None = None
    shown_at, phase = 0.0, None
    try:
        for trace in traces:
            if phase is None and trace.query.picture:
                backend.save(trace)  # so that its picture has an address while the trace grows
            if trace.phase is not phase or time.monotonic() - shown_at >= PACE:
                shown_at, phase = time.monotonic(), trace.phase
                yield still(trace, backend, running=True)
        if trace is not None:
            backend.save(trace)
            yield still(trace, backend)
    except MmragError as error:
        yield _ended(trace, previous, backend, str(error))
    except Exception:
        yield _ended(trace, previous, backend, unforeseen())


def still(trace: Trace, backend: Backend, *, running: bool = False, notice: str = "") -> Frame:
    """One trace as a frame."""
    html = trace_view(trace, _links(trace, backend, running), running=running, notice=notice)
    return Frame(_fresh(html), trace, not running)


def aside(trace: Trace, backend: Backend, notice: str = "") -> Frame:
    """A trace changed by hand: drawn, but no word on whether a question is being asked, for one may be waiting."""
    return Frame(_fresh(trace_view(trace, _links(trace, backend), notice=notice), aside=True), trace, True)


def broken(trace: Trace | None, backend: Backend, line: str) -> Frame:
    """What had been shown, with an error as one line above it."""
    return bare(problem(line)) if trace is None else still(trace, backend, notice=problem(line))


def bare(notice: str) -> Frame:
    """One line of HTML, and no trace."""
    return Frame(_fresh(failed(notice)), None, True)


def _ended(trace: Trace | None, previous: Trace | None, backend: Backend, line: str) -> Frame:
    """`broken`, with what had been made saved, so that its links lead somewhere."""
    if trace is not None:
        with contextlib.suppress(MmragError):  # it may be the saving that went wrong, and `line` says so
            backend.save(trace)
    return broken(trace or previous, backend, line)


def unforeseen() -> str:
    """Write the exception being handled to the log, and return a line for a person that leads there."""
    name = secrets.token_hex(3)
    _LOG.exception("unforeseen error %s", name)
    return f"Something unforeseen went wrong. The log has it under {name}."


def _links(trace: Trace, backend: Backend, running: bool = False) -> Links:
    """Addresses on this page's own server, relative so that they hold behind any proxy."""
    asked = f"query-picture/{quote(trace.id, safe='')}" if trace.query.picture else ""
    moved = not running and _moved(trace, backend)
    return Links(_picture, asked, moved=moved)


def _picture(name: str, large: bool) -> str:
    return f"picture/{quote(name, safe='')}?size={'large' if large else 'small'}"


def _moved(trace: Trace, backend: Backend) -> bool:
    try:
        return backend.load(trace.id) != trace
    except MmragError:  # it could not be saved, as was said when it was tried
        return False


def _fresh(html: str, aside: bool = False) -> str:
    """Each frame differs from the one before, so that the browser notices it even when it says the same."""
    return f'<div data-frame="{secrets.token_hex(4)}"{" data-aside" if aside else ""}>{html}</div>'
