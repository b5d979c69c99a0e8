"""Writing as a stream, and the probability of what is written."""

from __future__ import annotations

import threading

import pytest
import torch

from mmrag.policy.judging import SharedRunner
from mmrag.policy.local import LocalPolicy
from mmrag.policy.prompts import Prompt, rank_prompt
from mmrag.policy.whole import logprobs
from tests.policy.parts import MIX, PROMPT, QUERY, passage, whole


@pytest.mark.parametrize("prompt", [PROMPT, rank_prompt(QUERY, [passage(2)])], ids=["pictures", "words"])
def test_the_pieces_of_a_stream_are_the_whole_text(policy: LocalPolicy, prompt: Prompt) -> None:
    pieces = list(policy.generate(prompt, 20))
    assert len(pieces) > 1
    assert "".join(pieces) == whole(policy, prompt, 20)


def test_closing_a_stream_stops_the_model(policy: LocalPolicy) -> None:
    steps: list[int] = []
    hook = policy._model.model.register_forward_hook(lambda *_: steps.append(1))
    pieces = policy.generate(PROMPT, 200)
    next(pieces)
    after_one = len(steps)
    pieces.close()
    hook.remove()
    assert len(steps) == after_one
    assert after_one < 10
    assert policy.judge(QUERY, MIX[:1]), "and the model is free again"


def test_a_stream_left_lying_about_blocks_nobody(policy: LocalPolicy) -> None:
    pieces = policy.generate(PROMPT, 50)
    next(pieces)
    assert policy.judge(QUERY, MIX[:1])


def test_writing_ends_before_an_end_token(policy: LocalPolicy) -> None:
    written = list(policy._runner.write(PROMPT, 3, lambda: policy._turn(None)))
    runner = SharedRunner(policy._model, policy._processor, frozenset(written[1:2]))
    assert list(runner.write(PROMPT, 3, lambda: policy._turn(None))) == written[: written.index(written[1])]


@pytest.mark.parametrize("prompt", [PROMPT, rank_prompt(QUERY, [passage(2)])], ids=["pictures", "words"])
def test_logprob_is_that_of_each_token_after_those_before_it(policy: LocalPolicy, prompt: Prompt) -> None:
    completion = "Yes. The roof is red."
    tokens = policy._processor.tokenizer(completion, add_special_tokens=False)["input_ids"]
    text = policy._processor.apply_chat_template(prompt.messages, add_generation_prompt=True) + completion
    inputs = policy._processor(text=[text], images=list(prompt.pictures) or None, return_tensors="pt")
    with torch.inference_mode():
        logs = policy._model(**inputs).logits[0].log_softmax(-1)
    start = inputs["input_ids"].shape[1] - len(tokens)
    direct = sum(float(logs[start + n - 1, token]) for n, token in enumerate(tokens))
    scored = policy.logprob(prompt, completion)
    assert len(scored) == len(tokens)
    assert sum(scored) == pytest.approx(direct, abs=1e-3)
    assert start == policy.count(prompt)


def test_no_token_is_likelier_than_the_one_that_is_written(policy: LocalPolicy) -> None:
    written = list(policy._runner.write(PROMPT, 4, lambda: policy._turn(None)))
    best = logprobs(policy._model, policy._processor, PROMPT, written)
    for place, log in enumerate(best):
        for other in range(7, len(policy._processor.tokenizer), 29):
            rival = logprobs(policy._model, policy._processor, PROMPT, [*written[:place], other])
            assert rival[-1] <= log + 1e-5
    assert policy.logprob(PROMPT, "") == ()


def test_many_answers_at_once_are_those_written_one_by_one(policy: LocalPolicy) -> None:
    prompts = [PROMPT, rank_prompt(QUERY, [passage(2)]), rank_prompt(QUERY, MIX[3:5])]
    assert policy.generate_all(prompts, 6) == tuple("".join(policy.generate(one, 6)) for one in prompts)
    assert policy.generate_all([], 6) == ()


def test_tokens_are_counted_when_nobody_else_has_the_tokenizer(policy: LocalPolicy) -> None:
    """Counted beside a judging, they turned the padding of its prompts, and it judged by blanks."""
    counted: list[int] = []
    thread = threading.Thread(target=lambda: counted.append(policy.count(PROMPT)))
    with policy.borrowed():
        thread.start()
        thread.join(0.2)
        assert not counted
    thread.join(10)
    assert counted == [policy.count(PROMPT)]
