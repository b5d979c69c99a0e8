"""Supervised fine-tuning: the formats of judging and of ranked answering, from few worked examples.

    python -m training.sft --config training/configs/sft.yaml [--resume]

A LoRA adapter on the pre-trained base, by transformers' Trainer (checkpoints, resume, TensorBoard, several cards).
Ours: the examples, counted by kind and stated in the card. Composed behaviour is shown in few of them or none, on
purpose, so that the reinforcement stages have something to earn.
"""

from __future__ import annotations

import logging
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch.utils.data import Dataset
from transformers import AutoModelForImageTextToText, AutoProcessor, Trainer, TrainingArguments
from trl import TrlParser

from mmrag.policy.load import native
from mmrag.settings import MODELS, POLICY
from training.adapter import EXCLUDED, portable, write_adapter
from training.batches import Batch, collate, encode, weighted_loss
from training.checkpoint import clear, last_whole
from training.classroom import Classroom
from training.data import Example, judge_example, ranked_example
from training.progress import speak, tell_in_lines
from training.world import World
from training.world.names import mixed

log = logging.getLogger("training.sft")


@dataclass
class SftConfig:
    """Every setting of supervised fine-tuning."""

    base: str = str(POLICY)
    out: str = str(MODELS / "sft")
    runs: str = "runs/sft"
    seed: int = 29
    first_world: int = 12_000
    worlds: int = 40
    entities: int = 48
    judged: int = 80  # point-wise examples a world, half of them of gold documents
    ranked: int = 60  # list-wise examples a world of single-hop questions
    composed: int = 12  # list-wise examples a world of questions that need several steps
    within: int = 8  # list-wise examples a world of questions whose two steps rest on one table, which is ranked once
    absent: int = 8  # list-wise examples a world that lack evidence, half of them of questions of several steps
    shown: int = 5  # documents at most
    reasoned: bool = True  # whether ranked answers show their reasoning; without, they begin with the ranking
    rank: int = 32
    alpha: int = 64
    learning_rate: float = 1e-3
    warmup: int = 20  # steps in which the rate rises to it
    epochs: float = 2.0
    batch: int = 24
    save_steps: int = 100
    resume: bool = False


class Batches(Dataset[list[Example]]):
    """Examples in batches of like length, so that little is padded."""

    def __init__(self, examples: Sequence[Example], size: int) -> None:
        ordered = sorted(
            examples, key=lambda e: len(e.prompt.pictures) * 60 + sum(len(c.get("text", "")) for c in e.prompt.content)
        )
        self.batches = [list(ordered[at : at + size]) for at in range(0, len(ordered), size)]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> list[Example]:
        return self.batches[index]


class Weighted(Trainer):
    """A trainer whose labels are the weights of the tokens."""

    def compute_loss(self, model: Any, inputs: dict[str, Any], *_: Any, **__: Any) -> torch.Tensor:
        """The loss of pre-training, on what should be written alone."""
        weights, wanted = inputs.pop("labels"), inputs["input_ids"]
        return weighted_loss(model, Batch(inputs, wanted, weights, ()))


def examples(config: SftConfig) -> Iterator[Example]:
    """All worked examples, world by world."""
    for seed in mixed(config.first_world, config.worlds):
        rng = random.Random(f"{config.seed}/{seed}")
        world = World(seed, config.entities)
        room = Classroom(world, tuple(world.questions(500, "train")), rng, config.shown)
        yield from (one if config.reasoned else unreasoned(one) for one in lessons(config, room))


def unreasoned(example: Example) -> Example:
    """The same example with nothing between the marks of the reasoning; what is judged has none."""
    return replace(example, target=re.sub(r"<think>.*?</think>", "<think></think>", example.target))


def lessons(config: SftConfig, room: Classroom) -> Iterator[Example]:
    """The worked examples of one world, of each kind the number that the configuration states."""
    rng = room.rng
    answerable = [q for q in room.questions if q.evidence]
    composed = [q for q in answerable if len(q.hops) > 1 and len(q.evidence) <= config.shown]
    for index in range(config.judged):
        question = rng.choice(answerable)
        document = rng.choice(question.evidence if index % 2 else room.rivals(question))
        yield judge_example(question, room.query(question), room.shown(document))
    for pool, count in ((room.single, config.ranked), (composed, config.composed)):
        for _ in range(count):
            question = rng.choice(pool)
            shown = room.shuffled(question, rng.randint(len(question.evidence), config.shown))
            yield ranked_example(question, room.query(question), shown)
    compared = [room.world.over_rows(rng) for _ in range(config.within)]
    for question in filter(None, compared):
        yield ranked_example(question, room.query(question), room.shuffled(question, rng.randint(1, config.shown)))
    for index in range(config.absent):
        question = rng.choice(composed if index % 2 else room.questions)
        yield ranked_example(question, room.query(question), room.lacking(question, config.shown))


def tensors(processor: Any, batches: Sequence[Sequence[Example]]) -> dict[str, Any]:
    """The one batch of `batches` as the model takes it, with the weights of its tokens as labels."""
    batch = collate([encode(processor, one, 0.0) for one in batches[0]], processor.tokenizer.pad_token_id)
    return {**batch.inputs, "labels": batch.weights}


def train(config: SftConfig) -> Path:
    """Train the adapter and write it to `config.out`."""
    torch.manual_seed(config.seed)
    processor = AutoProcessor.from_pretrained(config.base, local_files_only=True)
    base = AutoModelForImageTextToText.from_pretrained(config.base, local_files_only=True, dtype=torch.float32)
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        exclude_modules=EXCLUDED,
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(base, lora)
    lessons = list(examples(config))
    counts = Counter(one.skill for one in lessons)
    log.info("worked examples: %s", dict(counts))

    cuda = torch.cuda.is_available()
    trainer = Weighted(
        model=model,
        args=TrainingArguments(
            output_dir=config.runs,
            per_device_train_batch_size=1,
            num_train_epochs=config.epochs,
            learning_rate=config.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=config.warmup,
            max_grad_norm=1.0,
            weight_decay=0.0,
            logging_steps=10,
            save_steps=config.save_steps,
            save_total_limit=2,
            seed=config.seed,
            report_to="tensorboard",
            remove_unused_columns=False,
            dataloader_num_workers=1,
            use_cpu=not cuda,
            bf16=native(torch.device("cuda" if cuda else "cpu")) is torch.bfloat16,
        ),
        train_dataset=Batches(lessons, config.batch),
        data_collator=partial(tensors, processor),
    )
    tell_in_lines(trainer)
    runs = Path(config.runs)
    if not config.resume:
        clear(runs)
    trainer.train(resume_from_checkpoint=last_whole(runs))
    card = {"examples": dict(counts), "steps": trainer.state.global_step, "config": portable(config)}
    return write_adapter(model, Path(config.out), card)


def main() -> None:
    """Read the configuration and train."""
    speak()
    (config,) = TrlParser(SftConfig).parse_args_and_config()
    train(config)


if __name__ == "__main__":
    main()
