"""Every skill has lessons, in few words and in those of use, in the shares that the curriculum asks for."""

from __future__ import annotations

import random
import re
from collections import Counter
from copy import copy
from dataclasses import replace

import pytest

from mmrag.policy.grammar import NOT_FOUND, read_ranked_answer, read_verdict
from mmrag.policy.prompts import JUDGE, RANK
from mmrag.types import Question
from tests.training.parts import Skill
from training.base import STRESS, BaseConfig, classroom, documents_at, level_at, stress_at
from training.classroom import Classroom
from training.data import judge_target
from training.skills import SKILLS, lesson
from training.skills.judging import match, weigh
from training.skills.numbers import order
from training.skills.reading import quote, read
from training.skills.seeing import look


@pytest.mark.parametrize(
    ("level", "documents"), sorted({(level_at(n / 300), documents_at(n / 300)) for n in range(300)})
)
def test_every_skill_has_lessons_wherever_the_curriculum_stands(level: int, documents: int) -> None:
    for seed in (6, 7):
        room = classroom(BaseConfig(entities=60), seed, level, documents, random.Random(seed))
        for skill in SKILLS:
            for _ in range(12):
                assert skill(room).target, skill.__name__


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


def test_what_the_curriculum_stresses_has_its_share_of_the_lessons(room: Classroom) -> None:
    assert {lesson(replace(room, stress={"echo": 1.0})).skill for _ in range(20)} == {"echo"}
    some = Counter(lesson(replace(room, stress={"echo": 0.5, "cells": 0.2})).skill for _ in range(300))
    assert 120 < some["echo"] < 180
    assert 35 < some["cells"] < 90
    for _, shares in STRESS:
        assert set(shares) <= {skill.__name__ for skill in SKILLS}
        assert sum(shares.values()) <= 1
    assert stress_at(0.25) == {"cite": 1.0}
    assert not stress_at(0.3)
