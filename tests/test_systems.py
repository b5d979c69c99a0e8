"""Contract of mmrag.systems: growing traces on real parts, and the pure rules of keeping and finishing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmrag.errors import BadSetting, UnknownId
from mmrag.policy.grammar import NOT_FOUND
from mmrag.policy.prompts import judge_prompt
from mmrag.session import OpenCollection, Session
from mmrag.settings import Settings
from mmrag.systems import SYSTEMS, make_system
from mmrag.systems.judge import CHECK, REASON_TOKENS, keep, kept
from mmrag.systems.parts import show
from mmrag.systems.rank import finished
from mmrag.types import Phase, Query, Step, Trace, Verdict

SHORT = Settings(retrieve=5, top_k=2, threshold=0.0, max_new_tokens=24)
QUERY = Query("What colour is the roof of the Velmar lighthouse?")
GOOD = "<think>[2] shows that it is red. [1] names it.</think><rank>[2] > [1]</rank><answer>red</answer>"


@pytest.fixture(scope="module")
def traces(session: Session) -> list[Trace]:
    return list(session.ask(QUERY, "sft", SHORT))


def test_a_trace_grows_through_the_phases_in_order_under_one_id(traces: list[Trace]) -> None:
    phases = [trace.phase for trace in traces]
    assert list(dict.fromkeys(phases)) == list(Phase)
    assert phases == sorted(phases, key=list(Phase).index)
    assert phases.count(Phase.DONE) == phases.count(Phase.RETRIEVED) == 1
    assert len({trace.id for trace in traces}) == 1
    assert len(traces[0].id) == 16
    assert int(traces[0].id, 16) >= 0


def test_hits_come_before_verdicts_and_verdicts_before_the_answer(traces: list[Trace]) -> None:
    by_phase = {trace.phase: trace for trace in traces}
    assert by_phase[Phase.RETRIEVED].steps[0].hits
    assert not by_phase[Phase.RETRIEVED].steps[0].verdicts
    assert [v.document_id for v in by_phase[Phase.JUDGED].steps[0].verdicts] == [
        hit.document.id for hit in by_phase[Phase.RETRIEVED].steps[0].hits
    ]
    assert by_phase[Phase.JUDGED].steps[0].raw == ""
    assert by_phase[Phase.DONE].steps[0].raw


def test_only_kept_documents_are_shown_most_probable_first(traces: list[Trace]) -> None:
    step = traces[-1].steps[0]
    assert step.shown == kept(step.verdicts)
    assert len(step.shown) == SHORT.top_k
    p_keep = {verdict.document_id: verdict.p_keep for verdict in step.verdicts}
    assert p_keep[step.shown[0]] >= p_keep[step.shown[1]] >= max(p for i, p in p_keep.items() if i not in step.shown)


def test_a_done_trace_says_which_model_answered_and_how_long_each_stage_took(traces: list[Trace]) -> None:
    done = traces[-1]
    assert done.fingerprint is not None
    assert done.fingerprint.adapter == "sft"
    assert [timing.stage for timing in done.timings] == ["retrieve", "judge", "answer"]
    assert all(timing.seconds > 0 for timing in done.timings)
    assert all(timing.tokens_in > 100 for timing in done.timings[1:])
    assert done.settings["top_k"] == SHORT.top_k


def test_the_tokens_of_judging_are_those_of_all_prompts_and_of_what_was_written_readable_or_not(
    session: Session, traces: list[Trace]
) -> None:
    done = traces[-1]
    (step,) = done.steps
    shown = show(session.opened, [hit.document for hit in step.hits])
    timing = next(one for one in done.timings if one.stage == "judge")
    assert timing.tokens_in == sum(session.policy.count(judge_prompt(QUERY, one)) for one in shown)
    assert {check.name for check in done.checks} == {CHECK}, "random weights write nothing that can be read"
    assert len(shown) < timing.tokens_out <= len(shown) * REASON_TOKENS


def test_every_growth_of_a_trace_survives_json(traces: list[Trace]) -> None:
    for trace in traces:
        assert Trace.from_dict(json.loads(json.dumps(trace.to_dict()))) == trace


def test_a_random_models_text_is_malformed_and_no_answer_is_made_up(traces: list[Trace]) -> None:
    step = traces[-1].steps[0]
    assert step.malformed is not None
    assert step.malformed.reason in ("missing_part", "cut_off")
    assert traces[-1].answer is None
    assert step.raw
    assert all(not check.held for check in traces[-1].checks)


def test_where_nothing_is_kept_the_answer_says_so_without_the_model(session: Session) -> None:
    *_, done = session.ask(QUERY, "sft", replace(SHORT, threshold=1.0))
    step = done.steps[0]
    assert done.answer == step.answer == NOT_FOUND
    assert step.shown == ()
    assert step.raw == ""
    assert done.phase is Phase.DONE


def test_answering_again_shows_just_the_given_documents_under_a_new_id(session: Session, traces: list[Trace]) -> None:
    before = traces[-1]
    chosen = tuple(hit.document.id for hit in before.steps[0].hits[2:4])
    growth = list(session.answer_again(before, chosen, SHORT, "sft"))
    after = growth[-1]
    assert after.id != before.id
    assert after.created > before.created
    assert after.before is None, "what was before the first trace is not before this one"
    assert after.steps[0].shown == chosen
    assert {v.document_id for v in after.steps[0].verdicts if v.keep} == set(chosen)
    assert [t.stage for t in after.timings] == ["retrieve", "judge", "answer"]
    assert growth[0].phase is Phase.ANSWERING
    assert after.timings[:2] == before.timings[:2]


def test_answering_again_by_another_adapter_judges_by_it_too(session: Session, traces: list[Trace]) -> None:
    """Else its P(keep) would be the one adapter's and its answer the other's, under one name."""
    before = traces[-1]
    chosen = tuple(hit.document.id for hit in before.steps[0].hits[2:4])
    *_, asked = session.ask(before.query, "base", SHORT)
    *_, again = session.answer_again(before, chosen, SHORT, "base")
    by_base, by_sft = ({v.document_id: v.p_keep for v in one.steps[0].verdicts} for one in (asked, before))
    assert by_base != by_sft
    assert {v.document_id: v.p_keep for v in again.steps[0].verdicts} == by_base
    assert again.steps[0].shown == chosen
    assert [t.stage for t in again.timings] == ["retrieve", "judge", "answer"]


def test_answering_again_with_an_unknown_document_is_refused(session: Session, traces: list[Trace]) -> None:
    with pytest.raises(UnknownId, match="nowhere"):
        list(session.answer_again(traces[-1], ("nowhere",), SHORT, "sft"))


def test_a_closed_trace_leaves_the_model_free(session: Session) -> None:
    growth = session.ask(QUERY, "sft", replace(SHORT, max_new_tokens=400))
    for trace in growth:
        if trace.phase is Phase.ANSWERING:
            break
    growth.close()
    assert list(session.ask(QUERY, "base", SHORT))[-1].phase is Phase.DONE


def test_an_unknown_system_is_named_with_those_there_are(opened: OpenCollection, session: Session) -> None:
    with pytest.raises(BadSetting, match="rft"):
        make_system("gpt", opened, session.policy)
    assert all(SYSTEMS[name].name == name for name in SYSTEMS)


def test_a_well_formed_text_becomes_sentences_ranking_and_answer() -> None:
    step = finished(Step("q", shown=("a", "b")), GOOD)
    assert step.answer == "red"
    assert step.ranking is not None
    assert step.ranking.order == ("b", "a")
    assert [sentence.cites for sentence in step.sentences] == [("b",), ("a",)]
    assert step.malformed is None


def test_a_malformed_text_keeps_what_can_be_read_and_all_that_was_written() -> None:
    step = finished(Step("q", shown=("a", "b")), GOOD.replace("[2] > [1]", "[2] > [9]"))
    assert step.malformed is not None
    assert step.malformed.reason == "unknown_id"
    assert step.answer is None
    assert len(step.sentences) == 2
    assert step.raw.endswith("</answer>")


@given(st.text(), st.lists(st.sampled_from("abcde"), unique=True))
def test_any_text_finishes_a_step_with_an_answer_or_a_reason_why_not(text: str, shown: list[str]) -> None:
    step = finished(Step("q", shown=tuple(shown)), text)
    assert (step.answer is None) == (step.malformed is not None)
    assert step.raw == text


JUDGED = st.dictionaries(
    st.text(min_size=1, max_size=4), st.floats(0, 1).map(lambda p: Verdict("", False, p)), max_size=12
)


@given(JUDGED, st.floats(0, 1), st.integers(1, 26))
def test_keeping_obeys_threshold_and_top_k_and_prefers_the_probable(
    judged: dict[str, Verdict], threshold: float, top_k: int
) -> None:
    verdicts = keep(judged, threshold, top_k)
    assert [verdict.document_id for verdict in verdicts] == list(judged)
    inside = [verdict.p_keep for verdict in verdicts if verdict.keep]
    outside = [verdict.p_keep for verdict in verdicts if not verdict.keep]
    assert len(inside) == min(top_k, sum(one.p_keep >= threshold for one in judged.values()))
    assert all(p >= threshold for p in inside)
    assert not inside or all(p <= min(inside) or p < threshold for p in outside)
