"""A worker as the supervisor sees it: a process, and the socket over which both speak.

How a process comes about is in ``recruits``. When the socket ends, the worker is gone or as good as
gone.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Sequence

from cors_gateway.process.beside import start_beside
from cors_gateway.process.control import (
    MAX_LINE,
    Order,
    pack_orders,
    parse_line,
    send_descriptors,
    to_line,
)
from cors_gateway.process.overview import WorkerState, WorkerView
from cors_gateway.process.recruits import NOBODY, Recruit, Recruits
from cors_gateway.process.tally import Tally
from cors_gateway.snapshot import Snapshot

__all__ = ["WorkerFailedError", "WorkerProcess"]

START_SECONDS = 30.0
"""In which a worker is ready, also on a machine that is busy."""
REPORT_SECONDS = 0.5
PREPARE_SECONDS = 40.0
"""In which it gets ready to serve another snapshot: it reads what a new one would.

Clearly longer than ``silence.PATIENCE``: one that hangs is replaced before that, and then the others
go over.
"""
COMMIT_SECONDS = 10.0
"""In which it says that it has gone over; one that is only busy needs a fraction of them."""


_ENDS = (Order.RETIRE, Order.DRAIN, Order.STOP)


class WorkerFailedError(Exception):
    """A worker did not become ready; the text says why."""


class WorkerProcess:
    """One worker process, from its start to its end."""

    def __init__(self, slot: int, recruit: Recruit, control: asyncio.StreamWriter) -> None:
        """Take over a process that has been started; ``start`` does both."""
        self.slot = slot
        self.state = WorkerState.STARTING
        self.tally = Tally()
        """What it has counted, as far as it has said."""
        self.silence = 0.0
        """Seconds since it said something, as ``silence`` counts them."""
        self._process = recruit.process
        self._control = control
        self._started = time.time()
        self._ready_since = 0.0
        self._failure = ""
        loop = asyncio.get_running_loop()
        self._ended = loop.create_task(_wait_for_end(recruit.process))
        self._ready = loop.create_future()
        self._reports: list[asyncio.Future[None]] = []
        self._steps: dict[tuple[str, int], asyncio.Future[str | None]] = {}
        """What it is to say of going over, by the step and the edition."""
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        slot: int,
        snapshot: Snapshot,
        sockets: Sequence[socket.socket],
        log_lock: int | None,
        *,
        waits: bool = False,
        recruits: Recruits = NOBODY,
    ) -> "WorkerProcess":
        """Start a process and give it its orders; ``wait_until_ready`` waits for the rest.

        Args:
            slot: the number of its place.
            snapshot: what it serves.
            sockets: what it listens on.
            log_lock: held while a log line is written.
            waits: whether it accepts connections only when told ``ACCEPT``.
            recruits: those who were started before.

        Raises:
            OSError: the system does not start a process.
        """
        recruit = recruits.take()
        lent = [sock.fileno() for sock in sockets]
        try:
            # One that is gone already says so as one that goes later does, by the end of the stream.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                send_descriptors(recruit.control, lent, log_lock)
            reader, writer = await asyncio.open_connection(sock=recruit.control, limit=MAX_LINE)
        except BaseException:
            recruit.dismiss()
            raise
        worker = cls(slot, recruit, writer)
        worker._listening = asyncio.get_running_loop().create_task(worker._listen(reader))
        writer.write(pack_orders(snapshot, waits=waits))
        return worker

    @property
    def view(self) -> WorkerView:
        """What can be seen of it."""
        return WorkerView(
            self.slot, self._process.pid, self.state, self._started, silence=self.silence
        )

    @property
    def name(self) -> str:
        """What it is called where people read of it."""
        return self.view.name

    @property
    def served(self) -> float:
        """Seconds since it was ready; 0 where it never was."""
        return time.monotonic() - self._ready_since if self._ready_since else 0.0

    async def wait_until_ready(self) -> None:
        """Wait until it accepts connections, or can at once.

        Raises:
            WorkerFailedError: it does not, and is gone.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.shield(self._ready)
        except TimeoutError:
            self.give_up(f"it was not ready within {START_SECONDS:g} s")
        if self.state is not WorkerState.READY:
            raise WorkerFailedError(await self.describe_end())

    async def wait(self) -> int:
        """Wait for its end; give the exit status, or the negative number of a signal."""
        if self._listening is not None:
            await asyncio.shield(self._listening)
        return await asyncio.shield(self._ended)

    async def describe_end(self) -> str:
        """Wait for its end, and say how it ended, in its own words if it had any."""
        status = await self.wait()
        if self._failure:
            return self._failure
        if status >= 0:
            return f"it ended with status {status}"
        with contextlib.suppress(ValueError):
            name = signal.Signals(-status).name
            hint = ", maybe for lack of memory" if name == "SIGKILL" else ""
            return f"it was ended by {name}{hint}"
        return f"it was ended by signal {-status}"

    def order(self, order: Order) -> None:
        """Tell it something; one that is gone hears nothing."""
        if order in _ENDS and self.state is not WorkerState.STARTING:
            self.state = WorkerState.RETIRING
        if not self._control.is_closing():
            self._control.write(to_line({"do": order}))

    def give_up(self, why: str) -> None:
        """End it without asking, and remember why."""
        self._failure = why
        self.kill()

    def kill(self) -> None:
        """End it without asking."""
        if self._process.returncode is None:
            # Not by the process' own: that looks whether it has ended, and takes its status from who waits.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    async def report(self) -> Tally:
        """Ask what it has counted; what it said last where it does not answer in time."""
        if self.state is not WorkerState.STARTING and not self._control.is_closing():
            answered = asyncio.get_running_loop().create_future()
            self._reports.append(answered)
            self.order(Order.REPORT)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REPORT_SECONDS):
                    await answered
        return self.tally

    async def prepare(self, edition: int, packed: bytes) -> str | None:
        """Have it get ready to serve another snapshot.

        Returns:
            Why it cannot; empty where it is ready, ``None`` where it is gone.
        """
        line = to_line({"do": Order.PREPARE, "edition": edition, "bytes": len(packed)})
        try:
            async with asyncio.timeout(PREPARE_SECONDS):
                return await self._step("prepared", edition, line + packed)
        except TimeoutError:
            return f"{self.name} was not ready for it within {PREPARE_SECONDS:g} s"

    def commit(self, edition: int) -> Awaitable[None]:
        """Have it go over at once; what is given waits until it has, or until it is ended."""
        line = to_line({"do": Order.COMMIT, "edition": edition})
        return self._see_over(self._step("committed", edition, line))

    def forget(self, edition: int) -> None:
        """Have it stay with what it serves."""
        if not self._control.is_closing():
            self._control.write(to_line({"do": Order.FORGET, "edition": edition}))

    def _step(self, step: str, edition: int, sent: bytes) -> asyncio.Future[str | None]:
        """Send something; give what it says of it, ``None`` if it is gone."""
        answered: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        if self._control.is_closing():
            answered.set_result(None)
        else:
            self._steps[step, edition] = answered
            self._control.write(sent)
        return answered

    async def _see_over(self, committed: asyncio.Future[str | None]) -> None:
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await committed
        except TimeoutError:
            self.give_up(f"it did not go over to another configuration within {COMMIT_SECONDS:g} s")

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Take what it says, until it is gone."""
        try:
            while line := await reader.readline():
                self._take(line)
        except (KeyError, OSError, TypeError, ValueError):
            # Reset, too long, or not what a worker says: nothing of it can be relied on.
            self.kill()
        finally:
            self._control.close()
            if not self._ready.done():
                self._ready.set_result(None)
            self._answer()
            for answered in self._steps.values():
                if not answered.done():
                    answered.set_result(None)
            self._steps.clear()

    def _take(self, line: bytes) -> None:
        message = parse_line(line)
        self.silence = 0.0
        if message.get("ready"):
            self.state = WorkerState.READY
            self._ready_since = time.monotonic()
            if not self._ready.done():
                self._ready.set_result(None)
        if "failed" in message:
            self._failure = str(message["failed"])
        for step in ("prepared", "committed"):
            if step in message:
                answered = self._steps.pop((step, message[step]), None)
                if answered is not None and not answered.done():
                    answered.set_result(str(message.get("refusal", "")))
        if "tally" in message:
            self.tally = Tally.from_data(message["tally"])
            self._answer()

    def _answer(self) -> None:
        for answered in self._reports:
            if not answered.done():
                answered.set_result(None)
        self._reports.clear()


async def _wait_for_end(process: subprocess.Popen[bytes]) -> int:
    """Give the exit status, or minus a signal's number; nobody else may wait for it."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        # An old kernel, or a sandbox that has no such call.
        return await start_beside(process.wait, "wait")
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, _settle, ended)
    try:
        await ended
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return process.wait()


def _settle(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)
