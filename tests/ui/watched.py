"""A page under watch: what it asks of the network, logs as an error, or pops up is written down."""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.sync_api import Page, expect

expect.set_options(timeout=30_000)


@dataclass
class Watched:
    """A page, and everything that it should not do."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._met(request.url))
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def _met(self, address: str) -> None:
        if not address.startswith((self.url, "data:", "blob:", "about:", "file:")):
            self.strangers.append(address)

    def open(self, query: str = "") -> Page:
        """Open the Ask page, and wait until it listens."""
        self.page.goto(self.url + query)
        expect(self.page.locator(".mm.trace")).to_be_visible()
        return self.page

    def ask(self, question: str) -> Page:
        """Type a question and press Enter; returns when the page has settled."""
        box = self.page.get_by_role("textbox", name="question")
        box.fill(question)
        before = (
            self.page.locator("[data-frame]").get_attribute("data-frame")
            if self.page.locator("[data-frame]").count()
            else ""
        )
        box.press("Enter")
        self.settle(before or "")
        return self.page

    def settle(self, before: str) -> None:
        """Wait for a drawing other than `before` that is the last of its run."""
        self.page.wait_for_function(
            "before => { const f = document.querySelector('[data-frame]');"
            " return f && f.dataset.frame !== before && f.querySelector('.trace').dataset.busy === '0' }",
            arg=before,
        )

    def frame(self) -> str:
        return self.page.locator("[data-frame]").get_attribute("data-frame") or ""
