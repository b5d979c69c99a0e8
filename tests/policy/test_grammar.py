"""What the grammar accepts, and that everything else is a `MalformedOutput` with its own reason."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmrag.errors import MalformedOutput
from mmrag.policy.grammar import NOT_FOUND, RankedAnswer, read_progress, read_ranked_answer, read_verdict, uncited
from mmrag.types import Ranking, Sentence

SHOWN = ("a", "b", "c")
GOOD = "<think>[2] says that Ada Brenn designed it. [1][2] agree.</think><rank>[2] > [1]</rank><answer>red</answer>"

MALFORMED = {
    "missing_part": ("", "red", "<think>x.</think><answer>red</answer>"),
    "cut_off": ("<think>x. y", "<think>x.</think><rank>[1]</rank><answer>re"),
    "repeated_part": (f"{GOOD}<answer>blue</answer>", GOOD.replace("</think>", "</think></think>")),
    "wrong_order": ("<rank>[1]</rank><think>x.</think><answer>red</answer>",),
    "stray_text": (f"Sure! {GOOD}", f"{GOOD} Done."),
    "bad_rank": (GOOD.replace("[2] > [1]", "2, 1"), GOOD.replace("[2] > [1]", ""), GOOD.replace(" > ", " ")),
    "duplicate_id": (GOOD.replace("[2] > [1]", "[1] > [1]"),),
    "unknown_id": (GOOD.replace("[2] > [1]", "[4]"), GOOD.replace("[2] says", "[0] says")),
    "empty_answer": (GOOD.replace("red", "  "),),
}

fragments = st.lists(
    st.sampled_from(
        ["<think>", "</think>", "<rank>", "</rank>", "<answer>", "</answer>", "[1]", "[9]", " > ", "none", "red", ". "]
    )
    | st.text(max_size=5)
).map("".join)
words = st.text("abc defg", min_size=1).map(lambda text: " ".join(text.split())).filter(bool)
ids = st.permutations(SHOWN).flatmap(lambda order: st.integers(0, 3).map(lambda n: tuple(order[:n])))
sentences = st.builds(Sentence, words, ids)


def written(answer: RankedAnswer) -> str:
    def chips(cited: tuple[str, ...], between: str = "") -> str:
        return between.join(f"[{SHOWN.index(one) + 1}]" for one in cited)

    think = " ".join(f"{chips(sentence.cites)} {sentence.text}.".strip() for sentence in answer.sentences)
    rank = chips(answer.ranking.order, " > ") or "none"
    return f"<think>{think}</think>\n<rank>{rank}</rank>\n<answer>{answer.answer}</answer>"


def test_a_well_formed_answer_is_read_with_ids_for_numbers() -> None:
    assert read_ranked_answer(GOOD, SHOWN) == RankedAnswer(
        (Sentence("[2] says that Ada Brenn designed it.", ("b",)), Sentence("[1][2] agree.", ("a", "b"))),
        Ranking(("b", "a")),
        "red",
    )


def test_nothing_found_is_a_well_formed_answer_without_a_ranking() -> None:
    text = f"<think>No document holds the answer.</think><rank>none</rank><answer>{NOT_FOUND}</answer>"
    read = read_ranked_answer(text, SHOWN)
    assert (read.ranking.order, read.answer) == ((), NOT_FOUND)


@pytest.mark.parametrize(("reason", "text"), [(reason, text) for reason, all_ in MALFORMED.items() for text in all_])
def test_every_broken_rule_has_its_own_reason(reason: str, text: str) -> None:
    with pytest.raises(MalformedOutput) as caught:
        read_ranked_answer(text, SHOWN)
    assert (caught.value.reason, caught.value.text) == (reason, text)


@given(fragments | st.text())
def test_any_text_is_either_read_or_malformed(text: str) -> None:
    try:
        read = read_ranked_answer(text, SHOWN)
    except MalformedOutput as error:
        reason = error.reason
    else:
        reason = None
        assert read.answer
        assert set(read.ranking.order) | {one for s in read.sentences for one in s.cites} <= set(SHOWN)
    assert reason in (None, *MALFORMED)


@given(st.builds(RankedAnswer, st.lists(sentences).map(tuple), st.builds(Ranking, ids), words))
def test_what_is_written_by_the_rules_is_read_back(answer: RankedAnswer) -> None:
    read = read_ranked_answer(written(answer), SHOWN)
    assert [one.cites for one in read.sentences] == [one.cites for one in answer.sentences]
    assert [one.text.split("] ")[-1] for one in read.sentences] == [f"{one.text}." for one in answer.sentences]
    assert (read.ranking, read.answer) == (answer.ranking, answer.answer)


@given(fragments | st.text())
def test_progress_never_raises_and_names_only_what_was_shown(text: str) -> None:
    assert {one for sentence in read_progress(text, SHOWN) for one in sentence.cites} <= set(SHOWN)


@given(st.builds(RankedAnswer, st.lists(sentences).map(tuple), st.builds(Ranking, ids), words))
def test_progress_only_ever_adds_sentences(answer: RankedAnswer) -> None:
    text = written(answer)
    before: tuple[Sentence, ...] = ()
    for end in range(len(text) + 1):
        now = read_progress(text[:end], SHOWN)
        assert now[: len(before)] == before
        before = now
    assert before == read_ranked_answer(text, SHOWN).sentences


def test_progress_waits_for_the_end_of_a_sentence() -> None:
    assert read_progress("<think>[2] says it. [1] sho", SHOWN) == (Sentence("[2] says it.", ("b",)),)
    assert read_progress("<think>The tower is 3.", SHOWN) == (), "a figure may go on: 3.5"


@pytest.mark.parametrize(
    ("text", "read"),
    [("Yes. It shows it.", (True, "It shows it.")), ("no", (False, "")), (" NO, wrong town", (False, "wrong town"))],
)
def test_a_verdict_is_yes_or_no_and_a_reason(text: str, read: tuple[bool, str]) -> None:
    assert read_verdict(text) == read


@pytest.mark.parametrize("text", ["", "Perhaps.", "Nothing", "Yesterday it rained", "I say yes"])
def test_anything_else_is_no_verdict(text: str) -> None:
    with pytest.raises(MalformedOutput) as caught:
        read_verdict(text)
    assert caught.value.reason == "no_verdict"


@given(st.text())
def test_any_text_is_a_verdict_or_malformed(text: str) -> None:
    try:
        says_yes, _ = read_verdict(text)
    except MalformedOutput:
        assert not text.strip().lower().startswith(("yes.", "no."))
    else:
        assert text.strip().lower().startswith("yes" if says_yes else "no")


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("The roof is red [2].", "The roof is red."),
        ("[2] says that it opened in 1871.", "says that it opened in 1871."),
        ("It opened in 1871 [1][ 2, 3 ], and closed [4].", "It opened in 1871, and closed."),
        ("It has [no] number.", "It has [no] number."),
        ("[1]", ""),
    ],
)
def test_a_sentence_without_its_citations_is_its_words(sentence: str, words: str) -> None:
    assert uncited(sentence) == words


@pytest.mark.parametrize(
    ("think", "cited"),
    [
        ("Ada designed it. [2] Its roof is red. [1]", [("Ada designed it. [2]", "B"), ("Its roof is red. [1]", "A")]),
        ("Ada designed it.[2] Its roof is red.[1]", [("Ada designed it. [2]", "B"), ("Its roof is red. [1]", "A")]),
        ("It is old. [1] shows it. [2]", [("It is old.", ""), ("[1] shows it. [2]", "AB")]),
        ("[1] It is old. [2] Its roof is red.", [("[1] It is old.", "A"), ("[2] Its roof is red.", "B")]),
        ("Dr. J. Brenn made it [2]. It is old [1].", [("Dr. J. Brenn made it [2].", "B"), ("It is old [1].", "A")]),
    ],
)
def test_a_citation_is_of_the_sentence_that_it_stands_with(think: str, cited: list[tuple[str, str]]) -> None:
    read = read_ranked_answer(f"<think>{think}</think><rank>none</rank><answer>red</answer>", ("A", "B"))
    assert [(one.text, "".join(one.cites)) for one in read.sentences] == cited


@pytest.mark.parametrize("odd", ["[1-2]", "[1; 2]", "[99999]"])
def test_what_looks_like_a_citation_and_is_none_is_not_passed_over(odd: str) -> None:
    with pytest.raises(MalformedOutput, match="bad_citation"):
        read_ranked_answer(f"<think>Both are red {odd}.</think><rank>[1]</rank><answer>red</answer>", ("A", "B"))


def test_an_output_that_goes_round_is_read_at_once() -> None:
    started = time.perf_counter()
    with pytest.raises(MalformedOutput):
        read_ranked_answer("<think>a</think><rank>none</rank><answer>x</answer>" * 2000 + "<think>", ("A",))
    assert time.perf_counter() - started < 2, "its time grew with the cube of its length, and held every other session"
