"""Any checkpoint into a `LocalPolicy`: the embedded one, another folder, or a hub id; plain, in 8 bits or in 4.

    policy = load_policy(settings.POLICY, {"sft": settings.MODELS / "sft"})
    policy = load_policy("Qwen/Qwen3-VL-4B-Instruct", quantize="nf4")

Code that lies in a checkpoint is never run, and pickles are never opened (see `mmrag.policy.weights`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from bitsandbytes.nn.modules import Linear4bit, Linear8bitLt
from torch import nn
from transformers import AutoModelForImageTextToText, AutoProcessor, BitsAndBytesConfig

from mmrag.errors import BadSetting, CheckpointError
from mmrag.policy.adapters import Adapters
from mmrag.policy.local import LocalPolicy
from mmrag.policy.weights import find_checkpoint, weight_files
from mmrag.settings import QUANTIZATIONS

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
TOWERS = ("visual", "vision_tower", "vision_model", "multi_modal_projector", "connector")  # what sees, in any family
# A list replaces the library's own, so it names the head too. Names count from the root: "visual" would skip nothing.
KEPT_WHOLE = [*(f"model.{tower}" for tower in TOWERS), "lm_head"]


def load_policy(
    checkpoint: str | Path,
    adapters: Mapping[str, Path] | None = None,
    *,
    quantize: str = "none",
    device: str | None = None,
    dtype: str | None = None,
) -> LocalPolicy:
    """Load a multimodal LLM with its LoRA adapters by stage name; the base alone is in use at first.

    Args:
        checkpoint: a folder, or a hub id like `Qwen/Qwen3-VL-4B-Instruct`.
        adapters: peft LoRA folders by stage name, all made for this checkpoint.
        quantize: `none`, `int8` or `nf4`; vision tower and output head stay whole.
        device: as torch names it; CUDA if there is any, else the CPU.
        dtype: `float32`, `bfloat16` or `float16`; bfloat16 where the device computes it natively, else float32.

    Raises:
        CheckpointError: the checkpoint or an adapter is missing, damaged, of an unsafe format, or does not fit.
        BadSetting: `quantize`, `device` or `dtype` has no such value.
    """
    folder, processor, model = load_weights(checkpoint, quantize=quantize, device=device, dtype=dtype)
    parameters = model.num_parameters()
    return LocalPolicy(
        model.eval(),
        processor,
        Adapters(model, adapters or {}),
        verdicts=verdict_ids(processor),
        name=folder.name if Path(checkpoint).is_dir() else str(checkpoint),
        files=weight_files(folder),
        quantization=quantize,
        parameters=parameters,
    )


def load_weights(
    checkpoint: str | Path, *, quantize: str = "none", device: str | None = None, dtype: str | None = None
) -> tuple[Path, Any, Any]:
    """The folder, the processor and the network of a checkpoint, as `load_policy` takes and refuses them.

    Training begins with it too, so that what is trained is what will be loaded.
    """
    if quantize not in QUANTIZATIONS:
        raise BadSetting(f"quantize is {quantize!r}; it may be {', '.join(QUANTIZATIONS)}")
    if dtype is not None and dtype not in DTYPES:
        raise BadSetting(f"dtype is {dtype!r}; it may be {', '.join(DTYPES)}")
    where = _device(device)
    kind = DTYPES[dtype] if dtype else native(where)
    folder = find_checkpoint(checkpoint)
    weight_files(folder)
    processor, model = _read(folder, where, kind, quantize)
    _check_quantized(folder, model, quantize)
    return folder, processor, model


def _device(name: str | None) -> torch.device:
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError as error:
        raise BadSetting(f"device is {name!r}; it may be cpu, cuda or cuda:1") from error
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # how torch says so depends on the kind of device
        raise BadSetting(f"device is {name!r}, but there is none that works here: use cpu") from error
    return device


def native(device: torch.device) -> torch.dtype:
    """The dtype of the fewest bits that `device` multiplies in hardware: bfloat16, or float32 on an older CPU."""
    if device.type == "cuda":
        return torch.bfloat16
    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if able.get("amx_bf16") or able.get("avx512_bf16") else torch.float32


def _read(folder: Path, device: torch.device, dtype: torch.dtype, quantize: str) -> tuple[Any, Any]:
    if not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder} holds no config.json: name the folder of a whole checkpoint")
    readers: Any = AutoProcessor
    models: Any = AutoModelForImageTextToText
    safe = {"local_files_only": True, "trust_remote_code": False}
    try:
        processor = readers.from_pretrained(folder, **safe)
        model, found = models.from_pretrained(
            folder,
            use_safetensors=True,
            dtype=dtype,
            device_map={"": device},
            quantization_config=_quantization(quantize, dtype),
            output_loading_info=True,
            **safe,
        )
    except torch.OutOfMemoryError as error:
        raise CheckpointError(f"{folder} does not fit on {device}: try quantize nf4, or another device") from error
    except Exception as error:  # a damaged configuration can make the loader fail in any way
        reason = (str(error).strip() or type(error).__name__).split("\n")[0][:300]
        raise CheckpointError(f"{folder} cannot be loaded ({reason}): copy the checkpoint again") from error
    for what in ("missing_keys", "mismatched_keys"):
        if keys := sorted(map(str, found[what])):
            raise CheckpointError(f"{folder} has {len(keys)} {what}, the first {keys[0]}: copy the checkpoint again")
    return processor, model


def verdict_ids(processor: Any) -> tuple[int, int]:
    """The tokens of Yes and No.

    Raises:
        CheckpointError: one of them is not a single token.
    """
    yes, no = (_token(processor.tokenizer, word) for word in ("Yes", "No"))
    return yes, no


def _token(tokenizer: Any, word: str) -> int:
    ids = tokenizer(word, add_special_tokens=False)["input_ids"]
    if len(ids) != 1:
        raise CheckpointError(
            f"{tokenizer.name_or_path} writes {word!r} as {len(ids)} tokens, but a judge needs one: check its "
            "tokenizer's files"
        )
    return int(ids[0])


def _quantization(quantize: str, dtype: torch.dtype) -> Any:
    if quantize == "none":
        return None
    config: Any = BitsAndBytesConfig
    return config(
        load_in_8bit=quantize == "int8",
        load_in_4bit=quantize == "nf4",
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=dtype,
        bnb_4bit_use_double_quant=True,
        llm_int8_skip_modules=KEPT_WHOLE,
    )


def _check_quantized(folder: Path, model: nn.Module, quantize: str) -> None:
    """See that the layers meant to be packed are, and that no other is.

    Raises:
        CheckpointError: the vision tower or the output head is packed, or nothing is.
    """
    if quantize == "none":
        return
    packed = [name for name, module in model.named_modules() if isinstance(module, Linear4bit | Linear8bitLt)]
    if wrong := [name for name in packed if set(TOWERS) & set(name.split(".")) or name.startswith("lm_head")]:
        raise CheckpointError(f"{folder} in {quantize} would pack {wrong[0]}, which must stay whole: use quantize none")
    if not packed:
        raise CheckpointError(f"{folder} has no layer that {quantize} can pack: use quantize none")
