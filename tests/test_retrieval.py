"""Contract of mmrag.retrieval, on a small random open_clip checkpoint and real files."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import random
import shutil
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from mmrag.errors import BadInput, BadPicture, BadSetting, CheckpointError, IndexUnusable, StorageFull, UnknownId
from mmrag.retrieval import Encoder, Index, fuse
from mmrag.retrieval.links import Links
from mmrag.retrieval.words import Words, full_text, tokens
from mmrag.types import Document, Modality, Query, Table

TITLES = ("Velmar lighthouse", "Ossa chapel", "Tarn ferry", "Quill windmill")
COLOURS = ("red", "green", "blue", "orange")


def draw(colour: str) -> Image.Image:
    image = Image.new("RGB", (96, 96), "white")
    ImageDraw.Draw(image).rectangle((20, 20, 76, 76), fill=colour)
    return image


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


DOCUMENTS = (
    *(
        Document(f"image-{i}", Modality.IMAGE, title, f"A view of the {title}.", image=f"{i}.png")
        for i, title in enumerate(TITLES)
    ),
    Document("ada", Modality.PASSAGE, "Ada Brenn", "Ada Brenn of Corl designed the Velmar lighthouse."),
    Document("opening", Modality.PASSAGE, "Opening day", "The Tarn ferry was first sailed in 1931 by Ivo Marr."),
    Document("towns", Modality.TABLE, "Towns", table=Table(("Town", "People"), (("Corl", "812"), ("Ossa", "97")))),
    Document("strange", Modality.PASSAGE, "<script>", "東京の塔 ${x} {{y}} \u0000 \\( \u202e"),
)
PICTURES = {f"image-{i}": draw(colour) for i, colour in enumerate(COLOURS)}


def write_checkpoint(folder: Path, seed: int = 0) -> Path:
    """A random open_clip model in the `local-dir:` form in which the embedded one is stored."""
    words = sorted({word for document in DOCUMENTS for word in tokens(full_text(document))})
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[BOS]", "[EOS]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[BOS] $A [EOS]", special_tokens=[("[BOS]", 2), ("[EOS]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "bos_token": "[BOS]", "eos_token": "[EOS]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    model = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
        "text_cfg": {
            "context_length": 24, "vocab_size": len(vocabulary), "hf_tokenizer_name": "local", "width": 32, "heads": 2,
            "layers": 1, "pool_type": "eos", "eos_id": 3, "pad_id": 0,
        },
    }  # fmt: skip
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model, "preprocess_cfg": {}}))
    torch.manual_seed(seed)
    made = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    save_file(
        {name: part.contiguous() for name, part in made.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def encoder(checkpoint: Path) -> Encoder:
    return Encoder.load(checkpoint)


@pytest.fixture
def index(encoder: Encoder) -> Index:
    return Index.build(DOCUMENTS, PICTURES.get, encoder)


@pytest.fixture
def saved(index: Index, tmp_path: Path) -> Path:
    index.save(tmp_path / "index")
    return tmp_path / "index"


QUERIES = (
    Query("What colour is the roof of the Velmar lighthouse?"),
    Query("How many people live in Corl?"),
    Query("東京"),
    Query("When did it open?", png(draw("blue"))),
)


def results(index: Index) -> list[list[tuple[str, float]]]:
    hits = [index.search(query, 6) for query in QUERIES]
    return [[(hit.document.id, round(hit.score, 6)) for hit in found] for found in hits]


# --- the encoder


def test_vectors_are_float32_of_length_one_and_do_not_depend_on_the_batch(encoder: Encoder) -> None:
    texts = [full_text(document) for document in DOCUMENTS] * 10
    vectors = encoder.encode_texts(texts)
    assert vectors.shape == (len(texts), encoder.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[3], encoder.encode_texts([texts[3]])[0], atol=1e-5)
    assert encoder.encode_pictures(list(PICTURES.values())).shape == (len(PICTURES), encoder.dimension)
    assert encoder.encode_texts([]).shape == encoder.encode_pictures([]).shape == (0, encoder.dimension)


def test_a_text_longer_than_the_model_reads_is_cut(encoder: Encoder) -> None:
    assert encoder.encode_texts(["lighthouse " * 5000]).shape == (1, encoder.dimension)


def test_the_fingerprint_follows_the_weights(checkpoint: Path, tmp_path: Path, encoder: Encoder) -> None:
    assert Encoder.load(checkpoint).fingerprint == encoder.fingerprint
    assert Encoder.load(write_checkpoint(tmp_path, seed=1)).fingerprint != encoder.fingerprint


def test_loading_a_folder_opens_no_socket(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[object] = []

    def refuse(*asked: object, **_: object) -> None:
        reached.append(asked)
        raise OSError("the guard refuses")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(OSError, match="the guard refuses"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    reached.clear()
    Encoder.load(checkpoint)
    assert not reached


def _no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def _no_weights(folder: Path) -> None:
    (folder / "open_clip_model.safetensors").unlink()


def _pickle_beside(folder: Path) -> None:
    _no_weights(folder)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"a": 1}))


def _pickle_renamed(folder: Path) -> None:
    (folder / "open_clip_model.safetensors").write_bytes(pickle.dumps({"a": 1}))


def _truncated(folder: Path) -> None:
    path = folder / "open_clip_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _not_finite(folder: Path) -> None:
    model = open_clip.create_model(f"local-dir:{folder}")
    state = {name: torch.full_like(part, float("nan")) for name, part in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")


def _bad_config(folder: Path) -> None:
    (folder / "open_clip_config.json").write_text("{")


def _no_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


@pytest.mark.parametrize(
    "harm",
    [_no_folder, _no_weights, _pickle_beside, _pickle_renamed, _truncated, _not_finite, _bad_config, _no_tokenizer],
)
def test_a_harmed_checkpoint_is_one_clear_error(harm: Callable[[Path], None], checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    shutil.copytree(checkpoint, folder)
    harm(folder)
    with pytest.raises(CheckpointError) as caught:
        Encoder.load(folder)
    assert "\n" not in str(caught.value)


# --- fusion

RANKINGS = st.dictionaries(
    st.sampled_from(["picture", "text", "words", "link"]), st.lists(st.sampled_from("abcdefgh"), unique=True)
)


@given(RANKINGS)
def test_fusion_orders_everything_that_was_found_and_nothing_else(rankings: Mapping[str, list[str]]) -> None:
    fused = fuse(rankings)
    assert sorted(name for name, _ in fused) == sorted({name for ranked in rankings.values() for name in ranked})
    assert fused == sorted(fused, key=lambda item: (-item[1], item[0]))


@given(RANKINGS)
def test_fusion_does_not_depend_on_the_order_of_retrievers(rankings: Mapping[str, list[str]]) -> None:
    assert fuse(rankings) == fuse(dict(reversed(list(rankings.items()))))


@given(RANKINGS, st.sampled_from("abcdefgh"))
def test_one_more_retriever_that_finds_a_document_never_lowers_its_rank(
    rankings: Mapping[str, list[str]], name: str
) -> None:
    before = [found for found, _ in fuse(rankings)]
    after = [found for found, _ in fuse({**rankings, "other": [name]})]
    assert after.index(name) <= (before.index(name) if name in before else len(before))


@given(st.lists(st.text(max_size=3), unique=True, max_size=20))
def test_fusing_one_ranking_keeps_it(ranked: list[str]) -> None:
    assert [name for name, _ in fuse({"words": ranked})] == ranked


def test_fusion_matches_the_sum_by_hand() -> None:
    fused = dict(fuse({"text": ["a", "b"], "words": ["b"]}, {"words": 2.0}))
    assert fused == pytest.approx({"a": 1 / 3, "b": 1 / 4 + 2 / 3})


# --- words and links


def test_words_find_stems_in_titles_texts_and_cells() -> None:
    words = Words(DOCUMENTS)
    assert words.search("Who was sailing?")[0][0] == "opening"
    assert words.search("812")[0][0] == "towns"
    assert words.search("塔")[0][0] == "strange"


@pytest.mark.parametrize("text", ["", "the of and", "zzzz", "Ωμέγα", "!?"])
def test_words_that_no_document_has_find_nothing(text: str) -> None:
    assert Words(DOCUMENTS).search(text) == []
    assert Words([]).search(text) == []


def test_a_link_leads_from_the_passage_to_the_picture_that_it_names() -> None:
    found = Links(DOCUMENTS).search("What did Ada Brenn design?", {"ada": 1.0}, {}, 5)
    assert found[0][0] == "image-0"


def test_a_link_leads_from_a_cell_to_the_passage_that_says_its_name() -> None:
    assert "ada" in dict(Links(DOCUMENTS).search("Which town has 812 people?", {"towns": 1.0}, {}, 5))


def test_a_name_that_the_question_says_is_not_followed() -> None:
    documents = [
        Document("a", Modality.PASSAGE, "Ada Brenn", "Ada Brenn designed the Velmar lighthouse."),
        Document("v", Modality.PASSAGE, "Velmar lighthouse", "It is tall."),
    ]
    assert Links(documents).search("Velmar lighthouse Ada Brenn designed", {"a": 1.0}, {}, 5) == []


@pytest.mark.parametrize("mentions", [40, 200])
def test_a_name_that_many_say_leads_to_the_document_that_it_titles(mentions: int) -> None:
    documents = [
        Document("ada", Modality.PASSAGE, "Ada Brenn", "Ada Brenn was born in Orsk."),
        Document("orsk", Modality.PASSAGE, "Orsk", "The town lies on a river."),
        *(Document(f"i{n}", Modality.PASSAGE, f"The Q{n}lor ferry", "A ferry in Orsk.") for n in range(mentions)),
    ]
    (first, *_) = Links(documents).search("When was the birthplace of Ada Brenn founded?", {"ada": 1.0}, {}, 12)
    assert first[0] == "orsk"


def test_search_reaches_the_second_hop_and_says_so(index: Index) -> None:
    hits = {hit.document.id: hit for hit in index.search(Query("What is the thing that Ada Brenn designed?"), 8)}
    assert "link" in {found.by for found in hits["image-0"].found}


def test_the_second_hop_is_among_the_first_twelve_of_many_alike(encoder: Encoder) -> None:
    kinds, people = ("lighthouse", "chapel", "ferry"), [f"Ivo M{chr(97 + i)}rr{chr(97 + i)}" for i in range(20)]
    documents, pictures = [], {}
    for number, (kind, person) in enumerate((kind, person) for kind in kinds for person in people):
        name = f"Q{chr(97 + number % 26)}{chr(97 + number // 26)}lor {kind}"
        pictures[f"i{number}"] = draw(COLOURS[number % 4])
        documents += [
            Document(f"i{number}", Modality.IMAGE, name, f"A {kind} seen by day.", image="x.png"),
            Document(
                f"p{number}", Modality.PASSAGE, f"{person} and the {kind}", f"{person} designed the {name} in 1890."
            ),
            Document(f"h{number}", Modality.PASSAGE, f"History of the {name}", f"The {name} was restored in 1931."),
        ]
    index = Index.build(documents, pictures.get, encoder)
    for number, person in enumerate(people):
        query = Query(f"What colour is the roof of the {kinds[0]} that {person} designed?")
        assert {f"i{number}", f"p{number}"} <= {hit.document.id for hit in index.search(query, 12)}


def test_a_question_with_a_picture_finds_that_picture_and_the_passage_about_it(index: Index) -> None:
    hits = index.search(Query("When was this first used?", png(draw("blue"))), 8)
    best = next(hit for hit in hits if any(found.by == "picture" and found.rank == 1 for found in hit.found))
    assert best.document.id == "image-2"
    assert best.found[0].score == pytest.approx(1, abs=1e-4)
    passage = next(hit for hit in hits if hit.document.id == "opening")
    assert "link" in {found.by for found in passage.found}


# --- the index


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


def test_an_index_of_another_encoder_is_refused(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(IndexUnusable, match="made by the encoder"):
        Index.load(saved, Encoder.load(write_checkpoint(tmp_path / "other", seed=1)))


def test_a_missing_index_names_the_remedy(tmp_path: Path, encoder: Encoder) -> None:
    with pytest.raises(IndexUnusable, match="python -m mmrag index"):
        Index.load(tmp_path / "none", encoder)


def test_any_harmed_file_is_named(saved: Path, encoder: Encoder) -> None:
    for path in sorted(saved.iterdir()):
        whole = path.read_bytes()
        offsets = [0, 1, 7, len(whole) // 3, len(whole) // 2, len(whole) - 2, len(whole) - 1]
        flipped = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in offsets]
        for harmed in (b"", *(whole[:at] for at in offsets), *flipped, whole + b"\n"):
            path.write_bytes(harmed)
            with pytest.raises(IndexUnusable, match="python -m mmrag index") as caught:
                Index.load(saved, encoder)
            assert path.name in str(caught.value)
        path.unlink()
        with pytest.raises(IndexUnusable, match=path.name):
            Index.load(saved, encoder)
        path.write_bytes(whole)
    assert len(Index.load(saved, encoder).documents) == len(DOCUMENTS)


def test_saving_again_leaves_only_the_new_files(index: Index, saved: Path, encoder: Encoder) -> None:
    (saved / ".texts.faiss.1234.part").write_bytes(b"left by a killed process")
    (saved / "texts-0123456789abcdef.faiss").write_bytes(b"left by another")
    (saved / "notes.txt").write_text("not ours")
    Index.load(saved, encoder)
    index.remove(["ada"])
    index.save(saved)
    assert len(list(saved.iterdir())) == 4 + 1
    assert (saved / "notes.txt").exists()
    assert "ada" not in Index.load(saved, encoder).documents


@pytest.mark.parametrize("call", ["open", "write", "fsync"])
def test_a_full_disk_at_any_moment_leaves_the_old_index(
    call: str, index: Index, saved: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = results(index)
    files = {path.name for path in saved.iterdir()}
    index.remove(["ada"])
    real = getattr(os, call)
    for failing in range(1, 100):
        calls = iter(range(1, 10_000))

        def full(*args: object, calls: object = calls, failing: int = failing, **kwargs: object) -> object:
            if next(calls) >= failing:  # type: ignore[call-overload]
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*args, **kwargs)

        monkeypatch.setattr(os, call, full)
        try:
            index.save(saved)
            break
        except StorageFull:
            pass
        finally:
            monkeypatch.setattr(os, call, real)
        loaded = Index.load(saved, encoder)
        if "ada" in loaded.documents:  # else only the flush after the last rename failed
            assert results(loaded) == old
            assert {path.name for path in saved.iterdir()} == files
    assert failing > 4
    assert "ada" not in Index.load(saved, encoder).documents


@pytest.mark.parametrize("moment", range(1, 5))
def test_a_process_killed_while_saving_leaves_the_old_index(
    moment: int, index: Index, saved: Path, encoder: Encoder
) -> None:
    old = results(index)
    index.remove(["ada"])
    if (child := os.fork()) == 0:
        left = [moment]
        real = os.fsync

        def die(handle: int) -> None:
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)
            real(handle)

        os.fsync = die
        index.save(saved)
        os._exit(0)
    os.waitpid(child, 0)
    assert results(Index.load(saved, encoder)) == old
    index.save(saved)
    assert len(list(saved.iterdir())) == 4


def test_a_folder_that_cannot_be_written_is_one_clear_error(index: Index, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(IndexUnusable, match="cannot be written"):
        index.save(tmp_path / "file" / "index")
