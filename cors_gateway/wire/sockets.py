"""What asyncio does not tell of a connection, or does not do to it: the kernel does.

A paused transport notices neither end-of-file nor reset; an aborted one ends as if in order; a
buffer that is empty says nothing of the megabytes that the kernel may still hold.
"""

import asyncio
import contextlib
import fcntl
import select
import socket
import struct
import termios

__all__ = [
    "abort_with_reset",
    "has_hung_up",
    "is_tls",
    "pause_reading",
    "peer_address",
    "resume_reading",
    "untaken_bytes",
    "was_reset",
]

_HANG_UP = getattr(select, "POLLRDHUP", 0x2000)


def abort_with_reset(transport: asyncio.Transport | None) -> None:
    """Close a connection, if there is one, so that the peer sees a reset, not an orderly end.

    ``abort`` alone sends FIN on uvloop, which ends content until close as if it were whole.
    """
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in {socket.AF_INET, socket.AF_INET6}:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def has_hung_up(transport: asyncio.Transport) -> bool:
    """Say whether the peer has closed its side or the connection is gone."""
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), _HANG_UP)
    return bool(poll.poll(0))


def was_reset(transport: asyncio.Transport) -> bool:
    """Say whether the peer has reset the connection; one that ended in order has not been."""
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), 0)
    return any(events & select.POLLERR for _, events in poll.poll(0))


def is_tls(transport: asyncio.Transport) -> bool:
    """Say whether the peer's bytes arrive encrypted."""
    return transport.get_extra_info("sslcontext") is not None


def peer_address(transport: asyncio.Transport) -> str:
    """Give the peer's IP address; empty for a unix socket."""
    name = transport.get_extra_info("peername")
    return name[0] if isinstance(name, tuple) else ""


def untaken_bytes(transport: asyncio.Transport) -> int:
    """Count what was written and the peer has not acknowledged.

    The kernel takes some megabytes for a slow peer, and tells the event loop of room again only
    when a good part of it is free: by the buffer alone, a peer would seem dead that is just slow.
    """
    queued = struct.pack("i", 0)
    with contextlib.suppress(OSError):
        queued = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, queued)
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
