"""What a test may ask of a page, whichever browser it is open in.

The names are Playwright's, whose pages fit as they are; ``tests.peers.firefox`` has others that do.
Whatever only one of them can do is for tests of that browser alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from time import monotonic, sleep
from typing import Any, Protocol

import pytest

from tests.peers.chromium import running_chromium
from tests.peers.firefox import running_firefox

__all__ = [
    "BOTH",
    "CHROMIUM",
    "FIREFOX",
    "LONGEST_WAIT",
    "Browser",
    "Context",
    "Message",
    "Page",
    "in_chromium",
    "running_browser",
    "wait_for_message",
    "wait_until",
]

LONGEST_WAIT = 60.0
CHROMIUM, FIREFOX = "chromium", "firefox"
BOTH = [
    pytest.param(CHROMIUM, marks=pytest.mark.chromium),
    pytest.param(FIREFOX, marks=pytest.mark.firefox),
]
in_chromium = pytest.mark.parametrize("browser", BOTH[:1], indirect=True, scope="module")
"""For a test of what Firefox does otherwise, or of what only Playwright can see; it says which."""


class Message(Protocol):
    """A line of a page's console."""

    @property
    def text(self) -> str:
        """What it says."""


class Page(Protocol):
    """A page that is open."""

    @property
    def context(self) -> "Context":
        """What it shares cookies and a cache with."""

    @property
    def url(self) -> str:
        """Where it is."""

    def goto(self, url: str) -> object:
        """Open a URL and wait until all of it has loaded."""

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        """Return the value of an expression of the page; if it is a function, what that returns."""

    def console_messages(self) -> Sequence[Message]:
        """Return what has been written to its console, in order."""

    def close(self) -> None:
        """Close it, as its user does."""


class Context(Protocol):
    """Pages that share cookies and a cache."""

    def new_page(self) -> Page:
        """Open a page that is on no origin yet."""


class Browser(Protocol):
    """A browser that runs."""

    def new_context(self, *, ignore_https_errors: bool = False) -> AbstractContextManager[Context]:
        """Open what has cookies and a cache of its own."""


@contextmanager
def running_browser(name: str) -> Iterator[Browser]:
    """Run one of ``BOTH`` without a window."""
    if name == CHROMIUM:
        with running_chromium() as chromium:
            yield chromium
    else:
        with running_firefox() as firefox:
            yield firefox


def wait_until(page: Page, expression: str, argument: Any = None) -> None:
    """Wait until an expression of the page, or a function of ``argument``, is true."""
    deadline = monotonic() + LONGEST_WAIT
    while not page.evaluate(expression, argument):
        assert monotonic() < deadline, f"never became true: {expression}"
        sleep(0.01)


def wait_for_message(page: Page, tells: Callable[[str], bool], seen: int = 0) -> str:
    """Wait for the first line of the console that tells, but for so many that were seen."""
    deadline = monotonic() + LONGEST_WAIT
    while True:
        texts = [message.text for message in page.console_messages()[seen:]]
        for text in texts:
            if tells(text):
                return text
        assert monotonic() < deadline, f"the console says only {texts}"
        sleep(0.01)
