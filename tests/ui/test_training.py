"""The Training page: runs drawn as they go on, what they wrote told safely, and results as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from mmrag.runs import read_run
from mmrag.ui import learning
from mmrag.ui.ask import UNCHANGED
from mmrag.ui.launch import Served, launch
from mmrag.ui.training import TrainingPage
from tests.ui.backend import ScriptedBackend
from tests.ui.watched import Watched
from training.chronicle import Chronicle

HOSTILE = "<img src=x onerror='alert(1)'>${alert(2)}</pre><script>alert(3)</script>"
VARIANTS = {
    name: {"says": f"{name} alone", "answer.em": {"value": value, "ci95": [value - 0.1, value + 0.1]}}
    for name, value in (("sft", 0.5), ("stage2", 0.7))
}
RESULTS = {
    "made": {"questions": 1000, "judged": 12_000, "date": "2026-11-21", "commit": "abc"},
    "figures": {"answer.em": "answer, exact match", "judge.f1": "judging, F1"},
    "variants": VARIANTS,
    "comparisons": [{"ours": "stage2", "theirs": "sft", "answer.em": {"value": 0.2, "ci95": [0.1, 0.3]}}],
}


CHANGED = {
    "before": "sft",
    "after": "stage2",
    "won": 200,
    "lost": 40,
    "examples": [
        {
            "asked": "Who built it?",
            "type": "TextQ",
            "gold": "Ada",
            "before": {"answer": "Ivo", "right": False, "wrote": HOSTILE, "kept": {"gold": 1, "others": 4}},
            "after": {"answer": "Ada", "right": True, "wrote": "", "kept": {"gold": 1, "others": 0}},
        }
    ],
}


def tell(chronicle: Chronicle, step: int) -> None:
    chronicle.tell(step, {"loss": 0.1, "reward": step / 10, "entropy": 0.5, "rewards/judged_verdict/mean": 0.9})
    parts = {"judged_verdict": [1.0, 0.0], "ranked_answer": [None, None]}
    chronicle.show(step, ["Is it red?", HOSTILE], [f"Yes, at step {step}.", HOSTILE], parts, [0.7, -0.7])


@pytest.fixture
def chronicle(tmp_path: Path) -> Chronicle:
    made = Chronicle(tmp_path / "runs" / "stage1").begin(
        {"trainer": {"max_steps": 9, "seed": 41}, "commit": "abc"}, None
    )
    for step in (1, 2, 3):
        tell(made, step)
    return made


@pytest.fixture
def training(
    chronicle: Chronicle, browser: Browser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Watched]:
    monkeypatch.setenv("MMRAG_RUNS", str(chronicle.folder.parent))
    monkeypatch.setattr("mmrag.ui.launch.RESULTS", tmp_path / "results.json")
    running: Served = launch(ScriptedBackend())
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    one = Watched(context.new_page(), running.url)
    one.watch()
    yield one
    context.close()
    running.close()


def opened(watched: Watched) -> Page:
    watched.page.goto(watched.url + "training")
    expect(watched.page.locator("#runs-heading .runs")).to_contain_text("step 3 of 9")
    return watched.page


def test_a_run_is_drawn_followed_and_what_it_wrote_runs_nothing(training: Watched, chronicle: Chronicle) -> None:
    page = opened(training)
    expect(page.locator("#learning .js-plotly-plot")).to_have_count(len(learning.PANELS))
    expect(page.locator("#samples")).to_contain_text("Yes, at step 3.")
    expect(page.locator("#samples")).to_contain_text("onerror='alert(1)'")
    page.locator("#samples summary").nth(1).click()
    expect(page.locator("#samples pre").nth(1)).to_contain_text("${alert(2)}")

    tell(chronicle, 4)
    expect(page.locator("#runs-heading")).to_contain_text("step 4 of 9")
    expect(page.locator("#samples")).to_contain_text("Yes, at step 4.")

    page.locator("#at-step input[type=number]").fill("2")
    page.locator("#at-step input[type=number]").press("Enter")
    expect(page.locator("#samples")).to_contain_text("Yes, at step 2.")
    violations = Axe().run(page).response["violations"]
    assert [one["id"] for one in violations if one["impact"] in ("serious", "critical")] == []
    assert (training.errors, training.strangers, training.dialogs) == ([], [], [])


def test_a_run_that_begins_is_listed_on_the_open_page(training: Watched, chronicle: Chronicle) -> None:
    page = opened(training)
    tell(Chronicle(chronicle.folder.parent / "second").begin({}, None), 1)
    expect(page.get_by_label("second")).not_to_be_checked()
    expect(page.get_by_label("stage1", exact=True)).to_be_checked()

    page.get_by_label("stage1", exact=True).uncheck()
    expect(page.locator("#runs-heading")).to_contain_text("No run is chosen.")
    tell(Chronicle(chronicle.folder.parent / "third").begin({}, None), 1)
    page.get_by_label("third").check()
    expect(page.locator("#runs-heading .runs")).to_contain_text("third")
    assert (training.errors, training.strangers, training.dialogs) == ([], [], [])


def test_a_reader_of_an_earlier_step_stays_there_while_the_run_goes_on(training: Watched, chronicle: Chronicle) -> None:
    page = opened(training)
    at = page.locator("#at-step input[type=number]")
    at.fill("2")
    at.press("Enter")
    expect(page.locator("#samples")).to_contain_text("Yes, at step 2.")
    page.locator("#samples summary").nth(1).click()
    tell(chronicle, 4)
    expect(page.locator("#runs-heading")).to_contain_text("step 4 of 9")
    expect(at).to_have_attribute("max", "4")
    expect(at).to_have_value("2")
    expect(page.locator("#samples pre").nth(1)).to_be_visible()

    at.fill("4")
    at.press("Enter")
    expect(page.locator("#samples")).to_contain_text("Yes, at step 4.")
    tell(chronicle, 5)
    expect(at).to_have_value("5")
    expect(page.locator("#samples")).to_contain_text("Yes, at step 5.")
    assert (training.errors, training.strangers, training.dialogs) == ([], [], [])


def test_what_several_runs_wrote_is_told_under_their_names(training: Watched, chronicle: Chronicle) -> None:
    page = opened(training)
    second = Chronicle(chronicle.folder.parent / "second").begin({}, None)
    for step in (2, 3):
        tell(second, step)
    page.get_by_label("second").check()
    expect(page.locator("#samples h3")).to_have_text(["stage1", "second"])
    expect(page.locator("#samples h3 + .samples")).to_have_count(2)

    page.locator("#at-step input[type=number]").fill("1")
    page.locator("#at-step input[type=number]").press("Enter")
    expect(page.locator("#samples h3")).to_have_text(["stage1"])
    assert (training.errors, training.strangers, training.dialogs) == ([], [], [])


def test_runs_ticked_one_after_another_are_all_drawn(training: Watched, chronicle: Chronicle) -> None:
    page = opened(training)
    names = [f"other{number}" for number in range(4)]
    for name in names:
        tell(Chronicle(chronicle.folder.parent / name).begin({}, None), 1)
    expect(page.get_by_label(names[-1])).to_be_visible()
    for name in names:
        page.get_by_label(name).click()
    for name in names:
        expect(page.get_by_label(name)).to_be_checked()
        expect(page.locator("#runs-heading .runs")).to_contain_text(name)


BOXES = """() => [...document.querySelectorAll("#learning .js-plotly-plot")].map((plot) => {
  const box = (name) => plot.querySelector(name)?.getBoundingClientRect().toJSON();
  return {chart: plot.getBoundingClientRect().toJSON(), title: box(".gtitle"), plot: box(".nsewdrag"),
          axis: box(".xtitle"), legend: box(".legend .bg"),
          last: [...plot.querySelectorAll(".legend .traces text")].at(-1)?.getBoundingClientRect().toJSON()};
})"""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("several", [False, True])
def test_a_legend_lies_below_its_plot_and_covers_nothing(
    training: Watched, chronicle: Chronicle, width: int, several: bool
) -> None:
    figures = {name: 0.5 for names in learning.PANELS.values() for name in names}
    others = [Chronicle(chronicle.folder.parent / f"other{number}").begin({}, None) for number in range(3 * several)]
    for one in (*others, chronicle):
        one.tell(4, figures)
    training.page.set_viewport_size({"width": width, "height": 900})
    training.page.goto(training.url + "training")
    expect(training.page.locator("#runs-heading .runs li")).to_have_count(1)
    for one in (*others, chronicle):
        training.page.get_by_label(one.folder.name, exact=True).check()
    expect(training.page.locator("#learning .legend .traces")).to_have_count(len(figures) * (len(others) + 1))
    for drawn in training.page.evaluate(BOXES):
        assert drawn["title"]["bottom"] <= drawn["plot"]["top"]
        assert drawn["plot"]["height"] > 150
        assert drawn["axis"]["bottom"] <= drawn["legend"]["top"] + 1
        assert drawn["last"]["bottom"] <= drawn["legend"]["bottom"] <= drawn["chart"]["bottom"]


def test_what_is_shown_is_sent_anew_only_when_there_is_news(chronicle: Chronicle, tmp_path: Path) -> None:
    training = TrainingPage({"": chronicle.folder.parent}, tmp_path / "results.json")
    with gr.Blocks() as page:
        training.build(page)
    seen = training.choose(["stage1"])[training.seen]
    assert training.follow(seen, ["stage1"], True, 2) == UNCHANGED
    tell(chronicle, 4)
    assert training.follow(seen, ["stage1"], False, 2) == UNCHANGED
    told = training.follow(seen, ["stage1"], True, 2)
    assert training.heading in told
    assert told[training.step].constructor_args == {"maximum": 4}, "a hand on the slider is left alone"


def test_a_run_at_its_first_step_is_drawn(training: Watched, chronicle: Chronicle) -> None:
    tell(Chronicle(chronicle.folder).begin({"trainer": {"max_steps": 9}}, None), 1)
    training.page.goto(training.url + "training")
    expect(training.page.locator("#runs-heading .runs")).to_contain_text("step 1 of 9")
    expect(training.page.locator("#samples")).to_contain_text("Yes, at step 1.")


def test_one_goes_from_asking_to_training_and_back(training: Watched) -> None:
    page = training.open()
    page.get_by_role("link", name="Training").or_(page.get_by_role("button", name="Training")).first.click()
    expect(page.locator("#runs-heading")).to_contain_text("stage1")
    page.get_by_role("link", name="Ask").or_(page.get_by_role("button", name="Ask")).first.click()
    expect(page.locator(".mm.trace")).to_be_visible()


def test_without_runs_the_page_says_how_to_begin_one() -> None:
    assert "training.stage1" in learning.heading([])
    assert "training.ablate" in learning.results({})


def test_one_run_has_a_colour_for_each_figure_and_several_have_one_each(chronicle: Chronicle) -> None:
    run = read_run({"": chronicle.folder.parent}, "stage1")
    alone, both = learning.panel("Reward", [run]), learning.panel("Reward", [run, run])
    assert [trace.name for trace in alone.data if trace.mode == "lines"] == ["in training"]
    assert len({trace.line.color for trace in both.data if trace.mode == "lines"}) == 2
    assert list(alone.data[0].x) == [1, 2, 3]
    assert not learning.panel("Length", [run]).data, "what was not told is not drawn"


def test_results_are_told_with_intervals_and_as_text() -> None:
    told = learning.results({**RESULTS, "figures": {**RESULTS["figures"], "answer.em": HOSTILE}})
    assert "<img" not in told
    assert "<script" not in told
    table = learning.results(RESULTS)
    assert "<b>0.700</b>" in table
    assert '<b>+0.200</b> <span class="sub">+0.100 to +0.300</span>' in table
    assert "1,000 questions" in table
    assert table.count("–") == 2, "a figure that is not there is a dash"


def test_variants_are_drawn_by_a_figure_with_their_intervals() -> None:
    (drawn,) = learning.forest(RESULTS, "answer.em").data
    assert (list(drawn.y), list(drawn.x)) == (["sft", "stage2"], [0.5, 0.7])
    assert drawn.error_x.array[0] == pytest.approx(0.1)
    assert not learning.forest(RESULTS, "judge.f1").data[0].y, "what no variant has is not drawn"
    assert not learning.forest({}, "").data[0].y


def test_the_figure_to_compare_by_is_chosen(training: Watched, tmp_path: Path) -> None:
    page = opened(training)
    expect(page.locator("#compared-by")).to_be_hidden()
    judged = {name: {**one, "judge.f1": {"value": 0.8, "ci95": [0.7, 0.9]}} for name, one in VARIANTS.items()}
    (tmp_path / "results.json").write_text(json.dumps({**RESULTS, "variants": judged, "changed": CHANGED}))
    page.reload()
    expect(page.locator("#forest .xtitle")).to_have_text("answer, exact match")
    page.get_by_label("compared by").click()
    page.get_by_role("option", name="judging, F1").click()
    expect(page.locator("#forest .xtitle")).to_have_text("judging, F1")
    expect(page.locator("#results .changes li")).to_have_count(1)
    assert (training.errors, training.strangers, training.dialogs) == ([], [], [])


def test_damaged_results_are_told_in_one_line_and_runs_are_drawn_all_the_same(
    training: Watched, tmp_path: Path
) -> None:
    (tmp_path / "results.json").write_text("{")
    page = opened(training)
    expect(page.locator("#results [role=alert]")).to_contain_text("results.json is not JSON: write it anew with")
    expect(page.locator("#samples")).to_contain_text("Yes, at step 3.")
    assert (training.errors, training.strangers, training.dialogs) == ([], [], [])


def test_the_same_question_is_told_before_and_after_as_text() -> None:
    told = learning.results({**RESULTS, "changed": CHANGED})
    assert "stage2 answers 200 questions right that sft did not, and no longer 40 that sft did" in told
    assert "<img" not in told
    assert told.index('aria-label="wrong"') < told.index('aria-label="right"')
    assert "kept 1 of the evidence and 4 besides" in told
    assert "Before and after" not in learning.results(RESULTS)
