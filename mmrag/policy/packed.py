"""Prompts that begin alike, read as one sequence: the beginning once, then the rest of each, without padding.

All of a layer but its attention looks at one token at a time, and does not mind whose token it is. Attention is given
to `transformers` under `NAME`, by its own registry: each row looks at the beginning and at itself, at no other row.
Rows of like length attend together; they are padded for that alone, on the right, where no token looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, DynamicCache

NAME = "mmrag_packed"


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows of like length: where their tokens stand. A row's last token stands in for its padding."""

    keys: Tensor  # (rows, cut + longest)
    queries: Tensor  # (rows, longest)
    real: Tensor  # (tokens,): which of all rows * longest are no padding
    causal: Tensor  # (longest, cut + longest): which keys a query may look at


@dataclass(frozen=True, slots=True)
class Packed:
    """Where everything stands in the sequence: `cut` tokens of the beginning, then row by row."""

    cut: int
    groups: tuple[_Group, ...]
    ends: Tensor  # (rows,): of each row, its last token

    @classmethod
    def of(cls, groups: Sequence[Sequence[int]], cut: int, device: torch.device) -> Self:
        """The layout of rows that go on for so many tokens after the beginning, group by group."""
        stops = torch.tensor(
            [*accumulate((length for group in groups for length in group), initial=cut)], device=device
        )
        made, row = [], 0
        for group in groups:
            starts, ends = stops[row : row + len(group), None], stops[row + 1 : row + len(group) + 1, None]
            longest = max(group)
            at = torch.arange(-cut, longest, device=device)
            keys = torch.where(at < 0, at + cut, (starts + at).minimum(ends - 1))
            causal = torch.ones(longest, cut + longest, dtype=torch.bool, device=device).tril(cut)
            real = (starts + at[cut:] < ends).flatten().nonzero()[:, 0]
            made.append(_Group(keys, keys[:, cut:], real, causal))
            row += len(group)
        return cls(cut, tuple(made), stops[1:] - 1)

    def unpacked(self, cache: Any, lengths: Tensor) -> DynamicCache:
        """Keys and values of a packed sequence row by row, padded on the right; `lengths` (rows,) are of whole rows."""
        at = torch.arange(int(lengths.max()), device=lengths.device)
        starts = (self.ends + 1 - lengths)[:, None]
        index = torch.where(at < self.cut, at, (starts + at).minimum(self.ends[:, None]))  # (rows, longest)
        return DynamicCache([tuple(_at(part, index) for part in (layer.keys, layer.values)) for layer in cache.layers])


def attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, _mask: None, *, packed: Packed, scaling: float, **_: Any
) -> tuple[Tensor, None]:
    """Attention over a packed sequence: of (1, heads, tokens, width) each, as (1, tokens, heads, width)."""
    share = query.device.type == "cpu"  # elsewhere, a mask and shared heads together are slow, so heads are repeated
    if not share:
        key, value = (part.repeat_interleave(module.num_key_value_groups, dim=1) for part in (key, value))
    parts = []
    if packed.cut:
        first, keys, values = (part[:, :, : packed.cut] for part in (query, key, value))
        seen = scaled_dot_product_attention(first, keys, values, is_causal=True, scale=scaling, enable_gqa=share)
        parts.append(seen[0].transpose(0, 1))
    for group in packed.groups:
        seen = scaled_dot_product_attention(
            _at(query, group.queries),
            _at(key, group.keys),
            _at(value, group.keys),
            attn_mask=group.causal if packed.cut else None,
            is_causal=not packed.cut,
            scale=scaling,
            enable_gqa=share,
        )  # (rows, heads, longest, width)
        parts.append(seen.transpose(1, 2).flatten(0, 1).index_select(0, group.real))  # (tokens, heads, width)
    return torch.cat(parts)[None], None


def _at(part: Tensor, index: Tensor) -> Tensor:
    """Of (1, heads, tokens, width), the tokens at `index` (rows, longest), as (rows, heads, longest, width)."""
    tokens = part[0].transpose(0, 1).flatten(1)  # whole tokens are copied faster than one head of each
    return tokens.index_select(0, index.flatten()).view(*index.shape, part.shape[1], -1).transpose(1, 2)


AttentionInterface.register(NAME, attend)
