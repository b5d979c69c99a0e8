"""The optimiser that the small model was measured to learn with: Muon for matrices, AdamW for the rest.

Source: Muon (Jordan et al., 2024), with the update size matched to AdamW's so that one learning rate serves both.
Deviations from `torch.optim.Muon`: (1) matrices of one shape are orthogonalised together, and (2) in the dtype of the
weights, or of an autocast around `step`, because bfloat16 products on a CPU without bfloat16 units took four times as
long as the whole of training.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

_ADAMW = ("embed", "merger", "lm_head")  # wide mergers cost Muon more than they gain


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal by Newton-Schulz iteration; for 2-d parameters only."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, weight_decay: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[tuple(parameter.shape)].append(parameter)
            for (rows, columns), parameters in alike.items():
                updates = orthogonal(torch.stack([self._momentum(one, group["momentum"]) for one in parameters]))
                rate = group["lr"] * 0.2 * math.sqrt(max(rows, columns))  # the root mean square of AdamW's update
                for one, update in zip(parameters, updates, strict=True):
                    one.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-rate)

    def _momentum(self, parameter: Tensor, momentum: float) -> Tensor:
        assert parameter.grad is not None
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(state["momentum"], momentum)  # Nesterov


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """About the nearest matrices with all singular values near 1. (N, R, C) to (N, R, C)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.size(1) > matrices.size(2)
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)  # (N, short, long)
    for _ in range(steps):
        gram = x @ x.mT  # (N, short, short)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Optimizers:
    """Muon and AdamW stepped as one; `scale` multiplies both learning rates."""

    def __init__(self, model: nn.Module, learning_rate: float, weight_decay: float) -> None:
        matrices, rest = [], []
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                muon = parameter.ndim == 2 and not any(word in name for word in _ADAMW)
                (matrices if muon else rest).append(parameter)
        self.parts: list[torch.optim.Optimizer] = [
            Muon(matrices, lr=learning_rate, weight_decay=weight_decay),
            torch.optim.AdamW(rest, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0),
        ]
        self.learning_rate = learning_rate

    def step(self, scale: float) -> None:
        """One update of every parameter, then cleared gradients."""
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = self.learning_rate * scale
            part.step()
            part.zero_grad(set_to_none=True)

    def tensors(self) -> dict[str, Tensor]:
        """The state as flat tensors by name, for safetensors."""
        return {
            f"{which}.{number}.{name}": value.contiguous()
            for which, number, state in self._states()
            for name, value in state.items()
            if isinstance(value, Tensor)
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take back what `tensors` gave."""
        for which, part in enumerate(self.parts):
            states: dict[int, dict[str, Tensor]] = {}
            for name, value in tensors.items():
                owner, number, key = name.split(".", 2)
                if int(owner) == which:
                    states.setdefault(int(number), {})[key] = value.clone()
            part.load_state_dict({"state": states, "param_groups": part.state_dict()["param_groups"]})

    def _states(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        for which, part in enumerate(self.parts):
            for number, state in part.state_dict()["state"].items():
                yield which, number, state


def warm_constant_cool(done: float, warm: float = 0.01, cool: float = 0.2) -> float:
    """Learning-rate factor at `done` in [0, 1]: a short rise, a long plateau, a linear fall to zero.

    A plateau lets a run be prolonged from any checkpoint on it.
    """
    return max(0.0, min(1.0, done / warm if warm else 1.0, (1 - done) / cool if cool else 1.0))
