"""The embedded retriever's encoder: a small open_clip model that knows the world's pictures by sight.

    python -m training.clip [--out assets/models/clip] [--looks 10000] [--epochs 14] [--device cuda]

open_clip's own model, loss and training loop (`open_clip_train`); ours are the data: random looks from two views each,
with a description that is whole, or without the weather and what stands beside, or names one to three attributes.
Names never occur, so finding an entity by name is the lexical retriever's part, and finding it by sight is this one's:
where every whole description told the scene too, a picture was found nearest to those in the same weather.
Writes an open_clip `local-dir:` folder: config, safetensors in half precision, tokenizer, and a card with figures.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip_train.scheduler import cosine_lr
from open_clip_train.train import train_one_epoch
from safetensors.torch import save_file
from tokenizers.processors import TemplateProcessing
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from mmrag.policy.load import native
from mmrag.settings import ENCODER, POLICY
from training.classroom import DRAWN
from training.progress import speak
from training.skills.seeing import description
from training.world.looks import KINDS, Look, random_look, random_view, told
from training.world.pictures import draw

log = logging.getLogger("training.clip")
SIDE = 64
CONTEXT = 64
SCENES = 0.15  # of the descriptions tell the scene too


@dataclass
class ClipConfig:
    """Every setting of the encoder's training."""

    out: str = str(ENCODER)
    tokenizer: str = str(POLICY)  # the policy's tokenizer serves the text tower too
    seed: int = 23
    looks: int = 10_000
    epochs: int = 14
    batch: int = 128
    learning_rate: float = 1e-3
    device: str = "cpu"


class Gallery:
    """Looks with two pictures each, drawn once; in open_clip's shape of a training set."""

    def __init__(self, config: ClipConfig, tokenize: Any) -> None:
        rng = random.Random(config.seed)
        kinds = list(KINDS)
        self.batch, self.tokenize, self.rng = config.batch, tokenize, rng
        self.looks = [random_look(rng, rng.choice(kinds)) for _ in range(config.looks)]
        self.views = [[random_view(rng), random_view(rng)] for _ in self.looks]
        self.pixels = torch.empty((config.looks, 2, 3, SIDE, SIDE), dtype=torch.uint8)
        for index, (look, views) in enumerate(zip(self.looks, self.views, strict=True)):
            for side, view in enumerate(views):
                self.pixels[index, side] = as_pixels(draw(look, view, DRAWN))
            if index % 500 == 0:
                log.info("drawn %d of %d looks", index, config.looks)
        self.num_samples = config.looks
        self.num_batches = config.looks // config.batch
        self.dataloader = self

    def set_epoch(self, epoch: int) -> None:
        """Another order and other words in every epoch."""
        self.rng = random.Random(f"{epoch}")

    def __len__(self) -> int:
        return self.num_batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = self.rng.sample(range(len(self.looks)), len(self.looks))
        for number in range(self.num_batches):
            chosen = order[number * self.batch : (number + 1) * self.batch]
            sides = [self.rng.randrange(2) for _ in chosen]
            texts = [self.words(index, side) for index, side in zip(chosen, sides, strict=True)]
            yield normalised(self.pixels[chosen, sides]), self.tokenize(texts)

    def words(self, index: int, side: int) -> str:
        """A whole description, all of the thing alone, or a phrase with some of its attributes, as a question has."""
        look = self.looks[index]
        drawn = self.rng.random()
        if drawn < SCENES:
            return description(look, self.views[index][side])
        return f"{look.kind}; {told(look)}" if drawn < 0.5 else phrase(look, self.rng)


def phrase(look: Look, rng: random.Random) -> str:
    """One to three attributes in a clause: "lighthouse with red roof, 3 windows"."""
    chosen = rng.sample(KINDS[look.kind], rng.randint(1, 3))
    parts = [
        f"{look.attributes[a.name]} {a.phrase}" if a.category != "Others" else f"{a.phrase} {look.attributes[a.name]}"
        for a in chosen
    ]
    return f"{look.kind} with {', '.join(parts)}"


def as_pixels(picture: Any) -> Tensor:
    """(3, SIDE, SIDE) bytes of a picture, shrunk as open_clip's own preprocessing shrinks it."""
    small = picture.resize((SIDE, SIDE), 3)  # bicubic
    return torch.from_numpy(np.asarray(small).copy()).permute(2, 0, 1)


def normalised(pixels: Tensor) -> Tensor:
    """Bytes to the range that the model config names: mean 0.5, deviation 0.5."""
    return pixels.float() / 127.5 - 1.0


def model_config(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    """open_clip's own description of the model, with its preprocessing."""
    return {
        "model_cfg": {
            "embed_dim": 128,
            "vision_cfg": {"image_size": SIDE, "layers": 6, "width": 128, "head_width": 32, "patch_size": 8},
            "text_cfg": {
                "context_length": CONTEXT,
                "vocab_size": len(tokenizer),
                "width": 128,
                "heads": 4,
                "layers": 3,
                "hf_tokenizer_name": "local",
                "pool_type": "eos",
                "eos_id": tokenizer.eos_token_id,
                "pad_id": tokenizer.pad_token_id,
            },
        },
        "preprocess_cfg": {
            "mean": [0.5] * 3,
            "std": [0.5] * 3,
            "interpolation": "bicubic",
            "resize_mode": "squash",
            "size": [SIDE, SIDE],
        },
    }


def text_tokenizer(source: str) -> PreTrainedTokenizerFast:
    """The policy's tokenizer, ending every text with the end token that the text tower pools."""
    tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True)
    end = tokenizer.eos_token
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"$A {end}", special_tokens=[(end, tokenizer.eos_token_id)]
    )
    tokenizer.padding_side = "right"
    return tokenizer


@torch.inference_mode()
def figures(model: Any, tokenize: Any, count: int = 500, seed: int = 77) -> dict[str, float]:
    """On unseen looks: how often a picture finds its other view, and a description its picture, among `count`."""
    rng = random.Random(seed)
    kinds = list(KINDS)
    looks = [random_look(rng, rng.choice(kinds)) for _ in range(count)]
    views = [random_view(rng) for _ in looks]
    pictures = [
        torch.stack([as_pixels(draw(k, v, DRAWN)) for k, v in zip(looks, vs, strict=True)])
        for vs in (views, [random_view(rng) for _ in looks])
    ]
    first, second = (model.encode_image(normalised(p), normalize=True) for p in pictures)
    words = model.encode_text(tokenize([description(k, v) for k, v in zip(looks, views, strict=True)]), normalize=True)
    gold = torch.arange(count)[:, None]

    def found(queries: Tensor, keys: Tensor, k: int) -> float:
        return float(((queries @ keys.T).topk(k).indices == gold).any(1).float().mean())

    return {
        f"{name}@{k}": found(q, first, k) for name, q in (("picture", second), ("description", words)) for k in (1, 12)
    }


def train(config: ClipConfig) -> dict[str, float]:
    """Train, write the folder, and return the held-out figures."""
    torch.manual_seed(config.seed)
    started, out = time.monotonic(), Path(config.out)
    writing = out.with_name(out.name + ".writing")
    shutil.rmtree(writing, ignore_errors=True)
    writing.mkdir(parents=True)
    tokenizer = text_tokenizer(config.tokenizer)
    tokenizer.save_pretrained(writing)
    settings = model_config(tokenizer)
    (writing / "open_clip_config.json").write_text(json.dumps(settings, indent=1))
    tokenize = open_clip.get_tokenizer(f"local-dir:{writing}")
    model = open_clip.CLIP(
        embed_dim=128, **{k: v for k, v in settings["model_cfg"].items() if k != "embed_dim"}, output_dict=True
    )
    model.to(config.device)
    gallery = Gallery(config, tokenize)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.1)
    schedule = cosine_lr(optimizer, config.learning_rate, 50, gallery.num_batches * config.epochs)
    precision = "amp_bf16" if native(torch.device(config.device)) is torch.bfloat16 else "fp32"
    options = SimpleNamespace(
        device=config.device, precision=precision, distill=False, accum_freq=1, skip_scheduler=False,
        grad_clip_norm=1.0, horovod=False, rank=0, local_rank=0, world_size=1, batch_size=config.batch,
        log_every_n_steps=20, wandb=False, log_local=False, distributed=False,
    )  # fmt: skip
    writer = SummaryWriter("runs/clip/tensorboard")
    for epoch in range(config.epochs):
        train_one_epoch(
            model, {"train": gallery}, open_clip.ClipLoss(), epoch, optimizer, None, schedule, None, options, writer
        )
    model.eval().cpu()
    results = figures(model, tokenize)
    save_file(
        {k: v.half().contiguous() for k, v in model.state_dict().items()}, writing / "open_clip_model.safetensors"
    )
    settled = {name: value for name, value in asdict(config).items() if name not in ("out", "tokenizer")}
    card = {"figures": results, "config": settled, "seconds": round(time.monotonic() - started)}
    (writing / "card.json").write_text(json.dumps(card, indent=1))
    shutil.rmtree(out, ignore_errors=True)
    writing.rename(out)
    return results


def main() -> None:
    """Read flags and train."""
    speak()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in asdict(ClipConfig()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    log.info("%s", json.dumps(train(ClipConfig(**vars(parser.parse_args())))))


if __name__ == "__main__":
    main()
