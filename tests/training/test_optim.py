"""Muon, the state that is written, and the learning rate."""

from __future__ import annotations

import torch
from transformers import Qwen3VLProcessor

from training.architecture import make_model
from training.optim import Optimizers, orthogonal, warm_constant_cool


def test_muon_makes_all_singular_values_about_one() -> None:
    torch.manual_seed(0)
    for shape in ((3, 16, 40), (2, 40, 16)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert values.min() > 0.5
        assert values.max() < 1.5


def test_optimiser_state_survives_being_written_as_tensors(processor: Qwen3VLProcessor) -> None:
    torch.manual_seed(0)
    models = [make_model(processor.tokenizer) for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    first, second = (Optimizers(model, 1e-2, 0.1) for model in models)

    def step(which: int, optimizers: Optimizers) -> None:
        for number, parameter in enumerate(models[which].parameters()):
            parameter.grad = torch.full_like(parameter, 0.01 * (number % 5 - 2)) + 0.01 * parameter.detach()
        optimizers.step(1.0)

    step(0, first)
    models[1].load_state_dict(models[0].state_dict())
    second.load(first.tensors())
    step(0, first)
    step(1, second)
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_the_learning_rate_rises_stays_and_falls_to_nothing() -> None:
    factors = [warm_constant_cool(done / 100) for done in range(101)]
    assert factors[0] == 0.0
    assert factors[50] == 1.0
    assert factors[100] == 0.0
    assert all(0.0 <= one <= 1.0 for one in factors)
