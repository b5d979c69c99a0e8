"""Rewards are worth what they say: right beats partly right, and no trick beats an honest attempt."""

from __future__ import annotations

import doctest
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmrag.policy.grammar import NOT_FOUND
from mmrag.types import Hop, Question
from training import rewards
from training.rewards import judged, listwise, pointwise, ranked, score

SHOWN = ["a", "b", "c", "d", "e"]
COLOUR = Question("q1", "What colour is the roof?", ("red",), evidence=("b",), category="color", type="ImageQ")
HOPS = Question("q2", "Who drew the chart shown here?", ("Ada Brenn",), evidence=("a", "d"), type="Compose")
ABSENT = Question("q3", "Who insures it?", (NOT_FOUND,), category="Others", type="Unanswerable")
QUESTIONS = (COLOUR, HOPS, ABSENT)


def form(think: str, rank: str, answer: str) -> str:
    return f"<think>{think}</think><rank>{rank}</rank><answer>{answer}</answer>"


BEST = {
    "q1": form("The roof is red [2].", "[2]", "red"),
    "q2": form("This is the Gor chart [4]. Ada Brenn drew the Gor chart [1].", "[1] > [4]", "Ada Brenn"),
    "q3": form("No document holds the answer.", "none", NOT_FOUND),
}
# What an honest model writes that has not got everything right: the right document and a wrong answer, or the other
# way round, or one of two documents; and for what is not there, an idle sentence.
PARTIAL = {
    "q1": [
        form("The roof is blue [2].", "[2]", "blue"),
        form("The roof is red [1]. The roof is white [2].", "[1] > [2]", "red"),
    ],
    "q2": [
        form("Ada Brenn drew the Gor chart [1].", "[1]", "Ada Brenn"),
        form("This is the Gor chart [4]. Ivo Zil drew the Gor chart [1].", "[1] > [4]", "Ivo Zil"),
    ],
    "q3": [form("No document holds the answer. The roof is red [2].", "none", NOT_FOUND)],
}
LONG = " ".join(f"The roof is red as can be seen once more in view {n} [2]." for n in range(40))
DEGENERATE = {
    "empty": "",
    "nothing but an answer": "red",
    "an answer without the other parts": "<answer>red</answer>",
    "empty parts": form("", "none", ""),
    "empty think and a guess": form("", "none", "red"),
    "empty think, everything ranked": form("", "[1] > [2] > [3] > [4] > [5]", "blue"),
    "cites all, ranks all, answers wrongly": form(
        "All say so [1][2][3][4][5].", "[1] > [2] > [3] > [4] > [5]", "green"
    ),
    "one sentence each, ranks all, answers wrongly": form(
        "One [1]. Two [2]. Three [3]. Four [4]. Five [5].", "[3] > [5] > [1] > [2] > [4]", "green"
    ),
    "cites none": form("The roof is something.", "none", "green"),
    "cites none and ranks one": form("The roof is something.", "[3]", "green"),
    "two answers": form("The roof is red [2].", "[2]", "red") + "<answer>Ada Brenn</answer>",
    "two wholes": BEST["q1"] + BEST["q1"],
    "ids out of range": form("The roof is red [7].", "[7] > [9]", "red"),
    "a rank with an id out of range": form("The roof is red [2].", "[2] > [6]", "red"),
    "an id twice": form("The roof is red [2].", "[2] > [2]", "red"),
    "the answer in the wrong part": "<think>red Ada Brenn</think><answer>[2]</answer><rank>[2]</rank>",
    "parts never closed": "<think>The roof is red [2].<rank>[2]<answer>red",
    "endless reasoning of the wrong document": form(LONG.replace("[2]", "[3]"), "[3]", "green"),
    "endless reasoning without end": "<think>" + LONG,
    "keyword stuffing": form(
        "Words [3].", "[3]", "red, blue, green, yellow, white, black, Ada Brenn, Ivo Zil, yes, no, 1, 2, 3"
    ),
    "keyword stuffing in one phrase": form("Words [3].", "[3]", "red blue green white Ada Brenn Ivo Zil yes no 12"),
    "copies the prompt": "Answer the question from the documents alone. [1] The roof. [/1] Question: What colour?",
    "copies the form's own example": "<think>...</think><rank>[2] > [1]</rank><answer>...</answer>",
    "always the same guess": form("The roof is blue [5].", "[5]", "blue"),
    "markup in the answer": form("The roof is red [2].", "[2]", "<b>red</b> <think>red</think>"),
    "numbers as words": form("The roof is red (two).", "two", "red"),
    "a repeated sentence": form("So it is [5]. " * 20, "[5]", "yes"),
}
GIVING_UP = BEST["q3"]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.id)
def test_the_best_is_worth_one(question: Question) -> None:
    assert ranked(BEST[question.id], question, SHOWN).total == 1.0


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.id)
@pytest.mark.parametrize("trick", DEGENERATE)
def test_no_degenerate_output_outscores_an_honest_partial_answer(trick: str, question: Question) -> None:
    honest = [ranked(one, question, SHOWN).total for one in PARTIAL[question.id]]
    assert ranked(DEGENERATE[trick], question, SHOWN).total < min(honest)


@pytest.mark.parametrize("question", [COLOUR, HOPS], ids=lambda one: one.id)
def test_giving_up_where_the_answer_is_shown_is_worth_nothing(question: Question) -> None:
    assert ranked(GIVING_UP, question, SHOWN).total == 0.0


def test_giving_up_is_right_where_some_of_the_evidence_is_not_shown() -> None:
    shown = ["a", "b", "c"]  # of a and d
    assert ranked(GIVING_UP, HOPS, shown).total == 1.0
    assert ranked(form("Ada Brenn drew it [1].", "[1]", "Ada Brenn"), HOPS, shown).total == 0.0


@pytest.mark.parametrize(
    ("think", "worth"),
    [
        ("This is the Gor chart [4]. No document holds the answer.", 1.0),
        ("No document holds the answer.", 0.0),  # it is so, but not why
        ("This is the Gor chart [1]. No document holds the answer.", 0.0),
        ("This is the Gor chart [4].", 0.0),
        ("This is the Gor chart [4]. Ada Brenn drew it [1].", 1 / 3),
        ("No document holds the answer. This is the Gor chart [4].", 0.0),
        ("This is it [4]. This is it [4]. This is it [4]. No document holds the answer.", 0.5),
        ("One [1]. Two [2]. Three [3]. This is the Gor chart [4]. No document holds the answer.", 0.16),
    ],
)
def test_where_a_later_hop_is_lost_the_reasoning_tells_the_hops_before_it(think: str, worth: float) -> None:
    shown = ["b", "c", "e", "d"]  # of d, then a
    hops = (Hop("Which chart?", "image", "Gor", ("d",)), Hop("Who drew Gor?", "text", "Ada Brenn", ("a",)))
    found = ranked(form(think, "none", NOT_FOUND), replace(HOPS, hops=hops), shown)
    assert found.components["reasoning"] == pytest.approx(worth, abs=1e-6)
    assert (found.components["ranking"], found.components["answer"]) == (1.0, 1.0)


def test_two_steps_on_one_document_may_be_told_and_concluded_and_no_more() -> None:
    first, second = (Hop(f"How long is {name}?", "table", length, ("b",)) for name, length in (("A", "3"), ("B", "5")))
    rows = Question("q", "Which is longer?", ("B",), evidence=("b",), hops=(first, second), category="choose")
    told = "A is 3 m long [2]. B is 5 m long [2]. B is longer [2]."
    assert ranked(form(told, "[2]", "B"), rows, SHOWN).total == 1.0
    padded = ranked(form(f"{told} That is much [2].", "[2]", "B"), rows, SHOWN)
    assert padded.components["reasoning"] == 0.75
    elsewhere = replace(rows, evidence=("b", "c"), hops=(first, replace(second, evidence=("c",))))
    half = ranked(form(told, "[2]", "B"), elsewhere, SHOWN)
    assert half.components["reasoning"] == pytest.approx(4 / 9, abs=1e-6), "no excuse by what is not ranked"


def test_each_sentence_more_than_the_ranking_gives_reason_for_costs() -> None:
    short = ranked(BEST["q1"], COLOUR, SHOWN)
    padded = ranked(form("The roof is red [2]. It is bright [2]. It is high [2].", "[2]", "red"), COLOUR, SHOWN)
    repeated = ranked(form("The roof is red [2]. The roof is red [2].", "[2]", "red"), COLOUR, SHOWN)
    assert padded.components["reasoning"] == pytest.approx(2 / 3, abs=1e-6)
    assert repeated.components["reasoning"] == 0.5
    assert short.total > padded.total > repeated.total


def test_reasons_for_one_hop_of_two_are_worth_less_than_for_both() -> None:
    """The first run of stage II stopped after one hop and guessed: its reasons were worth as much as whole ones."""
    both = "This is the Gor chart [4]. Ivo Zil drew the Gor chart [1]."
    stopped = ranked(form("This is the Gor chart [4].", "[4]", "Ada Brenn"), HOPS, SHOWN)
    whole = ranked(form(both, "[1] > [4]", "Ivo Zil"), HOPS, SHOWN)
    assert stopped.components["reasoning"] == pytest.approx(2 / 3, abs=1e-6)
    assert whole.components["reasoning"] == 1.0


def test_a_citation_beside_the_ranking_costs() -> None:
    beside = ranked(form("The roof is red [2][3].", "[2]", "red"), COLOUR, SHOWN)
    assert beside.components["reasoning"] == pytest.approx(2 / 3, abs=1e-6)
    assert beside.components["ranking"] == beside.components["answer"] == 1.0


def test_saying_no_to_everything_is_chance_on_balanced_pairs() -> None:
    worth = [judged("No. It is about something else.", wanted).total for wanted in (True, False)]
    right = [judged("Yes. It says so." if wanted else "No.", wanted).total for wanted in (True, False)]
    assert sum(worth) / 2 == pytest.approx(0.55)  # half the verdicts, all the form
    assert right == [1.0, 1.0]
    assert judged("Yes. " + "It says so and so. " * 30, True).total < 1.0


def test_a_document_lost_costs_more_than_one_kept_in_vain_and_neither_is_worth_as_much_as_being_right() -> None:
    lost, vain = judged("No.", True).total, judged("Yes. It says so.", False).total
    assert lost < vain < judged("No.", False).total
    assert judged("Yes. It says so.", False, kept=0.0).total == lost


@given(st.text(max_size=200), st.booleans())
def test_any_text_has_a_worth_between_nothing_and_one(text: str, wanted: bool) -> None:
    for one in (judged(text, wanted), ranked(text, COLOUR, SHOWN)):
        assert 0.0 <= one.total <= 1.0
        assert all(0.0 <= value <= 1.0 for value in one.components.values())


@given(
    st.permutations(range(1, 6)),
    st.integers(0, 5),
    st.text("abcred ,", min_size=1, max_size=12).filter(str.strip),
)
def test_any_readable_output_has_a_worth_between_nothing_and_one(order: list[int], count: int, answer: str) -> None:
    rank = " > ".join(f"[{one}]" for one in order[:count]) or "none"
    worth = ranked(form("It is so [1].", rank, answer), HOPS, SHOWN)
    assert worth.components["format"] == 1.0
    assert 0.0 <= worth.total <= 1.0


@pytest.mark.parametrize("module", [rewards, score, pointwise, listwise], ids=lambda one: one.__name__)
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    found = doctest.testmod(module)
    assert found.failed == 0
