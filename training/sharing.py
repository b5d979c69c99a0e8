"""The prompt of a group is read once for all that write on from it, and once for all whose loss is computed.

Ours, beneath TRL's `GRPOTrainer`, which reads a prompt anew for every completion, when writing and when learning. A
prompt here is some ten times as long as what is written, so nearly all of a step on a CPU went there. Keys and values
of the prompt are computed once, with their gradient, and never copied: the completions of a prompt are one sequence
after it, without padding between them, in which a mask keeps each to itself. The numbers are TRL's own up to rounding
(tests/training/test_sharing.py). Completions leave the batch as they end.

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
ALL, NONE = -1, -2  # branches: of a prompt's tokens, and of padding


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
    """Prompts that were read, and what is written after them: to each, several completions in one sequence.

    A completion is a branch of its prompt: its tokens look at the prompt and at those before them on their branch.
    """

    cache: DynamicCache
    branch: Tensor  # (U, tokens so far): which completion each belongs to; `ALL` for the prompt's, `NONE` for padding
    step: Tensor  # (U, tokens so far): its place on the branch; -1 for the prompt's
    position: Tensor  # (U,): rotary position of the first token of a completion
    logits: Tensor  # (U, V) of that token

    def select(self, prompts: Tensor) -> None:
        """Go on with these prompts alone, in this order."""
        self.cache.batch_select_indices(prompts)
        self.branch, self.step, self.position = self.branch[prompts], self.step[prompts], self.position[prompts]


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
    branch = torch.where(prompts.mask.bool(), ALL, NONE)
    logits = model.lm_head(hidden[:, -1])
    return Reading(cache, branch, torch.full_like(branch, -1), positions.amax((0, 2)) + 1, logits)


def go_on(model: Any, reading: Reading, prompt: Tensor, branch: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    """Read on: of each prompt the completions one after another, without what is padding between them.

    Args:
        model: of a class of `SHARING`.
        reading: goes on by these tokens.
        prompt: (B,), to which prompt each completion belongs.
        branch: (B,), which of its completions it is.
        tokens: (B, T), those after what was read of these completions, padded on the right.
        mask: (B, T), 1 for those that are real.

    Returns:
        Logits (B, T, V) after each token.
    """
    before = (prompt[:, None] == prompt).tril(-1)  # (B, B): completions of the same prompt
    lengths = mask.sum(-1)
    start = (before * lengths).sum(-1)
    longest = max(1, int((start + lengths).max()))  # one where all were masked, as those are that were cut off
    steps = torch.arange(tokens.shape[1], device=tokens.device)
    at = start[:, None] + steps  # (B, T): places in the sequence of the prompt
    whose, real = prompt[:, None].expand_as(at), mask.bool()

    def laid(values: Tensor, empty: int) -> Tensor:
        line = values.new_full((len(reading.position), longest), empty)
        line[whose[real], at[real]] = values.expand_as(at)[real]
        return line

    own, step = laid(branch[:, None], NONE), laid(steps + reading.step.amax() + 1, 0)
    reading.branch, reading.step = torch.cat([reading.branch, own], 1), torch.cat([reading.step, step], 1)
    earlier = (reading.branch[:, None] == own[..., None]) & (reading.step[:, None] <= step[..., None])
    seen = earlier | (reading.branch == ALL)[:, None]  # (U, longest, tokens so far)
    hidden = model.model(
        input_ids=laid(tokens, 0),
        attention_mask=seen[:, None],
        position_ids=(reading.position[:, None] + step).expand(3, -1, -1),
        past_key_values=reading.cache,
        use_cache=True,
    ).last_hidden_state
    logits: Tensor = model.lm_head(hidden[whose, at.clamp(max=longest - 1)])
    return logits


def sample(
    model: Any, prompts: Prompts, rows: Tensor, temperature: float, most: int, ends: Tensor, never: Sequence[int] = ()
) -> list[list[int]]:
    """At most `most` tokens after each row's prompt, the end token among them; greedily where the temperature is 0."""
    reading = read(model, prompts)
    written: list[list[int]] = [[] for _ in rows]
    going, prompt, branch = torch.arange(len(rows), device=rows.device), rows, branches(rows)
    logits = reading.logits[rows]
    for left in range(most, 0, -1):
        logits = logits.float()
        logits[:, list(never)] = -torch.inf
        tokens = torch.multinomial((logits / temperature).softmax(-1), 1)[:, 0] if temperature else logits.argmax(-1)
        for row, token in zip(going.tolist(), tokens.tolist(), strict=True):
            written[row].append(token)
        on = ~torch.isin(tokens, ends)
        going, prompt, tokens = going[on], prompt[on], tokens[on]
        if left == 1 or not len(going):
            break
        stay = prompt.unique()
        if len(stay) <= len(reading.position) // 2:  # selecting copies what was read
            reading.select(stay)
            prompt = torch.searchsorted(stay, prompt)
        logits = go_on(model, reading, prompt, branch[going], tokens[:, None], torch.ones_like(tokens[:, None]))[:, 0]
    return written


def branches(prompt: Tensor) -> Tensor:
    """Of completions (B,) by the prompt that each has, how many of the same prompt come before it."""
    return (prompt[:, None] == prompt).tril(-1).sum(-1)


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
            first = reading.logits[rows, None]
            rest = first[:, :0]
            if logits_to_keep > 1:
                rest = go_on(network, reading, rows, branches(rows), tokens[:, :-1], mask[:, :-1])
        logits = torch.cat([first, rest], dim=1).float()  # (B, T, V)
        logps = (logits / self.temperature).log_softmax(-1)
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
