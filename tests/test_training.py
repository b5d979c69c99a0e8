"""Training: what is learned, from which tokens, and that a stopped run goes on where it stopped."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path

import pytest
import torch
import yaml

from mmrag.policy.grammar import NOT_FOUND, read_progress, read_ranked_answer, read_verdict, uncited
from mmrag.policy.prompts import JUDGE, RANK, as_text
from mmrag.settings import ROOT
from mmrag.types import Question
from training.architecture import make_model, make_processor, make_tokenizer
from training.base import (
    HELD_OUT,
    STRESS,
    BaseConfig,
    Run,
    chunk_batches,
    classroom,
    documents_at,
    level_at,
    stress_at,
)
from training.batches import (
    DECISIVE_WEIGHT,
    HELPS_WEIGHT,
    PROMPT_WEIGHT,
    collate,
    encode,
    target_weights,
    weighted_loss,
)
from training.classroom import Classroom
from training.clip import SCENES, ClipConfig, Gallery
from training.data import ABSENT, Example, broken_off, capitalised, judge_target, ranked_target, subject
from training.optim import Optimizers, orthogonal, warm_constant_cool
from training.rewards import ranked
from training.sft import SftConfig
from training.sft import lessons as worked_examples
from training.skills import SKILLS, lesson
from training.skills.answering import answered
from training.skills.judging import match, weigh
from training.skills.numbers import order
from training.skills.reading import agree, cells, cite, column, conclude, quote, read, seek, survey
from training.skills.seeing import caption, description, identify, look, pick, spot
from training.skills.steps import THAT, chain, follow, gather, plan
from training.world import World
from training.world.looks import told as in_words

Skill = Callable[[Classroom], Example]
SMALL = BaseConfig(
    chunks=3, worlds=2, entities=12, questions=20, lessons=6, budget=512, save_every=1, examined=16, examined_last=16
)


@pytest.fixture(scope="module")
def room() -> Classroom:
    world = World(31, 16)
    return Classroom(world, tuple(world.questions(60, "train")), random.Random(0), 3)


@pytest.fixture(scope="module")
def processor() -> object:
    return make_processor(make_tokenizer(["Yes. No. The lighthouse of Orsk says that it is red. user assistant"] * 5))


def shown(room: Classroom, question: Question) -> list[str]:
    ids = [*question.evidence, *question.negatives[:3]]
    random.Random(question.id).shuffle(ids)
    return ids


def test_every_ranked_target_is_in_the_grammar_says_the_gold_answer_and_earns_all(room: Classroom) -> None:
    within = filter(None, (room.world.over_rows(room.rng) for _ in range(5)))
    for question in (*room.questions, *within):
        ids = shown(room, question)
        read = read_ranked_answer(ranked_target(question, ids), ids)
        assert set(read.ranking.order) == set(question.evidence)
        assert sorted(read.answer.split(", ")) == sorted(question.answers), "a list in the order of its documents"
        assert len(read.sentences) == max(1, len(question.hops) + bool(question.conclusion))
        assert ranked(ranked_target(question, ids), question, ids).total == 1.0


def test_a_ranked_target_abstains_when_some_evidence_is_not_shown(room: Classroom) -> None:
    question = next(q for q in room.questions if len(q.evidence) > 1)
    ids = [one for one in shown(room, question) if one != question.evidence[0]]
    read = read_ranked_answer(ranked_target(question, ids), ids)
    assert (read.answer, read.ranking.order) == (NOT_FOUND, ())


def test_a_ranked_target_tells_the_hops_before_the_one_that_lacks_its_evidence(room: Classroom) -> None:
    for question in room.chains:
        first, second = question.hops
        both = shown(room, question)
        whole = read_ranked_answer(ranked_target(question, both), both).sentences
        for lost, before in ((first, 0), (second, 0 if set(second.evidence) & set(first.evidence) else 1)):
            ids = [one for one in both if one not in lost.evidence]
            read = read_ranked_answer(ranked_target(question, ids), ids)
            *told, last = read.sentences
            assert [(uncited(one.text), one.cites) for one in told] == [
                (uncited(one.text), one.cites) for one in whole[:before]
            ]
            assert (last.text, last.cites) == (broken_off(second) if before else ABSENT, ())
            assert (read.answer, read.ranking.order) == (NOT_FOUND, ())


def test_a_judge_names_what_a_column_decides_and_leaves_the_column_out(room: Classroom) -> None:
    decided = [one for one in (room.world.over_column(room.rng) for _ in range(40)) if one and one.category == "text"]
    for question in decided:
        _, reason = read_verdict(judge_target(question, room.world.documents[question.evidence[0]]))
        assert reason.endswith(f"is the {question.answers[0]}.")
        assert "(" not in reason
    assert decided


def test_judge_targets_say_yes_of_evidence_alone(room: Classroom) -> None:
    for question in room.questions:
        for one in shown(room, question):
            verdict, reason = read_verdict(judge_target(question, room.world.documents[one]))
            assert "(" not in reason, "the reason is short: what a picture shows is told in the reasoning"
            assert verdict == (one in question.evidence)
            assert reason


def numbered(example: Example) -> dict[str, str]:
    """The documents of a prompt by number."""
    text = "".join(block.get("text", "") for block in example.prompt.content)
    return dict(re.findall(r"^\[(\d+)\] (.*?) \[/\1\]$", text, re.DOTALL | re.MULTILINE))


def test_a_lesson_in_citing_gives_each_sentence_the_document_that_says_it(room: Classroom) -> None:
    for _ in range(20):
        example = cite(room)
        said = numbered(example)
        for sentence in read_progress(example.target, list(said)):
            (document,) = sentence.cites
            assert said[document] == uncited(sentence.text)


def test_a_lesson_in_quoting_cites_the_sentence_that_answers_or_says_that_there_is_none(room: Classroom) -> None:
    lessons = [quote(room) for _ in range(80)]
    for example in lessons:
        said = numbered(example)
        (sentence,) = read_progress(example.target, list(said))
        if example.skill == "quote absent":
            assert (sentence.cites, NOT_FOUND in example.target) == ((), True)
        else:
            assert said[sentence.cites[0]] == uncited(sentence.text)
    assert 0 < sum(example.skill == "quote absent" for example in lessons) < 40


def test_a_lesson_in_following_tells_two_steps_and_never_what_the_first_one_finds(room: Classroom) -> None:
    assert {question.hops[0].kb for question in room.chains} == {"image", "text", "table"}
    for question in room.chains:
        alone = copy(room)
        alone.chains = [question]
        example = next(one for one in iter(lambda alone=alone: follow(alone), None) if one.skill != "follow absent")
        asked = example.prompt.content[-1]["text"].rpartition("Question: ")[2]
        first, second, *_ = read_progress(example.target, [str(n) for n in range(1, 9)])
        answer = ", ".join(question.answers)
        assert asked.startswith(question.hops[0].question)
        assert asked.endswith(question.question) == (answer != question.hops[1].answer), "a colour is no yes"
        assert [one.answer in said.text for one, said in zip(question.hops, (first, second), strict=True)] == [True] * 2
        assert example.target.endswith(f"</rank><answer> {answer}</answer>")
        if question.type.startswith("Compose("):
            assert question.hops[0].answer not in asked
            assert first.cites != second.cites


def test_a_lesson_in_chaining_asks_as_in_use_and_takes_both_steps(room: Classroom) -> None:
    for question in room.chains:
        alone = copy(room)
        alone.chains = [question]
        example = next(
            one
            for one in iter(lambda alone=alone: chain(alone), None)
            if one.skill != "chain absent" and one.prompt.content[-1]["text"].endswith(question.question)
        )
        said = read_progress(example.target, [str(n) for n in range(1, 9)])
        assert [one.answer in told.text for one, told in zip(question.hops, said, strict=False)] == [True] * 2
        assert len(said) == 2 + bool(question.conclusion)
        rank = re.search(r"<rank>(.*)</rank>", example.target)
        assert rank
        assert set(re.findall(r"\[\d\]", rank[1])) == set(re.findall(r"\[\d\]", example.target.partition("<rank>")[0]))
        assert example.target.endswith(f"</rank><answer> {', '.join(question.answers)}</answer>")


@pytest.mark.parametrize(
    ("level", "documents"), sorted({(level_at(n / 300), documents_at(n / 300)) for n in range(300)})
)
def test_every_skill_has_lessons_wherever_the_curriculum_stands(level: int, documents: int) -> None:
    for seed in (6, 7):
        room = classroom(BaseConfig(entities=60), seed, level, documents, random.Random(seed))
        for skill in SKILLS:
            for _ in range(12):
                assert skill(room).target, skill.__name__


def test_a_lesson_in_gathering_takes_a_step_for_everything_that_fits_in_the_order_in_which_it_is_met() -> None:
    world = World(6, 60)
    room = Classroom(world, tuple(world.questions(200, "train")), random.Random(3), 8)
    assert {question.type for question in room.lists} == {"ImageListQ", "Intersect(TableQ,ImageListQ)"}
    for question in room.lists:
        alone = copy(room)
        alone.lists = [question]
        pictures = question.type == "ImageListQ"
        lessons = [gather(alone) for _ in range(12)]
        assert not pictures or all(one.skill != "gather absent" for one in lessons), "who could tell what is missing?"
        example = next(one for one in lessons if one.skill != "gather absent")
        said = numbered(example)
        sentences = read_progress(example.target, list(said))
        names = example.target.partition("<answer> ")[2].removesuffix("</answer>").split(", ")
        assert sorted(names) == sorted(question.answers)
        assert len(sentences) == len(question.hops)
        if pictures:
            cited = [int(one.cites[0]) for one in sentences]
            assert cited == sorted(cited), "as the documents come"
            assert len(re.findall(r"In (\[\d\]) [^.]* \1\.", example.target)) == len(cited), "before it has a name"
            ids = [one for one in shown(room, question) if one != question.evidence[-1]]
            assert ranked_target(question, ids).startswith(f"<think>{ABSENT}"), "of a list that is not whole"
            assert ranked(ranked_target(question, ids), question, ids).total == 1.0
            assert all(name in one.text for name, one in zip(names, sentences, strict=True))
        else:
            rows = question.hops[0].answer.split(", ")
            found = sentences[0].text.rpartition(")")[2]
            met = [found.index(next(row for row in rows if row in one.text)) for one in sentences[1:]]
            assert met == sorted(met), "as the table's sentence names them"


@pytest.mark.parametrize("skill", [follow, chain])
def test_some_lessons_in_two_steps_lack_one_and_say_so(room: Classroom, skill: Skill) -> None:
    lessons = [skill(room) for _ in range(80)]
    absent = [example for example in lessons if example.skill == f"{skill.__name__} absent"]
    assert 8 < len(absent) < 48
    ends = f"{ABSENT[1:]}</think><rank>none</rank><answer> {NOT_FOUND}</answer>"
    assert all(example.target.endswith(ends) for example in absent)
    found = [example.target.removeprefix("<think>").removesuffix(ends) for example in absent]
    told = {(len(re.findall(r"\[\d\]\.", one)), one.endswith(" - n")) for one in found}
    assert told == {(0, False), (1, True)}, "the first step is told if it is not the lost one, and the second begun"


def test_some_questions_of_two_steps_rest_on_one_table(room: Classroom) -> None:
    told = [chain(room).target for _ in range(150)]
    assert 4 < sum(bool(re.search(r"(\[\d\])\. .*\1\.</think>", one)) for one in told) < 40


@pytest.mark.parametrize("skill", [follow, chain])
def test_what_takes_two_steps_is_asked_in_few_words_alone_and_left_to_reinforcement_in_those_of_use(
    room: Classroom, skill: Skill
) -> None:
    told = copy(room)
    told.instructed = 1.0
    for example in [skill(told) for _ in range(30)]:
        assert RANK not in str(example.prompt.content)


def test_a_lesson_in_planning_says_the_steps_without_taking_them(room: Classroom) -> None:
    for question in room.chains:
        alone = copy(room)
        alone.chains = [question]
        example = plan(alone)
        first, second = question.hops
        assert question.question in example.prompt.content[-1]["text"]
        assert example.target.startswith(f"{first.question} ")
        if question.type.startswith("Compose("):
            assert THAT in example.target
            assert first.answer not in example.target
        else:
            assert example.target.endswith(second.question)


def test_a_picture_is_told_apart_from_those_of_its_kind_and_from_any(room: Classroom) -> None:
    kinds = {one.id: room.world.views[one.id][0].kind for one in room.pictures}
    pairs = [
        (one, room.another(one))
        for one in room.pictures
        for _ in range(12)
        if list(kinds.values()).count(kinds[one.id]) > 1
    ]
    assert all(one != other for one, other in pairs)
    alike = sum(kinds[one.id] == kinds[other.id] for one, other in pairs) / len(pairs)
    assert 0.5 < alike < 0.95


def test_a_lesson_in_matching_says_yes_of_the_thing_itself_alone(room: Classroom) -> None:
    verdicts: list[bool] = []
    for _ in range(30):
        example = match(room)
        caption = "".join(block.get("text", "") for block in example.prompt.content).partition("this?\n")[2]
        name, town = caption.partition(" \n")[0].removeprefix("The ").split(", ")
        verdict, reason = read_verdict(example.target)
        assert reason.endswith(f"is the {name} in {town}." if verdict else f"is about the {name}.")
        assert len(example.prompt.pictures) == 2
        verdicts.append(verdict)
    assert 5 < sum(verdicts) < 25


@pytest.mark.parametrize("skill", [read, look, quote])
def test_what_is_asked_in_the_words_of_use_is_ranked_by_what_it_rests_on(room: Classroom, skill: Skill) -> None:
    told = copy(room)
    told.instructed = 1.0
    for example in [skill(told) for _ in range(20)]:
        text = "".join(block.get("text", "") for block in example.prompt.content)
        numbers = list(dict.fromkeys(re.findall(r"\[(\d)\] ", text.removeprefix(RANK))))
        said = read_ranked_answer(example.target, numbers)
        cited = [one for sentence in reversed(said.sentences) for one in sentence.cites if said.answer != NOT_FOUND]
        assert text.startswith(f"{RANK}\nQuestion: ")
        assert list(said.ranking.order) == list(dict.fromkeys(cited))
    assert not any(RANK in str(skill(room).prompt.content) for _ in range(5))


@pytest.mark.parametrize("skill", [weigh, match])
def test_what_is_judged_in_the_words_of_use_is_asked_as_the_judge_is(room: Classroom, skill: Skill) -> None:
    told = copy(room)
    told.instructed = 1.0
    assert all(skill(told).prompt.content[0]["text"].startswith(f"{JUDGE}\nQuestion: ") for _ in range(5))
    assert not any(JUDGE in str(skill(room).prompt.content) for _ in range(5))


def test_judging_is_learned_of_second_documents_too(room: Classroom) -> None:
    def said(question: Question) -> str:
        return judge_target(question, room.world.documents[question.hops[-1].evidence[0]])

    second = {said(one) for one in room.chains} - {said(one) for one in room.single}
    assert second & {weigh(room).target for _ in range(200)}


def test_a_lesson_in_concluding_tells_all_that_the_answer_needs(room: Classroom) -> None:
    for _ in range(40):
        example = conclude(room)
        (block,) = example.prompt.content
        told, _, question = block["text"].partition("\nQuestion: ")
        if example.skill == "conclude YesNo":
            assert example.target in ("<answer> yes</answer>", "<answer> no</answer>")
            continue
        if example.skill == "conclude choose" and "<think>" in example.target:
            values = {one: int(re.search(r"\d+", one)[0]) for one in told.split(". ")}  # type: ignore[index]
            won = (min if "earlier" in question else max)(values, key=values.__getitem__)
            conclusion, _, answer = example.target.removesuffix("</answer>").partition("<answer> ")
            assert answer in won
            assert re.search(rf"\): \d+ {answer}\.</think>$", conclusion)
            continue
        (asked,) = {q.id: q for q in room.questions if q.question == question}.values()
        assert all(capitalised(hop.statement) in told for hop in asked.hops)
        assert example.target == f"<answer> {', '.join(asked.answers)}</answer>"


def test_a_lesson_in_cells_looks_up_rows_and_misses_those_that_a_table_lacks(room: Classroom) -> None:
    missed = 0
    for example in (cells(room) for _ in range(30)):
        ((_, document),) = numbered(example).items()
        rows = [[cell.strip() for cell in row.split("|")[1:]] for row in document.splitlines()[2:]]
        said = example.target.removeprefix("<think>").removesuffix("</think>").split(". ")
        for one in said:
            if one.startswith(ABSENT[:-1]):
                missed += 1
                continue
            (row,) = (row for row in rows if f"the {row[0]} " in one)
            assert re.search(r" (\d+)(?: \w+)? \[1\]", one)[1] in row[1:]  # type: ignore[index]
    assert 10 < missed < 80


def test_a_lesson_in_agreeing_says_what_is_so_where_and_whether_that_was_asked(room: Classroom) -> None:
    verdicts: list[str] = []
    for _ in range(30):
        example = agree(room)
        said = numbered(example)
        questions = example.prompt.content[0]["text"].partition("\n")[0]
        for statement, document, verdict in re.findall(r"(The [^\[]+) \[(\d)\]: (yes|no)\.", example.target):
            assert said[document] == f"{statement}."
            value = statement.split()[-1]
            if statement.split()[-2] == "is" and value.isalpha() and verdict == "yes":  # "The roof of ... is red"
                assert value in questions
            verdicts.append(verdict)
    assert set(verdicts) == {"yes", "no"}


def test_a_lesson_in_order_sorts_the_numbers_that_it_gives_with_whose_they_are(room: Classroom) -> None:
    named: set[bool] = set()
    for _ in range(20):
        example = order(room)
        given, _, asked = example.prompt.content[0]["text"].partition("\n")
        whose = {int(one.partition(" ")[0]): one.partition(" ")[2] for one in given.split(", ")}
        sign = " > " if "largest" in asked else " < "
        assert len(whose) == len(given.split(", ")) > 1
        ordered = sorted(whose, reverse="largest" in asked)
        assert example.target.split(sign) == [f"{number} {whose[number]}".strip() for number in ordered]
        named.add(bool(whose[ordered[0]]))
    assert named == {True, False}


def test_what_is_concluded_is_mostly_yes_or_no_and_then_which_of_two_is_more(room: Classroom) -> None:
    kinds = Counter(conclude(room).skill for _ in range(120))
    assert kinds["conclude YesNo"] > kinds["conclude choose"] > 10


def test_a_lesson_in_surveying_answers_each_question_from_what_is_shown(room: Classroom) -> None:
    evidence = {f"{capitalised(q.hops[0].statement)}.": q.evidence[0] for q in room.told}
    missing = 0
    for _ in range(40):
        example = survey(room)
        said = numbered(example)
        for sentence in read_progress(example.target, list(said)):
            text = uncited(sentence.text)
            if text == ABSENT:
                missing += not sentence.cites
                continue
            (document,) = sentence.cites
            assert said[document].strip() == as_text(room.world.documents[evidence[text]])
    assert 0 < missing < 60


def test_a_lesson_in_picking_describes_the_picture_whose_caption_was_asked_for(room: Classroom) -> None:
    for _ in range(10):
        example = pick(room)
        about = example.prompt.content[0]["text"].partition(".\n")[0].removeprefix("Question: Describe ")
        (wanted,) = (one for one in room.pictures if subject(one) == about)
        assert any(one.startswith(wanted.text) for one in numbered(example).values())
        assert example.target == description(*room.world.views[wanted.id])


def test_a_lesson_in_identifying_cites_the_picture_of_the_thing_it_names(room: Classroom) -> None:
    for _ in range(10):
        example = identify(room)
        said = numbered(example)
        (sentence,) = read_progress(example.target, list(said))
        assert re.search(r"\) (\[\d\]) is the .* \1\.$", sentence.text), "where it was seen, before whose it is"
        name, town = said[sentence.cites[0]].strip().removeprefix("The ").split(", ")
        assert re.fullmatch(rf"This [a-z ]+ \(.+: .+\) is the {name} in {town}\.", uncited(sentence.text))


def test_a_lesson_in_captions_says_whose_the_pictures_of_some_numbers_are(room: Classroom) -> None:
    for _ in range(10):
        example = caption(room)
        said = numbered(example)
        asked = example.prompt.content[0]["text"].partition("\n")[0].removeprefix("Question: What are these? ")
        sentences = read_progress(example.target, list(said))
        assert [one.text[1] for one in sentences] == asked.split("; ")
        for sentence in sentences:
            (document,) = sentence.cites
            whose, town = said[document].strip().removeprefix("The ").split(", ")
            assert uncited(sentence.text) == f"is the {whose} in {town}."


def test_a_lesson_in_spotting_names_every_thing_described_and_cites_its_picture(room: Classroom) -> None:
    for _ in range(10):
        example = spot(room)
        said = numbered(example)
        asked = (
            example.prompt.content[0]["text"].partition("\n")[0].removeprefix("Question: Which are these? ").split("; ")
        )
        sentences = list(read_progress(example.target, list(said)))
        assert len(sentences) == len(asked)
        for sentence, described in zip(sentences, asked, strict=True):
            (document,) = sentence.cites
            name, town = said[document].strip().removeprefix("The ").split(", ")
            assert uncited(sentence.text) == f"This {described} is the {name} in {town}."
            (shown,) = (one for one in room.pictures if one.text == said[document].strip())
            assert described.endswith(f"({in_words(room.world.views[shown.id][0])})")


def test_a_lesson_in_seeking_names_last_what_must_be_found_first(room: Classroom) -> None:
    names = {one.name for one in room.world.facts.entities}
    lessons = [seek(room) for _ in range(60)]
    found = [one.target for one in lessons if ABSENT not in one.target]
    assert 25 < len(found) < 60, "and some are not there"
    for target in found:
        think, answer = re.fullmatch(r"<think>(.*?)</think>.*<answer> (.*)</answer>", target).groups()  # type: ignore[union-attr]
        assert answer in names or "(" in think
        assert answer not in names or re.search(rf"{answer}(?: in \w+)? \[\d\]\.$", think)


def test_among_rivals_what_is_sought_is_told_of_no_more_than_its_kin() -> None:
    """A model that learned where the answer was named most often named what was told of most, and failed in use."""
    told: Counter[str] = Counter()
    for seed in range(40, 44):
        world = World(seed, 40)
        room = Classroom(world, tuple(world.questions(120, "train")), random.Random(seed), 3)
        mentions = world.library.mentions
        for question in room.sought:
            found = next((one for one in world.facts.entities if one.name == question.answers[0]), None)
            kin = [one for one in world.facts.entities if found and one.kind == found.kind and one is not found]
            if not found or not kin:
                continue
            for name, documents in (("rivals", room.rivals(question)), ("negatives", question.negatives)):
                told[f"{name} found"] += len(set(documents) & set(mentions[found.name]))
                told[f"{name} kin"] += sum(len(set(documents) & set(mentions[one.name])) for one in kin) / len(kin)
    assert told["negatives found"] > 2 * told["negatives kin"], "so these give the answer away"
    assert told["rivals found"] < told["rivals kin"], "and these do not: one document is told already, the evidence"


def test_rivals_are_of_the_evidence_s_sort_and_never_evidence(room: Classroom) -> None:
    role = room.world.library.role
    for question in room.questions:
        rivals = room.rivals(question)
        assert len(set(rivals)) == len(rivals)
        assert not set(rivals) & set(question.evidence)
    for question in room.sought:
        wanted = {role[one] for one in question.evidence}
        there = {one for one, name in role.items() if name in wanted and one not in question.evidence}
        assert there <= set(room.rivals(question))


def test_a_lesson_in_a_column_shows_its_table_alone_and_says_every_number(room: Classroom) -> None:
    compared = 0
    for _ in range(40):
        example = column(room)
        ((_, document),) = numbered(example).items()
        rows = [[cell.strip() for cell in row.split("|")[1:]] for row in document.splitlines()[2:]]
        if example.skill == "column choose":  # between two of its rows
            compared += 1
            answer = re.search(r"<answer> (.*)</answer>", example.target)
            assert answer
            assert answer[1] in {row[0] for row in rows}
            continue
        told = re.search(r"\((.*?)\)(?:: (.*?) \[)?", example.target)
        assert told
        every = [one.split(" ", 1 if told[2] else 3) for one in told[1].split(", ")]
        assert [one[-1] for one in every] == [row[0] for row in rows]
        assert all(one[0] in row[1:] for one, row in zip(every, rows, strict=True))
        deciding = [one[-1] for one in every if told[2] == " ".join(one) or one[1] == ">"]
        answer = re.search(r"<answer> (.*)</answer>", example.target)
        assert answer
        assert answer[1] in (*deciding, str(len(deciding)))
    assert 0 < compared < 30


def test_some_lessons_in_reading_ask_what_no_document_says(room: Classroom) -> None:
    unanswerable = {question.question for question in room.questions if not question.hops}
    asked = [example for example in (read(room) for _ in range(120)) if example.skill == "read absent"]
    last = [example.prompt.content[-1]["text"].rpartition("Question: ")[2] for example in asked]
    assert set(last) & unanswerable
    assert set(last) - unanswerable, "and some what only the shown ones do not say"


def test_what_the_curriculum_stresses_has_its_share_of_the_lessons(room: Classroom) -> None:
    assert {lesson(replace(room, stress={"echo": 1.0})).skill for _ in range(20)} == {"echo"}
    some = Counter(lesson(replace(room, stress={"echo": 0.5, "cells": 0.2})).skill for _ in range(300))
    assert 120 < some["echo"] < 180
    assert 35 < some["cells"] < 90
    for _, shares in STRESS:
        assert set(shares) <= {skill.__name__ for skill in SKILLS}
        assert sum(shares.values()) <= 1
    assert stress_at(0.21) == {"cite": 1.0}
    assert not stress_at(0.9)


@pytest.mark.parametrize("skill", list(SKILLS), ids=lambda skill: skill.__name__)
def test_a_lesson_weighs_what_is_written_fully_and_pictures_not_at_all(
    skill: object, room: Classroom, processor: object
) -> None:
    example = skill(room)  # type: ignore[operator]
    encoded = encode(processor, example)  # type: ignore[arg-type]
    foretold = encoded.labels != encoded.input_ids
    written = encoded.input_ids[(encoded.weights >= 1.0) & ~foretold]
    assert processor.tokenizer.decode(written) == example.target + "<|im_end|>"  # type: ignore[attr-defined]
    assert not encoded.weights[encoded.token_types == 1].any()
    assert int((encoded.token_types == 1).sum()) == 16 * len(example.prompt.pictures)
    known = torch.tensor([0.0, PROMPT_WEIGHT, 1.0, DECISIVE_WEIGHT])
    assert torch.isin(encoded.weights[~foretold], known).all()
    assert encoded.weights[foretold].eq(HELPS_WEIGHT).all()
    assert tuple(encoded.labels[foretold] == yes(processor)) == example.helps


def yes(processor: object) -> int:
    return processor.tokenizer.convert_tokens_to_ids("Yes")  # type: ignore[attr-defined, no-any-return]


def test_where_a_document_of_a_list_ends_it_is_foretold_whether_it_helps(room: Classroom, processor: object) -> None:
    tokenizer = processor.tokenizer  # type: ignore[attr-defined]
    question = next(one for one in room.single if one.hops[0].kb == "text")
    shown = [room.shown(one) for one in (*question.negatives[:2], question.evidence[0])]
    example = answered(room, question, room.query(question), shown, "read", "text")
    assert example.helps == (False, False, True)
    assert answered(room, question, room.query(question), shown[2:], "read", "text").helps == ()

    told, plain = (encode(processor, one, 0.0) for one in (example, replace(example, helps=())))  # type: ignore[arg-type]
    assert told.input_ids.equal(plain.input_ids)  # what the model reads is what it reads in use
    (places,) = (told.labels != told.input_ids).nonzero(as_tuple=True)
    assert [tokenizer.decode(told.input_ids[place - 4 : place + 1]).lstrip() for place in places] == [
        f"[/{number}]\n" for number in (1, 2, 3)
    ]
    assert [tokenizer.decode(told.labels[place]) for place in places] == ["No", "No", "Yes"]
    batch = collate([told, plain], tokenizer.pad_token_id)
    assert batch.labels[1].equal(batch.inputs["input_ids"][1])
    assert batch.labels[0].equal(told.labels)


@pytest.mark.parametrize(
    ("target", "decisive"),
    [
        ("<think>It opened in 19 [12].</think><rank>[12] > [3]</rank><answer> red</answer>", "It12123"),
        ("<think>It has no 2 [1].</think><answer> yes</answer>", "It1yes"),
        ("<think>No document holds the answer.</think><answer> nobody</answer>", "No"),
        ("<think>Orsk lies there [2]. It is - no document holds it.</think><rank>none</rank>", "Orsk2It-"),
        ("<think>This chapel (wall: red) [1] is the Velmar chapel in Orsk [1].</think>", "Thisred1Velmar1"),
        ("<think>Ada Brenn is the keeper of [2] the Velmar chapel [2].</think>", "Ada2Velmar2"),
        ("<think>Those (43 < 76 Velmar, 81 > 76 Orsk) are the Orsk [1].</think>", "Those<>1"),
        ("<think>The one (43 Velmar, 81 Orsk): 81 Orsk [1].</think>", "The81Orsk1"),
        ("Yes. It says No.", "Yes"),
        ("no", "no"),
    ],
)
def test_verdicts_document_numbers_and_how_reasoning_begins_weigh_more(
    target: str, decisive: str, processor: object
) -> None:
    tokenizer = processor.tokenizer  # type: ignore[attr-defined]
    weights = target_weights(tokenizer, target + "<|im_end|>\n")
    ids = torch.tensor(tokenizer(target + "<|im_end|>\n").input_ids)
    assert tokenizer.decode(ids[weights == DECISIVE_WEIGHT]).replace(" ", "") == decisive
    assert weights[-1] == 0


def test_padding_changes_no_loss(room: Classroom, processor: object) -> None:
    torch.manual_seed(0)
    tokenizer = processor.tokenizer  # type: ignore[attr-defined]
    model = make_model(tokenizer).eval()
    short, long = sorted(
        (encode(processor, skill(room)) for skill in list(SKILLS)[:2]),  # type: ignore[arg-type]
        key=lambda one: len(one.input_ids),
    )
    alone, beside = collate([short], tokenizer.pad_token_id), collate([short, long], tokenizer.pad_token_id)
    beside = replace(beside, weights=beside.weights * torch.tensor([[1.0], [0.0]]))
    losses = [weighted_loss(model, one).item() for one in (alone, beside)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_muon_makes_all_singular_values_about_one() -> None:
    torch.manual_seed(0)
    for shape in ((3, 16, 40), (2, 40, 16)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert values.min() > 0.5
        assert values.max() < 1.5


def test_optimiser_state_survives_being_written_as_tensors(processor: object) -> None:
    torch.manual_seed(0)
    models = [make_model(processor.tokenizer) for _ in range(2)]  # type: ignore[attr-defined]
    models[1].load_state_dict(models[0].state_dict())
    first, second = (Optimizers(model, 1e-2, 0.1) for model in models)

    def step(which: int, optimizers: Optimizers) -> None:
        for number, parameter in enumerate(models[which].parameters()):
            parameter.grad = torch.full_like(parameter, 0.01 * (number % 5 - 2)) + 0.01 * parameter.detach()
        optimizers.step(1.0)

    step(0, first)
    models[1].load_state_dict(models[0].state_dict())
    second.load(first.tensors())
    step(0, first)
    step(1, second)
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_the_learning_rate_rises_stays_and_falls_to_nothing() -> None:
    factors = [warm_constant_cool(done / 100) for done in range(101)]
    assert factors[0] == 0.0
    assert factors[50] == 1.0
    assert factors[100] == 0.0
    assert all(0.0 <= one <= 1.0 for one in factors)


def test_the_curriculum_only_climbs() -> None:
    climb = [(level_at(done / 50), documents_at(done / 50)) for done in range(51)]
    assert climb == sorted(climb)
    assert climb[0] == (1, 1)
    assert climb[-1] == (3, 8)


def test_a_chunk_of_the_stream_is_the_same_each_time(processor: object) -> None:
    first, second = ([b.inputs["input_ids"] for b in chunk_batches(SMALL, processor, 1)] for _ in range(2))
    assert len(first) == len(second)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("pictures", [0, 64])
def test_a_tower_that_was_taught_to_see_stays_as_it_is(pictures: int, random_checkpoint: Path, tmp_path: Path) -> None:
    taught = tmp_path / "taught"
    shutil.copytree(random_checkpoint, taught)
    (taught / "state.json").write_text(json.dumps({"pictures": pictures}))
    run = Run(replace(SMALL, out=str(tmp_path / "run"), start_from=str(taught), chunks=1))
    before = {name: value.clone() for name, value in run.model.named_parameters()}
    run.train()
    moved = {name for name, value in run.model.named_parameters() if not torch.equal(value, before[name])}
    assert any("language_model.layers" in name for name in moved)
    assert any("deepstack_merger_list" in name for name in moved)
    assert any("visual.blocks" in name or "visual.merger" in name for name in moved) == (pictures == 0)


def test_a_killed_pre_training_goes_on_at_the_chunk_after_its_last_checkpoint(tmp_path: Path) -> None:
    small = replace(SMALL, out=str(tmp_path), chunks=6)
    flags = {name: str(value) for name, value in asdict(small).items() if value != ""}
    command = [
        sys.executable,
        "-m",
        "training.base",
        *(part for flag in flags.items() for part in ("--" + flag[0], flag[1])),
    ]
    state = tmp_path / "last" / "state.json"
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 200
    while not state.exists() and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    run.send_signal(signal.SIGKILL)
    run.wait()
    stopped = json.loads(state.read_text())
    assert 1 <= stopped["chunk"] < 6, "it was killed after a checkpoint and before the end"
    Run(replace(small, resume=True)).train()
    finished = json.loads(state.read_text())
    assert finished["chunk"] == 6
    assert finished["tokens"] > stopped["tokens"]
    assert set(finished["held_out"])


def test_where_a_step_lacks_its_evidence_the_other_keeps_its_own(room: Classroom) -> None:
    for question in [one for one in room.chains if len(one.evidence) == 2]:
        shown = [one.document.id for one in room.lacking(question, 5)]
        assert len(set(shown) & set(question.evidence)) == 1
        assert ranked_target(question, shown).endswith(
            f"{ABSENT[1:]}</think><rank>none</rank><answer> {NOT_FOUND}</answer>"
        )


def test_a_thing_that_is_found_has_its_number_before_its_name() -> None:
    questions = World(6, 60).questions(300, "train")
    found = [one for one in questions if one.type != "TableQ" and len(one.hops) == 1]
    found = [one for one in found if one.hops[0].statement.endswith(f" the {one.answers[0]}")]
    assert {one.type for one in found} == {"ImageQ", "TextQ"}
    for question in found:
        (hop,) = question.hops
        number = "[1] is" if " with " in hop.statement else "[1]"
        end = f" {number} the {hop.answer} [1]." if hop.answer[0].isupper() else f" the {hop.answer} [1]."
        assert f"{end}</think>" in ranked_target(question, question.evidence)


def test_of_two_steps_the_last_is_lacking_oftener_than_the_first(room: Classroom) -> None:
    two = [one for one in room.chains if len(one.evidence) == 2] * 40
    last = sum(one.evidence[-1] not in {shown.document.id for shown in room.lacking(one, 5)} for one in two)
    assert 0.55 < last / len(two) < 0.8


def test_what_retrieval_learns_of_a_picture_seldom_tells_the_scene() -> None:
    gallery = Gallery(ClipConfig(looks=6), None)
    said = [gallery.words(index % 6, 0) for index in range(600)]
    scenes = sum(one.endswith((" on the left", " on the right")) and one.count(";") == 2 for one in said) / 600
    assert SCENES / 2 < scenes < 2 * SCENES
    whole = sum(";" in one for one in said) / 600
    assert 0.4 < whole < 0.6, "the other half tells some attributes, as questions do"


def test_worked_examples_are_as_many_of_each_kind_as_is_stated(room: Classroom) -> None:
    config = SftConfig(judged=4, ranked=3, composed=2, within=5, absent=6)
    made = list(worked_examples(config, room))
    assert Counter(example.skill for example in made) == {"judge": 4, "rank": 16}
    assert all(re.search(r"\[(\d)\]\. .*\[\1\]\.</think><rank>\[\1\]</rank>", example.target) for example in made[9:14])
    assert sum(NOT_FOUND in example.target for example in made[-6:]) == 6


def test_no_two_trainings_learn_from_one_world_and_none_from_those_that_are_held_out() -> None:
    base, sft, stage1, stage2 = (
        yaml.safe_load((ROOT / f"training/configs/{name}.yaml").read_text("utf-8"))
        for name in ("base", "sft", "embedded-stage1", "embedded-stage2")
    )
    spans = {
        "base": range(base["first_world"], base["first_world"] + base["chunks"] * base["worlds"]),
        "sft": range(sft["first_world"], sft["first_world"] + sft["worlds"]),
        "held out": range(HELD_OUT, 10_000),
        "stage I": range(stage1["first_world"], stage1["first_world"] + stage1["worlds"]),
        "stage II": range(stage2["first_world"], stage2["first_world"] + stage2["worlds"] + stage2["judged_worlds"]),
    }
    for one, other in combinations(spans, 2):
        assert not set(spans[one]) & set(spans[other]), f"{one} and {other} share a world"
