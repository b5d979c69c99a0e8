"""Which part of the training earns what: variants on the same questions of unseen worlds, compared pair by pair.

    python -m training.ablate --config training/configs/ablation.yaml [--only sft stage2]

Ours. Every variant is an adapter of one base. What each earned is kept by question in `docs/marks`, so the table can be
checked without training anything, a killed run goes on with the variant after the last one, and a variant is trained
(`training.variants`) and marked anew only when what it is made of or the questions have changed. Writes
`docs/results.json`, which the page reads, and `docs/results.md`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mmrag.errors import MmragError, UnknownId
from mmrag.policy.load import load_policy
from mmrag.policy.local import LocalPolicy
from mmrag.policy.prompts import Prompt
from mmrag.session import open_collection
from mmrag.settings import ENCODER, POLICY, Settings
from training.adapter import digest, made_with
from training.marks import FIGURES, Mark, Marked, changed, difference, figure, read_marks, write_marks
from training.outcomes import Evaluation
from training.progress import speak
from training.variants import Strict, Variant, made_from, train_missing
from training.world import World
from training.world.write import words_of, write_world

log = logging.getLogger("training.ablate")


class Comparison(Strict):
    """Two variants, and the figures to compare them by."""

    ours: str
    theirs: str
    by: tuple[str, ...]


class Ablation(Strict):
    """What to compare, and on what."""

    base: Path = POLICY
    worlds: tuple[int, ...]  # seeds that nothing was trained or tuned on
    entities: int = 100
    questions: int = 1000  # of each world
    seed: int = 0
    runs: Path = Path("runs/ablation")
    marks: Path = Path("docs/marks")
    results: Path = Path("docs/results.json")
    variants: Mapping[str, Variant]
    comparisons: tuple[Comparison, ...] = ()
    shown: tuple[str, str] | None = None  # two variants of which questions are shown, before and after
    examples: int = 24  # of those that only one of the two answers right

    def made_of(self, name: str) -> dict[str, Any]:
        """What the marks of a variant depend on, but for the code that asks and marks.

        Raises:
            CheckpointError: an adapter that no command makes is not there.
        """
        return {
            **made_from(name, self.variants, self.base),
            "encoder": digest(ENCODER),
            "worlds": {str(seed): _words(seed, self.entities, self.questions) for seed in self.worlds},
            "size": [self.entities, self.questions],
            "seed": self.seed,
            "settings": asdict(Settings()),
        }

    def marked(self, name: str) -> tuple[dict[str, Any], list[Mark]] | None:
        """How a variant's marks were made, and they; None where it has none yet."""
        variant = self.variants[name]
        if not variant.trained and not variant.adapter.is_dir():
            return None
        return read_marks(self.marks / f"{name}.jsonl.gz", self.made_of(name))


def ablate(config: Ablation, only: Sequence[str] = ()) -> dict[str, Any]:
    """Train and mark what is missing, of the variants `only` or of all; compare all that have marks; write the results.

    Raises:
        CheckpointError: a variant's adapter is not there, and cannot be trained.
        UnknownId: there is no such variant.
    """
    if unknown := next((one for one in only if one not in config.variants), None):
        raise UnknownId(f"there is no variant {unknown!r}: choose among {', '.join(config.variants)}")
    for name in only or config.variants:
        if config.marked(name) is None:
            train_missing(name, config.variants, config.base, config.runs)
            mark(config, name)
    made = {name: found for name in config.variants if (found := config.marked(name))}
    found = results(config, made)
    config.results.parent.mkdir(parents=True, exist_ok=True)
    config.results.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    config.results.with_suffix(".md").write_text(page(found), "utf-8")
    return found


def mark(config: Ablation, name: str) -> None:
    """Mark a variant on every world, and keep the marks."""
    policy = load_policy(config.base, {name: config.variants[name].adapter})
    policy.use(name)
    marks = [one for seed in config.worlds for one in _in_world(config, policy, Settings(), seed, name)]
    made = {
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "device": policy.fingerprint.device,
        **made_with(),
    }
    write_marks(config.marks / f"{name}.jsonl.gz", config.made_of(name), made, marks)


def _in_world(config: Ablation, policy: LocalPolicy, settings: Settings, seed: int, name: str) -> list[Mark]:
    folder = config.runs / f"world-{seed}-{_words(seed, config.entities, config.questions)}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_world(World(seed, config.entities), config.questions, folder)
    opened = open_collection(folder)
    evaluation = Evaluation(opened, policy, settings, config.seed)
    outcomes = evaluation.run(opened.collection.questions, f"{name} in world {seed}")
    blank = policy.count(Prompt.of(""))
    return [Mark.of(one, lambda text: policy.count(Prompt.of(text)) - blank) for one in outcomes]


@cache
def _words(seed: int, entities: int, questions: int) -> str:
    return words_of(World(seed, entities), questions)


def results(config: Ablation, made: Mapping[str, tuple[dict[str, Any], Sequence[Mark]]]) -> dict[str, Any]:
    """Everything that the page and the document tell."""
    marked = {name: Marked.of(marks) for name, (_, marks) in made.items()}
    compared = [one for one in config.comparisons if {one.ours, one.theirs} <= set(marked)]
    size, newest = next(iter(marked.values())), max((how for how, _ in made.values()), key=lambda how: how["date"])
    found: dict[str, Any] = {
        "made": {
            **{key: newest[key] for key in ("date", "commit")},
            "lacking": [name for name in config.variants if name not in made],
            "worlds": list(config.worlds),
            "questions": size.size,
            "judged": int((~np.isnan(size.p_keep)).sum()),
        },
        "figures": {name: says for name, (says, _) in FIGURES.items()},
        "variants": {
            name: {
                "says": config.variants[name].says,
                "made": made[name][0],
                **{key: figure(one, key).to_dict() for key in FIGURES},
            }
            for name, one in marked.items()
        },
        "comparisons": [
            {
                "ours": one.ours,
                "theirs": one.theirs,
                **{key: difference(marked[one.ours], marked[one.theirs], key).to_dict() for key in one.by},
            }
            for one in compared
        ],
    }
    if config.shown and set(config.shown) <= set(made):
        before, after = config.shown
        told = changed(made[before][1], made[after][1], config.examples, config.seed)
        found["changed"] = {"before": before, "after": after, **told}
    return found


def page(found: Mapping[str, Any]) -> str:
    """The results as a document."""
    made, figures = found["made"], found["figures"]
    lines = [
        "# Results",
        "",
        "Written by `python -m training.ablate --config training/configs/ablation.yaml`; every figure with its 95 %",
        f"interval, a bootstrap over the same {made['questions']:,} questions of worlds that nothing was trained or",
        f"tuned on (seeds {', '.join(map(str, made['worlds']))}); {made['judged']:,} retrieved documents were judged.",
        "The marks of every question are in `docs/marks`: the figures can be made again without training anything.",
        *([f"Not marked yet: {', '.join(made['lacking'])}.", ""] if made["lacking"] else [""]),
        _row("variant", ["what it is", *figures.values()]),
        _row("---", ["---"] * (1 + len(figures))),
        *(_row(name, [one["says"], *(_told(one[key]) for key in figures)]) for name, one in found["variants"].items()),
        "",
        "## Differences on the same questions",
        "",
        "| compared | figure | difference |",
        "|---|---|---|",
        *(
            f"| {one['ours']} against {one['theirs']} | {figures[key]} | {_told(one[key], signed=True)} |"
            for one in found["comparisons"]
            for key in figures
            if key in one
        ),
        "",
        "## How each was marked",
        "",
        "| variant | date | commit | hardware | torch | transformers | trl |",
        "|---|---|---|---|---|---|---|",
        *(_row(name, _marked_with(one["made"])) for name, one in found["variants"].items()),
        "",
    ]
    return "\n".join(lines)


def _marked_with(made: Mapping[str, Any]) -> list[str]:
    versions = made["versions"]
    hardware = f"{made['hardware']}, {made['device']}"
    return [made["date"], made["commit"], hardware, *(versions[one] for one in ("torch", "transformers", "trl"))]


def _row(first: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join([first, *cells])} |"


def _told(one: Mapping[str, Any], signed: bool = False) -> str:
    form = "{:+.3f}" if signed else "{:.3f}" if abs(one["value"]) < 10 else "{:.1f}"
    return f"{form.format(one['value'])} [{form.format(one['ci95'][0])}, {form.format(one['ci95'][1])}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the configuration, compare; 0, or 2 after one line on standard error."""
    speak()
    parser = argparse.ArgumentParser(prog="python -m training.ablate", description="Which part earns what.")
    parser.add_argument("--config", type=Path, default=Path("training/configs/ablation.yaml"))
    parser.add_argument(
        "--only", nargs="+", metavar="VARIANT", help="make these alone; the table tells of all that have marks"
    )
    flags = parser.parse_args(arguments)
    try:
        found = ablate(Ablation(**yaml.safe_load(flags.config.read_text("utf-8"))), flags.only or ())
    except MmragError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    log.info("%d variants compared on %d questions", len(found["variants"]), found["made"]["questions"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
