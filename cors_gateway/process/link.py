"""A worker's side of what it and the supervisor say to each other.

Orders move its ``Stopping`` on. Its counters go up when the supervisor asks, every few seconds
(what a killed worker counted after that is lost), and at the end. When the supervisor is gone, the
worker drains: nobody would replace it or stop it any more.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from cors_gateway.process.control import Order, parse_line, to_line
from cors_gateway.process.stopping import Stage, Stopping
from cors_gateway.process.tally import Tally

__all__ = ["SupervisorLink"]

INTERVAL = 5.0
"""Seconds between two reports that nobody asked for."""

STAGES = {Order.RETIRE: Stage.RETIRE, Order.DRAIN: Stage.DRAIN, Order.STOP: Stage.NOW}


class SupervisorLink(asyncio.Protocol):
    """The connection to the supervisor."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, stopping: Stopping, tally: Callable[[], Tally]
    ) -> None:
        """Make a link that is not connected yet.

        Args:
            loop: where it runs.
            stopping: what orders move on.
            tally: gives what has been counted.
        """
        self._loop = loop
        self._stopping = stopping
        self._tally = tally
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None

    def say_ready(self) -> None:
        """Tell that connections are accepted."""
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
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            order = parse_line(line).get("do")
            if order == Order.REPORT:
                self._report()
            elif order in STAGES:
                self._stopping.reach(STAGES[order])

    def connection_lost(self, exc: Exception | None) -> None:
        """Take that the supervisor is gone."""
        del exc
        self._transport = None
        # At once: whoever starts the gateway again needs its addresses.
        self._stopping.reach(Stage.CLOSE)

    def _report_again(self) -> None:
        self._report()
        self._timer = self._loop.call_later(INTERVAL, self._report_again)

    def _report(self) -> None:
        self._send({"tally": self._tally().as_data()})

    def _send(self, message: dict[str, Any]) -> None:
        if self._transport is not None:
            self._transport.write(to_line(message))
