"""Variants of the training: adapters of one base, each with the command that makes it.

Ours. A variant whose adapter is missing, or was made from other weights or by another command, is trained before it is
compared; a killed training goes on where it stopped. A variant without a command is one that is shipped.
"""

from __future__ import annotations

import json
import logging
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

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


def train_missing(name: str, variant: Variant, base: Path, runs: Path) -> None:
    """Train `variant` unless its adapter is there, made by the same command from the same weights.

    Raises:
        CheckpointError: the training failed, or there is no command that would make the adapter.
    """
    if not variant.trained:
        if not variant.adapter.is_dir():
            raise CheckpointError(f"no adapter in {variant.adapter}: `make train-stages` trains the shipped stages")
        return
    wanted = {
        "command": variant.trained,
        "base": digest(base),
        "start": digest(variant.start) if variant.start else None,
    }
    record, begun = variant.adapter / "made_of.json", runs / "made_of.json"
    if _read(record) == wanted:
        return
    if _read(begun) != wanted:
        shutil.rmtree(runs, ignore_errors=True)
        runs.mkdir(parents=True)
        begun.write_text(json.dumps(wanted))
    log.info("training %s: %s", name, variant.says)
    command = [*variant.command(runs), "--resume", "true"]
    if subprocess.run(command, check=False).returncode:  # noqa: S603 a module of this project, by `Variant`
        raise CheckpointError(f"training {name} failed, as told above: mend that and run again, it goes on from {runs}")
    record.write_text(json.dumps(wanted))


def _read(record: Path) -> object:
    return json.loads(record.read_text()) if record.is_file() else None
