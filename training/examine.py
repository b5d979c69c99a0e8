"""The single skills that answers are made of, on worlds that the base never saw; told in its card.

    python -m training.examine --checkpoint assets/models/policy

Ours. Reinforcement puts together what a model can do and does not teach it to read, so each part is measured by itself:
a question that one of five documents answers, among those that are most like it, asked in few words, as pre-training
asks; what the base writes is read by the grammar, and the answer must be the gold one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from trl import TrlParser

from mmrag.errors import CheckpointError, MalformedOutput
from mmrag.metrics.answers import exact_match
from mmrag.metrics.intervals import mean
from mmrag.policy.grammar import read_ranked_answer
from mmrag.policy.load import load_policy
from mmrag.policy.local import LocalPolicy
from mmrag.policy.prompts import Prompt, asked_of
from mmrag.settings import POLICY
from mmrag.types import Question
from training.card import RECORD, write_card
from training.classroom import Classroom
from training.contrast import Trial, completions
from training.world import World

FIRST = 9_600  # worlds from here on are asked about nowhere else
MOST = 60  # worlds: where they do not suffice, fewer questions are asked
ENTITIES, QUESTIONS, DOCUMENTS = 60, 300, 5
TOGETHER = 16  # prompts at once
SURELY = Trial(1, temperature=1e-3)  # the likeliest word each time
SKILLS: Mapping[str, Callable[[Question], bool]] = {
    "find a name, and say what is said of it": lambda one: one.hops[0].kb == "text",
    "read a cell": lambda one: one.hops[0].kb == "table",
    "see an attribute": lambda one: one.hops[0].kb == "image" and one.category in ("color", "shape"),
    "count": lambda one: one.hops[0].kb == "image" and one.category == "number",
}


@dataclass
class ExamineConfig:
    """Whose skills, and how many questions of each."""

    checkpoint: str = str(POLICY)
    questions: int = 240


def examine(folder: Path, questions: int) -> None:
    """Write into the record and the card in `folder` how often each skill answers rightly.

    Raises:
        CheckpointError: there are no weights of this project there.
    """
    if not (folder / RECORD).is_file():
        raise CheckpointError(f"there is no {RECORD} in {folder}: only weights that training.ship wrote are examined")
    record = json.loads((folder / RECORD).read_text("utf-8"))
    right = answered_rightly(load_policy(folder), questions)
    record["single"] = {
        skill: {"questions": len(found), **mean(found).to_dict()} for skill, found in right.items() if found
    }
    write_card(folder, record)


def answered_rightly(policy: LocalPolicy, questions: int) -> dict[str, list[float]]:
    """By skill, 1 for each question whose answer is the gold one and 0 for each other."""
    torch.manual_seed(0)
    right: dict[str, list[float]] = {skill: [] for skill in SKILLS}
    rooms = (_room(FIRST + index) for index in range(MOST))
    for room in rooms:
        for skill, wanted in SKILLS.items():
            asked = [one for one in room.told if wanted(one)][: questions - len(right[skill])]
            right[skill] += _answered(policy, room, asked)
        if all(len(found) == questions for found in right.values()):
            break
    return right


def _room(seed: int) -> Classroom:
    world = World(seed, ENTITIES)
    return Classroom(world, tuple(world.questions(QUESTIONS, "train")), random.Random(seed), DOCUMENTS)


def _answered(policy: LocalPolicy, room: Classroom, asked: list[Question]) -> Iterator[float]:
    for start in range(0, len(asked), TOGETHER):
        part = asked[start : start + TOGETHER]
        shown = [room.shuffled(one, DOCUMENTS) for one in part]
        prompts = [Prompt.of(*asked_of(room.query(one), some)) for one, some in zip(part, shown, strict=True)]
        for one, some, (text,) in zip(part, shown, completions(policy, prompts, SURELY), strict=True):
            yield _worth(one, text, [each.document.id for each in some])


def _worth(question: Question, text: str, shown: list[str]) -> float:
    try:
        return exact_match(read_ranked_answer(text, shown).answer, question.answers)
    except MalformedOutput:
        return 0.0


def main() -> None:
    """Read flags and examine."""
    (config,) = TrlParser(ExamineConfig).parse_args_and_config()
    examine(Path(config.checkpoint), config.questions)


if __name__ == "__main__":
    main()
