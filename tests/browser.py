"""A Chromium for the browser tests: the system's, else Debian's package (as root), else Playwright's own.

`python -m tests.browser` installs one where there is none and fails loudly where it cannot, so that the browser tests
are never skipped in silence.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A test browser talks to the test's own server alone, and runs as root in a container.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Path of a Chromium that is installed, or None."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def install() -> None:
    """Debian's package where we are root and apt is there, else Playwright's own download."""
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium", "fonts-dejavu-core"], check=True)
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def main() -> int:
    """Make sure there is a browser."""
    if chromium() is None:
        print("no Chromium found: installing one", file=sys.stderr)
        install()
    found = chromium()
    if found is None:
        print("the browser tests need Chromium: install it, or `playwright install chromium`", file=sys.stderr)
        return 1
    print(f"browser tests use {found}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
