"""A configuration for real models goes through, shrunk to toy widths: data, step, saving, loading, judging."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from accelerate.commands.config.config_args import load_config_from_file
from trl import GRPOConfig, TrlParser

from training import check
from training.families import FAMILIES, family
from training.start import StageConfig

CONFIGS = Path("training/configs")
# Published counts of the checkpoints' own cards and files.
PUBLISHED = {
    "Qwen/Qwen3-VL-4B-Instruct": 4_437_815_808,
    "Qwen/Qwen2.5-VL-7B-Instruct": 8_292_166_656,
    "google/gemma-3-4b-it": 4_300_079_472,
}
SMALL = {
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 1,
    "num_generations": 2,
    "max_completion_length": 8,
    "report_to": "none",
}


@pytest.mark.parametrize("name", ["qwen3vl-4b-qlora", "qwen2.5vl-7b-qlora", "gemma3-4b-qlora"])
def test_a_step_of_each_family_moves_an_adapter_that_loads(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    flags = [part for flag, value in SMALL.items() for part in (f"--{flag}", str(value))]
    assert check.main(["--config", str(CONFIGS / f"{name}.yaml"), "--shrink", "true", *flags]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["quantize"] == "nf4"
    assert found["moved"] > 0
    assert 0 < found["trainable"] < found["parameters"]
    assert 0 < found["p_keep_after_loading"] < 1
    assert len(found["seconds_per_step"]) == 1


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*vl-*.yaml")) + sorted(CONFIGS.glob("gemma*.yaml")), ids=str)
def test_every_configuration_of_a_real_model_is_one_that_the_stages_take(path: Path) -> None:
    flags = ["--config", str(path), "--use_cpu", "true", "--bf16", "false"]
    stage, args = TrlParser((StageConfig, GRPOConfig)).parse_args_and_config(flags)
    assert family(stage.base)
    assert stage.quantize == ("nf4" if "qlora" in path.name else "none")
    assert args.per_device_train_batch_size % args.num_generations == 0
    assert str(path) in path.read_text(), "its head gives the command that runs it"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("accelerate/*.yaml")), ids=str)
def test_every_profile_is_one_that_accelerate_takes(path: Path) -> None:
    profile = load_config_from_file(str(path))
    assert profile.num_processes == 8
    assert str(profile.distributed_type.value) == ("FSDP" if "fsdp" in path.name else "MULTI_GPU")


@pytest.mark.parametrize("hub", list(FAMILIES))
def test_the_full_size_has_the_published_number_of_parameters(hub: str) -> None:
    with torch.device("meta"):
        network = family(hub).build(shrunk=False)[1]()
    assert sum(parameter.numel() for parameter in network.parameters()) == PUBLISHED[hub]


def test_what_cannot_be_built_without_a_hub_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["--base", "someone/else", "--output_dir", "runs/x", "--shrink", "true"]) == 2
    error = capsys.readouterr().err
    assert "someone/else" in error
    assert "Qwen/Qwen3-VL-4B-Instruct" in error
