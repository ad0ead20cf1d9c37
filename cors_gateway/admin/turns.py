"""Long jobs beside the event loop: one at a time, in a thread, so that probes are answered meanwhile.

Decides who has to go away: whom too many wait before, or who would have to wait too long. A job
cannot be stopped. The next one waits for its end, also where whoever asked for it has left.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from cors_gateway.process.beside import start_beside

__all__ = ["BusyError", "Turns"]

T = TypeVar("T")

MOST_AT_ONCE = 5
"""One that is done, and those that wait for it."""

PATIENCE = 20.0
"""Seconds, from the question to the answer."""


class BusyError(Exception):
    """There is too much to do; ask again later."""


class Turns:
    """Does jobs in the order in which they come."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._asked = 0

    async def do(self, job: Callable[[], T]) -> T:
        """Run ``job`` in a thread when it is its turn; give or raise what it does.

        Raises:
            BusyError: it did not come to it, or not in time.
        """
        if self._asked >= MOST_AT_ONCE:
            raise BusyError
        self._asked += 1
        try:
            async with asyncio.timeout(PATIENCE):
                await self._turn.acquire()
                return await self._start(job)
        except TimeoutError as error:
            raise BusyError from error
        finally:
            self._asked -= 1

    async def _start(self, job: Callable[[], T]) -> T:
        try:
            done = start_beside(job, "admin")
        except RuntimeError as error:
            # No more threads may be had now; the turn must not be lost with that.
            self._turn.release()
            raise BusyError from error
        done.add_done_callback(lambda _: self._turn.release())
        # Shielded: the job goes on where nobody waits any more, and it is its turn until its end.
        return await asyncio.shield(done)
