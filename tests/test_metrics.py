"""Contract of mmrag.metrics: the official scripts' golden vectors, and what must hold of any input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmrag import metrics

WORDS = st.lists(st.text(max_size=12), max_size=5)
IDS = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)

# (predicted, gold, EM, F1), printed by MultimodalQA's own baselines/evaluate.py
MMQA = (
    (["The Beatles"], ["beatles"], 1, 1),
    (["3"], ["three"], 1, 1),
    (["1,000"], ["1000"], 1, 1),
    (["$5.50"], ["5.5"], 0, 0),
    (["well-known"], ["well known"], 1, 1),
    (["b", "a"], ["a", "b"], 1, 1),
    (["a"], ["a", "b"], 0, 0.5),
    (["red car"], ["red truck"], 0, 0.5),
    (["2 red cars"], ["3 red cars"], 0, 0),
    (["one hundred"], ["100"], 0, 0.67),
    (["point"], ["point"], 1, 1),
)


@pytest.mark.parametrize(("predicted", "gold", "em", "f1"), MMQA)
def test_multimodalqa_scores_are_those_of_the_official_script(
    predicted: list[str], gold: list[str], em: float, f1: float
) -> None:
    assert metrics.list_em(predicted, gold) == em
    assert metrics.list_f1(predicted, gold) == f1


@pytest.mark.parametrize(
    ("answer", "keywords", "category", "score"),
    [
        ("The roof is red.", "red", "color", 1),
        ("The roof is red and blue", "red", "color", 2 / 3),
        ("It is a nice roof", "red", "color", 0),
        ("red", "roof", "color", 0),  # the gold has no word of the domain, so nothing can overlap
        ("Yes, it is", '"Yes"', "YesNo", 1),
        ("no", "yes", "YesNo", 0),
        ("There are three windows, of 2 kinds", "3", "number", 2 / 3),
        ("It is the 007", "7", "number", 1),
        ("twenty one boats", "20 1", "number", 1),  # word by word, as theirs
        ("a round board", "round", "shape", 1),
        ("The north gate, 3.5 m high", "north gate 3.5", "Others", 1),
        ("the gate", "north gate", "Others", 0.5),
        ("a very long answer with the oak in it", "oak", "choose", 1),
        ("opened in 1874", "1874 Ada Brenn", "text", 1 / 3),
    ],
)
def test_webqa_keyword_accuracy_is_f1_in_closed_domains_and_recall_elsewhere(
    answer: str, keywords: str, category: str, score: float
) -> None:
    assert metrics.keyword_accuracy(answer, keywords, category) == pytest.approx(score, abs=1e-4)


def test_squad_scores_take_the_best_of_several_references() -> None:
    assert metrics.exact_match("The Red roof!", ["blue", "red roof"]) == 1
    assert metrics.token_f1("red roof", ["blue", "a red barn"]) == 0.5


def test_an_answer_that_lists_several_splits_into_its_items() -> None:
    assert metrics.as_list("oak, elm") == ("oak", "elm")
    assert metrics.as_list("oak") == ("oak",)


@given(WORDS)
def test_a_list_agrees_with_itself(items: list[str]) -> None:
    assert metrics.list_em(items, items) == 1
    assert metrics.list_f1(items, items) == 1


@given(WORDS, WORDS)
def test_answer_scores_lie_between_0_and_1_and_ignore_order(ours: list[str], theirs: list[str]) -> None:
    assert 0 <= metrics.list_f1(ours, theirs) <= 1
    assert metrics.list_f1(ours, theirs) == metrics.list_f1(ours[::-1], theirs)
    assert metrics.list_em(ours, theirs) == metrics.list_em(ours, theirs[::-1])
    assert 0 <= metrics.token_f1(" ".join(ours), theirs) <= 1


@given(st.text(), st.text(), st.sampled_from(["color", "shape", "number", "YesNo", "choose", "Others", "text"]))
def test_keyword_accuracy_lies_between_0_and_1_on_any_text(answer: str, keywords: str, category: str) -> None:
    assert 0 <= metrics.keyword_accuracy(answer, keywords, category) <= 1


def test_rankings_score_by_hand_computed_values() -> None:
    assert metrics.recall_at(2, ["x", "a", "b"], {"a", "b"}) == 0.5
    assert metrics.reciprocal_rank(["x", "a"], {"a"}) == 0.5
    assert metrics.ndcg(["x", "a"], {"a"}) == pytest.approx(1 / math.log2(3))
    assert metrics.ndcg(["a", "x", "b"], {"a", "b"}) == pytest.approx(1.5 / (1 + 1 / math.log2(3)))
    assert metrics.evidence_f1(["a", "x"], {"a"}) == pytest.approx(2 / 3)


@given(IDS, IDS)
def test_a_ranking_is_perfect_exactly_when_all_gold_comes_first(ranked: list[str], gold: list[str]) -> None:
    first = set(ranked[: len(gold)]) == set(gold) if gold else not ranked
    assert (metrics.ndcg(ranked, gold) > 1 - 1e-9) == first
    assert (metrics.recall_at(len(ranked), ranked, gold) == 1) == (set(gold) <= set(ranked) if gold else not ranked)
    assert 0 <= metrics.reciprocal_rank(ranked, gold) <= 1
    assert (metrics.evidence_f1(ranked, gold) == 1) == (set(ranked) == set(gold))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_f1_is_the_harmonic_mean_of_precision_and_recall(pairs: list[tuple[bool, bool]]) -> None:
    counts = metrics.Counts.of(pairs)
    arrays = [np.array([n]) for n in (counts.true_keep, counts.false_keep, counts.false_drop)]
    p, r, f = (float(score(*arrays)) for score in (metrics.precision, metrics.recall, metrics.f1))
    assert f == pytest.approx(2 * p * r / (p + r) if p + r else 0)


def test_an_interval_holds_its_value_and_is_the_same_for_the_same_seed() -> None:
    values = [0.0, 1.0] * 50
    first = metrics.mean(values, seed=3)
    assert first == metrics.mean(values, seed=3)
    assert first.low < first.value == 0.5 < first.high
    assert 0.15 < first.high - first.low < 0.25  # 2 * 1.96 * sqrt(0.25 / 100)
    assert metrics.mean([1.0] * 5).to_dict() == {"value": 1.0, "ci95": [1.0, 1.0]}
    assert metrics.mean([0.25]).low == 0.25


def test_a_paired_difference_is_surer_than_the_two_means() -> None:
    easy = [i / 100 for i in range(100)]
    hard = [value - 0.1 for value in easy]
    difference = metrics.paired_difference(easy, hard)
    assert difference.value == pytest.approx(0.1)
    assert difference.high - difference.low < 1e-9


def test_nothing_cannot_be_estimated() -> None:
    with pytest.raises(ValueError, match="no values"):
        metrics.mean([])
