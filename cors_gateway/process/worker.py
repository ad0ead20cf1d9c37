"""One worker: an event loop that serves listening sockets until it is told to stop.

TERM, QUIT and INT drain: connections are accepted for ``drain.delay`` more, then the listeners
close, requests in progress may end within ``drain.timeout``, and the process ends with 0. A
second signal ends it now.

TLS is the event loop's: a handshake that fails or takes too long closes its connection and is
nobody's news, because scanners and mistyped URLs make them all day.
"""

import asyncio
import contextlib
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any

import uvloop

from cors_gateway.process.certificates import CertificateWatch, ListenerCertificate
from cors_gateway.process.logging import LogWriter, access_logger, is_json, report_event
from cors_gateway.process.memory import keep_freed_memory
from cors_gateway.snapshot import LogSettings, Snapshot
from cors_gateway.wire.downstream import DownstreamConnection
from cors_gateway.wire.plane import Plane

__all__ = ["run_worker", "serve"]

CLOSE_TIMEOUT = 24 * 3600.0
"""Seconds that a TLS connection may take to close: so many that the deadlines of ``wire/`` come first.

The event loop counts the time for what is still to be sent as well, and would cut off a client
that is only slow.
"""

LEVELS = ("debug", "info", "warning", "error")
STOP_SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)


def run_worker(
    snapshot: Snapshot, sockets: Sequence[socket.socket], announce: Callable[[], None]
) -> None:
    """Serve until a signal says stop.

    Args:
        snapshot: what to serve.
        sockets: bound and listening, in the order of the snapshot's listeners.
        announce: called once connections are accepted.

    Raises:
        CertificateError: a listener's certificate cannot be served with.
    """
    keep_freed_memory()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(snapshot, sockets, announce))


async def serve(
    snapshot: Snapshot, sockets: Sequence[socket.socket], announce: Callable[[], None]
) -> None:
    """Serve ``sockets`` on the running loop until a signal says stop."""
    loop = asyncio.get_running_loop()
    wanted = {listener.tls for listener in snapshot.listeners if listener.tls is not None}
    certificates = {tls: ListenerCertificate(tls) for tls in wanted}
    writer = LogWriter(sys.stdout)
    json_lines = is_json(snapshot.log, sys.stdout)
    loop.set_exception_handler(lambda _, context: _report_fault(context, json_lines=json_lines))
    plane = Plane(snapshot, loop, access_logger(snapshot.log, writer, json_lines=json_lines))
    stop = asyncio.Event()
    stop_now = asyncio.Event()

    def ask_to_stop() -> None:
        (stop_now if stop.is_set() else stop).set()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, ask_to_stop)
    servers = [
        await _accept(plane, sock, certificates.get(listener.tls) if listener.tls else None)
        for listener, sock in zip(snapshot.listeners, sockets, strict=True)
    ]
    watch = CertificateWatch(certificates.values(), _reporter(snapshot.log, json_lines=json_lines))
    watch.start()
    plane.start()
    announce()
    await stop.wait()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(snapshot.drain.delay):
            await stop_now.wait()
    for server in servers:
        server.close()
    draining = loop.create_task(plane.drain(snapshot.drain.timeout))
    interrupted = loop.create_task(stop_now.wait())
    await asyncio.wait({draining, interrupted}, return_when=asyncio.FIRST_COMPLETED)
    if not draining.done():
        draining.cancel()
        await plane.drain(0)
    interrupted.cancel()
    watch.close()
    writer.close()


async def _accept(
    plane: Plane, sock: socket.socket, certificate: ListenerCertificate | None
) -> asyncio.Server:
    """Begin to accept connections of ``plane``."""
    loop = plane.loop
    create: Any = loop.create_unix_server if sock.family == socket.AF_UNIX else loop.create_server
    settings: dict[str, Any] = {}
    if certificate is not None:
        settings = {
            "ssl": certificate.context,
            "ssl_handshake_timeout": plane.snapshot.timeouts.head,
            "ssl_shutdown_timeout": CLOSE_TIMEOUT,
        }
    server: asyncio.Server = await create(
        lambda: DownstreamConnection(plane), sock=sock, **settings
    )
    return server


def _reporter(settings: LogSettings, *, json_lines: bool) -> Callable[[str, str], None]:
    """Make what tells the operator, as far as the log's level goes."""

    def report(level: str, message: str) -> None:
        if LEVELS.index(level) >= LEVELS.index(settings.level):
            # Nobody has to read it.
            with contextlib.suppress(OSError, ValueError):
                report_event(level, message, json_lines=json_lines)

    return report


def _report_fault(context: dict[str, Any], *, json_lines: bool) -> None:
    """Say in one line what nobody caught, and where it came from."""
    parts = [str(context.get("message", "unhandled error"))]
    error = context.get("exception")
    if isinstance(error, BaseException):
        parts += [
            f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        parts.append(repr(error))
    report_event("error", ": ".join(parts), json_lines=json_lines)
