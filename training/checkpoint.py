"""How a run of pre-training begins and is kept: a folder `last`, always whole, with all that a killed run needs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoModelForImageTextToText, AutoProcessor

from mmrag.errors import CheckpointError
from training.adapter import made_with, portable
from training.architecture import make_model, make_processor, make_tokenizer
from training.vocabulary import texts


@dataclass(frozen=True)
class Begun:
    """What a run begins with. `last`: the checkpoint that it goes on from, if it was begun before."""

    model: Any
    processor: Any
    state: dict[str, Any]
    last: Path | None


def begin(run: Path, config: Any, fresh: Mapping[str, Any]) -> Begun:
    """Go on with `run` where `config.resume` and there is a checkpoint; else from `config.start_from`, or from nothing.

    `config`: the dataclass of the run's settings. `fresh` is the state of a new run; to it come the settings, the
    commit and the libraries, and what the weights that it starts from have cost ("before").

    Raises:
        CheckpointError: there is nothing to start from, or the run was begun with other settings.
    """
    settings, last, old = portable(config), run / "last", run / "old"
    if old.exists() and not last.exists():  # it was killed between the two renames of `save`
        old.rename(last)
    if config.resume and last.exists():
        state = json.loads((last / "state.json").read_text())
        before = state.get("settings", {})
        if other := [name for name, value in settings.items() if before.get(name, value) != value]:
            raise CheckpointError(f"{run} was begun with another {', '.join(other)}: begin anew without --resume true")
        return Begun(*load(last), state, last)
    state = {**fresh, "settings": settings, **made_with()}
    if config.start_from:
        start = Path(config.start_from)
        return Begun(*load(start), {**state, "before": spent(start)}, None)
    processor = make_processor(make_tokenizer(texts()))
    return Begun(make_model(processor.tokenizer), processor, state, None)


def load(folder: Path) -> tuple[Any, Any]:
    """Model in float32, and processor.

    Raises:
        CheckpointError: there is none.
    """
    if not (folder / "config.json").is_file():
        raise CheckpointError(f"there is no checkpoint in {folder}: train one, or give another --start_from")
    processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    return AutoModelForImageTextToText.from_pretrained(folder, local_files_only=True, dtype=torch.float32), processor


def save(run: Path, model: Any, processor: Any, tensors: Mapping[str, Mapping[str, Tensor]], state: Any) -> None:
    """A checkpoint in `run/last`: written beside it, renamed when whole. `tensors`: by the name of their file."""
    fresh, last, old = run / "writing", run / "last", run / "old"
    shutil.rmtree(fresh, ignore_errors=True)
    model.save_pretrained(fresh)
    processor.save_pretrained(fresh)
    for name, values in tensors.items():
        save_file(dict(values), fresh / f"{name}.safetensors")
    (fresh / "state.json").write_text(json.dumps(state, indent=1))
    shutil.rmtree(old, ignore_errors=True)
    if last.exists():
        last.rename(old)
    fresh.rename(last)
    shutil.rmtree(old, ignore_errors=True)


def last_whole(run: Path) -> str | None:
    """The last checkpoint of transformers' Trainer in the folder `run`; those that a killed run left half are removed.

    The Trainer writes its own state last; `get_last_checkpoint` would take the half one.
    """
    whole: dict[int, Path] = {}
    for one in run.glob("checkpoint-*"):
        try:
            whole[int(json.loads((one / "trainer_state.json").read_text("utf-8"))["global_step"])] = one
        except (OSError, ValueError):
            shutil.rmtree(one)
    return str(whole[max(whole)]) if whole else None


def clear(run: Path) -> None:
    """Leave no checkpoint of an earlier run, to be taken for one of this."""
    for old in run.glob("checkpoint-*"):
        shutil.rmtree(old)


def spent(folder: Path) -> dict[str, float]:
    """Tokens, steps and seconds that the weights in `folder` have cost so far, as their record says."""
    record = next((folder / name for name in ("state.json", "training.json") if (folder / name).is_file()), None)
    state = json.loads(record.read_text()) if record else {}
    before = state.get("before", {})
    return {name: state.get(name, 0) + before.get(name, 0) for name in ("tokens", "step", "seconds", "pictures")}


def device(wanted: str) -> torch.device:
    """The device named, or for "auto" the best there is."""
    return torch.device(wanted if wanted != "auto" else "cuda" if torch.cuda.is_available() else "cpu")
