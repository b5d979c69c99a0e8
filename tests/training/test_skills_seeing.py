"""Lessons in seeing: each names what its pictures show, and cites them."""

from __future__ import annotations

import re

from mmrag.policy.grammar import read_progress, uncited
from tests.training.parts import numbered
from training.classroom import Classroom
from training.data import subject
from training.skills.seeing import caption, description, identify, pick, spot
from training.world.looks import told as in_words


def test_a_lesson_in_picking_describes_the_picture_whose_caption_was_asked_for(room: Classroom) -> None:
    for _ in range(10):
        example = pick(room)
        about = example.prompt.content[0]["text"].partition(".\n")[0].removeprefix("Question: Describe ")
        (wanted,) = (one for one in room.pictures if subject(one) == about)
        assert any(one.startswith(wanted.text) for one in numbered(example).values())
        assert example.target == description(*room.world.views[wanted.id])


def test_a_lesson_in_identifying_cites_the_picture_of_the_thing_it_names(room: Classroom) -> None:
    for _ in range(10):
        example = identify(room)
        said = numbered(example)
        (sentence,) = read_progress(example.target, list(said))
        assert re.search(r"\) (\[\d\]) is the .* \1\.$", sentence.text), "where it was seen, before whose it is"
        name, town = said[sentence.cites[0]].strip().removeprefix("The ").split(", ")
        assert re.fullmatch(rf"This [a-z ]+ \(.+: .+\) is the {name} in {town}\.", uncited(sentence.text))


def test_a_lesson_in_captions_says_whose_the_pictures_of_some_numbers_are(room: Classroom) -> None:
    for _ in range(10):
        example = caption(room)
        said = numbered(example)
        asked = example.prompt.content[0]["text"].partition("\n")[0].removeprefix("Question: What are these? ")
        sentences = read_progress(example.target, list(said))
        assert [one.text[1] for one in sentences] == asked.split("; ")
        for sentence in sentences:
            (document,) = sentence.cites
            whose, town = said[document].strip().removeprefix("The ").split(", ")
            assert uncited(sentence.text) == f"is the {whose} in {town}."


def test_a_lesson_in_spotting_names_every_thing_described_and_cites_its_picture(room: Classroom) -> None:
    for _ in range(10):
        example = spot(room)
        said = numbered(example)
        asked = (
            example.prompt.content[0]["text"].partition("\n")[0].removeprefix("Question: Which are these? ").split("; ")
        )
        sentences = list(read_progress(example.target, list(said)))
        assert len(sentences) == len(asked)
        for sentence, described in zip(sentences, asked, strict=True):
            (document,) = sentence.cites
            name, town = said[document].strip().removeprefix("The ").split(", ")
            assert uncited(sentence.text) == f"This {described} is the {name} in {town}."
            (shown,) = (one for one in room.pictures if one.text == said[document].strip())
            assert described.endswith(f"({in_words(room.world.views[shown.id][0])})")
