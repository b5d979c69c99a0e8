"""Nearest vectors: a FAISS index under document ids. Vectors have length 1, so the inner product is the cosine.

Up to `LARGE` vectors every one is looked at. Beyond, they are kept in half precision in lists around centres found by
k-means, and the lists nearest to the query are looked at: half the memory, and a small part of the time, for a few
neighbours missed in a hundred (docs/bench.json). What was once large stays in lists; small again, all are looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Self

import faiss
import numpy as np

from mmrag.errors import IndexUnusable
from mmrag.retrieval.fusion import best
from mmrag.retrieval.vectors import Vectors

LARGE = 50_000  # vectors; up to here a search of all takes a few milliseconds
CENTRES = 4  # times the square root of the number of vectors: many short lists find more than few long ones
PER_CENTRE = 40  # vectors that k-means looks at for each centre
LOOKED_AT = 32  # one list in so many


class Dense:
    """Document ids by vector; scores are cosines in [-1, 1], exact up to `LARGE` vectors."""

    def __init__(self, dimension: int) -> None:
        self._index: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        self._ids: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Put in `vectors` (n, dimension), row i under `ids[i]`; ids are new here."""
        if ids:
            numbers = [_number(name) for name in ids]
            self._index.add_with_ids(np.ascontiguousarray(vectors), np.array(numbers, dtype=np.int64))
            self._ids.update(zip(numbers, ids, strict=True))
            if len(self) > LARGE and isinstance(self._index, faiss.IndexIDMap2):
                self._index = _in_lists(self._index)
            self._look_wide_enough()

    def remove(self, ids: Iterable[str]) -> None:
        """Take out those of `ids` that are here."""
        numbers = [number for name in ids if (number := _number(name)) in self._ids]
        if numbers:
            self._index.remove_ids(np.array(numbers, dtype=np.int64))
        for number in numbers:
            del self._ids[number]
        self._look_wide_enough()

    def search(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """The `limit` nearest ids to `vector` (dimension,) with their cosines, best first, ties by id."""
        count = min(limit, len(self))
        if count == 0:
            return []
        scores, numbers = self._index.search(vector[None], count)  # both (1, count)
        # Where the lists looked at hold too few, FAISS fills up with -1.
        return best({self._ids[int(n)]: float(s) for s, n in zip(scores[0], numbers[0], strict=True) if n >= 0})

    def _look_wide_enough(self) -> None:
        if isinstance(self._index, faiss.IndexIVF):  # where few are left, most lists are empty
            self._index.nprobe = max(1, self._index.nlist // LOOKED_AT) if len(self) > LARGE else self._index.nlist

    def to_bytes(self) -> bytes:
        """FAISS's own serialisation."""
        data: bytes = faiss.serialize_index(self._index).tobytes()
        return data

    @classmethod
    def from_bytes(cls, data: bytes, ids: Iterable[str], dimension: int) -> Self:
        """The index that `to_bytes` wrote, for exactly `ids`. Hand in bytes whose hash was checked: FAISS trusts them.

        Raises:
            IndexUnusable: it is of another kind or dimension, or holds other ids.
        """
        dense = cls(dimension)
        try:
            dense._index = faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
        except RuntimeError as error:
            raise IndexUnusable("is not an index that this FAISS can read") from error
        dense._ids = {_number(name): name for name in ids}
        if not isinstance(dense._index, faiss.IndexIDMap2 | faiss.IndexIVF) or dense._index.d != dimension:
            raise IndexUnusable(f"is not an index of vectors of dimension {dimension}")
        if set(_numbers(dense._index).tolist()) != set(dense._ids):
            raise IndexUnusable("holds other documents than the list beside it")
        return dense


def _number(name: str) -> int:
    """FAISS knows documents by 63-bit numbers: the head of the id's hash, so that nothing needs to be remembered."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def _numbers(index: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The numbers of all vectors in `index`."""
    if isinstance(index, faiss.IndexIDMap2):
        numbers: np.ndarray[Any, np.dtype[np.int64]] = faiss.vector_to_array(index.id_map)
        return numbers
    lists = index.invlists
    filled = ((one, size) for one in range(index.nlist) if (size := lists.list_size(one)))
    # An empty list has no ids to point at: what stands there are floats, and would make floats of all numbers.
    parts = [faiss.rev_swig_ptr(lists.get_ids(one), size) for one, size in filled]
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _in_lists(exact: Any) -> Any:
    """The vectors of an exact index, under the same numbers, in lists."""
    vectors = exact.index.reconstruct_n(0, exact.ntotal)  # (n, dimension)
    count = int(CENTRES * exact.ntotal**0.5)
    index: Any = faiss.index_factory(exact.d, f"IVF{count},SQfp16", faiss.METRIC_INNER_PRODUCT)
    index.train(vectors[:: max(1, len(vectors) // (PER_CENTRE * count))])
    index.add_with_ids(vectors, _numbers(exact))
    return index
