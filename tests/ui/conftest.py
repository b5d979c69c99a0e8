"""Fixtures of the browser tests: one real server and one real Chromium for the whole session, one fresh page a test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from mmrag.ui.launch import Served, launch
from tests.browser import ARGUMENTS, chromium
from tests.ui.backend import ScriptedBackend
from tests.ui.watched import Watched


@pytest.fixture(scope="session")
def backend() -> ScriptedBackend:
    return ScriptedBackend()


@pytest.fixture(scope="session")
def served(backend: ScriptedBackend) -> Iterator[Served]:
    running = launch(backend)
    yield running
    running.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = chromium()
    assert found, "the browser tests need Chromium: python -m tests.browser installs one"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield running
        running.close()


@pytest.fixture
def watched(served: Served, browser: Browser) -> Iterator[Watched]:
    yield from _page(served, browser, viewport={"width": 1280, "height": 900}, accept_downloads=True)


@pytest.fixture
def phone(served: Served, browser: Browser) -> Iterator[Watched]:
    yield from _page(served, browser, viewport={"width": 390, "height": 844}, has_touch=True)


def _page(served: Served, browser: Browser, **how: Any) -> Iterator[Watched]:
    context = browser.new_context(**how)
    one = Watched(context.new_page(), served.url)
    one.watch()
    yield one
    context.close()
