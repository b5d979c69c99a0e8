"""The worked examples of the `sft` adapter."""

from __future__ import annotations

import re
from collections import Counter

from mmrag.policy.grammar import NOT_FOUND
from training.classroom import Classroom
from training.sft import SftConfig
from training.sft import lessons as worked_examples


def test_worked_examples_are_as_many_of_each_kind_as_is_stated(room: Classroom) -> None:
    config = SftConfig(judged=4, ranked=3, composed=2, within=5, absent=6)
    made = list(worked_examples(config, room))
    assert Counter(example.skill for example in made) == {"judge": 4, "rank": 16}
    assert all(re.search(r"\[(\d)\]\. .*\[\1\]\.</think><rank>\[\1\]</rank>", example.target) for example in made[9:14])
    assert sum(NOT_FOUND in example.target for example in made[-6:]) == 6
