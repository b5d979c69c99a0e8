"""What the tests of several skills look at."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmrag.policy.prompts import Shown
from mmrag.types import Document, Modality, Query, Question
from training.classroom import Classroom
from training.data import Example
from training.start import StageConfig

Skill = Callable[[Classroom], Example]


def shown(room: Classroom, question: Question) -> list[str]:
    ids = [*question.evidence, *question.negatives[:3]]
    random.Random(question.id).shuffle(ids)
    return ids


def numbered(example: Example) -> dict[str, str]:
    """The documents of a prompt by number."""
    text = "".join(block.get("text", "") for block in example.prompt.content)
    return dict(re.findall(r"^\[(\d+)\] (.*?) \[/\1\]$", text, re.DOTALL | re.MULTILINE))


QUERY = Query("Which colour is the roof?")
QUESTION = Question("q", QUERY.text, ("red",), evidence=("a",))
SHOWN = Shown(Document("a", Modality.PASSAGE, "Roof", "The roof is red."))
SETTINGS = {
    "max_steps": 3,
    "per_device_train_batch_size": 8,
    "num_generations": 4,
    "max_completion_length": 6,
    "learning_rate": 1e-4,
    "logging_steps": 1,
    "eval_strategy": "steps",
    "eval_steps": 1,
    "save_strategy": "steps",
    "save_steps": 1,
    "load_best_model_at_end": True,
    "metric_for_best_model": "eval_reward",
    "report_to": "none",
    "bf16": False,
    "use_cpu": True,
    "gradient_checkpointing": False,
    "seed": 3,
}


def about(one: dict[str, Any]) -> tuple[Question, list[str]]:
    """What a row asks, and what it shows."""
    return Question.from_dict(json.loads(one["question"])), one["shown"]


def config(random_checkpoint: Path, out: Path) -> StageConfig:
    return StageConfig(base=str(random_checkpoint), start=str(random_checkpoint.parent / "sft"), out=str(out))
