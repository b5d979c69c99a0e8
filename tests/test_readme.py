"""The front page tells what was measured: its figures are those of the result files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
FOUND: dict[str, Any] = json.loads((ROOT / "docs" / "sft-4242.json").read_text("utf-8"))
ROWS = {
    "judging balanced pairs, F1": (FOUND["judge"]["f1"], 2),
    "answer from five documents, exact match": (FOUND["listwise"]["em"], 2),
    "documents cited and ranked for it, F1": (FOUND["listwise"]["evidence_f1"], 2),
    "answer of the whole pipeline, exact match": (FOUND["answer"]["em"], 2),
    "output that parses": (FOUND["parse_rate"], 3),
}


@pytest.mark.parametrize("row", list(ROWS))
def test_a_figure_on_the_front_page_is_that_of_its_result_file(row: str) -> None:
    figure, digits = ROWS[row]
    low, high = figure["ci95"]
    assert f"| {row} | {figure['value']:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}] |" in README


def test_the_speed_on_the_front_page_is_that_of_the_bench() -> None:
    bench = json.loads((ROOT / "docs" / "bench.json").read_text("utf-8"))
    assert f"Judging 20 documents is {bench['judging']['20']['ratio']:.1f} times as fast" in README
