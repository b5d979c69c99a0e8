"""Pre-training: its curriculum, and that a stopped run goes on where it stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from transformers import Qwen3VLProcessor

from training import checkpoint
from training.base import BaseConfig, Run, chunk_batches, documents_at, level_at
from training.batches import weighted_loss
from training.quick import fuse, see_together

SMALL = BaseConfig(
    chunks=3, worlds=2, entities=12, questions=20, lessons=6, budget=512, save_every=1, examined=16, examined_last=16
)


def test_the_curriculum_only_climbs() -> None:
    climb = [(level_at(done / 50), documents_at(done / 50)) for done in range(51)]
    assert climb == sorted(climb)
    assert climb[0] == (1, 1)
    assert climb[-1] == (3, 8)


def test_a_chunk_of_the_stream_is_the_same_each_time_whoever_draws_it(processor: Qwen3VLProcessor) -> None:
    first, second = (list(chunk_batches(SMALL, processor, 1, workers)) for workers in (0, 2))
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert all(torch.equal(value, other.inputs[name]) for name, value in one.inputs.items())
        assert torch.equal(one.weights, other.weights)
        assert torch.equal(one.labels, other.labels)
        assert one.skills == other.skills


def test_layers_in_one_pass_learn_the_same(random_checkpoint: Path, processor: Qwen3VLProcessor) -> None:
    batch = next(chunk_batches(SMALL, processor, 2))
    model, _ = checkpoint.load(random_checkpoint)

    def gradients() -> dict[str, torch.Tensor]:
        model.zero_grad()
        weighted_loss(model, batch).backward()
        return {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}

    plain = gradients()
    fuse(model)
    see_together(model.model.visual)
    fused = gradients()
    assert plain.keys() == fused.keys()
    assert all(torch.allclose(fused[name], value, rtol=1e-3, atol=1e-6) for name, value in plain.items())


@pytest.mark.parametrize("pictures", [0, 64])
def test_a_tower_that_was_taught_to_see_stays_as_it_is(pictures: int, random_checkpoint: Path, tmp_path: Path) -> None:
    taught = tmp_path / "taught"
    shutil.copytree(random_checkpoint, taught)
    (taught / "state.json").write_text(json.dumps({"pictures": pictures}))
    run = Run(replace(SMALL, out=str(tmp_path / "run"), start_from=str(taught), chunks=1))
    before = {name: value.clone() for name, value in run.model.named_parameters()}
    run.train()
    moved = {name for name, value in run.model.named_parameters() if not torch.equal(value, before[name])}
    assert any("language_model.layers" in name for name in moved)
    assert any("deepstack_merger_list" in name for name in moved)
    assert any("visual.blocks" in name or "visual.merger" in name for name in moved) == (pictures == 0)


def test_a_killed_pre_training_goes_on_at_the_chunk_after_its_last_checkpoint(tmp_path: Path) -> None:
    small = replace(SMALL, out=str(tmp_path), chunks=6)
    flags = {name: str(value) for name, value in asdict(small).items() if value != ""}
    command = [
        sys.executable,
        "-m",
        "training.base",
        *(part for flag in flags.items() for part in ("--" + flag[0], flag[1])),
    ]
    state = tmp_path / "last" / "state.json"
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 200
    while not state.exists() and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    run.send_signal(signal.SIGKILL)
    run.wait()
    stopped = json.loads(state.read_text())
    assert 1 <= stopped["chunk"] < 6, "it was killed after a checkpoint and before the end"
    Run(replace(small, resume=True)).train()
    finished = json.loads(state.read_text())
    assert finished["chunk"] == 6
    assert finished["tokens"] > stopped["tokens"]
    assert set(finished["held_out"])
