"""A listening socket whose connections a worker serves, until it accepts no more.

TLS is the event loop's: a handshake that fails or takes too long closes its connection and is
nobody's news, because scanners and mistyped URLs make them all day.

Who is in the kernel's queue has been told that it is connected, and may have sent a request. Closing
the socket would reset it. So at the end of all service the kernel is told to take no further handshake, by a
filter (socket(7), ``SO_ATTACH_FILTER``), and the queue is emptied before the socket is closed. Who is not let
in tries again by itself a second later, and is refused then.
"""

import asyncio
import contextlib
import ctypes
import socket
import struct
from collections.abc import Mapping
from functools import partial
from typing import Any

from cors_gateway.process.certificates import ListenerCertificate
from cors_gateway.process.listening import BACKLOG
from cors_gateway.wire.downstream import DownstreamConnection
from cors_gateway.wire.plane import Plane

__all__ = ["Entrance"]

CLOSE_TIMEOUT = 24 * 3600.0
"""Seconds that a TLS connection may take to close: so many that the deadlines of ``wire/`` come first.

The event loop counts the time for what is still to be sent as well, and would cut off a client
that is only slow.
"""

SETTLED = 0.1
"""Seconds in which handshakes that had begun with the kernel come to their end."""

LAST_HANDSHAKES = 1.0
"""Seconds in which those from the queue become connections; without TLS it takes no time."""

_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27

_NO_HANDSHAKES = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # the flags, of the byte 13 of the TCP header
        (0x54, 0, 0, 0x12),  # SYN and ACK of them
        (0x15, 0, 1, 0x02),  # SYN alone?
        (0x06, 0, 0, 0),  # dropped
        (0x06, 0, 0, 0xFFFFFFFF),  # taken
    )
)
"""A program of the classic BPF. Connections inherit it from their listener, and it means nothing to them."""


class Entrance:
    """One listening socket, in use."""

    def __init__(
        self,
        plane: Plane,
        sock: socket.socket,
        server: asyncio.Server,
        tls: Mapping[str, Any],
    ) -> None:
        """Take over what ``open`` has begun."""
        self._plane = plane
        self._sock = sock
        self._server = server
        self._tls = tls

    @classmethod
    async def open(
        cls, plane: Plane, sock: socket.socket, certificate: ListenerCertificate | None
    ) -> "Entrance":
        """Begin to accept connections of ``plane``.

        Args:
            plane: what serves them.
            sock: bound and listening.
            certificate: what clients are shown; ``None`` for plain HTTP.
        """
        loop = plane.loop
        with contextlib.suppress(OSError):
            # One that has ended may have left it to its successor.
            sock.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
        create: Any = loop.create_server
        # The event loop listens once more, by default with a queue of a hundred.
        settings: dict[str, Any] = {"backlog": BACKLOG}
        if sock.family == socket.AF_UNIX:
            # The file is the supervisor's: the next worker needs it.
            create, settings["cleanup_socket"] = loop.create_unix_server, False
        tls: dict[str, Any] = {}
        if certificate is not None:
            tls = {
                "ssl": certificate.context,
                "ssl_handshake_timeout": plane.snapshot.timeouts.head,
                "ssl_shutdown_timeout": CLOSE_TIMEOUT,
            }
        server = await create(partial(DownstreamConnection, plane), sock=sock, **settings, **tls)
        return cls(plane, sock, server, tls)

    async def close(self, *, is_last: bool) -> None:
        """Accept nobody more, and begin to serve those who were in the queue.

        Args:
            is_last: whether no other worker has the same socket.
        """
        if is_last and _take_no_handshakes(self._sock):
            await asyncio.sleep(SETTLED)
        queued: list[socket.socket] = []
        with contextlib.suppress(OSError):
            while True:
                queued.append(self._sock.accept()[0])
        self._server.close()
        if queued:
            begun = [self._plane.loop.create_task(self._begin(sock)) for sock in queued]
            await asyncio.wait(begun, timeout=LAST_HANDSHAKES)

    async def _begin(self, sock: socket.socket) -> None:
        sock.settimeout(0)
        create = self._plane.loop.connect_accepted_socket
        with contextlib.suppress(OSError):
            await create(partial(DownstreamConnection, self._plane), sock, **self._tls)


def _take_no_handshakes(sock: socket.socket) -> bool:
    """Have the kernel ignore who begins to connect; say whether it does."""
    if sock.family == socket.AF_UNIX:
        return False
    program = ctypes.create_string_buffer(_NO_HANDSHAKES)
    count = len(_NO_HANDSHAKES) // 8
    with contextlib.suppress(OSError):
        settings = struct.pack("HP", count, ctypes.addressof(program))
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, settings)
        return True
    return False
