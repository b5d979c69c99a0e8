"""What is shipped: the world is rich enough, the models are small, safe and load like any other, and they answer."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoModelForImageTextToText, AutoProcessor

from mmrag.corpus import Collection, read_collection
from mmrag.session import Session, open_collection, open_session
from mmrag.settings import MODELS, POLICY, WORLD, Settings
from mmrag.types import Modality, Phase, Query, Trace

CATEGORIES = {"color", "shape", "number", "YesNo", "choose", "Others", "text"}


@pytest.fixture(scope="module")
def world() -> Collection:
    return read_collection(WORLD)


@pytest.fixture(scope="module")
def shipped(data_dir: Path) -> Session:
    return open_session(open_collection(WORLD))


def test_the_world_has_pictures_passages_tables_and_questions_of_every_category(world: Collection) -> None:
    counts = Counter(document.modality for document in world.documents.values())
    assert counts[Modality.IMAGE] >= 120
    assert sum(counts.values()) >= 400
    assert len(world.questions) >= 600
    assert {question.split for question in world.questions} == {"dev", "test"}
    assert {question.category for question in world.questions} == CATEGORIES
    assert json.loads((WORLD / "world.json").read_text())["entities"] >= 120


def test_models_are_safetensors_of_a_size_that_can_be_committed() -> None:
    files = [file for file in MODELS.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 30_000_000
    assert all(file.stat().st_size < 9_500_000 for file in files)
    assert {file.suffix for file in files} <= {".safetensors", ".json", ".jsonl", ".jinja", ".md"}


def test_the_policy_loads_with_nothing_special() -> None:
    model = AutoModelForImageTextToText.from_pretrained(POLICY, local_files_only=True)
    processor = AutoProcessor.from_pretrained(POLICY, local_files_only=True)
    assert 5_000_000 <= sum(parameter.numel() for parameter in model.parameters()) <= 15_000_000
    assert processor.chat_template


@pytest.mark.parametrize("picture", [False, True], ids=["words alone", "with a picture"])
def test_an_example_is_answered_to_the_end_and_its_trace_reads_back_equal(
    picture: bool, shipped: Session, world: Collection
) -> None:
    question = next(q for q in world.questions if (q.image is not None) == picture and q.evidence)
    traces = list(shipped.ask(world.query(question), "sft", Settings()))
    phases = [trace.phase for trace in traces]
    assert phases == sorted(phases, key=list(Phase).index)
    assert phases[-1] is Phase.DONE
    assert Trace.from_dict(json.loads(json.dumps(traces[-1].to_dict()))) == traces[-1]
    assert len(traces[-1].steps[0].hits) == Settings().retrieve


def test_switching_the_stage_changes_what_the_model_writes(shipped: Session, world: Collection) -> None:
    query = replace(world.query(world.questions[0]), text="Which town is the Velmar lighthouse in?")
    keeps = []
    for stage in ("sft", "base"):
        *_, last = shipped.ask(query, stage, Settings(top_k=1, max_new_tokens=1))
        keeps.append([verdict.p_keep for verdict in last.steps[0].verdicts])
    assert keeps[0] != keeps[1]


def test_a_picture_finds_the_same_thing_drawn_anew(shipped: Session, world: Collection) -> None:
    asked = [question for question in world.questions if question.image is not None][:20]
    found = 0
    for question in asked:
        hits = shipped.opened.search(Query("Which one is this?", world.query(question).picture), 12)
        found += question.evidence[0] in {hit.document.id for hit in hits}
    assert found >= 17
