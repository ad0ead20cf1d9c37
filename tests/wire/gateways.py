"""Gateways under test, in the test's own process, and the snapshots that they run."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any

from cors_gateway.cors.policy import Policy, PolicySettings, compile_policy
from cors_gateway.routes import Router
from cors_gateway.snapshot import Endpoint, Route, Snapshot, Upstream
from cors_gateway.wire.downstream import DownstreamConnection
from cors_gateway.wire.plane import Plane
from cors_gateway.wire.record import AccessRecord
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import PATIENCE

__all__ = ["APP", "Gateway", "policy", "route_to", "snapshot_of", "until"]

APP = "https://app.example"
"""The origin that the policy of these tests allows."""


def policy(**settings: Any) -> Policy:
    """Compile a policy that allows ``APP``."""
    compiled, problems = compile_policy(
        PolicySettings(**{"allow_origins": (APP,), **settings}), lambda _: False
    )
    assert compiled is not None, problems
    return compiled


def route_to(port: int, **settings: Any) -> Route:
    """Make a route that takes everything to a port of this machine."""
    upstream: dict[str, Any] = {
        "url": f"http://127.0.0.1:{port}",
        "endpoints": (Endpoint("127.0.0.1", port),),
    }
    upstream |= settings.pop("upstream", {})
    upstream.setdefault("authority", f"127.0.0.1:{port}".encode())
    return Route(
        **{
            "name": "api",
            "path": b"/",
            "policy": policy(),
            **settings,
            "upstream": Upstream(**upstream),
        }
    )


def snapshot_of(*routes: Route, **settings: Any) -> Snapshot:
    return Snapshot(
        **{"router": Router(routes), "routes": routes, "default_policy": policy(), **settings}
    )


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the code under test tells nobody."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.002)


class Gateway:
    """A running data plane and the sockets that it listens on."""

    def __init__(self, snapshot: Snapshot, sock: socket.socket) -> None:
        self.loop = asyncio.get_running_loop()
        self.records: list[AccessRecord] = []
        self.told: list[tuple[str, str]] = []
        """What the operator heard: levels and sentences."""
        self.plane = Plane(snapshot, self.loop, self._note, tell=self._tell)
        self.address = sock.getsockname()
        self.sock = sock
        self.clients: list[RawClient] = []
        self.faults: list[dict[str, Any]] = []
        """What nobody caught; a test that provokes it empties the list."""

    def _note(self, records: Sequence[AccessRecord]) -> None:
        self.records += records

    def _tell(self, level: str, sentence: str) -> None:
        self.told.append((level, sentence))

    async def start(self) -> None:
        self.loop.set_exception_handler(lambda _, context: self.faults.append(context))
        create: Any = self.loop.create_server
        if self.sock.family == socket.AF_UNIX:
            create = self.loop.create_unix_server
        self.server = await create(lambda: DownstreamConnection(self.plane), sock=self.sock)
        self.plane.start()

    async def connects(self, receive_buffer: int | None = None) -> RawClient:
        sock = socket.socket(self.sock.family)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await self.loop.sock_connect(sock, self.address)
        self.clients.append(RawClient(sock))
        return self.clients[-1]

    async def record(self) -> AccessRecord:
        """Wait for the record of the one request that a test has made, and take it."""
        await until(lambda: bool(self.records))
        assert len(self.records) == 1, self.records
        return self.records.pop()

    @property
    def open_upstreams(self) -> int:
        pools = self.plane._pools.values()
        return sum(len(pool._open) + len(pool._connecting) for pool in pools)

    async def stop(self) -> None:
        for client in self.clients:
            client.closes()
        self.server.close()
        # Who left a tunnel open is not waited for; what is left after this is closed.
        await self.plane.drain(0.05)
        await until(lambda: not self.plane.connections and not self.open_upstreams)
        # What was cancelled ends some turns of the event loop later.
        await until(lambda: not any(t.get_name() == "health" for t in asyncio.all_tasks()))
        assert self.faults == []
