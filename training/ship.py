"""Put a finished pre-training checkpoint in its place among the embedded models, small enough to be committed.

    python -m training.ship --checkpoint runs/base/last --out assets/models/policy

Weights in bfloat16, in safetensors shards under 9 MB, with the processor, the generation settings, and a model card
whose figures come from the checkpoint's own state and from an examination of its single skills.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor
from trl import TrlParser

from mmrag.errors import CheckpointError
from mmrag.settings import POLICY
from training.card import write_card
from training.checkpoint import spent
from training.examine import examine

SHARD = "9MB"


@dataclass
class ShipConfig:
    """From where to where."""

    checkpoint: str = "runs/base/last"
    out: str = str(POLICY)
    questions: int = 240  # of each single skill, for the card


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
    write_card(fresh, {"parameters": parameters, **state})
    examine(fresh, config.questions)
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    return out


def main() -> None:
    """Read flags and ship."""
    (config,) = TrlParser(ShipConfig).parse_args_and_config()
    ship(config)


if __name__ == "__main__":
    main()
