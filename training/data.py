"""Worked examples: a prompt as the model meets it in use, and the text that a good model writes.

Pure functions of a question and the documents shown; sft, the reinforcement stages and evaluation all build on them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import NamedTuple

from mmrag.policy.grammar import NOT_FOUND
from mmrag.policy.prompts import Prompt, Shown, judge_prompt, rank_prompt
from mmrag.types import Document, Hop, Modality, Query, Question

ABSENT = "No document holds the answer."
_ASIDE = re.compile(r" \(.*?\)(: \d+)?")
_WHOSE = r"(?<=\)) is the "  # after what is seen of a picture, or compared in a table
_SAYS = {Modality.IMAGE: "shows", Modality.PASSAGE: "says", Modality.TABLE: "lists"}


@dataclass(frozen=True, slots=True)
class Example:
    """One thing to learn: what is asked, what should be written, and the kind of skill it exercises."""

    prompt: Prompt
    target: str
    skill: str
    helps: tuple[bool, ...] = ()  # of each document listed, to be foretold where it ends; empty where nothing is


class Told(NamedTuple):
    """What a list-wise answer says: the reasoning, the numbers of the documents ranked, best first, and the answer."""

    think: str
    ranked: tuple[int, ...]
    answer: str


def judge_example(question: Question, query: Query, shown: Shown) -> Example:
    """Whether one document helps, with the reason."""
    return Example(judge_prompt(query, shown), judge_target(question, shown.document), "judge")


def ranked_example(question: Question, query: Query, shown: Sequence[Shown]) -> Example:
    """Reasoning, ranking and answer over the shown documents."""
    return Example(rank_prompt(query, shown), ranked_target(question, [one.document.id for one in shown]), "rank")


def judge_target(question: Question, document: Document) -> str:
    """What a good judge writes of `document`: a verdict and the reason in a few words, without what is seen in full."""
    return verdict(document, next((hop.statement for hop in question.hops if document.id in hop.evidence), None))


def verdict(document: Document, statement: str | None) -> str:
    """Yes, with the `statement` that the document makes; or without one no, and what it is about."""
    if statement is None:
        return f"No. It is about {subject(document)}."
    plain = _ASIDE.sub(lambda aside: " is the" if aside[1] else "", statement)
    return f"Yes. It {_SAYS[document.modality]} that {plain}."


def ranked_target(question: Question, shown: Sequence[str]) -> str:
    """What a good model writes of the documents of the ids `shown`, in the grammar's form."""
    return written(told(question, shown))


def told(question: Question, shown: Sequence[str]) -> Told:
    """What is said of the documents of the ids `shown`.

    The reasoning follows the hops, and then says what they decide together; the ranking puts first what the answer was
    read from, which is the last hop's evidence. Where a hop's evidence is not among the documents, the hops before it
    are told and then that the answer is not there: said as the first words, it would ask that all hops be taken before
    anything is written. A hop after the first is begun and broken off where its answer would stand: what to look for
    is then written down, and a model that had to say without it that nothing is there was wrong in half of the cases.
    """
    number = {one: index for index, one in enumerate(shown, start=1)}
    question = _in_turn(question, shown)
    hops = taken(question, shown)
    tell = picked if question.type == "ImageListQ" else reasoning
    sentences = [tell(hop, number) for hop in hops]
    if not hops or hops != question.hops:
        return Told(" ".join([*sentences, broken_off(question.hops[len(hops)]) if hops else ABSENT]), (), NOT_FOUND)
    if question.conclusion:
        sentences.append(sentence(question.conclusion, question.evidence, number))
    return Told(" ".join(sentences), ranking(hops, number), ", ".join(question.answers))


def taken(question: Question, shown: Sequence[str]) -> tuple[Hop, ...]:
    """The hops that can be taken from the documents of the ids `shown`: those before the first that lacks evidence."""
    return tuple(takewhile(lambda hop: set(hop.evidence) <= set(shown), _in_turn(question, shown).hops))


def _in_turn(question: Question, shown: Sequence[str]) -> Question:
    """Of a list of pictures, each in its turn among the documents: nothing else tells which to begin with.

    One that is not shown comes first, so that nothing is told of a list that is not whole.
    """
    if question.type != "ImageListQ" or not len(question.hops) == len(question.answers) > 0:
        return question  # and one of another's benchmark may come without its steps
    place = {one: index for index, one in enumerate(shown)}
    pairs = zip(question.hops, question.answers, strict=True)
    hops, answers = zip(*sorted(pairs, key=lambda pair: [place.get(one, -1) for one in pair[0].evidence]), strict=True)
    return replace(question, hops=hops, answers=answers)


def broken_off(hop: Hop) -> str:
    """What is said of a hop that lacks its evidence, as far as it can be: "The roof is - no document..."."""
    begun, found, _ = hop.statement.rpartition(hop.answer)
    return f"{capitalised(begun)}- {ABSENT[0].lower()}{ABSENT[1:]}" if begun and found else ABSENT


def written(said: Told) -> str:
    """A list-wise answer in the grammar's form.

    The blank before the answer gives its first word the token that it has amid a text, so that it can be copied.
    """
    rank = " > ".join(f"[{index}]" for index in said.ranked) or "none"
    return f"<think>{said.think}</think><rank>{rank}</rank><answer> {said.answer}</answer>"


def ranking(hops: Sequence[Hop], number: Mapping[str, int]) -> tuple[int, ...]:
    """The numbers of the documents that the hops rest on, the last hop's first."""
    return tuple(dict.fromkeys(number[one] for hop in reversed(hops) for one in hop.evidence))


def reasoning(hop: Hop, number: Mapping[str, int]) -> str:
    """What a hop finds, as one sentence."""
    named = rf"|(?: is)? the {re.escape(hop.answer)}$" if hop.answer[:1].isupper() else ""
    return sentence(hop.statement, hop.evidence, number, _WHOSE + named)


def picked(hop: Hop, number: Mapping[str, int]) -> str:
    """What one of a list of pictures shows: which it is comes first, as nothing else leads to its name."""
    where = cited(hop.evidence, number)
    return f"In {where} {hop.statement} {where}."


def sentence(statement: str, evidence: Sequence[str], number: Mapping[str, int], whose: str = _WHOSE) -> str:
    """One sentence of reasoning, and last what it rests on: what was read tells where, better than the other way.

    But a thing that is found has its number before the words that say `whose` it is, a pattern: its name stands in the
    caption before the picture, or in the passage before what it was found by, and a model that knew which document it
    was did not find the name without the number.
    """
    where = cited(evidence, number)
    told = re.sub(whose, lambda says: f" {where}{says[0]}", statement, count=1)
    return f"{capitalised(told)} {where}."


def cited(evidence: Sequence[str], number: Mapping[str, int]) -> str:
    """The numbers of documents as a sentence cites them."""
    return "".join(f"[{number[one]}]" for one in evidence)


def aside(question: Question) -> bool:
    """Whether a step says in brackets what it compares, as those about looks and about columns of a table do."""
    return any(_ASIDE.search(hop.statement) for hop in question.hops)


def capitalised(statement: str) -> str:
    """A statement as a sentence begins."""
    return statement[0].upper() + statement[1:]


def subject(document: Document) -> str:
    """What a document is about, as a noun phrase that can follow "about"."""
    title = document.title.rstrip(".")
    return f"{title[0].lower()}{title[1:]}" if title.startswith("The ") else title
