"""Pre-training of the embedded model from nothing: seeing and reading, on a stream of fresh worlds.

    python -m training.base --config training/configs/base.yaml [--resume true] [--device cuda]

Ours, from the measurements in docs/notebook.md: Muon, a loss on the prompt's words too at first, and a curriculum
over documents and skills. Lessons of many worlds are mixed in every chunk of the stream: fed one world at a time, the
model learned that world's names by heart within its forty steps, and after 3.4 M tokens still could not copy one. Chunk
k is a pure function of the configuration and k, whoever draws it, so a killed run goes on with `--resume true` at the
chunk after its last checkpoint. Half-written checkpoints are invisible: the folder is renamed last.
"""

from __future__ import annotations

import json
import logging
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info
from torch.utils.tensorboard import SummaryWriter
from trl import TrlParser

from mmrag.policy.load import native
from training import checkpoint
from training.batches import (
    DECISIVE_WEIGHT,
    PROMPT_WEIGHT,
    Batch,
    Encoded,
    encode,
    in_batches,
    to_device,
    weighted_loss,
)
from training.classroom import Classroom
from training.optim import Optimizers, warm_constant_cool
from training.progress import speak
from training.quick import fuse, see_together
from training.skills import lesson
from training.world import World
from training.world.difficulty import LEVELS
from training.world.names import mixed

log = logging.getLogger("training.base")
STRESS: Sequence[tuple[float, Mapping[str, float]]] = (  # until so much of the run is done
    (0.106, {"echo": 0.075}),
    (0.244, {}),
    (0.269, {"cite": 1.0}),
    (0.49, {}),
    (0.637, {"even": 0.1}),
    (0.706, {"conclude": 1.0}),
    (0.751, {"order": 0.6, "conclude": 0.4}),
    (0.82, {"match": 0.6, "same": 0.25}),
    (0.853, {"column": 0.17, "order": 0.08, "conclude": 0.1, "cells": 0.08, "seek": 0.15, "match": 0.1, "even": 0.06}),
    (0.89, {"spot": 0.15, "identify": 0.2, "caption": 0.1, "cells": 0.1, "order": 0.08, "match": 0.06, "column": 0.06}),
    (
        0.935,
        {"weigh": 0.25, "chain": 0.25, "match": 0.08, "identify": 0.12, "spot": 0.06, "gather": 0.05, "even": 0.05},
    ),
    (1.0, {"even": 0.1, "seek": 0.1, "gather": 0.16}),
)
INSTRUCTED = 0.82  # of the run is done when lessons are asked in the words of use too
AHEAD = 96  # batches that wait for the trainer: a chunk is drawn whole, and they have to last until it is
HELD_OUT = 9_000  # worlds from this seed on are never trained on


@dataclass
class BaseConfig:
    """Every setting of pre-training."""

    out: str = "runs/base"
    seed: int = 17
    first_world: int = 100  # of the stream, which has names of every length: `mixed`
    chunks: int = 60
    worlds: int = 24  # in a chunk
    entities: int = 24  # in a world
    questions: int = 60  # of a world, from which lessons are cut
    lessons: int = 40  # examples cut from each world
    budget: int = 3072  # tokens a batch
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    cool: float = 0.2  # share of the run over which the learning rate falls
    clip: float = 1.0
    examined: int = 320  # lessons of unseen worlds in an evaluation
    examined_last: int = 1600  # and in the last one, which the model card tells
    save_every: int = 2  # chunks
    evaluate_every: int = 6
    device: str = "auto"
    resume: bool = False
    start_from: str = ""  # a checkpoint whose weights to begin with, in place of random ones
    start_at: int = 0  # the chunk to begin with, where those weights have learned what comes before it


class Stream(IterableDataset[tuple[int, float, Batch]]):
    """Batches of chunks `start`, `start + 1`, ...; each with its chunk and how much of the run is done before it."""

    def __init__(self, config: BaseConfig, processor: Any, start: int) -> None:
        self.config, self.processor, self.start = config, processor, start

    def __iter__(self) -> Iterator[tuple[int, float, Batch]]:
        workers = 0 if get_worker_info() else os.cpu_count() or 1
        if not workers:
            torch.set_num_threads(1)
        for number in range(self.start, self.config.chunks):
            batches = list(chunk_batches(self.config, self.processor, number, workers))
            for index, batch in enumerate(batches):
                yield number, (number + index / len(batches)) / self.config.chunks, batch


class Worlds(Dataset[list[dict[str, Any]]]):
    """The lessons of each world of chunk `number`, as arrays: every tensor would hold a file open on its way."""

    def __init__(self, config: BaseConfig, processor: Any, number: int) -> None:
        self.config, self.processor, self.number = config, processor, number
        self.seeds = list(mixed(config.first_world + number * config.worlds, config.worlds))

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int) -> list[dict[str, Any]]:
        config, done = self.config, self.number / self.config.chunks
        rng = random.Random(f"{config.seed}/{self.number}/{index}")
        curriculum = level_at(done), documents_at(done), rng, stress_at(done), instructed_at(done)
        room = classroom(config, self.seeds[index], *curriculum)
        weight = prompt_weight_at(done)
        return [encode(self.processor, lesson(room), weight).as_arrays() for _ in range(config.lessons)]


def chunk_batches(config: BaseConfig, processor: Any, number: int, workers: int = 0) -> Iterator[Batch]:
    """All batches of chunk `number` of the stream, its worlds mixed, drawn by so many processes beside this one."""
    drawn = DataLoader(Worlds(config, processor, number), batch_size=None, num_workers=workers, collate_fn=list)
    examples = (Encoded.of_arrays(one) for world in drawn for one in world)
    rng = random.Random(f"{config.seed}/{number}")
    yield from in_batches(examples, config.budget, processor.tokenizer.pad_token_id, rng)


def classroom(
    config: BaseConfig,
    seed: int,
    level: int,
    documents: int,
    rng: random.Random,
    stress: Mapping[str, float] | None = None,
    instructed: float = 0.0,
) -> Classroom:
    """The world of `seed` with its questions."""
    world = World(seed, config.entities, LEVELS[level])
    asked = tuple(world.questions(config.questions, "train"))
    return Classroom(world, asked, rng, documents, stress or {}, instructed)


def documents_at(done: float) -> int:
    """The curriculum: how many documents are shown at most when `done` of the run is over."""
    return 1 + (done >= 0.078) + (done >= 0.16) + 2 * (done >= 0.244) + 3 * (done >= 0.897)


def level_at(done: float) -> int:
    """The curriculum: the level of the worlds when `done` of the run is over."""
    return 1 + (done >= 0.02) + (done >= 0.065)


def stress_at(done: float) -> Mapping[str, float]:
    """The curriculum: the shares of the lessons that some skills have for a while.

    Copying comes first, all reading rests on it. Which document says it is learned all at once or not at all: not in
    4 M tokens where it is a tenth of the lessons, but in 0.3 M where it is all of them, once copying is good and where
    up to seven are told apart. Of fewer, guessing is right too often. The rest of reading follows from it. Yes and no
    take some 20,000 answers of nothing else while the learning rate falls; at its full height they stayed at chance.
    Numbers are put in order next, before pictures, which that made forget.
    Which picture is the question's stayed there too, for 15,000 answers, and took 5,000 beside enough of telling two
    pictures apart without words. After it come tables, whose columns and rows are learned one at the other's cost, and
    what must be found before it is named; whose a description is, without which what is seen names nothing; and then
    whether a document is of use, and what is asked in one step and takes two, where the mix alone is slow. Lists come
    last: each has a step for all that fits, however many, and a world's own questions ask for hardly any.
    """
    return next((shares for until, shares in STRESS if done < until), {})


def instructed_at(done: float) -> float:
    """The curriculum: the share of the lessons in reading and judging that are asked in the words of use."""
    return 0.5 if done >= INSTRUCTED else 0.0


def prompt_weight_at(done: float) -> float:
    """The curriculum: what foreseeing the prompt's words counts; it teaches copying, and is noise afterwards."""
    return PROMPT_WEIGHT if done < 0.16 else 0.0


def beside(device: torch.device) -> dict[str, int]:
    """How a data loader draws what comes next: in a process of its own beside a card.

    Not on a CPU, whose threads wait for each other at every product: on two cores a process that drew in what time they
    left, even at the lowest priority, halved their speed. There all cores draw a chunk, and then learn from it.
    """
    return {"num_workers": 1, "prefetch_factor": AHEAD} if device.type == "cuda" else {"num_workers": 0}


def rest(tower: Any) -> None:
    """Let a tower that `training.sight` has taught stay as it is, but for what feeds the first layers directly.

    Muon moves every matrix at full speed, however small its gradient: within a thousand steps of sentences the tower
    that read 0.98 of the digits read 0.27, and the model had learned to read none.
    """
    tower.requires_grad_(False)
    tower.deepstack_merger_list.requires_grad_(True)


class Run:
    """A run of pre-training: all that changes while it goes on, and how it is kept."""

    def __init__(self, config: BaseConfig) -> None:
        self.config = config
        self.folder = Path(config.out)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.device = checkpoint.device(config.device)
        torch.manual_seed(config.seed)
        fresh = {"tokens": 0, "chunk": config.start_at, "step": 0, "seconds": 0.0}
        begun = checkpoint.begin(self.folder, config, fresh)
        self.model, self.processor, self.state = begun.model, begun.processor, begun.state
        if self.state.get("before", {}).get("pictures"):
            rest(self.model.model.visual)
        self.model.to(self.device).train()
        see_together(self.model.model.visual)
        if self.device.type == "cpu":
            fuse(self.model)
        self.optimizers = Optimizers(self.model, config.learning_rate, config.weight_decay)
        if begun.last:
            self.optimizers.load(load_file(begun.last / "optimizer.safetensors", device=str(self.device)))
        self.writer = SummaryWriter(str(self.folder / "tensorboard"))
        self.writer.add_text("config", json.dumps(asdict(config), indent=1))

    def train(self) -> Path:
        """Go on to the last chunk; returns the folder of the finished checkpoint."""
        config, state = self.config, self.state
        stream = Stream(config, self.processor, state["chunk"])
        before, since = state["seconds"], time.monotonic()
        for number, done, batch in DataLoader(stream, batch_size=None, **beside(self.device)):
            if number != state["chunk"]:
                self.end_of_chunk(number)
            loss = self.update(to_device(batch, self.device), done)
            state["step"] += 1
            state["tokens"] += batch.tokens
            state["seconds"] = before + time.monotonic() - since
            self.writer.add_scalar("train/loss", loss, state["tokens"])
            if state["step"] % 50 == 0:
                self.report(loss)
        self.end_of_chunk(config.chunks)
        return self._last()

    def update(self, batch: Batch, done: float) -> float:
        """One gradient step when `done` of the run is over; returns the loss."""
        half = torch.autocast(self.device.type, torch.bfloat16, enabled=native(self.device) is torch.bfloat16)
        with half:
            loss = weighted_loss(self.model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        with half:  # Muon's products, most of its time
            self.optimizers.step(warm_constant_cool(done, 0.01, self.config.cool))
        return float(loss.detach())

    def end_of_chunk(self, number: int) -> None:
        """Chunk `number` is next: evaluate and save where it is due, and always at the end."""
        self.state["chunk"] = number
        finished = number == self.config.chunks
        if finished or number % self.config.evaluate_every == 0:
            lessons = self.config.examined_last if finished else self.config.examined
            self.state["held_out"] = held_out(self.model, self.config, self.processor, self.device, lessons)
            for skill, found in self.state["held_out"].items():
                for name, value in found.items():
                    self.writer.add_scalar(f"held_out/{name}/{skill}", value, self.state["tokens"])
                log.info("held out: %s: %s", skill, "  ".join(f"{name} {value:.3g}" for name, value in found.items()))
        if finished or number % self.config.save_every == 0:
            self.save()

    def save(self) -> None:
        """A checkpoint in `last`."""
        tensors = {"optimizer": self.optimizers.tensors()}
        checkpoint.save(self.folder, self.model, self.processor, tensors, self.state)

    def report(self, loss: float) -> None:
        """One line of progress with the time left."""
        state, chunks = self.state, self.config.chunks
        left = state["seconds"] / (state["chunk"] - self.config.start_at + 0.5) * (chunks - state["chunk"])
        text = "chunk %d/%d  step %d  %.2f M tokens  loss %.3f  %.0f tokens/s  about %.0f min left"
        speed = state["tokens"] / max(state["seconds"], 1e-9)
        log.info(text, state["chunk"], chunks, state["step"], state["tokens"] / 1e6, loss, speed, left / 60)

    def _last(self) -> Path:
        return self.folder / "last"


@torch.inference_mode()
def held_out(
    model: Any, config: BaseConfig, processor: Any, device: torch.device, lessons: int
) -> dict[str, dict[str, float]]:
    """How well each skill is done in unseen worlds, by the model's first choice at every token (teacher forced).

    `tokens`: the share of what should be written; `whole`: the share of lessons right to the last token; `decided`: the
    share of lessons whose verdict and document numbers are right, for the skills that have them; `helps`: the share of
    lessons where it is foretold of every document rightly whether it helps, for the skills that list several.
    """
    rng = random.Random(5)
    rooms = [classroom(config, HELD_OUT + index, 3, 5, rng, instructed=0.5) for index in range(8)]
    examples = (encode(processor, lesson(rooms[index % 8])) for index in range(lessons))
    scores: dict[str, dict[str, list[float]]] = {}
    model.eval()
    for one in in_batches(examples, config.budget, processor.tokenizer.pad_token_id, rng):
        batch = to_device(one, device)
        right = model(**batch.inputs, use_cache=False).logits[:, :-1].argmax(-1) == batch.labels[:, 1:]  # (B, L - 1)
        within = batch.labels[:, 1:] != batch.inputs["input_ids"][:, 1:]
        weights = batch.weights[:, 1:].masked_fill(within, 0.0)
        for skill, hit, inside, weight in zip(batch.skills, right, within, weights, strict=True):
            found = scores.setdefault(skill, {"tokens": [], "whole": [], "decided": [], "helps": []})
            found["tokens"].append(float(hit[weight >= 1.0].float().mean()))
            found["whole"].append(float(hit[weight >= 1.0].all()))
            if inside.any():
                found["helps"].append(float(hit[inside].all()))
            if (decisive := weight >= DECISIVE_WEIGHT).any():
                found["decided"].append(float(hit[decisive].all()))
    model.train()
    return {
        skill: {"lessons": len(found["whole"])} | {name: sum(v) / len(v) for name, v in found.items() if v}
        for skill, found in sorted(scores.items())
    }


def main() -> None:
    """Read the configuration and train."""
    speak()
    (config,) = TrlParser(BaseConfig).parse_args_and_config()
    Run(config).train()


if __name__ == "__main__":
    main()
