"""The nouns. Frozen values without identity of their own; one `to_dict` and one `from_dict` each.

A law for this file: values only. No file is opened, no model is called, nothing is looked up here. Documents are named
by id everywhere; only a `Hit` carries the whole document, so that a saved trace can be read without its collection.
The `Trace` is the project's one idea: the page draws it, the store keeps it, a reward scores it, evaluation counts it.
"""

from __future__ import annotations

import base64
import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Self

from mmrag.errors import BadInput

TRACE_VERSION = 1


class Modality(StrEnum):
    """What a document is made of."""

    IMAGE = "image"
    PASSAGE = "passage"
    TABLE = "table"


class Phase(StrEnum):
    """How far a trace has grown."""

    ASKED = "asked"
    RETRIEVED = "retrieved"
    JUDGED = "judged"
    ANSWERING = "answering"
    DONE = "done"


class Value:
    """A frozen dataclass that writes itself to plain JSON values and reads itself back equal."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` of it gives an equal value."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(typing.cast(Any, self))}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The value that `to_dict` wrote.

        Raises:
            BadInput: a field is unknown, missing, or of the wrong type.
        """
        if not isinstance(data, Mapping):
            raise BadInput(f"{cls.__name__} is read from an object, not {type(data).__name__}: write it with to_dict()")
        hints = _hints(typing.cast(Any, cls))
        if unknown := sorted(set(data) - set(hints)):
            raise BadInput(f"{cls.__name__} has no field {unknown[0]!r}; it has {', '.join(hints)}")
        values = {name: _typed(hints[name], item, f"{cls.__name__}.{name}") for name, item in data.items()}
        try:
            return cls(**values)
        except TypeError as error:
            raise BadInput(f"{cls.__name__} cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class Table(Value):
    """A header and rows of cells, all text; every row is as long as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Document(Value):
    """A picture with its caption, a passage, or a table. `text` is the caption or the passage; empty for a table."""

    id: str
    modality: Modality
    title: str
    text: str = ""
    image: str | None = None  # path relative to the collection's folder; never sent to a browser
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Query(Value):
    """What a person asks: words and, if any, a picture (PNG bytes, already made safe and small)."""

    text: str
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class Found(Value):
    """One retriever's opinion of a document: its own score (see `mmrag.retrieval`) and the rank it gave, from 1."""

    by: str
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Hit(Value):
    """A retrieved document: its rank from 1, its fused score, and which retrievers found it."""

    document: Document
    rank: int
    score: float
    found: tuple[Found, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict(Value):
    """Keep or drop one document. `p_keep` in [0, 1] is the model's own; `keep` also obeys threshold and top-k."""

    document_id: str
    keep: bool
    p_keep: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ranking(Value):
    """Document ids, best first, as the model ranked them: the evidence it says it used."""

    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sentence(Value):
    """One sentence of reasoning and the ids of the documents it cites, in the order they were cited."""

    text: str
    cites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Malformed(Value):
    """What was wrong with a model's text: a fixed word to count, and one line to read."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Step(Value):
    """One round: what was asked of which knowledge base, what came back, and what the model made of it."""

    question: str
    knowledge_base: str = "all"
    hits: tuple[Hit, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    shown: tuple[str, ...] = ()  # ids in the order in which the model saw them, so [1] is shown[0]
    ranking: Ranking | None = None
    sentences: tuple[Sentence, ...] = ()
    answer: str | None = None
    malformed: Malformed | None = None
    raw: str = ""  # what the model wrote, as far as it has got


@dataclass(frozen=True, slots=True)
class Timing(Value):
    """How long a stage took, in seconds, and how many tokens the model read and wrote in it."""

    stage: str
    seconds: float
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class Fingerprint(Value):
    """Which model answered: enough to say later whether two traces came from the same one."""

    checkpoint: str
    adapter: str | None
    quantization: str
    dtype: str
    device: str
    parameters: int
    memory_bytes: int
    digest: str  # sha256 over the hashes of weights, configuration, tokenizer and chat template, shortened


@dataclass(frozen=True, slots=True)
class Check(Value):
    """A tested claim about a trace: what was tested on which target, the measured value, and whether it held."""

    name: str
    target: str
    value: float
    held: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Before(Value):
    """What the same question came to just before, over other documents or by another adapter."""

    trace_id: str
    adapter: str | None
    answer: str | None
    shown: tuple[str, ...]
    p_keep: Mapping[str, float] = field(default_factory=dict)  # by document id


@dataclass(frozen=True, slots=True)
class Trace(Value):
    """A question, its steps, the answer, checks, the model and the timings. It grows; each growth is a new value."""

    id: str
    query: Query
    system: str
    created: str  # UTC, ISO 8601
    phase: Phase = Phase.ASKED
    settings: Mapping[str, float | int | str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    answer: str | None = None
    checks: tuple[Check, ...] = ()
    fingerprint: Fingerprint | None = None
    timings: tuple[Timing, ...] = ()
    before: Before | None = None
    version: int = TRACE_VERSION

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The trace that `to_dict` wrote.

        Raises:
            BadInput: it is of another version, or a field is unknown, missing, or of the wrong type.
        """
        if isinstance(data, Mapping) and data.get("version", TRACE_VERSION) != TRACE_VERSION:
            raise BadInput(
                f"this trace is of version {str(data['version'])[:20]!r}; this program reads version {TRACE_VERSION}: "
                "open it with the program that wrote it"
            )
        return super(Trace, cls).from_dict(data)  # named: with slots, the class here becomes another one


@dataclass(frozen=True, slots=True)
class Hop(Value):
    """One gold step of a question: sub-question, knowledge base (`text`, `image` or `table`), answer, evidence."""

    question: str
    kb: str
    answer: str
    evidence: tuple[str, ...]
    statement: str = ""  # what the evidence says or shows, as a clause


@dataclass(frozen=True, slots=True)
class Question(Value):
    """A question with its gold: what evaluation, training and the page's examples are made of."""

    id: str
    question: str
    answers: tuple[str, ...]
    image: str | None = None  # path relative to the collection's folder
    keywords: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    hops: tuple[Hop, ...] = ()
    conclusion: str = ""  # what the hops decide together, as a clause, where that is more than each says
    negatives: tuple[str, ...] = ()
    category: str = "text"
    type: str = "TextQ"
    split: str = "test"


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return {f.name: typing.get_type_hints(cls)[f.name] for f in dataclasses.fields(cls)}


def _plain(value: Any) -> Any:
    match value:
        case Value():
            return value.to_dict()
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case StrEnum():
            return value.value
        case tuple():
            return [_plain(item) for item in value]
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value


def _typed(hint: Any, value: Any, where: str) -> Any:
    """`value` as `hint` wants it; the whole of the reader, so a wrong type is found here and nowhere later."""
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        options = [option for option in typing.get_args(hint) if option is not type(None)]
        if value is None:
            if len(options) == len(typing.get_args(hint)):
                raise BadInput(f"{where} may not be null")
            return None
        return _typed(options[0], value, where) if len(options) == 1 else _scalar(tuple(options), value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise BadInput(f"{where} is a list, not {type(value).__name__}")
        return tuple(_typed(typing.get_args(hint)[0], item, where) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise BadInput(f"{where} is an object, not {type(value).__name__}")
        item_hint = typing.get_args(hint)[1]
        return {str(key): _typed(item_hint, item, where) for key, item in value.items()}
    if hint is bytes:
        return _decoded(value, where)
    if issubclass(hint, Value):
        return hint.from_dict(value)
    if issubclass(hint, StrEnum):
        if value not in list(hint):
            raise BadInput(f"{where} is {value!r}; it may be {', '.join(hint)}")
        return hint(value)
    return _scalar((hint,), value, where)


def _scalar(allowed: tuple[type, ...], value: Any, where: str) -> Any:
    if isinstance(value, bool) and bool not in allowed:
        raise BadInput(f"{where} is a truth value; it must be {' or '.join(t.__name__ for t in allowed)}")
    if isinstance(value, allowed):
        return value
    if float in allowed and isinstance(value, int):
        try:
            return float(value)
        except OverflowError as error:
            raise BadInput(f"{where} is a whole number of more digits than a float can hold") from error
    raise BadInput(f"{where} is {type(value).__name__}; it must be {' or '.join(t.__name__ for t in allowed)}")


def _decoded(value: Any, where: str) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{where} is not base64 text") from error
