"""What the configurations of all trainings have to agree on."""

from __future__ import annotations

from itertools import combinations

import yaml

from mmrag.settings import ROOT
from training.base import HELD_OUT


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
