"""The card beside the base's weights: what they are, how they were made, and what they can do.

Its figures come from the record of the run, `training.json`, which lies beside it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECORD, CARD = "training.json", "README.md"


def write_card(folder: Path, record: dict[str, Any]) -> None:
    """Write `record` and the card that tells it into `folder`."""
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n")
    (folder / CARD).write_text(card(record))


def card(record: dict[str, Any]) -> str:
    """The card of a record."""
    return f"""# The embedded policy

A Qwen3-VL of {record["parameters"] / 1e6:.1f} million parameters, trained from nothing on generated worlds by
`training`: {record["pictures"]:,} pictures for its vision tower alone, then {record["tokens"] / 1e6:.1f} million tokens
in {record["step"]:,} steps; {record["seconds"] / 60:.0f} minutes in all.

{_single(record.get("single", {}))}{_lessons(record["held_out"])}It knows nothing of the real world: all it can do is
read, look and compare what it is shown.
"""


def _single(single: dict[str, Any]) -> str:
    rows = "".join(
        f"| {skill} | {found['questions']} | {found['value']:.2f} [{found['ci95'][0]:.2f}, {found['ci95'][1]:.2f}] |\n"
        for skill, found in single.items()
    )
    told = """Single skills, which reinforcement can put together but not teach: questions of worlds that it never saw,
each over five documents, answered rightly (95 % intervals, by `python -m training.examine`).

| skill | questions | right |
|---|---|---|
"""
    return f"{told}{rows}\n" if rows else ""


def _lessons(held_out: dict[str, dict[str, float]]) -> str:
    rows = "".join(_row(skill, found) for skill, found in held_out.items())
    return f"""Lessons of worlds that it never saw, by its first choice at every token: the share of the tokens to be
written, of the lessons right to the last token, of the lessons whose verdict and document numbers are right, and of
those where it is foretold of every document rightly, as it ends, whether it helps.

| skill | lessons | tokens | whole | decided | helps |
|---|---|---|---|---|---|
{rows}
"""


def _row(skill: str, found: dict[str, float]) -> str:
    cells = [f"{found[name]:.3f}" if name in found else "" for name in ("tokens", "whole", "decided", "helps")]
    return f"| {skill} | {found['lessons']:.0f} | {' | '.join(cells)} |\n"
