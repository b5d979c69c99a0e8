"""What the pages need of the rest of the program, and nothing more. The pages know no model, index or folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from PIL import Image

from mmrag.settings import Settings
from mmrag.types import Fingerprint, Modality, Query, Question, Trace


class Backend(Protocol):
    """One collection, one model with its adapters, and the traces made with them."""

    def collection(self) -> tuple[str, Mapping[Modality, int]]:
        """The collection's title, and how many documents it holds of each modality."""

    def examples(self) -> Mapping[str, tuple[Question, ...]]:
        """Questions worth trying, by a category's label as a person reads it."""

    def example(self, question_id: str) -> Query:
        """An example as it would be asked, with its picture if it has one.

        Raises:
            UnknownId: no example has this id.
        """

    def stages(self) -> tuple[str, ...]:
        """The adapters that can be asked, best first."""

    def describe(self) -> Fingerprint:
        """The model that answers."""

    def ask(self, query: Query, stage: str, settings: Settings) -> Iterator[Trace]:
        """Growing traces of one question; the last one is done.

        Raises:
            MmragError: with one line for a person (an unusable question, a missing checkpoint, ...).
        """

    def answer_again(self, trace: Trace, kept: tuple[str, ...], settings: Settings, stage: str) -> Iterator[Trace]:
        """Growing traces (under a new id) of the list-wise stage alone, over the kept documents of `trace`."""

    def picture(self, document_id: str) -> Image.Image | None:
        """A document's picture; None when it has none.

        Raises:
            UnknownId: the collection has no such document.
        """

    def query_picture(self, data: bytes) -> bytes:
        """An uploaded picture as safe, small PNG bytes.

        Raises:
            BadPicture: it is truncated, too large, or not a PNG, JPEG or WebP.
        """

    def save(self, trace: Trace) -> None:
        """Keep a trace under its id; a later one with the same id takes its place."""

    def load(self, trace_id: str) -> Trace:
        """A saved trace.

        Raises:
            UnknownId: no trace was saved under this id.
        """
