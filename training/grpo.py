"""What both reinforcement stages share: TRL's GRPO on rows from `training.rows`, with rewards told by component.

Ours, around TRL: groups, clipping, advantages and the loss are TRL's own (`GRPOTrainer`). Added are
1. a processor that takes rows with none, one and many pictures in one batch (TRL 1.16 hands on one list a prompt, None
   among them, on which transformers 5.23 stops);
2. an evaluation on a fixed slice of unseen worlds, by the same rewards (`training.slice`);
3. an end with a clear message, and the last good checkpoint, where a number is no number or the disk is full;
4. of a point-wise completion only the verdict learns: the reason after it moves a tenth of the reward at most (its
   length), and its twenty tokens would drown the one that moves the rest;
5. of several processes the first makes the rows and keeps the record. Two of them are tested, on a CPU and with whole
   copies; spread over cards (FSDP) only the writing of the adapter is.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accelerate import PartialState
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig

from mmrag.errors import MalformedOutput, MmragError, StorageFull
from mmrag.policy.grammar import read_verdict
from mmrag.policy.load import load_weights
from training.adapter import made_with, portable, write_adapter
from training.checkpoint import clear
from training.chronicle import Chronicle
from training.progress import tell_in_lines
from training.rows import fitting
from training.sharing import SharedPrompts
from training.slice import NEW_TOKENS, Examined
from training.start import StageConfig, adapted, begun, begun_with, device
from training.worth import RewardFunction, rewards


class Diverged(MmragError):
    """A loss or a gradient is no number any more."""


class Stage(Examined, SharedPrompts):
    """TRL's trainer, whose evaluation is on a fixed slice and scored by component."""

    def __init__(
        self, config: StageConfig, chronicle: Chronicle, besides: Sequence[RewardFunction] = (), **settings: Any
    ) -> None:
        self.config, self.chronicle = config, chronicle
        self.new_tokens = settings["args"].max_completion_length or NEW_TOKENS
        functions, shares = rewards(config)
        settings["args"].reward_weights = [*shares, *(1.0 for _ in besides)]
        # TRL gathers the pictures of a batch from those processes alone that have some, and they wait for the others.
        settings["args"].log_multimodal = False
        super().__init__(reward_funcs=[*functions, *besides], **settings)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Tell the chronicle too, before TRL clears what was written in this step.

        A component of rows of which there were none has no mean; told as None, TensorBoard complains of it every time.
        """
        told = self._metrics["train" if self.model.training else "eval"]
        for name in [name for name, values in told.items() if all(map(math.isnan, values))]:
            del told[name]
        if "loss" in logs and self.accelerator.is_main_process:
            kept = self._logs
            step = self.state.global_step
            self.chronicle.show(step, kept["prompt"], kept["completion"], kept["rewards"], kept["advantages"])
        super().log(logs, start_time)

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        mask = output["completion_mask"]
        learning = mask.clone()
        for row, one in enumerate(inputs):
            if one["kind"] == "judged":
                tokens = output["completion_ids"][row, : int(mask[row].sum())]
                learning[row, verdict_tokens(self._tokenizer, tokens.tolist()) :] = 0
        output["tool_mask"] = learning  # TRL's name for the tokens of a completion that learn
        return output


class Watch(TrainerCallback):
    """Tells the chronicle, and ends a run whose numbers are none, before they reach a checkpoint."""

    def __init__(self, chronicle: Chronicle) -> None:
        self.chronicle = chronicle

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Look at what was just logged.

        Raises:
            Diverged: the loss or the gradient is no number.
        """
        if state.is_world_process_zero:
            self.chronicle.tell(state.global_step, logs or {})
        for name in ("loss", "grad_norm"):
            value = (logs or {}).get(name)
            if value is not None and not math.isfinite(float(value)):
                raise Diverged(
                    f"{name} is {value} at step {state.global_step}: lower learning_rate; the last good checkpoint is "
                    f"in {args.output_dir}, and --resume true goes on from it"
                )


def train(
    config: StageConfig, args: GRPOConfig, rows: Dataset, examined: Dataset, besides: Sequence[RewardFunction] = ()
) -> Path:
    """Train from the adapter `config.start` on `rows`, keep the best by the reward on `examined`, write `config.out`.

    `besides`: reward functions that are added to the stage's own.

    Raises:
        BadSetting: no prompt fits.
        CheckpointError: the base cannot be loaded, or the run to go on with was begun from other weights or settings.
        Diverged: a number is no number any more.
        StorageFull: the disk took no more; the last good checkpoint is whole.
    """
    where = device(args)
    _, processor, base = load_weights(config.base, quantize=config.quantize, device=where, dtype=config.dtype)
    processor = taking_any_pictures(processor)
    about = {"stage": portable(config), "weights": begun_with(config), "trainer": args.to_dict(), **made_with()}
    run, state = Path(args.output_dir), PartialState()
    with state.main_process_first():
        if not config.resume:
            clear(run)
        last = begun(run, about)
    chronicle = Chronicle(run)
    if state.is_main_process:
        chronicle.begin(about, int(last.rpartition("-")[2]) if last else None)
    trainer = Stage(
        config,
        chronicle,
        besides,
        model=adapted(base, config),
        args=args,
        train_dataset=fitting(rows, processor, config.longest),
        eval_dataset=fitting(examined, processor, config.longest),
        processing_class=processor,
        callbacks=[Watch(chronicle)],
    )
    tell_in_lines(trainer)
    try:
        trainer.train(resume_from_checkpoint=last)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise StorageFull(f"the disk with {args.output_dir} is full: free some space, then --resume true") from error
    card = {"stage": portable(config), "history": trainer.state.log_history}
    out = write_adapter(trainer.accelerator.unwrap_model(trainer.model), Path(config.out), card)
    if state.is_main_process:
        chronicle.copy(out)
    return out


def verdict_tokens(tokenizer: Any, tokens: Sequence[int]) -> int:
    """How many of the first tokens say the verdict; all of them where none can be read."""
    for count in range(1, len(tokens) + 1):
        try:
            read_verdict(tokenizer.decode(tokens[:count]))
        except MalformedOutput:
            continue
        return count
    return len(tokens)


def taking_any_pictures(processor: Any) -> Any:
    """`processor`, now taking None for the pictures of a text that has none, and no picture at all."""
    kind = type(processor)

    def call(self: Any, images: Any = None, text: Any = None, **settings: Any) -> Any:
        if isinstance(images, list | tuple) and any(one is None or isinstance(one, list | tuple) for one in images):
            images = [list(one or ()) for one in images]
            images = images if any(images) else None
        return kind.__call__(self, images=images, text=text, **settings)

    processor.__class__ = type(kind.__name__, (kind,), {"__call__": call})  # of the same name: it is saved with it
    return processor
