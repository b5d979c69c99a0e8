"""What stage II learns from, and what it is examined on."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

from datasets import Dataset
from trl import GRPOConfig

from tests.training.parts import SETTINGS
from training.stage2 import Stage2Config, prepared


def test_it_is_examined_on_verdicts_and_answers_of_unseen_worlds_as_it_learns_from_both(
    random_checkpoint: Path, tmp_path: Path
) -> None:
    config = Stage2Config(
        base=str(random_checkpoint), start="none", worlds=1, judged_worlds=1, entities=12, questions=10, examined=8
    )
    config = replace(config, examined_worlds=2, settled=1.0, tried=0)

    def about(some: Dataset) -> set[str]:
        return {json.loads(text)["question"] for text in some["question"]}

    rows, examined = prepared(config, GRPOConfig(output_dir=str(tmp_path / "both"), **SETTINGS))
    assert about(rows).isdisjoint(about(examined))
    learned, unseen = Counter(rows["kind"]), Counter(examined["kind"])
    assert learned["ranked"] == 10
    assert unseen["ranked"] == 8
    assert unseen["judged"] > learned["judged"] > 0, "of two worlds there are more than of one"

    alone = prepared(replace(config, judged_worlds=0), GRPOConfig(output_dir=str(tmp_path / "alone"), **SETTINGS))
    assert [set(some["kind"]) for some in alone] == [{"ranked"}, {"ranked"}]
