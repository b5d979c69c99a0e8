"""From a lesson to a loss: which tokens weigh how much."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from transformers import Qwen3VLProcessor

from tests.training.parts import Skill
from training.architecture import make_model
from training.batches import (
    DECISIVE_WEIGHT,
    HELPS_WEIGHT,
    MULTIPLE,
    PROMPT_WEIGHT,
    collate,
    encode,
    in_batches,
    target_weights,
    weighted_loss,
)
from training.classroom import Classroom
from training.skills import SKILLS
from training.skills.answering import answered


@pytest.mark.parametrize("skill", list(SKILLS), ids=lambda skill: skill.__name__)
def test_a_lesson_weighs_what_is_written_fully_and_pictures_not_at_all(
    skill: Skill, room: Classroom, processor: Qwen3VLProcessor
) -> None:
    example = skill(room)
    encoded = encode(processor, example)
    foretold = encoded.labels != encoded.input_ids
    written = encoded.input_ids[(encoded.weights >= 1.0) & ~foretold]
    assert processor.tokenizer.decode(written) == example.target + "<|im_end|>"
    assert not encoded.weights[encoded.token_types == 1].any()
    assert int((encoded.token_types == 1).sum()) == 16 * len(example.prompt.pictures)
    known = torch.tensor([0.0, PROMPT_WEIGHT, 1.0, DECISIVE_WEIGHT])
    assert torch.isin(encoded.weights[~foretold], known).all()
    assert encoded.weights[foretold].eq(HELPS_WEIGHT).all()
    assert tuple(encoded.labels[foretold] == yes(processor)) == example.helps


def yes(processor: Qwen3VLProcessor) -> int:
    return processor.tokenizer.convert_tokens_to_ids("Yes")


def test_where_a_document_of_a_list_ends_it_is_foretold_whether_it_helps(
    room: Classroom, processor: Qwen3VLProcessor
) -> None:
    tokenizer = processor.tokenizer
    question = next(one for one in room.single if one.hops[0].kb == "text")
    shown = [room.shown(one) for one in (*question.negatives[:2], question.evidence[0])]
    example = answered(room, question, room.query(question), shown, "read", "text")
    assert example.helps == (False, False, True)
    assert answered(room, question, room.query(question), shown[2:], "read", "text").helps == ()

    told, plain = (encode(processor, one, 0.0) for one in (example, replace(example, helps=())))
    assert told.input_ids.equal(plain.input_ids)  # what the model reads is what it reads in use
    (places,) = (told.labels != told.input_ids).nonzero(as_tuple=True)
    assert [tokenizer.decode(told.input_ids[place - 4 : place + 1]).lstrip() for place in places] == [
        f"[/{number}]\n" for number in (1, 2, 3)
    ]
    assert [tokenizer.decode(told.labels[place]) for place in places] == ["No", "No", "Yes"]
    batch = collate([told, plain], tokenizer.pad_token_id)
    assert batch.labels[1].equal(batch.inputs["input_ids"][1])
    assert batch.labels[0].equal(told.labels)


@pytest.mark.parametrize(
    ("target", "decisive"),
    [
        ("<think>It opened in 19 [12].</think><rank>[12] > [3]</rank><answer> red</answer>", "It12123"),
        ("<think>It has no 2 [1].</think><answer> yes</answer>", "It1yes"),
        ("<think>No document holds the answer.</think><answer> nobody</answer>", "No"),
        ("<think>Orsk lies there [2]. It is - no document holds it.</think><rank>none</rank>", "Orsk2It-"),
        ("<think>This chapel (wall: red) [1] is the Velmar chapel in Orsk [1].</think>", "Thisred1Velmar1"),
        ("<think>Ada Brenn is the keeper of [2] the Velmar chapel [2].</think>", "Ada2Velmar2"),
        ("<think>Those (43 < 76 Velmar, 81 > 76 Orsk) are the Orsk [1].</think>", "Those<>1"),
        ("<think>The one (43 Velmar, 81 Orsk): 81 Orsk [1].</think>", "The81Orsk1"),
        ("Yes. It says No.", "Yes"),
        ("no", "no"),
    ],
)
def test_verdicts_document_numbers_and_how_reasoning_begins_weigh_more(
    target: str, decisive: str, processor: Qwen3VLProcessor
) -> None:
    tokenizer = processor.tokenizer
    weights = target_weights(tokenizer, target + "<|im_end|>\n")
    ids = torch.tensor(tokenizer(target + "<|im_end|>\n").input_ids)
    assert tokenizer.decode(ids[weights == DECISIVE_WEIGHT]).replace(" ", "") == decisive
    assert weights[-1] == 0


def test_padding_changes_no_loss(room: Classroom, processor: Qwen3VLProcessor) -> None:
    torch.manual_seed(0)
    tokenizer = processor.tokenizer
    model = make_model(tokenizer).eval()
    short, long = sorted(
        (encode(processor, skill(room)) for skill in list(SKILLS)[:2]),
        key=lambda one: len(one.input_ids),
    )
    alone, beside = collate([short], tokenizer.pad_token_id), collate([short, long], tokenizer.pad_token_id)
    beside = replace(beside, weights=beside.weights * torch.tensor([[1.0], [0.0]]))
    losses = [weighted_loss(model, one).item() for one in (alone, beside)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_a_batch_keeps_to_the_budget_and_its_length_is_met_again(room: Classroom, processor: Qwen3VLProcessor) -> None:
    examples = [encode(processor, skill(room)) for skill in SKILLS for _ in range(3)]
    batches = list(in_batches(examples, 1024, processor.tokenizer.pad_token_id, random.Random(0)))
    assert sum(len(one.labels) for one in batches) == len(examples)
    assert all(one.labels.numel() <= 1024 or len(one.labels) == 1 for one in batches)
    assert all(one.labels.size(1) % MULTIPLE == 0 for one in batches)
