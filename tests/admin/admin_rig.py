"""Admin on a real socket, in front of an overview that a test writes down."""

import asyncio
import json
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from cors_gateway.admin.server import serve_admin
from cors_gateway.config.load import Loaded
from cors_gateway.differences.difference import Difference
from cors_gateway.process.overview import Reloaded, Reloads, WorkerState, WorkerView
from cors_gateway.process.tally import Tally
from tests.explain.asking import configured
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import End

__all__ = ["FILE", "START", "Admin", "Answer", "Seen", "ready_worker", "sees_answer", "worker"]

FILE = """\
corsPolicies:
  spa:
    allowOrigins: [https://app.example.com]
    allowMethods: [GET, PUT]
defaults: {cors: spa}
routes:
  - name: api
    match: {path: /api}
    upstream: {url: 'http://h', headers: {set: {X-Key: letmein}}}
  - {name: orders, match: {path: /api/orders}, upstream: http://h/v1, cors: false}
"""

PATIENCE = aiohttp.ClientTimeout(total=60)


START = 1_790_000_000.0


def worker(slot: int, pid: int, state: str = "ready") -> WorkerView:
    """A worker of some process."""
    return WorkerView(slot, pid, WorkerState(state), 0.0)


def ready_worker(slot: int = 0) -> WorkerView:
    """A worker whose process is there: this one."""
    return worker(slot, os.getpid())


@dataclass
class Seen:
    """A gateway as it is seen from outside; a test changes it while admin looks at it."""

    loaded: Loaded = field(default_factory=lambda: configured(FILE))
    loaded_at: float = START
    is_draining: bool = False
    slots: int = 1
    restarts: int = 0
    reloads: Reloads = field(default_factory=lambda: Reloads(last_success=START))
    seen: list[WorkerView] = field(default_factory=lambda: [ready_worker()])
    tally: Tally = field(default_factory=Tally)
    differences: tuple[Difference, ...] = ()
    problem: Exception | None = None
    """What becomes of a reload."""
    may_reload: asyncio.Event = field(default_factory=asyncio.Event)
    reloading: int = 0
    """Reloads that have begun."""
    wanted_by: list[str] = field(default_factory=list)
    is_watched: bool = False

    def workers(self) -> Sequence[WorkerView]:
        return list(self.seen)

    async def gather(self) -> Tally:
        await asyncio.sleep(0)
        return self.tally

    async def reload(self, why: str) -> Reloaded:
        self.reloading += 1
        self.wanted_by.append(why)
        await self.may_reload.wait()
        if self.problem is not None:
            raise self.problem
        return Reloaded("f.yaml", self.differences, in_place=True)


@dataclass(frozen=True)
class Answer:
    """An answer of admin."""

    status: int
    fields: dict[str, str]
    """Names in lower case."""
    text: str

    @property
    def data(self) -> Any:
        assert self.fields["content-type"].startswith("application/json"), self
        return json.loads(self.text)


async def sees_answer(client: RawClient) -> tuple[int, bytes]:
    """Receive one answer, and the end of the connection; give the status, and all of it."""
    received = await client.sees_rest()
    assert client.end is End.CLOSED
    version, status, _ = received.split(b" ", 2)
    assert version in {b"HTTP/1.0", b"HTTP/1.1"}
    assert received.count(b"HTTP/1.") == 1
    return int(status), received


class Admin:
    """Admin, running."""

    def __init__(self, overview: Seen, sock: socket.socket | None = None) -> None:
        self.overview = overview
        self.sock = sock or socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = self.sock.getsockname()
        self.told: list[tuple[str, str]] = []
        """What the operator was told: level and message."""
        self._clients: list[RawClient] = []
        self._serving = serve_admin(overview, self.sock, self._tell)

    def _tell(self, level: str, message: str) -> None:
        self.told.append((level, message))

    async def start(self) -> None:
        await self._serving.__aenter__()

    async def stop(self) -> None:
        await self._serving.__aexit__(None, None, None)

    def disconnects(self) -> None:
        """Close the clients that were connected."""
        for client in self._clients:
            client.closes()

    async def answers(
        self, target: str, *, method: str = "GET", host: str | None = None, **fields: str
    ) -> Answer:
        """Ask as a real client does; ``_`` in the name of a field stands for ``-``."""
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        if host is not None:
            headers["Host"] = host
        is_unix = isinstance(self.address, str)
        connector = aiohttp.UnixConnector(self.address) if is_unix else aiohttp.TCPConnector()
        authority = "localhost" if is_unix else f"127.0.0.1:{self.address[1]}"
        url = URL(f"http://{authority}{target}", encoded=True)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=PATIENCE) as session,
            session.request(method, url, headers=headers, allow_redirects=False) as response,
        ):
            fields_of_answer = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, fields_of_answer, await response.text("utf-8"))

    async def connects(self) -> RawClient:
        """Connect a client that says what it likes; it is closed at the end."""
        sock = socket.socket(self.sock.family)
        sock.setblocking(False)
        client = RawClient(sock)
        self._clients.append(client)
        await client.loop.sock_connect(sock, self.address)
        return client
