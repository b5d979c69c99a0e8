"""Variants of the training: adapters of one base, each with the command that makes it.

Ours. A variant whose adapter is missing, or was made from other weights, by another command or with other settings, is
trained before it is marked; a killed training goes on where it stopped. A variant without a command is one that is
shipped.
"""

from __future__ import annotations

import json
import logging
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, field_validator

from mmrag.errors import CheckpointError
from training.adapter import digest

log = logging.getLogger("training.variants")


class Strict(BaseModel):
    """No key that nobody reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Variant(Strict):
    """One way of training: its adapter, what it is in words, and what makes it where it is not shipped."""

    adapter: Path
    says: str
    trained: str = ""  # module and flags; {adapter}, {runs} and {start} stand for folders
    start: Path | None = None  # the adapter that it goes on from

    @field_validator("trained")
    @classmethod
    def _ours(cls, trained: str) -> str:
        if trained and not re.match(r"training\.\w+( |$)", trained):
            raise ValueError(f"{trained!r} is no command of this project: begin with a module, like training.stage2")
        return trained

    def command(self, runs: Path) -> list[str]:
        """The command that trains it, its checkpoints under `runs`."""
        places = {"adapter": str(self.adapter), "runs": str(runs), "start": str(self.start)}
        return [sys.executable, "-m", *(word.format(**places) for word in shlex.split(self.trained))]

    def config(self) -> Any:
        """What stands in the file of settings that the command names, so that another setting is another variant."""
        words = shlex.split(self.trained)
        named = [file for flag, file in pairwise(words) if flag == "--config"]
        return [yaml.safe_load(Path(file).read_text("utf-8")) for file in named]


def made_from(name: str, variants: Mapping[str, Variant], base: Path) -> dict[str, Any]:
    """All that the weights of a variant depend on, in JSON's terms: they themselves, or what trains them from what.

    Raises:
        CheckpointError: an adapter that no command makes is not there, or a folder has no weights.
    """
    variant = variants[name]
    if not variant.trained:
        if not variant.adapter.is_dir():
            raise CheckpointError(f"no adapter in {variant.adapter}: `make train-stages` trains the shipped stages")
        return {"base": digest(base), "adapter": digest(variant.adapter)}
    start = begun_from(variant, variants)
    return {
        "base": digest(base),
        "command": variant.trained,
        "config": variant.config(),
        "start": made_from(start, variants, base) if start else digest(variant.start) if variant.start else None,
    }


def begun_from(variant: Variant, variants: Mapping[str, Variant]) -> str | None:
    """The name of the variant whose adapter `variant` goes on from; None where it is no variant's."""
    return next((name for name, one in variants.items() if one.adapter == variant.start), None)


def train_missing(name: str, variants: Mapping[str, Variant], base: Path, runs: Path) -> None:
    """Train a variant, and first what it goes on from, unless the adapter is there, made of the same; `runs` holds all.

    Raises:
        CheckpointError: the training failed, or there is no command that would make the adapter.
    """
    variant, wanted = variants[name], made_from(name, variants, base)
    record, begun = variant.adapter / "made_of.json", runs / name / "made_of.json"
    if not variant.trained or _read(record) == wanted:
        return
    if start := begun_from(variant, variants):
        train_missing(start, variants, base, runs)
    if _read(begun) != wanted:
        shutil.rmtree(begun.parent, ignore_errors=True)
        begun.parent.mkdir(parents=True)
        begun.write_text(json.dumps(wanted))
    log.info("training %s: %s", name, variant.says)
    command = [*variant.command(begun.parent), "--resume", "true"]
    if subprocess.run(command, check=False).returncode:  # noqa: S603 a module of this project, by `Variant`
        raise CheckpointError(
            f"training {name} failed, as told above: mend that and run again, it goes on from {begun.parent}"
        )
    record.write_text(json.dumps(wanted))


def _read(record: Path) -> object:
    return json.loads(record.read_text()) if record.is_file() else None
