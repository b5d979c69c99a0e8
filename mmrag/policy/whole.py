"""Any image-text model of `transformers`, run through nothing but its processor, its forward and its `generate`.

Slower than `mmrag.policy.judging.SharedRunner`, which shares work between prompts, and made for the model families
that it does not know.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import takewhile
from queue import SimpleQueue
from typing import Any

import torch
from torch import Tensor
from transformers import StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from mmrag.policy.judging import Opening, Turn
from mmrag.policy.prompts import Prompt

# What a checkpoint's own generation config may say otherwise, and what no other way of reading a model knows of: then
# what is written would not be what `logprobs` finds likely, and beams cannot be streamed.
PLAIN = {"num_beams": 1, "repetition_penalty": 1.0, "no_repeat_ngram_size": 0}
_ROWS = 16  # prompts at most in one batch
_PER_TOKEN = ("mm_token_type_ids", "token_type_ids")


def encode_whole(processor: Any, prompts: Sequence[Prompt]) -> Any:
    """Left-padded model inputs for `prompts`, by the processor's own rules."""
    return processor.apply_chat_template(
        [_with_pictures(prompt) for prompt in prompts],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        processor_kwargs={"padding": True, "text_kwargs": {"padding_side": "left"}},
    )


@torch.inference_mode()
def logprobs(model: Any, processor: Any, prompt: Prompt, completion: Sequence[int]) -> tuple[float, ...]:
    """The natural logarithm of the probability of each token of `completion`, given the prompt and those before it."""
    inputs = encode_whole(processor, [prompt]).to(model.device)
    added = torch.tensor([list(completion)], device=model.device)  # (1, new)
    inputs["input_ids"] = torch.cat([inputs["input_ids"], added], dim=1)
    inputs["attention_mask"] = torch.cat([inputs["attention_mask"], torch.ones_like(added)], dim=1)
    for name in _PER_TOKEN:
        if name in inputs:
            inputs[name] = torch.cat([inputs[name], torch.zeros_like(added)], dim=1)
    logits = model(**inputs, use_cache=False, logits_to_keep=len(completion) + 1).logits[:, :-1]  # (1, new, vocabulary)
    chosen = logits.float().log_softmax(-1).gather(-1, added[..., None])  # (1, new, 1)
    return tuple(chosen.flatten().tolist())


class WholeRunner:
    """Judges in padded batches of full prompts, and writes by `generate` in a thread of its own."""

    def __init__(self, model: Any, processor: Any, ends: frozenset[int]) -> None:
        self._model, self._processor, self._ends = model, processor, ends
        pad = processor.tokenizer.pad_token_id
        self._greedy = {
            **PLAIN,
            "do_sample": False,
            "eos_token_id": sorted(ends),
            "pad_token_id": 0 if pad is None else pad,
        }

    @torch.inference_mode()
    def open(self, prompts: Sequence[Prompt], verdicts: tuple[int, int], new_tokens: int) -> list[Opening]:
        """See `mmrag.policy.judging.Runner`."""
        openings = []
        for start in range(0, len(prompts), _ROWS):
            inputs = encode_whole(self._processor, prompts[start : start + _ROWS]).to(self._model.device)
            output = self._model.generate(
                **inputs,
                **self._greedy,
                max_new_tokens=max(1, new_tokens),
                return_dict_in_generate=True,
                output_logits=True,
            )
            pairs = output.logits[0][:, list(verdicts)].float().tolist()  # (rows, 2)
            read = inputs["attention_mask"].sum(-1).tolist()
            written = output.sequences[:, inputs["input_ids"].shape[1] :].tolist() if new_tokens else [[]] * len(pairs)
            openings += [
                Opening(yes, no, length, tuple(takewhile(lambda token: token not in self._ends, row)))
                for (yes, no), length, row in zip(pairs, read, written, strict=True)
            ]
        return openings

    def write(self, prompt: Prompt, new_tokens: int, turn: Turn) -> Iterator[int]:
        """See `mmrag.policy.judging.Runner`. The model is held until the last token, or until shortly after closing."""
        feed, stop = _Feed(), threading.Event()

        def work() -> None:
            try:
                with turn():
                    inputs = encode_whole(self._processor, [prompt]).to(self._model.device)
                    self._model.generate(
                        **inputs,
                        **self._greedy,
                        max_new_tokens=new_tokens,
                        streamer=feed,
                        stopping_criteria=StoppingCriteriaList([_Stopped(stop)]),
                    )
            except BaseException as error:  # whatever it is, it belongs to the thread that reads the tokens
                feed.queue.put(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            feed.take()  # a streamer is given the prompt first
            while (token := feed.take()) is not None and token not in self._ends:
                yield token
        finally:
            stop.set()
            thread.join()


class _Feed(BaseStreamer):
    def __init__(self) -> None:
        self.queue: SimpleQueue[Tensor | BaseException | None] = SimpleQueue()

    def put(self, value: Tensor) -> None:
        self.queue.put(value)

    def end(self) -> None:
        self.queue.put(None)

    def take(self) -> int | None:
        item = self.queue.get()
        if isinstance(item, BaseException):
            raise item
        return None if item is None else int(item.flatten()[-1])


class _Stopped(StoppingCriteria):
    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        return torch.full((len(input_ids),), self._stop.is_set(), device=input_ids.device)


def _with_pictures(prompt: Prompt) -> list[dict[str, Any]]:
    pictures = iter(prompt.pictures)
    blocks = [
        {**block, "image": next(pictures)} if block["type"] == "image" else dict(block) for block in prompt.content
    ]
    return [{"role": "user", "content": blocks}]
