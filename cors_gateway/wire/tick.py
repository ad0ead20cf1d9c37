"""The clock of a worker: one coarse tick for every deadline, date and log line.

A timer per request costs more than the request. So a connection only notes when its next deadline
is, and the tick, a few times a second, looks at those whose time may have come (``rounds``). A deadline is
therefore met up to two intervals late, never early.
"""

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Final

__all__ = ["INTERVAL", "NEVER", "Deadline", "Ticker"]

INTERVAL = 0.25
"""Seconds between two ticks."""

NEVER: Final = float("inf")


class Ticker:
    """Tells the time as of the last tick and calls ``on_tick`` at each.

    The monotonic clock is used for deadlines, so that a clock that jumps harms nothing; the wall
    clock for ``Date`` alone.
    """

    __slots__ = ("_handle", "_loop", "_on_tick", "date", "interval", "now")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_tick: Callable[[], None]) -> None:
        self._loop = loop
        self._on_tick = on_tick
        self._handle: asyncio.TimerHandle | None = None
        self.interval = INTERVAL
        """Seconds between two ticks."""
        self.now = loop.time()
        """Seconds of the loop's clock."""
        self.date = _date()
        """The value of a ``Date`` field."""

    def after(self, seconds: float) -> float:
        """Give the deadline that is ``seconds`` from now.

        The last tick may be a whole interval ago, and a deadline must not be met early.
        """
        return self.now + self.interval + seconds

    def start(self) -> None:
        """Begin to tick."""
        self._handle = self._loop.call_later(self.interval, self._tick)

    def stop(self) -> None:
        """Tick no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _tick(self) -> None:
        self._handle = self._loop.call_later(self.interval, self._tick)
        self.now = self._loop.time()
        self.date = _date()
        self._on_tick()


class Deadline:
    """Until when a peer may keep us waiting: to say something, or to take what it was sent."""

    __slots__ = ("_ticker", "at", "untaken")

    def __init__(self, ticker: Ticker) -> None:
        self._ticker = ticker
        self.at = NEVER
        """A time of the loop's clock."""
        self.untaken = 0
        """Bytes that the peer had not taken when the wait began; 0 if that does not count."""

    def set(self, seconds: float, *, untaken: int = 0) -> None:
        """Begin to wait."""
        self.at = self._ticker.after(seconds)
        self.untaken = untaken

    def set_since(self, moment: float, seconds: float) -> None:
        """Wait as one that has begun at a tick before."""
        self.at = moment + self._ticker.interval + seconds
        self.untaken = 0

    def clear(self) -> None:
        """Wait for nothing."""
        self.at = NEVER

    def has_passed(self, now: float) -> bool:
        """Say whether the wait is over, at a time of the loop's clock."""
        return now >= self.at

    def has_progress(self, untaken: int) -> bool:
        """Say whether the peer, though slow, goes on taking what it was sent."""
        return untaken < self.untaken


def _date() -> bytes:
    return formatdate(time.time(), usegmt=True).encode("ascii")
