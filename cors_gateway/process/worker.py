"""One worker: an event loop that serves listening sockets until it is told to stop.

It is told by the supervisor, or by a signal: TERM, QUIT and INT drain, and a second one ends it now.
To drain means that connections are accepted for ``drain.delay`` more, then the listeners close,
and requests in progress may end within ``drain.timeout``.

TLS is the event loop's: a handshake that fails or takes too long closes its connection and is
nobody's news, because scanners and mistyped URLs make them all day.
"""

import asyncio
import contextlib
import itertools
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import uvloop

from cors_gateway.process.certificates import CertificateWatch, ListenerCertificate
from cors_gateway.process.counting import Counting
from cors_gateway.process.link import SupervisorLink
from cors_gateway.process.logging import (
    LogWriter,
    access_logger,
    describe_fault,
    is_json,
    reporter,
)
from cors_gateway.process.memory import keep_freed_memory
from cors_gateway.process.stopping import Stage, Stopping
from cors_gateway.snapshot import Snapshot
from cors_gateway.wire.downstream import DownstreamConnection
from cors_gateway.wire.plane import Plane
from cors_gateway.wire.record import AccessRecord

if TYPE_CHECKING:
    from cors_gateway.files.server import FileServer

__all__ = ["run_worker"]

CLOSE_TIMEOUT = 24 * 3600.0
"""Seconds that a TLS connection may take to close: so many that the deadlines of ``wire/`` come first.

The event loop counts the time for what is still to be sent as well, and would cut off a client
that is only slow.
"""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)


def run_worker(
    snapshot: Snapshot,
    sockets: Sequence[socket.socket],
    announce: Callable[[], None] = lambda: None,
    *,
    control: socket.socket | None = None,
    log_lock: int | None = None,
) -> None:
    """Serve until somebody says stop.

    Args:
        snapshot: what to serve.
        sockets: bound and listening, in the order of the snapshot's listeners.
        announce: called once connections are accepted.
        control: leads to the supervisor; ``None`` for a worker on its own.
        log_lock: a descriptor that is locked while a log line is written.

    Raises:
        CertificateError: a listener's certificate cannot be served with.
    """
    keep_freed_memory()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(snapshot, sockets, announce, control, log_lock))


async def _serve(
    snapshot: Snapshot,
    sockets: Sequence[socket.socket],
    announce: Callable[[], None],
    control: socket.socket | None,
    log_lock: int | None,
) -> None:
    loop = asyncio.get_running_loop()
    wanted = {listener.tls for listener in snapshot.listeners if listener.tls is not None}
    certificates = {tls: ListenerCertificate(tls) for tls in wanted}
    json_lines = is_json(snapshot.log, sys.stdout)
    report = reporter(snapshot.log, json_lines=json_lines)
    writer = LogWriter(sys.stdout, log_lock, report)
    loop.set_exception_handler(lambda _, context: report("error", describe_fault(context)))
    counting = Counting(writer)
    log = access_logger(snapshot.log, writer, json_lines=json_lines)

    def take_records(records: Sequence[AccessRecord]) -> None:
        counting.take(records)
        if log is not None:
            log(records)

    files = _file_server(snapshot, loop)
    plane = Plane(snapshot, loop, take_records, None if files is None else files.serve)
    stopping = Stopping()
    _heed_signals(loop, stopping)
    link = SupervisorLink(loop, stopping, lambda: counting.tally(plane))
    if control is not None:
        await loop.create_unix_connection(lambda: link, sock=control)
    servers = [
        await _accept(plane, sock, certificates.get(listener.tls) if listener.tls else None)
        for listener, sock in zip(snapshot.listeners, sockets, strict=True)
    ]
    watch = CertificateWatch(certificates.values(), report)
    watch.start()
    plane.start()
    announce()
    link.say_ready()
    await stopping.wait_beyond(Stage.SERVE)
    # From now on every answer says that its connection will close.
    plane.draining = True
    if stopping.stage is Stage.DRAIN:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(snapshot.drain.delay):
                await stopping.wait_beyond(Stage.DRAIN)
    for server in servers:
        server.close()
    await _drain(plane, stopping)
    if files is not None:
        await files.close()
    watch.close()
    writer.close()
    link.close()


def _file_server(snapshot: Snapshot, loop: asyncio.AbstractEventLoop) -> "FileServer | None":
    """Make what serves files, where a route has some: it brings the whole of ``aiohttp.web``."""
    if all(route.upstream.files is None for route in snapshot.routes):
        return None
    from cors_gateway.files.server import FileServer  # noqa: PLC0415 - most workers go without

    return FileServer(loop)


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


async def _accept(
    plane: Plane, sock: socket.socket, certificate: ListenerCertificate | None
) -> asyncio.Server:
    """Begin to accept connections of ``plane``."""
    loop = plane.loop
    create: Any = loop.create_server
    settings: dict[str, Any] = {}
    if sock.family == socket.AF_UNIX:
        # The file is the supervisor's: the next worker needs it.
        create, settings = loop.create_unix_server, {"cleanup_socket": False}
    if certificate is not None:
        settings |= {
            "ssl": certificate.context,
            "ssl_handshake_timeout": plane.snapshot.timeouts.head,
            "ssl_shutdown_timeout": CLOSE_TIMEOUT,
        }
    server: asyncio.Server = await create(
        lambda: DownstreamConnection(plane), sock=sock, **settings
    )
    return server
