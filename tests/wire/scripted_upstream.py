"""An API that answers byte by byte what a test tells it, also what no server should.

A test either takes each connection and speaks for it (``accepts``), or sets ``answer`` and looks at
what arrived afterwards (``heads``).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from tests.wire.raw_peer import PATIENCE, RawPeer

__all__ = ["OK", "Script", "ScriptedUpstream"]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Script = Callable[[RawPeer], Awaitable[None]]


class ScriptedUpstream:
    """A listening socket and what came to it."""

    def __init__(self, path: str | None = None) -> None:
        if path is None:
            self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
            self.port: int = self.listener.getsockname()[1]
        else:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            self.listener.listen(512)
        self.listener.setblocking(False)
        self.loop = asyncio.get_running_loop()
        self.connections: list[RawPeer] = []
        self.heads: list[bytes] = []
        """The heads that scripts have read, in order."""
        self.contents: list[bytes] = []
        """What stood behind each, as it stood on the wire."""
        self._tasks: list[asyncio.Task[None]] = []

    async def accepts(self) -> RawPeer:
        """Take the next connection."""
        async with asyncio.timeout(PATIENCE):
            sock, _ = await self.loop.sock_accept(self.listener)
        self.connections.append(RawPeer(sock))
        return self.connections[-1]

    async def accepts_nobody(self, seconds: float = 0.1) -> None:
        """Take it for granted that nobody connects for a while."""
        try:
            async with asyncio.timeout(seconds):
                sock, _ = await self.loop.sock_accept(self.listener)
        except TimeoutError:
            return
        sock.close()
        raise AssertionError("somebody connected")

    def answers(self, *answers: bytes) -> None:
        """Answer each request on any connection with the next of these; the last repeats."""
        rest = list(answers)

        async def script(peer: RawPeer) -> None:
            while True:
                await self.reads_request(peer)
                await peer.sends(rest.pop(0) if len(rest) > 1 else rest[0])

        self.runs(script)

    def runs(self, script: Script) -> None:
        """Serve every connection by ``script`` from now on."""
        self._tasks.append(self.loop.create_task(self._accept_all(script), name="api"))

    async def reads_request(self, peer: RawPeer) -> bytes:
        """Read a request and note it; its content as it stands on the wire."""
        while b"\r\n\r\n" not in peer.unread:
            data = await self.loop.sock_recv(peer.sock, 65536)
            if not data:
                raise ConnectionError
            peer.unread += data
        head = await peer.sees_head()
        self.heads.append(head)
        lower = head.lower()
        length = 0
        if b"\r\ncontent-length:" in lower:
            length = int(lower.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        content = await peer.receives(length)
        if b"\r\ntransfer-encoding: chunked" in lower:
            while not content.endswith(b"0\r\n\r\n"):
                byte = await peer.receives(1)
                if not byte:
                    raise ConnectionError
                content += byte
        self.contents.append(content)
        return head

    async def _accept_all(self, script: Script) -> None:
        while True:
            sock, _ = await self.loop.sock_accept(self.listener)
            peer = RawPeer(sock)
            self.connections.append(peer)
            self._tasks.append(self.loop.create_task(self._serve(script, peer), name="api"))

    @staticmethod
    async def _serve(script: Script, peer: RawPeer) -> None:
        try:
            await script(peer)
        except OSError:
            peer.closes()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        self.listener.close()
        for connection in self.connections:
            connection.closes()
        for result in results:
            if isinstance(result, Exception):
                raise result
