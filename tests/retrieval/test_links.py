"""The second hop: from what a document names to the document about it."""

from __future__ import annotations

import pytest

from mmrag.retrieval import Encoder, Index
from mmrag.retrieval.links import Links
from mmrag.types import Document, Modality, Query
from tests.retrieval.parts import COLOURS, DOCUMENTS, draw


def test_a_link_leads_from_the_passage_to_the_picture_that_it_names() -> None:
    found = Links(DOCUMENTS).search("What did Ada Brenn design?", {"ada": 1.0}, {}, 5)
    assert found[0][0] == "image-0"


def test_a_link_leads_from_a_cell_to_the_passage_that_says_its_name() -> None:
    assert "ada" in dict(Links(DOCUMENTS).search("Which town has 812 people?", {"towns": 1.0}, {}, 5))


def test_a_name_that_the_question_says_is_not_followed() -> None:
    documents = [
        Document("a", Modality.PASSAGE, "Ada Brenn", "Ada Brenn designed the Velmar lighthouse."),
        Document("v", Modality.PASSAGE, "Velmar lighthouse", "It is tall."),
    ]
    assert Links(documents).search("Velmar lighthouse Ada Brenn designed", {"a": 1.0}, {}, 5) == []


@pytest.mark.parametrize("mentions", [40, 200])
def test_a_name_that_many_say_leads_to_the_document_that_it_titles(mentions: int) -> None:
    documents = [
        Document("ada", Modality.PASSAGE, "Ada Brenn", "Ada Brenn was born in Orsk."),
        Document("orsk", Modality.PASSAGE, "Orsk", "The town lies on a river."),
        *(Document(f"i{n}", Modality.PASSAGE, f"The Q{n}lor ferry", "A ferry in Orsk.") for n in range(mentions)),
    ]
    (first, *_) = Links(documents).search("When was the birthplace of Ada Brenn founded?", {"ada": 1.0}, {}, 12)
    assert first[0] == "orsk"


def test_search_reaches_the_second_hop_and_says_so(index: Index) -> None:
    hits = {hit.document.id: hit for hit in index.search(Query("What is the thing that Ada Brenn designed?"), 8)}
    assert "link" in {found.by for found in hits["image-0"].found}


def test_the_second_hop_is_among_the_first_twelve_of_many_alike(encoder: Encoder) -> None:
    kinds, people = ("lighthouse", "chapel", "ferry"), [f"Ivo M{chr(97 + i)}rr{chr(97 + i)}" for i in range(20)]
    documents, pictures = [], {}
    for number, (kind, person) in enumerate((kind, person) for kind in kinds for person in people):
        name = f"Q{chr(97 + number % 26)}{chr(97 + number // 26)}lor {kind}"
        pictures[f"i{number}"] = draw(COLOURS[number % 4])
        documents += [
            Document(f"i{number}", Modality.IMAGE, name, f"A {kind} seen by day.", image="x.png"),
            Document(
                f"p{number}", Modality.PASSAGE, f"{person} and the {kind}", f"{person} designed the {name} in 1890."
            ),
            Document(f"h{number}", Modality.PASSAGE, f"History of the {name}", f"The {name} was restored in 1931."),
        ]
    index = Index.build(documents, pictures.get, encoder)
    for number, person in enumerate(people):
        query = Query(f"What colour is the roof of the {kinds[0]} that {person} designed?")
        assert {f"i{number}", f"p{number}"} <= {hit.document.id for hit in index.search(query, 12)}
