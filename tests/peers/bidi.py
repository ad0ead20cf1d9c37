"""A conversation with a browser by WebDriver BiDi, W3C's protocol of commands and events.

Playwright drives only a Firefox of its own making; this drives the one that people have. Knows the
envelope of messages, and nothing of what they mean. Events are kept until somebody takes them: they
are read while an answer is awaited, so no thread is needed.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from websockets.sync.client import ClientConnection, connect

__all__ = ["BidiError", "Conversation", "conversation"]

LONGEST_WAIT = 120.0


class BidiError(Exception):
    """What the browser says of a command that it could not carry out."""


@dataclass
class Conversation:
    """Commands, one after another, each with its answer."""

    connection: ClientConnection
    _events: list[dict[str, Any]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        number = next(self._numbers)
        self.connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.connection.recv(LONGEST_WAIT))
            if message["type"] == "event":
                self._events.append(message)
            elif message["id"] == number:
                if message["type"] == "error":
                    raise BidiError(f"{method}: {message['error']}: {message['message']}")
                result: dict[str, Any] = message["result"]
                return result

    def take(self, name: str) -> list[dict[str, Any]]:
        """Return what has been told by events of a name since this was last asked."""
        taken = [event["params"] for event in self._events if event["method"] == name]
        self._events = [event for event in self._events if event["method"] != name]
        return taken


@contextmanager
def conversation(url: str) -> Iterator[Conversation]:
    """Talk to a browser that listens at a ``ws:`` URL; it ends when the browser does."""
    # No proxy, no pings, no bound: both sides are this machine and trust each other.
    with connect(
        url, proxy=None, compression=None, ping_interval=None, max_size=None
    ) as connection:
        yield Conversation(connection)
