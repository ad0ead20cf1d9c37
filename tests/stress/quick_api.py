"""An API that costs little and does what the path says, also what no API should do.

A program of its own, so that its work is nobody else's: ``with quick_api() as port``. A path that is not in
``ANSWERS`` or ``FAULTS`` gets ``OK``; ``/held`` gets it after a moment; ``/events`` is a stream that says one
thing; ``/ws`` switches protocols and sends back what it gets.
"""

import asyncio
import re
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import uvloop

from tests.peers.processes import running

__all__ = ["ANSWERS", "FAULTS", "OK", "quick_api"]

HELD = 0.05
"""Seconds."""

KIBIBYTE = 1024
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ANSWERS = {
    b"/large": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"
    % (64 * KIBIBYTE, bytes(64 * KIBIBYTE)),
    b"/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"5\r\nhello\r\n" * 20
    + b"0\r\n\r\n",
    b"/missing": b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nSet-Cookie: a=b; Path=/\r\n\r\nno",
    b"/moved": b"HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n",
    b"/empty": b"HTTP/1.1 204 No Content\r\n\r\n",
}
"""What leaves the connection open."""

FAULTS = {
    b"/closed": b"",
    b"/half-a-head": b"HTTP/1.1 200 OK\r\nContent-Le",
    b"/garbage": b"\x16\x03\x01\x00\xff",
    b"/two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"/truncated": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
    b"/broken-chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\nhello\r\n",
    b"/reset": b"",
}
"""What ends the connection."""

EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hello\n\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LISTENS = re.compile(r"listening on (\d+)")


class Api(asyncio.Protocol):
    """One connection."""

    __slots__ = ("buffer", "is_tunnel", "loop", "transport")

    transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.buffer = b""
        self.is_tunnel = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.is_tunnel:
            self.transport.write(data)
            return
        self.buffer += data
        while (end := self._end_of_request()) > 0:
            request, self.buffer = self.buffer[:end], self.buffer[end:]
            self._answer(request.split(b" ", 2)[1].partition(b"?")[0])

    def _end_of_request(self) -> int:
        """Return where the first whole request ends, or -1."""
        end = self.buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            return -1
        head = self.buffer[:end]
        if found := LENGTH.search(head):
            end += int(found[1])
        elif b"\r\ntransfer-encoding:" in head.lower():
            last = self.buffer.find(b"\r\n0\r\n\r\n", end - 2)
            end = last + 7 if last >= 0 else len(self.buffer) + 1
        return end if end <= len(self.buffer) else -1

    def _answer(self, path: bytes) -> None:
        if path == b"/held":
            self.loop.call_later(HELD, self.transport.write, OK)
        elif path == b"/events":
            self.transport.write(EVENTS)
        elif path == b"/ws":
            self.is_tunnel = True
            self.transport.write(SWITCHING)
        elif path in FAULTS:
            self.transport.write(FAULTS[path])
            if path == b"/reset":
                sock = self.transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.transport.abort()
            self.transport.close()
        else:
            self.transport.write(ANSWERS.get(path, OK))


@contextmanager
def quick_api() -> Iterator[int]:
    """Run it as a program; give its port."""
    with running([sys.executable, "-m", "tests.stress.quick_api"]) as program:
        yield int(program.wait_for(LISTENS)[1])


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Api(loop), "127.0.0.1", 0, backlog=4096)
    print("listening on", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
