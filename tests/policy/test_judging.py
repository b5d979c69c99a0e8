"""Judging many documents at once is judging each alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from PIL import Image

from mmrag.corpus import read_collection
from mmrag.policy.judging import SharedRunner, batches
from mmrag.policy.load import load_policy
from mmrag.policy.local import LocalPolicy
from mmrag.policy.prompts import Shown, judge_prompt
from mmrag.policy.whole import WholeRunner
from mmrag.settings import POLICY, WORLD
from mmrag.types import Modality, Query
from tests.policy.parts import MIX, PROMPT, QUERY, passage, photo, picture, plain, png, whole


@pytest.mark.parametrize("asked_with", [None, picture(7)], ids=["words", "picture"])
@pytest.mark.parametrize("shown", [MIX, MIX[:1], MIX[1:3], [photo(1)] * 3, [photo(1), photo(2)], [passage(1)] * 2])
def test_judging_together_gives_what_judging_one_by_one_gives(
    policy: LocalPolicy, shown: Sequence[Shown], asked_with: Image.Image | None
) -> None:
    query = Query(QUERY.text, asked_with and png(asked_with))
    judged = [one.p_keep for one in policy.judge(query, shown)]
    alone = [plain(policy, query, one) for one in shown]
    assert judged == pytest.approx(alone, abs=1e-4)


def test_the_random_judge_tells_documents_apart(policy: LocalPolicy) -> None:
    judged = [one.p_keep for one in policy.judge(QUERY, MIX)]
    assert max(judged) - min(judged) > 0.05, "or the equality above would prove nothing"


def test_in_half_precision_documents_of_one_question_do_not_tie() -> None:
    half = load_policy(POLICY, dtype="bfloat16")
    collection = read_collection(WORLD)
    question = collection.questions[0]
    shown = [Shown(one) for one in collection.documents.values() if one.modality is not Modality.IMAGE][:60]
    judged = {one.p_keep for one in half.judge(Query(question.question), shown)}
    assert len(judged) == len(shown), "the two logits as the head gives them have eight bits each"


def test_the_order_of_documents_does_not_change_their_judgement(policy: LocalPolicy) -> None:
    forth, back = policy.judge(QUERY, MIX), policy.judge(QUERY, MIX[::-1])
    assert [one.p_keep for one in forth] == pytest.approx([one.p_keep for one in back[::-1]], abs=1e-5)


def test_nothing_shown_is_nothing_judged(policy: LocalPolicy) -> None:
    assert policy.judge(QUERY, []) == ()


def test_reasons_are_what_the_model_writes_for_each_document_alone(policy: LocalPolicy) -> None:
    runner: SharedRunner = policy._runner
    prompts = [judge_prompt(QUERY, one) for one in MIX]
    together = runner.open(prompts, (0, 1), 6)
    decode = policy._processor.tokenizer.decode
    written = [decode(list(one.tokens), skip_special_tokens=True) for one in together]
    assert written == [whole(policy, prompt, 6) for prompt in prompts]
    assert len(set(written)) > 1


def test_a_reason_that_does_not_begin_with_a_verdict_is_recorded_as_malformed(policy: LocalPolicy) -> None:
    judged = policy.judge(QUERY, MIX, reasons=3)
    assert {one.malformed.reason for one in judged if one.malformed} == {"no_verdict"}
    assert [one.p_keep for one in judged] == pytest.approx([one.p_keep for one in policy.judge(QUERY, MIX)])


def test_each_distinct_picture_passes_the_vision_tower_once(policy: LocalPolicy) -> None:
    seen: list[int] = []
    hook = policy._model.model.visual.register_forward_hook(
        lambda _module, _args, kwargs, _out: seen.append(len(kwargs["grid_thw"])), with_kwargs=True
    )
    same = photo(1)
    policy.judge(Query(QUERY.text, png(picture(7))), [same, same, photo(2), passage(3)])
    hook.remove()
    assert seen == [3]


def test_a_model_of_another_family_is_judged_in_whole_batches_with_the_same_result(policy: LocalPolicy) -> None:
    runner = WholeRunner(policy._model, policy._processor, policy._runner._ends)
    prompts = [judge_prompt(QUERY, one) for one in MIX]
    here, there = policy._runner.open(prompts, (300, 301), 4), runner.open(prompts, (300, 301), 4)
    assert [one.tokens for one in here] == [one.tokens for one in there]
    assert [one.read for one in here] == [one.read for one in there]
    assert [one.yes for one in here] == pytest.approx([one.yes for one in there], abs=1e-3)
    assert list(runner.write(PROMPT, 9, lambda: policy._turn(None))) == list(
        policy._runner.write(PROMPT, 9, lambda: policy._turn(None))
    )


def test_batches_hold_every_row_once_and_little_padding() -> None:
    lengths = [5, 90, 88, 7, 60, 61, 5, 4000, 3000]
    cut = batches(lengths, "cpu")
    assert sorted(index for batch in cut for index in batch) == list(range(len(lengths)))
    for batch in cut:
        held = [lengths[index] for index in batch]
        assert len(held) * max(held) - sum(held) <= 96
        assert len(held) == 1 or len(held) * max(held) <= 4096


def test_probabilities_are_probabilities(policy: LocalPolicy) -> None:
    assert all(0.0 <= one.p_keep <= 1.0 and math.isfinite(one.p_keep) for one in policy.judge(QUERY, MIX))


def test_what_a_checkpoint_says_of_repetition_and_beams_changes_nothing(
    policy: LocalPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = WholeRunner(policy._model, policy._processor, policy._runner._ends)
    plain = list(runner.write(PROMPT, 9, lambda: policy._turn(None)))
    for name, value in {"repetition_penalty": 1.9, "num_beams": 2, "no_repeat_ngram_size": 1}.items():
        monkeypatch.setattr(policy._model.generation_config, name, value)
    assert list(runner.write(PROMPT, 9, lambda: policy._turn(None))) == plain
