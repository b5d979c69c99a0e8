"""What a person types: clean in any script, or refused."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmrag.corpus import clean_question
from mmrag.errors import BadQuestion
from mmrag.settings import MAX_QUESTION


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("  What\tis \n this? ", "What is this?"),
        ("cafe\u0301?", "café?"),
        ("a\u0000b\u0007c", "a b c"),
        ("who\u202e is \u200bit\ufeff?", "who is it?"),
        ("\ud800what", "what"),
        ("東京の塔は何色ですか", "東京の塔は何色ですか"),
        ("ما لون السقف؟", "ما لون السقف؟"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("<script>alert(1)</script> ${x}", "<script>alert(1)</script> ${x}"),
        ("7", "7"),
    ],
)
def test_a_question_in_any_script_is_cleaned(typed: str, clean: str) -> None:
    assert clean_question(typed) == clean


@pytest.mark.parametrize(
    "typed", ["", " \n\t", "\0\0", "\u200b", "???", "🙂", "—", "a" * (MAX_QUESTION + 1), "x " * 10_000]
)
def test_a_question_with_nothing_to_look_for_or_too_much_is_refused(typed: str) -> None:
    with pytest.raises(BadQuestion) as caught:
        clean_question(typed)
    assert len(str(caught.value)) < 200


@given(st.text())
def test_a_clean_question_stays_as_it_is(typed: str) -> None:
    try:
        clean = clean_question(typed)
    except BadQuestion:
        return
    assert clean_question(clean) == clean
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in clean)
