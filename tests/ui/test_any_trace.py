"""Any trace can be drawn, however little of it fits together: on the page, in a file, as charts, in a terminal."""

from __future__ import annotations

import io

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from mmrag.cli.printed import print_trace
from mmrag.types import (
    Before,
    Document,
    Fingerprint,
    Found,
    Hit,
    Malformed,
    Modality,
    Phase,
    Query,
    Ranking,
    Sentence,
    Step,
    Table,
    Timing,
    Trace,
    Verdict,
)
from mmrag.ui import charts
from mmrag.ui.before import remembering
from mmrag.ui.export import export
from mmrag.ui.html import Links, trace_view
from mmrag.ui.rejudge import rejudge, turned

IDS = st.sampled_from(["a", "b", "c", "d"])  # few, so that they meet, twice or not at all
SOME = st.lists(IDS, max_size=4).map(tuple)
TEXT = st.text(max_size=6) | st.sampled_from(["[1] says so.", "[9, 2]", "yes", "not in the collection", "<b>"])
SHARE = st.floats(0, 1)
TABLES = st.builds(Table, st.just(("x", "y")), st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple))
DOCUMENTS = st.builds(
    Document, IDS, st.sampled_from(Modality), TEXT, TEXT, st.none() | st.just("x.png"), st.none() | TABLES
)
FOUND = st.lists(st.builds(Found, TEXT, st.floats(-9, 9), st.integers(1, 9)), max_size=2).map(tuple)
HITS = st.lists(st.builds(Hit, DOCUMENTS, st.integers(1, 9), SHARE, FOUND), max_size=5).map(tuple)
STEPS = st.builds(
    Step,
    TEXT,
    TEXT,
    HITS,
    st.lists(st.builds(Verdict, IDS, st.booleans(), SHARE, TEXT), max_size=5).map(tuple),
    SOME,
    st.none() | st.builds(Ranking, SOME),
    st.lists(st.builds(Sentence, TEXT, SOME), max_size=3).map(tuple),
    st.none() | TEXT,
    st.none() | st.builds(Malformed, TEXT, TEXT),
    TEXT,
)
MADE = st.builds(Fingerprint, TEXT, st.none() | TEXT, TEXT, TEXT, TEXT, st.integers(0), st.integers(0), TEXT)
TRACES = st.builds(
    Trace,
    TEXT,
    st.builds(Query, TEXT, st.none() | st.binary(max_size=4)),
    TEXT,
    TEXT,
    st.sampled_from(Phase),
    st.dictionaries(st.sampled_from(["threshold", "top_k"]), st.integers(1, 3)),
    st.lists(STEPS, max_size=2).map(tuple),
    st.none() | TEXT,
    fingerprint=st.none() | MADE,
    timings=st.lists(st.builds(Timing, TEXT, SHARE, st.integers(0, 9)), max_size=3).map(tuple),
    before=st.none() | st.builds(Before, TEXT, st.none() | TEXT, st.none() | TEXT, SOME, st.dictionaries(IDS, SHARE)),
)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150, deadline=None)
@given(TRACES, st.booleans())
def test_any_trace_is_drawn(trace: Trace, running: bool) -> None:
    assert "data-phase" in trace_view(trace, Links(lambda name, large: name), running=running)
    assert export(remembering(trace, trace), lambda name: None)
    assert charts.tables(trace)
    charts.keep_chart(trace)
    charts.time_chart(trace)
    print_trace(trace, Console(file=io.StringIO()))


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60, deadline=None)
@given(TRACES, SHARE, st.integers(1, 9))
def test_any_trace_is_judged_anew_and_any_verdict_turned(trace: Trace, threshold: float, top_k: int) -> None:
    anew = rejudge(trace, threshold, top_k)
    assert "data-phase" in trace_view(anew, Links(lambda name, large: name))
    for verdict in anew.steps[-1].verdicts if anew.steps else ():
        assert turned(turned(anew, verdict.document_id), verdict.document_id) == anew
