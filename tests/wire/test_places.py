"""What the operator hears of an API's addresses, and whose fault it is where none can be tried."""

import asyncio
import errno
import os
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from cors_gateway.snapshot import Endpoint, Route, UpstreamTimeouts
from cors_gateway.wire import dialing, places
from tests.peers.ports import free_port
from tests.wire.backends import Backend, Zone
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of, until
from tests.wire.raw_client import Response
from tests.wire.raw_peer import RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream

HOSTS = ("127.0.0.1", "127.0.0.2")


@pytest.fixture
async def backends() -> AsyncIterator[list[Backend]]:
    """Two APIs on one port of two addresses."""
    port = free_port(*HOSTS)
    started = [
        await Backend(name, host, port=port).starts()
        for name, host in zip("ab", HOSTS, strict=True)
    ]
    yield started
    for backend in started:
        backend.dies()


@pytest.fixture(autouse=True)
def short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try an address that has failed again soon."""
    monkeypatch.setattr(dialing, "SHUNNED", 0.05)


def endpoint(backend: Backend) -> dict[str, object]:
    return {"endpoints": (Endpoint(backend.host, backend.port),)}


def listed(*backends: Backend) -> Route:
    endpoints = tuple(Endpoint(each.host, each.port) for each in backends)
    return route_to(0, upstream={"url": "http://api", "endpoints": endpoints})


async def ask(gateway: Gateway) -> Response:
    client = await gateway.connects()
    await client.asks("/", f"Origin: {APP}")
    response = await client.gets()
    client.closes()
    return response


async def asks_until_told(gateway: Gateway, count: int) -> list[tuple[str, str]]:
    async with asyncio.timeout(30):
        while len(gateway.told) < count:
            await ask(gateway)
    return gateway.told


@pytest.mark.row("B44")
async def test_b44_the_operator_hears_once_of_an_address_that_goes_and_once_when_it_is_back(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    first, _ = backends
    gateway = await start_gateway(snapshot_of(listed(*backends)))
    assert {(await ask(gateway)).content for _ in range(4)} == {b"a", b"b"}
    first.dies()
    gone = "warning", f"upstream http://api: {HOSTS[0]}:{first.port} is not used for now: connection-refused"  # fmt: skip
    assert await asks_until_told(gateway, 1) == [gone]
    for _ in range(20):
        assert (await ask(gateway)).content == b"b"
    await asyncio.sleep(0.1)
    assert (await ask(gateway)).content == b"b"
    assert gateway.told == [gone]
    await first.starts()
    back = "info", f"upstream http://api: {HOSTS[0]}:{first.port} is used again"
    assert await asks_until_told(gateway, 2) == [gone, back]


@pytest.mark.row("B45")
async def test_b45_of_the_only_address_the_operator_hears_that_it_cannot_be_used(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    gateway = await start_gateway(snapshot_of(listed(backends[0])))
    address = f"upstream http://api: {HOSTS[0]}:{backends[0].port}"
    backends[0].dies()
    for _ in range(5):
        assert (await ask(gateway)).status == 502
    await backends[0].starts()
    assert (await ask(gateway)).status == 200
    assert gateway.told == [
        ("warning", f"{address} cannot be used: connection-refused"),
        ("info", f"{address} can be used again"),
    ]


async def test_an_address_that_comes_and_goes_does_not_fill_the_log(
    start_gateway: StartGateway, backends: list[Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "QUIET", 3600)
    gateway = await start_gateway(snapshot_of(listed(backends[0])))
    for _ in range(5):
        backends[0].dies()
        await until(lambda: gateway.open_upstreams == 0)
        assert (await ask(gateway)).status == 502
        await backends[0].starts()
        assert (await ask(gateway)).status == 200
    assert [level for level, _ in gateway.told] == ["warning", "info"]


async def test_an_address_that_fails_on_after_its_quiet_time_is_told_of(
    start_gateway: StartGateway, backends: list[Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "QUIET", 0.2)
    gateway = await start_gateway(snapshot_of(listed(backends[0])))
    backends[0].dies()
    await ask(gateway)
    await backends[0].starts()
    await ask(gateway)
    backends[0].dies()
    told = await asks_until_told(gateway, 3)
    assert [level for level, _ in told] == ["warning", "info", "warning"]


async def test_an_address_that_accepts_and_closes_is_back_when_it_has_answered(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """As a port that Docker forwards to a container in which nothing listens."""
    well = asyncio.Event()

    async def answer(peer: RawPeer) -> None:
        await api.reads_request(peer)
        if not well.is_set():
            peer.closes()
            return
        await peer.sends(OK)

    api.runs(answer)
    for _ in range(3):
        assert (await ask(gateway)).status == 502
    address = f"upstream http://127.0.0.1:{api.port}: 127.0.0.1:{api.port}"
    gone = "warning", f"{address} cannot be used: connection-terminated"
    assert gateway.told == [gone]
    well.set()
    assert (await ask(gateway)).status == 200
    assert gateway.told == [gone, ("info", f"{address} can be used again")]


async def test_an_idle_connection_that_the_api_closes_is_no_news(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    async def answer_once(peer: RawPeer) -> None:
        await api.reads_request(peer)
        await peer.sends(OK)
        await api.reads_request(peer)
        peer.closes()

    api.runs(answer_once)
    for _ in range(4):
        assert (await ask(gateway)).status == 200
    assert len(api.heads) > 4
    assert gateway.told == []


async def test_an_ipv6_address_is_told_in_brackets(start_gateway: StartGateway) -> None:
    route = route_to(1, upstream={"url": "http://api", "endpoints": (Endpoint("::1", 1),)})
    gateway = await start_gateway(snapshot_of(route))
    assert (await ask(gateway)).status == 502
    ((_, sentence),) = gateway.told
    assert "upstream http://api: [::1]:1 cannot be used: " in sentence


async def test_used_and_unused_addresses_are_counted(
    start_gateway: StartGateway, backends: list[Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing, "SHUNNED", 3600)
    gateway = await start_gateway(snapshot_of(listed(*backends)))
    backends[1].dies()
    for _ in range(2):
        await ask(gateway)
    (pool,) = gateway.plane.pools.values()
    assert (pool.usage().used, pool.usage().unused) == (1, 1)


# What the gateway lacks itself.


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let this process open nothing: every number below the limit is taken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def assert_ours(response: Response) -> None:
    """It is the gateway's fault, will pass, and a page may read it."""
    assert response.status == 503
    assert b":out-of-resources" in response.content
    assert response.value("Retry-After") == b"1"
    assert response.value("Proxy-Status") == b"cors-gateway; error=proxy_internal_error"
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    assert not response.closes


@pytest.mark.row("F8")
async def test_f8_without_a_descriptor_for_the_api_it_is_our_fault_and_passes(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    gateway = await start_gateway(snapshot_of(listed(*backends)))
    client = await gateway.connects()
    await until(lambda: bool(gateway.plane.connections))
    with no_descriptor_left():
        await client.asks("/", f"Origin: {APP}")
        assert_ours(await client.gets())
    (pool,) = gateway.plane.pools.values()
    assert (gateway.told, pool.usage().shunned) == ([], 0), "the API did nothing wrong"
    await client.asks()
    assert (await client.gets()).status == 200


SWITCHING = b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1),
        b"HTTP/1.0 200 OK\r\n\r\nok",
        SWITCHING,
    ],
    ids=["kept", "announced to be closed", "ended by closing", "a tunnel"],
)
async def test_an_answer_shows_that_an_address_works_whatever_becomes_of_the_connection(
    start_gateway: StartGateway, api: ScriptedUpstream, answer: bytes
) -> None:
    answers = [b"", answer]

    async def close_after_each(peer: RawPeer) -> None:
        await api.reads_request(peer)
        await peer.sends(answers.pop(0))
        peer.closes()

    api.runs(close_after_each)
    gateway = await start_gateway(snapshot_of(route_to(api.port)))
    for status in (502, int(answer[9:12])):
        client = await gateway.connects()
        await client.asks("/", "Connection: Upgrade", "Upgrade: websocket")
        assert (await client.gets()).status == status
    await until(lambda: len(gateway.told) > 1)
    assert [sentence.rpartition(f":{api.port} ")[2] for _, sentence in gateway.told] == [
        "cannot be used: connection-terminated",
        "can be used again",
    ]


async def test_idle_connections_of_any_api_are_given_up_before_descriptors_are_missing(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    kept, asked = backends
    routes = [
        route_to(each.port, name=each.name, path=path, upstream=endpoint(each))
        for each, path in ((kept, b"/kept"), (asked, b"/asked"))
    ]
    gateway = await start_gateway(snapshot_of(*routes))
    clients = [await gateway.connects() for _ in range(6)]
    kept.gate.clear()
    for client in clients:
        await client.asks("/kept")
    await until(lambda: kept.busy == 6)
    kept.gate.set()
    for client in clients:
        await client.gets()
    with no_descriptor_left():
        # Both, although the first has closed what the second finds open no more.
        for client in clients[:2]:
            await client.asks("/asked")
        assert {(await client.gets()).status for client in clients[:2]} == {200}
    assert gateway.told == []


@pytest.mark.row("F8")
async def test_f8_without_a_descriptor_for_the_resolver_it_is_our_fault_and_passes(
    start_gateway: StartGateway, backends: list[Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = Zone(**{"api.test": OSError(errno.EMFILE, "Too many open files")})
    monkeypatch.setattr(socket, "getaddrinfo", zone.getaddrinfo)
    port = backends[0].port
    route = route_to(port, upstream={"endpoints": (Endpoint("api.test", port),)})
    gateway = await start_gateway(snapshot_of(route))
    assert_ours(await ask(gateway))
    zone.answers["api.test"] = ["127.0.0.1"]
    assert (await ask(gateway)).content == b"a"


@contextmanager
def full_queue(path: str) -> Iterator[tuple[socket.socket, list[socket.socket]]]:
    """Listen on a unix socket, and let its queue be full of these."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        fillers = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(path)
            yield listener, fillers
        finally:
            for filler in fillers:
                filler.close()


def unix(path: str, connect: float) -> Route:
    endpoints = (Endpoint(unix_path=path),)
    timeouts = UpstreamTimeouts(connect=connect)
    return route_to(0, upstream={"endpoints": endpoints, "timeouts": timeouts, "authority": b"a"})


@pytest.mark.row("B2")
async def test_b2_a_unix_socket_whose_queue_is_full_is_waited_for(
    start_gateway: StartGateway, unix_path: str
) -> None:
    with full_queue(unix_path) as (listener, fillers):
        gateway = await start_gateway(snapshot_of(unix(unix_path, 30)))
        client = await gateway.connects()
        await client.asks()
        await client.sees_nothing()
        for filler in fillers:
            filler.close()
        listener.setblocking(False)
        async with asyncio.timeout(30):
            while True:
                peer = RawPeer((await gateway.loop.sock_accept(listener))[0])
                if await peer.receives(1):
                    break
                peer.closes()
        await peer.sends(OK)
        assert (await client.gets()).content == b"ok"
        peer.closes()


@pytest.mark.row("B2")
async def test_b2_a_unix_socket_whose_queue_stays_full_is_a_504(
    start_gateway: StartGateway, unix_path: str
) -> None:
    with full_queue(unix_path):
        gateway = await start_gateway(snapshot_of(unix(unix_path, 0.1)))
        response = await ask(gateway)
        assert response.status == 504
        assert b":connection-timeout" in response.content
