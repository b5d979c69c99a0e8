"""The judge: P(keep) of many documents for little more than the price of reading them once.

As published (RagVL), P(keep) is the softmax over the logits of exactly two tokens, Yes and No, at the first generated
position, one model call per document. Here the prompts of one question are worked on together:

1. What all prompts begin with (instruction, question, the question's picture) is run once, and the rest of each after
   it, as one sequence without padding (`mmrag.policy.packed`).
2. Each distinct picture passes the vision tower once.
3. The last feed-forward part and the output head see one position per prompt.
4. Reasons are written for all prompts of such a sequence at once.

Positions are those of the full prompts, so the result is that of one plain call per document, up to rounding. Models of
another family than `SHARING` are judged by `mmrag.policy.whole`, in batches of full prompts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import DynamicCache, Qwen3VLForConditionalGeneration, Qwen3VLMoeForConditionalGeneration

from mmrag.errors import MalformedOutput
from mmrag.policy.encode import Encoded, Row, encode, shared_length
from mmrag.policy.grammar import read_verdict
from mmrag.policy.packed import NAME, Packed
from mmrag.policy.prompts import Prompt
from mmrag.types import Malformed

# Their forward takes pictures that are encoded already, their rotary positions can be computed for a part of a prompt,
# and all their layers keep keys and values that can be shared.
SHARING = (Qwen3VLForConditionalGeneration, Qwen3VLMoeForConditionalGeneration)
# At most in one sequence: tokens; in one product of attention: padding, which costs about as much as another product.
_CPU, _ACCELERATOR = (4096, 96), (32768, 4096)

Turn = Callable[[], AbstractContextManager[None]]  # holds the model while something is computed


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the model thinks of one document. `reason` is empty and `malformed` None where no reason was asked for."""

    p_keep: float
    tokens_in: int  # of its prompt, what all prompts begin with among them
    tokens_out: int  # of verdict and reason
    reason: str = ""
    malformed: Malformed | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """How the model begins to answer: the logits of Yes and No at the first position, and the tokens it writes."""

    yes: float
    no: float
    read: int  # tokens of the prompt
    tokens: tuple[int, ...] = ()


class Runner(Protocol):
    """What a model family must be able to do; both methods are greedy and stop before an end token."""

    def open(self, prompts: Sequence[Prompt], verdicts: tuple[int, int], new_tokens: int) -> list[Opening]:
        """Begin to answer each prompt: the logits of the two `verdicts`, and up to `new_tokens` tokens."""

    def write(self, prompt: Prompt, new_tokens: int, turn: Turn) -> Iterator[int]:
        """Tokens as they come; closing the iterator ends the work. The model is used only within `turn()`."""


def judgement(opening: Opening, text: str | None) -> Judgement:
    """P(keep) from the two logits; the reason from `text`, what the model wrote, if it was asked to."""
    p_keep = 1.0 / (1.0 + math.exp(min(opening.no - opening.yes, 700.0)))
    counts = (opening.read, len(opening.tokens))
    if text is None:
        return Judgement(p_keep, *counts)
    try:
        _, reason = read_verdict(text)
    except MalformedOutput as error:
        return Judgement(p_keep, *counts, malformed=Malformed(error.reason, error.detail))
    return Judgement(p_keep, *counts, reason)


@dataclass(slots=True)
class _State:
    """Rows in the middle of being read or written."""

    cache: Any
    mask: Tensor  # (rows, seen): 0 where a row is padded
    position: Tensor  # (rows,): rotary position of the token to come
    hidden: Tensor  # (rows, width): what the logits are made of
    logits: Tensor  # (rows, vocabulary): of the token to come


class SharedRunner:
    """Runs models of the `SHARING` classes. Keeps nothing between calls."""

    def __init__(self, model: Any, processor: Any, ends: frozenset[int]) -> None:
        self._model, self._processor, self._ends = model, processor, ends
        self._pad = processor.tokenizer.pad_token_id or 0

    @torch.inference_mode()
    def open(self, prompts: Sequence[Prompt], verdicts: tuple[int, int], new_tokens: int) -> list[Opening]:
        """See `Runner`."""
        encoded = encode(self._processor, prompts)
        seen = self._seen(encoded)
        cut = shared_length(encoded.rows)
        openings: dict[int, Opening] = {}
        for pack in packs([len(row.ids) - cut for row in encoded.rows], self._model.device.type):
            order = [index for group in pack for index in group]
            state = self._read([[encoded.rows[index] for index in group] for group in pack], seen, cut, new_tokens > 1)
            pairs = self._verdicts(state.hidden, verdicts).tolist()
            written = self._greedy(state, new_tokens)
            for index, (yes, no), tokens in zip(order, pairs, written, strict=True):
                openings[index] = Opening(yes, no, len(encoded.rows[index].ids), tuple(tokens))
        return [openings[index] for index in range(len(prompts))]

    def write(self, prompt: Prompt, new_tokens: int, turn: Turn) -> Iterator[int]:
        """See `Runner`. The model is free between tokens, so an iterator left lying about blocks nobody."""
        with turn(), torch.inference_mode():
            encoded = encode(self._processor, [prompt])
            state = self._read([encoded.rows], self._seen(encoded), 0, new_tokens > 1)
        for left in range(new_tokens, 0, -1):
            token = int(state.logits.argmax())
            if token in self._ends:
                return
            yield token
            if left > 1:
                with turn(), torch.inference_mode():
                    self._step(state, torch.tensor([token], device=state.logits.device))

    def _verdicts(self, hidden: Tensor, tokens: tuple[int, int]) -> Tensor:
        """The logits (rows, 2) of two tokens in float32: in bfloat16 many documents of a question have the same."""
        rows: Tensor = self._model.lm_head.weight[list(tokens)].float()  # (2, width)
        return hidden.float() @ rows.T

    def _greedy(self, state: _State, new_tokens: int) -> list[list[int]]:
        written: list[list[int]] = [[] for _ in range(len(state.position))]
        going = set(range(len(written)))
        for left in range(new_tokens, 0, -1):
            chosen = state.logits.argmax(-1)  # (rows,)
            tokens = chosen.tolist()
            going -= {row for row in going if tokens[row] in self._ends}
            for row in going:
                written[row].append(tokens[row])
            if not going or left == 1:
                break
            self._step(state, chosen)
        return written

    def _seen(self, encoded: Encoded) -> _Seen | None:
        if encoded.pixels is None or encoded.grid is None:
            return None
        device = self._model.device
        grid = encoded.grid.to(device)
        return _Seen(grid, self._model.model.get_image_features(encoded.pixels.to(device), grid, return_dict=True))

    def _read(self, groups: Sequence[Sequence[Row]], seen: _Seen | None, cut: int, going_on: bool) -> _State:
        """Run rows that share their first `cut` tokens; `going_on` if more is to be written after them."""
        device = self._model.device
        rows = [row for group in groups for row in group]
        packed = Packed.of([[len(row.ids) - cut for row in group] for group in groups], cut, device)
        lengths = torch.tensor([len(row.ids) for row in rows], device=device)
        longest = max(len(row.ids) for row in rows)
        ids = torch.tensor([[*row.ids, *[self._pad] * (longest - len(row.ids))] for row in rows], device=device)
        real = torch.arange(longest, device=device) < lengths[:, None]  # (rows, longest)
        kinds = (ids == self._processor.image_token_id).long()
        grid = seen.grid[[one for row in rows for _, one in row.pictures]] if seen is not None else None
        positions = rotary(self._model, ids, kinds, grid, real.long())  # (3, rows, longest)
        here = [one for number, row in enumerate(rows) for at, one in row.pictures if at >= cut or number == 0]
        once = real.clone()
        once[1:, :cut] = False  # the first row brings the beginning
        cache = DynamicCache(config=self._model.config) if going_on else None
        with self._reading(packed):
            hidden = self._forward(
                ids[once][None],
                positions[:, once][:, None],
                cache,
                mm_encoder_outputs={"image": seen.of(here) if seen is not None and here else None},
                packed=packed,
            )
        last = hidden[0, packed.ends]
        rest = packed.unpacked(cache, lengths) if going_on else None
        return _State(rest, real.long(), positions.amax((0, 2)) + 1, last, self._model.lm_head(last).float())

    @contextmanager
    def _reading(self, packed: Packed) -> Iterator[None]:
        """Within this, attention is that of a packed sequence, and the last feed-forward part sees its `ends` alone.

        That part is a tenth of all work, and nothing else of what it gives is read.
        """
        language = self._model.model.language_model
        usual, last = language.config._attn_implementation, language.layers[-1].mlp
        hooks = (
            last.register_forward_pre_hook(lambda _, args: (args[0][:, packed.ends],)),
            last.register_forward_hook(lambda _, args, out: _spread(out, packed)),
        )
        language.config._attn_implementation = NAME
        try:
            yield
        finally:
            language.config._attn_implementation = usual
            for hook in hooks:
                hook.remove()

    def _step(self, state: _State, tokens: Tensor) -> None:
        state.mask = torch.cat([state.mask, torch.ones_like(state.mask[:, :1])], dim=1)
        positions = state.position.expand(3, -1)[..., None]  # (3, rows, 1)
        mask = state.mask if len(tokens) > 1 else None  # one row is never padded
        hidden = self._forward(tokens[:, None], positions, state.cache, attention_mask=mask)
        state.position = state.position + 1
        state.hidden = hidden[:, -1]
        state.logits = self._model.lm_head(state.hidden).float()

    def _forward(self, ids: Tensor, positions: Tensor, cache: Any, **more: Any) -> Tensor:
        # Positions are always given: left to itself, the model would take an offset kept from an earlier call.
        output = self._model.model(
            input_ids=ids, position_ids=positions, past_key_values=cache, use_cache=cache is not None, **more
        )
        hidden: Tensor = output.last_hidden_state  # (rows, tokens, width)
        return hidden


@dataclass(frozen=True, slots=True)
class _Seen:
    """The distinct pictures after the vision tower: their grids (pictures, 3) and their features, one entry each."""

    grid: Tensor
    features: Any

    def of(self, pictures: Sequence[int]) -> Any:
        """The features of `pictures`, in that order, in the form that the model's forward takes."""
        return type(self.features)(
            pooler_output=tuple(self.features.pooler_output[one] for one in pictures),
            deepstack_features=[tuple(layer[one] for one in pictures) for layer in self.features.deepstack_features],
        )


def rotary(model: Any, ids: Tensor, kinds: Tensor, grid: Tensor | None, mask: Tensor) -> Tensor:
    """Rotary positions (3, rows, tokens) of `ids` (rows, tokens): counted, or by the model's rule where pictures are.

    `kinds` is 1 where a token stands for a picture, `grid` (pictures, 3) the pictures of all rows in order, `mask` 0
    where a row is padded, on either side; positions there are nobody's.
    """
    positions = ((mask.cumsum(-1) - 1) * mask).clamp(min=0).repeat(3, 1, 1)
    pictured = (kinds == 1).any(-1)
    if grid is not None and bool(pictured.any()):
        found, _ = model.model.get_rope_index(ids[pictured], kinds[pictured], grid, attention_mask=mask[pictured])
        positions[:, pictured] = found
    return positions


def batches(lengths: Sequence[int], device: str) -> list[list[int]]:
    """Indices into `lengths`, longest first, cut so that no batch holds too many tokens or too much padding."""
    most_tokens, most_waste = _CPU if device == "cpu" else _ACCELERATOR
    chunks: list[list[int]] = []
    longest, waste = 0, 0
    for index in sorted(range(len(lengths)), key=lambda one: -lengths[one]):
        waste += longest - lengths[index]
        full = not chunks or (len(chunks[-1]) + 1) * longest > most_tokens
        if full or waste > most_waste:
            chunks.append([])
            longest, waste = lengths[index], 0
        chunks[-1].append(index)
    return chunks


def packs(lengths: Sequence[int], device: str) -> list[list[list[int]]]:
    """The `batches` of `lengths`, as many together as one sequence may hold."""
    most_tokens, _ = _CPU if device == "cpu" else _ACCELERATOR
    made: list[list[list[int]]] = []
    held = 0
    for batch in batches(lengths, device):
        tokens = sum(lengths[index] for index in batch)
        if not made or held + tokens > most_tokens:
            made.append([])
            held = 0
        made[-1].append(batch)
        held += tokens
    return made


def _spread(ends: Tensor, packed: Packed) -> Tensor:
    """What was computed for the ends alone (1, rows, width) at its places in the sequence, 0 elsewhere."""
    whole = ends.new_zeros(1, int(packed.ends[-1]) + 1, ends.shape[-1])
    whole[:, packed.ends] = ends
    return whole
