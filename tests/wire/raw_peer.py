"""One end of a connection, byte by byte: what a test says of it reads like a packet capture.

``sends`` and ``sees`` are the two directions. Everything that waits gives up after some seconds.
"""

import asyncio
import socket
import struct
from enum import Enum

__all__ = ["PATIENCE", "End", "RawPeer"]

PATIENCE = 30.0
CHUNK = 256 * 1024


class End(Enum):
    """How a connection ended."""

    CLOSED = "closed"
    """In order: FIN."""
    RESET = "reset"


class RawPeer:
    """A socket of the test's own."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.loop = asyncio.get_running_loop()
        self.unread = b""
        self.end: End | None = None

    async def sends(self, data: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.loop.sock_sendall(self.sock, data)

    async def sees(self, expected: bytes) -> None:
        """Receive exactly these bytes next."""
        assert await self.receives(len(expected)) == expected

    async def receives(self, length: int) -> bytes:
        await self._receive_until(length)
        received, self.unread = self.unread[:length], self.unread[length:]
        return received

    async def sees_head(self) -> bytes:
        """Receive up to and with the next empty line."""
        while b"\r\n\r\n" not in self.unread and await self._receive_more():
            pass
        head, line_ends, self.unread = self.unread.partition(b"\r\n\r\n")
        assert line_ends, f"no whole head, but {head!r} and {self.end}"
        return head + line_ends

    async def sees_rest(self) -> bytes:
        """Receive everything up to the end, which is in ``end`` afterwards."""
        await self._receive_until(None)
        rest, self.unread = self.unread, b""
        return rest

    async def sees_end(self, end: End | None = None) -> None:
        """Receive nothing but the end of the connection."""
        assert await self.sees_rest() == b""
        assert end is None or self.end is end

    async def sees_nothing(self, seconds: float = 0.1) -> None:
        """Receive nothing for a while, not even the end."""
        assert self.unread == b""
        try:
            async with asyncio.timeout(seconds):
                data = await self._read()
        except TimeoutError:
            return
        raise AssertionError(f"unexpected: {data!r} {self.end}")

    async def drains(self) -> int:
        """Receive and forget until the end; return how much there was."""
        total = len(self.unread)
        self.unread = b""
        while data := await self._read():
            total += len(data)
        return total

    def says_no_more(self) -> None:
        """Close the sending side."""
        self.sock.shutdown(socket.SHUT_WR)

    def closes(self) -> None:
        self.sock.close()

    def resets(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    async def _receive_until(self, length: int | None) -> None:
        """Receive at least so much, or all there is; megabytes come in thousands of pieces."""
        received = bytearray(self.unread)
        try:
            while length is None or len(received) < length:
                async with asyncio.timeout(PATIENCE):
                    data = await self._read()
                if not data:
                    return
                received += data
        finally:
            self.unread = bytes(received)

    async def _receive_more(self) -> bool:
        async with asyncio.timeout(PATIENCE):
            data = await self._read()
        self.unread += data
        return bool(data)

    async def _read(self) -> bytes:
        try:
            data = await self.loop.sock_recv(self.sock, CHUNK)
        except ConnectionResetError:
            self.end = End.RESET
            return b""
        if not data:
            self.end = End.CLOSED
        return data
