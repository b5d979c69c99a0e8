"""Loading checkpoints and adapters: whole, quantised, damaged and unsafe ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from bitsandbytes.nn import Linear4bit, Linear8bitLt
from torch import nn
from transformers import PreTrainedTokenizerFast

from mmrag.errors import BadSetting, CheckpointError
from mmrag.policy import load
from mmrag.policy.adapters import Adapters
from mmrag.policy.load import load_policy
from mmrag.policy.local import LocalPolicy
from tests.policy.parts import MIX, PROMPT, QUERY
from training.architecture import make_model, make_processor, make_tokenizer


def test_the_fingerprint_tells_models_and_stages_apart(policy: LocalPolicy, models: Path) -> None:
    base = policy.fingerprint
    policy.use("sft")
    tuned = policy.fingerprint
    assert (base.adapter, tuned.adapter) == (None, "sft")
    assert base.digest != tuned.digest
    assert len(base.digest) == 16
    assert base.parameters == sum(p.numel() for p in make_model(policy._processor.tokenizer).parameters())
    assert base.memory_bytes >= 4 * base.parameters
    assert (base.dtype, base.device, base.quantization) == (str(policy._model.dtype)[6:], "cpu", "none")


def test_the_fingerprint_tells_adapters_of_the_same_weights_and_another_scale_apart(
    models: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(models / "sft", tmp_path / "other")
    settings = json.loads((other / "adapter_config.json").read_text())
    (other / "adapter_config.json").write_text(json.dumps({**settings, "lora_alpha": settings["lora_alpha"] * 2}))
    policy = load_policy(models / "base", {"sft": models / "sft", "other": other})
    found = set()
    for stage in policy.stages:
        policy.use(stage)
        found.add(policy.fingerprint.digest)
    assert len(found) == 2


@pytest.mark.parametrize(("quantize", "layer"), [("nf4", Linear4bit), ("int8", Linear8bitLt)])
def test_quantised_loading_packs_the_language_layers_alone(
    policy: LocalPolicy, models: Path, quantize: str, layer: type[nn.Module]
) -> None:
    packed = load_policy(models / "base", {"sft": models / "sft"}, quantize=quantize, device="cpu", dtype="float32")
    names = [name for name, module in packed._model.named_modules() if isinstance(module, layer)]
    assert len(names) == 7 * 6
    assert all("language_model" in name for name in names)
    assert packed._model.lm_head.weight.is_floating_point()
    assert packed.fingerprint.parameters == policy.fingerprint.parameters
    assert packed.fingerprint.memory_bytes < policy.fingerprint.memory_bytes
    for stage in (None, "sft", None):
        packed.use(stage)
        policy.use(stage)
        pairs = zip(packed.judge(QUERY, MIX), policy.judge(QUERY, MIX), strict=True)
        assert sum(abs(a.p_keep - b.p_keep) for a, b in pairs) / len(MIX) < 0.25
    assert "".join(packed.generate(PROMPT, 3))


def test_a_skip_list_that_skips_nothing_is_caught(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "KEPT_WHOLE", ["visual"])
    with pytest.raises(CheckpointError, match="visual"):
        load_policy(models / "base", quantize="nf4", device="cpu")


@pytest.fixture
def copy(models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(models / "base", tmp_path / "copy"))


def _cut_off(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"x": torch.zeros(1)}, folder / "pytorch_model.bin")


def _disguised(folder: Path) -> None:
    torch.save({"x": torch.zeros(1)}, folder / "model.safetensors")


def _garbled(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 5000)


def _no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def _bad_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def _foreign_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["hidden_size"] = 128
    (folder / "config.json").write_text(json.dumps(config))


def _more_layers(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] = 8
    config["text_config"].pop("layer_types", None)
    (folder / "config.json").write_text(json.dumps(config))


def _own_code(folder: Path) -> None:
    (folder / "evil.py").write_text(
        "from pathlib import Path\nPath(__file__).with_name('ran').touch()\nclass C: pass\n"
    )
    config = {"model_type": "evil", "auto_map": {"AutoConfig": "evil.C", "AutoModelForImageTextToText": "evil.C"}}
    (folder / "config.json").write_text(json.dumps(config))


def _no_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut_off, "damaged or cut short"),
        (_pickled, "pickle.*convert"),
        (_disguised, "pickle under another name"),
        (_garbled, "damaged"),
        (_no_config, "config.json"),
        (_bad_config, "copy"),
        (_foreign_config, "copy"),
        (_more_layers, "missing"),
        (_own_code, "copy"),
        (_no_tokenizer, "tokenizer"),
        (shutil.rmtree, "no checkpoint folder"),
    ],
)
def test_a_damaged_or_unsafe_checkpoint_is_one_error_with_its_path(
    copy: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(copy)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_policy(copy)
    assert str(copy) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (copy / "ran").exists()


def test_a_vocabulary_that_splits_the_verdicts_cannot_judge(tmp_path: Path) -> None:
    tokenizer = make_tokenizer(["nothing to learn from"])
    make_model(tokenizer).save_pretrained(tmp_path)
    make_processor(tokenizer).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="'Yes' as 3 tokens"):
        load_policy(tmp_path)


def _half(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(folder / "adapter_model.safetensors")
    save_file(dict(list(state.items())[1:]), folder / "adapter_model.safetensors")


def _surplus(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(folder / "adapter_model.safetensors")
    save_file(
        {**state, "base_model.model.strange.lora_A.weight": torch.zeros(4, 4)}, folder / "adapter_model.safetensors"
    )


def _wider(folder: Path) -> None:
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "r": 8}))


def _elsewhere(folder: Path) -> None:
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "target_modules": ["query_key_value"]}))


def _no_lora(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "IA3"}')


def _pickled_adapter(folder: Path) -> None:
    (folder / "adapter_model.safetensors").unlink()
    torch.save({}, folder / "adapter_model.bin")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_half, "1 tensors are missing"),
        (_surplus, "1 tensors are unknown"),
        (_wider, "not made for this base"),
        (_elsewhere, "not made for this base"),
        (_no_lora, "no LoRA"),
        (_pickled_adapter, "pickle"),
        (shutil.rmtree, "no folder"),
    ],
)
def test_an_adapter_that_does_not_fit_is_one_error_with_its_path(
    models: Path, policy: LocalPolicy, tokenizer: PreTrainedTokenizerFast, tmp_path: Path, damage: Any, message: str
) -> None:
    folder = Path(shutil.copytree(models / "sft", tmp_path / "other"))
    damage(folder)
    with pytest.raises(CheckpointError, match=message) as caught:
        Adapters(make_model(tokenizer), {"sft": folder})
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [{"quantize": "int3"}, {"dtype": "float8"}, {"device": "abacus"}, {"device": "vulkan"}]
)
def test_a_setting_without_such_a_value_is_refused(models: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match=next(iter(wrong.values()))):
        load_policy(models / "base", **wrong)
