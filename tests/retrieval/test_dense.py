"""Many vectors: beyond `LARGE` they are searched in lists, and nothing else changes."""

from __future__ import annotations

from collections.abc import Iterator

import faiss
import numpy as np
import pytest

from mmrag.errors import IndexUnusable
from mmrag.retrieval import dense
from mmrag.retrieval.dense import Dense
from mmrag.retrieval.vectors import Vectors

IDS = [f"document-{number}" for number in range(3000)]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(dense, "LARGE", 1000)
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(threads)


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    """3000 vectors (3000, 16) of length 1 around 30 centres."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((30, 16), dtype=np.float32)
    made = centres[np.arange(3000) % 30] + 0.4 * rng.standard_normal((3000, 16), dtype=np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.fixture
def large(vectors: Vectors) -> Dense:
    """All of them, added in three parts, the last of them to lists."""
    made = Dense(16)
    for start in (0, 900, 2000):
        stop = {0: 900, 900: 2000, 2000: 3000}[start]
        made.add(IDS[start:stop], vectors[start:stop])
    return made


def test_a_large_index_finds_each_vector_first_with_its_cosine(large: Dense, vectors: Vectors) -> None:
    for number in range(0, 3000, 100):
        (first, score), *_ = large.search(vectors[number], 3)
        assert first == IDS[number]
        assert score == pytest.approx(1, abs=1e-3)


def test_a_large_index_finds_most_of_what_an_exact_search_finds(large: Dense, vectors: Vectors) -> None:
    found = 0
    for number in range(0, 3000, 100):
        exact = np.argsort(-vectors @ vectors[number])[:20]
        found += len({IDS[int(one)] for one in exact} & {name for name, _ in large.search(vectors[number], 20)})
    assert found / (30 * 20) > 0.9


def test_what_is_removed_from_a_large_index_is_gone_and_the_rest_stays(large: Dense, vectors: Vectors) -> None:
    large.remove([*IDS[::2], "nobody"])
    assert len(large) == 1500
    for number in range(0, 3000, 50):
        assert IDS[number] not in dict(large.search(vectors[number], 20))
        assert large.search(vectors[number + 1], 1)[0][0] == IDS[number + 1]
    large.add(IDS[:1], vectors[:1])
    assert large.search(vectors[0], 1)[0][0] == IDS[0]


def test_an_emptied_large_index_finds_nothing(large: Dense, vectors: Vectors) -> None:
    large.remove(IDS)
    assert large.search(vectors[0], 5) == []


def test_a_large_index_is_read_back_as_it_was(large: Dense, vectors: Vectors) -> None:
    large.remove(IDS[:10])
    again = Dense.from_bytes(large.to_bytes(), IDS[10:], 16)
    for number in range(0, 3000, 300):
        assert again.search(vectors[number], 20) == large.search(vectors[number], 20)
    with pytest.raises(IndexUnusable, match="other documents"):
        Dense.from_bytes(large.to_bytes(), IDS, 16)
    with pytest.raises(IndexUnusable, match="dimension 32"):
        Dense.from_bytes(large.to_bytes(), IDS[10:], 32)


def test_a_search_never_finds_more_than_there_is(large: Dense, vectors: Vectors) -> None:
    found = large.search(vectors[0], 5000)
    assert 0 < len(found) <= 3000
    assert len(dict(found)) == len(found)


def test_a_large_index_with_empty_lists_is_read_back(large: Dense, vectors: Vectors) -> None:
    """What stands where an empty list has no ids made floats of all of them, and the index was made anew each time."""
    gone = [name for name, vector in zip(IDS, vectors, strict=True) if vector[0] > 0.1]
    large.remove(gone)
    left = sorted(set(IDS) - set(gone))
    assert len(left) > 1000
    assert any(large._index.invlists.list_size(one) == 0 for one in range(large._index.nlist))
    assert len(Dense.from_bytes(large.to_bytes(), left, 16)) == len(left)


def test_a_large_index_that_shrank_finds_all_that_is_left(large: Dense, vectors: Vectors) -> None:
    large.remove(IDS[20:])
    assert {name for name, _ in large.search(vectors[500], 20)} == set(IDS[:20])
    assert {name for name, _ in Dense.from_bytes(large.to_bytes(), IDS[:20], 16).search(vectors[9], 20)} == set(
        IDS[:20]
    )
