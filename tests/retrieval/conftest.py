"""The encoder, the index of a few documents, and its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmrag.retrieval import Encoder, Index
from tests.retrieval.parts import DOCUMENTS, PICTURES, write_checkpoint


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
