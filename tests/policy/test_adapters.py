"""Switching between the stages of one base."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmrag.errors import UnknownId
from mmrag.policy.load import load_policy
from mmrag.policy.local import LocalPolicy
from tests.policy.parts import MIX, PROMPT, QUERY


def test_switching_the_adapter_changes_the_judgement_and_back(policy: LocalPolicy) -> None:
    def judged(stage: str | None) -> list[float]:
        policy.use(stage)
        return [one.p_keep for one in policy.judge(QUERY, MIX)]

    first = {stage: judged(stage) for stage in (None, *policy.stages)}
    assert policy.stages == ("sft", "stage1")
    assert len({tuple(one) for one in first.values()}) == 3
    for stage in ("stage1", None, "sft", None):
        assert judged(stage) == first[stage], "switching must not leave a trace"


def test_an_adapter_folded_in_gives_what_peft_gives_beside_the_weights(
    policy: LocalPolicy, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmrag.policy.adapters.FOLD_LIMIT", 0)
    beside = load_policy(models / "base", {"sft": models / "sft"}, dtype="float32")
    beside.use("sft")
    policy.use("sft")
    expected = [one.p_keep for one in beside.judge(QUERY, MIX)]
    assert [one.p_keep for one in policy.judge(QUERY, MIX)] == pytest.approx(expected, abs=1e-4)


def test_a_stage_may_have_any_folder_name(models: Path) -> None:
    policy = load_policy(models / "base", {"stage2.lr=5e-4": models / "sft", "stage2": models / "stage1"})
    seen = []
    for stage in policy.stages:
        policy.use(stage)
        seen.append(policy.judge(QUERY, MIX[:1])[0].p_keep)
    assert policy.stages == ("stage2.lr=5e-4", "stage2")
    assert seen[0] != seen[1]


def test_an_unknown_stage_is_refused_by_name(policy: LocalPolicy) -> None:
    with pytest.raises(UnknownId, match=r"stage9.*sft, stage1"):
        policy.use("stage9")
    assert policy.stage is None


def test_what_is_being_written_goes_on_with_its_adapter(policy: LocalPolicy) -> None:
    expected = "".join(policy.generate(PROMPT, 12))
    pieces = policy.generate(PROMPT, 12)
    start = next(pieces)
    policy.use("sft")
    policy.judge(QUERY, MIX[:1])
    assert start + "".join(pieces) == expected
