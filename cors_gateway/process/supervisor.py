"""The process that minds the workers: starts them, replaces those that die, and ends them.

It holds the listening sockets and what the workers have counted, and serves no client itself. Each
worker has a place of its own. A worker that dies is replaced, with longer and longer pauses
where that does not help, and the gateway ends where it never does. A reload starts a new set of
workers first; when all of them are ready, those before are told to accept nothing more and to
end when their requests have. If one of the new set fails, nothing has changed.

TERM, QUIT and INT drain; a second one ends it now. HUP loads the configuration again.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from cors_gateway.config.load import Loaded
from cors_gateway.process.beside import start_beside
from cors_gateway.process.control import Order
from cors_gateway.process.cpus import count_workers
from cors_gateway.process.descriptors import describe_shortage, raise_limit
from cors_gateway.process.listening import ListenError
from cors_gateway.process.logging import describe_fault
from cors_gateway.process.orphans import wait_for_orphans
from cors_gateway.process.overview import Reloads, WorkerState, WorkerView
from cors_gateway.process.place import GaveUpError, Place
from cors_gateway.process.socket_table import SocketTable
from cors_gateway.process.tally import Tally
from cors_gateway.process.worker_process import WorkerFailedError, WorkerProcess
from cors_gateway.snapshot import Listener, Snapshot

__all__ = ["GaveUpError", "NotLoadedError", "StartError", "Supervisor"]

LAST_WORDS = 1.8
"""Seconds that workers have beyond their own deadlines, or after they are told to end now."""

LAST_CALL = 0.3
"""Seconds for a worker that has missed its deadlines to end now. With the default drain that is 9.1 s
in all, which is less than the 10 s after which Docker kills."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)

Report = Callable[[str, str], None]
"""Takes the level of an event and its text."""


class NotLoadedError(Exception):
    """The configuration cannot be loaded again; the text says why."""


class StartError(Exception):
    """The gateway could not start; the text says why and what to do."""


class Supervisor:
    """The workers of one gateway. Make it within a running loop."""

    def __init__(self, loaded: Loaded, load_again: Callable[[], Loaded], report: Report) -> None:
        """Take what to serve; ``start`` begins.

        Args:
            loaded: the configuration, which has a snapshot.
            load_again: gives what is to be served from now on; raises ``NotLoadedError``.
            report: tells the operator.
        """
        self.loaded = loaded
        self.loaded_at = time.time()
        self.is_draining = False
        self.restarts = 0
        """Workers that were replaced because they had died."""
        self.reloads = Reloads(last_success=self.loaded_at)
        self._load_again = load_again
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._sockets = SocketTable()
        # Also where there is one worker now: after a reload there may be more.
        self._log_lock = os.memfd_create("log-lock")
        self._places: list[Place] = []
        self._retiring: set[WorkerProcess] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._past = Tally()
        """What workers that are gone had counted."""
        self._stop = asyncio.Event()
        self._stop_now = asyncio.Event()
        self._gave_up: GaveUpError | None = None
        self._reloading = asyncio.Lock()
        self._reload_wanted = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        """Reloads whenever that is wanted."""

    @property
    def snapshot(self) -> Snapshot:
        """What is served."""
        snapshot = self.loaded.snapshot
        if snapshot is None:  # pragma: no cover - who loads refuses that
            raise NotLoadedError("the configuration has mistakes")
        return snapshot

    @property
    def slots(self) -> int:
        """How many workers there should be."""
        return len(self._places)

    def urls(self) -> list[str]:
        """Spell where clients are accepted."""
        return self._sockets.urls(self.snapshot.listeners)

    def workers(self) -> list[WorkerView]:
        """Give what can be seen of each worker."""
        current = [place.worker for place in self._places if place.worker is not None]
        return [worker.view for worker in (*current, *self._retiring)]

    async def gather(self) -> Tally:
        """Add up what all workers have counted, also those that are gone."""
        total = Tally()
        total.add(self._past)
        current = [place.worker for place in self._places if place.worker is not None]
        for tally in await asyncio.gather(*(w.report() for w in (*current, *self._retiring))):
            total.add(tally)
        return total

    async def start(self) -> bool:
        """Bind, start the workers, and wait until all of them accept connections.

        Returns:
            Whether they do; not where a signal said stop before.

        Raises:
            ListenError: an address cannot be had.
            StartError: a worker cannot begin.
        """
        self._heed_signals()
        if os.getpid() == 1:
            self._keep(wait_for_orphans(lambda: {view.pid for view in self.workers()}))
        opening = self._loop.create_task(self._open_places(self.snapshot))
        stopped = self._loop.create_task(self._stop.wait())
        await asyncio.wait({opening, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if self._stop.is_set():
            opening.cancel()
            # A worker that the same signal has ended is no news.
            with contextlib.suppress(asyncio.CancelledError, ListenError, WorkerFailedError):
                self._places = await opening
            return False
        try:
            self._places = opening.result()
        except WorkerFailedError as error:
            raise StartError(str(error)) from error
        self._mind(self._places)
        self._following = self._keep(self._follow_wishes())
        return True

    async def run(self) -> None:
        """Mind the workers until a signal says stop; then drain, and end.

        Raises:
            GaveUpError: workers died again and again.
        """
        await self._stop.wait()
        self.is_draining = True
        if self._following is not None:
            self._following.cancel()
        async with self._reloading:
            await self._end()
        if self._gave_up is not None:
            raise self._gave_up

    async def close(self) -> None:
        """End whatever is still there."""
        current = [place.worker for place in self._places if place.worker is not None]
        workers = (*current, *self._retiring)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in workers:
            worker.kill()
            await worker.wait()
        self._sockets.close()
        os.close(self._log_lock)

    async def reload(self) -> None:
        """Load the configuration again, and go over to it; on a mistake nothing changes.

        Raises:
            NotLoadedError: it cannot be loaded, or workers cannot begin with it.
        """
        async with self._reloading:
            if self.is_draining:
                raise NotLoadedError("the gateway is stopping")
            try:
                loaded = await start_beside(self._load_again, "reload")
                await self._go_over_to(loaded)
            except Exception as error:
                # Also what nobody thought of, such as too little memory: it must not go unseen.
                problem = _describe(error)
                reloads = self.reloads
                self.reloads = replace(reloads, failed=reloads.failed + 1, last_problem=problem)
                raise NotLoadedError(problem) from error
            self.reloads = Reloads(self.reloads.succeeded + 1, self.reloads.failed, self.loaded_at)

    async def _go_over_to(self, loaded: Loaded) -> None:
        snapshot = loaded.snapshot
        if snapshot is None:  # pragma: no cover - who loads refuses that
            raise NotLoadedError("the configuration has mistakes")
        try:
            places = await self._open_places(snapshot)
        except (ListenError, WorkerFailedError):
            self._sockets.keep_only(self.snapshot.listeners, len(self._places))
            raise
        if _listener_of(snapshot) != _listener_of(self.snapshot):
            self._report("warning", "admin.listen has changed: it is bound at the next start")
        before, self._places = self._places, places
        self.loaded, self.loaded_at = loaded, time.time()
        self._mind(places)
        self._release(before, Order.RETIRE)
        self._sockets.keep_only(snapshot.listeners, len(places))

    async def _open_places(self, snapshot: Snapshot) -> list[Place]:
        """Start a set of workers; where one of them fails, none is left."""
        if shortage := describe_shortage(snapshot, raise_limit()):
            self._report("warning", shortage)
        count = snapshot.workers or count_workers()
        by_place = self._sockets.take(snapshot.listeners, count)
        places = [
            Place(number, snapshot, sockets, self._log_lock)
            for number, sockets in enumerate(by_place)
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for place in places:
                    group.create_task(place.fill())
        except BaseExceptionGroup as several:
            self._abandon(places)
            raise several.exceptions[0] from None
        except BaseException:
            self._abandon(places)
            raise
        return places

    def _abandon(self, places: Sequence[Place]) -> None:
        """Let workers go that were to be a new set; those that accept clients may have some."""
        self._release(places, Order.RETIRE)
        for worker in self._retiring:
            if worker.state is WorkerState.STARTING:
                worker.kill()

    def _mind(self, places: Sequence[Place]) -> None:
        for place in places:
            place.minding = self._keep(self._mind_place(place))

    async def _mind_place(self, place: Place) -> None:
        """Replace the worker of a place whenever it dies."""

        def take_leave(worker: WorkerProcess, why: str, delay: float | None) -> None:
            self._past.add(worker.tally.without_gauges())
            if delay is None or self.is_draining:
                return
            self.restarts += 1
            pause = f" in {delay:g} s" if delay else ""
            number = f"worker {place.number + 1} (pid {worker.view.pid})"
            self._report("warning", f"{number} is replaced{pause}: {why}")

        try:
            await place.mind(take_leave)
        except Exception as error:  # noqa: BLE001 - or nobody would work there any more
            self._gave_up = GaveUpError(_describe(error))
            self._report("error", str(self._gave_up))
            self._stop.set()

    def _release(self, places: Sequence[Place], order: Order) -> None:
        """Let the workers of places go, who are not replaced any more."""
        for place in places:
            if (worker := place.leave()) is not None:
                worker.order(order)
                self._retiring.add(worker)
                self._keep(self._see_off(worker))

    async def _see_off(self, worker: WorkerProcess) -> None:
        try:
            await worker.wait()
        finally:
            self._retiring.discard(worker)
            self._past.add(worker.tally.without_gauges())

    async def _end(self) -> None:
        """Have every worker drain, in time."""
        self._release(self._places, Order.DRAIN)
        leaving = set(self._retiring)
        for worker in leaving:
            worker.order(Order.DRAIN)
        drain = self.snapshot.drain
        # When the workers do, or who connects then would wait for nobody.
        self._loop.call_later(drain.delay, self._sockets.close)
        ended = self._loop.create_task(_wait_for_all(leaving))
        hurried = self._loop.create_task(self._stop_now.wait())
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

    def _heed_signals(self) -> None:
        for number in STOP_SIGNALS:
            self._loop.add_signal_handler(number, self._ask_to_stop)
        self._loop.add_signal_handler(signal.SIGHUP, self._reload_wanted.set)

    def _ask_to_stop(self) -> None:
        (self._stop_now if self._stop.is_set() else self._stop).set()

    async def _follow_wishes(self) -> None:
        """Reload once for all the wishes that came meanwhile."""
        while True:
            await self._reload_wanted.wait()
            self._reload_wanted.clear()
            try:
                await self.reload()
            except NotLoadedError as error:
                self._report("error", f"not reloaded, what was served before is served on: {error}")
            else:
                self._report("info", f"reloaded {self.snapshot.source}")

    def _keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _describe(error: Exception) -> str:
    """Give the words of an error that has some for people, and where any other one came from."""
    if isinstance(error, GaveUpError | ListenError | NotLoadedError | WorkerFailedError):
        return str(error)
    return describe_fault({"message": "internal error", "exception": error})


def _listener_of(snapshot: Snapshot) -> Listener | None:
    return None if snapshot.admin is None else snapshot.admin.listener


async def _wait_for_all(workers: set[WorkerProcess]) -> None:
    with contextlib.suppress(ProcessLookupError):
        await asyncio.gather(*(worker.wait() for worker in workers))
