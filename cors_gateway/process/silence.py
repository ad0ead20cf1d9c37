"""Workers that say nothing any more: they are told of, and ended, so that others take their places.

A worker says what it has counted every few seconds. One that does not is stopped, or its event loop
hangs, and its clients wait with it. What counts is only the time in which the supervisor
itself ran: after a machine or a container has been asleep, nobody has been silent.

Who takes the place of a worker that was ended is for ``place``.
"""

import asyncio
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Protocol

from cors_gateway.process.logging import Report
from cors_gateway.process.overview import LONG_SILENCE

__all__ = ["PATIENCE", "Heard", "end_the_silent"]

INTERVAL = 1.0
"""Seconds between two looks."""

PATIENCE = 30.0
"""Seconds of silence after which a worker is ended."""


class Heard(Protocol):
    """A worker, as far as it is listened to."""

    silence: float
    """Seconds since it said something; it sets them to 0 when it does."""

    @property
    def name(self) -> str:
        """What it is called."""

    def give_up(self, why: str) -> None:
        """End it without asking."""


async def end_the_silent(workers: Callable[[], Iterable[Heard]], report: Report) -> None:
    """Look after workers, for ever.

    Args:
        workers: gives those that are to say something.
        report: tells the operator.
    """
    looked = monotonic()
    while True:
        await asyncio.sleep(INTERVAL)
        now = monotonic()
        passed = min(now - looked, 2 * INTERVAL)
        looked = now
        for worker in tuple(workers()):
            before = worker.silence
            worker.silence += passed
            if worker.silence >= PATIENCE:
                worker.give_up(f"it said nothing for {PATIENCE:g} s")
            elif before < LONG_SILENCE <= worker.silence:
                report(
                    "warning",
                    f"{worker.name} says nothing: it is ended if that lasts {PATIENCE:g} s",
                )
