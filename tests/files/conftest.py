"""Gateways that serve a folder, in the event loop that production has."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
import uvloop

from cors_gateway.files.server import FileServer
from cors_gateway.snapshot import FileTree, PoolLimits, Route, Snapshot, Upstream
from cors_gateway.wire import tick
from cors_gateway.wire.plane import Plane
from tests.wire.gateways import Gateway, policy, snapshot_of, until


class FileGateway(Gateway):
    """A data plane and, beside it, what serves files."""

    def __init__(self, snapshot: Snapshot, sock: socket.socket) -> None:
        super().__init__(snapshot, sock)
        self.files = FileServer(self.loop)
        self.plane = Plane(snapshot, self.loop, self._note, self.files.serve)

    async def stop(self) -> None:
        await super().stop()
        await self.files.close()


class StartFileGateway(Protocol):
    async def __call__(self, *routes: Route, **settings: Any) -> FileGateway: ...


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


def route_to_files(
    root: Path, path: str = "/", fallback: str | None = None, **settings: Any
) -> Route:
    """Make a route to a folder, as the configuration compiles it."""
    upstream = Upstream(
        url="files:site",
        authority=b"files",
        pool=PoolLimits(connections=1000),
        files=FileTree(str(root), fallback, path),
    )
    return Route(
        **{
            "name": "site",
            "path": path.encode(),
            "policy": policy(),
            "upgrades": frozenset(),
            **settings,
            "upstream": upstream,
        }
    )


def count_open() -> int:
    """Count this process's descriptors."""
    return len(list(Path("/proc/self/fd").iterdir()))


def left_open(folder: Path) -> list[str]:
    """Give what of a folder this process still has open."""
    paths = (os.path.realpath(link) for link in Path("/proc/self/fd").iterdir())
    return [path for path in paths if path.startswith(f"{folder}/")]


@pytest.fixture
def quick_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tick, "INTERVAL", 0.01)


@pytest.fixture
async def start_files(quick_clock: None, tmp_path: Path) -> AsyncIterator[StartFileGateway]:
    """Start gateways; at the end see that nothing is left of them: no task, no descriptor."""
    started: list[FileGateway] = []

    async def start(*routes: Route, **settings: Any) -> FileGateway:
        sock = socket.create_server(("127.0.0.1", 0), backlog=512)
        gateway = FileGateway(snapshot_of(*routes, **settings), sock)
        await gateway.start()
        started.append(gateway)
        return gateway

    yield start
    for gateway in started:
        await gateway.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await until(lambda: not left_open(tmp_path))
