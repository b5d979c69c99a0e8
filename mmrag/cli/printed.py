"""A trace as a person reads it in a terminal: evidence, verdicts, reasoning in the colours of what it cites, answer.

Documents, questions and model texts are hostile until cleaned: control characters could move the cursor or recolour the
terminal, so they are replaced, and nothing is read as rich's markup.
"""

from __future__ import annotations

import re
import unicodedata

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mmrag.corpus.questions import JOINERS
from mmrag.types import Document, Hit, Modality, Step, Trace, Verdict

COLOURS = ("#3d8fe0", "#e69f00", "#14b489", "#d98fb7", "#74d4f5", "#ee7a26", "#938af5", "#b5a364")
KIND = {Modality.IMAGE: "picture", Modality.PASSAGE: "passage", Modality.TABLE: "table"}
_CITATION = re.compile(r"\[\s*(\d{1,4}(?:\s*,\s*\d{1,4})*)\s*\]")


def print_trace(trace: Trace, console: Console) -> None:
    """Print the whole of `trace`."""
    console.print(Text(clean(trace.query.text), style="bold"))
    for step in trace.steps:
        console.print(Padding(_evidence(step), (1, 0)))
        console.print(Padding(_reasoning(step), (0, 0, 1, 0)))
    console.print(_answer(trace))
    console.print(_footnote(trace))


def clean(text: str) -> str:
    """`text` without characters that a terminal would obey instead of show."""
    return "".join("\ufffd" if _obeyed(char) else char for char in _one_line(text))


def _obeyed(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs") and char not in JOINERS


def letter(index: int) -> str:
    """The letter of the index-th document, from 0: A to Z, then AA and so on, as on the page."""
    head, tail = divmod(index, 26)
    return (letter(head - 1) if head else "") + chr(ord("A") + tail)


def _marks(step: Step) -> dict[str, Text]:
    return {
        hit.document.id: Text(letter(index), style=f"bold {COLOURS[index % len(COLOURS)]}")
        for index, hit in enumerate(step.hits)
    }


def _evidence(step: Step) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "", "document", "found by", "P(keep)", "verdict", "rank", "reason"):
        table.add_column(heading, overflow="fold", justify="right" if heading in ("P(keep)", "rank") else "left")
    marks, verdicts = _marks(step), {verdict.document_id: verdict for verdict in step.verdicts}
    order = step.ranking.order if step.ranking is not None else ()
    for hit in step.hits:
        name = hit.document.id
        table.add_row(marks[name], *_row(hit, verdicts.get(name), order.index(name) + 1 if name in order else None))
    return table if step.hits else Text("Nothing was found.", style="dim")


def _row(hit: Hit, verdict: Verdict | None, rank: int | None) -> tuple[Text | str, ...]:
    faint = "" if verdict is not None and verdict.keep else "dim"
    found = " ".join(f"{one.by}#{one.rank}" for one in hit.found)
    told: tuple[Text | str, ...] = ("", "", "", "")
    if verdict is not None:
        kept = Text("✓ kept", style="green") if verdict.keep else Text("✗ dropped", style="dim")
        reason = Text(clean(verdict.reason), style=faint)
        told = (f"{verdict.p_keep:.2f}", kept, str(rank) if rank else "", reason)
    return (KIND[hit.document.modality], Text(_name(hit.document), style=faint), Text(found, style="dim"), *told)


def _reasoning(step: Step) -> RenderableType:
    lines: list[RenderableType] = [_sentence(clean(one.text), step) for one in step.sentences]
    if step.malformed is not None:
        wrong = f"The model's output is malformed ({step.malformed.reason}): {clean(step.malformed.detail)}"
        lines += [Text(wrong, style="red"), Text(clean(step.raw), style="dim")]
    return Group(*lines)


def _sentence(text: str, step: Step) -> Text:
    """A sentence with the model's numbers, like [2], as the letters that the table gives the documents."""
    marks, line, end = _marks(step), Text("  "), 0
    for match in _CITATION.finditer(text):
        line.append(text[end : match.start()])
        for number in (int(one) for one in match[1].split(",")):
            name = step.shown[number - 1] if 1 <= number <= len(step.shown) else ""
            line.append_text(marks.get(name, Text(f"[{number}]", style="dim")))
        end = match.end()
    return line.append(text[end:])


def _answer(trace: Trace) -> Text:
    if trace.answer is None:
        return Text("No answer.", style="bold red")
    return Text.assemble(("Answer  ", "dim"), (clean(trace.answer), "bold"))


def _footnote(trace: Trace) -> Text:
    parts = [f"{timing.stage} {timing.seconds:.2f} s" for timing in trace.timings]
    if trace.fingerprint is not None:
        model = trace.fingerprint
        parts.append(
            f"{model.checkpoint}{f' + {model.adapter}' if model.adapter else ''}, {model.dtype}, {model.device}"
        )
    return Text(" · ".join([*parts, trace.id]), style="dim")


def _name(document: Document) -> str:
    return clean(document.title if document.modality is not Modality.IMAGE else document.text or document.title)


def _one_line(text: str) -> str:
    return " ".join(text.split())
