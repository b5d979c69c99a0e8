"""What stage I learns from, and what it is examined on."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from datasets import Dataset
from trl import GRPOConfig

from mmrag.errors import BadSetting
from mmrag.policy.load import load_policy
from tests.training.parts import SETTINGS
from training.stage1 import Stage1Config, prepared
from training.supervised import labelled


@pytest.fixture
def config(random_checkpoint: Path) -> Stage1Config:
    return Stage1Config(
        base=str(random_checkpoint), start="none", worlds=1, entities=12, questions=20, examined_worlds=2, settled=1.0
    )


def test_it_is_examined_on_documents_of_unseen_worlds_that_are_as_doubtful_as_those_it_learns_from(
    config: Stage1Config, tmp_path: Path
) -> None:
    policy = load_policy(config.base, dtype="float32")

    def sure(one: dict[str, Any]) -> float:
        yes, no = (math.exp(policy.logprob(labelled(one).prompt, word)[0]) for word in ("Yes", "No"))
        return (yes if one["wanted"] else no) / (yes + no)

    def about(some: Dataset) -> set[str]:
        return {json.loads(text)["question"] for text in some["question"]}

    args = GRPOConfig(output_dir=str(tmp_path), **SETTINGS)
    rows, every = prepared(config, args)
    assert about(rows).isdisjoint(about(every))
    kinds = [
        [sure(one) for one in some if one["wanted"] is wanted] for some in (rows, every) for wanted in (True, False)
    ]
    settled = max(map(median, kinds))  # so that some of each are left
    fewer, doubtful = prepared(replace(config, settled=settled), args)
    assert len(fewer) + len(doubtful) < len(rows) + len(every)
    for some in (fewer, doubtful):
        assert sum(some["wanted"]) * 2 == len(some) > 0
        assert all(sure(one) < settled + 1e-3 for one in some)


def test_where_nothing_is_doubtful_it_says_what_to_do(config: Stage1Config, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"rows.*settled"):
        prepared(replace(config, settled=0.0), GRPOConfig(output_dir=str(tmp_path), **SETTINGS))
    assert not (tmp_path / "rows").exists()
