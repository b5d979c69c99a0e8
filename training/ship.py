"""Put a finished pre-training checkpoint in its place among the embedded models, small enough to be committed.

    python -m training.ship --checkpoint runs/base/last --out assets/models/policy

Weights in bfloat16, in safetensors shards under 9 MB, with the processor, the generation settings, and a model card
whose figures come from the checkpoint's own state.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor
from trl import TrlParser

from mmrag.errors import CheckpointError
from mmrag.settings import POLICY
from training.checkpoint import spent

SHARD = "9MB"


@dataclass
class ShipConfig:
    """From where to where."""

    checkpoint: str = "runs/base/last"
    out: str = str(POLICY)


def ship(config: ShipConfig) -> Path:
    """Write `config.out` anew; it is replaced whole or not at all.

    Raises:
        CheckpointError: the checkpoint is not there.
    """
    source, out = Path(config.checkpoint), Path(config.out)
    if not (source / "state.json").is_file():
        raise CheckpointError(f"there is no checkpoint in {source}: run `make train-base` first")
    state = {**json.loads((source / "state.json").read_text()), **spent(source), "before": {}}
    fresh = out.with_name(out.name + ".writing")
    shutil.rmtree(fresh, ignore_errors=True)
    model = AutoModelForImageTextToText.from_pretrained(source, local_files_only=True, dtype=torch.bfloat16)
    model.save_pretrained(fresh, max_shard_size=SHARD)
    AutoProcessor.from_pretrained(source, local_files_only=True).save_pretrained(fresh)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    (fresh / "training.json").write_text(json.dumps({"parameters": parameters, **state}, indent=1) + "\n")
    (fresh / "README.md").write_text(card(parameters, state))
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    return out


def card(parameters: int, state: dict[str, Any]) -> str:
    """The model card: what it is, how it was made, and how it does on a world it never saw."""
    rows = "\n".join(_row(skill, found) for skill, found in state["held_out"].items())
    return f"""# The embedded policy

A Qwen3-VL of {parameters / 1e6:.1f} million parameters, trained from nothing on generated worlds by `training`:
{state["pictures"]:,} pictures for its vision tower alone, then {state["tokens"] / 1e6:.1f} million tokens in
{state["step"]:,} steps; {state["seconds"] / 60:.0f} minutes in all.

On worlds that it never saw, by its first choice at every token: the share of the tokens to be written, of the lessons
right to the last token, of the lessons whose verdict and document numbers are right, and of those where it is foretold
of every document rightly, as it ends, whether it helps.

| skill | lessons | tokens | whole | decided | helps |
|---|---|---|---|---|---|
{rows}

It knows nothing of the real world: all it can do is read, look and compare what it is shown.
"""


def _row(skill: str, found: dict[str, float]) -> str:
    cells = [f"{found[name]:.3f}" if name in found else "" for name in ("tokens", "whole", "decided", "helps")]
    return f"| {skill} | {found['lessons']:.0f} | {' | '.join(cells)} |"


def main() -> None:
    """Read flags and ship."""
    (config,) = TrlParser(ShipConfig).parse_args_and_config()
    ship(config)


if __name__ == "__main__":
    main()
