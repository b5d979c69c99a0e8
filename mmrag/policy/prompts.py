"""Every word that is put to the model, for every checkpoint alike.

What is the same for all documents of a question comes first (instruction, question), so that judging many documents
computes it once. Documents are data: their text cannot open or close a part of the output, nor speak as the user or
the assistant, since the markers that would do so are broken up here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PIL import Image

from mmrag.policy.grammar import NOT_FOUND
from mmrag.types import Document, Modality, Query

JUDGE = "Does the document help to answer the question? Say Yes or No, and why."
RANK = (
    "Answer the question from the documents alone. Think in short sentences that end with what they rest on, like [1]. "
    "Then rank the documents you used, best first. Write "
    "<think>...</think><rank>[2] > [1]</rank><answer>...</answer> "
    f"If the answer is not there, rank none and answer: {NOT_FOUND}"
)

_TAG = re.compile(r"<(?=[|/a-z])", re.IGNORECASE)  # what opens a special token of most models, or an output's part
_CAPITALS = re.compile(r"\[(/?(?=\w{3,30}\])\w*?[A-Z]{3}\w*)\]")  # a special token of some, like [/INST] or [IMG]
_NUMBER = re.compile(r"\[(\s*/?\s*\d+(?:\s*,\s*\d+)*\s*)\]")


@dataclass(frozen=True, slots=True)
class Shown:
    """A document as the model sees it: with its picture, if it has one."""

    document: Document
    picture: Image.Image | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """One user turn: content blocks for a chat template, and the pictures in the order of their placeholders."""

    content: tuple[dict[str, str], ...]
    pictures: tuple[Image.Image, ...]

    @classmethod
    def of(cls, *parts: str | Image.Image) -> Prompt:
        """A prompt from texts and pictures in the order in which the model reads them."""
        content: list[dict[str, str]] = []
        for part in parts:
            if not isinstance(part, str):
                content.append({"type": "image"})
            elif content and content[-1]["type"] == "text":
                content[-1]["text"] += part
            else:
                content.append({"type": "text", "text": part})
        return cls(tuple(content), tuple(part for part in parts if not isinstance(part, str)))

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation in the form that `apply_chat_template` takes."""
        return [{"role": "user", "content": [dict(block) for block in self.content]}]


def judge_prompt(query: Query, shown: Shown) -> Prompt:
    """Ask whether one document helps (RagVL's question, worded for pictures, passages and tables alike)."""
    return Prompt.of(f"{JUDGE}\nQuestion: ", *question_parts(query), "\nDocument: ", *document_parts(shown))


def rank_prompt(query: Query, shown: Sequence[Shown]) -> Prompt:
    """Ask for reasoning, ranking and answer over the shown documents, in one generation."""
    return Prompt.of(f"{RANK}\n", *asked_of(query, shown))


def asked_of(query: Query, shown: Sequence[Shown]) -> Iterator[str | Image.Image]:
    """The question, the documents between their numbers, and the question's words again.

    A model reads from left to right: only a document that comes after the question can be read in its light
    ("query-aware contextualization", Liu et al. 2023, Lost in the Middle), and only the number after a document can
    stand for what the document says.
    """
    yield from ("Question: ", *question_parts(query), "\n")
    for number, one in enumerate(shown, start=1):
        yield from (f"[{number}] ", *document_parts(one), f" [/{number}]\n")
    yield f"Question: {disarmed(query.text)}"


def as_text(document: Document) -> str:
    """A document's words as the model reads them; the caption for a picture."""
    if document.table is not None:
        lines = [document.table.header, *document.table.rows]
        return "\n".join([document.title, *(f"| {' | '.join(line)}" for line in lines)])
    if document.modality is Modality.IMAGE:
        return document.text or document.title
    return document.text if document.title.lower() in document.text.lower() else f"{document.title}. {document.text}"


def disarmed(text: str) -> str:
    """`text` with every marker broken that a template, the grammar or the documents' numbering would take for its own.

    Half a surrogate pair, which no tokenizer takes, becomes a question mark.
    """
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return _CAPITALS.sub(r"(\1)", _NUMBER.sub(r"(\1)", _TAG.sub("< ", whole)))


def question_parts(query: Query) -> list[str | Image.Image]:
    """A question as the model reads it: its picture first, if it has one."""
    text = disarmed(query.text)
    if query.picture is None:
        return [text]
    return [_opened(query.picture), f" {text}"]


def document_parts(shown: Shown) -> list[str | Image.Image]:
    """A document as the model reads it: its words, then its picture, whose tokens can thus know whose they are."""
    text = disarmed(as_text(shown.document))
    return [text] if shown.picture is None else [f"{text} ", shown.picture]


@lru_cache(maxsize=4)
def _opened(png: bytes) -> Image.Image:
    """The same picture for the same bytes, so that the prompts of one question share it, and the model sees it once."""
    return Image.open(io.BytesIO(png), formats=("PNG",)).convert("RGB")
