"""The Ask page: its widgets, and which event does what. What is shown is made in `html`, `shell` and `charts`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components.navbar import Navbar

from mmrag.errors import BadInput, MmragError
from mmrag.settings import Settings
from mmrag.types import Query, Trace
from mmrag.ui import charts, frames, shell
from mmrag.ui.assets import read
from mmrag.ui.backend import Backend
from mmrag.ui.before import offer, remembering, stage_of
from mmrag.ui.frames import Frame
from mmrag.ui.html import problem, remark
from mmrag.ui.rejudge import bar, kept, rejudge, turned

MODEL_LANE: Mapping[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
LIGHT: Mapping[str, Any] = {"concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private"}
STOPPED = "Stopped. What had been made by then is below."
UNBEGUN = "The question was stopped before it began."
Update = dict[Any, Any]  # a component to its new value
UNCHANGED: Update = gr.skip()


@dataclass(frozen=True, slots=True)
class Controls:
    """The widgets that say what to ask and how."""

    question: gr.Textbox
    upload: gr.UploadButton
    go: gr.Button
    stop: gr.Button
    stage: gr.Dropdown
    retrieve: gr.Slider
    top_k: gr.Slider
    threshold: gr.Slider

    @property
    def settings(self) -> list[Any]:
        """The widgets behind `Settings`, in the order of `_settings`."""
        return [self.stage, self.retrieve, self.top_k, self.threshold]


class AskPage:
    """The page over one backend. Sessions share nothing but the backend: what a person sees lies in `gr.State`."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def build(self) -> gr.Blocks:
        """The page, ready to launch."""
        page = gr.Blocks(title="mmrag", analytics_enabled=False, delete_cache=(3600, 86400))
        with page:
            self.trace = gr.State()
            self.running = gr.State(False)  # whether the trace is still growing; a question that waits has none yet
            self.picture = gr.State()
            Navbar(main_page_name="Ask")
            title, counts = self.backend.collection()
            gr.HTML(shell.header(title, counts, self.backend.describe()), js_on_load=None, apply_default_css=False)
            self.controls = self._controls()
            start = shell.empty(self.backend.examples())
            self.view = gr.HTML(start, js_on_load=read("bridge.js"), elem_id="trace", apply_default_css=False)
            with gr.Accordion("Charts: P(keep) and time", open=False, elem_id="charts"):
                with gr.Row():
                    self.keep_plot = gr.Plot(show_label=False, elem_id="keep-plot")
                    self.time_plot = gr.Plot(show_label=False, elem_id="time-plot")
                self.tables = gr.HTML(js_on_load=None, apply_default_css=False)
            gr.HTML(shell.viewer(), js_on_load=None, apply_default_css=False)
            self._connect(page)
        return page

    def _controls(self) -> Controls:
        usual = Settings()
        with gr.Row(elem_id="ask-bar"):
            question = gr.Textbox(
                placeholder="Ask about the pictures, passages and tables",
                label="question",
                show_label=False,
                container=False,
                lines=1,
                max_lines=4,
                scale=8,
                autofocus=True,
                elem_id="question",
            )
            kinds = [".png", ".jpg", ".jpeg", ".webp"]
            upload = gr.UploadButton("Add a picture", type="binary", file_types=kinds, scale=0, elem_id="add-picture")
            go = gr.Button("Ask", variant="primary", scale=0, elem_id="ask-go")
            stop = gr.Button("Stop", variant="stop", scale=0, elem_id="ask-stop")
        self.preview = gr.HTML(js_on_load=read("bridge.js"), elem_id="preview", apply_default_css=False)
        chips = shell.examples(self.backend.examples())
        self.examples = gr.HTML(chips, js_on_load=read("bridge.js"), elem_id="examples", apply_default_css=False)
        stages = list(self.backend.stages())
        with gr.Row(elem_id="settings"):
            stage = gr.Dropdown(stages, value=stages[0], label="checkpoint", min_width=120)
            retrieve = gr.Slider(1, 50, usual.retrieve, step=1, label="retrieve", buttons=[], min_width=150)
            top_k = gr.Slider(1, 26, usual.top_k, step=1, label="keep at most", buttons=[], min_width=150)
            threshold = gr.Slider(
                0, 1, usual.threshold, step=0.01, label="keep above", buttons=[], min_width=150, elem_id="threshold"
            )
        return Controls(question, upload, go, stop, stage, retrieve, top_k, threshold)

    def _connect(self, page: gr.Blocks) -> None:
        c = self.controls
        drawn = [self.view, self.trace, self.running, self.keep_plot, self.time_plot, self.tables]
        asked = [c.question, self.picture, self.preview]
        judged = [self.trace, self.running, c.stage, c.top_k, c.threshold]
        # A run being cancelled counts as pending for a moment: asked anew right after Stop, Gradio's "once" would drop
        # the question, and "always_last" would keep it for ever. The page itself sees to it that one runs at a time.
        lane = {**LIGHT, **MODEL_LANE, "trigger_mode": "multiple"}
        offers = (self.examples.example, self.view.example)
        runs = [
            gr.on(
                [c.go.click, c.question.submit],
                self.ask,
                [self.trace, c.question, self.picture, *c.settings],
                [*drawn, self.preview],
                **lane,
            ),
            *(chips(self.ask_example, [self.trace, *c.settings], [*drawn, *asked], **lane) for chips in offers),
            self.view.again(self.answer_again, [self.trace, *c.settings], drawn, **lane),
            self.view.same(self.ask_the_same, [self.trace, *c.settings], [*drawn, *asked], **lane),
        ]
        c.stop.click(self.stop, [self.trace, self.running], drawn, cancels=runs, **LIGHT)
        # One at a time: of two clicks in a row each starts from what the other has made of the trace.
        self.view.turn(
            self.turn, [self.trace, c.stage], drawn, trigger_mode="multiple", **{**LIGHT, "concurrency_limit": 1}
        )
        c.stage.input(self.choose, [self.trace, self.running, c.stage], drawn, trigger_mode="always_last", **LIGHT)
        for slider in (c.threshold, c.top_k):
            slider.input(self.rejudge, judged, drawn, trigger_mode="always_last", **LIGHT)
        c.upload.upload(self.add_picture, [c.upload], [self.picture, self.preview], **LIGHT)
        self.preview.forget(self.forget_picture, None, [self.picture, self.preview], **LIGHT)
        page.load(self.open, None, [*drawn, *asked, *c.settings], **LIGHT)

    def ask(
        self,
        previous: Trace | None,
        question: str,
        picture: bytes | None,
        stage: str,
        retrieve: float,
        top_k: float,
        threshold: float,
    ) -> Iterator[Update]:
        """Ask what stands in the box."""
        answers = self._answers(Query(question, picture), stage, retrieve, top_k, threshold)
        unrefused = {} if picture else {self.preview: ""}  # what was said of an upload that could not be used
        yield from _first(self._run(answers, previous), unrefused)

    def ask_example(
        self,
        previous: Trace | None,
        stage: str,
        retrieve: float,
        top_k: float,
        threshold: float,
        event: gr.EventData,
    ) -> Iterator[Update]:
        """Put an example into the box, and ask it."""
        try:
            query = self.backend.example(str(event._data.get("id")))
        except MmragError as error:
            yield self._drawn(frames.broken(previous, self.backend, str(error)))
            return
        answers = self._answers(query, stage, retrieve, top_k, threshold)
        yield from _first(self._run(answers, previous), self._asked(query))

    def answer_again(
        self, trace: Trace | None, stage: str, retrieve: float, top_k: float, threshold: float
    ) -> Iterator[Update]:
        """Rank, reason and answer anew over what is kept now."""

        def traces() -> Iterator[Trace]:
            if trace is None or not trace.steps:
                raise BadInput("There is no trace to answer again: ask something first.")
            settings = _settings(retrieve, top_k, threshold)
            yield from self.backend.answer_again(trace, kept(trace.steps[-1]), settings, stage)

        yield from self._run(traces(), trace)

    def ask_the_same(
        self, trace: Trace | None, stage: str, retrieve: float, top_k: float, threshold: float
    ) -> Iterator[Update]:
        """Ask the question of `trace` of the checkpoint that is chosen now, whatever stands in the box."""

        def traces() -> Iterator[Trace]:
            if trace is None:
                raise BadInput("There is no question to ask again: ask one first.")
            yield from self._answers(trace.query, stage, retrieve, top_k, threshold)

        yield from _first(self._run(traces(), trace), self._asked(trace.query) if trace else {})

    def stop(self, trace: Trace | None, running: bool) -> Update:
        """Show and save what had been made when the run was cancelled; a trace that does not run is an older one."""
        if trace is None:
            return self._drawn(frames.bare(remark(UNBEGUN)))
        if not running:
            return self._drawn(frames.still(trace, self.backend, notice=remark(UNBEGUN)))
        try:
            self.backend.save(trace)
        except MmragError as error:
            return self._drawn(frames.broken(trace, self.backend, str(error)))
        return self._drawn(frames.still(trace, self.backend, notice=remark(STOPPED)))

    def choose(self, trace: Trace | None, running: bool, stage: str) -> Update:
        """Offer to ask the checkpoint that was chosen what another one has answered."""
        return UNCHANGED if trace is None or running else self._aside(trace, stage)

    def rejudge(self, trace: Trace | None, running: bool, stage: str, top_k: float, threshold: float) -> Update:
        """Keep and drop anew from stored P(keep). A growing trace is let alone: `page.js` calls again at its end."""
        if trace is None or running or bar(trace) == (float(threshold), int(top_k)):
            return UNCHANGED
        return self._aside(rejudge(trace, float(threshold), int(top_k)), stage)

    def turn(self, trace: Trace | None, stage: str, event: gr.EventData) -> Update:
        """Keep one document that was dropped, or drop one that was kept."""
        if trace is None:
            return UNCHANGED
        try:
            return self._aside(turned(trace, str(event._data.get("id"))), stage)
        except MmragError as error:
            return self._drawn(frames.broken(trace, self.backend, str(error)))

    def add_picture(self, data: bytes | None) -> Update:
        """Make an upload safe and show it small; an unusable one is refused in one line."""
        try:
            safe = self.backend.query_picture(data or b"")
        except MmragError as error:
            return {self.picture: None, self.preview: f'<div class="mm">{problem(str(error))}</div>'}
        return {self.picture: safe, self.preview: shell.preview(safe)}

    def forget_picture(self) -> Update:
        """Ask without a picture."""
        return {self.picture: None, self.preview: ""}

    def open(self, request: gr.Request) -> Update:
        """Show the trace that the address names, if it names one, beside what it was asked with."""
        trace_id = request.query_params.get("trace")
        if not trace_id:
            return UNCHANGED
        try:
            trace = self.backend.load(trace_id)
        except MmragError as error:
            return self._drawn(frames.bare(problem(str(error))))
        return {**self._drawn(frames.still(trace, self.backend)), **self._asked(trace.query), **self._set(trace)}

    def _answers(self, query: Query, stage: str, retrieve: float, top_k: float, threshold: float) -> Iterator[Trace]:
        """Begun where it is drawn, so that what goes wrong at once is drawn too."""
        yield from self.backend.ask(query, stage, _settings(retrieve, top_k, threshold))

    def _run(self, traces: Iterator[Trace], previous: Trace | None) -> Iterator[Update]:
        for frame in frames.run((remembering(trace, previous) for trace in traces), previous, self.backend):
            yield self._drawn(frame)

    def _aside(self, trace: Trace, stage: str) -> Update:
        return self._drawn(frames.aside(trace, self.backend, offer(trace, stage)))

    def _drawn(self, frame: Frame) -> Update:
        update: Update = {self.view: frame.html, self.trace: frame.trace, self.running: not frame.last}
        if frame.last and frame.trace is not None:
            update |= {
                self.keep_plot: charts.keep_chart(frame.trace),
                self.time_plot: charts.time_chart(frame.trace),
                self.tables: charts.tables(frame.trace),
            }
        return update

    def _asked(self, query: Query) -> Update:
        shown = shell.preview(query.picture) if query.picture else ""
        return {self.controls.question: query.text, self.picture: query.picture, self.preview: shown}

    def _set(self, trace: Trace) -> Update:
        """The widgets as they stood when `trace` was made, as far as it says and they can show it."""
        c = self.controls
        threshold, top_k = bar(trace)
        retrieve = min(int(trace.settings.get("retrieve", Settings().retrieve)), c.retrieve.maximum)
        stage = stage_of(trace.fingerprint.adapter) if trace.fingerprint else ""
        known = {c.stage: stage} if stage in self.backend.stages() else {}
        return {c.retrieve: retrieve, c.top_k: top_k, c.threshold: threshold, **known}


def _first(updates: Iterator[Update], more: Update) -> Iterator[Update]:
    """The updates, the first one with `more`."""
    for update in updates:
        yield {**update, **more}
        more = {}


def _settings(retrieve: float, top_k: float, threshold: float) -> Settings:
    return Settings(retrieve=int(retrieve), top_k=int(top_k), threshold=float(threshold))
