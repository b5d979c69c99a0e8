"""Lessons in reading: each says what its documents say, and that something is not there."""

from __future__ import annotations

import re
from collections import Counter

from mmrag.policy.grammar import NOT_FOUND, read_progress, uncited
from mmrag.policy.prompts import as_text
from tests.training.parts import numbered
from training.classroom import Classroom
from training.data import ABSENT, capitalised
from training.skills.reading import agree, cells, cite, column, conclude, even, quote, read, seek, survey


def test_a_lesson_in_citing_gives_each_sentence_the_document_that_says_it(room: Classroom) -> None:
    for _ in range(20):
        example = cite(room)
        said = numbered(example)
        for sentence in read_progress(example.target, list(said)):
            (document,) = sentence.cites
            assert said[document] == uncited(sentence.text)


def test_a_lesson_in_quoting_cites_the_sentence_that_answers_or_says_that_there_is_none(room: Classroom) -> None:
    lessons = [quote(room) for _ in range(80)]
    for example in lessons:
        said = numbered(example)
        (sentence,) = read_progress(example.target, list(said))
        if example.skill == "quote absent":
            assert (sentence.cites, NOT_FOUND in example.target) == ((), True)
        else:
            assert said[sentence.cites[0]] == uncited(sentence.text)
    assert 0 < sum(example.skill == "quote absent" for example in lessons) < 40


def test_a_lesson_in_concluding_tells_all_that_the_answer_needs(room: Classroom) -> None:
    for _ in range(40):
        example = conclude(room)
        (block,) = example.prompt.content
        told, _, question = block["text"].partition("\nQuestion: ")
        if example.skill == "conclude YesNo":
            assert example.target in ("<answer> yes</answer>", "<answer> no</answer>")
            continue
        if example.skill == "conclude choose" and "<think>" in example.target:
            values = {one: int(re.search(r"\d+", one)[0]) for one in told.split(". ")}
            won = (min if "earlier" in question else max)(values, key=values.__getitem__)
            conclusion, _, answer = example.target.removesuffix("</answer>").partition("<answer> ")
            assert answer in won
            assert re.search(rf"\): \d+ {answer}\.</think>$", conclusion)
            continue
        (asked,) = {q.id: q for q in room.questions if q.question == question}.values()
        assert all(capitalised(hop.statement) in told for hop in asked.hops)
        assert example.target == f"<answer> {', '.join(asked.answers)}</answer>"


def test_a_lesson_in_cells_looks_up_rows_and_misses_those_that_a_table_lacks(room: Classroom) -> None:
    missed = 0
    for example in (cells(room) for _ in range(30)):
        ((_, document),) = numbered(example).items()
        rows = [[cell.strip() for cell in row.split("|")[1:]] for row in document.splitlines()[2:]]
        said = example.target.removeprefix("<think>").removesuffix("</think>").split(". ")
        for one in said:
            if one.startswith(ABSENT[:-1]):
                missed += 1
                continue
            (row,) = (row for row in rows if f"the {row[0]} " in one)
            assert re.search(r" (\d+)(?: \w+)? \[1\]", one)[1] in row[1:]
    assert 10 < missed < 80


def test_a_lesson_in_agreeing_says_what_is_so_where_and_whether_that_was_asked(room: Classroom) -> None:
    verdicts: list[str] = []
    for _ in range(30):
        example = agree(room)
        said = numbered(example)
        questions = example.prompt.content[0]["text"].partition("\n")[0]
        for statement, document, verdict in re.findall(r"(The [^\[]+) \[(\d)\]: (yes|no)\.", example.target):
            assert said[document] == f"{statement}."
            value = statement.split()[-1]
            if statement.split()[-2] == "is" and value.isalpha() and verdict == "yes":  # "The roof of ... is red"
                assert value in questions
            verdicts.append(verdict)
    assert set(verdicts) == {"yes", "no"}


def test_what_is_concluded_is_mostly_yes_or_no_and_then_which_of_two_is_more(room: Classroom) -> None:
    kinds = Counter(conclude(room).skill for _ in range(120))
    assert kinds["conclude YesNo"] > kinds["conclude choose"] > 10


def test_a_lesson_in_surveying_answers_each_question_from_what_is_shown(room: Classroom) -> None:
    evidence = {f"{capitalised(q.hops[0].statement)}.": q.evidence[0] for q in room.told}
    missing = 0
    for _ in range(40):
        example = survey(room)
        said = numbered(example)
        for sentence in read_progress(example.target, list(said)):
            text = uncited(sentence.text)
            if text == ABSENT:
                missing += not sentence.cites
                continue
            (document,) = sentence.cites
            assert said[document].strip() == as_text(room.world.documents[evidence[text]])
    assert 0 < missing < 60


def test_a_lesson_in_seeking_names_last_what_must_be_found_first(room: Classroom) -> None:
    names = {one.name for one in room.world.facts.entities}
    lessons = [seek(room) for _ in range(60)]
    found = [one.target for one in lessons if ABSENT not in one.target]
    assert 25 < len(found) < 60, "and some are not there"
    for target in found:
        think, answer = re.fullmatch(r"<think>(.*?)</think>.*<answer> (.*)</answer>", target).groups()
        assert answer in names or "(" in think
        assert answer not in names or re.search(rf"{answer}(?: in \w+)? \[\d\]\.$", think)


def test_a_lesson_in_a_column_shows_its_table_alone_and_says_every_number(room: Classroom) -> None:
    compared = 0
    for _ in range(40):
        example = column(room)
        ((_, document),) = numbered(example).items()
        rows = [[cell.strip() for cell in row.split("|")[1:]] for row in document.splitlines()[2:]]
        if example.skill == "column choose":  # between two of its rows
            compared += 1
            answer = re.search(r"<answer> (.*)</answer>", example.target)
            assert answer
            assert answer[1] in {row[0] for row in rows}
            continue
        told = re.search(r"\((.*?)\)(?:: (.*?) \[)?", example.target)
        assert told
        every = [one.split(" ", 1 if told[2] else 3) for one in told[1].split(", ")]
        assert [one[-1] for one in every] == [row[0] for row in rows]
        assert all(one[0] in row[1:] for one, row in zip(every, rows, strict=True))
        deciding = [one[-1] for one in every if told[2] == " ".join(one) or one[1] == ">"]
        answer = re.search(r"<answer> (.*)</answer>", example.target)
        assert answer
        assert answer[1] in (*deciding, str(len(deciding)))
    assert 0 < compared < 30


def test_even_lessons_ask_of_every_sort_of_question_as_often(room: Classroom) -> None:
    sort = {one.question: index for index, some in enumerate(room.sorts) for one in some if one.image is None}
    about_towns = {q.question for q in room.single if room.world.library.role[q.evidence[0]] == "town"}
    asked = [even(room).prompt.content[-1]["text"].rpartition("Question: ")[2] for _ in range(320)]
    counted = Counter(sort[one] for one in asked if one in sort)
    assert len(room.sorts) > 6
    assert all(0.5 < counted[one] * len(room.sorts) / 320 < 1.5 for one in set(sort.values()))
    assert sum(one in about_towns for one in asked) > 2 * 320 * len(about_towns) / len(room.single)


def test_some_lessons_in_reading_ask_what_no_document_says(room: Classroom) -> None:
    unanswerable = {question.question for question in room.questions if not question.hops}
    asked = [example for example in (read(room) for _ in range(120)) if example.skill == "read absent"]
    last = [example.prompt.content[-1]["text"].rpartition("Question: ")[2] for example in asked]
    assert set(last) & unanswerable
    assert set(last) - unanswerable, "and some what only the shown ones do not say"
