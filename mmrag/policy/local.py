"""A multimodal LLM in this process: judging, writing and scoring, one caller at a time.

Safe to share between threads. A lock is held while the model computes and never while a caller thinks, so an answer
that nobody reads any more blocks nobody. It is a plain lock: a page may take each piece of text in another thread.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmrag.policy.adapters import Adapters
from mmrag.policy.judging import SHARING, Judgement, Runner, SharedRunner, Turn, judgement
from mmrag.policy.prompts import Prompt, Shown, judge_prompt
from mmrag.policy.weights import digest, weight_files
from mmrag.policy.whole import WholeRunner, encode_whole, logprobs
from mmrag.types import Fingerprint, Query

_TOLD = ("config.json", "tokenizer.json", "chat_template.jinja", "adapter_config.json")  # what else makes it this model
_UNFINISHED = "\ufffd"  # what a decoder writes for the first bytes of a letter


class LocalPolicy:
    """A loaded checkpoint with its adapters; made by `mmrag.policy.load.load_policy`."""

    def __init__(
        self,
        model: Any,
        processor: Any,
        adapters: Adapters,
        *,
        verdicts: tuple[int, int],
        name: str,
        files: Sequence[Path],
        quantization: str,
        parameters: int,
    ) -> None:
        self._model, self._processor, self._adapters = model, processor, adapters
        self._name, self._files = name, tuple(files)
        self._quantization, self._parameters = quantization, parameters
        self._lock = threading.Lock()
        self._stage: str | None = None
        self._verdicts = verdicts  # the tokens of Yes and No
        runner = SharedRunner if isinstance(model, SHARING) else WholeRunner
        self._runner: Runner = runner(model, processor, _ends(model, processor))
        self._digest = cache(self._digest_of)

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the adapters, in the order in which they were given."""
        return tuple(self._adapters.folders)

    @property
    def stage(self) -> str | None:
        """The adapter in use; None for the base alone."""
        return self._stage

    def use(self, stage: str | None) -> None:
        """Judge and write with the adapter `stage` from now on; None for the base alone.

        What is being written goes on with the adapter that it began with.

        Raises:
            UnknownId: no adapter of that name was loaded.
        """
        self._adapters.check(stage)
        self._stage = stage

    def judge(self, query: Query, shown: Sequence[Shown], reasons: int = 0) -> tuple[Judgement, ...]:
        """P(keep) of each of the `shown`, in order, with a reason of up to `reasons` tokens, the verdict among them."""
        if not shown:
            return ()
        prompts = [judge_prompt(query, one) for one in shown]
        with self._turn(self._stage):
            openings = self._runner.open(prompts, self._verdicts, reasons)
        texts = [self._text(opening.tokens) if reasons else None for opening in openings]
        return tuple(judgement(opening, text) for opening, text in zip(openings, texts, strict=True))

    def generate(self, prompt: Prompt, max_new_tokens: int) -> Iterator[str]:
        """Pieces of greedily written text as they come; closing the iterator ends the work."""
        turn: Turn = partial(self._turn, self._stage)
        return self._pieces(self._runner.write(prompt, max_new_tokens, turn))

    def generate_all(self, prompts: Sequence[Prompt], max_new_tokens: int) -> tuple[str, ...]:
        """What `generate` writes for each of the `prompts`, in order; pictures that they share are seen once."""
        if not prompts:
            return ()
        with self._turn(self._stage):
            openings = self._runner.open(prompts, self._verdicts, max_new_tokens)
        return tuple(self._text(opening.tokens) for opening in openings)

    def logprob(self, prompt: Prompt, completion: str) -> tuple[float, ...]:
        """The natural log-probability of each token of `completion`, each given the prompt and the tokens before it."""
        tokens = self._processor.tokenizer(completion, add_special_tokens=False)["input_ids"]
        if not tokens:
            return ()
        with self._turn(self._stage):
            return logprobs(self._model, self._processor, prompt, tokens)

    def count(self, prompt: Prompt) -> int:
        """How many tokens the model reads of `prompt`, pictures included."""
        with self._lock:  # the tokenizer is shared, and the side that it pads is set with every batch
            return int(encode_whole(self._processor, [prompt])["input_ids"].shape[1])

    @property
    def fingerprint(self) -> Fingerprint:
        """Which model answers now. The first call for a stage reads its weights files once, for their hash."""
        return Fingerprint(
            checkpoint=self._name,
            adapter=self._stage,
            quantization=self._quantization,
            dtype=str(self._model.dtype).removeprefix("torch."),
            device=str(self._model.device),
            parameters=self._parameters,
            memory_bytes=_held(self._model) + self._adapters.copied_bytes,
            digest=self._digest(self._stage),
        )

    @contextmanager
    def borrowed(self) -> Iterator[tuple[Any, Any]]:
        """The network, with the adapter in use, and its processor, held: for what only training asks of them."""
        with self._turn(self._stage):
            yield self._model, self._processor

    @contextmanager
    def _turn(self, stage: str | None) -> Iterator[None]:
        with self._lock:
            self._adapters.use(stage)
            yield

    def _pieces(self, tokens: Iterator[int]) -> Iterator[str]:
        written: list[int] = []
        sent = ""
        try:
            for token in tokens:
                written.append(token)
                text = self._text(written)
                if len(text) > len(sent) and not text.endswith(_UNFINISHED):
                    yield text[len(sent) :]
                    sent = text
        finally:
            tokens.close()  # type: ignore[attr-defined]
        if rest := self._text(written)[len(sent) :]:
            yield rest

    def _text(self, tokens: Sequence[int]) -> str:
        text: str = self._processor.tokenizer.decode(list(tokens), skip_special_tokens=True)
        return text

    def _digest_of(self, stage: str | None) -> str:
        folders = [self._files[0].parent, *([self._adapters.folders[stage]] if stage else [])]
        told = [folder / name for folder in folders for name in _TOLD if (folder / name).is_file()]
        return digest((*self._files, *(weight_files(folders[1]) if stage else ()), *told))


def _ends(model: Any, processor: Any) -> frozenset[int]:
    given = model.generation_config.eos_token_id
    named = given if isinstance(given, list) else [given]
    return frozenset(token for token in (*named, processor.tokenizer.eos_token_id) if token is not None)


def _held(model: Any) -> int:
    """Bytes of all weights and of what unpacks them, each counted once."""
    tensors: list[Tensor] = [*model.parameters(), *model.buffers()]
    for module in model.modules():
        state = getattr(getattr(module, "weight", None), "quant_state", None)
        while state is not None:
            tensors += [value for value in vars(state).values() if isinstance(value, torch.Tensor)]
            state = getattr(state, "state2", None)
    return sum({tensor.data_ptr(): tensor.nbytes for tensor in tensors}.values())
