"""A scripted backend for the page's tests: pictures drawn on the spot, and traces that grow as a model's would.

It stands where a collection and a checkpoint stand, so the page's own tests need neither; nothing in it is a test.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from PIL import Image, ImageDraw

from mmrag.errors import BadPicture, BadQuestion, UnknownId
from mmrag.policy.grammar import NOT_FOUND
from mmrag.settings import Settings
from mmrag.types import (
    Document,
    Fingerprint,
    Found,
    Hit,
    Malformed,
    Modality,
    Phase,
    Query,
    Question,
    Ranking,
    Sentence,
    Step,
    Table,
    Timing,
    Trace,
    Verdict,
)
from mmrag.ui.rejudge import kept, rejudge

MADE = Fingerprint("embedded-7m", "sft", "none", "bfloat16", "cpu", 7_100_000, 16_400_000, "5f1c09ab")
TOWERS = Table(
    ("name", "height", "opened", "visitors"),
    (
        ("Velmar lighthouse", "41", "1874", "312"),
        ("Gegim chapel", "18", "1790", "208"),
        ("Orsk windmill", "23", "1811", "97"),
    ),
)
LIGHTS = (
    "The Velmar lighthouse stands on the north mole of Orsk. It was designed by Ada Brenn and opened in 1874. Its "
    "lamp, first fed with rape oil, could be seen from the Gegim shoals."
)
_P, _I, _T = Modality.PASSAGE, Modality.IMAGE, Modality.TABLE
# title, modality, text, P(keep), reason
_WORLD = (
    ("The lights of Orsk", _P, LIGHTS, 0.93, "names the designer of the lighthouse"),
    ("Gegim chapel at noon", _I, "Gegim chapel at noon, seen from the square", 0.03, "another building"),
    (
        "Ada Brenn's early life",
        _P,
        "Ada Brenn was born in Tolm and learned to draw from her aunt.",
        0.04,
        "no lighthouse",
    ),
    ("Towers of Orsk", _T, "", 0.64, "lists the lighthouse"),
    ("Velmar lighthouse from the harbour", _I, "Velmar lighthouse from the harbour in the morning", 0.97, "shows it"),
    ("Orsk windmill", _I, "Orsk windmill on a cloudy day", 0.02, "another building"),
    ("Harbour of Orsk", _P, "The harbour of Orsk has two moles and a ferry to Velm.", 0.56, "tells where it stands"),
    ("Ferry Petrel", _I, "The ferry Petrel at dusk", 0.01, "a ferry"),
    ("Tolm lighthouse", _I, "Tolm lighthouse in the rain", 0.03, "another lighthouse"),
    ("Lamps and their oils", _P, "Rape oil gave way to paraffin " * 20, 0.02, "lamps in general"),
    ("Ferries", _T, "", 0.01, "about ferries"),
    ("Red roofs", _P, "Red roofs are common in the north.", 0.02, "no lighthouse is named"),
)
RAW = (
    "<think>[2] says that Ada Brenn designed the Velmar lighthouse. [1] shows it, and its roof is red. Both [1] and "
    "[4] place it at Orsk. So the roof that she drew is red.</think><rank>[1] > [2] > [3]</rank><answer>red</answer>"
)


def documents() -> tuple[Document, ...]:
    """The collection."""
    return tuple(
        Document(f"doc {i}/ü", kind, title, text, f"{i}.png" if kind is _I else None, TOWERS if kind is _T else None)
        for i, (title, kind, text, _, _) in enumerate(_WORLD)
    )


def picture(index: int) -> Image.Image:
    """A little scene: sky, ground, and a house with a roof."""
    image = Image.new("RGB", (400, 300), ("#cfe3f2", "#f3d9b8", "#c9d3dd")[index % 3])
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 225, 400, 300), fill=("#8fb07a", "#7f9db3")[index % 2])
    draw.ellipse((300, 30, 350, 80), fill="#f4d35e")
    draw.rectangle((165, 105, 235, 232), fill="#efe9dc", outline="#8a8378", width=3)
    draw.polygon(
        ((150, 108), (250, 108), (200, 45)), fill=("#3f6fb0", "#c8372d", "#3d8a5f", "#777777")[(index + 1) % 4]
    )
    draw.rectangle((190, 185, 212, 232), fill="#334455")
    return image


def png_of(image: Image.Image) -> bytes:
    """The picture as PNG bytes."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def hits() -> tuple[Hit, ...]:
    """What retrieval brings, for every question."""
    return tuple(
        Hit(
            d,
            rank,
            1 / (60 + rank),
            (Found("words", 9.4 - rank * 0.6, rank), Found("picture", 0.71 - rank * 0.03, rank + 2)),
        )
        for rank, d in enumerate(documents(), start=1)
    )


def verdicts(share: float = 1.0) -> tuple[Verdict, ...]:
    """What the model thinks of each, at the usual threshold and top-k; `share` of that, when it is less sure."""
    return tuple(
        Verdict(d.id, share * p >= Settings().threshold, share * p, why)
        for d, (*_, p, why) in zip(documents(), _WORLD, strict=True)
    )


def grown(query: Query, settings: Settings, name: str) -> Iterator[Trace]:
    """One question's traces, from asked to done."""
    made = {"retrieve": settings.retrieve, "top_k": settings.top_k, "threshold": settings.threshold}
    trace = Trace(name, query, "rft", "2026-11-20T12:00:00Z", settings=made, fingerprint=MADE)
    yield trace
    times = (Timing("retrieve", 0.024), Timing("judge", 0.318, 2210, 96), Timing("answer", 0.506, 611, 74))
    step = Step(query.text, hits=hits())
    yield (trace := replace(trace, phase=Phase.RETRIEVED, steps=(step,), timings=times[:1]))
    judged = replace(step, verdicts=verdicts(0.1 if "nothing" in query.text else 1.0))
    trace = replace(trace, phase=Phase.JUDGED, steps=(judged,), timings=times[:2])
    yield (trace := rejudge(trace, settings.threshold, settings.top_k))
    yield from answered(trace, times[2])


def answered(trace: Trace, time_taken: Timing) -> Iterator[Trace]:
    """The list-wise stage over what is kept."""
    step = trace.steps[0]
    shown = kept(step)
    timings = (*trace.timings, time_taken)
    if not shown:
        step = replace(step, shown=(), answer=NOT_FOUND)
        yield replace(trace, phase=Phase.DONE, steps=(step,), answer=NOT_FOUND, timings=timings)
        return
    step = replace(step, shown=shown)
    if "malformed" in trace.query.text:
        broken = replace(
            step, raw="<think>[1] says so. <rank>", malformed=Malformed("cut_off", "the <think> part is open")
        )
        yield replace(trace, phase=Phase.DONE, steps=(broken,), timings=timings)
        return
    sentences = tuple(_said(index, shown) for index in range(4))
    for count in range(1, 5):
        step = replace(step, sentences=sentences[:count], raw=RAW[: count * 60])
        yield replace(trace, phase=Phase.ANSWERING, steps=(step,))
        time.sleep(0.02)
    best = tuple(dict.fromkeys((shown[0], shown[min(1, len(shown) - 1)], *shown)))[:3]
    step = replace(step, ranking=Ranking(best), answer="red", raw=RAW)
    yield replace(trace, phase=Phase.DONE, steps=(step,), answer="red", timings=timings)


def _said(index: int, shown: tuple[str, ...]) -> Sentence:
    first, other = shown[0], shown[min(1, len(shown) - 1)]
    return (
        Sentence(f"[{min(2, len(shown))}] says that Ada Brenn designed the Velmar lighthouse.", (other,)),
        Sentence("[1] shows it, and its roof is red.", (first,)),
        Sentence(f"Both [1] and [{len(shown)}] place it at Orsk.", tuple(dict.fromkeys((first, shown[-1])))),
        Sentence("So the roof that she drew is red."),
    )[index]


class ScriptedBackend:
    """Answers every question about the lighthouse. The words broken, malformed and nothing mean what they say.

    A question with the word slow goes no further than its retrieved documents until `go_on` is set, one with the word
    pondered no further than its first sentence.
    """

    def __init__(self) -> None:
        self.traces: dict[str, Trace] = {}
        self.go_on = threading.Event()

    def collection(self) -> tuple[str, Mapping[Modality, int]]:
        return "Orsk and its neighbours", {_I: 212, _P: 164, _T: 31}

    def examples(self) -> Mapping[str, tuple[Question, ...]]:
        colour = "What colour is the roof of the lighthouse that Ada Brenn designed?"
        return {
            "colour": (
                Question("q1", colour, ("red",)),
                Question("q2", "What colour is the Petrel's hull?", ("blue",)),
            ),
            "how many": (Question("q3", "How many windows has Gegim chapel?", ("3",)),),
            "yes / no": (Question("q4", "Is the Velmar lighthouse taller than Orsk windmill?", ("yes",)),),
            "table": (Question("q5", "Which tower had 312 visitors?", ("Velmar lighthouse",)),),
            "with a picture": (Question("q6", "When was this opened?", ("1874",), image="4.png"),),
            "not in the collection": (Question("q7", "Who painted the nothing of Orsk?", (NOT_FOUND,)),),
        }

    def example(self, question_id: str) -> Query:
        for question in (one for many in self.examples().values() for one in many):
            if question.id == question_id:
                return Query(question.question, png_of(picture(4)) if question.image else None)
        raise UnknownId(f"no example has the id {question_id!r}: choose one that the page offers")

    def stages(self) -> tuple[str, ...]:
        return ("sft", "base")

    def describe(self) -> Fingerprint:
        return MADE

    def ask(self, query: Query, stage: str, settings: Settings) -> Iterator[Trace]:
        if not query.text.strip():
            raise BadQuestion("the question is empty: write what you want to know")
        if "broken" in query.text:
            raise RuntimeError("/secret/path is broken")
        made = replace(MADE, adapter=None if stage == "base" else stage)
        for trace in grown(query, settings, f"t{len(self.traces) + 1}"):
            yield replace(trace, fingerprint=made)
            phase = {"slow": Phase.RETRIEVED, "pondered": Phase.ANSWERING}
            if any(word in query.text and trace.phase is where for word, where in phase.items()):
                self.go_on.wait(60)

    def answer_again(self, trace: Trace, kept: tuple[str, ...], settings: Settings, stage: str) -> Iterator[Trace]:
        fresh = replace(trace, id=f"{trace.id}-again{len(self.traces)}", timings=trace.timings[:2])
        yield from answered(fresh, Timing("answer", 0.401, 500, 60))

    def picture(self, document_id: str) -> Image.Image | None:
        for index, document in enumerate(documents()):
            if document.id == document_id:
                return picture(index) if document.image else None
        raise UnknownId(f"the collection has no document {document_id!r}")

    def query_picture(self, data: bytes) -> bytes:
        try:
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
                return png_of(image.convert("RGB"))
        except OSError as error:
            raise BadPicture("the picture is not a PNG, JPEG or WebP: choose another file") from error

    def save(self, trace: Trace) -> None:
        self.traces[trace.id] = trace

    def load(self, trace_id: str) -> Trace:
        if trace_id not in self.traces:
            raise UnknownId(f"no trace is saved under {trace_id!r}: the link is old, or mistyped")
        return self.traces[trace_id]
