"""The vision tower learns to see, before the language model reads what it sees.

    python -m training.sight --config training/configs/sight.yaml [--resume true] [--device cuda]

Ours. In sentences about pictures one token in ten tells a count, a digit or a side: after 27 M tokens of them the
colours were right and everything small was at chance (docs/notebook.md). Here every picture answers everything that
can be asked of it at once: each question is a learned query over the picture's tokens, as the language model gets
them, and a classifier. The queries are thrown away; the tower stays, in a checkpoint that `training.base` starts from.
"""

from __future__ import annotations

import json
import logging
import os
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from torch.utils.tensorboard import SummaryWriter
from trl import TrlParser

from mmrag.policy.load import native
from training import checkpoint
from training.classroom import DRAWN
from training.optim import Optimizers, warm_constant_cool
from training.progress import speak
from training.quick import see_together
from training.world.looks import BESIDE, HOURS, KINDS, SIDES, WEATHERS, Look, View, random_look, random_view
from training.world.pictures import draw

log = logging.getLogger("training.sight")
_DIGITS = tuple("0123456789")


@dataclass
class SightConfig:
    """Every setting of the tower's training."""

    out: str = "runs/sight"
    seed: int = 23
    pictures: int = 160_000
    batch: int = 64
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.02
    cool: float = 0.3  # share of the run over which the learning rate falls
    clip: float = 1.0
    examined: int = 1024  # unseen pictures in an evaluation
    evaluate_every: int = 10_000  # pictures; a checkpoint too
    device: str = "auto"
    resume: bool = False
    start_from: str = ""  # a checkpoint whose weights to begin with, in place of random ones


def asked() -> dict[str, tuple[str, ...]]:
    """Everything that a picture can be asked, with the possible answers. Kinds share a question of the same words."""
    view = {"kind": tuple(KINDS), "weather": WEATHERS, "hour": HOURS, "beside": BESIDE, "beside on the": SIDES}
    look = {
        question: _DIGITS if attribute.name == "number" else attribute.values
        for kind, attributes in KINDS.items()
        for attribute in attributes
        for question in _questions(kind, attribute.name)
    }
    return view | look


def answers(look: Look, view: View) -> dict[str, str]:
    """What a picture answers, by question."""
    found = {
        "kind": look.kind,
        "weather": view.weather,
        "hour": view.hour,
        "beside": view.beside,
        "beside on the": view.side,
    }
    for name, value in look.attributes.items():
        parts = tuple(value) if name == "number" else (value,)
        found |= dict(zip(_questions(look.kind, name), parts, strict=True))
    return found


def _questions(kind: str, name: str) -> tuple[str, ...]:
    if name == "number":
        return ("tens", "ones")
    return (f"{kind} {name}",) if name in ("shape", "body") else (name,)


class Queries(nn.Module):
    """One learned query and one classifier for each question, over the tokens of a picture."""

    def __init__(self, questions: Mapping[str, tuple[str, ...]], width: int) -> None:
        super().__init__()
        self.questions = dict(questions)
        self.embed = nn.Parameter(torch.randn(len(self.questions), width) * 0.02)
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.normal = nn.LayerNorm(width)
        self.heads = nn.ModuleList(nn.Linear(width, len(values)) for values in self.questions.values())

    def forward(self, tokens: Tensor) -> list[Tensor]:
        """tokens: (B, T, W). Logits (B, answers) for each question."""
        queries = self.embed.expand(len(tokens), -1, -1)  # (B, Q, W)
        found, _ = self.attention(queries, tokens, tokens, need_weights=False)
        found = self.normal(found)
        return [head(found[:, index]) for index, head in enumerate(self.heads)]

    def labels(self, answered: list[dict[str, str]]) -> Tensor:
        """Which answer is right (B, Q); -100 where the question does not apply."""
        rows = [
            [values.index(one[question]) if question in one else -100 for question, values in self.questions.items()]
            for one in answered
        ]
        return torch.tensor(rows)


class Pictures(IterableDataset[tuple[Tensor, Tensor, list[dict[str, str]]]]):
    """Batches of fresh pictures and what they answer; batch k is a function of the seed and k, whoever draws it."""

    def __init__(self, config: SightConfig, processor: Any, start: int) -> None:
        self.config, self.processor, self.start = config, processor, start

    def __iter__(self) -> Iterator[Any]:
        torch.set_num_threads(1)
        worker = get_worker_info()
        assert worker is not None
        os.nice(10)  # on two cores they then draw while the trainer waits, not while it computes
        for number in range(self.start + worker.id, self.config.pictures // self.config.batch, worker.num_workers):
            yield drawn(self.processor, f"{self.config.seed}/{number}", self.config.batch)


def drawn(processor: Any, seed: str, count: int) -> tuple[Tensor, Tensor, list[dict[str, str]]]:
    """`count` pictures of all kinds as the tower gets them: patches, grid, and what each answers."""
    rng = random.Random(seed)
    seen = [(random_look(rng, rng.choice(list(KINDS))), random_view(rng)) for _ in range(count)]
    inputs = processor.image_processor([draw(look, view, DRAWN) for look, view in seen], return_tensors="pt")
    return inputs["pixel_values"], inputs["image_grid_thw"], [answers(look, view) for look, view in seen]


class Run:
    """A run of the tower's training: all that changes while it goes on, and how it is kept."""

    def __init__(self, config: SightConfig) -> None:
        self.config, self.folder = config, Path(config.out)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.device = checkpoint.device(config.device)
        torch.manual_seed(config.seed)
        fresh = {"pictures": 0, "seconds": 0.0}
        begun = checkpoint.begin(self.folder, config, fresh)
        self.model, self.processor, self.state = begun.model, begun.processor, begun.state
        self.tower = self.model.model.visual
        see_together(self.tower)
        self.queries = Queries(asked(), self.tower.config.out_hidden_size)
        if begun.last:
            self.queries.load_state_dict(load_file(begun.last / "queries.safetensors"))
        self.both = nn.ModuleDict({"tower": self.tower, "queries": self.queries}).to(self.device).train()
        self.optimizers = Optimizers(self.both, config.learning_rate, config.weight_decay)
        if begun.last:
            self.optimizers.load(load_file(begun.last / "optimizer.safetensors", device=str(self.device)))
        self.writer = SummaryWriter(str(self.folder / "tensorboard"))
        self.writer.add_text("config", json.dumps(asdict(config), indent=1))

    def train(self) -> Path:
        """Go on to the last picture; returns the folder of the finished checkpoint."""
        config, state = self.config, self.state
        before, since, examined = state["seconds"], time.monotonic(), state["pictures"]
        stream = Pictures(config, self.processor, state["pictures"] // config.batch)
        for pixels, grid, answered in DataLoader(stream, batch_size=None, num_workers=2, prefetch_factor=8):
            loss = self.update(pixels, grid, answered)
            state["pictures"] += config.batch
            state["seconds"] = before + time.monotonic() - since
            self.writer.add_scalar("sight/loss", loss, state["pictures"])
            if state["pictures"] - examined >= config.evaluate_every:
                examined = state["pictures"]
                self.report(loss)
        if state["pictures"] > examined:
            self.report(loss)
        return self.folder / "last"

    def update(self, pixels: Tensor, grid: Tensor, answered: list[dict[str, str]]) -> float:
        """One gradient step; returns the loss."""
        labels = self.queries.labels(answered).to(self.device)
        half = torch.autocast(self.device.type, torch.bfloat16, enabled=native(self.device) is torch.bfloat16)
        with half:
            logits = self.seen(pixels, grid)
        loss = classified(logits, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.both.parameters(), self.config.clip)
        done = self.state["pictures"] / self.config.pictures
        with half:  # Muon's products, most of its time
            self.optimizers.step(warm_constant_cool(done, 0.02, self.config.cool))
        return float(loss.detach())

    def seen(self, pixels: Tensor, grid: Tensor) -> list[Tensor]:
        """Logits (B, answers) of each question."""
        tokens = self.tower(pixels.to(self.device), grid_thw=grid.to(self.device)).pooler_output
        return self.queries(tokens.view(len(grid), -1, tokens.size(-1)))

    @torch.inference_mode()
    def examine(self) -> dict[str, float]:
        """The share of right answers on unseen pictures, by question."""
        right: dict[str, list[Tensor]] = {}
        for number in range(self.config.examined // self.config.batch):
            pixels, grid, answered = drawn(self.processor, f"held out/{number}", self.config.batch)
            labels = self.queries.labels(answered).to(self.device)
            for question, logits, label in zip(self.queries.questions, self.seen(pixels, grid), labels.T, strict=True):
                right.setdefault(question, []).append((logits.argmax(-1) == label)[label >= 0].float())
        return {question: float(torch.cat(hits).mean()) for question, hits in right.items()}

    def report(self, loss: float) -> None:
        """Evaluate, one line of progress with the time left, and a checkpoint."""
        state, total = self.state, self.config.pictures
        state["sight"] = self.examine()
        for question, share in state["sight"].items():
            self.writer.add_scalar(f"held_out/{question}", share, state["pictures"])
        left = state["seconds"] / max(state["pictures"], 1) * (total - state["pictures"])
        log.info("%d/%d pictures  loss %.3f  about %.0f min left", state["pictures"], total, loss, left / 60)
        log.info("right: %s", "  ".join(f"{question} {share:.2f}" for question, share in state["sight"].items()))
        tensors = {"optimizer": self.optimizers.tensors(), "queries": self.queries.state_dict()}
        checkpoint.save(self.folder, self.model, self.processor, tensors, state)


def classified(logits: list[Tensor], labels: Tensor) -> Tensor:
    """Cross-entropy averaged over the questions that apply. labels: (B, Q)."""
    losses = [
        nn.functional.cross_entropy(one.float(), label, ignore_index=-100, reduction="sum")
        for one, label in zip(logits, labels.T, strict=True)
    ]
    return torch.stack(losses).sum() / (labels >= 0).sum()


def main() -> None:
    """Read the configuration and train."""
    speak()
    (config,) = TrlParser(SightConfig).parse_args_and_config()
    Run(config).train()


if __name__ == "__main__":
    main()
