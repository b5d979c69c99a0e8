"""LoRA adapters on one base: strict loading, and switching between them in milliseconds.

A LoRA computed beside the weights costs two more products per layer, which made a small model half as slow again on
two cores. So the adapter in use is folded into the weights it changes, if these are plain numbers and a copy of the
originals takes no more than `FOLD_LIMIT`; switching starts from the copy, so that nothing drifts. Quantised and large
models keep the adapter beside the weights. Both give the same outputs up to rounding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, set_peft_model_state_dict
from peft.tuners.lora import Linear, LoraLayer
from safetensors.torch import load_file
from torch import Tensor, nn

from mmrag.errors import CheckpointError, UnknownId
from mmrag.policy.weights import weight_files

FOLD_LIMIT = 1 << 30  # bytes


class Adapters:
    """The stages that a model can be switched to; `None` is the base alone.

    Raises:
        CheckpointError: an adapter is missing, damaged, no LoRA, or was made for another base.
    """

    _peft: Any = None

    def __init__(self, model: nn.Module, folders: Mapping[str, Path]) -> None:
        self.folders = dict(folders)
        self.active: str | None = None
        self._slots = {stage: f"adapter{n}" for n, stage in enumerate(self.folders)}  # PEFT takes no name with a dot
        for stage, folder in self.folders.items():
            self._load(model, self._slots[stage], folder)
        self._originals = _copies(model)
        if self._peft is not None:
            self._peft.eval()
            self._peft.base_model.disable_adapter_layers()

    def use(self, stage: str | None) -> None:
        """Switch to `stage`.

        Raises:
            UnknownId: no adapter of that name was loaded.
        """
        self.check(stage)
        if stage == self.active:
            return
        self._unfold()
        if stage is None:
            self._peft.base_model.disable_adapter_layers()
        else:
            self._peft.base_model.enable_adapter_layers()
            self._peft.set_adapter(self._slots[stage], inference_mode=True)
            for layer in self._originals:
                layer.merge(adapter_names=[self._slots[stage]])
        self.active = stage

    @property
    def copied_bytes(self) -> int:
        """What the copies of folded weights take."""
        return sum(original.nbytes for original in self._originals.values())

    def check(self, stage: str | None) -> None:
        """Whether `stage` can be used.

        Raises:
            UnknownId: it cannot.
        """
        if stage is not None and stage not in self.folders:
            raise UnknownId(f"there is no stage {stage!r}; loaded: {', '.join(self.folders) or 'the base alone'}")

    def _load(self, model: nn.Module, slot: str, folder: Path) -> None:
        files = weight_files(folder)
        config = _config(folder)
        try:
            if self._peft is None:
                self._peft = PeftModel(model, config, adapter_name=slot)
            else:
                self._peft.add_adapter(slot, config)
            found: Any = set_peft_model_state_dict(self._peft, load_file(files[0]), adapter_name=slot)
        except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise _foreign(folder, str(error).strip().split("\n")[-1].strip()) from error
        missing = [key for key in found.missing_keys if "lora_" in key and f".{slot}." in key]
        for what, keys in (("missing", missing), ("unknown", found.unexpected_keys)):
            if keys:
                raise _foreign(folder, f"{len(keys)} tensors are {what}, the first {keys[0]}")

    def _unfold(self) -> None:
        for layer, original in self._originals.items():
            if layer.merged:
                layer.get_base_layer().weight.data.copy_(original)
                layer.merged_adapters.clear()


def _config(folder: Path) -> LoraConfig:
    file = folder / "adapter_config.json"
    try:
        if json.loads(file.read_text("utf-8")).get("peft_type") != "LORA":
            raise CheckpointError(f"{file} is of no LoRA: only LoRA adapters can be loaded")
        config: LoraConfig = LoraConfig.from_pretrained(str(folder))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{file} cannot be read ({error}): copy the adapter again") from error
    config.inference_mode = True
    config.init_lora_weights = True  # every weight is read from the file; another start would only cost time
    return config


def _foreign(folder: Path, reason: str) -> CheckpointError:
    return CheckpointError(f"the adapter {folder} was not made for this base ({reason[:200]}): train it on this one")


def _copies(model: Any) -> dict[Any, Tensor]:
    """Each layer that may be folded with a copy of its weight; nothing if they are packed, tied or too large."""
    layers: list[Any] = [module for module in model.modules() if isinstance(module, LoraLayer)]
    weights = [layer.get_base_layer().weight for layer in layers]
    if {type(layer) for layer in layers} - {Linear} or not all(weight.is_floating_point() for weight in weights):
        return {}
    tied = model.get_input_embeddings().weight
    if sum(weight.nbytes for weight in weights) > FOLD_LIMIT or any(weight is tied for weight in weights):
        return {}
    with torch.no_grad():
        return {layer: weight.detach().clone() for layer, weight in zip(layers, weights, strict=True)}
