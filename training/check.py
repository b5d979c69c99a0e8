"""Whether a configuration trains: the real architecture, with random weights, through a real step of a stage.

    python -m training.check --config training/configs/qwen3vl-4b-qlora.yaml [--shrink true] [--steps 3]

Data, step, saving, loading, judging: by the code of the stages and of answering. At full size it takes a CUDA card;
without one only the parameters are counted (on the meta device, without memory), or, shrunk, all of it goes through on
the CPU with the same classes at toy widths. Prints one JSON object.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from trl import GRPOConfig, TrlParser

from mmrag.errors import CheckpointError, MmragError
from mmrag.policy.load import DTYPES, load_policy
from mmrag.policy.prompts import judge_prompt, rank_prompt
from training.families import Family, family
from training.grpo import train
from training.progress import speak
from training.rows import Worlds, mapped, row
from training.start import StageConfig, adapted

log = logging.getLogger("training.check")


@dataclass
class CheckConfig:
    """How to check."""

    shrink: bool = False  # toy widths of the same classes, on the CPU
    steps: int = 1


def check(stage: StageConfig, args: GRPOConfig, how: CheckConfig) -> dict[str, Any]:
    """Everything that was found.

    Raises:
        BadSetting: the family of `stage.base` is not built here.
    """
    built = family(stage.base)
    found = {"base": stage.base, "shrunk": how.shrink, "quantize": stage.quantize, "dtype": stage.dtype}
    found |= parameters(built, stage, how.shrink)
    if not (how.shrink or torch.cuda.is_available()):
        return {**found, "device": "meta", "step": "left out: it takes a CUDA card, or --shrink true"}
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        return {**found, **stepped(built, stage, args, how, Path(folder))}


def parameters(built: Family, stage: StageConfig, shrunk: bool) -> dict[str, int]:
    """How many there are, and how many of them a fresh adapter trains; counted without memory."""
    with torch.device("meta"):
        network = built.build(shrunk)[1]()
        whole = sum(parameter.numel() for parameter in network.parameters())
        model = adapted(network, replace(stage, start="none"))
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    return {"parameters": whole, "trainable": trained}


def stepped(built: Family, stage: StageConfig, args: GRPOConfig, how: CheckConfig, folder: Path) -> dict[str, Any]:
    """Write random weights to `folder`, train on them, load what was trained, and judge a document with it."""
    random_weights(built, how.shrink, DTYPES[stage.dtype], folder / "policy")
    stage = replace(stage, base=str(folder / "policy"), start="none", out=str(folder / "stage"))
    args.output_dir, args.max_steps, args.log_completions = str(folder / "run"), how.steps, False
    args.mask_truncated_completions = False  # random weights never end a text
    args.warmup_steps = 0  # else the first step has no length
    shown = Worlds((stage.first_world,), 12, 30, stage.drawn)
    rows = mapped(partial(rows_of, shown, args.seed), folder / "rows", {})
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    out = train(stage, args, rows, rows.select(range(2)), [variety])
    steps = [one for one in json.loads((out / "card.json").read_text())["history"] if "step_time" in one]
    policy = load_policy(
        stage.base, {"stage": out}, quantize=stage.quantize, device="cpu" if args.use_cpu else None, dtype=stage.dtype
    )
    policy.use("stage")
    room, _ = next(shown.rooms(args.seed))
    question = room.single[0]
    judgement = policy.judge(room.query(question), [room.shown(question.evidence[0])])[0]
    return {
        "device": policy.fingerprint.device if args.use_cpu else torch.cuda.get_device_name(),
        "seconds_per_step": [round(one["step_time"], 3) for one in steps],
        "tokens": steps[-1]["num_tokens"],
        "memory_bytes": memory(),
        "adapter_bytes": (out / "adapter_model.safetensors").stat().st_size,
        "moved": moved(out),
        "p_keep_after_loading": round(judgement.p_keep, 6),
    }


def variety(completions: Sequence[list[dict[str, str]]], **_: Any) -> list[float]:
    """A reward that random texts differ in: by the stages' own all earn nothing, and a step would move nothing."""
    return [len(set(written[0]["content"])) / 100 for written in completions]


def moved(adapter: Path) -> float:
    """The largest weight that was zero before the first step.

    Raises:
        CheckpointError: none has moved, so nothing is learned.
    """
    weights = load_file(adapter / "adapter_model.safetensors")
    largest = max(float(value.abs().max()) for name, value in weights.items() if "lora_B" in name)
    if not largest > 0:
        raise CheckpointError("no weight of the adapter has moved: see which modules it is on, and the learning rate")
    return largest


def random_weights(built: Family, shrunk: bool, dtype: torch.dtype, folder: Path) -> None:
    """A checkpoint of random weights, as a hub would bring one of trained ones."""
    processor, network = built.build(shrunk)
    usual = torch.get_default_dtype()
    torch.set_default_dtype(dtype)  # a float32 network of the full size would need twice the memory
    try:
        with torch.device("cuda" if torch.cuda.is_available() and not shrunk else "cpu"):
            model = network()
    finally:
        torch.set_default_dtype(usual)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def rows_of(worlds: Worlds, seed: int) -> Iterator[dict[str, Any]]:
    """A point-wise and a list-wise row of every question: prompts with no, one and several pictures."""
    for room, _ in worlds.rooms(seed):
        for question in room.single:
            query, shown = room.query(question), room.shuffled(question, 4)
            names = [one.document.id for one in shown]
            yield row(rank_prompt(query, shown), question, names, "ranked", None)
            wanted = names[0] in question.evidence
            yield row(judge_prompt(query, shown[0]), question, names[:1], "judged", wanted)


def memory() -> int:
    """The most bytes that were held at once: of the card, or of this process."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the configuration, check, print; 0, or 2 after one line on standard error."""
    speak()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not torch.cuda.is_available():
        given += ["--use_cpu", "true", "--bf16", "false"]  # else the settings of a card are refused
    stage, args, how = TrlParser((StageConfig, GRPOConfig, CheckConfig)).parse_args_and_config(given)
    try:
        with redirect_stdout(sys.stderr):  # where the trainer tells its steps: standard output is for the result
            found = check(stage, args, how)
    except MmragError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
