"""APIs that answer with their name, on any address, over TLS or not; and names that lead to them.

A test sets where a name leads by a ``Zone``, which stands in the place of the system's resolver.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from tests.wire.raw_peer import PATIENCE

__all__ = ["Backend", "Zone"]

Answer = list[str] | Exception | Callable[[], list[str]]


class Backend:
    """A server that answers each request with its name, once its gate is open."""

    def __init__(
        self,
        name: str,
        host: str = "127.0.0.1",
        *,
        port: int = 0,
        path: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.path = path
        self.tls = tls
        self.lines: list[str] = []
        """The request lines, in order."""
        self.connected = 0
        """Connections so far; over TLS, those whose handshake succeeded."""
        self.busy = 0
        """Requests that wait for the gate."""
        self.gate = asyncio.Event()
        self.gate.set()
        self.transports: set[asyncio.Transport] = set()

    async def starts(self) -> "Backend":
        loop = asyncio.get_running_loop()

        def make() -> asyncio.Protocol:
            return _Connection(self)

        if self.path is not None:
            self.server: Any = await loop.create_unix_server(make, self.path, ssl=self.tls)
            return self
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        sock = socket.create_server((self.host, self.port), family=family, backlog=512)
        self.port = sock.getsockname()[1]
        self.server = await loop.create_server(make, sock=sock, ssl=self.tls)
        return self

    def dies(self) -> None:
        """Close everything at once; ``starts`` brings it back."""
        self.server.close()
        for transport in tuple(self.transports):
            transport.abort()


class _Connection(asyncio.Protocol):
    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.unread = b""
        self.answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.backend.connected += 1
        self.backend.transports.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.backend.transports.discard(self.transport)
        if self.answering is not None:
            self.answering.cancel()

    def data_received(self, data: bytes) -> None:
        self.unread += data
        if b"\r\n\r\n" in self.unread and self.answering is None:
            head, _, self.unread = self.unread.partition(b"\r\n\r\n")
            self.backend.lines.append(head.partition(b"\r\n")[0].decode())
            loop = asyncio.get_running_loop()
            self.answering = loop.create_task(self._answer(), name="api")

    async def _answer(self) -> None:
        backend = self.backend
        backend.busy += 1
        try:
            await backend.gate.wait()
        finally:
            backend.busy -= 1
        self.answering = None
        content = backend.name.encode()
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)
        )


class Zone:
    """What the system's resolver says: names and their addresses, or what happens instead."""

    def __init__(self, **answers: Answer) -> None:
        self.answers: dict[str, Answer] = dict(answers)
        self.asked: list[str] = []
        self.threads: list[threading.Thread] = []
        self._released = threading.Event()

    def hangs(self) -> list[str]:
        """Be an answer that does not come before the test has ended."""
        assert self._released.wait(10 * PATIENCE)
        raise socket.gaierror(socket.EAI_AGAIN, "released")

    def releases(self) -> None:
        """End the lookups that hang, and wait for their threads."""
        self._released.set()
        for thread in self.threads:
            thread.join(PATIENCE)

    def getaddrinfo(self, host: str, port: object, *_: object, **__: object) -> list[Any]:
        """Answer like ``socket.getaddrinfo``."""
        self.asked.append(host)
        self.threads.append(threading.current_thread())
        answer = self.answers.get(host, socket.gaierror(socket.EAI_NONAME, "not known"))
        if isinstance(answer, Exception):
            raise answer
        return [_entry(address) for address in (answer() if callable(answer) else answer)]


def _entry(address: str) -> tuple[Any, ...]:
    if ":" in address:
        return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, 0, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))
