"""Contract of the command line: what is on standard output, what is not, and how it ends."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from mmrag.cli import app
from mmrag.cli.printed import clean, letter, print_trace
from mmrag.types import (
    Document,
    Found,
    Hit,
    Malformed,
    Modality,
    Phase,
    Query,
    Ranking,
    Sentence,
    Step,
    Trace,
    Verdict,
)
from tests.conftest import draw

HOSTILE = "\x1b[31mred\x1b]0;title\x07 [bold]roof[/bold] \x9b2J \u202egnol"


@pytest.fixture
def embedded(random_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmrag.settings.ENCODER", random_encoder)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.mark.usefixtures("embedded")
def test_ask_prints_exactly_one_json_trace(tiny_collection: Path, random_checkpoint: Path, tmp_path: Path) -> None:
    draw("red").save(tmp_path / "asked.png")
    where = ("--collection", tiny_collection, "--checkpoint", random_checkpoint, "--image", tmp_path / "asked.png")
    result = run(
        "ask", "When was this opened?", *where, "--retrieve", "3", "--top-k", "1", "--threshold", "1", "--json"
    )
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("\n") == 1
    trace = Trace.from_dict(json.loads(result.stdout))
    assert trace.phase is Phase.DONE
    assert trace.query.picture is not None
    assert trace.fingerprint is not None
    assert trace.fingerprint.adapter == "sft"
    assert trace.settings["retrieve"] == len(trace.steps[0].hits) == 3
    assert Trace.from_dict(trace.to_dict()) == trace


@pytest.mark.usefixtures("embedded")
def test_index_says_what_it_indexed(tiny_collection: Path) -> None:
    result = run("index", tiny_collection)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "Indexed 7 documents: 3 pictures, 3 passages, 1 tables\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("ask", "Why?", "--collection", "no/such/folder"), "no/such/folder"),
        (("ask", "Why?", "--top-k", "0"), "top_k is 0"),
        (("ask", "Why?", "--image", "no-such.png"), "no-such.png"),
        (("index", "no/such/folder"), "no/such/folder"),
    ],
)
def test_a_mistake_is_one_line_on_standard_error_and_exit_code_2(arguments: tuple[str, ...], named: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert named in result.stderr


def hit(name: str, modality: Modality, title: str, rank: int) -> Hit:
    return Hit(Document(name, modality, title, title), rank, 0.1, (Found("words", 2.0, rank),))


def printed(trace: Trace) -> str:
    out = io.StringIO()
    print_trace(trace, Console(file=out, width=140, force_terminal=False))
    return out.getvalue()


STEP = Step(
    "Which?",
    hits=(hit("a", Modality.IMAGE, "Gegim chapel", 1), hit("b", Modality.PASSAGE, "The lights", 2)),
    verdicts=(Verdict("a", False, 0.12, "another building"), Verdict("b", True, 0.93, "names it")),
    shown=("b",),
    ranking=Ranking(("b",)),
    sentences=(Sentence("[1] says so.", ("b",)),),
    answer="red",
)


def of(step: Step, question: str = "Which?") -> Trace:
    return Trace("0" * 16, Query(question), "rft", "2026-11-20T12:00:00Z", Phase.DONE, {}, (step,), step.answer)


def test_a_printed_trace_shows_evidence_verdicts_reasoning_and_answer() -> None:
    text = printed(of(STEP))
    assert "✗ dropped" in text
    assert "✓ kept" in text
    assert "0.93" in text
    assert "B says so." in text  # the model's [1] is the document that the table calls B
    assert "Answer  red" in text


def test_a_printed_trace_shows_what_was_wrong_with_a_malformed_output() -> None:
    text = printed(
        of(Step("Which?", malformed=Malformed("cut_off", "the <think> part is not closed"), raw="<think>[1]"))
    )
    assert "malformed (cut_off)" in text
    assert "<think>[1]" in text
    assert "No answer." in text


def test_hostile_text_neither_commands_the_terminal_nor_is_read_as_markup() -> None:
    verdicts = (Verdict("a", True, 0.5, HOSTILE),)
    step = Step(
        HOSTILE, hits=(hit("a", Modality.PASSAGE, HOSTILE, 1),), verdicts=verdicts, answer=HOSTILE, shown=("a",)
    )
    text = printed(of(step, HOSTILE))
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
    assert "[bold]roof[/bold]" in text
    assert clean("a\tb\nc") == "a b c"
    assert clean("می\u200cخواهم") == "می\u200cخواهم", "joiners spell words"


def test_letters_go_on_after_z() -> None:
    assert [letter(index) for index in (0, 25, 26, 51, 52)] == ["A", "Z", "AA", "AZ", "BA"]


def test_a_terminal_that_lacks_a_letter_shows_the_rest() -> None:
    code = "import sys; from mmrag import cli; cli.app = lambda **_: print('\u2713 kept'); cli.main()"
    told = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONIOENCODING": "cp1252"}, capture_output=True, check=True
    )
    assert told.stdout.split() == [b"?", b"kept"]
