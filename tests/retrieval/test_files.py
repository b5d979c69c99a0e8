"""The index on disk: whole or refused, whatever happens while it is saved."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mmrag.errors import IndexUnusable, StorageFull
from mmrag.retrieval import Encoder, Index
from tests.retrieval.parts import DOCUMENTS, results, write_checkpoint


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
            if next(calls) >= failing:
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
