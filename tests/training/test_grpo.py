"""Reinforcement by TRL on real rows and a model of random weights: rewards, mixed pictures, three steps, resuming."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas
import pytest
from datasets import Dataset
from PIL import Image
from transformers import AutoProcessor, TrainerState
from trl import GRPOConfig

from mmrag.errors import CheckpointError, StorageFull
from mmrag.policy.load import load_policy
from mmrag.runs import read_run
from tests.training.parts import QUERY, SETTINGS, SHOWN, config
from training import grpo
from training.checkpoint import clear
from training.chronicle import Chronicle
from training.grpo import Diverged, Watch, taking_any_pictures, train, verdict_tokens
from training.rewards.pointwise import KEPT
from training.slice import expected, written
from training.start import StageConfig, begun
from training.supervised import labelled
from training.worth import component, rewards, score


def test_a_component_is_told_of_its_own_rows_alone(rows: Dataset) -> None:
    part = [rows[index] for index in range(4)]
    columns = {name: [one[name] for one in part] for name in ("question", "shown", "wanted", "kind")}
    said = [[{"role": "assistant", "content": "Yes. It says so."}]] * 4
    verdicts = component("judged", "verdict")(said, **columns)
    forms = component("ranked", "format")(said, **columns)
    assert [one is None for one in verdicts] == [one["kind"] == "ranked" for one in part]
    assert [one for one in forms if one is not None] == [0.0, 0.0]
    wanted = [one["wanted"] for one in part if one["wanted"] is not None]
    assert [one for one in verdicts if one is not None] == [1.0 if gold else KEPT for gold in wanted]
    strictly = component("judged", "verdict", kept=0.0)(said, **columns)
    assert [one for one in strictly if one is not None] == [float(gold) for gold in wanted]


@pytest.mark.parametrize(
    "stage", [StageConfig(), StageConfig(ranking=0.0, answer=3.0, reasoning=0.0, form=0.0, kept=0.2)]
)
def test_components_by_the_weights_of_the_configuration_are_the_reward(rows: Dataset, stage: StageConfig) -> None:
    functions, weights = rewards(stage)
    texts = {
        "judged": "No. It is about a tram.",
        "ranked": "<think>It is so [1].</think><rank>[1]</rank><answer>red</answer>",
    }
    for one in (rows[0], rows[1]):
        columns = {name: [one[name]] for name in ("question", "shown", "wanted", "kind")}
        said = [[{"role": "assistant", "content": texts[one["kind"]]}]]
        told = [function(said, **columns)[0] for function in functions]
        total = sum(weight * value for weight, value in zip(weights, told, strict=True) if value is not None)
        assert total == pytest.approx(score(texts[one["kind"]], one, stage).total, abs=1e-6)


def test_a_verdict_is_examined_by_what_is_expected_of_it_and_an_answer_by_what_is_written(rows: Dataset) -> None:
    stage, chances = StageConfig(kept=0.3), {"Yes": 0.7, "No": 0.2}
    gold, other = (next(one for one in rows if one["wanted"] is wanted) for wanted in (True, False))
    for one, verdict in ((gold, 0.7), (other, 0.7 * 0.3 + 0.2)):
        for text in ("Yes.", "No."):
            found = expected(text, chances, one, stage)
            assert found.components == {"verdict": pytest.approx(verdict), "format": 1.0}
            assert found.total == pytest.approx(0.9 * verdict + 0.1)
    assert expected("Perhaps.", chances, gold, stage).components["format"] == 0.0
    ranked = next(one for one in rows if one["kind"] == "ranked")
    text = "<think>It is so [1].</think><rank>[1]</rank><answer>red</answer>"
    assert expected(text, chances, ranked, stage) == score(text, ranked, stage)


def test_how_likely_each_verdict_is_agrees_with_the_judge(rows: Dataset, random_checkpoint: Path) -> None:
    policy = load_policy(random_checkpoint, dtype="float32")
    judged = [one for one in rows if one["kind"] == "judged"][:3]
    with policy.borrowed() as (model, processor):
        found = list(written(model, taking_any_pictures(processor), judged, 2))
    for one, (_, chances) in zip(judged, found, strict=True):
        yes, no = (math.exp(policy.logprob(labelled(one).prompt, word)[0]) for word in ("Yes", "No"))
        assert chances == {"Yes": pytest.approx(yes, rel=1e-3), "No": pytest.approx(no, rel=1e-3)}


def test_prompts_with_none_one_and_many_pictures_go_through_the_processor_together(random_checkpoint: Path) -> None:
    processor = taking_any_pictures(AutoProcessor.from_pretrained(random_checkpoint))
    picture = Image.new("RGB", (64, 64), "red")
    place = "<|vision_start|><|image_pad|><|vision_end|>"
    texts = [place, "none", place * 2]
    for pictures in ([[picture], None, [picture] * 2], [[picture], [], [picture] * 2]):
        inputs = processor(images=pictures, text=texts, padding=True, return_tensors="pt")
        assert len(inputs["image_grid_thw"]) == 3
    assert "pixel_values" not in processor(images=[[], None], text=["a", "b"], padding=True, return_tensors="pt")


def test_three_steps_on_mixed_rows_change_the_adapter_and_keep_its_record(
    rows: Dataset, random_checkpoint: Path, tmp_path: Path
) -> None:
    stage = config(random_checkpoint, tmp_path / "stage")
    args = GRPOConfig(output_dir=str(tmp_path / "run"), beta=0.1, **SETTINGS)
    out = train(stage, args, rows, rows.select(range(4)))
    assert not [one for one in out.iterdir() if one.is_dir()], "what the KL term was measured from is not shipped"
    card = json.loads((out / "card.json").read_text())
    assert {"eval_reward", "eval_verdict", "eval_ranking"} <= set().union(*card["history"])
    assert card["versions"]["trl"]
    run = read_run({"": tmp_path}, "run")
    assert run.steps == 3
    assert len(run.series("loss")) == 3
    assert run.series("rewards/judged_verdict/mean")
    assert run.series("kl")
    assert {one.step for one in run.samples} == {1, 2, 3}
    assert all("[picture]" not in one.completion and one.components for one in run.samples)
    policy = load_policy(random_checkpoint, {"before": Path(stage.start), "after": out})
    seen = []
    for name in ("before", "after"):
        policy.use(name)
        seen.append(policy.judge(QUERY, [SHOWN])[0].p_keep)
    assert seen[0] != seen[1]


def test_the_verdict_is_told_from_the_reason_after_it(random_checkpoint: Path) -> None:
    tokenizer = AutoProcessor.from_pretrained(random_checkpoint).tokenizer
    tokens = tokenizer.encode("Yes. It says that the roof is red.")
    assert tokenizer.decode(tokens[: verdict_tokens(tokenizer, tokens)]) == "Yes"
    unreadable = tokenizer.encode("Perhaps the roof is red.")
    assert verdict_tokens(tokenizer, unreadable) == len(unreadable)


def test_of_a_judged_completion_only_the_verdict_learns(
    rows: Dataset, random_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[tuple[str, int, int]] = []
    usual = grpo.Stage._generate_and_score_completions

    def watched(self: grpo.Stage, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        output = usual(self, inputs)
        learning = (output["tool_mask"] * output["completion_mask"]).sum(1).tolist()
        lengths = output["completion_mask"].sum(1).tolist()
        learned.extend(zip((one["kind"] for one in inputs), lengths, learning, strict=True))
        return output

    monkeypatch.setattr(grpo.Stage, "_generate_and_score_completions", watched)
    monkeypatch.setattr(grpo, "verdict_tokens", lambda *_: 1)  # random weights write none to be found
    settings = SETTINGS | {"max_steps": 2, "per_device_train_batch_size": 16, "load_best_model_at_end": False}
    args = GRPOConfig(output_dir=str(tmp_path / "run"), **settings)
    train(config(random_checkpoint, tmp_path / "stage"), args, rows, rows.select(range(4)))
    assert {kind for kind, *_ in learned} == {"judged", "ranked"}
    assert max(length for _, length, _ in learned) > 1
    for kind, length, learning in learned:
        assert learning == (min(1, length) if kind == "judged" else length)


def test_a_component_of_which_a_run_has_no_row_is_not_logged(
    rows: Dataset, random_checkpoint: Path, tmp_path: Path
) -> None:
    judged = rows.select([index for index, kind in enumerate(rows["kind"]) if kind == "judged"])
    args = GRPOConfig(output_dir=str(tmp_path / "run"), **SETTINGS | {"max_steps": 1, "load_best_model_at_end": False})
    out = train(config(random_checkpoint, tmp_path / "stage"), args, judged, judged)
    logged = [line for line in json.loads((out / "card.json").read_text())["history"] if "loss" in line]
    assert logged
    for line in logged:
        assert "rewards/judged_verdict/mean" in line
        assert not any(value is None or "ranked" in name for name, value in line.items())


def test_a_killed_run_goes_on_with_the_prompts_that_were_to_come(
    rows: Dataset, random_checkpoint: Path, tmp_path: Path
) -> None:
    """The completions logged by a run killed at its second checkpoint and resumed are of the prompts of a whole run."""
    rows.save_to_disk(str(tmp_path / "rows"))

    def start(run: Path, resume: bool) -> subprocess.Popen[bytes]:
        arguments = [str(tmp_path / "rows"), str(run), str(random_checkpoint), "resume" if resume else "fresh"]
        code = "from tests.training.test_grpo import run_of; import sys; run_of(*sys.argv[1:])"
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    assert start(tmp_path / "whole", False).wait(200) == 0
    killed = start(tmp_path / "killed", False)
    deadline = time.monotonic() + 100
    while not (tmp_path / "killed/checkpoint-2/trainer_state.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert killed.poll() is None, "it was killed after a checkpoint and before the end"
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    half = tmp_path / "killed/checkpoint-99"
    half.mkdir()
    (half / "trainer_state.json").write_text('{"global_step": 9')  # as a run leaves it that is killed while it saves
    assert start(tmp_path / "killed", True).wait(200) == 0
    assert prompts(tmp_path / "killed") == prompts(tmp_path / "whole")


def test_a_run_of_other_weights_or_settings_is_not_gone_on_with_and_a_fresh_one_leaves_none_of_its_checkpoints(
    tmp_path: Path,
) -> None:
    for step in (2, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    about = {"weights": {"base": "a", "start": "b"}, "stage": {"kept": 0.3}, "trainer": {"seed": 3, "logging_steps": 1}}
    (tmp_path / "run.json").write_text(json.dumps(about))
    assert begun(tmp_path, about) == str(tmp_path / "checkpoint-10")
    assert begun(tmp_path, {**about, "trainer": {"seed": 3, "logging_steps": 9}}), "how it is told may change"
    other = {**about, "weights": {"base": "a", "start": "c"}}
    with pytest.raises(CheckpointError, match="begun from other weights: begin anew"):
        begun(tmp_path, other)
    with pytest.raises(CheckpointError, match=r"begun with another kept, seed: begin anew"):
        begun(tmp_path, {**about, "stage": {"kept": 0.4}, "trainer": {"seed": 4}})
    clear(tmp_path)
    assert begun(tmp_path, other) is None


def run_of(rows: str, run: str, checkpoint: str, how: str) -> None:
    """Five steps on the rows of a folder, in a process of their own."""
    stage = replace(config(Path(checkpoint), Path(run) / "out"), resume=how == "resume")
    settings = {**SETTINGS, "max_steps": 5, "log_completions": True, "num_completions_to_print": 0}
    loaded = Dataset.load_from_disk(rows)
    train(stage, GRPOConfig(output_dir=run, **settings), loaded, loaded.select(range(2)))


def prompts(run: Path) -> dict[str, list[str]]:
    """The prompts of each step, as the run's table of completions has them."""
    tables = {path.name: pandas.read_parquet(path) for path in sorted((run / "completions").glob("*.parquet"))}
    return {name: [json.dumps(str(one)) for one in table["prompt"]] for name, table in tables.items()}


def test_a_number_that_is_none_ends_the_run_with_a_way_on(tmp_path: Path) -> None:
    watch = Watch(Chronicle(tmp_path).begin({}, None))
    args = GRPOConfig(output_dir="runs/x", **SETTINGS)
    with pytest.raises(Diverged, match=r"grad_norm is nan at step 0: lower learning_rate.*runs/x.*--resume"):
        watch.on_log(args, TrainerState(), None, {"loss": 0.1, "grad_norm": math.nan})
    watch.on_log(args, TrainerState(), None, {"loss": 0.1, "reward": math.nan})


def test_a_full_disk_ends_the_run_with_a_way_on(
    rows: Dataset, random_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(grpo.Stage, "_save_checkpoint", full)
    args = GRPOConfig(output_dir=str(tmp_path / "run"), **{**SETTINGS, "max_steps": 1})
    with pytest.raises(StorageFull, match="--resume"):
        train(config(random_checkpoint, tmp_path / "out"), args, rows, rows.select(range(2)))
