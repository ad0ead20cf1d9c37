"""The process that minds the workers: starts them, has them serve what is configured, and ends them.

It holds the listening sockets and what the workers have counted, and serves no client itself. A
reload loads the configuration beside the event loop. Where the listeners and the number of workers
stay, those that are there go over to it, all at the same moment (``handover``); else a new set of
workers starts first. When all of them are ready, they begin to accept, and those before accept nothing
more and end when their requests have. If anything fails on the way, nothing has changed.

A signal of ``STOP_SIGNALS`` drains; a second one ends it now. HUP loads the configuration again.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from cors_gateway.config.load import Loaded
from cors_gateway.differences.compare import compare
from cors_gateway.differences.difference import Difference
from cors_gateway.process.beside import finish_beside, start_beside
from cors_gateway.process.cpus import count_workers
from cors_gateway.process.crew import Crew, GaveUpError
from cors_gateway.process.descriptors import describe_shortage, raise_limit
from cors_gateway.process.follower import Follower
from cors_gateway.process.listening import ListenError, resolve
from cors_gateway.process.logging import Report, describe_error
from cors_gateway.process.orphans import wait_for_orphans
from cors_gateway.process.overview import (
    NotLoadedError,
    NotNowError,
    Reloaded,
    Reloads,
    WorkerView,
)
from cors_gateway.process.recruits import NOBODY, Recruits
from cors_gateway.process.silence import end_the_silent
from cors_gateway.process.socket_table import SocketTable
from cors_gateway.process.stopping import STOP_SIGNALS
from cors_gateway.process.tally import Tally
from cors_gateway.process.telling import describe_losses
from cors_gateway.process.worker_process import WorkerFailedError
from cors_gateway.snapshot import Snapshot

__all__ = ["GaveUpError", "StartError", "Supervisor"]

LOAD_SECONDS = 30.0
"""In which a configuration is read. A volume that hangs must not hold up those who ask again later."""

MOST_LINES = 20
"""Differences that the log tells after a reload, those that make something wider first."""

STOPPING = "the gateway is stopping"


class StartError(Exception):
    """The gateway could not start; the text says why and what to do."""


class Supervisor:
    """The workers of one gateway. Make it within a running loop."""

    def __init__(
        self,
        loaded: Loaded,
        load_again: Callable[[], Loaded],
        report: Report,
        followers: Sequence[Follower] = (),
    ) -> None:
        """Take what to serve; ``start`` begins.

        Args:
            loaded: the configuration, which has a snapshot.
            load_again: gives what is to be served from now on; raises ``NotLoadedError``.
            report: tells the operator.
            followers: go over to another configuration with the workers.
        """
        self.loaded = loaded
        self.loaded_at = time.time()
        self.is_draining = False
        self.is_watched = False
        """Whether somebody looks at the files, and wants a reload when they change."""
        self.reloads = Reloads(last_success=self.loaded_at)
        self._load_again = load_again
        self._report = report
        self._followers = followers
        self._loop = asyncio.get_running_loop()
        self._sockets = SocketTable()
        self._crew = Crew(report, self._give_up)
        self._stop = asyncio.Event()
        self._stop_now = asyncio.Event()
        self._gave_up: GaveUpError | None = None
        self._is_reloading = asyncio.Lock()
        self._attempts: set[asyncio.Task[Reloaded]] = set()
        """Reloads that are in progress, or wait for one that is."""
        self._wishes: list[str] = []
        self._reload_wanted = asyncio.Event()

    @property
    def snapshot(self) -> Snapshot:
        """What is served."""
        return _snapshot_of(self.loaded)

    @property
    def slots(self) -> int:
        """How many workers there should be."""
        return len(self._crew.places)

    @property
    def restarts(self) -> int:
        """Workers that were replaced because they had died."""
        return self._crew.restarts

    def urls(self) -> list[str]:
        """Spell where clients are accepted."""
        return self._sockets.urls(self.snapshot.listeners)

    def workers(self) -> list[WorkerView]:
        """Give what can be seen of each worker."""
        return [worker.view for worker in self._crew.workers()]

    async def gather(self) -> Tally:
        """Add up what all workers have counted, also those that are gone."""
        return await self._crew.gather()

    async def start(self, recruits: Recruits = NOBODY) -> bool:
        """Bind, start the workers, and wait until all of them accept connections.

        Args:
            recruits: those who were started before.

        Returns:
            Whether they do; not where a signal said stop before.

        Raises:
            ListenError: an address cannot be had.
            StartError: a worker cannot begin.
        """
        crew, snapshot = self._crew, self.snapshot
        self._heed_signals()
        if os.getpid() == 1:
            crew.keep(wait_for_orphans(lambda: {view.pid for view in self.workers()}))
        self._tell_of_shortage(snapshot)
        count = _count(snapshot)
        recruits.dismiss(but=count)
        by_place = self._sockets.take(snapshot.listeners, count)
        opening = self._loop.create_task(crew.open(snapshot, by_place, recruits=recruits))
        stopped = self._loop.create_task(self._stop.wait())
        await asyncio.wait({opening, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if self._stop.is_set():
            opening.cancel()
            # A worker that the same signal has ended is no news.
            with contextlib.suppress(asyncio.CancelledError, WorkerFailedError):
                crew.places = await opening
            return False
        try:
            crew.install(opening.result())
        except WorkerFailedError as error:
            raise StartError(str(error)) from error
        crew.keep(self._follow_wishes())
        crew.keep(end_the_silent(crew.workers, self._report))
        return True

    async def run(self) -> None:
        """Mind the workers until a signal says stop; then drain, and end.

        Raises:
            GaveUpError: workers died again and again.
        """
        await self._stop.wait()
        self.is_draining = self._crew.is_ending = True
        for attempt in self._attempts:
            attempt.cancel()
        async with self._is_reloading:
            drain = self.snapshot.drain
            self._sockets.let_go()
            self._loop.call_later(drain.delay, self._sockets.close)
            await self._crew.end(drain, self._stop_now)
        if self._gave_up is not None:
            raise self._gave_up

    async def close(self) -> None:
        """End whatever is still there; the last word is that it has ended."""
        await self._crew.close()
        self._sockets.close()
        if self._stop.is_set():
            self._report("info", f"stopped{describe_losses(self._crew.past)}")

    def want_reload(self, why: str) -> None:
        """Have the configuration loaded again soon, once for all who want it by then.

        Args:
            why: what happened, for the log.
        """
        if why not in self._wishes:
            self._wishes.append(why)
        self._reload_wanted.set()

    async def reload(self, why: str) -> Reloaded:
        """Load the configuration again, and go over to it; the log says what has changed.

        Several at once are done one after another.

        Args:
            why: who wants it, for the log.

        Raises:
            NotLoadedError: it cannot be loaded, or not be served; then nothing has changed.
            NotNowError: the gateway is stopping.
        """
        if self.is_draining:
            raise self._not_now()
        attempt = self._loop.create_task(self._reload(why))
        self._attempts.add(attempt)
        attempt.add_done_callback(self._attempts.discard)
        try:
            # Who asked may go meanwhile.
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            if not attempt.cancelled():
                raise
            raise self._not_now() from None

    def _not_now(self) -> NotNowError:
        self._report("warning", f"not reloaded: {STOPPING}")
        return NotNowError(STOPPING)

    async def _reload(self, why: str) -> Reloaded:
        async with self._is_reloading:
            self._report("info", f"reloading {self.loaded.document.name}: {why}")
            self.reloads = replace(self.reloads, began=time.time())
            try:
                loaded = await self._load()
                differences = await self._compare(loaded)
                in_place = await self._go_over_to(loaded)
            except Exception as error:
                # Also what nobody thought of, such as too little memory: it must not go unseen.
                problem = describe_error(error, ListenError, NotLoadedError, WorkerFailedError)
                reloads = self.reloads
                self.reloads = replace(reloads, failed=reloads.failed + 1, last_problem=problem)
                self._report(
                    "error", f"not reloaded, what was served before is served on: {problem}"
                )
                raise NotLoadedError(problem) from error
            else:
                reloads = self.reloads
                self.reloads = Reloads(reloads.succeeded + 1, reloads.failed, self.loaded_at)
                reloaded = Reloaded(self.snapshot.source, differences, in_place)
                self._tell(reloaded)
                return reloaded
            finally:
                self.reloads = replace(self.reloads, began=0.0)
                for follower in self._followers:
                    follower.settle()

    async def _load(self) -> Loaded:
        loaded = await finish_beside(self._load_again, "reload", LOAD_SECONDS)
        if loaded is None:
            raise NotLoadedError(f"it could not be read within {LOAD_SECONDS:g} s")
        return loaded

    async def _compare(self, loaded: Loaded) -> tuple[Difference, ...]:
        """Say what changes; who cannot say it does not keep it from changing."""
        before = self.loaded
        _snapshot_of(loaded)
        try:
            found = await finish_beside(lambda: compare(before, loaded), "compare", LOAD_SECONDS)
        except Exception as error:  # noqa: BLE001 - words only
            self._report("error", describe_error(error))
            return ()
        if found is None:
            self._report("warning", f"what changes could not be told within {LOAD_SECONDS:g} s")
            return ()
        return tuple(sorted(found, key=lambda each: not each.is_wider))

    async def _go_over_to(self, loaded: Loaded) -> bool:
        """Serve what was loaded; say whether that went without new workers."""
        snapshot, count = _snapshot_of(loaded), _count(_snapshot_of(loaded))
        self._tell_of_shortage(snapshot)

        def commit() -> None:
            self.loaded, self.loaded_at = loaded, time.time()
            for follower in self._followers:
                follower.commit()

        try:
            for follower in self._followers:
                await follower.prepare(snapshot)
            stays = count == self.slots and _of_process(snapshot) == _of_process(self.snapshot)
            if stays and await self._crew.hand_over(snapshot, commit):
                return True
            await self._replace_workers(snapshot, count, commit)
        except BaseException:
            for follower in self._followers:
                follower.forget()
            raise
        return False

    async def _replace_workers(
        self, snapshot: Snapshot, count: int, commit: Callable[[], None]
    ) -> None:
        """Start a new set of workers, and have those before retire."""
        listeners, sockets = snapshot.listeners, self._sockets
        found = await start_beside(lambda: resolve(sockets.lacks(listeners)), "resolve")
        by_place = sockets.take(listeners, count, found, listens=False)

        def begin() -> None:
            sockets.listen(listeners)
            commit()
            sockets.keep_only(listeners, count)

        try:
            await self._crew.replace(snapshot, by_place, begin)
        except BaseException:
            sockets.keep_only(self.snapshot.listeners, self.slots)
            raise

    def _tell(self, reloaded: Reloaded) -> None:
        """Tell the operator what has changed."""
        self._report("info", reloaded.summary())
        told = zip(reloaded.differences[:MOST_LINES], reloaded.lines(), strict=False)
        for difference, line in told:
            self._report("warning" if difference.is_wider else "info", line)
        left = len(reloaded.differences) - MOST_LINES
        if left > 0:
            self._report("info", f"and {left} more; cors-gateway diff OLD NEW shows them")

    def _tell_of_shortage(self, snapshot: Snapshot) -> None:
        if shortage := describe_shortage(snapshot, raise_limit()):
            self._report("warning", shortage)

    def _give_up(self, error: GaveUpError) -> None:
        self._gave_up = error
        self._report("error", str(error))
        self._stop.set()

    def _heed_signals(self) -> None:
        for number in STOP_SIGNALS:
            self._loop.add_signal_handler(number, self._ask_to_stop, number)
        self._loop.add_signal_handler(signal.SIGHUP, self.want_reload, "the signal HUP")

    def _ask_to_stop(self, number: signal.Signals) -> None:
        for event, what in ((self._stop, "stopping"), (self._stop_now, "stopping now")):
            if not event.is_set():
                event.set()
                name = number.name.removeprefix("SIG")
                self._report("info", f"{what}: the signal {name}")
                return

    async def _follow_wishes(self) -> None:
        """Reload once for all the wishes that came meanwhile."""
        while True:
            await self._reload_wanted.wait()
            self._reload_wanted.clear()
            wishes, self._wishes = self._wishes, []
            # What came of it has been told.
            with contextlib.suppress(NotLoadedError):
                await self.reload(", ".join(wishes))


def _snapshot_of(loaded: Loaded) -> Snapshot:
    if loaded.snapshot is None:
        raise NotLoadedError("the configuration has mistakes")
    return loaded.snapshot


def _count(snapshot: Snapshot) -> int:
    return snapshot.workers or count_workers()


def _of_process(snapshot: Snapshot) -> object:
    """Give what a worker cannot change while it serves."""
    is_tls = any(listener.tls is not None for listener in snapshot.listeners)
    # The event loop bounds handshakes, by what it was told when it began to listen.
    return snapshot.listeners, snapshot.timeouts.head if is_tls else None
