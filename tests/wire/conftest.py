"""Gateways and APIs on free ports of this machine, in the event loop that production has."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Protocol

import pytest
import uvloop

from cors_gateway.snapshot import Snapshot
from cors_gateway.wire import tick
from tests.wire.gateways import Gateway, route_to, snapshot_of
from tests.wire.scripted_upstream import ScriptedUpstream


class StartGateway(Protocol):
    async def __call__(self, snapshot: Snapshot, sock: socket.socket | None = None) -> Gateway: ...


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def quick_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock of a worker tick often, so that deadlines are met nearly to the point."""
    monkeypatch.setattr(tick, "INTERVAL", 0.01)


@pytest.fixture
async def api() -> AsyncIterator[ScriptedUpstream]:
    upstream = ScriptedUpstream()
    yield upstream
    await upstream.close()


@pytest.fixture
async def start_gateway(api: ScriptedUpstream) -> AsyncIterator[StartGateway]:
    """Start gateways; at the end see that nothing is left of them."""
    started: list[Gateway] = []

    async def start(snapshot: Snapshot, sock: socket.socket | None = None) -> Gateway:
        gateway = Gateway(snapshot, sock or socket.create_server(("127.0.0.1", 0), backlog=512))
        await gateway.start()
        started.append(gateway)
        return gateway

    yield start
    for gateway in started:
        await gateway.stop()
    left = {task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}}
    assert left <= {"api"}


@pytest.fixture
async def gateway(start_gateway: StartGateway, api: ScriptedUpstream) -> Gateway:
    """A gateway with every default, in front of ``api``."""
    return await start_gateway(snapshot_of(route_to(api.port)))


@pytest.fixture
def unix_path(tmp_path: Path) -> str:
    return str(tmp_path / "s")
