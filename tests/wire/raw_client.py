"""A client that says exactly what a test wants, and reads responses by rules of its own."""

import re
from dataclasses import dataclass

from tests.wire.raw_peer import RawPeer

__all__ = ["RawClient", "Response"]


@dataclass(frozen=True)
class Response:
    """One response as it stood on the wire."""

    status: int
    head: bytes
    content: bytes

    @property
    def lines(self) -> list[bytes]:
        return self.head.split(b"\r\n")[1:-2]

    def values(self, name: str) -> list[bytes]:
        prefix = name.lower().encode() + b":"
        return [
            line[len(prefix) :].strip() for line in self.lines if line.lower().startswith(prefix)
        ]

    def value(self, name: str) -> bytes | None:
        values = self.values(name)
        assert len(values) < 2, values
        return values[0] if values else None

    @property
    def closes(self) -> bool:
        return self.value("Connection") == b"close"


class RawClient(RawPeer):
    """A connection to the gateway."""

    async def asks(
        self,
        target: str = "/",
        *lines: str,
        method: str = "GET",
        content: bytes = b"",
        host: str = "gw.example",
    ) -> None:
        """Send one well-formed request."""
        head = [f"{method} {target} HTTP/1.1", f"Host: {host}", *lines]
        if content:
            head.append(f"Content-Length: {len(content)}")
        await self.sends("\r\n".join([*head, "", ""]).encode("latin-1") + content)

    async def gets(self, method: str = "GET") -> Response:
        """Receive one response, framed as its head says."""
        head = await self.sees_head()
        match = re.match(rb"HTTP/1\.1 ([0-9]{3}) ", head)
        assert match, head
        status = int(match[1])
        bare = Response(status, head, b"")
        if method == "HEAD" or status < 200 or status in {204, 304}:
            return bare
        length = bare.value("Content-Length")
        if length is not None:
            assert bare.value("Transfer-Encoding") is None
            content = await self.receives(int(length))
            assert len(content) == int(length), "the content broke off"
        elif bare.value("Transfer-Encoding") == b"chunked":
            content = await self._chunks()
        else:
            assert bare.closes
            content = await self.sees_rest()
        return Response(status, head, content)

    async def _line(self) -> bytes:
        while b"\r\n" not in self.unread and await self._receive_more():
            pass
        line, line_end, self.unread = self.unread.partition(b"\r\n")
        assert line_end, "the chunks broke off"
        return line

    async def _chunks(self) -> bytes:
        content = bytearray()
        while size := int(await self._line(), 16):
            content += await self.receives(size)
            await self.sees(b"\r\n")
        await self.sees(b"\r\n")
        return bytes(content)
