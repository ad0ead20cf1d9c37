"""What asyncio does not tell of a connection, or does not do to it: the kernel does.

A paused transport notices neither end-of-file nor reset; an aborted one ends as if in order; a
buffer that is empty says nothing of the megabytes that the kernel may still hold.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import select
import socket
import struct
import termios
from functools import lru_cache
from socket import SocketType
from typing import Any, Final, cast

from cors_gateway.planned import Peer

__all__ = [
    "NOBODY",
    "NO_RESOURCES",
    "WRITE_BUFFER",
    "abort_with_reset",
    "descriptor_of",
    "has_hung_up",
    "has_unread",
    "is_tls",
    "pause_reading",
    "peer_of",
    "prepare",
    "resume_reading",
    "send",
    "send_last",
    "spell_address",
    "untaken_bytes",
    "was_reset",
]

NO_RESOURCES: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN}
)
"""What the kernel says where the gateway, or its machine, has no descriptor or memory left.

Not EADDRNOTAVAIL: without a free port it says so too, but also of every IPv6 address in a container
that has none."""

NOBODY: Final = Peer("")
"""Who has not connected yet."""

WRITE_BUFFER: Final = 64 * 1024
"""Bytes that wait for a slow peer before the other side is paused."""

_HANG_UP: Final[int] = getattr(select, "POLLRDHUP", 0x2000)
_MORE: Final[int] = getattr(socket, "MSG_MORE", 0)


def abort_with_reset(transport: asyncio.Transport | None) -> None:
    """Close a connection, if there is one, so that the peer sees a reset, not an orderly end.

    ``abort`` alone sends FIN on uvloop, which ends content until close as if it were whole. Unix
    sockets know no reset: there it does.
    """
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in {socket.AF_INET, socket.AF_INET6}:
        # The event loop may have closed it already, and not told so yet.
        with contextlib.suppress(OSError, ValueError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def has_hung_up(transport: asyncio.Transport) -> bool:
    """Say whether the peer has closed its side or the connection is gone."""
    return bool(_events(transport, _HANG_UP))


def has_unread(transport: asyncio.Transport) -> bool:
    """Say whether the kernel has something of the peer that has not been read yet."""
    return bool(_events(transport, select.POLLIN))


def was_reset(transport: asyncio.Transport) -> bool:
    """Say whether the peer has reset the connection; one that ended in order has not been."""
    return bool(_events(transport, 0) & select.POLLERR)


def _events(transport: asyncio.Transport, wanted: int) -> int:
    """Ask the kernel; nothing of a TLS connection that is gone, which is told of a moment later."""
    sock = transport.get_extra_info("socket")
    if sock is None:
        return 0
    poll = select.poll()
    poll.register(sock.fileno(), wanted)
    return next((events for _, events in poll.poll(0)), 0)


def is_tls(transport: asyncio.Transport) -> bool:
    """Say whether the peer's bytes arrive encrypted."""
    return transport.get_extra_info("sslcontext") is not None


def prepare(transport: asyncio.Transport) -> bool:
    """Let a connection hold little: 64 KiB that wait for a slow peer, and nothing while paused.

    For a paused TLS connection the event loop would read on up to 256 KiB, and where the peer then
    closes, as it may behind its last byte, drop what it has read.

    Returns:
        Whether it is one of TLS.
    """
    transport.set_write_buffer_limits(high=WRITE_BUFFER)
    encrypted = is_tls(transport)
    if encrypted:
        cast("Any", transport).set_read_buffer_limits(high=1, low=0)
    return encrypted


def descriptor_of(transport: asyncio.Transport) -> int:
    """Give the descriptor to ``send`` by; -1 for TLS, whose bytes only the transport can write."""
    return -1 if is_tls(transport) else transport.get_extra_info("socket").fileno()


def send(transport: asyncio.Transport, descriptor: int, data: bytes) -> None:
    """Write to a transport that is not closing, past it where nothing waits to be written.

    Its own account of a write costs more than the call. What the kernel does not take, and every error,
    is left to it.
    """
    if descriptor >= 0 and not transport.get_write_buffer_size():
        try:
            sent = os.write(descriptor, data)
        except OSError:
            sent = 0
        if sent == len(data):
            return
        if sent:
            data = data[sent:]
    transport.write(data)


def send_last(transport: asyncio.Transport, descriptor: int, data: bytes) -> None:
    """Write as ``send`` does, and send no more: the last packet says so too.

    One of its own for the end is a twelfth of what a connection for one request costs. Nothing may be
    written any more; the transport still has to be closed, and does not know that our side is.
    """
    if descriptor >= 0 and not transport.get_write_buffer_size():
        lent = SocketType(socket.AF_INET, socket.SOCK_STREAM, 0, descriptor)
        sent = 0
        try:
            sent = lent.send(data, _MORE)
            if sent == len(data):
                lent.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the transport will find it out
        finally:
            lent.detach()
        data = data[sent:]
    if data:
        transport.write(data)


def peer_of(transport: asyncio.Transport, scheme: bytes) -> Peer:
    """Say who has connected, by an IP address; empty for a unix socket."""
    name = transport.get_extra_info("peername")
    return _peer(name[0] if isinstance(name, tuple) else "", scheme)


@lru_cache(maxsize=1024)
def _peer(address: str, scheme: bytes) -> Peer:
    # Many connections come from one address, as behind a balancer.
    return Peer(address, scheme)


def spell_address(transport: asyncio.Transport) -> str:
    """Give the peer's address and port, or the path of its unix socket."""
    name = transport.get_extra_info("peername")
    if not isinstance(name, tuple):
        return f"unix:{name}" if name else ""
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def untaken_bytes(transport: asyncio.Transport | None) -> int:
    """Count what was written and the peer has not acknowledged; nothing without a connection.

    The kernel takes some megabytes for a slow peer, and tells the event loop of room again only
    when a good part of it is free: by the buffer alone, a peer would seem dead that is just slow.
    """
    sock = None if transport is None else transport.get_extra_info("socket")
    if transport is None or sock is None:
        return 0
    queued = struct.pack("i", 0)
    with contextlib.suppress(OSError):
        queued = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, queued)
    count: int = struct.unpack("i", queued)[0]
    return transport.get_write_buffer_size() + count


def pause_reading(transport: asyncio.Transport | None) -> None:
    """Let the peer wait, if there is one and it does not wait already."""
    if transport is not None and transport.is_reading():
        transport.pause_reading()


def resume_reading(transport: asyncio.Transport | None) -> None:
    """Let the peer go on, if there is one."""
    if transport is not None and not transport.is_closing() and not transport.is_reading():
        transport.resume_reading()
