"""A policy of random weights with two adapters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from mmrag.policy.load import load_policy
from mmrag.policy.local import LocalPolicy
from tests.policy.parts import TEXTS, save_adapter
from training.architecture import make_model, make_processor, make_tokenizer


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return make_tokenizer(TEXTS)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast) -> Path:
    """`base` and the adapters `sft` and `stage1`, with weights large enough that every position and picture matters."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    model = make_model(tokenizer)
    for name, weight in model.named_parameters():
        if weight.ndim > 1 and "embed" not in name:
            weight.data.mul_(2.5)
    model.save_pretrained(folder / "base")
    make_processor(tokenizer).save_pretrained(folder / "base")
    for stage in ("sft", "stage1"):
        save_adapter(folder / "base", folder / stage)
    return folder


@pytest.fixture(scope="session")
def policy(models: Path) -> LocalPolicy:
    """In float32, whatever the machine computes natively, so that what should be equal is equal to many digits."""
    return load_policy(models / "base", {stage: models / stage for stage in ("sft", "stage1")}, dtype="float32")


@pytest.fixture(autouse=True)
def _base(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "policy" in request.fixturenames:
        request.getfixturevalue("policy").use(None)
