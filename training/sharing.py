"""The prompt of a group is read once for all that write on from it, and once for all whose loss is computed.

Ours, beneath TRL's `GRPOTrainer`, which reads a prompt anew for every completion, when writing and when learning. A
prompt here is some ten times as long as what is written, so nearly all of a step on a CPU went there. Keys and values
of the prompt are computed once, with their gradient, and selected for each completion (`DynamicCache`); the numbers are
TRL's own up to rounding (tests/test_sharing.py). Rows leave the batch as they end.

Models outside `SHARING`, several processes, gradient checkpointing, vLLM, and sampling by more than a temperature go
TRL's way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from transformers import DynamicCache
from trl import GRPOTrainer

from mmrag.policy.judging import SHARING, rotary

KINDS = "mm_token_type_ids"  # 0 text, 1 picture


@dataclass(frozen=True, slots=True)
class Prompts:
    """Different prompts as tensors. U prompts, P tokens with padding on the left, I pictures, N patches."""

    ids: Tensor  # (U, P)
    mask: Tensor  # (U, P)
    kinds: Tensor  # (U, P)
    pixels: Tensor | None  # (N, patch dims)
    grid: Tensor | None  # (I, 3)

    @classmethod
    def different(cls, ids: Tensor, mask: Tensor, fields: Mapping[str, Any]) -> tuple[Prompts, Tensor]:
        """The different ones among the prompts of B rows, and which of them each row has (B,)."""
        pictures = _pictures_of(ids, fields)
        known: dict[bytes, int] = {}
        rows = [
            known.setdefault(
                one.numpy(force=True).tobytes() + b"".join(p.numpy(force=True).tobytes() for p, _ in seen), len(known)
            )
            for one, seen in zip(ids, pictures, strict=True)
        ]
        first = [rows.index(number) for number in range(len(known))]
        seen = [one for row in first for one in pictures[row]]
        kinds = fields[KINDS][:, : ids.shape[1]] if KINDS in fields else torch.zeros_like(ids)
        chosen = cls(
            ids[first],
            mask[first],
            kinds[first],
            torch.cat([pixels for pixels, _ in seen]) if seen else None,
            torch.stack([grid for _, grid in seen]) if seen else None,
        )
        return chosen, torch.tensor(rows, device=ids.device)


@dataclass(slots=True)
class Reading:
    """Rows in the middle of being written: what was read so far, and what may come next."""

    cache: DynamicCache
    mask: Tensor  # (B, tokens so far)
    position: Tensor  # (B,) rotary position of the token to come
    logits: Tensor  # (B, V) of the token to come

    def select(self, rows: Tensor) -> None:
        """Go on with these rows alone, in this order; a row may come more than once."""
        self.cache.batch_select_indices(rows)
        self.mask, self.position, self.logits = self.mask[rows], self.position[rows], self.logits[rows]


def read(model: Any, prompts: Prompts) -> Reading:
    """Read each prompt to its end."""
    cache = DynamicCache(config=model.config)
    positions = rotary(model, prompts.ids, prompts.kinds, prompts.grid, prompts.mask)
    pictures = {} if prompts.pixels is None else {"pixel_values": prompts.pixels, "image_grid_thw": prompts.grid}
    hidden = model.model(
        input_ids=prompts.ids,
        attention_mask=prompts.mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        **pictures,
    ).last_hidden_state
    return Reading(cache, prompts.mask, positions.amax((0, 2)) + 1, model.lm_head(hidden[:, -1]))


def go_on(model: Any, reading: Reading, tokens: Tensor, mask: Tensor) -> Tensor:
    """Read `tokens` (B, T), of which `mask` says which are real; logits (B, T, V) after each of them."""
    whole = torch.cat([reading.mask, mask], dim=1)
    positions = reading.position[:, None] + torch.arange(tokens.shape[1], device=tokens.device)  # (B, T)
    hidden = model.model(
        input_ids=tokens,
        attention_mask=whole,
        position_ids=positions.expand(3, -1, -1),
        past_key_values=reading.cache,
        use_cache=True,
    ).last_hidden_state
    reading.mask, reading.position = whole, reading.position + tokens.shape[1]
    logits: Tensor = model.lm_head(hidden)
    return logits


def sample(
    model: Any, prompts: Prompts, rows: Tensor, temperature: float, most: int, ends: Tensor, never: Sequence[int] = ()
) -> list[list[int]]:
    """At most `most` tokens after each row's prompt, the end token among them; greedily where the temperature is 0."""
    reading = read(model, prompts)
    reading.select(rows)
    written: list[list[int]] = [[] for _ in rows]
    going = torch.arange(len(rows), device=rows.device)
    over = torch.zeros_like(going, dtype=torch.bool)  # of those in the batch
    for left in range(most, 0, -1):
        logits = reading.logits.float()
        logits[:, list(never)] = -torch.inf
        tokens = torch.multinomial((logits / temperature).softmax(-1), 1)[:, 0] if temperature else logits.argmax(-1)
        for row, token, ended in zip(going.tolist(), tokens.tolist(), over.tolist(), strict=True):
            if not ended:
                written[row].append(token)
        over = over | torch.isin(tokens, ends)
        if left == 1 or bool(over.all()):
            break
        if int((~over).sum()) <= len(over) // 2:  # selecting copies what was read
            stay = (~over).nonzero()[:, 0]
            reading.select(stay)
            going, tokens, over = going[stay], tokens[stay], over[stay]
        reading.logits = go_on(model, reading, tokens[:, None], torch.ones_like(tokens[:, None]))[:, 0]
    return written


class SharedPrompts(GRPOTrainer):
    """TRL's trainer, reading each prompt once where it can."""

    def _generate_single_turn(
        self, prompt_ids: Any, images: Any, multimodal_fields: Any, num_generations: int, has_tool_images: bool = False
    ) -> tuple[list[list[int]], None]:
        plain = self.top_p == 1.0 and not self.top_k and self.min_p is None and self.repetition_penalty == 1.0
        if not self._sharing or not plain or self.use_vllm or self.use_transformers_continuous_batching:
            usual: tuple[list[list[int]], None] = super()._generate_single_turn(
                prompt_ids, images, multimodal_fields, num_generations, has_tool_images
            )
            return usual
        model = self.accelerator.unwrap_model(self.model)
        ids, mask = _left_padded(prompt_ids, self._tokenizer.pad_token_id, model.device)
        fields = {name: one for name, one in multimodal_fields.items() if name != KINDS}
        if KINDS in multimodal_fields:
            fields[KINDS], _ = _left_padded(multimodal_fields[KINDS], 0, model.device)
        fields["num_images"] = [len(some) if some else 0 for some in images] if images else None
        prompts, rows = Prompts.different(ids, mask, fields)
        ends = torch.tensor(self.eos_token_ids, device=model.device)
        with torch.no_grad(), self.accelerator.autocast():
            written = sample(
                _network(model), prompts, rows, self.temperature, self.max_completion_length, ends, self._pictured
            )
        return written, None

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        compute_aux_loss: bool = False,
        **fields: Any,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        if not self._sharing:
            usual: tuple[Tensor, Tensor | None, Tensor | None] = super()._get_per_token_logps_and_entropies(
                model,
                input_ids,
                attention_mask,
                logits_to_keep,
                batch_size,
                compute_entropy,
                compute_aux_loss,
                **fields,
            )
            return usual
        cut = input_ids.shape[1] - logits_to_keep
        given = {name: one for name, one in fields.items() if one is not None}
        prompts, rows = Prompts.different(input_ids[:, :cut], attention_mask[:, :cut], given)
        network = _network(self.accelerator.unwrap_model(model))
        tokens, mask = input_ids[:, cut:], attention_mask[:, cut:]
        with self.accelerator.autocast():
            reading = read(network, prompts)
            reading.select(rows)
            first = reading.logits[:, None]
            rest = go_on(network, reading, tokens[:, :-1], mask[:, :-1]) if logits_to_keep > 1 else first[:, :0]
        logps = (torch.cat([first, rest], dim=1).float() / self.temperature).log_softmax(-1)  # (B, T, V)
        entropies = -(logps.exp() * logps).sum(-1) if compute_entropy else None
        return logps.gather(-1, tokens[..., None])[..., 0], entropies, None

    @property
    def _sharing(self) -> bool:
        alone = self.accelerator.num_processes == 1 and not self.args.gradient_checkpointing
        return alone and isinstance(_network(self.accelerator.unwrap_model(self.model)), SHARING)

    @property
    def _pictured(self) -> list[int]:
        """Tokens that stand for a picture, which nobody can write."""
        return [one for one in (self._image_pad_token_id, self._video_pad_token_id) if one is not None]


def _network(model: Any) -> Any:
    return model.get_base_model() if isinstance(model, PeftModel) else model


def _left_padded(rows: Sequence[Sequence[int]], value: int, device: torch.device) -> tuple[Tensor, Tensor]:
    longest = max(map(len, rows))
    padded = [[value] * (longest - len(one)) + list(one) for one in rows]
    mask = [[0] * (longest - len(one)) + [1] * len(one) for one in rows]
    return torch.tensor(padded, device=device), torch.tensor(mask, device=device)


def _pictures_of(ids: Tensor, fields: Mapping[str, Any]) -> list[list[tuple[Tensor, Tensor]]]:
    """The pictures of each row: their patches and their grid."""
    if fields.get("pixel_values") is None:
        return [[] for _ in ids]
    grid = torch.as_tensor(fields["image_grid_thw"], device=ids.device)
    patches = torch.as_tensor(fields["pixel_values"], device=ids.device).split(grid.prod(-1).tolist())
    each = iter(zip(patches, grid, strict=True))
    return [[next(each) for _ in range(number)] for number in fields["num_images"]]
