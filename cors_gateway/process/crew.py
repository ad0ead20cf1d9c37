"""All workers of a gateway: those at their places, and those that were let go and still have clients.

A worker that dies at its place is replaced; what it has counted stays. Who is let go accepts nothing
more, ends when its requests have, and is not replaced. When all of that happens is the
supervisor's.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from cors_gateway.process.control import Order
from cors_gateway.process.handover import hand_over
from cors_gateway.process.logging import Report, describe_error
from cors_gateway.process.place import GaveUpError, Place
from cors_gateway.process.recruits import NOBODY, Recruits
from cors_gateway.process.tally import Tally
from cors_gateway.process.worker_process import WorkerProcess
from cors_gateway.snapshot import Drain, Snapshot

__all__ = ["LAST_CALL", "LAST_WORDS", "Crew", "GaveUpError"]

LAST_WORDS = 1.3
"""Seconds that workers have beyond their own deadlines, or after they are told to end now."""

LAST_CALL = 0.3
"""Seconds for a worker that has missed its deadlines to end now. With the default drain that is 8.6 s
in all, which is less than the 10 s after which Docker kills."""


class Crew:
    """The workers of one gateway."""

    def __init__(self, report: Report, give_up: Callable[[GaveUpError], None]) -> None:
        """Begin without a worker.

        Args:
            report: tells the operator.
            give_up: told when workers die again and again.
        """
        self.places: list[Place] = []
        self.restarts = 0
        """Workers that were replaced because they had died."""
        self.past = Tally()
        """What workers that are gone had counted."""
        self.is_ending = False
        self._report = report
        self._give_up = give_up
        # Also where there is one worker now: after a reload there may be more.
        self._log_lock = os.memfd_create("log-lock")
        self._retiring: set[WorkerProcess] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def workers(self) -> list[WorkerProcess]:
        """Give those that there are."""
        current = [place.worker for place in self.places if place.worker is not None]
        return [*current, *self._retiring]

    async def gather(self) -> Tally:
        """Add up what all of them have counted, also those that are gone."""
        total = Tally()
        total.add(self.past)
        for tally in await asyncio.gather(*(each.report() for each in self.workers())):
            total.add(tally)
        return total

    async def open(
        self,
        snapshot: Snapshot,
        by_place: Sequence[Sequence[socket.socket]],
        *,
        waits: bool = False,
        recruits: Recruits = NOBODY,
    ) -> list[Place]:
        """Start a set of workers; where one of them fails, none is left.

        Args:
            snapshot: what they serve.
            by_place: each one's listening sockets.
            waits: whether they accept connections only after ``install``.
            recruits: those who were started before.

        Raises:
            WorkerFailedError: one fails.
        """
        places = [
            Place(number, snapshot, sockets, self._log_lock)
            for number, sockets in enumerate(by_place)
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for place in places:
                    group.create_task(place.fill(waits=waits, recruits=recruits))
        except BaseExceptionGroup as several:
            self._abandon(places)
            raise several.exceptions[0] from None
        except BaseException:
            self._abandon(places)
            raise
        return places

    def install(self, places: list[Place]) -> None:
        """Have a set of workers take the places of those before, which retire."""
        before, self.places = self.places, places
        for place in places:
            if place.worker is not None:
                place.worker.order(Order.ACCEPT)
            place.minding = self.keep(self._mind(place))
        self._release(before, Order.RETIRE)

    async def hand_over(self, snapshot: Snapshot, commit: Callable[[], None]) -> bool:
        """Have every worker serve another snapshot with the same listeners, from ``commit`` on.

        Returns:
            Whether it is served; not where no worker is there who could have tried it.

        Raises:
            NotLoadedError: a worker cannot serve it; nothing has changed.
        """
        return await hand_over(snapshot, self.places, self._retiring, commit, self._report)

    async def replace(
        self,
        snapshot: Snapshot,
        by_place: Sequence[Sequence[socket.socket]],
        commit: Callable[[], None],
    ) -> None:
        """Have a new set of workers serve another snapshot from ``commit`` on; those before retire.

        Until then the new ones accept nobody. Those before decide by it too what they are still
        asked.

        Args:
            snapshot: what they serve.
            by_place: each one's sockets.
            commit: has clients come to all of them; where it raises, nothing has changed.

        Raises:
            WorkerFailedError: a worker cannot serve it; nothing has changed.
        """
        places = await self.open(snapshot, by_place, waits=True)

        def install() -> None:
            self.install(places)

        try:
            await hand_over(snapshot, (), self.workers(), commit, self._report, install)
        except BaseException:
            if self.places is not places:
                self._abandon(places)
            raise

    async def end(self, drain: Drain, hurry: asyncio.Event) -> None:
        """Have every worker drain, in time; or end now, if ``hurry`` is set."""
        self.is_ending = True
        self._release(self.places, Order.DRAIN)
        leaving = set(self._retiring)
        for worker in leaving:
            worker.order(Order.DRAIN)
        loop = asyncio.get_running_loop()
        ended = loop.create_task(_wait_for_all(leaving))
        hurried = loop.create_task(hurry.wait())
        await asyncio.wait(
            {ended, hurried},
            timeout=drain.delay + drain.timeout + LAST_WORDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not ended.done():
            for worker in leaving:
                worker.order(Order.STOP)
            await asyncio.wait({ended}, timeout=LAST_WORDS if hurried.done() else LAST_CALL)
        hurried.cancel()
        for worker in leaving:
            worker.kill()
        await ended

    async def close(self) -> None:
        """End whatever is still there."""
        workers = self.workers()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in workers:
            worker.kill()
            await worker.wait()
        os.close(self._log_lock)

    def keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside, until the end."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _abandon(self, places: Sequence[Place]) -> None:
        """End workers that were to be a new set."""
        for worker in self._release(places, Order.STOP):
            worker.kill()

    async def _mind(self, place: Place) -> None:
        """Replace the worker of a place whenever it dies."""

        def take_leave(worker: WorkerProcess, why: str, delay: float | None) -> None:
            self.past.add(worker.tally.without_gauges())
            if delay is None or self.is_ending:
                return
            self.restarts += 1
            pause = f" in {delay:g} s" if delay else ""
            self._report("warning", f"{worker.name} is replaced{pause}: {why}")

        try:
            await place.mind(take_leave)
        except GaveUpError as error:
            self._give_up(error)
        except Exception as error:  # noqa: BLE001 - or nobody would work there any more
            self._give_up(GaveUpError(describe_error(error)))

    def _release(self, places: Sequence[Place], order: Order) -> list[WorkerProcess]:
        """Let the workers of places go, who are not replaced any more; give them."""
        released = [worker for place in places if (worker := place.leave()) is not None]
        for worker in released:
            worker.order(order)
            self._retiring.add(worker)
            self.keep(self._see_off(worker))
        return released

    async def _see_off(self, worker: WorkerProcess) -> None:
        try:
            await worker.wait()
        finally:
            self._retiring.discard(worker)
            self.past.add(worker.tally.without_gauges())


async def _wait_for_all(workers: set[WorkerProcess]) -> None:
    with contextlib.suppress(ProcessLookupError):
        await asyncio.gather(*(worker.wait() for worker in workers))
