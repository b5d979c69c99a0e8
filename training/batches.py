"""From examples to tensors: the processor's own path, a weight for every token, and batches of equal length.

The weight of a token says how much its prediction counts: 1 in what should be written, `PROMPT_WEIGHT` in the prompt's
words (learning to foresee them is what taught the small model to copy names), 0 for pictures and padding. Verdicts,
yes and no, which of two numbers is more, the numbers of documents, what is told of a picture, the name given to it, and
the word that begins a sentence of reasoning (which says that something was found, or that nothing was) count
`DECISIVE_WEIGHT`: one token among thirty, they were learned last.

In pre-training something is foretold inside the prompt too: where a document of a list ends, whether it helps. Nothing
is written there, in training or in use; what the model has made out of a document by then is what it later finds the
document by, and a number at the end of a sentence came too late and too seldom to teach it to look.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast, ProcessorMixin

from mmrag.policy.prompts import Prompt
from training.data import Example

PROMPT_WEIGHT = 0.3
DECISIVE_WEIGHT = 5.0
HELPS_WEIGHT = 2.0  # of foretelling whether a document helps
MULTIPLE = 16  # of which the length of a batch is one
VERDICTS = ("No", "Yes")
_DECISIVE = re.compile(
    r"^(?:Yes|No|yes|no)\b|(?<=<answer> )(?:yes|no)\b|(?<=\[)\d+|(?<=<think>)\w+|(?<=\]\. )\w+|(?<=\] is the )\w+"
    r"|(?<=\] the )\w+|(?<=: )(?:\d+ )?\w+|(?<=\d) [<>]| -(?= no )"
)


@dataclass(frozen=True)
class Encoded:
    """One example as numbers. L tokens, P picture patches, I pictures."""

    input_ids: Tensor  # (L,)
    token_types: Tensor  # (L,) 0 text, 1 picture
    labels: Tensor  # (L,) what is to be foretold in this place: the token that stands there, but for what helps
    weights: Tensor  # (L,) of foretelling it
    pixels: Tensor | None  # (P, patch dims)
    grid: Tensor | None  # (I, 3)
    skill: str

    def as_arrays(self) -> dict[str, Any]:
        """The same with arrays in place of tensors, to send to another process."""
        return {name: one.numpy() if isinstance(one, Tensor) else one for name, one in vars(self).items()}

    @classmethod
    def of_arrays(cls, sent: dict[str, Any]) -> Encoded:
        """What `as_arrays` gave."""
        return cls(**{name: torch.from_numpy(x) if isinstance(x, np.ndarray) else x for name, x in sent.items()})


@dataclass(frozen=True)
class Batch:
    """Right-padded examples: what the model takes, and the weights."""

    inputs: dict[str, Tensor]
    labels: Tensor  # (B, L)
    weights: Tensor  # (B, L)
    skills: tuple[str, ...]

    @property
    def tokens(self) -> int:
        """How many tokens there are, padding left out."""
        return int(self.inputs["attention_mask"].sum())


def encode(processor: ProcessorMixin, example: Example, prompt_weight: float = PROMPT_WEIGHT) -> Encoded:
    """Prompt and target through the processor, as they are in use."""
    tokenizer = processor.tokenizer
    asked = render(processor, example.prompt)
    inputs = processor(
        text=[asked + example.target + "<|im_end|>\n"],
        images=[list(example.prompt.pictures)] if example.prompt.pictures else None,
        return_tensors="pt",
    )
    ids = inputs["input_ids"][0]
    target = target_weights(tokenizer, example.target + "<|im_end|>\n")
    weights = torch.full(ids.shape, prompt_weight)
    weights[-len(target) :] = target
    weights[inputs["mm_token_type_ids"][0] != 0] = 0.0
    labels = ids.clone()
    if example.helps:
        after = ends(tokenizer, ids, len(example.helps))
        labels[after] = torch.tensor([tokenizer.convert_tokens_to_ids(VERDICTS[one]) for one in example.helps])
        weights[after] = HELPS_WEIGHT
    return Encoded(
        ids,
        inputs["mm_token_type_ids"][0],
        labels,
        weights,
        inputs.get("pixel_values"),
        inputs.get("image_grid_thw"),
        example.skill,
    )


def target_weights(tokenizer: PreTrainedTokenizerFast, target: str) -> Tensor:
    """The weight (tokens,) of each token of what should be written and the line break after it."""
    spans = tokenizer(target, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    decisive = [match.span() for match in _DECISIVE.finditer(target)]
    weights = [
        DECISIVE_WEIGHT if any(start < stop and begin < end for begin, stop in decisive) else 1.0
        for start, end in spans
    ]
    weights[-1] = 0.0  # the line break after the end is never generated
    return torch.tensor(weights)


def ends(tokenizer: PreTrainedTokenizerFast, ids: Tensor, count: int) -> Tensor:
    """The places (count,) of the line breaks after the documents of a list, "[/1]" and so on.

    No document's own text holds such a mark: `mmrag.policy.prompts.disarmed`.
    """
    closed = [tokenizer(f" [/{number}]\n", add_special_tokens=False)["input_ids"] for number in range(1, count + 1)]
    windows = {len(mark): ids.unfold(0, len(mark), 1) for mark in closed}
    found = [(windows[len(mark)] == torch.tensor(mark)).all(1).nonzero()[0, 0] + len(mark) - 1 for mark in closed]
    return torch.stack(found)


def render(processor: ProcessorMixin, prompt: Prompt) -> str:
    """The prompt in the model's conversation form, ending where the model begins to write."""
    text = processor.apply_chat_template(prompt.messages, add_generation_prompt=True, tokenize=False)
    assert isinstance(text, str)
    return text


def collate(examples: Sequence[Encoded], pad: int, multiple: int = 1) -> Batch:
    """Tensors padded on the right to a multiple in length; pictures one after the other as their placeholders are."""
    longest = _up(max(len(one.input_ids) for one in examples), multiple)

    def padded(rows: Iterable[Tensor], value: float) -> Tensor:
        return torch.stack([torch.nn.functional.pad(row, (0, longest - len(row)), value=value) for row in rows])

    inputs = {
        "input_ids": padded((one.input_ids for one in examples), pad),
        "attention_mask": padded((torch.ones_like(one.input_ids) for one in examples), 0),
        "mm_token_type_ids": padded((one.token_types for one in examples), 0),
    }
    pixels = [one.pixels for one in examples if one.pixels is not None]
    if pixels:
        inputs["pixel_values"] = torch.cat(pixels)
        inputs["image_grid_thw"] = torch.cat([one.grid for one in examples if one.grid is not None])
    labels, weights = padded((one.labels for one in examples), pad), padded((one.weights for one in examples), 0.0)
    return Batch(inputs, labels, weights, tuple(one.skill for one in examples))


def in_batches(examples: Iterable[Encoded], budget: int, pad: int, rng: random.Random) -> Iterator[Batch]:
    """Batches of at most `budget` tokens, padding included, of examples alike in length, in random order.

    Lengths are multiples of `MULTIPLE`. Of shapes that never came again a CPU made every product's kernel anew, and
    memory fell to pieces: within half an hour a step took 1.6 times as long.
    """
    ordered = sorted(examples, key=lambda one: len(one.input_ids))
    groups: list[list[Encoded]] = [[]]
    for one in ordered:
        if groups[-1] and (len(groups[-1]) + 1) * _up(len(one.input_ids), MULTIPLE) > budget:
            groups.append([])
        groups[-1].append(one)
    rng.shuffle(groups)
    for group in groups:
        yield collate(group, pad, MULTIPLE)


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def weighted_loss(model: Any, batch: Batch) -> Tensor:
    """Cross-entropy of the next token, averaged by weight; logits are made where some example counts.

    And in a few places more, up to a multiple of `MULTIPLE`, for the same reason as in `in_batches`.
    """
    weights = batch.weights[:, 1:]
    counts = weights.any(0)
    first = counts.logical_not().int().argsort(stable=True)  # those that count, then the others
    counted = first[: _up(int(counts.sum()), MULTIPLE)]  # (C,) places before a token
    logits = model(**batch.inputs, use_cache=False, logits_to_keep=counted).logits  # (B, C, V)
    labels = batch.labels[:, 1:][:, counted]
    losses = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="none")
    weights = weights[:, counted].flatten()
    return (losses * weights).sum() / weights.sum()


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The same batch on `device`."""
    inputs = {name: tensor.to(device, non_blocking=True) for name, tensor in batch.inputs.items()}
    return Batch(inputs, batch.labels.to(device), batch.weights.to(device), batch.skills)
