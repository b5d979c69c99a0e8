"""The Ask page in a real browser, over a real server: what a person does, and what must not happen meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from mmrag.types import Trace
from mmrag.ui.launch import Served
from tests.ui.backend import ScriptedBackend, documents, picture, png_of
from tests.ui.watched import Watched

HOT = "[...document.querySelectorAll('.link.hot')].map(e => e.dataset.ev)"


def _serious(page: Page) -> list[str]:
    page.wait_for_timeout(300)  # colours move for a moment after a change of theme
    violations = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in violations
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def _quiet(watched: Watched) -> None:
    assert (watched.errors, watched.strangers, watched.dialogs) == ([], [], [])


def test_a_person_asks_follows_evidence_moves_the_threshold_and_answers_again(watched: Watched) -> None:
    page = watched.open()
    watched.ask("What colour is the roof?")
    expect(page.locator(".answer")).to_contain_text("red")
    assert page.locator("article.doc").count() == 4
    assert page.locator("details.doc.off").count() == 8

    page.locator(".why li").first.hover()
    assert set(page.evaluate(HOT)) == {"A"}
    page.locator(".why li").nth(2).click()
    page.mouse.move(5, 5)
    assert {"E", "G", "E G"} <= set(page.evaluate(HOT))
    page.keyboard.press("Escape")
    assert page.evaluate(HOT) == []

    before = watched.frame()
    page.locator("#threshold input[type=number]").fill("0.04")
    page.locator("#threshold input[type=number]").press("Enter")
    watched.settle(before)
    assert page.locator("article.doc").count() == 5
    expect(page.locator(".notice.stale")).to_contain_text("The answer above was written without C.")

    before = watched.frame()
    page.get_by_role("button", name="Answer again with these").click()
    page.wait_for_function("document.querySelector('.trace').dataset.trace.includes('again')")
    watched.settle(before)
    expect(page.locator(".notice.stale")).to_have_count(0)
    expect(page.locator(".answer")).to_contain_text("red")
    _quiet(watched)


def test_a_person_drops_a_document_by_hand_and_sees_what_the_answer_was_before(watched: Watched) -> None:
    page = watched.open()
    watched.ask("What colour is the roof?")
    first = page.locator("article.doc").first
    letter = first.get_attribute("data-card")
    before = watched.frame()
    first.get_by_role("button", name="drop ").focus()
    page.keyboard.press("Enter")
    watched.settle(before)
    assert page.locator("article.doc").count() == 3
    expect(page.locator(".notice.stale")).to_contain_text(f"The answer above was written with {letter}.")
    dropped = page.locator(f"details[data-card={letter}]")
    expect(dropped.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dropped).to_contain_text("by hand")

    before = watched.frame()
    page.get_by_role("button", name="Answer again with these").click()
    page.wait_for_function("document.querySelector('.trace').dataset.trace.includes('again')")
    watched.settle(before)
    expect(page.locator(".before")).to_have_text(f"Before, with {letter}: the same")
    expect(dropped.locator("summary .changed")).to_have_text("kept before (0.97)")

    before = watched.frame()
    dropped.locator("summary").click()
    dropped.get_by_role("button", name="keep ").click()
    watched.settle(before)
    assert page.locator("article.doc").count() == 4
    page.locator(".before a").click()
    expect(page.locator("article.doc")).to_have_count(4)
    expect(page.locator(".before")).to_have_count(0)
    _quiet(watched)


def test_verdicts_follow_a_threshold_that_was_moved_while_the_question_was_answered(
    watched: Watched, slow: threading.Event
) -> None:
    page = watched.open()
    _begin(page, "pondered?")
    expect(page.locator(".why li:not(.bone)").first).to_be_visible()
    _type(page, "0.04")
    page.wait_for_timeout(500)
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.locator("article.doc")).to_have_count(4)
    slow.set()
    expect(page.locator(".answer")).to_contain_text("red")
    expect(page.locator("article.doc")).to_have_count(5)
    expect(page.locator(".notice.stale")).to_be_visible()
    _quiet(watched)


def test_a_threshold_moved_while_a_question_waits_leaves_the_button_that_stops_it(
    watched: Watched, slow: threading.Event
) -> None:
    page = watched.open()
    other = page.context.new_page()
    other.goto(watched.url)
    watched.ask("What colour is the roof?")
    _begin(other, "slow?")
    expect(other.locator(".verdict.waiting").first).to_be_visible()
    _begin(page, "And now?")
    _type(page, "0.04")
    expect(page.locator("article.doc")).to_have_count(5)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".notice").first).to_have_text("The question was stopped before it began.")
    _quiet(watched)


@pytest.mark.parametrize(
    ("typed", "shown", "kept"), [("5", "1", 0), ("", "0.2", 4), ("-3", "0", 8), ("0.042", "0.04", 5)]
)
def test_a_number_out_of_range_is_brought_into_it_and_the_verdicts_follow(
    watched: Watched, typed: str, shown: str, kept: int
) -> None:
    page = watched.open()
    watched.ask("What colour is the roof?")
    _type(page, typed)
    expect(page.locator("#threshold input[type=number]")).to_have_value(shown)
    expect(page.locator("#threshold input[type=range]")).to_have_value(shown)
    expect(page.locator("article.doc")).to_have_count(kept)
    expect(page.locator(".toast-body")).to_have_count(0)
    _quiet(watched)


def _type(page: Page, number: str) -> None:
    box = page.locator("#threshold input[type=number]")
    box.click()
    box.press("Control+a")
    box.press("Delete")
    box.press_sequentially(number)
    box.press("Tab")


def test_two_documents_dropped_in_a_hurry_are_both_dropped(watched: Watched) -> None:
    page = watched.open()
    watched.ask("What colour is the roof?")
    page.evaluate("[...document.querySelectorAll('article .turn')].slice(0, 2).forEach(button => button.click())")
    expect(page.locator("article.doc")).to_have_count(2)


def test_with_nothing_kept_the_answer_is_that_there_is_none(watched: Watched) -> None:
    page = watched.open()
    watched.ask("What colour is the roof?")
    page.evaluate("document.querySelectorAll('article .turn').forEach(button => button.click())")
    expect(page.locator("article.doc")).to_have_count(0)
    before = watched.frame()
    page.get_by_role("button", name="Answer again with these").click()
    page.wait_for_function("document.querySelector('.trace').dataset.trace.includes('again')")
    watched.settle(before)
    expect(page.locator(".answer")).to_contain_text("not in the collection")
    expect(page.locator(".before")).to_have_text("Before, with EADG: red")


@pytest.fixture
def slow(backend: ScriptedBackend) -> Iterator[threading.Event]:
    """A question that says slow, or pondered, waits for this."""
    backend.go_on.clear()
    yield backend.go_on
    backend.go_on.set()


def test_cards_appear_before_the_answer(watched: Watched, slow: threading.Event) -> None:
    page = watched.open()
    page.get_by_role("textbox", name="question").fill("slow?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("article.doc").first).to_be_visible()
    expect(page.locator(".verdict.waiting").first).to_be_visible()
    expect(page.locator(".announce")).to_have_text("12 documents retrieved. Judging each.")
    expect(page.locator(".answer.bone")).to_have_count(1)
    slow.set()
    expect(page.locator(".answer")).to_contain_text("red")
    _quiet(watched)


def test_a_question_asked_right_after_stop_is_answered(watched: Watched, slow: threading.Event) -> None:
    page = watched.open()
    page.get_by_role("textbox", name="question").fill("slow?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".verdict.waiting").first).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".notice")).to_contain_text("Stopped")
    later = threading.Timer(0.5, slow.set)  # the model ends its step only after the next question was asked
    later.start()
    watched.ask("And now?")
    expect(page.locator(".answer")).to_contain_text("red")
    later.join()  # or it would let the slow question of the next test go on
    _quiet(watched)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize(
    ("question", "status", "reasoning"),
    [
        ("slow?", "Stopped before the documents were judged.", "It was stopped before any reasoning."),
        ("pondered?", "Stopped before the answer was whole.", "It was stopped here, and is cut off."),
    ],
    ids=["while judging", "while answering"],
)
def test_what_was_stopped_says_so_and_opens_from_its_link_as_it_was_left(
    watched: Watched, question: str, status: str, reasoning: str
) -> None:
    page = watched.open()
    _begin(page, question)
    expect(page.locator(".verdict.waiting" if "slow" in question else ".why li:not(.bone)").first).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    page.wait_for_url("**/?trace=*")
    opened = page.context.new_page()
    opened.goto(page.url)
    for one in (page, opened):
        expect(one.locator(".announce")).to_have_text(status)
        expect(one.locator(".hero .sub").first).to_have_text(status)
        expect(one.locator(".nothing.plain")).to_have_text(reasoning)
        expect(one.locator(".bone, .waiting .meter")).to_have_count(0)
    if "slow" not in question:
        with page.expect_download() as download:
            page.get_by_role("link", name="JSON").click()
        assert Trace.from_dict(json.loads(Path(download.value.path()).read_text())).query.text == question
    _quiet(watched)


def test_a_question_stopped_while_it_waits_for_another_is_not_answered_by_the_one_before(
    watched: Watched, slow: threading.Event
) -> None:
    page = watched.open()
    other = watched.page.context.new_page()
    other.goto(watched.url)
    watched.ask("What colour is the roof?")
    _begin(other, "slow?")
    expect(other.locator(".verdict.waiting").first).to_be_visible()
    _begin(page, "And now?")
    for _ in ("once", "twice"):
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".notice")).to_have_text("The question was stopped before it began.")
        expect(page.locator(".question")).to_have_text("What colour is the roof?")
        _begin(page, "And now?")
    slow.set()
    expect(page.locator(".question")).to_have_text("And now?")
    watched.settle("")
    _quiet(watched)


def _begin(page: Page, question: str) -> None:
    page.get_by_role("textbox", name="question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()


def test_pressing_enter_twice_asks_once(watched: Watched, slow: threading.Event, backend: ScriptedBackend) -> None:
    page = watched.open()
    before = len(backend.traces)
    page.get_by_role("textbox", name="question").fill("slow?")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.waiting").first).to_be_visible()
    page.keyboard.press("Enter")
    slow.set()
    watched.settle("")
    expect(page.locator(".answer")).to_contain_text("red")
    watched.ask("And now?")
    assert len(backend.traces) == before + 2


def test_a_trace_can_be_opened_by_its_link_and_taken_away(
    watched: Watched, browser: Browser, tmp_path: Path, backend: ScriptedBackend
) -> None:
    page = watched.open()
    page.locator(".offers button", has_text="opened").click()
    watched.settle("")
    page.wait_for_url("**/?trace=*")
    page.reload()
    expect(page.locator(".answer")).to_contain_text("red")
    expect(page.get_by_role("textbox", name="question")).to_have_value("When was this opened?")
    expect(page.locator(".thumb.asked img")).to_be_visible()
    assert page.locator(".thumb.asked img").evaluate("i => i.naturalWidth") == 400

    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    trace = Trace.from_dict(json.loads(Path(download.value.path()).read_text()))
    assert trace == backend.load(trace.id)

    with page.expect_download() as download:
        page.get_by_role("link", name="Page").click()
    kept = tmp_path / "trace.html"
    download.value.save_as(kept)
    _quiet(watched)
    _opens_offline(browser, kept)


def test_a_link_opens_a_trace_beside_what_it_was_asked_with(watched: Watched) -> None:
    page = watched.open()
    page.get_by_label("checkpoint").click()
    page.get_by_role("option", name="base").click()
    _type(page, "0.9")
    watched.ask("What colour is the roof?")
    expect(page.locator("article.doc")).to_have_count(2)
    page.wait_for_url("**/?trace=*")
    opened = page.context.new_page()
    opened.goto(page.url)
    for one in (page, opened):
        expect(one.get_by_label("checkpoint")).to_have_value("base")
        expect(one.locator("#threshold input[type=number]")).to_have_value("0.9")
        expect(one.locator("article.doc")).to_have_count(2)
        expect(one.locator(".notice")).to_have_count(0)
    _quiet(watched)


def test_who_chooses_another_checkpoint_is_offered_to_ask_it_the_same(watched: Watched) -> None:
    page = watched.open()
    page.get_by_label("checkpoint").click()
    page.get_by_role("option", name="base").click()
    expect(page.locator(".notice")).to_have_count(0)
    watched.ask("What colour is the roof?")
    page.get_by_label("checkpoint").click()
    page.get_by_role("option", name="sft").click()
    expect(page.locator(".notice.offer")).to_contain_text("This was answered by base.")
    _type(page, "0.9")
    expect(page.locator("article.doc")).to_have_count(2)
    page.get_by_role("textbox", name="question").fill("something else?")
    assert not _serious(page)
    page.get_by_role("button", name="Ask sft the same").click()
    expect(page.locator(".before")).to_contain_text("by base")
    expect(page.locator(".notice")).to_have_count(0)
    expect(page.locator(".hero .question")).to_have_text("What colour is the roof?")
    expect(page.get_by_role("textbox", name="question")).to_have_value("What colour is the roof?")
    expect(page.locator(".top [data-adapter]")).to_have_text("adapter sft")
    _quiet(watched)


def test_what_link_and_files_give_is_called_as_answered_while_the_page_shows_something_else(watched: Watched) -> None:
    page = watched.open()
    watched.ask("What colour is the roof?")
    expect(page.get_by_role("link", name="JSON", exact=True)).to_be_visible()
    for threshold, called in (("0.04", " as answered"), ("0.2", "")):
        _type(page, threshold)
        for name in ("Page", "JSON"):
            expect(page.get_by_role("link", name=name + called, exact=True)).to_have_text(name + called)
        expect(page.get_by_role("button", name=f"Copy link{called}", exact=True)).to_be_visible()
    page.locator("article .turn").first.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON as answered").click()
    verdicts = Trace.from_dict(json.loads(Path(download.value.path()).read_text())).steps[0].verdicts
    assert sum(verdict.keep for verdict in verdicts) == 4
    _quiet(watched)


def _opens_offline(browser: Browser, kept: Path) -> None:
    context = browser.new_context(offline=True)
    alone = Watched(context.new_page(), "file:")
    alone.watch()
    alone.page.goto(kept.as_uri())
    expect(alone.page.locator(".answer")).to_contain_text("red")
    assert alone.page.locator("article .thumb img").first.evaluate("i => i.naturalWidth") == 400
    alone.page.locator(".why li").first.hover()
    assert set(alone.page.evaluate(HOT)) == {"A"}
    alone.page.locator("article .thumb").first.click()
    expect(alone.page.locator("dialog img")).to_be_visible()
    _quiet(alone)
    context.close()


def test_everything_can_be_done_from_the_keyboard(watched: Watched) -> None:
    page = watched.open()
    page.get_by_role("textbox", name="question").focus()
    page.keyboard.type("Which tower is red?")
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).to_contain_text("red")
    names = _tab_through(page, 60)
    assert {"Ask", "checkpoint", "Answer again with these", "Copy link", "JSON"} <= set(names)
    assert any(name.startswith("evidence E") for name in names)
    assert any(name.startswith("open large") for name in names)

    card = page.locator("article .badge").first
    card.focus()
    assert "E" in page.evaluate(HOT)
    page.keyboard.press("Enter")
    expect(card).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(card).to_have_attribute("aria-pressed", "false")
    page.locator("details.doc.off summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("details.doc.off").first).to_have_attribute("open", "")
    page.locator("article .thumb").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    _quiet(watched)


def _tab_through(page: Page, stops: int) -> list[str]:
    """Names of what Tab reaches; each must show where the focus is."""
    names = []
    for _ in range(stops):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "() => { const e = document.activeElement;"
            " return [e.getAttribute('aria-label') || e.innerText || e.id, getComputedStyle(e).outlineStyle] }"
        )
        names.append(name.strip())
        if name.strip() in ("Copy link", "JSON", "Answer again with these"):
            assert outline != "none", f"{name!r} does not show that it has the focus"
    return names


def test_the_page_fits_a_phone(phone: Watched) -> None:
    page = phone.open()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    phone.ask("What colour is the roof?")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".why .badge").first.tap()
    assert "A" in page.evaluate(HOT)
    page.locator(".turn").first.tap()
    expect(page.get_by_role("link", name="JSON as answered")).to_be_visible()
    edges = "[...document.querySelectorAll('.actions > *')].map(e => e.getBoundingClientRect().right)"
    assert max(page.evaluate(edges)) <= 390 - 16
    _quiet(phone)


def test_on_a_touch_screen_nothing_stays_faded_but_what_was_pinned(phone: Watched) -> None:
    page = phone.open()
    phone.ask("What colour is the roof?")
    page.locator("details.doc.off summary").first.tap()
    expect(page.locator("details.doc.off").first).to_have_attribute("open", "")
    expect(page.locator(".mm.dim")).to_have_count(0)
    for pinned in (1, 0):
        page.locator(".why li .text").first.tap()
        expect(page.locator(".mm.dim")).to_have_count(pinned)
    _quiet(phone)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(watched: Watched, dark: bool) -> None:
    page = watched.open()
    if dark:
        page.get_by_role("button", name="light or dark").click()
        assert page.evaluate("document.body.classList.contains('dark')")
    assert _serious(page) == []
    watched.ask("What colour is the roof?")
    page.locator("details.doc.off summary").first.click()
    page.mouse.move(5, 5)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Charts").click()
    expect(page.locator("#keep-plot .main-svg").first).to_be_visible()
    assert _serious(page) == []
    watched.ask("malformed")
    assert _serious(page) == []


def test_the_choice_of_dark_outlives_a_reload(watched: Watched) -> None:
    page = watched.open()
    page.get_by_role("button", name="light or dark").click()
    page.reload()
    expect(page.locator("body")).to_have_class("dark")


def test_what_goes_wrong_is_one_line_and_the_page_goes_on(watched: Watched, tmp_path: Path) -> None:
    page = watched.open()
    watched.ask("   ")
    expect(page.get_by_role("alert")).to_have_text("the question is empty: write what you want to know")
    watched.ask("broken")
    expect(page.get_by_role("alert")).to_contain_text("Something unforeseen went wrong. The log has it under ")
    assert "secret" not in page.content()
    assert "Traceback" not in page.content()

    bad = tmp_path / "bad.png"
    bad.write_bytes(b"<svg onload=alert(1)>")
    page.locator("#ask-bar input[type=file]").set_input_files(bad)
    expect(page.locator("#preview [role=alert]")).to_contain_text("not a PNG, JPEG or WebP")
    watched.ask("nothing")
    expect(page.locator("#preview [role=alert]")).to_have_count(0)
    expect(page.locator(".answer")).to_contain_text("not in the collection")
    expect(page.locator(".hero .sub").first).to_contain_text("None of the 12 retrieved documents was kept")
    watched.ask("malformed")
    expect(page.locator(".malformed")).to_contain_text("cut_off")
    expect(page.locator(".malformed pre")).to_have_text("<think>[1] says so. <rank>")
    page.goto(f"{watched.url}?trace=never")
    expect(page.get_by_role("alert")).to_contain_text("no trace is saved under 'never'")
    _quiet(watched)


def test_a_refused_question_leaves_the_answer_before_it_and_its_charts(watched: Watched) -> None:
    page = watched.open()
    watched.ask("What colour is the roof?")
    page.get_by_role("button", name="Charts").click()
    watched.ask("   ")
    expect(page.get_by_role("alert")).to_have_text("the question is empty: write what you want to know")
    expect(page.locator(".answer")).to_contain_text("red")
    expect(page.locator("#keep-plot .main-svg").first).to_be_visible()
    watched.ask("And now?")
    expect(page.get_by_role("alert")).to_have_count(0)
    _quiet(watched)


def test_a_picture_is_asked_with_and_taken_away(watched: Watched, tmp_path: Path) -> None:
    page = watched.open()
    good = tmp_path / "good.png"
    good.write_bytes(png_of(picture(1)))
    page.locator("#ask-bar input[type=file]").set_input_files(good)
    expect(page.locator(".preview img")).to_be_visible()
    watched.ask("When was this opened?")
    expect(page.locator(".thumb.asked img")).to_be_visible()
    page.get_by_role("button", name="take the picture away").click()
    expect(page.locator(".preview")).to_have_count(0)
    _quiet(watched)


def test_files_are_served_by_id_and_by_nothing_else(watched: Watched) -> None:
    request = watched.page.request
    shown = request.get(f"{watched.url}picture/doc%204%2F%C3%BC?size=large")
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["x-content-type-options"] == "nosniff"
    for path in ("../app.py", "..%2f..%2fetc%2fpasswd", "/etc/passwd", "%00", "C:%5Cwin.ini", documents()[0].title):
        for kind in ("picture/", "query-picture/", "trace/"):
            assert request.get(f"{watched.url}{kind}{path}").status in (404, 422)
    assert request.get(f"{watched.url}picture/doc%204%2F%C3%BC?size=9999").status == 422
    assert request.get(f"{watched.url}monitoring").status in (401, 403, 404)


@pytest.mark.parametrize(("origin", "welcome"), [("https://elsewhere.example", False), ("null", False), (None, True)])
def test_the_server_is_closed_to_other_machines_and_other_sites(
    served: Served, origin: str | None, welcome: bool
) -> None:
    assert served.url.startswith("http://127.0.0.1:")
    asked = {"Origin": origin or served.url.rstrip("/")}
    read = httpx.get(served.url + "config", headers=asked)
    may = httpx.options(
        served.url + "gradio_api/queue/join", headers={**asked, "Access-Control-Request-Method": "POST"}
    )
    for answer in (read, may):
        assert ("access-control-allow-origin" in answer.headers) == welcome
