"""A worker's side of what it and the supervisor say to each other.

Orders move its ``Stopping`` on, or exchange what it serves (``takeover``). Its counters go up when
the supervisor asks, every few seconds (what a killed worker counted after that is lost), and at the
end. When the supervisor is gone, the worker drains: nobody would replace it or stop it any more.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, cast

from cors_gateway.process.control import Order, parse_line, to_line
from cors_gateway.process.stopping import Stage, Stopping
from cors_gateway.process.tally import Tally

__all__ = ["Successor", "SupervisorLink"]

INTERVAL = 5.0
"""Seconds between two reports that nobody asked for."""

STAGES = {
    Order.ACCEPT: Stage.SERVE,
    Order.RETIRE: Stage.RETIRE,
    Order.DRAIN: Stage.DRAIN,
    Order.STOP: Stage.NOW,
}


class Successor(Protocol):
    """Who exchanges what the worker serves."""

    def prepare(self, edition: int, content: bytes, answer: Callable[[str], None]) -> None:
        """Get ready for a packed snapshot; ``answer`` takes why not, or nothing, once."""

    def commit(self, edition: int) -> None:
        """Go over to it."""

    def forget(self, edition: int) -> None:
        """Give it up."""


class SupervisorLink(asyncio.Protocol):
    """The connection to the supervisor."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        stopping: Stopping,
        tally: Callable[[], Tally],
        successor: Successor,
    ) -> None:
        """Make a link that is not connected yet.

        Args:
            loop: where it runs.
            stopping: what orders move on.
            tally: gives what has been counted.
            successor: exchanges what is served.
        """
        self._loop = loop
        self._stopping = stopping
        self._tally = tally
        self._successor = successor
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._announced: tuple[int, int] | None = None
        """The edition and the length of a snapshot that follows."""
        self._timer: asyncio.TimerHandle | None = None

    def say_ready(self) -> None:
        """Tell that connections are accepted, or can be at once."""
        self._send({"ready": True})
        self._timer = self._loop.call_later(INTERVAL, self._report_again)

    def close(self) -> None:
        """Tell what has been counted for the last time."""
        if self._timer is not None:
            self._timer.cancel()
        self._report()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Follow orders."""
        buffer = self._buffer
        buffer += data
        while True:
            if self._announced is not None:
                edition, length = self._announced
                if len(buffer) < length:
                    return
                content = bytes(buffer[:length])
                del buffer[:length]
                self._announced = None
                self._successor.prepare(edition, content, self._answer_for(edition))
            end = buffer.find(b"\n")
            if end < 0:
                return
            line = bytes(buffer[:end])
            del buffer[: end + 1]
            self._follow(parse_line(line))

    def connection_lost(self, exc: Exception | None) -> None:
        """Take that the supervisor is gone."""
        del exc
        self._transport = None
        # At once: whoever starts the gateway again needs its addresses.
        self._stopping.reach(Stage.CLOSE)

    def _follow(self, message: dict[str, Any]) -> None:
        order = message.get("do")
        if order == Order.REPORT:
            self._report()
        elif order == Order.PREPARE:
            self._announced = message["edition"], message["bytes"]
        elif order == Order.COMMIT:
            self._successor.commit(message["edition"])
            self._send({"committed": message["edition"]})
        elif order == Order.FORGET:
            self._successor.forget(message["edition"])
        elif order in STAGES:
            self._stopping.reach(STAGES[order])

    def _answer_for(self, edition: int) -> Callable[[str], None]:
        def answer(refusal: str) -> None:
            self._send({"prepared": edition, "refusal": refusal})

        return answer

    def _report_again(self) -> None:
        self._report()
        self._timer = self._loop.call_later(INTERVAL, self._report_again)

    def _report(self) -> None:
        self._send({"tally": self._tally().as_data()})

    def _send(self, message: dict[str, Any]) -> None:
        if self._transport is not None:
            self._transport.write(to_line(message))
