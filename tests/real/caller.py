"""A client on one connection that shows an answer as it stood on the wire.

``http.client`` would hide what matters here: interim responses, the bytes of fields, the framing,
and whether content was whole. Everything that waits gives up after half a minute.
"""

import json
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

__all__ = ["ORIGIN", "Answer", "BrokenOff", "Caller", "Head", "ask", "ask_both", "calling"]

PATIENCE = 30.0
PIECE = 64 * 1024
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([0-9]{3}) (.*)\r\n", re.DOTALL)

ORIGIN = "https://app.example.com"
"""Whose pages the gateways of these tests let in."""

FOR_ONE_CONNECTION = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"trailer", b"date"}
)
FROM_GATEWAY = frozenset({b"x-request-id", b"vary"})
"""What the gateway adds, or unites with its own, beside ``Access-Control-*``."""


class BrokenOff(Exception):  # noqa: N818 - it is what has happened to the content
    """Content ended before its framing said so."""


@dataclass(frozen=True)
class Head:
    """The head of a response."""

    minor_version: int
    status: int
    reason: bytes
    fields: tuple[tuple[bytes, bytes], ...]

    @property
    def lines(self) -> list[bytes]:
        return [b"%b: %b" % field for field in self.fields]

    def values(self, name: str) -> list[bytes]:
        wanted = name.lower().encode()
        return [value for field, value in self.fields if field.lower() == wanted]

    def value(self, name: str) -> bytes | None:
        values = self.values(name)
        assert len(values) < 2, values
        return values[0] if values else None


@dataclass(frozen=True)
class Answer:
    """A whole response, and the interim ones before it."""

    head: Head
    content: bytes
    interim: tuple[Head, ...]
    framing: str
    trailers: tuple[bytes, ...]

    @property
    def status(self) -> int:
        return self.head.status

    def json(self) -> Any:
        return json.loads(self.content)

    def value(self, name: str) -> bytes | None:
        return self.head.value(name)


class Content:
    """Reads what stands behind a head, framed as the head says."""

    def __init__(self, file: BufferedReader, head: Head, method: str) -> None:
        self._file = file
        self._left = 0
        self.ended = False
        self.trailers: list[bytes] = []
        length = head.value("Content-Length")
        if method == "HEAD" or head.status < 200 or head.status in {204, 304}:
            self.framing, self.ended = "none", True
        elif head.value("Transfer-Encoding") is not None:
            assert length is None
            self.framing = "chunked"
        elif length is None:
            self.framing = "until close"
        else:
            self.framing, self._left = "counted", int(length)
            self.ended = not self._left

    def read(self, length: int) -> bytes:
        """Return so many bytes, as soon as they are there; fewer only at the end."""
        content = b""
        while len(content) < length and not self.ended:
            content += self._take(length - len(content))
        return content

    def rest(self) -> bytes:
        """Return everything up to the end."""
        content = bytearray()
        while not self.ended:
            content += self._take(PIECE)
        return bytes(content)

    def _take(self, most: int) -> bytes:
        try:
            if self.framing == "chunked" and not self._left and not self._next_chunk():
                return b""
            # Not read(): that would wait for more than there is to see yet.
            data = self._file.read1(
                most if self.framing == "until close" else min(most, self._left)
            )
            if self.framing == "until close":
                self.ended = not data
                return data
            if not data:
                raise BrokenOff("the connection was closed")
            self._left -= len(data)
            if self.framing == "counted":
                self.ended = not self._left
            elif not self._left:
                self._line()
        except ConnectionError as error:
            raise BrokenOff("the connection was reset") from error
        return data

    def _next_chunk(self) -> bool:
        self._left = int(self._line(), 16)
        if self._left:
            return True
        while trailer := self._line():
            self.trailers.append(trailer)
        self.ended = True
        return False

    def _line(self) -> bytes:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise BrokenOff("the chunks broke off")
        return line[:-2]


class Caller:
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.file = sock.makefile("rb")

    def sends(self, data: bytes) -> None:
        self.sock.sendall(data)

    def asks(
        self,
        target: str,
        *lines: str,
        method: str = "GET",
        content: bytes | None = None,
        version: str = "1.1",
        host: str = "api.example",
    ) -> None:
        """Send one request, from a page of ``ORIGIN``."""
        head = [f"{method} {target} HTTP/{version}", f"Host: {host}", f"Origin: {ORIGIN}", *lines]
        if content is not None:
            head.append(f"Content-Length: {len(content)}")
        self.sends("\r\n".join([*head, "", ""]).encode("latin-1") + (content or b""))

    def sees_head(self) -> Head:
        """Receive the next head, of an interim response or of the final one."""
        line = self.file.readline()
        match = STATUS_LINE.fullmatch(line)
        assert match, line
        fields = []
        while (line := self.file.readline()) != b"\r\n":
            assert line.endswith(b"\r\n"), line
            name, _, value = line[:-2].partition(b":")
            fields.append((name, value.strip(b" \t")))
        return Head(int(match[1]), int(match[2]), match[3], tuple(fields))

    def sees_begin(self, method: str = "GET") -> tuple[Head, Content]:
        """Receive a final head; give it with the content to read."""
        head = self.sees_head()
        assert head.status >= 200, head
        return head, Content(self.file, head, method)

    def gets(self, method: str = "GET") -> Answer:
        """Receive a whole response, with the interim ones before it."""
        interim = []
        while (head := self.sees_head()).status < 200:
            interim.append(head)
        content = Content(self.file, head, method)
        return Answer(
            head, content.rest(), tuple(interim), content.framing, tuple(content.trailers)
        )

    def asks_and_gets(self, target: str, *lines: str, **request: Any) -> Answer:
        self.asks(target, *lines, **request)
        return self.gets(request.get("method", "GET"))

    def leaves(self, *, reset: bool = False) -> None:
        """Close, or reset the connection."""
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.file.close()
        self.sock.close()


@contextmanager
def calling(port: int) -> Iterator[Caller]:
    """Connect to a port of this machine."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        caller = Caller(sock)
        try:
            yield caller
        finally:
            caller.file.close()


def ask(port: int, target: str, *lines: str, **request: Any) -> Answer:
    """Make one request on a connection of its own."""
    with calling(port) as caller:
        return caller.asks_and_gets(target, *lines, **request)


def ask_both(server: int, gateway: int, target: str, *lines: str, **request: Any) -> Answer:
    """Ask a server straight and through the gateway; give the answer, which has to be the same."""
    straight = ask(server, target, *lines, **request)
    through = ask(gateway, target, *lines, **request)
    assert through.status == straight.status
    assert through.head.reason == straight.head.reason
    assert through.content == straight.content
    assert _fields_of_server(through.head) == _fields_of_server(straight.head)
    assert through.value("Access-Control-Allow-Origin") == ORIGIN.encode()
    return through


def _fields_of_server(head: Head) -> list[tuple[bytes, bytes]]:
    """Return what a server says itself, in its order: not of its connection, and not the time."""
    return [
        (name, value)
        for name, value in head.fields
        if name.lower() not in FOR_ONE_CONNECTION | FROM_GATEWAY
        and not name.lower().startswith(b"access-control-")
    ]
