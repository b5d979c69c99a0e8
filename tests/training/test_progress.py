"""Long work says how far it is: on a terminal a bar, in a file lines."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from training import progress
from training.progress import Lines, watched


class Terminal:
    """Standard error as a terminal shows it."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written.append(text)
        return len(text)

    def flush(self) -> None: ...


def test_a_file_is_told_how_much_is_done_and_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seconds = iter([0.0, 50.0, 70.0, 90.0, 140.0])
    monkeypatch.setattr(progress, "monotonic", lambda: next(seconds))
    with caplog.at_level(logging.INFO, "training.progress"):
        assert list(watched("abcd", "Rows", 4)) == list("abcd")
    assert caplog.messages == ["Rows: 2 of 4, 0:01:10 left", "Rows: 4 of 4, 0:00:00 left"]


def test_what_is_stopped_early_says_nothing_of_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "training.progress"):
        assert next(watched("abcd", "Rows", 4)) == "a"
    assert caplog.messages == []


def test_a_terminal_has_a_bar_and_no_lines(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with caplog.at_level(logging.INFO, "training.progress"):
        assert list(watched("abcd", "Rows", 4)) == list("abcd")
    assert "Rows" in "".join(terminal.written)
    assert caplog.messages == []


def test_a_run_in_a_file_says_at_each_logged_step_how_long_the_others_will_take(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    seconds = iter([100.0, 140.0])
    monkeypatch.setattr(progress, "monotonic", lambda: next(seconds))
    args, control, lines = TrainingArguments(str(tmp_path)), TrainerControl(), Lines()
    with caplog.at_level(logging.INFO, "training.progress"):
        lines.on_train_begin(args, TrainerState(global_step=24, max_steps=72), control)  # it goes on
        lines.on_log(args, TrainerState(global_step=28, max_steps=72), control, {"loss": 0.04})
        lines.on_log(args, TrainerState(global_step=72, max_steps=72), control, {"train_runtime": 480.0})
    assert caplog.messages == ["step 28 of 72: loss 0.040; 0:07:20 left", "step 72 of 72: trained for 480 s"]


def test_other_processes_than_the_first_say_nothing(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    args, control, lines = TrainingArguments(str(tmp_path)), TrainerControl(), Lines()
    other = TrainerState(global_step=2, max_steps=4, is_world_process_zero=False)
    with caplog.at_level(logging.INFO, "training.progress"):
        lines.on_train_begin(args, other, control)
        lines.on_log(args, other, control, {"loss": 0.04})
    assert caplog.messages == []
