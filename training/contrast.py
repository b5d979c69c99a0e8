"""Which prompts can teach a group something: those whose sampled completions are not all worth the same; and reminders.

Ours, after the dynamic sampling of DAPO (arXiv 2503.14476, section 3.2), which throws groups that agree away while it
trains. Here their prompts are found before, so that a step learns from all that it pays for, and a run that goes on
meets the same prompts. Of those that are always answered rightly some are kept: trained without them, a policy that
was being taught to write two sentences wrote every sentence of some kinds twice, and no reward ever saw it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from mmrag.policy.judging import SHARING
from mmrag.policy.local import LocalPolicy
from mmrag.policy.prompts import Prompt
from mmrag.policy.whole import PLAIN, encode_whole
from mmrag.types import Question
from training.rewards import listwise, ranked
from training.sharing import KINDS, Prompts, sample

SAME = 1e-3  # of a reward, which is a sum of fractions
RIGHT = 1.0 - SAME
TOGETHER = 16  # prompts that are tried at once
Asked = tuple[Prompt, Question, Sequence[str]]  # with the ids of the documents shown


@dataclass(frozen=True, slots=True)
class Trial:
    """How prompts are tried: as the stage that learns from them samples."""

    completions: int  # of each prompt
    tokens: int = 128  # of each completion, at most
    temperature: float = 1.0
    reminded: float = 0.0  # share of the prompts that are kept although every completion is right
    weights: Mapping[str, float] = field(default_factory=lambda: listwise.WEIGHTS)  # of the reward's components


def contrasting(policy: LocalPolicy, asked: Sequence[Asked], trial: Trial, rng: random.Random) -> list[bool]:
    """For which list-wise prompts the completions of a trial differ in worth; `rng` draws the reminders."""
    found: list[bool] = []
    for start in range(0, len(asked), TOGETHER):
        part = asked[start : start + TOGETHER]
        drawn = completions(policy, [prompt for prompt, *_ in part], trial)
        for (_, question, shown), texts in zip(part, drawn, strict=True):
            worth = [ranked(text, question, shown, trial.weights).total for text in texts]
            reminder = min(worth) > RIGHT and rng.random() < trial.reminded
            found.append(max(worth) - min(worth) > SAME or reminder)
    return found


@torch.inference_mode()
def completions(policy: LocalPolicy, prompts: Sequence[Prompt], trial: Trial) -> list[list[str]]:
    """The completions of each prompt that a trial samples."""
    count, most, temperature = trial.completions, trial.tokens, trial.temperature
    with policy.borrowed() as (model, processor):
        inputs = encode_whole(processor, prompts).to(model.device)
        if isinstance(model, SHARING):
            kinds = inputs.get(KINDS, torch.zeros_like(inputs["input_ids"]))
            seen = inputs.get("pixel_values"), inputs.get("image_grid_thw")
            read = Prompts(inputs["input_ids"], inputs["attention_mask"], kinds, *seen)
            which = torch.arange(len(prompts), device=model.device).repeat_interleave(count)
            ends = torch.tensor([processor.tokenizer.eos_token_id], device=model.device)
            written = sample(model, read, which, temperature, most, ends, (processor.image_token_id,))
        else:
            sampling = {**PLAIN, "do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
            drawn = model.generate(**inputs, **sampling, max_new_tokens=most, num_return_sequences=count)
            written = drawn[:, inputs["input_ids"].shape[1] :].tolist()
    texts = processor.tokenizer.batch_decode(written, skip_special_tokens=True)
    return [texts[start : start + count] for start in range(0, len(texts), count)]
