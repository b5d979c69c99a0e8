"""Pictures and texts become vectors in one space, by any open_clip model. The only place in this folder with torch.

A checkpoint is a folder in open_clip's `local-dir:` form: `open_clip_config.json`, `open_clip_model.safetensors` and,
where the config names a Hugging Face tokenizer, its files. `hf-hub:owner/name` is fetched into such a folder first.
Weights in a pickle are refused, whatever their name: unpickling runs code. So is a config that asks for a tokenizer's
own code to be run: open_clip would hand that wish on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import open_clip
import torch
from huggingface_hub import snapshot_download
from PIL import Image

from mmrag.errors import CheckpointError
from mmrag.retrieval.vectors import Vectors

HUB = "hf-hub:"
CONFIG = "open_clip_config.json"
WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
)  # open_clip prefers them, in this order
TOKENIZER = ("tokenizer*.json", "special_tokens_map.json", "vocab.*", "merges.txt", "config.json", "*.model")
BATCH = 64

_Item = TypeVar("_Item")


class Encoder:
    """A loaded open_clip model. Vectors are float32 of shape (n, dimension), each of length 1."""

    def __init__(self, model: Any, prepare: Any, tokenize: Any, device: str, fingerprint: str) -> None:
        self._model = model
        self._prepare = prepare
        self._tokenize = tokenize
        self._device = device
        self.fingerprint = fingerprint  # of the checkpoint's files: vectors of two encoders cannot be compared
        self.dimension: int = 0
        self.dimension = self.encode_texts(["one"]).shape[1]

    @classmethod
    def load(cls, path_or_name: Path | str, device: str = "cpu") -> Self:
        """The model in a folder, or `hf-hub:owner/name`.

        Raises:
            CheckpointError: it is missing, damaged, or not stored as safetensors.
        """
        folder = _fetch(str(path_or_name)) if str(path_or_name).startswith(HUB) else Path(path_or_name)
        _check_files(folder)
        source = f"local-dir:{folder}"
        try:
            model, _, prepare = open_clip.create_model_and_transforms(source, device=device)
            tokenize = open_clip.get_tokenizer(source)
            return cls(model.eval(), prepare, tokenize, device, _fingerprint(folder))
        except CheckpointError:
            raise
        except Exception as error:  # open_clip, torch, tokenizers and safetensors have no common base
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise CheckpointError(f"the encoder in {str(folder)!r} cannot be loaded ({reason}): restore it") from error

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Vectors (n, dimension) of `texts`; what is longer than the model reads is cut."""
        return self._batches(texts, lambda part: self._model.encode_text(self._tokens(part), normalize=True))

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Vectors:
        """Vectors (n, dimension) of RGB `pictures`, at the model's own size."""
        return self._batches(pictures, lambda part: self._model.encode_image(self._pixels(part), normalize=True))

    def _tokens(self, texts: Sequence[str]) -> torch.Tensor:
        tokens: torch.Tensor = self._tokenize(list(texts))  # (n, context length)
        return tokens.to(self._device)

    def _pixels(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        return torch.stack([self._prepare(picture) for picture in pictures]).to(self._device)  # (n, 3, side, side)

    def _batches(self, items: Sequence[_Item], encode: Callable[[Sequence[_Item]], torch.Tensor]) -> Vectors:
        parts = [np.empty((0, self.dimension), dtype=np.float32)] if not items else []
        with torch.inference_mode():
            for start in range(0, len(items), BATCH):
                parts.append(encode(items[start : start + BATCH]).float().cpu().numpy())
        vectors = np.concatenate(parts)
        if not np.isfinite(vectors).all():
            raise CheckpointError("the encoder made a vector that is not finite: its weights are damaged, restore them")
        return vectors


def _fetch(name: str) -> Path:
    patterns = [CONFIG, *WEIGHTS, *TOKENIZER]
    try:
        return Path(snapshot_download(name.removeprefix(HUB), allow_patterns=patterns))
    except Exception as error:  # the hub's client raises its own, requests' and the system's
        raise CheckpointError(f"the encoder {name!r} cannot be fetched: check the name and the network") from error


def _check_files(folder: Path) -> None:
    if not (folder / CONFIG).is_file():
        raise CheckpointError(
            f"there is no encoder in {str(folder)!r} ({CONFIG} is missing): restore it or name another"
        )
    try:
        asked = json.dumps(json.loads((folder / CONFIG).read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"the encoder in {str(folder)!r} has a damaged {CONFIG}: restore it") from error
    if "trust_remote_code" in asked:
        raise CheckpointError(
            f"{CONFIG} in {str(folder)!r} asks for code of the checkpoint to be run (trust_remote_code), which is "
            "never done: take that out, or name another encoder"
        )
    if not any((folder / name).is_file() for name in WEIGHTS):
        raise CheckpointError(f"the encoder in {str(folder)!r} has no {WEIGHTS[0]}: convert its weights to safetensors")


def _fingerprint(folder: Path) -> str:
    """16 hex digits over what decides a vector: every file that the model or its tokenizer is read from."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in (CONFIG, *WEIGHTS, *TOKENIZER) for path in folder.glob(pattern)):
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
