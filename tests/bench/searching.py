"""Searching a million vectors: the index that the program chooses against an exact search of all."""

from __future__ import annotations

import time
from typing import Any

import faiss
import numpy as np
from rich.table import Table

from mmrag.retrieval.dense import Dense
from mmrag.retrieval.vectors import Vectors
from tests.bench.machine import percentile

COUNT, DIMENSION = 1_000_000, 128
CENTRES, SPREAD = 20_000, 0.8  # vectors come in groups, as pictures do; the groups overlap
QUERIES, NEAREST = 200, 20


def measure() -> dict[str, Any]:
    """Recall against exact search, seconds a query, bytes on disk and in memory, seconds to build."""
    vectors, queries = synthetic(COUNT)
    names = [str(number) for number in range(COUNT)]
    exact = faiss.IndexFlatIP(DIMENSION)
    exact.add(vectors)
    seconds, true = _search_exactly(exact, queries)
    figures: dict[str, Any] = {"vectors": COUNT, "dimension": DIMENSION, "nearest": NEAREST}
    figures["exact"] = {"recall": 1.0, "p50_s": percentile(seconds, 50), "bytes": vectors.nbytes, "build_s": None}
    del exact
    started = time.perf_counter()
    ours = Dense(DIMENSION)
    ours.add(names, vectors)
    built = time.perf_counter() - started
    seconds, found = [], 0
    for query, wanted in zip(queries, true, strict=True):
        started = time.perf_counter()
        near = ours.search(query, NEAREST)
        seconds.append(time.perf_counter() - started)
        found += len(wanted & {int(name) for name, _ in near})
    figures["ours"] = {
        "recall": found / (QUERIES * NEAREST),
        "p50_s": percentile(seconds, 50),
        "bytes": len(ours.to_bytes()),
        "build_s": built,
    }
    return figures


def table(figures: dict[str, Any]) -> Table:
    """The figures as a person reads them."""
    exact, ours = figures["exact"], figures["ours"]
    made = Table("", "exact", "ours", "ratio", title=f"Searching {figures['vectors']:,} vectors")
    made.add_row(f"recall@{figures['nearest']}", "1", f"{ours['recall']:.3f}", "")
    fast = exact["p50_s"] / ours["p50_s"]
    made.add_row("p50", f"{exact['p50_s'] * 1e3:.1f} ms", f"{ours['p50_s'] * 1e3:.1f} ms", f"{fast:.0f} times as fast")
    small = exact["bytes"] / ours["bytes"]
    made.add_row("memory", f"{exact['bytes'] / 1e6:.0f} MB", f"{ours['bytes'] / 1e6:.0f} MB", f"1 / {small:.1f}")
    made.add_row("build", "", f"{ours['build_s']:.0f} s", "")
    return made


def synthetic(count: int) -> tuple[Vectors, Vectors]:
    """Vectors (count, dimension) in overlapping groups, and queries near some of them; always the same."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((CENTRES, DIMENSION), dtype=np.float32)
    vectors = SPREAD * rng.standard_normal((count, DIMENSION), dtype=np.float32)
    vectors += centres[rng.integers(0, CENTRES, count)]
    faiss.normalize_L2(vectors)
    queries = vectors[rng.integers(0, count, QUERIES)]
    queries += 0.03 * rng.standard_normal(queries.shape, dtype=np.float32)
    faiss.normalize_L2(queries)
    return vectors, queries


def _search_exactly(index: Any, queries: Vectors) -> tuple[list[float], list[set[int]]]:
    seconds, found = [], []
    for query in queries:
        started = time.perf_counter()
        _, numbers = index.search(query[None], NEAREST)
        seconds.append(time.perf_counter() - started)
        found.append(set(numbers[0].tolist()))
    return seconds, found
