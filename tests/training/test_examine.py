"""What is shipped of pre-training: weights, their record, and a card that tells what single skills come to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mmrag.errors import CheckpointError
from mmrag.policy.load import load_policy
from mmrag.settings import MODELS, POLICY
from training.card import card
from training.examine import SKILLS, answered_rightly, examine
from training.ship import ShipConfig, ship

STATE = {"held_out": {"read": {"lessons": 3, "tokens": 0.5, "whole": 0.25}}, "tokens": 10, "step": 2, "seconds": 60.0}


def test_what_is_shipped_loads_and_its_card_tells_what_it_cost_and_can(random_checkpoint: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(random_checkpoint, run)
    with pytest.raises(CheckpointError, match="make train-base"):
        ship(ShipConfig(str(run), str(tmp_path / "policy"), 2))
    (run / "state.json").write_text(json.dumps({**STATE, "before": {"pictures": 64, "tokens": 5}}))
    out = ship(ShipConfig(str(run), str(tmp_path / "policy"), 2))
    record, told = json.loads((out / "training.json").read_text()), (out / "README.md").read_text()
    assert (record["tokens"], record["pictures"]) == (15, 64)
    assert {skill: found["questions"] for skill, found in record["single"].items()} == dict.fromkeys(SKILLS, 2)
    assert told == card(record)
    assert "| read | 3 | 0.500 | 0.250 |  |  |" in told
    assert "| count | 2 | 0.00 [0.00, 0.00] |" in told, "weights by chance answer nothing"
    assert load_policy(out).fingerprint.parameters == record["parameters"]


def test_only_weights_with_a_record_are_examined(random_checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match=r"training\.json"):
        examine(random_checkpoint, 2)


def test_the_shipped_base_answers_and_its_card_is_of_its_record() -> None:
    assert (POLICY / "README.md").read_text("utf-8") == card(json.loads((POLICY / "training.json").read_text("utf-8")))
    right = answered_rightly(load_policy(MODELS / "policy"), 12)
    assert all(len(found) == 12 for found in right.values())
    assert sum(map(sum, right.values())) > 36
