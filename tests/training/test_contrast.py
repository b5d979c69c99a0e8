"""Rows that teach something: completions drawn as the policy writes, and worth more than one thing."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from datasets import Dataset

from mmrag.policy.local import LocalPolicy
from mmrag.settings import Settings
from tests.training.parts import about
from training.contrast import Trial, completions, contrasting
from training.rewards import ranked
from training.rows import Worlds, ranked_rows
from training.supervised import labelled


def test_rows_whose_completions_are_all_worth_the_same_are_left_out(sft: LocalPolicy) -> None:
    some, settings = Worlds((9_401,), 24, 16), Settings()
    every, teaching = (list(ranked_rows(some, 1, settings, lambda: sft, 1.0, trial)) for trial in (None, Trial(4)))
    assert 0 < len(teaching) < len(every)
    assert all(one in every for one in teaching)
    assert teaching == list(ranked_rows(some, 1, settings, lambda: sft, 1.0, Trial(4))), "the same draws every time"
    asked = [(labelled(one).prompt, *about(one)) for one in every]
    assert not any(contrasting(sft, asked, Trial(1, 64), random.Random(0))), "one alone differs from none"


def test_some_rows_that_are_always_answered_rightly_stay_as_reminders(sft: LocalPolicy) -> None:
    some, settings = Worlds((9_401,), 24, 16), Settings()
    rows = list(ranked_rows(some, 1, settings, lambda: sft))
    asked = [(labelled(one).prompt, *about(one)) for one in rows]
    surely = Trial(2, temperature=0.01)  # so that hardly any group differs
    none, half, every = (
        contrasting(sft, asked, replace(surely, reminded=share), random.Random(0)) for share in (0.0, 0.5, 1.0)
    )
    written = completions(sft, [prompt for prompt, *_ in asked], surely)
    worth = [[ranked(text, *about(one)).total for text in texts] for one, texts in zip(rows, written, strict=True)]
    right = [min(some) > 0.99 for some in worth]
    assert sum(none) < sum(half) < sum(every)
    assert every == [a or b for a, b in zip(none, right, strict=True)]


@pytest.mark.parametrize("known", [True, False])
def test_completions_are_drawn_as_the_policy_writes(
    sft: LocalPolicy,
    rows: Dataset,
    known: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not known:  # a family whose prompts cannot be read once for all
        monkeypatch.setattr("training.contrast.SHARING", ())
    torch.manual_seed(0)
    asked = [one for one in rows if one["kind"] == "ranked"]
    drawn = completions(sft, [labelled(one).prompt for one in asked], Trial(3, 96))
    assert [len(some) for some in drawn] == [3] * len(asked)
    scored = [ranked(text, *about(one)) for one, some in zip(asked, drawn, strict=True) for text in some]
    assert sum(one.components["format"] for one in scored) > 0.6 * len(scored)
    hot = completions(sft, [labelled(one).prompt for one in asked], Trial(3, 16, temperature=2.0))
    assert len({text for some in hot for text in some}) > 2 * len(asked)
    cold = completions(sft, [labelled(one).prompt for one in asked], Trial(3, 96, temperature=0.01))
    assert len({text for some in cold for text in some}) == len(asked), "hardly any is drawn but the likeliest"
