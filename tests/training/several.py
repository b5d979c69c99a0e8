"""What one of several processes does, as each card of a machine does it; run by torch.distributed.run.

python -m torch.distributed.run --standalone --nproc_per_node 2 -m tests.training.several learn CHECKPOINT FOLDER
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import torch.distributed
from peft import PeftModel
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from transformers import AutoModelForImageTextToText
from trl import GRPOConfig

from tests.training.parts import SETTINGS, config
from training.adapter import write_adapter
from training.check import rows_of
from training.grpo import train
from training.progress import speak
from training.rows import Worlds, mapped


def learn(checkpoint: Path, folder: Path) -> None:
    """Make rows, and learn from them in two steps."""
    speak()
    settings = SETTINGS | {"max_steps": 2, "per_device_train_batch_size": 4}
    args = GRPOConfig(output_dir=str(folder / "run"), **settings)
    rows = mapped(partial(rows_of, Worlds((9_400,), 12, 30), 3), folder / "rows", {"seed": 3})
    train(config(checkpoint, folder / "stage"), args, rows, rows.select(range(4)))


def shard(checkpoint: Path, folder: Path) -> None:
    """Spread a model over the processes, as FSDP does, and write its adapter."""
    GRPOConfig(output_dir=str(folder), use_cpu=True, bf16=False)  # begins the process group, as in a stage
    base = AutoModelForImageTextToText.from_pretrained(checkpoint)
    model = PeftModel.from_pretrained(base, checkpoint.parent / "sft", is_trainable=True)
    mesh = init_device_mesh("cpu", (torch.distributed.get_world_size(),))
    for layer in base.model.language_model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    write_adapter(model, folder / "adapter", {})


if __name__ == "__main__":
    what, *places = sys.argv[1:]
    {"learn": learn, "shard": shard}[what](*map(Path, places))
