"""BM25 over titles, texts and cells."""

from __future__ import annotations

import pytest

from mmrag.retrieval.words import Words
from mmrag.types import Document, Modality, Table
from tests.retrieval.parts import DOCUMENTS


def test_words_find_stems_in_titles_texts_and_cells() -> None:
    words = Words(DOCUMENTS)
    assert words.search("Who was sailing?")[0][0] == "opening"
    assert words.search("812")[0][0] == "towns"
    assert words.search("塔")[0][0] == "strange"


def test_a_word_is_found_in_writing_without_blanks() -> None:
    thai = Document("thai", Modality.PASSAGE, "ท่าเรือ", "เรือเฟอร์รี่ออกจากท่าตอนเช้า")
    assert [name for name, _ in Words([*DOCUMENTS, thai]).search("เฟอร์รี่")] == ["thai"]


@pytest.mark.parametrize("text", ["", "the of and", "zzzz", "Ωμέγα", "!?"])
def test_words_that_no_document_has_find_nothing(text: str) -> None:
    assert Words(DOCUMENTS).search(text) == []
    assert Words([]).search(text) == []


def test_a_table_is_found_by_the_row_that_fits_best_however_many_others_it_has() -> None:
    rows = tuple((f"Tarn {i}", "ferry", str(i)) for i in range(40))
    table = Table(("Name", "Kind", "Year"), (("Velmar", "tram", "7"), *rows))
    long = Document("long", Modality.TABLE, "Boats", table=table)
    apart = Document("apart", Modality.PASSAGE, "Islands", "A tram was never seen at Velmar: sheep, huts, gulls, rain.")
    empty = Document("empty", Modality.TABLE, "Trams", table=Table(("Name",), ()))
    ids = [name for name, _ in Words([long, apart, empty]).search("In which year was the tram Velmar built?")]
    assert ids == ["long", "apart", "empty"]
