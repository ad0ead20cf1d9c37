"""An API that misbehaves as each request's target tells it to, and keeps accounts of what it got.

Run as a program it prints its ports as a line of JSON: ``api``, one for each late path, ``orders``, and
``away``, where nothing listens. Orders are lines: ``spoil NAME TOKEN`` does something to the
connection on which that token was answered, and says ``done`` when it is on the other side; ``accounts``
gives what has come since it was last asked, and forgets it.
"""

import asyncio
import json
import os
import re
import signal
import socket
import struct
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

import uvloop

from tests.chaos.conducts import CONDUCTS, MOMENT, SPOILS, Call, Conduct, End, Move
from tests.chaos.plans import LATE_PATHS

__all__ = ["main"]

REQUEST = re.compile(rb"([A-Z]+) /([a-z0-9]+)/([a-z0-9.-]+)/([0-9]+)/(tok[0-9a-f]{8}) HTTP/1\.1")
MOST_HEAD = 1 << 20


class MalformedError(Exception):
    """What the gateway sent is not what it may send."""


@dataclass
class Accounts:
    """What has come."""

    heads: Counter[str] = field(default_factory=Counter)
    """By token, the requests that have begun."""
    wholes: Counter[str] = field(default_factory=Counter)
    """By token, the requests that were complete."""
    complaints: list[str] = field(default_factory=list)
    open: int = 0
    """Connections."""

    def settle(self) -> bytes:
        """Give all, and forget it."""
        told = {"heads": self.heads, "wholes": self.wholes, "complaints": self.complaints}
        line = json.dumps({**told, "open": self.open}).encode() + b"\n"
        self.heads, self.wholes, self.complaints = Counter(), Counter(), []
        return line


@dataclass(frozen=True)
class Request:
    """A request whose head has come."""

    call: Call
    conduct: str
    fields: dict[bytes, list[bytes]]

    def value(self, name: bytes) -> bytes:
        values = self.fields.get(name, [])
        if len(values) > 1:
            raise MalformedError(f"{name!r} stands there {len(values)} times")
        return values[0] if values else b""


class Api:
    """One process of it."""

    def __init__(self) -> None:
        self.accounts = Accounts()
        self._answered: dict[bytes, asyncio.StreamWriter] = {}
        """Of late paths: the connection on which a token was answered last."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.accounts.open += 1
        try:
            while await self._serve_one(reader, writer):
                pass
        except (MalformedError, ValueError, asyncio.LimitOverrunError) as error:
            self.accounts.complaints.append(str(error))
            writer.transport.abort()
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self.accounts.open -= 1

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        raw = await reader.readuntil(b"\r\n\r\n")
        request = _read_head(raw)
        token = request.call.token.decode()
        call = replace(request.call, is_first=not self.accounts.heads[token])
        self.accounts.heads[token] += 1
        conduct = CONDUCTS.get(request.conduct)
        if conduct is None or not conduct.is_early:
            await _read_content(reader, request)
            self.accounts.wholes[token] += 1
        if request.conduct == "tunnel":
            await self._tunnel(reader, writer, request)
            return False
        if request.conduct in {"hang", "declined"}:
            refusal = call.counted(status=b"404 No")
            await _make(writer, refusal if request.conduct == "declined" else End.SILENCE, reader)
            return True
        assert conduct is not None
        self._answered[call.token] = writer
        if request.conduct == "early-careless":
            await _answer_carelessly(reader, writer, request, conduct)
            return True
        for move in conduct.moves(call):
            await _make(writer, move, reader)
            if isinstance(move, End):
                return False
        if conduct.is_last and (more := await reader.read(200)):
            raise MalformedError(f"behind {token}, which came with more than an answer: {more!r}")
        if conduct.is_early:
            await _read_content(reader, request)
        return True

    async def _tunnel(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request
    ) -> None:
        """Switch protocols, and send back what comes."""
        await asyncio.sleep(MOMENT)
        if _arrived(reader):
            raise MalformedError("bytes before the 101")
        lines = (b"Upgrade: websocket", b"Connection: Upgrade")
        head = request.call.head(*lines, status=b"101 Go", own_cors=False)
        writer.write(head)
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

    async def take_orders(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve whoever watches."""
        while line := await reader.readline():
            match line.split():
                case [b"accounts"]:
                    writer.write(self.accounts.settle())
                    self._answered.clear()
                case [b"spoil", name, token]:
                    spoiled = self._answered.pop(token, None)
                    if spoiled is not None:
                        await _spoil(spoiled, SPOILS[name.decode()](Call("GET", token, 1)))
                    writer.write(b"done\n")
        writer.close()


def _read_head(raw: bytes) -> Request:
    first, *lines = raw[:-4].split(b"\r\n")
    match = REQUEST.fullmatch(first)
    if match is None:
        raise MalformedError(f"no request that anybody meant: {first!r}")
    fields: dict[bytes, list[bytes]] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name.strip() != name:
            raise MalformedError(f"no field: {line!r}")
        fields.setdefault(name.lower(), []).append(value.strip())
    method, _, conduct, size, token = match.groups()
    request = Request(Call(method.decode(), token, int(size)), conduct.decode(), fields)
    for name in (b"x-token", b"cookie", b"host", b"authorization"):
        value = request.value(name)
        if b"tok" in value and token not in value:
            raise MalformedError(f"{token!r} came with {name!r}: {value!r}")
    if b"authorization" in fields:
        raise MalformedError("a trailer has become a field")
    if b"content-length" in fields and b"transfer-encoding" in fields:
        raise MalformedError("a length and chunks")
    return request


async def _read_content(reader: asyncio.StreamReader, request: Request) -> None:
    """Read the content, and complain if it is another's or not what was sent."""
    if request.value(b"transfer-encoding"):
        content = bytearray()
        while size := int(await reader.readuntil(b"\r\n"), 16):
            content += await reader.readexactly(size)
            await _read_line_end(reader)
        await _read_line_end(reader)
    else:
        content = bytearray(await reader.readexactly(int(request.value(b"content-length") or 0)))
    check = request.value(b"x-check")
    if check and int(check, 16) != crc32(content):
        raise MalformedError(f"{request.call.token!r} has other content: {bytes(content[:80])!r}")


async def _answer_carelessly(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request, conduct: Conduct
) -> None:
    """Answer in two parts; between them all the content arrives, and stays where it is."""
    (answer,) = conduct.moves(request.call)
    assert isinstance(answer, bytes)
    half = len(answer) - len(request.call.content) // 2
    writer.write(answer[:half])
    while _arrived(reader) < int(request.value(b"content-length")):
        if reader.at_eof() or writer.is_closing():
            return
        await asyncio.sleep(MOMENT)
    writer.write(answer[half:])


def _arrived(reader: asyncio.StreamReader) -> int:
    """Count what has come and has not been read."""
    return len(reader._buffer)  # type: ignore[attr-defined]


async def _read_line_end(reader: asyncio.StreamReader) -> None:
    if (end := await reader.readexactly(2)) != b"\r\n":
        raise MalformedError(f"{end!r} where a line ends")


async def _make(writer: asyncio.StreamWriter, move: Move, reader: asyncio.StreamReader) -> None:
    match move:
        case bytes():
            writer.write(move)
            await writer.drain()
        case float():
            await asyncio.sleep(move)
        case End.RESET:
            _reset(writer)
        case End.SILENCE:
            while await reader.read(65536):
                pass
        case End.CLOSE:
            writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _spoil(writer: asyncio.StreamWriter, move: Move) -> None:
    """Do it so that it has arrived when this returns."""
    if writer.is_closing():
        return
    descriptor = writer.get_extra_info("socket").fileno()
    match move:
        case bytes():
            os.write(descriptor, move)
        case End.CLOSE:
            with socket.socket(fileno=os.dup(descriptor)) as sock, suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
        case End.RESET:
            _reset(writer)
            with suppress(OSError):
                await writer.wait_closed()


async def main() -> None:
    """Serve until told to stop."""
    api = Api()
    loop = asyncio.get_running_loop()
    servers: list[Any] = []
    ports: dict[str, int] = {}
    for name in ("api", *LATE_PATHS, "orders"):
        serve = api.take_orders if name == "orders" else api.serve
        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=MOST_HEAD, backlog=4096)
        ports[name] = server.sockets[0].getsockname()[1]
        servers.append(server)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        print(json.dumps({**ports, "away": closed.getsockname()[1]}), flush=True)
        stop = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(main())
