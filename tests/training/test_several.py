"""Two processes in place of two cards: what one has to do is done once, and nobody waits for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from mmrag.runs import read_run

TOGETHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m"]


def both(what: str, *places: Path) -> str:
    """What the two say on standard error."""
    run = subprocess.run(
        [*TOGETHER, "tests.training.several", what, *map(str, places)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        timeout=120,
        check=False,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return run.stderr


def test_processes_share_the_rows_and_one_of_them_keeps_the_record(random_checkpoint: Path, tmp_path: Path) -> None:
    """Some have a picture in their batch where others have none: TRL had these wait for each other."""
    said = both("learn", random_checkpoint, tmp_path)
    run = read_run({"": tmp_path}, "run")
    assert [len(run.series(name)) for name in ("loss", "eval_reward")] == [2, 2]
    assert load_file(tmp_path / "stage" / "adapter_model.safetensors")
    assert not [one.name for one in tmp_path.iterdir() if one.suffix], "nothing half made is left"
    assert said.count("step 1 of 2: reward ") == said.count("step 2 of 2: trained for ") == 1, "one speaks for both"


def test_an_adapter_spread_over_processes_is_written_whole(random_checkpoint: Path, tmp_path: Path) -> None:
    both("shard", random_checkpoint, tmp_path)
    before, after = (
        load_file(folder / "adapter_model.safetensors")
        for folder in (random_checkpoint.parent / "sft", tmp_path / "adapter")
    )
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name].to(torch.bfloat16), after[name]) for name in before)
