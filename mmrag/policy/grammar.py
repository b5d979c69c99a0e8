"""The one place that reads what a model wrote. Nothing is guessed: text that breaks a rule is a `MalformedOutput`.

A verdict:           Yes. It shows the named lighthouse.
A ranked answer:     <think>Ada Brenn designed it [2]. Its roof is red [1].</think>
                     <rank>[1] > [2]</rank><answer>red</answer>

Rules of a ranked answer: the three parts once each, in this order, closed, with nothing but blanks between or around
them; the rank is `none` or distinct numbers of shown documents joined by `>`; every citation is the number of a shown
document; the answer is not empty. Numbers count from 1 in the order in which the documents were shown.
A citation after a full stop, as in "It is red. [1] Its door is left. [2]", is of the sentence before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mmrag.errors import MalformedOutput
from mmrag.types import Ranking, Sentence

NOT_FOUND = "not in the collection"
PARTS = ("think", "rank", "answer")

_WHOLE = re.compile(r"\s*<think>(.*?)</think>\s*<rank>(.*?)</rank>\s*<answer>(.*?)</answer>\s*", re.DOTALL)
_TAG = re.compile(r"</?(?:think|rank|answer)>")
_TAGS = [f"<{slash}{part}>" for part in PARTS for slash in ("", "/")]
_CITATION = re.compile(r"\[\s*(\d{1,4}(?:\s*,\s*\d{1,4})*)\s*\]")
_CITED = re.compile(rf"\s*{_CITATION.pattern}")
_NO_CITATION = re.compile(r"\[\s*\d[\d\s,;-]*\]")  # a range, say, where no citation can be read
_FIRST = re.compile(rf"\s*(?:{_CITATION.pattern}\s*)+")  # what a text begins with
_CLOSE = re.compile(r"(?<=[.!?])(?=\[\s*\d)")  # between a full stop and a citation without a blank
_RANK = re.compile(r"\[\d{1,4}\](?:\s*>\s*\[\d{1,4}\])*")
_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!\b(?:Dr|St|Mr|Ms)\.)(?<!\bMrs\.)(?<!\b[A-Z]\.)\s+")  # no "J. S. Bach"
_VERDICT = re.compile(r"\s*(yes|no)\b[.,:;!]?\s*(.*)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RankedAnswer:
    """What a well-formed list-wise output says, with document ids in place of numbers."""

    sentences: tuple[Sentence, ...]
    ranking: Ranking
    answer: str


def read_ranked_answer(text: str, shown: Sequence[str]) -> RankedAnswer:
    """Read a finished list-wise output.

    Args:
        text: what the model wrote.
        shown: the ids of the documents it saw, in order; [1] is `shown[0]`.

    Raises:
        MalformedOutput: with reason `missing_part`, `cut_off`, `repeated_part`, `wrong_order`, `stray_text`,
            `bad_citation`, `bad_rank`, `duplicate_id`, `unknown_id` or `empty_answer`.
    """
    in_order = [tag.group() for tag in _TAG.finditer(text)] == _TAGS  # or a text that repeats takes very long to match
    whole = _WHOLE.fullmatch(text) if in_order else None
    if whole is None:
        raise _what_is_wrong(text)
    think, rank, answer = (part.strip() for part in whole.groups())
    if odd := _NO_CITATION.search(_CITATION.sub("", think)):
        raise MalformedOutput("bad_citation", f"{odd[0][:80]!r} is no citation; one is like [2], or [1, 2]", text)
    sentences = tuple(_sentence(piece, shown, text) for piece in _pieces(think))
    order = _read_rank(rank, shown, text)
    if not answer:
        raise MalformedOutput("empty_answer", "the answer part is empty", text)
    return RankedAnswer(sentences, Ranking(order), answer)


def read_progress(text: str, shown: Sequence[str]) -> tuple[Sentence, ...]:
    """The sentences finished so far in an output still being written, or in one that proved malformed.

    For showing only: citations of documents that were not shown are left out here, and it never raises.
    """
    opened = text.find("<think>")
    if opened < 0:
        return ()
    think, *closed = _TAG.split(text[opened + len("<think>") :], maxsplit=1)
    if not closed:  # the last sentence may go on, even after a full stop: it could be that of 3.5
        ends = [end.start() for end in _SENTENCE_END.finditer(think)]
        think = think[: ends[-1]] if ends else ""
    known = range(1, len(shown) + 1)
    return tuple(
        Sentence(piece, _unique(shown[number - 1] for number in _cited(piece) if number in known))
        for piece in _pieces(think)
    )


def read_verdict(text: str) -> tuple[bool, str]:
    """Read a finished point-wise output: whether it says yes, and the reason after it (may be empty).

    Raises:
        MalformedOutput: with reason `no_verdict`.
    """
    match = _VERDICT.fullmatch(text)
    if match is None:
        raise MalformedOutput("no_verdict", "it does not begin with Yes or No", text)
    return match[1].lower() == "yes", match[2].strip()


def uncited(text: str) -> str:
    """The words of a sentence without its citations."""
    return _CITED.sub("", text).strip()


def _pieces(think: str) -> list[str]:
    """The sentences of a reasoning, each with the citations after its full stop, unless they stand before sentences."""
    before = _FIRST.match(think) is not None
    found: list[str] = []
    for piece in _SENTENCE_END.split(_CLOSE.sub(" ", think)):
        late = _FIRST.match(piece) if found and not before else None
        if late and not piece[late.end() : late.end() + 1].islower():  # "[1] shows that ..." begins a sentence
            found[-1] += f" {late[0].strip()}"
            piece = piece[late.end() :]
        found += filter(None, [piece.strip()])
    return found


def _cited(piece: str) -> list[int]:
    return [int(number) for group in _CITATION.findall(piece) for number in group.split(",")]


def _sentence(piece: str, shown: Sequence[str], text: str) -> Sentence:
    return Sentence(piece, _unique(_shown_id(number, shown, text) for number in _cited(piece)))


def _read_rank(rank: str, shown: Sequence[str], text: str) -> tuple[str, ...]:
    if rank == "none":
        return ()
    if _RANK.fullmatch(rank) is None:
        raise MalformedOutput("bad_rank", f"the rank is {rank[:80]!r}; it must be like [2] > [1], or none", text)
    order = tuple(_shown_id(int(number), shown, text) for number in re.findall(r"\d+", rank))
    if len(set(order)) < len(order):
        raise MalformedOutput("duplicate_id", f"the rank names a document twice: {rank[:80]!r}", text)
    return order


def _shown_id(number: int, shown: Sequence[str], text: str) -> str:
    if not 1 <= number <= len(shown):
        raise MalformedOutput("unknown_id", f"[{number}] is none of the {len(shown)} documents shown", text)
    return shown[number - 1]


def _unique(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))


def _what_is_wrong(text: str) -> MalformedOutput:
    """The first rule that `text` breaks, in the order in which a reader would notice."""
    for part in PARTS:
        if f"<{part}>" not in text:
            return MalformedOutput("missing_part", f"there is no <{part}> part", text)
        if f"</{part}>" not in text:
            return MalformedOutput("cut_off", f"the <{part}> part is not closed", text)
        if text.count(f"<{part}>") > 1 or text.count(f"</{part}>") > 1:
            return MalformedOutput("repeated_part", f"there are two <{part}> parts", text)
    if [tag.group() for tag in _TAG.finditer(text)] != _TAGS:
        return MalformedOutput("wrong_order", "the parts are not in the order think, rank, answer", text)
    return MalformedOutput("stray_text", "there is text outside the three parts", text)
