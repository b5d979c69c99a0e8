"""What a run says: a bar with the time that is left, or lines where a file takes them; and one for each step logged.

Ours, in place of the forty figures that transformers prints and of TRL's table of completions: both are kept in
the run's folder (`training.chronicle`), where the page reads them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from time import monotonic
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import track
from transformers import Trainer
from transformers.trainer_callback import ProgressCallback, TrainerCallback

from mmrag.quiet import quiet_libraries

log = logging.getLogger("training.progress")
Part = TypeVar("Part")
EVERY = 60.0  # seconds between two lines of what is no terminal
BESIDE = {"entropy": "entropy", "completions/mean_length": "tokens", "loss": "loss"}


def speak() -> None:
    """Log on standard error what `training` says; others only warn, or open_clip would tell each file it opens."""
    quiet_libraries()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("training").setLevel(logging.INFO)


def watched(parts: Iterable[Part], about: str, total: int) -> Iterator[Part]:
    """The parts of a long work, with a bar on standard error; in a file, which takes no bar, a line every minute.

    Rich draws nothing there until all is done: the rows of stage I were twenty minutes without a word.
    """
    if sys.stderr.isatty():
        yield from track(parts, about, total, console=Console(file=sys.stderr))
        return
    began = told = monotonic()
    for done, part in enumerate(parts, 1):
        yield part
        now = monotonic()
        if now - told >= EVERY or done == total:
            log.info("%s: %d of %d, %s left", about, done, total, left(now - began, done, total - done))
            told = now


def left(seconds: float, done: int, more: int) -> timedelta:
    """How long `more` parts will take where `done` took so many seconds, to the second.

    >>> str(left(90.0, 3, 2))
    '0:01:00'
    """
    return timedelta(seconds=round(seconds / done * more))


class Bar(ProgressCallback):  # type: ignore[misc]  # transformers has no types
    """The bar of transformers, with our lines."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Say the figures of a step above the bar."""
        if state.is_world_process_zero and self.training_bar is not None and (told := line(logs or {})):
            self.training_bar.write(f"step {state.global_step}: {told}")


class Lines(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Our lines alone, each with the time that is left: in a file every stroke of a bar stays."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Time the steps of this process; a run that goes on has others behind it."""
        self.began, self.first = monotonic(), state.global_step

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Say the figures of a step, and when the last one is due."""
        if not state.is_world_process_zero or not (told := line(logs or {})):
            return
        done, more = state.global_step - self.first, state.max_steps - state.global_step
        due = f"; {left(monotonic() - self.began, done, more)} left" if done and more else ""
        log.info("step %d of %d: %s%s", state.global_step, state.max_steps, told, due)


def tell_in_lines(trainer: Trainer) -> None:
    """Have a trainer say our lines, with a bar on a terminal, in place of those of transformers; none if told so."""
    if trainer.pop_callback(ProgressCallback):
        trainer.add_callback(Bar() if sys.stderr.isatty() else Lines())


def line(logs: Mapping[str, Any]) -> str:
    """The figures that tell how it goes: the reward by component, or that on unseen questions; else how long it took.

    >>> line({"reward": 0.7071, "rewards/ranked_answer/mean": 0.62, "reward_std": 0.4, "entropy": 0.0243})
    'reward 0.707, ranked answer 0.620, entropy 0.024'
    >>> line({"eval_reward": 0.91, "eval_ranking": 0.94, "eval_clip_ratio": None})
    'on unseen questions: reward 0.910, ranking 0.940'
    >>> line({"loss": 0.0407, "grad_norm": 0.17, "learning_rate": 1e-6})
    'loss 0.041'
    >>> line({"train_runtime": 1132.4})
    'trained for 1132 s'
    """
    logs = {name: value for name, value in logs.items() if value is not None}  # a figure that no batch had
    if "train_runtime" in logs:
        return f"trained for {logs['train_runtime']:.0f} s"
    unseen = {name.removeprefix("eval_"): value for name, value in logs.items() if name.startswith("eval_")}
    if unseen:
        return "on unseen questions: " + ", ".join(f"{name} {value:.3f}" for name, value in unseen.items())
    parts = {
        name: name.removeprefix("rewards/").removesuffix("/mean").replace("_", " ")
        for name in logs
        if name.startswith("rewards/") and name.endswith("/mean")
    }
    told = {"reward": "reward"} | parts | BESIDE
    return ", ".join(f"{says} {logs[name]:.3f}" for name, says in told.items() if name in logs)
