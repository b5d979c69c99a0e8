"""What the page draws of a trace, as text: identity, verdicts, order, honesty."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmrag.errors import UnknownId
from mmrag.settings import Settings
from mmrag.types import Malformed, Phase, Query, Sentence, Step, Trace, Verdict
from mmrag.ui import charts
from mmrag.ui.before import remembering
from mmrag.ui.frames import run
from mmrag.ui.html import HALTED, Links, trace_view
from mmrag.ui.launch import host
from mmrag.ui.markup import HUES, esc, letter, marks
from mmrag.ui.rejudge import bar, by_hand, is_stale, kept, rejudge, turned
from mmrag.ui.strip import CITED, JUDGED, RANKED, lines
from tests.ui.backend import MADE, ScriptedBackend, documents, grown, hits

LINKS = Links(lambda name, large: "picture")


def traces(question: str = "What colour?", **settings: float) -> list[Trace]:
    return list(grown(Query(question), replace(Settings(), **settings), "t1"))


def text_of(html: str) -> str:
    return re.sub(r"<[^>]*>", " ", html)


@given(st.text())
def test_escaped_text_holds_nothing_that_html_or_a_template_reads(text: str) -> None:
    assert not set("<>\"'`${}\\") & set(esc(text))
    esc(text).encode("utf-8")


def test_letters_go_on_after_z() -> None:
    assert [letter(i) for i in (0, 25, 26, 27, 701, 702)] == ["A", "Z", "AA", "AB", "ZZ", "AAA"]


def test_a_document_keeps_its_letter_and_colour_through_all_stages() -> None:
    seen = [marks(trace) for trace in traces() if trace.steps]
    assert len(seen) > 3
    assert all(named == seen[0] for named in seen)


def test_no_two_of_the_first_24_documents_look_the_same() -> None:
    document = documents()[0]
    many = tuple(replace(hits()[0], document=replace(document, id=str(i)), rank=i + 1) for i in range(24))
    named = marks(Trace("t", Query("q"), "rft", "", steps=(Step("q", hits=many),))).values()
    assert len({(mark.hue, mark.pattern) for mark in named}) == 24
    assert {mark.hue for mark in named} == set(HUES)


def test_every_phase_is_drawn_with_skeletons_for_what_is_to_come() -> None:
    for trace in traces():
        html = trace_view(trace, LINKS, running=trace.phase is not Phase.DONE)
        assert f'data-phase="{trace.phase}"' in html
        assert ("bone" in html or "waiting" in html) == (trace.phase is not Phase.DONE)


def test_a_trace_that_was_stopped_is_drawn_as_one_that_goes_no_further() -> None:
    for trace in traces()[:-1]:
        html = trace_view(trace, LINKS)
        assert "bone" not in html
        assert "being judged" not in html
        assert html.count('<span class="meter"></span>') == 0
        assert 'data-status="Stopped before ' in html
        assert f"Stopped before {HALTED[trace.phase].removeprefix('before ')}." in text_of(html)
        assert "Nothing was kept" not in html
        assert "The model gave no reasoning" not in html
        cut_off = "It was stopped here, and is cut off." in html
        assert cut_off == (trace.phase is Phase.ANSWERING)
        assert cut_off != ("It was stopped before any reasoning." in html)


def test_documents_without_a_line_are_called_dropped_only_once_they_are() -> None:
    document = documents()[0]
    many = tuple(replace(hits()[0], document=replace(document, id=str(i)), rank=i + 1) for i in range(30))
    step = Step("q", hits=many)
    trace = Trace("t", Query("q"), "rft", "", Phase.RETRIEVED, steps=(step,))
    assert "6 more documents are listed below." in trace_view(trace, LINKS, running=True)
    judged = replace(step, verdicts=tuple(Verdict(hit.document.id, False, 0.1) for hit in many))
    assert "6 more dropped documents are listed below." in trace_view(replace(trace, steps=(judged,)), LINKS)


def test_cards_stand_in_the_order_of_the_models_ranking_and_say_how_far_they_moved() -> None:
    html = trace_view(traces()[-1], LINKS)
    assert re.findall(r'<article class="doc[^>]*data-card="(\w+)"', html) == ["E", "A", "D", "G"]
    assert "↑4" in html
    assert "↓1" in html
    assert "found by words #1 (8.8)" in re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", html))


def test_dropped_documents_stay_with_their_reason() -> None:
    html = trace_view(traces()[-1], LINKS)
    assert html.count('<details class="doc off') == 8
    assert "another lighthouse" in html


def test_numbers_in_sentences_become_the_letters_of_the_documents_they_mean() -> None:
    html = trace_view(traces()[-1], LINKS)
    first = re.search(r'<ol class="why"><li[^>]*data-ev="(\w+)".*?</li>', html)
    assert first
    assert first[1] == "A"
    assert "[2]" not in first[0]


def test_a_number_of_no_shown_document_is_left_as_the_model_wrote_it() -> None:
    done = traces()[-1]
    step = replace(done.steps[0], sentences=(Sentence("[99] says so."),))
    html = trace_view(replace(done, steps=(step,)), LINKS)
    assert "[99] says so." in html
    assert "no evidence cited" in html


def test_an_output_that_broke_its_format_is_shown_as_it_was_written() -> None:
    html = trace_view(traces("malformed")[-1], LINKS)
    assert "cut_off" in html
    assert "&lt;think&gt;[1] says so. &lt;rank&gt;" in html
    assert "no answer" in html


def test_when_nothing_is_kept_the_page_says_so() -> None:
    html = text_of(trace_view(traces(threshold=0.99)[-1], LINKS))
    assert "not in the collection" in html
    assert "None of the 12 retrieved documents was kept; the best had P(keep) 0.97." in html


def test_a_kept_document_that_is_rather_a_no_says_why_it_is_kept() -> None:
    done = traces()[-1]
    note = "rather no, but over the threshold"
    assert note not in trace_view(done, LINKS)
    looser = rejudge(done, 0.04, 26)
    unlikely = [one for one in looser.steps[0].verdicts if one.keep and one.p_keep < 0.5]
    assert trace_view(looser, LINKS).count(note) == len(unlikely) > 0
    tighter = rejudge(done, 0.04, 1)
    assert "over the threshold, but beyond top-k" in trace_view(tighter, LINKS)


def test_a_trace_of_several_rounds_names_each() -> None:
    done = traces()[-1]
    html = text_of(trace_view(replace(done, steps=done.steps * 2), LINKS))
    assert "Round 1" in html
    assert "Round 2" in html


def test_rejudging_moves_verdicts_and_nothing_else() -> None:
    done = traces()[-1]
    looser = rejudge(done, 0.04, 26)
    assert len(kept(looser.steps[0])) == 5
    assert replace(looser, steps=done.steps, settings=done.settings) == done
    assert rejudge(looser, Settings().threshold, Settings().top_k).steps == done.steps
    assert is_stale(looser.steps[0])
    assert not is_stale(done.steps[0])


def test_a_document_is_dropped_or_kept_by_hand_and_the_page_says_so() -> None:
    done = traces()[-1]
    for verdict in done.steps[0].verdicts:
        once = turned(done, verdict.document_id)
        changed = [b.document_id for a, b in zip(done.steps[0].verdicts, once.steps[0].verdicts, strict=True) if a != b]
        assert changed == [verdict.document_id]
        assert by_hand(once.steps[0], *bar(once)) == {verdict.document_id}
        html = trace_view(once, LINKS)
        assert html.count("by hand</span>") == 1
        chip_of_it = f">{marks(done)[verdict.document_id].letter}</button>."
        assert f"written {'with' if verdict.keep else 'without'} <button" in html
        assert chip_of_it in html
        assert turned(once, verdict.document_id) == done
    assert "by hand</span>" not in trace_view(done, LINKS)
    assert 'class="turn"' not in trace_view(done, replace(LINKS, actions=False)), "a file that was mailed asks nobody"
    with pytest.raises(UnknownId, match="nowhere"):
        turned(done, "nowhere")


def test_of_the_same_question_the_page_remembers_what_it_came_to_before() -> None:
    done = traces()[-1]
    assert remembering(done, None) == remembering(done, traces()[-2]) == done, "nothing, or nothing finished"
    assert remembering(done, traces("And now?")[-1]) == done, "another question"
    assert 'class="before"' not in trace_view(remembering(done, done), LINKS), "nothing has changed"

    gone = done.steps[0].shown[0]
    step = replace(done.steps[0], shown=done.steps[0].shown[1:], answer="green")
    made = replace(MADE, adapter="stage2")
    after = replace(turned(replace(done, steps=(step,)), gone), id="t2", answer="green", fingerprint=made)
    after = remembering(after, done)
    html = trace_view(after, LINKS)
    assert f"Before, by sft, with {marks(done)[gone].letter} : red" in " ".join(text_of(html).split())
    assert '<a href="?trace=t1">red</a>' in html
    assert "kept before (0.97)" in text_of(html)
    assert "<a href" not in trace_view(after, replace(LINKS, actions=False)), "a file that was mailed leads nowhere"
    assert Trace.from_dict(json.loads(json.dumps(after.to_dict()))) == after


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0, 1), st.integers(1, 26))
def test_rejudging_keeps_the_best_over_the_threshold(scores: list[float], threshold: float, top_k: int) -> None:
    verdicts = tuple(Verdict(hit.document.id, False, p) for hit, p in zip(hits(), scores, strict=False))
    step = Step("q", hits=hits(), verdicts=verdicts)
    judged = rejudge(Trace("t", Query("q"), "rft", "", steps=(step,)), threshold, top_k).steps[0].verdicts
    keeping = [verdict.p_keep for verdict in judged if verdict.keep]
    leaving = [verdict.p_keep for verdict in judged if not verdict.keep and verdict.p_keep >= threshold]
    assert len(keeping) == min(top_k, sum(p >= threshold for p in scores))
    assert not leaving or min(keeping) >= max(leaving)


def test_lines_end_where_the_documents_fate_did() -> None:
    fates = {line.document_id: line for line in lines(traces()[-1].steps[0])}
    ends = {line.fate: line.points[-1][0] for line in fates.values()}
    assert ends == {"cited": CITED, "ranked": RANKED, "dropped": JUDGED}


def test_charts_hold_the_same_figures_as_their_tables() -> None:
    done = traces()[-1]
    figure = charts.keep_chart(done)
    assert sum(len(bar.x) for bar in figure.data) == 12
    table = text_of(charts.tables(done))
    assert all(f"{verdict.p_keep:.3f}" in table for verdict in done.steps[0].verdicts)
    assert "2,210" in table


def test_an_unforeseen_error_leaves_what_was_shown_and_keeps_its_words_to_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def breaking():
        yield from traces()[:3]
        raise RuntimeError("/secret")

    last = list(run(breaking(), None, ScriptedBackend()))[-1]
    assert last.last
    assert "Something unforeseen went wrong" in last.html
    assert "/secret" not in last.html
    assert "/secret" in caplog.text
    assert last.html.count("<article") == 12 - 8


def test_drawings_of_one_phase_are_paced_and_none_of_a_phase_is_lost() -> None:
    backend = ScriptedBackend()
    frames = list(run(iter(traces() + [traces()[-1]] * 50), None, backend))
    assert len(frames) < 12
    assert {frame.trace.phase for frame in frames if frame.trace} == set(Phase)
    assert backend.load("t1").phase is Phase.DONE


def test_the_server_binds_to_loopback_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPACE_ID", "MMRAG_HOST", "GRADIO_SERVER_NAME"):
        monkeypatch.delenv(name, raising=False)
    assert host() == "127.0.0.1"
    monkeypatch.setenv("SPACE_ID", "someone/mmrag")
    assert host() == "0.0.0.0"
    monkeypatch.setenv("MMRAG_HOST", "10.0.0.1")
    assert host() == "10.0.0.1"


def test_a_malformed_step_is_never_called_an_answer() -> None:
    done = traces("malformed")[-1]
    assert done.steps[0].malformed == Malformed("cut_off", "the <think> part is open")
    assert 'data-status="The model&#x27;s output could not be read."' in trace_view(done, LINKS)
