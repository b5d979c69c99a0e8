"""What a reinforcement stage starts from: its settings, the base and the adapter, or the run that it goes on with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from trl import GRPOConfig

from mmrag.errors import CheckpointError
from mmrag.policy.load import load_policy
from mmrag.policy.local import LocalPolicy
from mmrag.policy.weights import find_checkpoint
from mmrag.settings import MODELS, POLICY
from training.adapter import EXCLUDED, digest
from training.checkpoint import last_whole
from training.classroom import DRAWN
from training.rewards import listwise, pointwise

Weights = Mapping[str, Mapping[str, float]]
LEARNING = (  # of TRL's settings those that make another run; where it is kept and how it is told may change
    "seed",
    "max_steps",
    "num_train_epochs",
    "learning_rate",
    "lr_scheduler_type",
    "warmup_steps",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "num_generations",
    "max_completion_length",
    "temperature",
    "beta",
    "loss_type",
    "mask_truncated_completions",
)


@dataclass
class StageConfig:
    """What a stage adds to TRL's own settings."""

    base: str = str(POLICY)  # a folder, or a hub id
    quantize: str = "none"  # none | int8 | nf4: the base's; adapters stay whole
    dtype: str = "float32"  # of the base; bfloat16 on CUDA
    start: str = str(MODELS / "sft")  # the adapter to go on from; "none" for a fresh one
    rank: int = 32  # of a fresh adapter
    alpha: int = 64
    out: str = str(MODELS / "stage1")
    first_world: int = 13_000  # of the worlds that rows are cut from
    worlds: int = 12
    entities: int = 48
    questions: int = 60  # of each world
    drawn: int = DRAWN  # pixels of a picture's side
    longest: int = 2048  # tokens of a prompt, pictures included; longer ones are left out
    examined_world: int = 9_100  # of the fixed slice, never trained on
    examined: int = 64  # rows of it
    examined_worlds: int = 1  # from that one on, that point-wise rows of the slice are cut from, as those to learn from
    verdict: float = pointwise.WEIGHTS["verdict"]  # what the components of a point-wise reward weigh
    form: float = pointwise.WEIGHTS["format"]
    kept: float = pointwise.KEPT  # what keeping a document that is no evidence earns, where dropping it earns 1
    ranking: float = listwise.WEIGHTS["ranking"]  # and of a list-wise one
    answer: float = listwise.WEIGHTS["answer"]
    reasoning: float = listwise.WEIGHTS["reasoning"]
    resume: bool = False

    @property
    def weights(self) -> Weights:
        """By kind of row and component; the form of a ranked answer is a gate, told and not weighed."""
        ranked = {"ranking": self.ranking, "answer": self.answer, "reasoning": self.reasoning, "format": 0.0}
        return {"judged": {"verdict": self.verdict, "format": self.form}, "ranked": ranked}


def starting_policy(config: StageConfig) -> LocalPolicy:
    """The policy that a stage starts from, to choose rows by."""
    adapters = {} if config.start == "none" else {"start": Path(config.start)}
    policy = load_policy(config.base, adapters, quantize=config.quantize, dtype=config.dtype)
    policy.use("start" if adapters else None)
    return policy


def begun_with(config: StageConfig) -> dict[str, str]:
    """What identifies the weights that a stage starts from."""
    start = "none" if config.start == "none" else digest(Path(config.start))
    return {"base": digest(find_checkpoint(config.base)), "start": start}


def begun(run: Path, about: Mapping[str, Any]) -> str | None:
    """The last checkpoint of a run that goes on; None where there is none.

    `about`: what its record would say if it were begun now.

    Raises:
        CheckpointError: the run was begun from other weights or with other settings, and would end as neither.
    """
    last = last_whole(run)
    if not last:
        return None
    before = json.loads((run / "run.json").read_text("utf-8"))
    if before["weights"] != about["weights"]:
        raise CheckpointError(f"{run} was begun from other weights: begin anew without --resume, or elsewhere")
    settings = [("stage", name) for name in about["stage"]] + [("trainer", name) for name in LEARNING]
    if other := [name for of, name in settings if before[of].get(name) != about[of].get(name)]:
        raise CheckpointError(f"{run} was begun with another {', '.join(other)}: begin anew without --resume")
    return last


def adapted(base: Any, config: StageConfig) -> Any:
    """`base` with the adapter to train: the one named, or a fresh one on every linear layer outside the tower."""
    if config.start != "none":
        return PeftModel.from_pretrained(base, config.start, is_trainable=True)
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        target_modules="all-linear",
        exclude_modules=EXCLUDED,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(base, lora)


def device(args: GRPOConfig) -> str:
    """Where this process loads the base: its own card; the CPU where FSDP will spread it, or where there is none."""
    if args.use_cpu or not torch.cuda.is_available() or os.environ.get("ACCELERATE_USE_FSDP") == "true":
        return "cpu"
    return f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
