"""What a system is, and what it is built from. Everything that is loaded, local or remote, fits one of these shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from PIL import Image

from mmrag.policy.prompts import Prompt, Shown
from mmrag.settings import Settings
from mmrag.types import Document, Fingerprint, Hit, Malformed, Query, Trace


class Library(Protocol):
    """Where documents come from."""

    def search(self, query: Query, k: int) -> tuple[Hit, ...]:
        """The `k` best documents for `query`, best first."""

    def picture(self, document_id: str) -> Image.Image | None:
        """A document's picture; None when it has none.

        Raises:
            UnknownId: there is no such document.
            BadPicture: its file is gone or damaged.
        """


class Judged(Protocol):
    """An opinion of one document: a `Judgement` just made, or a `Verdict` read from a trace."""

    @property
    def p_keep(self) -> float:
        """In [0, 1]."""

    @property
    def reason(self) -> str:
        """In the model's words; may be empty."""


class FreshlyJudged(Judged, Protocol):
    """An opinion that may have been written in a form that cannot be read, and what it took."""

    @property
    def tokens_in(self) -> int:
        """How many tokens the model read, pictures included."""

    @property
    def tokens_out(self) -> int:
        """How many it wrote."""

    @property
    def malformed(self) -> Malformed | None:
        """What was wrong with it."""


class Policy(Protocol):
    """The multimodal LLM, with one of its adapters in use."""

    def judge(self, query: Query, shown: Sequence[Shown], reasons: int = 0) -> tuple[FreshlyJudged, ...]:
        """What it thinks of each document alone, in their order, with a reason of up to `reasons` tokens."""

    def generate(self, prompt: Prompt, max_new_tokens: int) -> Iterator[str]:
        """Pieces of text as they are written."""

    def count(self, prompt: Prompt) -> int:
        """How many tokens it reads of `prompt`."""

    @property
    def fingerprint(self) -> Fingerprint:
        """Which model this is."""


class System(Protocol):
    """A way from a question to a trace. `stages` are the adapters that it can answer with, best first."""

    name: str
    stages: tuple[str, ...]

    def ask(self, query: Query, settings: Settings) -> Iterator[Trace]:
        """Growing traces of one question; the last one is done."""

    def answer_again(self, trace: Trace, kept: Sequence[str], settings: Settings) -> Iterator[Trace]:
        """Growing traces, under a new id, of the last step's answer made anew from the documents `kept`.

        Raises:
            UnknownId: one of `kept` was not retrieved in the trace.
        """


def show(library: Library, documents: Sequence[Document]) -> tuple[Shown, ...]:
    """Documents with their pictures, as a model sees them."""
    return tuple(Shown(one, library.picture(one.id) if one.image is not None else None) for one in documents)
