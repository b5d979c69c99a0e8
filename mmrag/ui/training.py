"""The Training page: runs as they go on, what they wrote, and what the training came to. Drawn in `learning`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components.navbar import Navbar

from mmrag.errors import BadInput, MmragError
from mmrag.runs import Run, Shelves, read_run, run_names, stamp
from mmrag.ui import learning
from mmrag.ui.ask import LIGHT, UNCHANGED, Update
from mmrag.ui.html import problem

FIRST = "answer.em"  # the figure that variants are drawn by until another is chosen
EVERY = 3  # seconds between looks at runs that go on


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page shows, so that the same is not sent again."""

    listed: tuple[str, ...]  # sorted: which run was told of last is no news
    told: tuple[Any, ...]  # the stamps of the chosen runs
    last: int = field(default=0, compare=False)  # step that the slider can show


class TrainingPage:
    """The page over shelves of runs and a file of results; all may be missing."""

    def __init__(self, shelves: Shelves, results: Path) -> None:
        self.shelves, self.results = shelves, results

    def build(self, page: gr.Blocks) -> None:
        """Fill the page that is open."""
        Navbar(main_page_name="Ask")
        self.seen = gr.State()
        with gr.Row(elem_id="runs-bar"):
            self.runs = gr.CheckboxGroup([], label="runs", elem_id="runs", scale=8)
            self.live = gr.Checkbox(True, label="follow", scale=0, min_width=110)
        self.heading = gr.HTML(js_on_load=None, elem_id="runs-heading", apply_default_css=False)
        self.plots: dict[str, gr.Plot] = {}
        with gr.Row(elem_id="learning"):
            for title in learning.PANELS:
                self.plots[title] = gr.Plot(show_label=False, min_width=420, elem_classes="learning")
        with gr.Accordion("What was written", open=True):
            self.step = gr.Slider(0, 1, 0, step=1, label="at step", buttons=[], elem_id="at-step")
            self.samples = gr.HTML(js_on_load=None, elem_id="samples", apply_default_css=False)
        with gr.Accordion("What it came to, on worlds that nothing was trained on", open=True):
            self.figure = gr.Dropdown([], label="compared by", elem_id="compared-by")
            self.forest = gr.Plot(show_label=False, elem_id="forest", elem_classes="learning")
            self.table = gr.HTML(js_on_load=None, elem_id="results", apply_default_css=False)
        self._connect(page)

    def _connect(self, page: gr.Blocks) -> None:
        drawn = [self.seen, self.runs, self.heading, self.step, self.samples, *self.plots.values()]
        timer = gr.Timer(EVERY)
        page.load(self.open, None, [*drawn, self.figure, self.forest, self.table], **LIGHT)
        self.figure.input(self.compare, [self.figure], [self.forest], **LIGHT)
        chosen = [self.runs, self.seen, self.step]
        self.runs.input(self.choose, chosen, drawn, trigger_mode="always_last", **LIGHT)
        timer.tick(self.follow, [self.seen, self.runs, self.live, self.step], drawn, **LIGHT)
        self.step.input(self.show, [self.runs, self.step], [self.samples], trigger_mode="always_last", **LIGHT)

    def open(self) -> Update:
        """The run that was last told of, and the results."""
        names = run_names(self.shelves)
        try:
            found = self._results()
            table = learning.results(found)
        except MmragError as error:
            found, table = {}, f'<div class="mm">{problem(str(error))}</div>'
        choices = learning.comparable(found)
        first = next((key for _, key in choices if key == FIRST), None)
        return {
            **self.choose(list(names[:1])),
            self.runs: gr.CheckboxGroup(choices=list(names), value=list(names[:1])),
            self.figure: gr.Dropdown(choices=choices, value=first, visible=bool(choices)),
            self.forest: gr.Plot(learning.forest(found, first or ""), visible=first is not None),
            self.table: table,
        }

    def compare(self, key: str) -> Update:
        """Draw all variants by this figure."""
        try:
            return {self.forest: gr.Plot(learning.forest(self._results(), key), visible=True)}
        except MmragError:  # damaged since the page was opened, which says so when it is opened again
            return UNCHANGED

    def choose(self, names: Sequence[str], before: Seen | None = None, step: float = 0) -> Update:
        """Draw these runs. A reader of an earlier step stays at it; one at the last step goes on with the run."""
        try:
            seen = self._seen(names)  # before reading: what is told meanwhile is drawn at the next look
            runs = [read_run(self.shelves, name) for name in names]
        except MmragError as error:
            return {self.heading: f'<div class="mm">{problem(str(error))}</div>'}
        last = max((sample.step for run in runs for sample in run.samples), default=0)
        at = last if before is None or step >= before.last else min(int(step), last)
        # A slider told where it is would jump back to there under a hand.
        moved: dict[str, Any] = {} if at == step else {"value": at}
        return {
            self.seen: replace(seen, last=last),
            self.runs: gr.CheckboxGroup(choices=list(run_names(self.shelves))),  # ticks set meanwhile stay
            self.heading: learning.heading(runs),
            self.step: gr.Slider(maximum=max(1, last), **moved),
            self.samples: self._samples(runs, at),
            **{plot: learning.panel(title, runs) for title, plot in self.plots.items()},
        }

    def follow(self, seen: Seen | None, names: Sequence[str], live: bool, step: float) -> Update:
        """Draw anew when a chosen run has gone on, so that a zoom is lost only when there is something new."""
        try:
            now = self._seen(names)
        except MmragError:  # it was taken away meanwhile; what is drawn stays
            return UNCHANGED
        if not live or now == seen:
            return UNCHANGED
        if seen and now.told == seen.told:  # a run came or went, and none that is drawn
            return {
                self.seen: replace(now, last=seen.last),
                self.runs: gr.CheckboxGroup(choices=list(run_names(self.shelves))),
            }
        return self.choose(names, seen, step)

    def show(self, names: Sequence[str], step: float) -> Update:
        """What was written at a step by each of the chosen runs that kept something of it."""
        try:
            return {self.samples: self._samples([read_run(self.shelves, name) for name in names], int(step))}
        except MmragError as error:
            return {self.samples: f'<div class="mm">{problem(str(error))}</div>'}

    def _seen(self, names: Sequence[str]) -> Seen:
        told = tuple(stamp(self.shelves, name) for name in names)
        return Seen(tuple(sorted(run_names(self.shelves))), told)

    def _samples(self, runs: Sequence[Run], step: int) -> str:
        kept = sorted({sample.step for run in runs for sample in run.samples})
        nearest = min(kept, key=lambda one: abs(one - step), default=step)
        return "".join(
            learning.samples(run, nearest) for run in runs if any(one.step == nearest for one in run.samples)
        )

    def _results(self) -> Mapping[str, Any]:
        """What was compared; empty where nothing was yet.

        Raises:
            BadInput: the file is damaged.
        """
        if not self.results.is_file():
            return {}
        try:
            found = json.loads(self.results.read_text("utf-8"))
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{self.results.name} is not JSON: write it anew with `make results`") from error
        return found if isinstance(found, dict) else {}
