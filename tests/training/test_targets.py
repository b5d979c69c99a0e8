"""Worked examples: what a judge and a ranked answer should say."""

from __future__ import annotations

from mmrag.policy.grammar import NOT_FOUND, read_ranked_answer, read_verdict, uncited
from tests.training.parts import shown
from training.classroom import Classroom
from training.data import ABSENT, broken_off, judge_target, ranked_target
from training.rewards import ranked
from training.world import World


def test_every_ranked_target_is_in_the_grammar_says_the_gold_answer_and_earns_all(room: Classroom) -> None:
    within = filter(None, (room.world.over_rows(room.rng) for _ in range(5)))
    for question in (*room.questions, *within):
        ids = shown(room, question)
        read = read_ranked_answer(ranked_target(question, ids), ids)
        assert set(read.ranking.order) == set(question.evidence)
        assert sorted(read.answer.split(", ")) == sorted(question.answers), "a list in the order of its documents"
        assert len(read.sentences) == max(1, len(question.hops) + bool(question.conclusion))
        assert ranked(ranked_target(question, ids), question, ids).total == 1.0


def test_a_ranked_target_abstains_when_some_evidence_is_not_shown(room: Classroom) -> None:
    question = next(q for q in room.questions if len(q.evidence) > 1)
    ids = [one for one in shown(room, question) if one != question.evidence[0]]
    read = read_ranked_answer(ranked_target(question, ids), ids)
    assert (read.answer, read.ranking.order) == (NOT_FOUND, ())


def test_a_ranked_target_tells_the_hops_before_the_one_that_lacks_its_evidence(room: Classroom) -> None:
    for question in room.chains:
        first, second = question.hops
        both = shown(room, question)
        whole = read_ranked_answer(ranked_target(question, both), both).sentences
        for lost, before in ((first, 0), (second, 0 if set(second.evidence) & set(first.evidence) else 1)):
            ids = [one for one in both if one not in lost.evidence]
            read = read_ranked_answer(ranked_target(question, ids), ids)
            *told, last = read.sentences
            assert [(uncited(one.text), one.cites) for one in told] == [
                (uncited(one.text), one.cites) for one in whole[:before]
            ]
            assert (last.text, last.cites) == (broken_off(second) if before else ABSENT, ())
            assert (read.answer, read.ranking.order) == (NOT_FOUND, ())


def test_a_judge_names_what_a_column_decides_and_leaves_the_column_out(room: Classroom) -> None:
    decided = [one for one in (room.world.over_column(room.rng) for _ in range(40)) if one and one.category == "text"]
    for question in decided:
        _, reason = read_verdict(judge_target(question, room.world.documents[question.evidence[0]]))
        assert reason.endswith(f"is the {question.answers[0]}.")
        assert "(" not in reason
    assert decided


def test_judge_targets_say_yes_of_evidence_alone(room: Classroom) -> None:
    for question in room.questions:
        for one in shown(room, question):
            verdict, reason = read_verdict(judge_target(question, room.world.documents[one]))
            assert "(" not in reason, "the reason is short: what a picture shows is told in the reasoning"
            assert verdict == (one in question.evidence)
            assert reason


def test_where_a_step_lacks_its_evidence_the_other_keeps_its_own(room: Classroom) -> None:
    for question in [one for one in room.chains if len(one.evidence) == 2]:
        shown = [one.document.id for one in room.lacking(question, 5)]
        assert len(set(shown) & set(question.evidence)) == 1
        assert ranked_target(question, shown).endswith(
            f"{ABSENT[1:]}</think><rank>none</rank><answer> {NOT_FOUND}</answer>"
        )


def test_a_thing_that_is_found_has_its_number_before_its_name() -> None:
    questions = World(6, 60).questions(300, "train")
    found = [one for one in questions if one.type != "TableQ" and len(one.hops) == 1]
    found = [one for one in found if one.hops[0].statement.endswith(f" the {one.answers[0]}")]
    assert {one.type for one in found} == {"ImageQ", "TextQ"}
    for question in found:
        (hop,) = question.hops
        number = "[1] is" if " with " in hop.statement else "[1]"
        end = f" {number} the {hop.answer} [1]." if hop.answer[0].isupper() else f" the {hop.answer} [1]."
        assert f"{end}</think>" in ranked_target(question, question.evidence)
