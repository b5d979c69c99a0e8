"""The control of reinforcement: supervised training on the same rows, for as many steps of as many prompts.

    python -m training.supervised --config training/configs/embedded-stage2.yaml --learning_rate 2e-4 \\
        --output_dir runs/supervised --out runs/supervised/adapter

Ours. Takes the configuration of stage II, is examined as often on the same slice, and keeps its best checkpoint by it.
The targets say what the rewards look at, and besides the gold reasoning, which no reward ever sees: if anything, the
control is favoured.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset as Rows
from torch.utils.data import Dataset
from transformers import TrainingArguments
from trl import GRPOConfig, TrlParser

from mmrag.policy.load import load_weights, native
from mmrag.types import Question
from training.adapter import portable, write_adapter
from training.checkpoint import clear, last_whole
from training.data import Example, ranked_target
from training.grpo import taking_any_pictures
from training.progress import speak, tell_in_lines
from training.rows import fitting, prompt_of
from training.sft import Weighted, tensors
from training.slice import NEW_TOKENS, Examined
from training.stage2 import Stage2Config, prepared
from training.start import adapted, device


class Labelled(Dataset[list[Example]]):
    """Rows with their labels written out, so many at a time, in random order; read from disk as they are needed."""

    def __init__(self, rows: Rows, size: int, seed: int) -> None:
        self.rows, self.size = rows, size
        self.order = random.Random(seed).sample(range(len(rows)), len(rows))

    def __len__(self) -> int:
        return len(self.order) // self.size

    def __getitem__(self, index: int) -> list[Example]:
        return [labelled(self.rows[at]) for at in self.order[index * self.size : (index + 1) * self.size]]


def labelled(row: Mapping[str, Any]) -> Example:
    """A row, and what a model should write for it."""
    prompt = prompt_of(row)
    if row["kind"] == "judged":
        return Example(prompt, "Yes." if row["wanted"] else "No.", "judge")
    return Example(prompt, ranked_target(Question.from_dict(json.loads(row["question"])), row["shown"]), "rank")


class Control(Examined, Weighted):
    """The supervised trainer, examined as a stage is."""

    def __init__(self, config: Stage2Config, new_tokens: int, **settings: Any) -> None:
        self.config, self.new_tokens = config, new_tokens
        super().__init__(**settings)


def train(config: Stage2Config, args: GRPOConfig, rows: Rows, slice_: Rows) -> Path:
    """Train the adapter `config.start` on `rows`, keep the best by the reward on `slice_`, write `config.out`."""
    torch.manual_seed(args.seed)
    where = device(args)
    _, processor, base = load_weights(config.base, quantize=config.quantize, device=where, dtype=config.dtype)
    processor = taking_any_pictures(processor)
    together = args.per_device_train_batch_size * args.gradient_accumulation_steps // args.num_generations
    trainer = Control(
        config,
        args.max_completion_length or NEW_TOKENS,
        processing_class=processor,
        model=adapted(base, config),
        args=TrainingArguments(
            output_dir=args.output_dir,
            max_steps=args.max_steps,
            learning_rate=args.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=args.warmup_steps,
            per_device_train_batch_size=1,
            logging_steps=args.logging_steps,
            eval_strategy=args.eval_strategy,
            eval_steps=args.eval_steps,
            save_strategy=args.save_strategy,
            save_steps=args.save_steps,
            save_total_limit=args.save_total_limit,
            load_best_model_at_end=args.load_best_model_at_end,
            metric_for_best_model=args.metric_for_best_model,
            greater_is_better=args.greater_is_better,
            seed=args.seed,
            report_to=args.report_to,
            remove_unused_columns=False,
            use_cpu=args.use_cpu,
            bf16=native(torch.device(where)) is torch.bfloat16,
        ),
        train_dataset=Labelled(fitting(rows, processor, config.longest), together, args.seed),
        eval_dataset=fitting(slice_, processor, config.longest),
        data_collator=partial(tensors, processor),
    )
    tell_in_lines(trainer)
    if not config.resume:
        clear(Path(args.output_dir))
    trainer.train(resume_from_checkpoint=last_whole(Path(args.output_dir)))
    steps, best = trainer.state.global_step, trainer.state.best_global_step
    card = {"stage": portable(config), "steps": steps, "best": best, "prompts": together}
    return write_adapter(trainer.model, Path(config.out), card)


def main() -> None:
    """Read the configuration, prepare the rows, train."""
    speak()
    config, args = TrlParser((Stage2Config, GRPOConfig)).parse_args_and_config()
    train(config, args, *prepared(config, args))


if __name__ == "__main__":
    main()
