"""The strip: one line per document, from retrieval rank by way of keep or drop to list-wise rank and citation.

The lines are an SVG that stretches to any width; the letters are HTML laid over it, so they stay round and legible on
a phone. Horizontal places are percentages, vertical ones are pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mmrag.types import Step, Verdict
from mmrag.ui.markup import Mark, chip, esc, icon
from mmrag.ui.rejudge import kept

RETRIEVED, JUDGED, RANKED, CITED = 4.0, 36.0, 68.0, 96.0  # % of the chart's width
TOP, PITCH = 34.0, 22.0  # px: the first row's centre, and the distance between rows
MOST = 24  # lines; of more documents only the best retrieved ones are drawn, and every kept one


@dataclass(frozen=True, slots=True)
class Line:
    """One document's way: the points it passes (x in %, y in px), and how far it got."""

    document_id: str
    rank: int
    points: tuple[tuple[float, float], ...]
    fate: str  # waiting | dropped | kept | ranked | cited


def cited(step: Step) -> tuple[str, ...]:
    """Ids that the reasoning cites, in the order of first citation."""
    return tuple(dict.fromkeys(name for sentence in step.sentences for name in sentence.cites))


def lines(step: Step) -> tuple[Line, ...]:
    """Where each document's line goes, in retrieval order."""
    verdicts = {verdict.document_id: verdict for verdict in step.verdicts}
    keeping = kept(step)
    drawn = [h for i, h in enumerate(step.hits) if h.document.id in keeping or i < MOST]
    dropping = [h.document.id for h in drawn if h.document.id in verdicts and h.document.id not in keeping]
    lane = [*keeping, "", *dropping] if keeping else dropping
    judged = {name: row for row, name in enumerate(lane)}
    order = step.ranking.order if step.ranking else ()
    ranked = {name: row for row, name in enumerate(order)}
    used = cited(step) if step.ranking else ()
    beside = {name: row for row, name in enumerate((*order, *(name for name in used if name not in order)))}
    ends = {name: beside[name] for name in used}
    return tuple(
        _line(hit.document.id, hit.rank, row, verdicts, (judged, ranked, ends)) for row, hit in enumerate(drawn)
    )


def _line(name: str, rank: int, row: int, verdicts: Mapping[str, Verdict], rows: tuple[Mapping[str, int], ...]) -> Line:
    points = [(RETRIEVED, _y(row))]
    if name not in verdicts:
        return Line(name, rank, tuple(points), "waiting")
    points += [(x, _y(at[name])) for x, at in zip((JUDGED, RANKED, CITED), rows, strict=True) if name in at]
    if not verdicts[name].keep:
        return Line(name, rank, tuple(points), "dropped")
    fate = "cited" if name in rows[2] else "ranked" if name in rows[1] else "kept"
    return Line(name, rank, tuple(points), fate)


def strip(step: Step, marks: Mapping[str, Mark], running: bool = False) -> str:
    """The strip as one card; a row of empty lines while nothing is retrieved yet and more is being made."""
    drawn = lines(step)
    if not drawn:
        rows = "".join('<i class="bone"></i>' for _ in range(5))
        empty = f'<div class="bones">{rows}</div>' if running else '<p class="nothing plain">Nothing was retrieved.</p>'
        return f'<section class="card strip"><h2>Documents</h2>{empty}</section>'
    bottom = max(y for line in drawn for _, y in line.points) + PITCH
    labels = "".join(_label(line, marks[line.document_id]) for line in drawn)
    dots = "".join(_dots(line, marks[line.document_id]) for line in drawn)
    paths = "".join(_path(line, marks[line.document_id]) for line in drawn)
    return (
        f'<section class="card strip" aria-label="how each document fared"><h2>{_heading(step)}</h2>'
        f'<div class="lanes" style="height:{bottom:.0f}px"><div class="labels">{labels}</div><div class="chart">'
        f'<svg viewBox="0 0 100 {bottom:.0f}" preserveAspectRatio="none" aria-hidden="true">{paths}</svg>'
        f"{_columns(step, drawn)}{dots}</div></div>{_left_out(step, len(step.hits) - len(drawn))}</section>"
    )


def _heading(step: Step) -> str:
    parts = [f"{len(step.hits)} retrieved"]
    if step.verdicts:
        parts.append(f"{len(kept(step))} kept")
    if step.ranking:
        parts.append(f"{len(step.ranking.order)} ranked")
    if step.ranking and step.sentences:
        parts.append(f"{len(cited(step))} cited")
    return ' <span class="to" aria-hidden="true">→</span> '.join(parts)


def _columns(step: Step, drawn: tuple[Line, ...]) -> str:
    names = [("retrieved", RETRIEVED, 0.0)]
    if step.verdicts:
        names += [("kept", JUDGED, 0.0)] if kept(step) else []
        names += [(f"{icon('drop')} dropped", JUDGED, _lane_top(drawn))] if _lane_top(drawn) >= 0 else []
    if step.ranking:
        names += [("ranked", RANKED, 0.0), ("cited", CITED, 0.0)]
    return "".join(f'<span class="column" style="left:{x}%;top:{y:.0f}px">{name}</span>' for name, x, y in names)


def _lane_top(drawn: tuple[Line, ...]) -> float:
    """The top of the dropped lane's name, in px; -1 when nothing was dropped."""
    highest = min((line.points[1][1] for line in drawn if line.fate == "dropped"), default=-1.0)
    return max(highest - TOP + 2, 0.0) if highest >= 0 else -1.0


def _label(line: Line, mark: Mark) -> str:
    y = line.points[0][1]
    return (
        f'<span class="label link {mark.classes} {line.fate}" data-ev="{mark.letter}" style="top:{y:.0f}px">'
        f'<span class="title" dir="auto">{esc(mark.title)}</span>{icon(mark.modality)}<b>#{line.rank}</b></span>'
    )


def _dots(line: Line, mark: Mark) -> str:
    """The first dot can be focused; the others repeat it for the eye alone."""
    echo = f'<span class="badge {mark.classes}" aria-hidden="true">{mark.letter}</span>'
    return "".join(
        f'<span class="dot link {line.fate}" data-ev="{mark.letter}" style="left:{x}%;top:{y:.0f}px">'
        f"{echo if index else chip(mark)}</span>"
        for index, (x, y) in enumerate(line.points)
    )


def _path(line: Line, mark: Mark) -> str:
    if len(line.points) == 1:
        return ""
    (x, y), *rest = line.points
    way = f"M{x} {y:.0f}"
    for to_x, to_y in rest:
        middle = (x + to_x) / 2
        way += f"C{middle} {y:.0f} {middle} {to_y:.0f} {to_x} {to_y:.0f}"
        x, y = to_x, to_y
    return f'<path class="link {mark.classes} {line.fate}" data-ev="{mark.letter}" d="{way}"/>'


def _left_out(step: Step, count: int) -> str:
    """How many documents have no line. Once judged they are dropped ones: every kept one is drawn."""
    which = "dropped documents" if step.verdicts else "documents"
    return f'<p class="sub">{count} more {which} are listed below.</p>' if count > 0 else ""


def _y(row: int) -> float:
    return TOP + PITCH * row
