"""Reading the prompt of a group once changes the time it takes and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from torch import Tensor
from trl import GRPOConfig, GRPOTrainer

from mmrag.policy.load import load_weights
from tests.training.parts import SETTINGS, config
from training.chronicle import Chronicle
from training.grpo import Stage, taking_any_pictures
from training.sharing import Prompts, sample
from training.start import adapted


@pytest.fixture(scope="module")
def stage(rows: Dataset, random_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A trainer that has done nothing yet, on rows with none, one and many pictures."""
    folder = tmp_path_factory.mktemp("stage")
    settings = config(random_checkpoint, folder / "out")
    _, processor, base = load_weights(random_checkpoint, device="cpu", dtype="float32")
    made = Stage(
        settings,
        Chronicle(folder).begin({}, None),
        model=adapted(base, settings),
        args=GRPOConfig(output_dir=str(folder), **SETTINGS),
        train_dataset=rows,
        eval_dataset=rows,
        processing_class=taking_any_pictures(processor),
    )
    made.model.train()
    return made


def batch(stage: Stage, rows: Dataset) -> dict[str, Any]:
    """Completions of two prompts, four of each, shuffled as TRL shuffles them."""
    torch.manual_seed(0)
    stage._step, stage._buffered_inputs = 0, None
    inputs: dict[str, Any] = stage._prepare_inputs([rows[index] for index in (0, 1) for _ in range(4)])
    return inputs


def arguments(inputs: dict[str, Any]) -> dict[str, Any]:
    names = ("pixel_values", "image_grid_thw", "num_images", "mm_token_type_ids")
    return {
        "input_ids": torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], 1),
        "attention_mask": torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], 1),
        "logits_to_keep": inputs["completion_ids"].shape[1],
        "compute_entropy": True,
        **{name: inputs[name] for name in names if name in inputs},
    }


def test_probabilities_and_gradients_are_those_of_whole_prompts(stage: Stage, rows: Dataset) -> None:
    inputs = batch(stage, rows)
    real = inputs["completion_mask"].bool()
    found: list[tuple[Tensor, Tensor, list[Tensor]]] = []
    for way in (Stage, GRPOTrainer):
        stage.model.zero_grad()
        logps, entropies, _ = way._get_per_token_logps_and_entropies(stage, stage.model, **arguments(inputs))
        logps[real].sum().backward()
        gradients = [one.grad.clone() for one in stage.model.parameters() if one.grad is not None]
        found.append((logps[real], entropies[real], gradients))
    (ours, our_entropies, our_gradients), (theirs, their_entropies, their_gradients) = found
    assert ours.numel() > 8
    torch.testing.assert_close(ours, theirs, atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(our_entropies, their_entropies, atol=2e-4, rtol=1e-4)
    assert len(our_gradients) == len(their_gradients) > 10
    for mine, yours in zip(our_gradients, their_gradients, strict=True):
        torch.testing.assert_close(mine, yours, atol=2e-3, rtol=2e-3)


def test_completions_that_are_masked_whole_change_nothing_for_the_others(stage: Stage, rows: Dataset) -> None:
    inputs = batch(stage, rows)
    whole, _, _ = stage._get_per_token_logps_and_entropies(stage.model, **arguments(inputs))
    cut = inputs["completion_mask"].clone()
    cut[::2] = 0
    some, _, _ = stage._get_per_token_logps_and_entropies(stage.model, **arguments({**inputs, "completion_mask": cut}))
    torch.testing.assert_close(some[cut.bool()], whole[cut.bool()], atol=2e-4, rtol=1e-4)
    none = {**inputs, "completion_mask": torch.zeros_like(cut)}
    logps, _, _ = stage._get_per_token_logps_and_entropies(stage.model, **arguments(none))
    assert logps.isfinite().all()


def test_a_prompt_counts_as_another_where_only_its_picture_differs(stage: Stage, rows: Dataset) -> None:
    pictured = next(one for one in rows if len(one["images"]) == 1)
    grey = {**pictured, "images": [pictured["images"][0].convert("L").convert("RGB")]}
    texts = [stage.processing_class.apply_chat_template(pictured["prompt"], add_generation_prompt=True)] * 3
    images = [one["images"] for one in (pictured, grey, pictured)]
    inputs = stage.processing_class(text=texts, images=images, padding=True, return_tensors="pt")
    prompts, which = Prompts.different(
        inputs["input_ids"], inputs["attention_mask"], {**inputs, "num_images": [1, 1, 1]}
    )
    assert which.tolist() == [0, 1, 0]
    assert len(prompts.ids) == len(prompts.grid) == 2


def test_greedy_writing_is_that_of_generate_and_ends_at_the_end_token(
    stage: Stage,
    rows: Dataset,
) -> None:
    network = stage.model.get_base_model().eval()
    texts = [
        stage.processing_class.apply_chat_template(rows[at]["prompt"], add_generation_prompt=True) for at in (0, 1)
    ]
    images = [rows[at]["images"] for at in (0, 1)]
    inputs = stage.processing_class(text=texts, images=images, padding=True, padding_side="left", return_tensors="pt")
    theirs = network.generate(**inputs, max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0)
    theirs = theirs[:, inputs["input_ids"].shape[1] :].tolist()
    counts = [len(some) for some in images]
    prompts, which = Prompts.different(inputs["input_ids"], inputs["attention_mask"], {**inputs, "num_images": counts})
    assert sample(network, prompts, which, 0.0, 12, torch.tensor([-1])) == theirs
    end = theirs[0][5]
    cut = [one[: one.index(end) + 1] if end in one else one for one in theirs]
    assert sample(network, prompts, which, 0.0, 12, torch.tensor([end])) == cut
    first = theirs[0][0]
    assert sample(network, prompts, which, 0.0, 1, torch.tensor([-1]), [first])[0][0] != first
    network.train()
