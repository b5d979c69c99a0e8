"""Prompts as a Qwen3-VL reads them: token ids, and each distinct picture's pixels once however often it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mmrag.policy.prompts import Prompt


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt's tokens. `pictures` holds (position of its first token, index among the distinct pictures)."""

    ids: tuple[int, ...]
    kinds: tuple[int, ...]  # 1 where a picture's token stands, else 0
    pictures: tuple[tuple[int, int], ...]

    def cut(self, start: int, stop: int) -> Row:
        """The tokens from `start` to before `stop`, with the pictures that begin there."""
        kept = tuple((at - start, one) for at, one in self.pictures if start <= at < stop)
        return Row(self.ids[start:stop], self.kinds[start:stop], kept)


@dataclass(frozen=True, slots=True)
class Encoded:
    """Rows, and the distinct pictures they show: pixels (all patches, values of a patch) and grid (pictures, 3)."""

    rows: tuple[Row, ...]
    pixels: Tensor | None
    grid: Tensor | None


def encode(processor: Any, prompts: Sequence[Prompt]) -> Encoded:
    """What `processor` makes of each prompt by itself, but with the work on a picture done once."""
    distinct = {id(picture): picture for prompt in prompts for picture in prompt.pictures}
    index = {key: number for number, key in enumerate(distinct)}
    pixels, grid, sizes = None, None, [0] * len(distinct)
    if distinct:
        seen = processor.image_processor(images=list(distinct.values()), return_tensors="pt")
        pixels, grid = seen["pixel_values"], seen["image_grid_thw"]
        sizes = (grid.prod(-1) // processor.image_processor.merge_size**2).tolist()
    shown = [[index[id(picture)] for picture in prompt.pictures] for prompt in prompts]
    texts = processor.apply_chat_template([prompt.messages for prompt in prompts], add_generation_prompt=True)
    pairs = zip(texts, shown, strict=True)
    full = [_expanded(text, processor.image_token, [sizes[one] for one in row]) for text, row in pairs]
    tokens = processor.tokenizer(full, add_special_tokens=False)["input_ids"]
    rows = (_row(ids, processor.image_token_id, row, sizes) for ids, row in zip(tokens, shown, strict=True))
    return Encoded(tuple(rows), pixels, grid)


def shared_length(rows: Sequence[Row]) -> int:
    """How many tokens at the start are the same in all rows, pictures included; at least one token of each is left.

    The tokens of two pictures look alike, so a picture counts as the same only if it is the same picture.
    """
    if len(rows) < 2:
        return 0
    length = 0
    for column in zip(*(_keys(row)[:-1] for row in rows), strict=False):
        if len(set(column)) > 1:
            break
        length += 1
    return length


def _keys(row: Row) -> list[int]:
    keys, starts = list(row.ids), dict(row.pictures)
    picture = 0
    for at, kind in enumerate(row.kinds):
        picture = starts.get(at, picture)
        if kind:
            keys[at] = -1 - picture
    return keys


def _expanded(text: str, token: str, sizes: Sequence[int]) -> str:
    first, *rest = text.split(token)
    return first + "".join(token * size + piece for size, piece in zip(sizes, rest, strict=True))


def _row(ids: Sequence[int], token: int, shown: Sequence[int], sizes: Sequence[int]) -> Row:
    kinds = tuple(int(one == token) for one in ids)
    starts, at = [], 0
    for picture in shown:
        at = kinds.index(1, at)
        starts.append((at, picture))
        at += sizes[picture]
    return Row(tuple(ids), kinds, tuple(starts))
