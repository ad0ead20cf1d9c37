"""Whether a worker's event loop comes round: how late it does, and where it stands while it does not.

Everything that a worker does, it does in one thread. What keeps that busy, or lets it wait, holds up
every request, and the loop cannot say so itself. So a thread of its own looks now and then
whether the loop has come round, and tells where it stands: once for each time. How long it was is told
by the loop when it goes on, also where nothing in the process ran meanwhile. A request costs
nothing of it.

A worker that does not go on at all is the supervisor's: ``silence``.
"""

import asyncio
import sys
import threading
from bisect import bisect_left
from pathlib import PurePath
from time import monotonic, process_time
from types import FrameType

from cors_gateway.process.logging import Report
from cors_gateway.process.metrics import DURATIONS
from cors_gateway.process.tally import Durations

__all__ = ["STALL", "Watchdog"]

INTERVAL = 0.5
"""Seconds between two rounds that are looked at."""

STALL = 1.0
"""Seconds that the loop may be late before the operator hears of it."""

INNERMOST = 8
"""Calls that are told: those before them are the event loop's own, and always the same."""


class Watchdog:
    """Looks after the loop of the thread that makes it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, report: Report) -> None:
        """Prepare; ``start`` begins.

        Args:
            loop: what is looked after.
            report: tells the operator; called in two threads.
        """
        self.lags = Durations()
        """How late the loop came round, each time."""
        self.stalls = 0
        """How often it was late by ``STALL`` or more."""
        self._loop = loop
        self._report = report
        self._looked_after = threading.get_ident()
        self._due = 0.0
        self._computed = 0.0
        self._handle: asyncio.TimerHandle | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._expect()
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._closed.set()
        if self._handle is not None:
            self._handle.cancel()

    # What the loop does.

    def _come_round(self) -> None:
        lag = max(0.0, monotonic() - self._due)
        self.lags.counts[bisect_left(DURATIONS, lag)] += 1
        self.lags.total += lag
        if lag >= STALL:
            self.stalls += 1
            # Next to nothing: it waited for something, or the process was stopped.
            computed = process_time() - self._computed
            self._report(
                "warning",
                f"the event loop stood still for {lag:.1f} s: no request was served meanwhile; "
                f"this process computed for {computed:.1f} s of it",
            )
        self._expect()

    def _expect(self) -> None:
        self._computed = process_time()
        self._due = monotonic() + INTERVAL
        self._handle = self._loop.call_later(INTERVAL, self._come_round)

    # What the thread does.

    def _watch(self) -> None:
        told = 0.0
        looked = monotonic()
        while not self._closed.wait(INTERVAL):
            now, due = monotonic(), self._due
            # One that was late itself says nothing yet: the whole process was stopped.
            is_in_time = now - looked < INTERVAL + STALL
            looked = now
            if now - due >= STALL and due != told and is_in_time:
                told = due
                stands = _describe(sys._current_frames().get(self._looked_after))  # noqa: SLF001
                self._report("warning", f"the event loop stands still: {stands}")


def _describe(frame: FrameType | None) -> str:
    """Say in one line where a thread is, the innermost call last."""
    calls: list[str] = []
    while frame is not None and len(calls) < INNERMOST:
        code = frame.f_code
        calls.append(f"{PurePath(code.co_filename).name}:{frame.f_lineno} {code.co_qualname}")
        frame = frame.f_back
    return ": ".join(reversed(calls))
