"""Rows to learn from: balanced, what retrieval brings or the policy keeps, made once and mapped."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mmrag.policy.load import load_policy
from mmrag.policy.prompts import judge_prompt
from mmrag.settings import Settings
from mmrag.types import Question
from tests.training.parts import QUERY, QUESTION, SHOWN
from training.rows import Worlds, judged_rows, mapped, ranked_rows, row, types_in_turn
from training.world import World


def test_rows_of_stage_one_are_balanced_and_what_retrieval_brings() -> None:
    made = list(judged_rows(Worlds((9_401,), 12, 20), 1, Settings()))
    assert sum(one["wanted"] for one in made) * 2 == len(made) > 0
    for one in made:
        gold = json.loads(one["question"])["evidence"]
        assert (one["shown"][0] in gold) == one["wanted"]
        assert len(one["images"]) == sum(block["type"] == "image" for block in one["prompt"][0]["content"])


def test_rows_that_the_policy_has_settled_are_left_out_and_both_kinds_stay_equal(random_checkpoint: Path) -> None:
    policy = load_policy(random_checkpoint)
    some = Worlds((9_401,), 12, 20)
    every = list(judged_rows(some, 1, Settings()))
    assert list(judged_rows(some, 1, Settings(), lambda: policy, 1.0)) == every
    assert list(judged_rows(some, 1, Settings(), lambda: policy, 0.0)) == []
    half = list(judged_rows(some, 1, Settings(), lambda: policy, 0.5))
    assert [one["wanted"] for one in half] == [True, False] * (len(half) // 2)
    assert all(one in every for one in half)
    assert len(half) < len(every)


def test_most_rows_that_lack_evidence_are_given_it_last(random_checkpoint: Path) -> None:
    policy = load_policy(random_checkpoint)
    some, settings = Worlds((9_401,), 24, 40, composed=0.8), Settings(threshold=0.0, top_k=4)
    every, few, none = (list(ranked_rows(some, 1, settings, lambda: policy, share)) for share in (1.0, 0.25, 0.0))

    def lacking(rows: list[dict[str, Any]]) -> int:
        return sum(not set(json.loads(one["question"])["evidence"]) <= set(one["shown"]) for one in rows)

    assert 0 < lacking(few) < lacking(every) / 2
    assert lacking(none) == 0
    assert len(every) == len(few) == len(none)
    for before, after in zip(every, none, strict=True):
        gold = json.loads(before["question"])["evidence"]
        assert after["shown"] == before["shown"] + [one for one in gold if one not in before["shown"]]


def test_rows_of_stage_two_show_what_the_policy_keeps(random_checkpoint: Path, tmp_path: Path) -> None:
    policy = load_policy(random_checkpoint)
    make = partial(ranked_rows, Worlds((9_401,), 12, 10), 1, Settings(threshold=0.0, top_k=3), lambda: policy)
    made = mapped(make, tmp_path / "rows", {"seed": 1})
    assert len(made) == 10
    assert all(len(one["shown"]) == 3 for one in made)


def test_composed_questions_have_the_share_that_is_asked_for() -> None:
    asked = Worlds((9_401,), 24, 20, composed=0.75).asked(World(9_401, 24))
    assert sum(len(one.evidence) > 1 for one in asked) == 15
    assert len(asked) == len({one.id for one in asked}) == 20


def test_where_types_take_turns_the_rare_ones_are_asked_as_often_as_there_are_such_questions() -> None:
    world, (come, turned) = (
        World(9_401, 24),
        (Worlds((9_401,), 24, 40, composed=0.8, in_turn=one) for one in (False, True)),
    )
    counts = [Counter(one.type for one in asked.asked(world) if len(one.evidence) > 1) for asked in (come, turned)]
    assert counts[0].total() == counts[1].total() == 32
    assert counts[1].keys() >= counts[0].keys()
    assert max(counts[1].values()) < max(counts[0].values())


@given(st.lists(st.sampled_from(["ImageListQ", "Compose(TextQ,TextQ)", "Compare(ImageQ,ImageQ)"]), max_size=30))
def test_no_type_is_asked_for_again_before_the_others_had_their_turn(types: list[str]) -> None:
    questions = [Question(str(at), "Which?", ("red",), type=one) for at, one in enumerate(types)]
    turned = types_in_turn(questions)
    assert sorted(turned, key=lambda one: one.id) == sorted(questions, key=lambda one: one.id)
    met: Counter[str] = Counter()
    turns = [met.update([one.type]) or met[one.type] for one in turned]
    assert turns == sorted(turns)
    for kind in met:
        assert [one for one in turned if one.type == kind] == [one for one in questions if one.type == kind]


def test_rows_are_made_once_and_mapped_from_disk(tmp_path: Path) -> None:
    calls = []

    def make() -> Any:
        calls.append(1)
        yield row(judge_prompt(QUERY, SHOWN), QUESTION, ["a"], "judged", True)

    first, second = (mapped(make, tmp_path / "rows", {"seed": 1}) for _ in range(2))
    assert len(calls) == 1
    assert first[0] == second[0]
    mapped(make, tmp_path / "rows", {"seed": 2})
    assert len(calls) == 2, "rows of other settings are not taken for these"
