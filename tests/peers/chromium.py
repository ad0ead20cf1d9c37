"""Debian's Chromium, driven by Playwright.

Playwright runs only as long as its browser is wanted: its synchronous form keeps an event loop in
this thread, which tests of other modules need for themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.peers.processes import START_SECONDS

__all__ = ["running_chromium"]

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Run a browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=ARGUMENTS, timeout=START_SECONDS * 1000
        )
        yield browser
        browser.close()
