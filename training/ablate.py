"""Which part of the training earns what: variants on the same questions of unseen worlds, compared pair by pair.

    python -m training.ablate --config training/configs/ablation.yaml [--only sft stage2]

Ours. Every variant is an adapter of one base; those that are not there yet are trained first (`training.variants`).
What a variant earned is kept by question, so a killed run goes on with the variant after the last one, and a variant is
marked anew only when its weights or the questions have changed. Writes `docs/results.json`, which the page reads, and
`docs/results.md`.
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
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from mmrag.errors import MmragError, UnknownId
from mmrag.policy.load import load_policy
from mmrag.policy.local import LocalPolicy
from mmrag.policy.prompts import Prompt
from mmrag.session import open_collection
from mmrag.settings import POLICY, Settings
from training.adapter import digest, made_with
from training.marks import FIGURES, Mark, Marked, changed, difference, figure, read_marks, write_marks
from training.outcomes import Evaluation
from training.variants import Strict, Variant, train_missing
from training.world import World
from training.world.write import write_world

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
    results: Path = Path("docs/results.json")
    variants: Mapping[str, Variant]
    comparisons: tuple[Comparison, ...] = ()
    shown: tuple[str, str] | None = None  # two variants of which questions are shown, before and after
    examples: int = 24  # of those that only one of the two answers right

    def only(self, names: Sequence[str]) -> Ablation:
        """The same of the variants `names` alone.

        Raises:
            UnknownId: there is no such variant.
        """
        if unknown := next((one for one in names if one not in self.variants), None):
            raise UnknownId(f"there is no variant {unknown!r}: choose among {', '.join(self.variants)}")
        variants = {name: one for name, one in self.variants.items() if name in names}
        compared = tuple(one for one in self.comparisons if {one.ours, one.theirs} <= set(variants))
        shown = self.shown if self.shown and set(self.shown) <= set(variants) else None
        return self.model_copy(update={"variants": variants, "comparisons": compared, "shown": shown})


def ablate(config: Ablation) -> dict[str, Any]:
    """Train what is missing, mark every variant, compare, and write both files of results.

    Raises:
        CheckpointError: a variant's adapter is not there, and cannot be trained.
    """
    for name, variant in config.variants.items():
        train_missing(name, variant, config.base, config.runs / name)
    policy = load_policy(config.base, {name: variant.adapter for name, variant in config.variants.items()})
    made = {name: marks(config, policy, name) for name in config.variants}
    found = results(config, {name: Marked.of(some) for name, some in made.items()})
    if config.shown:
        before, after = config.shown
        told = changed(made[before], made[after], config.examples, config.seed)
        found["changed"] = {"before": before, "after": after, **told}
    config.results.parent.mkdir(parents=True, exist_ok=True)
    config.results.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    config.results.with_suffix(".md").write_text(page(found), "utf-8")
    return found


def marks(config: Ablation, policy: LocalPolicy, name: str) -> list[Mark]:
    """The marks of a variant on every world, from the run's folder or made now."""
    path, settings = config.runs / f"{name}.jsonl", Settings()
    made_of = {
        "adapter": digest(config.variants[name].adapter),
        "worlds": list(config.worlds),
        "size": [config.entities, config.questions],
        "seed": config.seed,
        "settings": asdict(settings),
    }
    if (kept := read_marks(path, made_of)) is not None:
        return kept
    policy.use(name)
    made = [one for seed in config.worlds for one in _in_world(config, policy, settings, seed, name)]
    write_marks(path, made_of, made)
    return made


def _in_world(config: Ablation, policy: LocalPolicy, settings: Settings, seed: int, name: str) -> list[Mark]:
    folder = config.runs / f"world-{seed}-{config.entities}-{config.questions}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_world(World(seed, config.entities), config.questions, folder)
    opened = open_collection(folder)
    evaluation = Evaluation(opened, policy, settings, config.seed)
    outcomes = evaluation.run(opened.collection.questions, f"{name} in world {seed}")
    blank = policy.count(Prompt.of(""))
    return [Mark.of(one, lambda text: policy.count(Prompt.of(text)) - blank) for one in outcomes]


def results(config: Ablation, marked: Mapping[str, Marked]) -> dict[str, Any]:
    """Everything that the page and the document tell."""
    size = next(iter(marked.values()))
    return {
        "made": {
            "date": datetime.now(UTC).date().isoformat(),
            "hardware": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
            "device": "cuda" if torch.cuda.is_available() else "cpu",
            "worlds": list(config.worlds),
            "questions": size.size,
            "judged": int((~np.isnan(size.p_keep)).sum()),
            **made_with(),
        },
        "figures": {name: says for name, (says, _) in FIGURES.items()},
        "variants": {
            name: {"says": config.variants[name].says, **{key: figure(one, key).to_dict() for key in FIGURES}}
            for name, one in marked.items()
        },
        "comparisons": [
            {
                "ours": one.ours,
                "theirs": one.theirs,
                **{key: difference(marked[one.ours], marked[one.theirs], key).to_dict() for key in one.by},
            }
            for one in config.comparisons
        ],
    }


def page(found: Mapping[str, Any]) -> str:
    """The results as a document."""
    made, figures = found["made"], found["figures"]
    lines = [
        "# Results",
        "",
        "Written by `python -m training.ablate --config training/configs/ablation.yaml`; every figure with its 95 %",
        f"interval, a bootstrap over the same {made['questions']:,} questions of worlds that nothing was trained or",
        f"tuned on (seeds {', '.join(map(str, made['worlds']))}); {made['judged']:,} retrieved documents were judged.",
        f"{made['date']}, commit {made['commit']}, {made['hardware']}, {made['device']}; torch "
        f"{made['versions']['torch']}, transformers {made['versions']['transformers']}, trl {made['versions']['trl']}.",
        "",
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
    ]
    return "\n".join(lines)


def _row(first: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join([first, *cells])} |"


def _told(one: Mapping[str, Any], signed: bool = False) -> str:
    form = "{:+.3f}" if signed else "{:.3f}" if abs(one["value"]) < 10 else "{:.1f}"
    return f"{form.format(one['value'])} [{form.format(one['ci95'][0])}, {form.format(one['ci95'][1])}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the configuration, compare; 0, or 2 after one line on standard error."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    parser = argparse.ArgumentParser(prog="python -m training.ablate", description="Which part earns what.")
    parser.add_argument("--config", type=Path, default=Path("training/configs/ablation.yaml"))
    parser.add_argument("--only", nargs="+", metavar="VARIANT", help="these variants alone; all by default")
    flags = parser.parse_args(arguments)
    try:
        config = Ablation(**yaml.safe_load(flags.config.read_text("utf-8")))
        found = ablate(config.only(flags.only or tuple(config.variants)))
    except MmragError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    log.info("%d variants compared on %d questions", len(found["variants"]), found["made"]["questions"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
