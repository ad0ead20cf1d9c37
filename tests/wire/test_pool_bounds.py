"""How many connections to APIs a worker holds, however it is asked: as many as are needed at once."""

from collections.abc import AsyncIterator

import pytest

from cors_gateway.snapshot import Limits, PoolLimits, Route
from cors_gateway.wire import pool
from tests.wire.backends import Backend
from tests.wire.conftest import StartGateway
from tests.wire.gateways import Gateway, route_to, snapshot_of, until
from tests.wire.raw_client import RawClient

CLIENTS = 40


@pytest.fixture
async def backends() -> AsyncIterator[list[Backend]]:
    """Four APIs, each behind a route of its own."""
    started = [await Backend(name).starts() for name in "abcd"]
    yield started
    for backend in started:
        backend.gate.set()
        backend.dies()


def routes(backends: list[Backend], **upstream: object) -> list[Route]:
    return [
        route_to(each.port, name=each.name, path=f"/{each.name}".encode(), upstream=upstream)
        for each in backends
    ]


async def all_ask_at_once(
    clients: list[RawClient], backend: Backend, *, method: str = "GET"
) -> None:
    """Let each client make one request of an API, which answers when it has all of them."""
    backend.gate.clear()
    for client in clients:
        await client.asks(f"/{backend.name}", method=method)
    await until(lambda: backend.busy == len(clients))
    backend.gate.set()
    for client in clients:
        assert (await client.gets()).content == backend.name.encode()


def held(backends: list[Backend]) -> int:
    return sum(len(each.transports) for each in backends)


async def connect(gateway: Gateway, count: int = CLIENTS) -> list[RawClient]:
    return [await gateway.connects() for _ in range(count)]


@pytest.mark.parametrize(
    "limits", [PoolLimits(), PoolLimits(connections=CLIENTS)], ids=["none", "a bound of its own"]
)
async def test_bursts_that_may_not_use_idle_connections_leave_as_many_as_one_burst_needs(
    start_gateway: StartGateway,
    backends: list[Backend],
    monkeypatch: pytest.MonkeyPatch,
    limits: PoolLimits,
) -> None:
    # To a clock that has been moved every idle connection would be too old for a POST.
    monkeypatch.setattr(pool, "RECENT", -1.0)
    gateway = await start_gateway(snapshot_of(*routes(backends, pool=limits)))
    clients = await connect(gateway)
    for burst in range(1, 5):
        await all_ask_at_once(clients, backends[0], method="POST")
        assert backends[0].connected == burst * CLIENTS, "none was used again"
        await until(lambda: held(backends) == gateway.open_upstreams == CLIENTS)


async def test_a_connection_that_was_not_needed_is_given_up_for_one_that_was(
    start_gateway: StartGateway, backends: list[Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that may be used is: the pool keeps as many as were in use at once."""
    gateway = await start_gateway(snapshot_of(*routes(backends)))
    clients = await connect(gateway, 3)
    await all_ask_at_once(clients, backends[0])
    await all_ask_at_once(clients, backends[0], method="POST")
    assert backends[0].connected == 3, "in use a moment ago"
    monkeypatch.setattr(pool, "RECENT", -1.0)
    await all_ask_at_once(clients[:1], backends[0], method="POST")
    await all_ask_at_once(clients[:1], backends[0])
    assert backends[0].connected == 4
    await until(lambda: held(backends) == 3)


async def test_clients_that_ask_one_api_after_the_other_hold_no_more_than_they_may_be(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    limits = Limits(connections=CLIENTS)
    gateway = await start_gateway(snapshot_of(*routes(backends), limits=limits))
    clients = await connect(gateway)
    for backend in backends * 2:
        await all_ask_at_once(clients, backend)
        await until(lambda: held(backends) == gateway.open_upstreams == CLIENTS)
        assert len(backend.transports) == CLIENTS, "those that were idle for longest have gone"
    assert {record.status for record in gateway.records} <= {200}


async def test_the_one_that_was_unused_for_longest_is_given_up(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    gateway = await start_gateway(snapshot_of(*routes(backends), limits=Limits(connections=2)))
    clients = await connect(gateway, 1)
    ticker = gateway.plane.ticker
    for backend in (backends[1], backends[0], backends[2]):
        before = ticker.now
        await until(lambda before=before: ticker.now > before)  # type: ignore[misc]
        await all_ask_at_once(clients, backend)
    await until(lambda: held(backends) == 2)
    assert [len(each.transports) for each in backends] == [1, 0, 1, 0]


async def test_connections_are_given_up_only_where_there_are_too_many(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    limits = Limits(connections=4 * CLIENTS)
    gateway = await start_gateway(snapshot_of(*routes(backends), limits=limits))
    clients = await connect(gateway)
    for backend in backends * 2:
        await all_ask_at_once(clients, backend)
    assert [each.connected for each in backends] == [CLIENTS] * 4, "each was used again"


async def test_what_has_closed_or_was_given_up_takes_nobodys_place(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    """After failures, clients that went, and idle ones that APIs closed, the count is what is open."""
    gateway = await start_gateway(snapshot_of(*routes(backends), limits=Limits(connections=8)))
    clients = await connect(gateway, 4)
    await all_ask_at_once(clients, backends[0])
    backends[0].dies()
    await until(lambda: gateway.open_upstreams == 0)
    for client in clients:
        await client.asks("/a")
        assert (await client.gets()).status == 502
    backends[1].gate.clear()
    for client in clients:
        await client.asks("/b")
    await until(lambda: backends[1].busy == 4)
    for client in clients:
        client.closes()
    await until(lambda: gateway.open_upstreams == 0 and not gateway.plane.connections)
    backends[1].gate.set()
    clients = await connect(gateway, 4)
    for backend in backends[2:] * 2:
        await all_ask_at_once(clients, backend)
    assert [each.connected for each in backends[2:]] == [4, 4], "there was room for both"


async def test_the_bound_is_that_of_the_configuration_in_use(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    served = routes(backends)
    gateway = await start_gateway(snapshot_of(*served))
    clients = await connect(gateway, 4)
    for backend in backends:
        await all_ask_at_once(clients, backend)
    assert held(backends) == 16
    gateway.plane.go_over_to(snapshot_of(*served[:2], limits=Limits(connections=8)), {})
    await until(lambda: held(backends) == 8)
    backends[0].dies()
    await backends[0].starts()
    await until(lambda: held(backends) == 4)
    clients += await connect(gateway, 3)
    await all_ask_at_once(clients, backends[0])
    await until(lambda: held(backends) == gateway.open_upstreams == 8)
    assert len(backends[0].transports) == 7
