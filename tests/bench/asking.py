"""Asking the shipped world, one question at a time: when a person sees what, counted from the question."""

from __future__ import annotations

import time
from typing import Any

from rich.table import Table

from mmrag.session import Session
from mmrag.settings import Settings
from mmrag.types import Phase, Query
from tests.bench.machine import percentile

QUESTIONS = 30
WARM_UP = 2
WANTED = {"first cards": 0.3, "done": 2.5}  # seconds on two quiet cores


def measure(session: Session) -> dict[str, Any]:
    """Seconds from the question to each stage: median and 95th percentile over the questions that came to it."""
    collection, stage = session.opened.collection, session.stages()[0]
    dev = [question for question in collection.questions if question.split == "dev"]
    queries = [collection.query(one) for one in dev[:: len(dev) // (QUESTIONS + WARM_UP)][: QUESTIONS + WARM_UP]]
    for query in queries[QUESTIONS:]:
        _moments(session, query, stage)
    moments = [_moments(session, query, stage) for query in queries[:QUESTIONS]]
    stages = {}
    for name in ("first cards", "judged", "first words", "done"):
        seconds = [one[name] for one in moments if name in one]
        stages[name] = {"p50_s": percentile(seconds, 50), "p95_s": percentile(seconds, 95), "questions": len(seconds)}
    return {"stage": stage, "stages": stages}


def table(figures: dict[str, Any]) -> Table:
    """The figures as a person reads them."""
    made = Table("seen", "p50", "p95", "wanted", "questions", title=f"Asking ({figures['stage']})")
    for name, row in figures["stages"].items():
        wanted = f"{WANTED[name] * 1e3:.0f} ms" if name in WANTED else ""
        made.add_row(name, _milliseconds(row["p50_s"]), _milliseconds(row["p95_s"]), wanted, str(row["questions"]))
    return made


def _moments(session: Session, query: Query, stage: str) -> dict[str, float]:
    """Seconds until each thing was first there; words are missing where no document was kept."""
    seen: dict[str, float] = {}
    started = time.perf_counter()
    for trace in session.ask(query, stage, Settings()):
        now = time.perf_counter() - started
        if trace.phase is Phase.RETRIEVED:
            seen["first cards"] = now
        elif trace.phase is Phase.JUDGED:
            seen["judged"] = now
        if trace.steps and trace.steps[-1].raw:
            seen.setdefault("first words", now)
        if trace.phase is Phase.DONE:
            seen["done"] = now
    return seen


def _milliseconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds * 1e3:.0f} ms"
