"""The vision tower's own lessons: what pictures are asked, that it learns, and that a stopped run goes on."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mmrag.errors import CheckpointError
from mmrag.settings import POLICY
from training.architecture import SIDE, make_processor, make_tokenizer
from training.sight import Queries, Run, SightConfig, answers, asked, classified, drawn
from training.world.looks import KINDS, random_look, random_view

SMALL = SightConfig(start_from=str(POLICY), pictures=64, batch=16, examined=16, evaluate_every=32)


@pytest.mark.parametrize("kind", list(KINDS))
def test_everything_a_picture_answers_is_asked_and_among_the_possible_answers(kind: str) -> None:
    rng = random.Random(kind)
    for _ in range(20):
        look, view = random_look(rng, kind), random_view(rng)
        found = answers(look, view)
        assert {question: value in asked()[question] for question, value in found.items()} == dict.fromkeys(found, True)
        numbers = sum(name == "number" for name in look.attributes)
        assert len(found) == len(look.attributes) + numbers + 5, "a written number has two digits; five of the view"


def test_a_question_that_does_not_apply_counts_for_nothing() -> None:
    queries = Queries(asked(), 32)
    look = random_look(random.Random(1), "fox")
    labels = queries.labels([answers(look, random_view(random.Random(1)))])
    logits = queries(torch.randn(1, 16, 32))
    before = classified(logits, labels)
    unasked = int((labels[0] < 0).nonzero()[0])
    logits[unasked] = logits[unasked] + torch.randn_like(logits[unasked]) * 100
    assert torch.equal(classified(logits, labels), before)


def test_a_batch_is_the_same_each_time_and_unseen_pictures_are_others() -> None:
    processor = make_processor(make_tokenizer(["Yes. No."] * 5))
    first, again, other = (drawn(processor, seed, 4) for seed in ("23/0", "23/0", "held out/0"))
    assert torch.equal(first[0], again[0])
    assert first[2] == again[2]
    assert not torch.equal(first[0], other[0])
    assert first[0].shape == (4 * (SIDE // 8) ** 2, 3 * 2 * 8 * 8)


def test_it_learns_what_it_is_shown(tmp_path: Path) -> None:
    run = Run(replace(SMALL, out=str(tmp_path)))
    run.state["pictures"] = 32  # amid the run, where the learning rate is neither rising nor zero
    pixels, grid, answered = drawn(run.processor, "one batch", 16)
    losses = [run.update(pixels, grid, answered) for _ in range(12)]
    assert losses[-1] < 0.7 * losses[0]


def test_a_run_that_is_stopped_and_resumed_ends_with_the_weights_of_one_that_was_not(tmp_path: Path) -> None:
    whole, parts = replace(SMALL, out=str(tmp_path / "whole")), replace(SMALL, out=str(tmp_path / "parts"))
    unbroken = Run(whole)
    unbroken.train()
    stopped = Run(parts)
    update = stopped.update

    def half(*batch: torch.Tensor) -> float:
        if stopped.state["pictures"] >= 32:
            raise KeyboardInterrupt
        return update(*batch)

    stopped.update = half
    with pytest.raises(KeyboardInterrupt):
        stopped.train()
    resumed = Run(replace(parts, resume=True))
    assert resumed.state["pictures"] == 32
    resumed.train()
    assert resumed.state["pictures"] == unbroken.state["pictures"] == 64
    for one, other in zip(unbroken.both.parameters(), resumed.both.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_a_run_that_is_to_go_on_begins_where_there_is_nothing_yet(tmp_path: Path) -> None:
    begun = Run(replace(SMALL, out=str(tmp_path), resume=True))
    assert begun.state["pictures"] == 0


def test_a_run_that_was_killed_while_its_checkpoint_was_put_in_place_goes_on_from_the_one_before(
    tmp_path: Path,
) -> None:
    Run(replace(SMALL, out=str(tmp_path), pictures=16)).train()
    (tmp_path / "last").rename(tmp_path / "old")
    assert Run(replace(SMALL, out=str(tmp_path), pictures=16, resume=True)).state["pictures"] == 16


def test_a_run_goes_on_with_the_settings_that_it_was_begun_with_alone(tmp_path: Path) -> None:
    short = replace(SMALL, out=str(tmp_path), pictures=16)
    Run(short).train()
    with pytest.raises(CheckpointError, match=r"begun with another seed, pictures: begin anew"):
        Run(replace(short, pictures=64, seed=1, resume=True))
    assert Run(replace(short, device="cpu", resume=True)).state["settings"]["pictures"] == 16


def test_a_run_that_starts_from_nothing_that_is_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint in .*nowhere.*--start_from"):
        Run(replace(SMALL, out=str(tmp_path), start_from=str(tmp_path / "nowhere")))
