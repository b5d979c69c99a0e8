"""Plotly charts of one trace, each with the same figures as a table for those who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from mmrag.types import Trace
from mmrag.ui.html import STAGES, seconds
from mmrag.ui.markup import esc, marks
from mmrag.ui.rejudge import bar

KEEP, DROP, GREY = "#2f8fc8", "#8a919d", "#7f8794"  # legible on light and on dark alike
BINS = 20


def keep_chart(trace: Trace) -> go.Figure:
    """How P(keep) is distributed, kept and dropped stacked, against the threshold."""
    verdicts = trace.steps[-1].verdicts if trace.steps else ()
    threshold, _ = bar(trace)
    figure = go.Figure()
    for name, colour, wanted in (("kept", KEEP, True), ("dropped", DROP, False)):
        values = [verdict.p_keep for verdict in verdicts if verdict.keep is wanted]
        figure.add_histogram(
            x=values, name=name, marker_color=colour, xbins={"start": 0, "end": 1.0001, "size": 1 / BINS}
        )
    name = f"threshold {threshold:.2f}"
    figure.add_vline(x=threshold, line_dash="dash", line_color=GREY, annotation_text=name, annotation_xshift=4)
    figure.update_layout(barmode="stack", **layout("P(keep)", "documents"))
    figure.update_xaxes(range=[0, 1])
    return figure


def time_chart(trace: Trace) -> go.Figure:
    """How long each stage took."""
    names = [STAGES.get(timing.stage, timing.stage) for timing in trace.timings]
    spent = [timing.seconds for timing in trace.timings]
    figure = go.Figure(go.Bar(x=spent, y=names, orientation="h", marker_color=KEEP, text=[seconds(s) for s in spent]))
    figure.update_layout(**layout("seconds", ""), showlegend=False)
    figure.update_yaxes(autorange="reversed")
    return figure


def tables(trace: Trace) -> str:
    """Both charts as tables of HTML."""
    named = marks(trace)
    verdicts = trace.steps[-1].verdicts if trace.steps else ()
    judged = [
        (named[v.document_id].letter, named[v.document_id].title, f"{v.p_keep:.3f}", "kept" if v.keep else "dropped")
        for v in sorted(verdicts, key=lambda v: -v.p_keep)
        if v.document_id in named
    ]
    spent = [
        (STAGES.get(t.stage, t.stage), seconds(t.seconds), f"{t.tokens_in:,}", f"{t.tokens_out:,}")
        for t in trace.timings
    ]
    return (
        '<div class="mm charts">'
        + _table("P(keep) of each document", ("letter", "document", "P(keep)", "verdict"), judged)
        + _table("Time and tokens of each stage", ("stage", "time", "tokens read", "tokens written"), spent)
        + "</div>"
    )


def _table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in header)
    body = "".join("<tr>" + "".join(f'<td dir="auto">{esc(cell)}</td>' for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="table" tabindex="0" role="region" aria-label="{caption}"><table><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def layout(x: str, y: str) -> dict[str, object]:
    """How every chart looks: transparent, so that it fits light and dark."""
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY, "size": 12},
        "xaxis": {"title": x, "gridcolor": "rgba(127,135,148,.22)", "zeroline": False},
        "yaxis": {"title": y, "gridcolor": "rgba(127,135,148,.22)", "zeroline": False},
        "margin": {"l": 10, "r": 10, "t": 30, "b": 10},
        "height": 260,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"},  # its second row must not lie on the lines
    }
