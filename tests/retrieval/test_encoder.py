"""open_clip as an encoder: vectors of length one, and a harmed checkpoint told by one clear error."""

from __future__ import annotations

import json
import pickle
import shutil
import socket
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file

from mmrag.errors import CheckpointError
from mmrag.retrieval import Encoder
from mmrag.retrieval.encoder import TOKENIZER
from mmrag.retrieval.words import full_text
from tests.retrieval.parts import DOCUMENTS, PICTURES, write_checkpoint


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


def test_a_checkpoint_that_wants_its_own_code_run_is_refused_and_none_of_it_runs(
    checkpoint: Path, tmp_path: Path
) -> None:
    folder, ran = Path(shutil.copytree(checkpoint, tmp_path / "clip")), tmp_path / "ran"
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"]["tokenizer_kwargs"] = {"trust_remote_code": True}
    (folder / "open_clip_config.json").write_text(json.dumps(config).replace("trust", "\\u0074rust"))
    named = json.loads((folder / "tokenizer_config.json").read_text())
    named |= {"tokenizer_class": "Evil", "auto_map": {"AutoTokenizer": ["tokenizer_evil.Evil", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))
    (folder / "tokenizer_evil.py").write_text(f"open({str(ran)!r}, 'w')\nclass Evil: pass\n")
    with pytest.raises(CheckpointError, match="trust_remote_code"):
        Encoder.load(folder)
    assert not ran.exists()
    assert not any(fnmatch("tokenizer_evil.py", pattern) for pattern in TOKENIZER), "nor is it fetched from a hub"
