"""Contract of mmrag.session: collections opened, traces saved, and the backend that the pages are given."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import mmrag
from mmrag import notebook
from mmrag.errors import BadCollection, BadInput, BadPicture, BadQuestion, CheckpointError, StorageFull, UnknownId
from mmrag.session import OpenCollection, SavedTraces, Session, ask, open_collection, open_policy, saved
from mmrag.session import opened as opened_module
from mmrag.settings import Settings
from mmrag.types import Modality, Phase, Query, Trace
from mmrag.ui.backend import Backend
from mmrag.ui.markup import esc
from tests.conftest import draw

SHORT = Settings(retrieve=3, top_k=2, threshold=0.0, max_new_tokens=8)
Opener = Callable[[], tuple[OpenCollection, list[int]]]


@pytest.fixture
def folder(tiny_collection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that a test may change, with a data folder of its own."""
    monkeypatch.setenv("MMRAG_DATA", str(tmp_path / "data"))
    return Path(shutil.copytree(tiny_collection, tmp_path / "orsk"))


@pytest.fixture
def reopen(folder: Path, random_encoder: Path) -> Opener:
    def opener() -> tuple[OpenCollection, list[int]]:
        worked: list[int] = []
        return open_collection(folder, encoder=random_encoder, progress=lambda done, _: worked.append(done)), worked

    return opener


def trace(name: str = "0123456789abcdef", text: str = "Why?") -> Trace:
    return Trace(name, Query(text), "rft", "2026-11-20T12:00:00Z")


def test_the_session_is_the_backend_that_the_pages_ask_for(session: Session) -> None:
    backend: Backend = session
    assert backend.collection() == ("Orsk", {Modality.IMAGE: 3, Modality.PASSAGE: 3, Modality.TABLE: 1})
    assert backend.stages() == ("sft", "base")
    assert backend.describe().quantization == "none"
    picture = backend.picture("velmar")
    assert picture is not None
    assert picture.size == (160, 120)
    assert backend.picture("ada") is None


def test_examples_are_dev_questions_by_a_label_that_a_person_reads(session: Session) -> None:
    found = session.examples()
    assert {label: [one.id for one in many] for label, many in found.items()} == {
        "colour": ["q1"],
        "in a table": ["q4"],
        "not in the collection": ["q3"],
    }
    assert session.example("q2").picture is not None
    with pytest.raises(UnknownId, match="q9"):
        session.example("q9")


def test_an_index_is_made_once_and_then_loaded(reopen: Opener) -> None:
    first, worked = reopen()
    assert worked
    second, again = reopen()
    assert again == []
    query = Query("When did the lighthouse open?")
    assert second.search(query, 5) == first.search(query, 5)


def test_a_folder_whose_path_is_no_utf8_is_opened(folder: Path, random_encoder: Path) -> None:
    strange = Path(os.fsdecode(os.fsencode(folder.parent) + b"/caf\xe9"))
    folder.rename(strange)
    opened = open_collection(strange, encoder=random_encoder)
    assert opened.search(Query("lighthouse"), 1)
    assert esc(opened.title) == "Caf\ufffd"


def test_a_changed_folder_is_noticed_and_its_index_brought_up_to_date(folder: Path, reopen: Opener) -> None:
    reopen()
    lines = (folder / "corpus.jsonl").read_text("utf-8").splitlines()
    new = {"id": "new", "kind": "passage", "title": "Zanzibar ferry", "text": "It sails to Zanzibar."}
    kept = [line for line in lines if json.loads(line)["id"] != "harbour"]
    (folder / "corpus.jsonl").write_text("\n".join([*kept, json.dumps(new)]) + "\n", "utf-8")
    opened, worked = reopen()
    assert worked
    assert "harbour" not in opened.index.documents
    hits = opened.search(Query("Zanzibar"), 7)
    assert [hit.document.id for hit in hits if any(found.by == "words" for found in hit.found)] == ["new"]


def test_what_changes_while_the_encoder_is_loaded_is_noticed_the_next_time(
    folder: Path, reopen: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stamp told of the folder as it was when the index was made, and the index of what was read before."""
    usual = opened_module.load_encoder

    def slowly(source: str) -> object:
        text = (folder / "corpus.jsonl").read_text("utf-8")
        (folder / "corpus.jsonl").write_text(text.replace("two moles", "nine moles"), "utf-8")
        return usual(source)

    monkeypatch.setattr(opened_module, "load_encoder", slowly)
    reopen()
    monkeypatch.setattr(opened_module, "load_encoder", usual)
    again, _ = reopen()
    assert "nine moles" in again.document("harbour").text
    assert again.index.documents == again.collection.documents


def test_a_damaged_index_is_made_anew(tmp_path: Path, reopen: Opener) -> None:
    reopen()
    (manifest,) = (tmp_path / "data" / "index").glob("*/manifest.json")
    manifest.write_text("{", "ascii")
    opened, worked = reopen()
    assert worked
    assert len(opened.index.documents) == 7


def test_a_damaged_picture_is_one_error_and_the_index_there_stays_usable(folder: Path, reopen: Opener) -> None:
    reopen()
    whole = (folder / "gegim.png").read_bytes()
    (folder / "gegim.png").write_bytes(whole[:200])
    with pytest.raises(BadPicture, match=r"gegim\.png"):
        reopen()
    (folder / "gegim.png").write_bytes(whole)
    assert reopen()[0].search(Query("chapel"), 1)


def test_a_missing_folder_and_a_missing_model_name_themselves(tmp_path: Path, random_encoder: Path) -> None:
    with pytest.raises(BadCollection, match="nowhere"):
        open_collection(tmp_path / "nowhere", encoder=random_encoder)
    with pytest.raises(CheckpointError, match="nowhere"):
        open_policy(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("text", ["", " \t\n", "x" * 10_000, "?!…", "\x00\x1b"])
def test_an_unusable_question_is_one_error_and_the_next_is_answered(session: Session, text: str) -> None:
    with pytest.raises(BadQuestion):
        list(session.ask(Query(text), "sft", SHORT))
    assert list(session.ask(Query("東京の塔は?"), "sft", SHORT))[-1].phase is Phase.DONE


def test_an_unknown_stage_is_named_with_those_there_are(session: Session) -> None:
    with pytest.raises(UnknownId, match=r"stage2.*sft, base"):
        list(session.ask(Query("Why?"), "stage2", SHORT))


def test_an_uploaded_picture_becomes_small_png_and_a_bad_one_an_error(session: Session, tmp_path: Path) -> None:
    Image.effect_noise((1500, 900), 40).convert("CMYK").save(tmp_path / "large.jpg")
    safe = session.query_picture((tmp_path / "large.jpg").read_bytes())
    assert safe.startswith(b"\x89PNG")
    for bad in (b"", b"<svg/>", safe[:300]):
        with pytest.raises(BadPicture):
            session.query_picture(bad)


def test_a_saved_trace_reads_back_equal_in_another_process_memory(tmp_path: Path) -> None:
    SavedTraces(tmp_path).save(trace())
    SavedTraces(tmp_path).save(trace(text="Why not?"))
    assert SavedTraces(tmp_path).load("0123456789abcdef") == trace(text="Why not?")
    assert [path.name for path in tmp_path.iterdir()] == ["0123456789abcdef.json"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "0123456789ABCDEF", "", "0" * 17, "0123456789abcde\n", "\u0660" * 16]
)
def test_an_id_that_is_not_16_hex_digits_reaches_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownId):
        SavedTraces(tmp_path).load(name)
    with pytest.raises(BadInput, match="16 hex digits"):
        SavedTraces(tmp_path).save(trace(name))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text", [None, "", "{", '{"version": 9}', "[]", "[" * 200_000, "\udcff"], ids=lambda text: repr(text)[:12]
)
def test_a_trace_that_is_missing_or_damaged_is_unknown(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "0123456789abcdef.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UnknownId, match="0123456789abcdef"):
        SavedTraces(tmp_path).load("0123456789abcdef")


def test_the_oldest_traces_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "KEPT", 3)
    for number in range(6):
        SavedTraces(tmp_path).save(trace(f"{number:016x}"))
    assert sorted(path.stem for path in tmp_path.iterdir()) == [f"{number:016x}" for number in (3, 4, 5)]


def test_a_full_disk_is_one_error_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFull, match="could not be saved"):
        SavedTraces(tmp_path / "file" / "traces").save(trace())


def test_ask_gives_the_whole_trace_and_takes_a_picture(
    opened: OpenCollection, random_checkpoint: Path, tmp_path: Path
) -> None:
    draw("red").save(tmp_path / "asked.png")
    picture = tmp_path / "asked.png"
    done = ask("When was this opened?", picture, opened, stage="base", checkpoint=random_checkpoint, settings=SHORT)
    assert done.phase is Phase.DONE
    assert done.query.picture is not None
    assert done.fingerprint is not None
    assert done.fingerprint.adapter is None


def test_a_notebook_shows_a_trace_with_its_pictures_escaped_and_sandboxed(session: Session) -> None:
    hostile = "</iframe><script>alert(1)</script>\" onload='x' Velmar lighthouse?"
    *_, done = session.ask(Query(hostile), "sft", Settings(retrieve=7, top_k=2, threshold=0.0, max_new_tokens=8))
    shown = notebook.trace_html(done)
    assert shown.startswith('<iframe sandbox="allow-scripts" srcdoc="')
    assert shown.count("<") == 2  # the frame's own tags: all within is escaped
    assert len(set(re.findall("data:image/png;base64,[^&]+", shown))) == 3
    assert notebook.trace_html(Trace.from_dict(json.loads(json.dumps(done.to_dict()))))


def test_a_notebook_shows_a_trace_whose_picture_is_gone(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    *_, done = session.ask(
        Query("Velmar lighthouse?"), "sft", Settings(retrieve=7, top_k=2, threshold=0.0, max_new_tokens=8)
    )
    whole = notebook.trace_html(done)

    def gone(*_: object) -> None:
        raise BadPicture("there is no file")

    monkeypatch.setattr(OpenCollection, "picture", gone)
    assert (whole.count("data:image") > 0, notebook.trace_html(done).count("data:image")) == (True, 0)


def test_the_package_exports_what_it_says_and_imports_without_torch() -> None:
    assert all(getattr(mmrag, name) is not None for name in mmrag.__all__)
    assert set(mmrag.__all__) <= set(dir(mmrag))
    with pytest.raises(AttributeError, match="nothing_here"):
        mmrag.nothing_here  # noqa: B018
    code = "import sys, mmrag; mmrag.open_collection; assert not {'torch', 'gradio', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
