"""Which prompts can teach a group something: those whose sampled completions are not all worth the same.

Ours, after the dynamic sampling of DAPO (arXiv 2503.14476, section 3.2), which throws groups that agree away while it
trains. Here their prompts are found before, so that a step learns from all that it pays for, and a run that goes on
meets the same prompts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from mmrag.policy.judging import SHARING
from mmrag.policy.local import LocalPolicy
from mmrag.types import Question
from training.rewards import ranked
from training.sharing import KINDS, Prompts, sample

SAME = 1e-3  # of a reward, which is a sum of fractions
TOGETHER = 16  # prompts that are tried at once


def contrasting(policy: LocalPolicy, rows: Sequence[Mapping[str, Any]], tried: int, most: int) -> list[bool]:
    """For which list-wise rows `tried` completions, of `most` tokens at most, differ in worth."""
    found: list[bool] = []
    for start in range(0, len(rows), TOGETHER):
        part = rows[start : start + TOGETHER]
        for row, texts in zip(part, completions(policy, part, tried, most), strict=True):
            question = Question.from_dict(json.loads(row["question"]))
            worth = [ranked(text, question, row["shown"]).total for text in texts]
            found.append(max(worth) - min(worth) > SAME)
    return found


@torch.inference_mode()
def completions(policy: LocalPolicy, rows: Sequence[Mapping[str, Any]], tried: int, most: int) -> list[list[str]]:
    """So many completions of each row's prompt as `tried` says, sampled at temperature 1 as the stages do."""
    with policy.borrowed() as (model, processor):
        tokenizer = processor.tokenizer
        pictures = [list(row["images"]) for row in rows]
        inputs = processor(
            text=[processor.apply_chat_template(row["prompt"], add_generation_prompt=True) for row in rows],
            images=pictures if any(pictures) else None,
            padding=True,
            padding_side="left",
            return_tensors="pt",
        ).to(model.device)
        if isinstance(model, SHARING):
            ends = torch.tensor([tokenizer.eos_token_id], device=model.device)
            kinds = inputs.get(KINDS, torch.zeros_like(inputs["input_ids"]))
            seen = inputs.get("pixel_values"), inputs.get("image_grid_thw")
            prompts = Prompts(inputs["input_ids"], inputs["attention_mask"], kinds, *seen)
            which = torch.arange(len(rows), device=model.device).repeat_interleave(tried)
            written = sample(model, prompts, which, 1.0, most, ends, (processor.image_token_id,))
        else:
            drawn = model.generate(
                **inputs, max_new_tokens=most, do_sample=True, top_k=0, top_p=1.0, num_return_sequences=tried
            )
            written = drawn[:, inputs["input_ids"].shape[1] :].tolist()
    texts = tokenizer.batch_decode(written, skip_special_tokens=True)
    return [texts[start : start + tried] for start in range(0, len(texts), tried)]
