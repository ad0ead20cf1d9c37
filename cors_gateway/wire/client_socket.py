"""The socket of a client: what is written to it, and how it ends.

It ends in one of three ways. *Closing*: once the client has read what is written. *Lingering*, where
it may still be sending: our side is closed, and what arrives is dropped for a while, because closing
at once would reset our last answer away (RFC 9112, section 9.6). *Reset*, where the client must see
that content is missing. A client that reads slowly is waited for as long as it reads at all.

Knows no HTTP. Who it belongs to decides when it ends, and how.
"""

import asyncio
import sys
from typing import Final

from cors_gateway.planned import Peer
from cors_gateway.wire import sockets
from cors_gateway.wire.tick import Deadline, Ticker

__all__ = ["ClientSocket"]

LINGER = 2.0
"""Seconds in which a client that is still sending may read our last answer."""

_UNASKED: Final = -2
"""Instead of a descriptor, before the event loop was asked for it."""


class ClientSocket:
    """A client's socket, from its first byte to its end."""

    __slots__ = (
        "_deadline",
        "_descriptor",
        "_has_written",
        "_write_timeout",
        "is_lingering",
        "is_tls",
        "transport",
    )

    def __init__(self, ticker: Ticker) -> None:
        """Prepare for a connection."""
        self.transport: asyncio.Transport | None = None
        """``None`` before the connection is made, and once it is gone."""
        self.is_lingering = False
        """Whether what arrives is dropped."""
        self.is_tls = False
        """Whether the client's bytes arrive encrypted."""
        self._deadline = Deadline(ticker)
        self._write_timeout = 0.0
        self._has_written = False
        self._descriptor = _UNASKED

    def begin(self, transport: asyncio.Transport) -> Peer:
        """Take a connection that is made; say who is at its other end."""
        self.is_tls = sockets.prepare(transport)
        self.transport = transport
        return sockets.peer_of(transport, b"https" if self.is_tls else b"http")

    @property
    def is_open(self) -> bool:
        """Whether it has not begun to end."""
        transport = self.transport
        return transport is not None and not self.is_lingering and not transport.is_closing()

    @property
    def has_hung_up(self) -> bool:
        """Whether the client is gone and nobody has noticed, for it is not being read from."""
        transport = self.transport
        return (
            transport is not None and not transport.is_reading() and sockets.has_hung_up(transport)
        )

    @property
    def has_unread(self) -> bool:
        """Whether something of the client has arrived that has not been read yet."""
        return self.transport is not None and sockets.has_unread(self.transport)

    def write(self, data: bytes, *, is_last: bool = False) -> None:
        """Send bytes; with the last ones, as ``close`` or ``linger`` is next, the end of our side."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if self._descriptor == _UNASKED:
            if not self._has_written and not is_last:
                # To ask costs more than is saved on a connection that serves one request.
                self._has_written = True
                transport.write(data)
                return
            self._descriptor = sockets.descriptor_of(transport)
        if is_last:
            sockets.send_last(transport, self._descriptor, data)
        else:
            sockets.send(transport, self._descriptor, data)

    def untaken_bytes(self) -> int:
        """Tell how much waits for the client to take it."""
        return sockets.untaken_bytes(self.transport)

    def close(self, write_timeout: float) -> bool:
        """Close once the client has read what is written.

        Args:
            write_timeout: seconds in which it has to read something.

        Returns:
            Whether the tick has to look when it has; where the kernel has taken everything, and no
            end of TLS is awaited, the socket is closed at once and there is nothing to ask.
        """
        transport = self.transport
        if transport is None:
            return False
        transport.close()
        if not self.is_tls and not transport.get_write_buffer_size():
            return False
        self._write_timeout = write_timeout
        self._deadline.set(write_timeout, untaken=self.untaken_bytes())
        return True

    def linger(self, write_timeout: float) -> None:
        """Send no more, and give the client time to read while it is still sending.

        Args:
            write_timeout: seconds in which it has to read something.
        """
        transport = self.transport
        if transport is None or not self.is_open:
            return
        self.is_lingering = True
        self._write_timeout = write_timeout
        # Whether anything is untaken by then is what counts: who reads slowly is waited for.
        self._deadline.set(LINGER, untaken=sys.maxsize)
        sockets.resume_reading(transport)
        if transport.can_write_eof():
            transport.write_eof()
        else:
            # TLS has no half-close: closing says the end, and drops what still arrives.
            transport.close()

    def reset(self) -> None:
        """Close now, and let the client see that this is no end in order."""
        sockets.abort_with_reset(self.transport)

    def check_time(self, now: float) -> None:
        """End for good, at a time of the loop's clock, if the client has had the time to read."""
        untaken = self.untaken_bytes()
        if self.transport is not None and not untaken and not self.is_lingering:
            # TLS would wait for the client's close_notify, which idle clients never send.
            self.transport.abort()
        elif self._deadline.has_passed(now):
            if untaken and self._deadline.has_progress(untaken):
                self._deadline.set(self._write_timeout, untaken=untaken)
            else:
                self.reset()
