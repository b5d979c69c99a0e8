"""Measures judging, asking and searching; prints tables and keeps the figures in docs/bench.json.

    python -m tests.bench

Takes minutes, and means something on a machine that does nothing else meanwhile.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

from mmrag.session import open_session
from mmrag.settings import ROOT
from tests.bench import asking, judging, machine, searching

KEPT = ROOT / "docs" / "bench.json"


def main() -> int:
    """Run everything; fails where verdicts differ in float32."""
    console, session = Console(), open_session()
    figures: dict[str, Any] = {"machine": machine.facts()}
    console.print(f"[dim]{figures['machine']}[/dim]")
    figures["judging"] = judging.measure(session)
    console.print(judging.table(figures["judging"]))
    figures["asking"] = asking.measure(session)
    console.print(asking.table(figures["asking"]))
    figures["searching"] = searching.measure()
    console.print(searching.table(figures["searching"]))
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    console.print(f"kept in {KEPT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
