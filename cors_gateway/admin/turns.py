"""Long jobs beside the event loop: one at a time, in a thread, so that probes are answered meanwhile.

Decides who has to go away: whom too many wait before, or who would have to wait too long. A job
cannot be stopped. The next one waits for its end, also where whoever asked for it has left.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

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

    def _start(self, job: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def settle(settle_it: Callable[[], None]) -> None:
            self._turn.release()
            if not done.done():
                settle_it()

        def work() -> None:
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 - it is raised where the job was asked for
                settle_it = _later(done.set_exception, error)
            else:
                settle_it = _later(done.set_result, result)
            # The loop may have ended; then nobody waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, settle_it)

        # Not in an executor: the interpreter would wait at its end for a job that takes long.
        try:
            threading.Thread(target=work, name="admin", daemon=True).start()
        except RuntimeError as error:
            # No more threads may be had now; the turn must not be lost with that.
            self._turn.release()
            raise BusyError from error
        return done


def _later(call: Callable[[T], None], value: T) -> Callable[[], None]:
    return lambda: call(value)
