"""One worker: an event loop that serves listening sockets until it is told to stop.

It is told by the supervisor, or by a signal: TERM, QUIT and INT drain, and a second one ends it now.
To drain means that connections are accepted for ``drain.delay`` more, then the listeners close,
and requests in progress may end within ``drain.timeout``.
"""

import asyncio
import contextlib
import itertools
import socket
import sys
from collections.abc import Callable, Sequence

import uvloop

from cors_gateway.process.certificates import CertificateWatch, ListenerCertificate
from cors_gateway.process.counting import Counting
from cors_gateway.process.entrance import Entrance
from cors_gateway.process.folders import Folders
from cors_gateway.process.link import SupervisorLink
from cors_gateway.process.logging import LogWriter, describe_fault
from cors_gateway.process.memory import keep_freed_memory
from cors_gateway.process.scarcity import Scarcity, find_memory_bound
from cors_gateway.process.stopping import STOP_SIGNALS, Stage, Stopping
from cors_gateway.process.takeover import Takeover
from cors_gateway.process.telling import AccessLog, Telling
from cors_gateway.process.watchdog import Watchdog
from cors_gateway.snapshot import LogSettings, Snapshot
from cors_gateway.wire.plane import Plane
from cors_gateway.wire.record import AccessRecord

__all__ = ["run_worker"]


def run_worker(
    snapshot: Snapshot,
    sockets: Sequence[socket.socket],
    announce: Callable[[], None] = lambda: None,
    *,
    control: socket.socket | None = None,
    log_lock: int | None = None,
    waits: bool = False,
) -> None:
    """Serve until somebody says stop.

    Args:
        snapshot: what to serve.
        sockets: bound, in the order of the snapshot's listeners; listening as soon as connections
            may be accepted.
        announce: called once connections are accepted.
        control: leads to the supervisor; ``None`` for a worker on its own.
        log_lock: a descriptor that is locked while a log line is written.
        waits: whether the supervisor says when connections may be accepted.

    Raises:
        CertificateError: a listener's certificate cannot be served with.
    """
    keep_freed_memory()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(snapshot, sockets, announce, control, log_lock, waits=waits))


async def _serve(
    snapshot: Snapshot,
    sockets: Sequence[socket.socket],
    announce: Callable[[], None],
    control: socket.socket | None,
    log_lock: int | None,
    *,
    waits: bool,
) -> None:
    loop = asyncio.get_running_loop()
    wanted = {listener.tls for listener in snapshot.listeners if listener.tls is not None}
    certificates = {tls: ListenerCertificate(tls) for tls in wanted}
    report = Telling(snapshot.log)
    writer = LogWriter(sys.stdout, log_lock, report)
    loop.set_exception_handler(lambda _, context: report("error", describe_fault(context)))
    watchdog = Watchdog(loop, report)
    scarcity = Scarcity(loop, report, find_memory_bound())
    counting = Counting(writer, watchdog, scarcity)
    log = AccessLog(snapshot.log, writer)

    def take_records(records: Sequence[AccessRecord]) -> None:
        counting.take(records)
        log(records)

    def follow_log(settings: LogSettings) -> None:
        report.follow(settings)
        log.follow(settings)

    folders = Folders(loop)
    folders.prepare(snapshot)
    plane = Plane(snapshot, loop, take_records, folders.serve, report)
    stopping = Stopping(Stage.WAIT if waits else Stage.SERVE)
    _heed_signals(loop, stopping)
    takeover = Takeover(plane, certificates, folders, follow_log)
    link = SupervisorLink(loop, stopping, lambda: counting.tally(plane), takeover)
    if control is not None:
        await loop.create_unix_connection(lambda: link, sock=control)
    watch = CertificateWatch(certificates.values(), report)
    watch.start()
    watchdog.start()
    scarcity.start(plane)
    plane.start()
    entrances: list[Entrance] = []
    if waits:
        link.say_ready()
        await stopping.wait_beyond(Stage.WAIT)
    # Not where it was ended before: who listens then takes clients from those who serve.
    if Stage.SERVE in stopping.wanted:
        for listener, sock in zip(snapshot.listeners, sockets, strict=True):
            certificate = certificates.get(listener.tls) if listener.tls else None
            entrances.append(await Entrance.open(plane, sock, certificate))
    if not waits:
        announce()
        link.say_ready()
    await stopping.wait_beyond(Stage.SERVE)
    # From now on every answer says that its connection will close.
    plane.draining = True
    has_successor = Stage.RETIRE in stopping.wanted
    if stopping.stage is Stage.DRAIN and not has_successor:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(plane.snapshot.drain.delay):
                await stopping.wait_beyond(Stage.DRAIN)
    is_last = stopping.stage in {Stage.DRAIN, Stage.CLOSE} and not has_successor
    await asyncio.gather(*(entrance.close(is_last=is_last) for entrance in entrances))
    # Nobody is shown them any more, and they may be removed.
    watch.close()
    await _drain(plane, stopping)
    await folders.close()
    watchdog.close()
    scarcity.close()
    writer.close()
    link.close()


def _heed_signals(loop: asyncio.AbstractEventLoop, stopping: Stopping) -> None:
    signals = itertools.chain([Stage.DRAIN], itertools.repeat(Stage.NOW))
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, lambda: stopping.reach(next(signals)))


async def _drain(plane: Plane, stopping: Stopping) -> None:
    """Let what is in progress end, in the time that the stage leaves; the stage may go on."""
    timeout = plane.snapshot.drain.timeout
    seconds = {Stage.RETIRE: None, Stage.DRAIN: timeout, Stage.CLOSE: timeout, Stage.NOW: 0}
    if stopping.stage is Stage.RETIRE and any(each.tls for each in plane.snapshot.listeners):
        # Connections in the middle of their handshake are the event loop's, and not yet ours.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(plane.snapshot.timeouts.head):
                await stopping.wait_beyond(Stage.RETIRE)
    while True:
        draining = plane.loop.create_task(plane.drain(seconds[stopping.stage]))
        hurried = plane.loop.create_task(stopping.wait_beyond(stopping.stage))
        await asyncio.wait({draining, hurried}, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if draining.done():
            return draining.result()
        draining.cancel()
