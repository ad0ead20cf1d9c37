"""A client that notices when anything it receives is not its own.

It reads responses by strict rules of its own (RFC 9112, with nothing optional that the gateway does not
send), looks for tokens in every byte, and remembers what was last said on the connection.
"""

import asyncio
import re
import socket
import struct
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from tests.chaos.conducts import POISON, Ending
from tests.chaos.plans import Ask

__all__ = ["Canary", "OthersError", "Response", "StrangeError"]

STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [\t\x20-\x7e\x80-\xff]*")
FIELD = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)"
)
TOKEN = re.compile(rb"tok[0-9a-f]{8}")
ONCE = (
    b"access-control-allow-origin",
    b"content-length",
    b"content-type",
    b"date",
    b"etag",
    b"transfer-encoding",
    b"vary",
    b"x-request-id",
    b"x-token",
)
ENDS_HERE = (b"keep-alive", b"proxy-connection", b"te", b"trailer", b"x-gone", b"x-odd")
RECEIVED = 256 * 1024
"""Bytes read at once."""


class StrangeError(Exception):
    """Something came that must not, or did not come."""


class OthersError(StrangeError):
    """Something came that is of another request, or that nobody asked for."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came for a request."""

    status: int = 0
    fields: Mapping[bytes, list[bytes]] = field(default_factory=dict)
    content: bytes = b""
    ending: Ending = Ending.NOTHING

    def value(self, name: bytes) -> bytes:
        values = self.fields.get(name, [])
        return b", ".join(values)

    @property
    def closes(self) -> bool:
        return self.ending is not Ending.WHOLE or b"close" in self.value(b"connection")

    @property
    def is_ours(self) -> bool:
        """Whether the gateway made it."""
        return self.value(b"content-type") == b"application/problem+json"


class Canary:
    """One connection to the gateway."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.opened = monotonic()
        self.events: deque[str] = deque(maxlen=16)
        """What was last said, by both sides."""
        self.pause = 0.0
        """Seconds before each read."""
        self._loop = asyncio.get_running_loop()
        self._unread = b""
        self._ended = ""

    @classmethod
    async def connects(cls, port: int, buffer: int = 0) -> "Canary":
        """Connect; with a small buffer for who reads slowly."""
        sock = socket.socket()
        sock.setblocking(False)
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        except OSError:
            sock.close()
            raise
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(sock)

    async def sends(self, data: bytes) -> None:
        """Send; where the gateway has closed, what it has answered still counts."""
        self._note(">", data)
        try:
            await self._loop.sock_sendall(self.sock, data)
        except OSError as error:
            self.events.append(f"> {type(error).__name__}")

    def leaves(self, *, reset: bool = False) -> None:
        """Close the connection."""
        self.events.append("> reset" if reset else "> close")
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def says_no_more(self) -> None:
        """Close the sending side."""
        self.events.append("> half-close")
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.events.append(f"> {type(error).__name__}")

    async def reads(self, ask: Ask) -> Response:
        """Receive the response to a request, interim ones before it, and no byte more.

        Raises:
            StrangeError: where it is no response, or has something that is not of this request.
        """
        while True:
            head = await self._head()
            if head is None:
                return Response()
            response = self._begin(head)
            if response.status == 101 or response.status >= 200:
                break
            _look_for_others(head, ask)
        content, ending = await self._content(response, ask)
        _look_for_others(head + content, ask)
        return Response(response.status, response.fields, content, ending)

    async def reads_interim(self) -> bool:
        """Wait for a 100; say whether it came, and not a final response."""
        while b"\r\n\r\n" not in self._unread and await self._more():
            pass
        if not self._unread.startswith(b"HTTP/1.1 100 "):
            return False
        self._unread = self._unread.partition(b"\r\n\r\n")[2]
        return True

    async def receives(self, length: int) -> bytes:
        """Receive so many bytes of a tunnel, or what comes up to its end."""
        while len(self._unread) < length and await self._more():
            pass
        received, self._unread = self._unread[:length], self._unread[length:]
        return received

    async def glances(self, ask: Ask) -> None:
        """Receive a part of a response."""
        await self._more()
        _look_for_others(self._unread, ask)

    async def sees_rest(self, ask: Ask) -> None:
        """Receive whatever comes up to the end."""
        while await self._more():
            pass
        _look_for_others(self._unread, ask)
        self._unread = b""

    async def sees_end(self) -> None:
        """Receive nothing but the end."""
        while await self._more():
            pass
        if self._unread:
            raise StrangeError(f"something behind the last answer: {self._unread[:200]!r}")

    @property
    def has_ended(self) -> bool:
        """Whether the gateway has closed."""
        return bool(self._ended)

    @property
    def has_unread(self) -> bool:
        """Whether more has come than was to be read."""
        return bool(self._unread)

    def _note(self, direction: str, data: bytes) -> None:
        shown = data if len(data) < 500 else data[:400] + b" ... " + data[-60:]
        self.events.append(f"{direction} {len(data)}: {shown!r}")

    async def _more(self) -> bool:
        if self._ended:
            return False
        if self.pause:
            await asyncio.sleep(self.pause)
        try:
            data = await self._loop.sock_recv(self.sock, RECEIVED)
        except OSError as error:
            data, self._ended = b"", type(error).__name__
        if data:
            self._note("<", data)
        else:
            self._ended = self._ended or "close"
            self.events.append(f"< {self._ended}")
        self._unread += data
        return bool(data)

    async def _head(self) -> bytes | None:
        while b"\r\n\r\n" not in self._unread:
            if not await self._more():
                if self._unread and self._ended == "close":
                    raise StrangeError(f"half a head: {self._unread[:200]!r}")
                return None
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        return head

    @staticmethod
    def _begin(head: bytes) -> Response:
        first, *lines = head.split(b"\r\n")
        status = STATUS.fullmatch(first)
        if status is None:
            raise StrangeError(f"no status line: {first!r}")
        fields: dict[bytes, list[bytes]] = {}
        for line in lines:
            match = FIELD.fullmatch(line)
            if match is None:
                raise StrangeError(f"no field: {line!r}")
            fields.setdefault(match[1].lower(), []).append(match[2])
        for name in ONCE:
            if len(fields.get(name, ())) > 1:
                raise StrangeError(f"repeated: {name!r}")
        for name in ENDS_HERE:
            if name in fields:
                raise StrangeError(f"not for a client: {name!r}")
        return Response(int(status[1]), fields)

    async def _content(self, response: Response, ask: Ask) -> tuple[bytes, Ending]:
        status, length = response.status, response.value(b"content-length")
        coding = response.value(b"transfer-encoding")
        if status >= 200 and not (response.value(b"date") and response.value(b"x-request-id")):
            raise StrangeError("no date, or no id")
        if coding and (length or coding != b"chunked" or not ask.minor_version or status < 200):
            raise StrangeError(f"framed by {coding!r} and {length!r}")
        if status in {101, 204, 304} or ask.method == "HEAD":
            if coding:
                raise StrangeError("chunks of nothing")
            return b"", Ending.WHOLE
        if coding:
            return await self._chunks()
        if length:
            content = await self.receives(int(length))
            return content, Ending.WHOLE if len(content) == int(length) else Ending.CUT
        if b"close" not in response.value(b"connection"):
            raise StrangeError("content until close on a connection that persists")
        while await self._more():
            pass
        content, self._unread = self._unread, b""
        return content, Ending.WHOLE if self._ended == "close" else Ending.CUT

    async def _chunks(self) -> tuple[bytes, Ending]:
        content = bytearray()
        while True:
            while b"\r\n" not in self._unread:
                if not await self._more():
                    return bytes(content), Ending.CUT
            line, _, self._unread = self._unread.partition(b"\r\n")
            if not re.fullmatch(rb"[0-9a-f]+", line):
                raise StrangeError(f"no size of a chunk: {line[:80]!r}")
            size = int(line, 16)
            chunk = await self.receives(size + 2)
            content += chunk[:size]
            if len(chunk) < size + 2:
                return bytes(content), Ending.CUT
            if chunk[size:] != b"\r\n":
                raise StrangeError(f"{chunk[size:]!r} behind a chunk")
            if size == 0:
                return bytes(content), Ending.WHOLE


def _look_for_others(data: bytes, ask: Ask) -> None:
    """Look for what is not of this request.

    Raises:
        OthersError: where there is something.
    """
    others = set(TOKEN.findall(data)) - {ask.token.encode()}
    if others:
        raise OthersError(f"{ask.token} has got something of {sorted(others)}")
    if POISON in data:
        raise OthersError(f"{ask.token} has got what nobody asked for")
