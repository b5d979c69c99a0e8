"""A trained adapter as a folder: half precision, a card of how it was made, put in place by one rename."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from torch.distributed.tensor import DTensor

from mmrag.policy import weights
from mmrag.policy.load import TOWERS
from mmrag.settings import ROOT

EXCLUDED = rf".*({'|'.join(TOWERS)}).*"  # modules without an adapter
PLACES = ("base", "start", "start_from", "out", "runs", "device", "resume")
LIBRARIES = ("torch", "transformers", "trl", "peft", "bitsandbytes")


def write_adapter(model: Any, out: Path, card: Mapping[str, Any]) -> Path:
    """Write the adapter of the peft model `model` to the folder `out` with its `card`; what was there is replaced.

    Of several processes every one has to call this, and the first writes.
    """
    trained, state = gathered(model), PartialState()
    if state.is_main_process:
        _write(model, trained, out, card)
    state.wait_for_everyone()
    return out


def gathered(model: Any) -> dict[str, torch.Tensor]:
    """What is trained of a model, in half precision; whole, over however many cards it is spread."""
    trained = ((name, value.detach()) for name, value in model.named_parameters() if value.requires_grad)
    whole = ((name, value.full_tensor() if isinstance(value, DTensor) else value) for name, value in trained)
    return {name: value.to("cpu", torch.bfloat16) for name, value in whole}


def _write(model: Any, trained: Mapping[str, torch.Tensor], out: Path, card: Mapping[str, Any]) -> None:
    fresh = out.with_name(out.name + ".writing")
    shutil.rmtree(fresh, ignore_errors=True)
    # Not TRL's "ref" beside it, the copy of the start that a KL term is measured from.
    model.save_pretrained(fresh, state_dict=dict(trained), selected_adapters=["default"])
    (fresh / "README.md").unlink(missing_ok=True)
    (fresh / "card.json").write_text(json.dumps({**card, **made_with()}, indent=1))
    adapter = json.loads((fresh / "adapter_config.json").read_text())
    adapter["base_model_name_or_path"] = "../policy"  # not a path of the machine that trained it
    adapter["target_modules"] = sorted(adapter["target_modules"])  # a set's order is another in every process
    (fresh / "adapter_config.json").write_text(json.dumps(adapter, indent=1))
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)


def digest(folder: Path) -> str:
    """Which weights a folder holds, those of a base or of an adapter.

    Raises:
        CheckpointError: there are none, or they are damaged.
    """
    return weights.digest(weights.weight_files(folder))


def portable(config: Any) -> dict[str, Any]:
    """The settings of a dataclass without folders and device, which are those of one machine, and without `resume`."""
    return {name: value for name, value in asdict(config).items() if name not in PLACES}


def made_with() -> dict[str, Any]:
    """The commit and the libraries that a run is made with."""
    return {"commit": _commit(), "versions": {name: version(name) for name in LIBRARIES}}


def _commit() -> str | None:
    """The commit that is checked out; None where it cannot be read, as in a copy without history."""
    head = ROOT / ".git" / "HEAD"
    if not head.is_file():
        return None
    found = head.read_text().strip()
    if not found.startswith("ref: "):
        return found[:12]
    ref = head.parent / found.removeprefix("ref: ")
    return ref.read_text().strip()[:12] if ref.is_file() else None
