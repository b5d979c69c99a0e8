"""Generated worlds: same seed same bytes, names that no other world has, and gold that is complete and unambiguous."""

from __future__ import annotations

import csv
import json
import random
import re
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from mmrag.corpus import read_collection
from mmrag.errors import BadSetting, UnknownId
from mmrag.policy.grammar import NOT_FOUND
from mmrag.types import Modality, Question
from training.base import HELD_OUT
from training.world import LEVELS, World
from training.world.__main__ import main
from training.world.facts import settle
from training.world.looks import KINDS
from training.world.names import families, mixed
from training.world.questions.relations import PLAIN, THINGS
from training.world.questions.sights import VIEWS, seen
from training.world.words import COLUMNS

CATEGORIES = {"color", "shape", "number", "YesNo", "choose", "Others", "text"}
TYPES = {
    "ImageQ", "TextQ", "TableQ", "ImageListQ", "Unanswerable", "Compose(TextQ,ImageQ)", "Compose(TableQ,ImageQ)",
    "Compose(TableQ,TextQ)", "Compose(TextQ,TableQ)", "Compose(TextQ,TextQ)", "Compose(ImageQ,TextQ)",
    "Compose(ImageQ,TableQ)", "Compare(TextQ,TextQ)", "Compare(TableQ,TableQ)", "Compare(ImageQ,ImageQ)",
    "Intersect(TableQ,ImageListQ)",
}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> World:
    return World(31, 100)


@pytest.fixture(scope="module")
def questions(world: World) -> list[Question]:
    return world.questions(3000, "train")


def names_of(world: World) -> set[str]:
    facts = world.facts
    towns = {name for town in facts.towns for name in (town.name, town.river)}
    return {one.core for one in facts.entities} | {one.surname for one in facts.people} | towns


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("worlds") / "first")


def write(out: Path) -> Path:
    assert main(["--seed", "4", "--entities", "12", "--questions", "21", "--out", str(out)]) == 0
    return out


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_writes_the_same_bytes(written: Path, tmp_path: Path) -> None:
    assert contents(written) == contents(write(tmp_path / "second"))


def test_the_written_folder_is_a_collection_that_reads_back_equal(written: Path) -> None:
    collection, world = read_collection(written), World(4, 12)
    assert dict(collection.documents) == world.documents
    assert Counter(question.split for question in collection.questions) == {"dev": 11, "test": 10}
    assert list(collection.questions) == world.questions(11, "dev") + world.questions(10, "test")
    assert json.loads((written / "world.json").read_text())["documents"] == len(world.documents)
    for document in world.documents.values():
        if document.table is not None:
            rows = list(csv.reader((written / "tables" / f"{document.id}.csv").open()))
            assert rows == [list(document.table.header), *map(list, document.table.rows)]
    images = list((written / "images").iterdir())
    assert sum(path.stat().st_size for path in images) / len(images) < 25_000
    assert [path.name for path in written.parent.iterdir()] == ["first"]


def test_forty_seeds_share_no_name() -> None:
    taken: set[str] = set()
    for seed in [*range(36), 77, 78, 15_703, 9_000_000_000]:
        names = names_of(World(seed, 60))
        assert not names & taken
        taken |= names


def test_a_block_holds_512_names_in_families_of_four_that_differ_in_one_vowel() -> None:
    for seed in (0, 77, 78, 20_000, 10**12):
        block = families(seed)
        assert len({name for family in block for name in family}) == 512
        for family in block:
            assert len(family) == 4
            assert len({name[:-2] + name[-1] for name in family}) == 1
    assert [len(families(seed)[0][0]) for seed in (77, 78, 15_702, 15_703)] == [6, 9, 9, 12]


@pytest.mark.parametrize("first", [100, 6_000, 14_988])
def test_worlds_to_learn_from_have_names_of_every_length(first: int) -> None:
    lengths = [len(families(seed)[0][0]) // 3 for seed in mixed(first, 12)]
    assert {length: lengths.count(length) for length in (2, 3, 4)} == {2: 1, 3: 8, 4: 3}


def test_worlds_to_learn_from_are_neither_held_out_nor_shipped() -> None:
    learned = {*mixed(100, HELD_OUT - 100), *mixed(HELD_OUT + 1_000, 5_000)}
    assert not learned & {*range(8), *range(HELD_OUT, HELD_OUT + 1_000)}
    assert len(mixed(100, 8_900)) == 8_900


def test_worlds_are_settled_at_every_size_and_level() -> None:
    for level in LEVELS.values():
        for size in (12, 13, 47, 300):
            facts = settle(5, size, level)
            assert len(facts.entities) == len({one.name for one in facts.entities}) == size
            assert {one.kind for one in facts.entities} <= set(level.kinds)
            looks = {(one.kind, tuple(one.look.attributes.items())) for one in facts.entities}
            assert len(looks) == size


def test_every_fact_is_stated_by_exactly_one_document(world: World) -> None:
    for (subject, relation), source in world.library.source.items():
        document = world.document(source)
        if document.modality is Modality.PASSAGE:
            assert subject in document.text
            assert world.library.value[subject, relation] in document.text
    expected = sum(len(one.look.attributes) + 4 + 2 + 4 + 2 for one in world.facts.entities)
    assert len(world.library.source) == expected + 2 * len(world.facts.people) + 3 * len(world.facts.towns)


def test_no_other_document_states_a_fact(world: World) -> None:
    """No other passage about the subject has the value."""
    passages = [one for one in world.documents.values() if one.modality is Modality.PASSAGE]
    for fact, source in world.library.source.items():
        subject, document, value = fact[0], world.document(source), re.escape(world.library.value[fact])
        for other in passages if document.modality is Modality.PASSAGE else ():
            if other.id != source and other.title in (subject, f"The {subject}"):
                assert not re.search(rf"\b{value}\b", other.text), (document, other)


def test_every_hop_rests_on_the_document_that_states_it(world: World, questions: list[Question]) -> None:
    stated: defaultdict[str, set[str]] = defaultdict(set)
    for (subject, relation), source in world.library.source.items():
        stated[source] |= {subject, world.library.value[subject, relation]}
    for question in questions:
        for hop in question.hops:
            assert len(hop.evidence) == 1
            assert all(part in stated[hop.evidence[0]] for part in hop.answer.split(", ")), (question, hop)


def test_evidence_is_the_union_of_the_hops_in_order(questions: list[Question]) -> None:
    for question in questions:
        assert question.evidence == tuple(dict.fromkeys(one for hop in question.hops for one in hop.evidence))
        assert all(hop.kb in ("text", "image", "table") and hop.statement for hop in question.hops)


def test_answers_follow_from_the_statements(questions: list[Question]) -> None:
    for question in questions:
        said = " ".join(hop.statement for hop in question.hops)
        if question.type == "Unanswerable":
            assert question.answers == (NOT_FOUND,)
            assert not question.evidence
        elif question.category == "YesNo":
            assert question.answers[0] in ("yes", "no")
        elif question.type == "TableQ" and question.hops[0].question.startswith("Which of"):
            assert len(question.hops[0].answer.split(", ")) == int(question.answers[0])
        else:
            assert all(answer in said for answer in question.answers), question


def test_comparisons_come_out_as_their_numbers_do(questions: list[Question]) -> None:
    for question in questions:
        if question.type.startswith("Compare") and question.category == "choose":
            values = {hop.statement: int(hop.answer) for hop in question.hops}
            wins = min if "earlier" in question.question else max
            assert question.answers[0] in wins(values, key=values.__getitem__)
            numbers, won = re.search(r"\((.*)\): (.*)", question.conclusion).groups()
            assert won.endswith(f" {question.answers[0]}")
            assert won in numbers.split(", ")
            assert len(numbers.split(", ")) == 2
        elif not question.type.startswith("Intersect("):
            assert not question.conclusion


def test_an_intersection_concludes_which_of_the_rows_show_what_is_asked_for(world: World) -> None:
    rng = random.Random(5)
    drawn = list(filter(None, (world.over_lists(rng) for _ in range(60))))
    assert {question.type for question in drawn} == {"ImageListQ", "Intersect(TableQ,ImageListQ)"}
    for question in drawn:
        if question.type == "ImageListQ":
            assert not question.conclusion
            continue
        which, seen, won = re.fullmatch(r"(.*) \((.*)\): (.*)", question.conclusion).groups()
        assert seen.split(", ") == [
            f"{hop.answer} {one}" for hop, one in zip(question.hops[1:], rows(question), strict=True)
        ]
        assert tuple(one.partition(" ")[2] for one in won.split(", ")) == question.answers
        assert len({one.partition(" ")[0] for one in won.split(", ")}) == 1, "all of them look so"
        assert which.startswith("the one of them" if len(question.answers) == 1 else "those of them")


def rows(question: Question) -> list[str]:
    """What the table's hop of an intersection finds."""
    return question.hops[0].answer.split(", ")


def test_two_rows_are_compared_by_what_their_one_table_says(world: World) -> None:
    rng = random.Random(5)
    for question in filter(None, (world.over_rows(rng) for _ in range(30))):
        (name,) = question.evidence
        table = world.document(name).table
        assert table is not None
        numbers = {row[0]: row[1:] for row in table.rows}
        assert len(question.hops) == 2
        won = max(question.hops, key=lambda hop: int(hop.answer))
        assert question.answers[0] in won.statement
        assert won.answer in numbers[question.answers[0]]


def test_what_is_found_in_a_column_is_said_with_the_numbers_that_decide(
    world: World, questions: list[Question]
) -> None:
    compared = [
        (hop, re.search(r" \((.*?)(?:: (\d+))?\) (?:is|are) (.*)", hop.statement))
        for question in questions
        for hop in question.hops
        if hop.kb == "table"
    ]
    found = [(hop, said) for hop, said in compared if said]
    assert len(found) > 10
    for hop, said in found:
        every, decides, named = said.groups()
        table = world.document(hop.evidence[0]).table
        assert table is not None
        names = {row[0]: row for row in table.rows}
        told = [re.fullmatch(r"(\d+)(?: ([<>]) (\d+))? (.*)", one) for one in every.split(", ")]
        numbers = {one[4]: int(one[1]) for one in told if one}
        assert list(numbers) == list(names)
        assert [str(one) for one in numbers.values()] in [list(column) for column in zip(*table.rows, strict=True)]
        assert all((int(one[1]) > int(one[3])) == (one[2] == ">") for one in told if one and one[2])
        above = {one[4] for one in told if one and one[2] == ">"}
        assert set(hop.answer.split(", ")) == (above or {name for name, one in numbers.items() if str(one) == decides})
        assert all(name in named for name in hop.answer.split(", "))


def test_negatives_are_hard_but_never_evidence(world: World, questions: list[Question]) -> None:
    for question in questions:
        assert 6 <= len(set(question.negatives)) == len(question.negatives) <= 10
        assert set(question.negatives) <= set(world.documents) - set(question.evidence)


def test_a_table_of_the_town_is_no_negative_when_the_town_is_asked_for(world: World, questions: list[Question]) -> None:
    for question in questions:
        if question.hops and question.hops[0].question == "Which town is this in?":
            name = next(one.name for one in world.facts.entities if one.the in question.hops[0].statement)
            tables = [world.document(one).table for one in question.negatives]
            assert not any(name in row for table in tables if table for row in table.rows)


def test_all_categories_and_types_occur(questions: list[Question]) -> None:
    assert {question.category for question in questions} == CATEGORIES
    assert {question.type for question in questions} == TYPES
    assert {(hop.kb) for question in questions for hop in question.hops} == {"text", "image", "table"}


def test_yes_and_no_are_balanced() -> None:
    answers = Counter(
        (question.type == "ImageQ", question.answers[0])
        for seed in range(40, 43)
        for question in World(seed, 100).questions(1200)
        if question.category == "YesNo"
    )
    for seen_alone in (True, False):
        yes, no = answers[seen_alone, "yes"], answers[seen_alone, "no"]
        assert 0.42 < yes / (yes + no) < 0.58, (yes, no)


def test_every_fact_has_six_wordings() -> None:
    pools = [asks for asks, _ in THINGS.values()]
    pools += [relation.asks for relation in (*PLAIN.values(), *VIEWS.values())]
    pools += [column.asks for column in COLUMNS.values()]
    pools += [seen(kind, f"look.{one.name}").asks for kind, all_ in KINDS.items() for one in all_]
    assert all(len(set(asks)) >= 6 for asks in pools)


def test_six_wordings_of_every_kind_of_question_occur(world: World, questions: list[Question]) -> None:
    kinds = sorted({one.kind for one in world.facts.entities}, key=len, reverse=True)
    proper = "|".join([*(one.name for one in world.facts.people), *names_of(world), *kinds])
    wordings: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for question in questions:
        masked = re.sub(r"\d+", "0", re.sub(proper, "X", question.question))
        wordings[question.type, question.category].add(masked)
    asked = Counter((question.type, question.category) for question in questions)
    assert not {kind: found for kind, found in wordings.items() if len(found) < 6 and asked[kind] >= 20}
    assert sum(count for kind, count in asked.items() if len(wordings[kind]) >= 6) > 0.99 * len(questions)


def test_questions_read_as_sentences(world: World, questions: list[Question]) -> None:
    for question in questions:
        text = question.question
        assert text[0].isupper()
        assert text[-1] in "?."
        assert not re.search(r"[{}]|  |\ba [aeio]\w+ |\ban [^aeio\W]|\b1 \w+s\b(?! of)|\bthe the\b", text), text
    for document in world.documents.values():
        assert not re.search(r"[{}]|  |\ba [aeio]\w+|\ban [^aeio\W]", document.text), document.text


def test_no_question_comes_twice_and_dev_and_test_share_none(world: World, questions: list[Question]) -> None:
    keys = {(question.question, question.image and question.evidence[:1]) for question in questions}
    assert len(keys) == len(questions)
    dev, test = ({(q.question, q.evidence) for q in world.questions(400, split)} for split in ("dev", "test"))
    assert not dev & test


def test_a_longer_list_of_questions_begins_with_the_shorter(world: World) -> None:
    assert world.questions(20, "dev") == world.questions(60, "dev")[:20]


def test_level_one_asks_only_what_one_document_answers() -> None:
    for question in World(9, 40, LEVELS[1]).questions(300):
        assert len(question.hops) == len(question.evidence) == 1


def test_a_world_of_a_hundred_entities_and_its_questions_take_half_a_second() -> None:
    start = time.process_time()
    World(60, 100).questions(500)
    assert time.process_time() - start < 0.5


def test_lookalikes_are_other_documents_of_the_world(world: World, questions: list[Question]) -> None:
    for question in questions[:50]:
        found = world.lookalikes(question, 12, random.Random(1))
        assert len(set(found)) == 12
        assert set(found) <= set(world.documents) - set(question.evidence)


def test_pictures_of_one_thing_differ_by_view_and_repeat_by_seed(world: World, questions: list[Question]) -> None:
    question = next(one for one in questions if one.image)
    asked = world.query_picture(question.id, 96)
    assert (asked.size, asked.mode) == ((96, 96), "RGB")
    assert asked.tobytes() == world.query_picture(question.id, 96).tobytes()
    assert asked.tobytes() != world.picture(question.evidence[0], 96).tobytes()
    fresh, view = world.fresh_picture(question.evidence[0], random.Random(2), 96)
    assert view != world.views[question.evidence[0]][1]
    assert fresh.tobytes() != asked.tobytes()


def test_only_pictures_can_be_drawn(world: World) -> None:
    passage = next(one.id for one in world.documents.values() if one.modality is Modality.PASSAGE)
    for draw in (world.picture, world.query_picture):
        with pytest.raises(UnknownId):
            draw(passage)


@pytest.mark.parametrize("bad", [(-1, 20), (1, 11), (1, 301)])
def test_a_world_out_of_range_is_refused(bad: tuple[int, int]) -> None:
    with pytest.raises(BadSetting):
        World(*bad)


@pytest.mark.parametrize(
    "arguments",
    ["--seed x --out W", "--seed -1 --out W", "--seed 1 --entities 999 --out W", "--seed 1 --questions -4 --out W",
     "--seed 1 --level 9 --out W", "--seed 1 --entities 12 --questions 999999 --out W", "--seed 1"],
)  # fmt: skip
def test_bad_arguments_are_one_line_and_code_two(
    arguments: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.replace("W", str(tmp_path / "w")).split()) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_world_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    assert main(["--seed", "1", "--entities", "12", "--questions", "4", "--out", str(tmp_path)]) == 2
    assert "letters.txt" in [path.name for path in tmp_path.iterdir()]
    assert "world.json" in capsys.readouterr().err


def test_a_world_is_replaced_by_the_next_and_nothing_is_left_behind(tmp_path: Path) -> None:
    out = tmp_path / "w"
    out.mkdir()
    (out / "world.json").write_text("{}")
    (out / "questions.jsonl").write_text("the one before")
    assert main(["--seed", "2", "--entities", "12", "--questions", "0", "--out", str(out)]) == 0
    assert json.loads((out / "world.json").read_text())["seed"] == 2
    assert not (out / "questions.jsonl").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["w"]
