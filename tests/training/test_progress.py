"""Long work says how far it is: on a terminal a bar, in a file lines."""

from __future__ import annotations

import logging
import sys

import pytest

from training import progress
from training.progress import watched


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
