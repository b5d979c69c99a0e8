"""BM25 over titles, texts and cells."""

from __future__ import annotations

import pytest

from mmrag.retrieval.words import Words
from tests.retrieval.parts import DOCUMENTS


def test_words_find_stems_in_titles_texts_and_cells() -> None:
    words = Words(DOCUMENTS)
    assert words.search("Who was sailing?")[0][0] == "opening"
    assert words.search("812")[0][0] == "towns"
    assert words.search("塔")[0][0] == "strange"


@pytest.mark.parametrize("text", ["", "the of and", "zzzz", "Ωμέγα", "!?"])
def test_words_that_no_document_has_find_nothing(text: str) -> None:
    assert Words(DOCUMENTS).search(text) == []
    assert Words([]).search(text) == []
