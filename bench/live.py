"""Clients and their API in one program, for connections that stay: event streams, and WebSocket messages.

All the connections are opened first. Then the API sends an event on every stream, and the next ones when all
clients have the last; or each client sends a message, and the next one when that has come back. Both ends count
bytes, and so cost little: the key that masks a client's messages is zero, which makes an answer the same bytes.

A program of its own: ``python -m bench.live events|websocket CONNECTIONS SIZE PROXY API SECONDS``. It says
``ready``, waits for a line, and says what it has counted.
"""

import asyncio
import base64
import hashlib
import json
import re
import struct
import sys
from collections.abc import Callable
from time import monotonic
from typing import cast

import uvloop

from bench.scenario import origin
from bench.traffic import HOST

PATIENCE = 30.0
"""Seconds in which all connections are open."""
MARK = b"~"
"""Once in each event, and nowhere in what frames it."""
KEY = re.compile(rb"\r\nsec-websocket-key: *([^\r ]+)", re.IGNORECASE)
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
EVENTS = (
    b"GET /events HTTP/1.1\r\nHost: %b\r\nOrigin: %b\r\nAccept: text/event-stream\r\n"
    b"Cache-Control: no-cache\r\n\r\n"
)
WEBSOCKET = (
    b"GET /echo HTTP/1.1\r\nHost: %b\r\nOrigin: %b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: %b\r\n\r\n"
)


def event(size: int) -> bytes:
    """Give an event as a chunk."""
    data = b"data: " + b"x" * size + MARK + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


def frame(size: int, *, masked: bool) -> bytes:
    """Give a binary message of one frame."""
    mask = 0x80 if masked else 0
    if size < 126:
        head = bytes([0x82, mask | size])
    elif size < 1 << 16:
        head = struct.pack(">BBH", 0x82, mask | 126, size)
    else:
        head = struct.pack(">BBQ", 0x82, mask | 127, size)
    return head + bytes(4 if masked else 0) + b"x" * size


class Side(asyncio.Protocol):
    """One end of a connection: a head first, then what ``talk`` is called for."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.head = bytearray()
        self.is_talking = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.is_talking:
            self.talk(data)
            return
        self.head += data
        end = self.head.find(b"\r\n\r\n") + 4
        if end >= 4:
            self.is_talking = True
            self.begin(bytes(self.head[:end]))
            if rest := bytes(self.head[end:]):
                self.talk(rest)

    def begin(self, head: bytes) -> None: ...

    def talk(self, data: bytes) -> None: ...


class Api(Side):
    """Says when to go on by ``streams``, or sends messages back."""

    def __init__(self, streams: list[asyncio.Transport], size: int) -> None:
        super().__init__()
        self.streams = streams
        self.left = self.length = len(frame(size, masked=True))
        self.answer = frame(size, masked=False)

    def begin(self, head: bytes) -> None:
        if found := KEY.search(head):
            accept = base64.b64encode(hashlib.sha1(found[1] + GUID).digest())
            self.transport.write(SWITCHING % accept)
        else:
            self.transport.write(STREAM)
            self.streams.append(self.transport)

    def talk(self, data: bytes) -> None:
        self.left -= len(data)
        while self.left <= 0:
            self.left += self.length
            self.transport.write(self.answer)


class Client(Side):
    """Counts what comes."""

    def __init__(self, count: "Talk") -> None:
        super().__init__()
        self.count = count
        self.left = self.length = len(count.answer)

    def begin(self, head: bytes) -> None:
        if head[:12] not in {b"HTTP/1.1 200", b"HTTP/1.1 101"}:
            self.count.fail(f"the answer is {head!r}")
        self.count.opened()

    def talk(self, data: bytes) -> None:
        if self.count.is_events:
            self.count.arrived(data.count(MARK))
            return
        self.left -= len(data)
        if self.left <= 0:
            self.left += self.length
            self.count.arrived(1)
            if self.count.is_running:
                self.transport.write(self.count.message)

    def connection_lost(self, exc: Exception | None) -> None:
        self.count.fail("a connection was closed")


class Talk:
    """All connections together."""

    def __init__(self, kind: str, connections: int, size: int) -> None:
        self.is_events = kind == "events"
        self.request = (EVENTS if self.is_events else WEBSOCKET) % (
            HOST.encode(),
            origin(3).encode(),
        )
        self.message = event(size) if self.is_events else frame(size, masked=True)
        self.answer = frame(size, masked=False)
        self.size = size
        self.connections = connections
        self.waited_for = 0
        self.total = 0
        self.is_running = False
        self.is_over = False
        self.failure: ConnectionError | None = None
        self.changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.streams: list[asyncio.Transport] = []
        self.clients: list[Client] = []

    def fail(self, why: str) -> None:
        if self.is_over or self.failure:
            return
        self.failure = ConnectionError(why)
        if not self.changed.done():
            self.changed.set_exception(self.failure)

    def opened(self) -> None:
        self.arrived(1)

    def arrived(self, count: int) -> None:
        self.total += count
        self.waited_for -= count
        if self.waited_for == 0 and not self.changed.done():
            self.changed.set_result(None)

    async def all_of(self, begin: Callable[[], None]) -> None:
        """Begin something, and wait until each connection has answered once."""
        if self.failure:
            raise self.failure
        self.changed = asyncio.get_running_loop().create_future()
        self.waited_for = self.connections
        begin()
        await self.changed

    async def open(self, proxy: int) -> None:
        loop = asyncio.get_running_loop()
        self.waited_for = self.connections
        for _ in range(self.connections):
            _, client = await loop.create_connection(lambda: Client(self), "127.0.0.1", proxy)
            self.clients.append(client)
            client.transport.write(self.request)
        await self.changed

    async def run(self, seconds: float) -> float:
        """Talk for so long; give how long it was."""
        began = monotonic()
        self.total = 0
        if self.is_events:
            while monotonic() - began < seconds:
                await self.all_of(self.send_events)
        else:
            self.is_running = True
            asyncio.get_running_loop().call_later(seconds, self.rest)
            await self.all_of(self.send_messages)
            self.waited_for = -1
            await asyncio.sleep(max(0.0, began + seconds - monotonic()))
        if self.failure:
            raise self.failure
        return monotonic() - began

    def rest(self) -> None:
        self.is_running = False

    def send_events(self) -> None:
        for stream in self.streams:
            stream.write(self.message)

    def send_messages(self) -> None:
        for client in self.clients:
            client.transport.write(self.message)


async def main(
    kind: str, connections: int, size: int, proxy: int, api: int, seconds: float
) -> None:
    loop = asyncio.get_running_loop()
    talk = Talk(kind, connections, size)
    server = await loop.create_server(
        lambda: Api(talk.streams, size), "127.0.0.1", api, backlog=4096
    )
    async with asyncio.timeout(PATIENCE):
        await talk.open(proxy)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    async with asyncio.timeout(seconds + PATIENCE):
        took = await talk.run(seconds)
    talk.is_over = True
    told = {"requests": talk.total, "bytes": talk.total * size, "seconds": took}
    print("counted", json.dumps(told), flush=True)
    server.close()


if __name__ == "__main__":
    words = sys.argv[1:]
    uvloop.run(
        main(words[0], int(words[1]), int(words[2]), int(words[3]), int(words[4]), float(words[5]))
    )
