"""The control of reinforcement: the same rows with their labels written out, for as many steps."""

from __future__ import annotations

import json
from pathlib import Path

from datasets import Dataset
from trl import GRPOConfig

from mmrag.policy.grammar import read_ranked_answer, read_verdict
from mmrag.policy.load import load_policy
from tests.training.parts import SETTINGS
from training.stage2 import Stage2Config
from training.supervised import Labelled, labelled, train


def test_a_label_says_what_the_rewards_look_at(rows: Dataset) -> None:
    for one in rows:
        example = labelled(one)
        if one["kind"] == "judged":
            assert read_verdict(example.target)[0] == one["wanted"]
            continue
        read = read_ranked_answer(example.target, one["shown"])
        gold = json.loads(one["question"])
        assert set(read.ranking.order) == set(gold["evidence"])
        assert read.answer == ", ".join(gold["answers"])


def test_every_row_is_met_once_in_batches_of_so_many_prompts(rows: Dataset) -> None:
    batches = Labelled(rows, 5, 1)
    met = [batches.order[index * 5 : index * 5 + 5] for index in range(len(batches))]
    assert [len(batches[index]) for index in range(len(batches))] == [5] * (len(rows) // 5)
    assert len({at for one in met for at in one}) == 5 * len(batches)


def test_three_steps_move_the_adapter_and_its_card_tells_how_many(
    rows: Dataset, random_checkpoint: Path, tmp_path: Path
) -> None:
    start = random_checkpoint.parent / "sft"
    config = Stage2Config(base=str(random_checkpoint), start=str(start), out=str(tmp_path / "control"))
    args = GRPOConfig(output_dir=str(tmp_path / "run"), **SETTINGS | {"num_generations": 2})
    out = train(config, args, rows, rows.select(range(4)))
    card = json.loads((out / "card.json").read_text())
    assert (card["steps"], card["prompts"]) == (3, 4)
    assert card["best"] in (1, 2, 3), "examined as often as a stage, and the best is kept"
    policy = load_policy(random_checkpoint, {"before": start, "after": out})
    said = []
    for name in ("before", "after"):
        policy.use(name)
        said.append(policy.logprob(labelled(rows[1]).prompt, labelled(rows[1]).target))
    assert said[0] != said[1]
