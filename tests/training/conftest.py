"""A small world to learn from, and the processor of the embedded model's shape."""

from __future__ import annotations

import random
from typing import Any

import pytest
from datasets import Dataset
from transformers import Qwen3VLProcessor

from mmrag.policy.load import load_policy
from mmrag.policy.local import LocalPolicy
from mmrag.policy.prompts import judge_prompt, rank_prompt
from mmrag.settings import MODELS, POLICY
from training.architecture import make_processor, make_tokenizer
from training.classroom import Classroom
from training.rows import FEATURES, row
from training.world import World


@pytest.fixture(scope="session")
def world() -> World:
    return World(31, 16)


@pytest.fixture
def room(world: World) -> Classroom:
    """A new one for each test: its random numbers are its state."""
    return Classroom(world, tuple(world.questions(60, "train")), random.Random(0), 3)


@pytest.fixture(scope="session")
def processor() -> Qwen3VLProcessor:
    return make_processor(make_tokenizer(["Yes. No. The lighthouse of Orsk says that it is red. user assistant"] * 5))


@pytest.fixture(scope="session")
def rows() -> Dataset:
    """Judged and ranked rows, with none, one and many pictures."""
    world = World(9_400, 12)
    room = Classroom(world, tuple(world.questions(40, "train")), random.Random(0), 4)
    made: list[dict[str, Any]] = []
    for question in [q for q in room.questions if q.evidence and len(q.evidence) < 4][:10]:
        query, shown = room.query(question), room.shuffled(question, 4)
        made.append(row(rank_prompt(query, shown), question, [one.document.id for one in shown], "ranked", None))
        one = shown[0]
        wanted = one.document.id in question.evidence
        made.append(row(judge_prompt(query, one), question, [one.document.id], "judged", wanted))
    found = Dataset.from_list(made, features=FEATURES)
    assert {0, 1} < {len(one["images"]) for one in found}
    return found


@pytest.fixture(scope="session")
def sft() -> LocalPolicy:
    """The shipped policy, which knows the form."""
    policy = load_policy(POLICY, {"sft": MODELS / "sft"}, dtype="float32")
    policy.use("sft")
    return policy
