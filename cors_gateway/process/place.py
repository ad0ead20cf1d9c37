"""One worker's place: its listening sockets, what it serves, and whoever works there now.

A place outlives its workers. This module decides nothing but when the next one comes, and that is
``restarts``; except while all places go over to another snapshot (``handover``): then none comes.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence

from cors_gateway.process.recruits import NOBODY, Recruits
from cors_gateway.process.restarts import Restarts
from cors_gateway.process.worker_process import WorkerFailedError, WorkerProcess
from cors_gateway.snapshot import Snapshot

__all__ = ["GaveUpError", "Place", "TakeLeave"]

TakeLeave = Callable[[WorkerProcess, str, float | None], None]
"""Takes a worker that has died, why, and the seconds until the next; ``None`` if there is none."""


class GaveUpError(Exception):
    """Workers died again and again; the text says how the last one did."""


class Place:
    """Where one worker works."""

    def __init__(
        self, number: int, snapshot: Snapshot, sockets: Sequence[socket.socket], log_lock: int
    ) -> None:
        """Make a place that is empty; ``fill`` starts a worker."""
        self.number = number
        self.snapshot = snapshot
        """What the next worker serves."""
        self.worker: WorkerProcess | None = None
        self.minding: asyncio.Task[None] | None = None
        """Replaces the worker."""
        self._sockets = sockets
        self._log_lock = log_lock
        self._restarts = Restarts()
        self._may_start = asyncio.Event()
        self._may_start.set()
        self._is_settled = asyncio.Event()
        self._is_settled.set()

    async def fill(self, *, waits: bool = False, recruits: Recruits = NOBODY) -> None:
        """Start a worker, and wait until it accepts connections.

        Args:
            waits: whether it is to do so only when told ``ACCEPT``; then this waits until it can.
            recruits: those who were started before.

        Raises:
            WorkerFailedError: it does not.
        """
        while not self._may_start.is_set():
            await self._may_start.wait()
        self._is_settled.clear()
        try:
            self.worker = await WorkerProcess.start(
                self.number,
                self.snapshot,
                self._sockets,
                self._log_lock,
                waits=waits,
                recruits=recruits,
            )
            await self.worker.wait_until_ready()
        except OSError as error:
            why = f"no process could be started: {error.strerror or error}"
            raise WorkerFailedError(why) from error
        finally:
            self._is_settled.set()

    async def hold(self) -> None:
        """Let no worker start until ``go_on``; wait until none is about to."""
        self._may_start.clear()
        await self._is_settled.wait()

    def go_on(self) -> None:
        """Let workers start again."""
        self._may_start.set()

    def leave(self) -> WorkerProcess | None:
        """Give up the worker, who is not replaced any more."""
        if self.minding is not None:
            self.minding.cancel()
        worker, self.worker = self.worker, None
        return worker

    async def mind(self, take_leave: TakeLeave) -> None:
        """Replace the worker whenever it dies, until the task is cancelled.

        Raises:
            GaveUpError: that does not help.
        """
        why = ""
        while True:
            worker, lived = self.worker, 0.0
            if worker is not None:
                why, lived = await worker.describe_end(), worker.served
                self.worker = None
            delay = self._restarts.delay_after(lived)
            if worker is not None:
                take_leave(worker, why, delay)
            if delay is None:
                number = self.number + 1
                raise GaveUpError(
                    f"worker {number} died again and again, so the gateway ends: {why}"
                )
            await asyncio.sleep(delay)
            try:
                await self.fill()
            except WorkerFailedError as error:
                # If there was a process at all, the next round looks at how it ended.
                why = str(error)
