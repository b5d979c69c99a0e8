"""The index: hits that say what found them, and adding and removing that equals a rebuild."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmrag.errors import BadInput, BadPicture, BadSetting, UnknownId
from mmrag.retrieval import Encoder, Index
from mmrag.types import Document, Modality, Query
from tests.retrieval.parts import DOCUMENTS, PICTURES, QUERIES, draw, png, results


def test_a_question_with_a_picture_finds_that_picture_and_the_passage_about_it(index: Index) -> None:
    hits = index.search(Query("When was this first used?", png(draw("blue"))), 8)
    best = next(hit for hit in hits if any(found.by == "picture" and found.rank == 1 for found in hit.found))
    assert best.document.id == "image-2"
    assert best.found[0].score == pytest.approx(1, abs=1e-4)
    passage = next(hit for hit in hits if hit.document.id == "opening")
    assert "link" in {found.by for found in passage.found}


def test_hits_are_ranked_from_one_and_carry_each_retrievers_rank(index: Index) -> None:
    hits = index.search(QUERIES[0], 5)
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
    assert [hit.document.id for hit in hits for found in hit.found if (found.by, found.rank) == ("words", 1)] == [
        "image-0"
    ]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(found.by in ("picture", "text", "words", "link") and found.rank >= 1 for h in hits for found in h.found)


def test_a_search_wants_a_positive_k_and_a_whole_picture(index: Index) -> None:
    with pytest.raises(BadSetting):
        index.search(QUERIES[0], 0)
    with pytest.raises(BadPicture):
        index.search(Query("what", png(draw("red"))[:60]), 3)


def test_an_empty_index_finds_nothing_and_survives_saving(encoder: Encoder, tmp_path: Path) -> None:
    index = Index.build([], PICTURES.get, encoder)
    index.save(tmp_path)
    assert Index.load(tmp_path, encoder).search(QUERIES[3], 5) == ()


def test_a_loaded_index_searches_as_the_saved_one_did(index: Index, saved: Path, encoder: Encoder) -> None:
    loaded = Index.load(saved, encoder)
    assert loaded.documents == index.documents
    for query in QUERIES:
        assert loaded.search(query, 8) == index.search(query, 8)


def test_building_tells_its_progress_to_the_end(encoder: Encoder) -> None:
    many = [Document(str(i), Modality.PASSAGE, f"Title {i}", f"Text {i}") for i in range(130)]
    told: list[tuple[int, int]] = []
    Index.build(many, PICTURES.get, encoder, lambda done, total: told.append((done, total)))
    assert told == [(64, 130), (128, 130), (130, 130)]


@settings(max_examples=12, deadline=None)
@given(st.randoms(use_true_random=False))
def test_any_sequence_of_adding_and_removing_equals_a_rebuild(encoder: Encoder, rng: random.Random) -> None:
    index = Index(encoder)
    for _ in range(4):
        index.add(rng.sample(DOCUMENTS, rng.randint(1, 5)), PICTURES.get)
        index.remove(rng.sample(sorted(index.documents), rng.randint(0, len(index.documents) // 2)))
    rebuilt = Index.build(index.documents.values(), PICTURES.get, encoder)
    assert results(index) == results(rebuilt)


def test_adding_unchanged_documents_encodes_nothing(index: Index, saved: Path, encoder: Encoder) -> None:
    assert index.add(DOCUMENTS, PICTURES.get) == 0
    assert Index.load(saved, encoder).add(DOCUMENTS, PICTURES.get) == 0


def test_a_changed_text_or_picture_is_encoded_again(index: Index) -> None:
    assert index.add([Document("ada", Modality.PASSAGE, "Ada Brenn", "She painted.")], PICTURES.get) == 1
    assert index.add(DOCUMENTS[:4], {**PICTURES, "image-1": draw("black")}.get) == 1
    assert index.documents["ada"].text == "She painted."


def test_a_failure_while_adding_leaves_the_index_as_it_was(index: Index) -> None:
    before = results(index)

    def broken(document_id: str) -> Image.Image | None:
        raise BadPicture(f"{document_id} is damaged")

    with pytest.raises(BadPicture):
        index.add([Document("new", Modality.IMAGE, "New", image="n.png")], broken)
    with pytest.raises(BadInput):
        index.add([DOCUMENTS[4], DOCUMENTS[4]], PICTURES.get)
    with pytest.raises(UnknownId):
        index.remove(["ada", "nobody"])
    assert results(index) == before
