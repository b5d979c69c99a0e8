"""Reciprocal-rank fusion: what every retriever found, once, and no order lost."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmrag.retrieval import fuse

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
