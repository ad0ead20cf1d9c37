"""One page and one API, met in two ways: without the gateway in between, and with it.

A page on the API's own origin, without any gateway, is what the browser's part is measured by. A
test that runs both ways with the same expectations shows that a page on another origin notices
nothing of the gateway.
"""

from dataclasses import dataclass
from time import sleep
from typing import Any

import pytest

from tests.browser.pages import Page, wait_until
from tests.peers.firefox import FirefoxPage
from tests.peers.processes import Gateway
from tests.peers.stream_peers import StreamPeer

__all__ = ["DIRECT", "THROUGH", "Place", "Visit", "both_ways"]

DIRECT = "straight from the API's own origin"
THROUGH = "from another origin through the gateway"

STEADY = 5
"""How often a value has to be the same to have settled."""

both_ways = pytest.mark.parametrize("way", [DIRECT, THROUGH])
"""Run a test once without the gateway and once with it: the same must come of it."""


@dataclass(frozen=True)
class Place:
    """A server, and the gateway in front of it."""

    peer: StreamPeer
    gateway: Gateway


@dataclass(frozen=True)
class Visit:
    """A page that is open and about to call an API."""

    page: Page
    peer: StreamPeer
    api: str
    """Where the page finds the API: the peer itself, or the gateway."""
    name: str
    """Of this visit's streams and uploads; no other visit has it."""

    def url(self, path: str) -> str:
        """Return the address of ``/PATH`` for this page; a ``*`` stands for the visit's name."""
        return f"{self.api}/{path.replace('*', self.name)}"

    def run(self, script: str, path: str = "", **arguments: Any) -> Any:
        """Call an async function in the page with ``{url, …}`` and return what it returns."""
        return self.page.evaluate(script, {"url": self.url(path), **arguments})

    def wait_until(self, expression: str, argument: Any = None) -> None:
        """Wait until an expression of the page, a function of ``argument``, is true."""
        wait_until(self.page, expression, argument)

    def wait_for_head(self, expression: str) -> None:
        """Wait until an expression is true that the head of a stream makes true.

        Firefox tells its pages of a head only with the first byte behind it: there is nothing to
        wait for.
        """
        if not isinstance(self.page, FirefoxPage):
            self.wait_until(expression)

    def settled(self, expression: str) -> Any:
        """Wait until a value of the page has stopped changing, and return it.

        Should it be taken for settled too soon, a test that holds it against a bound is less
        sharp, but does not fail.
        """
        value, times = self.page.evaluate(expression), 0
        while times < STEADY:
            sleep(0.06)
            before, value = value, self.page.evaluate(expression)
            times = times + 1 if value == before else 0
        return value
