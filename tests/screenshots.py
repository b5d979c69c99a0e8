"""The pictures of the page in docs/, taken of the real page on the embedded world: `python -m tests.screenshots`."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from mmrag.session import open_session
from mmrag.ui.launch import launch
from tests.browser import ARGUMENTS, chromium

DOCS = Path(__file__).parent.parent / "docs"
QUESTION = "Which has more bars, the Kemsal chart or the Binrin chart?"  # pictures, and sentences in several colours
SHOTS = {"ask-light": (1280, False), "ask-dark": (1280, True), "ask-phone": (390, False)}


def shoot(browser: Browser, url: str, name: str, width: int, dark: bool) -> Path:
    """Ask on a page of that width, and keep the whole of it."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    page.goto(f"{url}?__theme={'dark' if dark else 'light'}")
    page.locator("#question textarea").fill(QUESTION)
    page.locator("#ask-go").click()
    page.wait_for_selector(".mm.trace[data-phase='done'][data-busy='0']", timeout=60_000)
    page.wait_for_timeout(1_000)
    file = DOCS / f"{name}.png"
    page.screenshot(path=file, full_page=True)
    page.close()
    return file


def main() -> int:
    """Take all of them."""
    served = launch(open_session())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        for name, (width, dark) in SHOTS.items():
            print(shoot(browser, served.url, name, width, dark), file=sys.stderr)
        browser.close()
    served.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
