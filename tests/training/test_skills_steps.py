"""Lessons in several steps: followed, chained, gathered and planned."""

from __future__ import annotations

import random
import re
from copy import copy

import pytest

from mmrag.policy.grammar import NOT_FOUND, read_progress
from mmrag.policy.prompts import RANK
from tests.training.parts import Skill, numbered, shown
from training.classroom import Classroom
from training.data import ABSENT, ranked_target
from training.rewards import ranked
from training.skills.steps import THAT, chain, follow, gather, plan
from training.world import World


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


def test_a_lesson_in_gathering_takes_a_step_for_everything_that_fits_in_the_order_in_which_it_is_met(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(6, 60)
    room = Classroom(world, tuple(world.questions(20, "train")), random.Random(3), 8)
    questions = list(filter(None, (world.over_lists(room.rng) for _ in range(12))))
    assert {question.type for question in questions} == {"ImageListQ", "Intersect(TableQ,ImageListQ)"}
    for question in questions:
        monkeypatch.setattr(World, "over_lists", lambda world, rng, question=question: question)
        pictures = question.type == "ImageListQ"
        lessons = [gather(room) for _ in range(12)]
        assert not pictures or all(one.skill != "gather absent" for one in lessons), "who could tell what is missing?"
        example = next(one for one in lessons if one.skill != "gather absent")
        said = numbered(example)
        sentences = read_progress(example.target, list(said))
        names = example.target.partition("<answer> ")[2].removesuffix("</answer>").split(", ")
        assert sorted(names) == sorted(question.answers)
        assert len(sentences) == len(question.hops) + bool(question.conclusion)
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
            met = [found.index(next(row for row in rows if row in one.text)) for one in sentences[1:-1]]
            assert met == sorted(met), "as the table's sentence names them"
            assert all(name in sentences[-1].text.rpartition(")")[2] for name in names), "what all of them come to"


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
