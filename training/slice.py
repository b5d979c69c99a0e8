"""The evaluation of a trainer on a fixed slice of unseen worlds, by the rewards of reinforcement.

Ours. What is written greedily is scored, but a verdict by what is expected of it: so few of them turn over that greedy
ones cannot tell checkpoints apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from datasets import Dataset
from transformers import LogitsProcessor, LogitsProcessorList, Trainer

from mmrag.policy.load import verdict_ids
from mmrag.policy.whole import PLAIN, encode_whole
from training.rewards import Score
from training.rows import prompt_of
from training.start import StageConfig
from training.worth import score

NEW_TOKENS = 128  # where a configuration says nothing of the longest completion


class Examined(Trainer):
    """A trainer of rows, whose evaluation is the mean reward, and each component's, on its fixed slice."""

    config: StageConfig
    new_tokens: int

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """See Trainer; the loss is not among the figures."""
        rows: Any = self.eval_dataset if eval_dataset is None else eval_dataset
        model: Any = self.accelerator.unwrap_model(self.model)
        found = examine(model, self.processing_class, rows, self.config, self.new_tokens)
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in found.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


class FirstLogits(LogitsProcessor):
    """Keeps the logits of the first token alone: of all of them, a large vocabulary fills a card."""

    logits: Any = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """See LogitsProcessor; nothing is changed."""
        if self.logits is None:
            self.logits = scores
        return scores


@torch.inference_mode()
def examine(model: Any, processor: Any, rows: Dataset, config: StageConfig, new_tokens: int) -> dict[str, float]:
    """The mean `reward` on the `rows` of a fixed slice, and the mean of each component."""
    model.eval()
    scores: list[Score] = []
    for start in range(0, len(rows), 16):
        part = [rows[index] for index in range(start, min(start + 16, len(rows)))]
        found = written(model, processor, part, new_tokens)
        scores += [expected(*what, one, config) for what, one in zip(found, part, strict=True)]
    model.train()
    names = dict.fromkeys(name for one in scores for name in one.components)
    told = {name: [one.components[name] for one in scores if name in one.components] for name in names}
    return {"reward": _mean([one.total for one in scores])} | {name: _mean(values) for name, values in told.items()}


def written(
    model: Any, processor: Any, rows: Sequence[Mapping[str, Any]], new_tokens: int
) -> Iterator[tuple[str, Mapping[str, float]]]:
    """What `model` writes for each row, greedily; and how likely it begins with each verdict."""
    inputs = encode_whole(processor, [prompt_of(row) for row in rows]).to(model.device)
    first = FirstLogits()
    greedy = {**PLAIN, "do_sample": False, "max_new_tokens": new_tokens}
    tokens = model.generate(**inputs, **greedy, logits_processor=LogitsProcessorList([first]))
    answers = processor.tokenizer.batch_decode(tokens[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    chances = first.logits.float().softmax(-1)[:, verdict_ids(processor)].tolist()  # (rows, 2)
    for answer, (yes, no) in zip(answers, chances, strict=True):
        yield answer, {"Yes": yes, "No": no}


def expected(text: str, verdicts: Mapping[str, float], row: Mapping[str, Any], config: StageConfig) -> Score:
    """The worth of the `text` written for a row; of a verdict, the mean over both of them by their probabilities."""
    found = score(text, row, config)
    if row["kind"] != "judged":
        return found
    verdict = sum(chance * score(one, row, config).components["verdict"] for one, chance in verdicts.items())
    return Score.of({**found.components, "verdict": verdict}, config.weights["judged"])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
