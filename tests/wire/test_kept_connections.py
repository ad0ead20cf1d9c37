"""For how long connections are kept: an API's ``Keep-Alive``, and a client's count of requests."""

import asyncio

import pytest

from cors_gateway.snapshot import Limits, PoolLimits, Route
from cors_gateway.wire import pool
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of, until
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import End, RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream


def ok(keep_alive: bytes) -> bytes:
    return OK.replace(b"\r\n\r\n", b"\r\nKeep-Alive: " + keep_alive + b"\r\n\r\n")


def to(api: ScriptedUpstream, *, idle: float = 60) -> Route:
    return route_to(api.port, upstream={"pool": PoolLimits(idle=idle)})


async def asks(gateway: Gateway, count: int, *, method: str = "GET") -> None:
    client = await gateway.connects()
    for _ in range(count):
        await client.asks(method=method)
        response = await client.gets()
        assert (response.status, response.value("Keep-Alive")) == (200, None)
    client.closes()


@pytest.mark.parametrize(
    "keep_alive, connections",
    [
        pytest.param(b"timeout=1", 3, id="for no longer than a request takes"),
        pytest.param(b"timeout=0", 3, id="not at all"),
        pytest.param(b"max=0", 3, id="for no request more"),
        pytest.param(b"timeout=5, max=100", 1, id="for some seconds"),
        pytest.param(b"whatever", 1, id="what cannot be read"),
    ],
)
@pytest.mark.row("B11")
async def test_b11_a_connection_that_the_api_will_not_keep_is_not_used_again(
    start_gateway: StartGateway, api: ScriptedUpstream, keep_alive: bytes, connections: int
) -> None:
    api.answers(ok(keep_alive))
    gateway = await start_gateway(snapshot_of(to(api)))
    await asks(gateway, 3)
    assert len(api.connections) == connections


@pytest.mark.row("B11")
async def test_b11_an_idle_connection_is_closed_before_the_api_does(
    start_gateway: StartGateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MARGIN", 0.4)
    api.answers(ok(b"timeout=1"))
    gateway = await start_gateway(snapshot_of(to(api)))
    await asks(gateway, 2)
    assert len(api.connections) == 1
    await until(lambda: gateway.open_upstreams == 0)


@pytest.mark.row("B11")
async def test_b11_a_promise_of_the_api_keeps_nothing_longer_than_the_configuration(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    api.answers(ok(b"timeout=3600"))
    gateway = await start_gateway(snapshot_of(to(api, idle=0.05)))
    await asks(gateway, 1)
    await until(lambda: gateway.open_upstreams == 0)


@pytest.mark.row("B11")
async def test_b11_one_short_promise_closes_no_other_connection(
    start_gateway: StartGateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that came first are not the first to go, where each has a time of its own."""
    monkeypatch.setattr(pool, "MARGIN", 0.4)

    async def answer(peer: RawPeer) -> None:
        head = await api.reads_request(peer)
        await peer.sends(ok(b"timeout=1") if b" /short " in head else OK)
        await api.reads_request(peer)

    api.runs(answer)
    gateway = await start_gateway(snapshot_of(to(api)))
    clients = [await gateway.connects() for _ in range(2)]
    await asyncio.gather(
        *(client.asks(path) for client, path in zip(clients, ("/", "/short"), strict=True))
    )
    for client in clients:
        await client.gets()
    await until(lambda: gateway.open_upstreams == 1)
    (kept,) = gateway.plane.pools.values()
    assert kept.usage().idle == 1


@pytest.mark.row("B11")
async def test_b11_a_thousand_requests_that_race_the_close_of_an_idle_connection(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """The API closes behind each answer, sooner or later by some turns of the event loop."""
    turns = iter(range(10_000))

    async def answer_once(peer: RawPeer) -> None:
        await api.reads_request(peer)
        await peer.sends(OK)
        for _ in range(next(turns) % 8):
            await asyncio.sleep(0)
        peer.closes()

    api.runs(answer_once)
    client = await gateway.connects()
    for _ in range(1000):
        await client.asks()
        assert (await client.gets()).content == b"ok"
        if len(gateway.records) > 900:
            assert {record.status for record in gateway.records} == {200}
            gateway.records.clear()


# Clients.


async def is_served_until_told(client: RawClient, *, most: int) -> list[int]:
    """Ask until an answer says that the connection closes; give the statuses."""
    statuses = []
    for _ in range(most):
        await client.asks("/api", f"Origin: {APP}")
        response = await client.gets()
        statuses.append(response.status)
        if response.closes:
            break
    return statuses


@pytest.mark.parametrize(
    "path", [pytest.param(b"/", id="the API's"), pytest.param(b"/x", id="ours")]
)
@pytest.mark.row("A33")
async def test_a33_the_last_answer_of_a_connection_says_so_and_then_it_closes(
    start_gateway: StartGateway, api: ScriptedUpstream, path: bytes
) -> None:
    api.answers(OK)
    limits = Limits(requests_per_connection=3)
    gateway = await start_gateway(snapshot_of(route_to(api.port, path=path), limits=limits))
    status = 200 if path == b"/" else 404
    for _ in range(2):
        client = await gateway.connects()
        assert await is_served_until_told(client, most=10) == [status] * 3
        await client.sees_end(End.CLOSED)
    assert len(api.connections) <= 1, "the API's connection lives on"


@pytest.mark.row("A33")
async def test_a33_a_failure_may_be_the_last_answer(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    limits = Limits(requests_per_connection=2)
    gateway = await start_gateway(snapshot_of(route_to(1), limits=limits))
    client = await gateway.connects()
    assert await is_served_until_told(client, most=10) == [502] * 2
    await client.sees_end(End.CLOSED)


@pytest.mark.row("A33")
async def test_a33_what_stands_behind_the_last_request_is_not_served(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    limits = Limits(requests_per_connection=3)
    gateway = await start_gateway(snapshot_of(route_to(api.port), limits=limits))
    client = await gateway.connects()
    await client.sends(b"GET / HTTP/1.1\r\nHost: gw.example\r\n\r\n" * 5)
    assert [(await client.gets()).closes for _ in range(3)] == [False, False, True]
    await client.sees_end(End.CLOSED)
    assert len(api.heads) == 3


@pytest.mark.row("A33")
async def test_a33_the_default_is_a_thousand(gateway: Gateway, api: ScriptedUpstream) -> None:
    client = await gateway.connects()
    await client.sends(b"OPTIONS * HTTP/1.1\r\nHost: gw.example\r\n\r\n" * 1100)
    closes = [(await client.gets()).closes for _ in range(1000)]
    assert closes == [False] * 999 + [True]
    await client.sees_end(End.CLOSED)


@pytest.mark.row("A33")
async def test_a33_without_a_bound_a_connection_serves_more_than_the_default(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    limits = Limits(requests_per_connection=None)
    gateway = await start_gateway(snapshot_of(route_to(api.port), limits=limits))
    client = await gateway.connects()
    await client.sends(b"OPTIONS * HTTP/1.1\r\nHost: gw.example\r\n\r\n" * 1100)
    assert not any([(await client.gets()).closes for _ in range(1100)])
