"""Which address a request goes to, with APIs on several addresses: the rows B1 to B5 and B44, B45."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from cors_gateway.snapshot import Endpoint, PoolLimits, Route, UpstreamTimeouts
from cors_gateway.wire import dialing, resolver
from tests.peers.ports import free_port
from tests.wire.backends import Backend, Zone
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of, until
from tests.wire.raw_client import RawClient, Response
from tests.wire.raw_peer import PATIENCE, RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream

ORIGIN = f"Origin: {APP}"
HOSTS = ("127.0.0.1", "127.0.0.2")
LONG = UpstreamTimeouts(connect=30)


@pytest.fixture
async def zone(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Zone]:
    zone = Zone()
    monkeypatch.setattr(socket, "getaddrinfo", zone.getaddrinfo)
    yield zone
    zone.releases()


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
        backend.gate.set()
        backend.dies()


def listed(*backends: Backend, **upstream: object) -> Route:
    """Make a route to a list of addresses."""
    endpoints = tuple(Endpoint(each.host, each.port, each.path) for each in backends)
    return route_to(0, upstream={"endpoints": endpoints, "authority": b"api", **upstream})


def named(port: int, host: str = "api.test", **upstream: object) -> Route:
    """Make a route to whatever a name stands for."""
    endpoints = (Endpoint(host, port),)
    return route_to(port, upstream={"endpoints": endpoints, "authority": b"api", **upstream})


async def ask(gateway: Gateway, *, method: str = "GET", path: str = "/") -> Response:
    client = await gateway.connects()
    await client.asks(path, ORIGIN, method=method)
    response = await client.gets(method)
    client.closes()
    return response


async def asks_many(gateway: Gateway, count: int) -> list[RawClient]:
    clients = [await gateway.connects() for _ in range(count)]
    for client in clients:
        await client.asks()
    return clients


@contextmanager
def black_hole(host: str, port: int) -> Iterator[None]:
    """Let an address neither accept nor refuse connections."""
    with socket.socket() as full:
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind((host, port))
        full.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        try:
            yield
        finally:
            for filler in fillers:
                filler.close()


async def test_requests_at_once_are_spread_evenly(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    gateway = await start_gateway(snapshot_of(listed(*backends)))
    for backend in backends:
        backend.gate.clear()
    clients = await asks_many(gateway, 20)
    await until(lambda: sum(each.busy for each in backends) == 20)
    assert [each.busy for each in backends] == [10, 10]
    for backend in backends:
        backend.gate.set()
    answers = [(await client.gets()).content for client in clients]
    assert sorted(answers) == [b"a"] * 10 + [b"b"] * 10


async def test_the_one_with_the_fewest_requests_in_progress_is_next(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    slow, quick = backends
    gateway = await start_gateway(snapshot_of(listed(*backends)))
    slow.gate.clear()
    clients = await asks_many(gateway, 6)
    await until(lambda: slow.busy == 3 and len(quick.lines) == 3)
    assert [(await ask(gateway)).content for _ in range(9)] == [b"b"] * 9
    assert slow.busy == 3
    assert quick.connected == 3, "none of them needed another connection"
    slow.gate.set()
    for client in clients:
        await client.gets()


async def test_one_request_after_the_other_takes_turns_on_kept_connections(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    gateway = await start_gateway(snapshot_of(listed(*backends)))
    answers = [(await ask(gateway)).content for _ in range(10)]
    assert answers in ([b"a", b"b"] * 5, [b"b", b"a"] * 5)
    assert [each.connected for each in backends] == [1, 1]


async def test_the_bound_on_connections_is_for_all_addresses_together(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    limits = PoolLimits(connections=3)
    gateway = await start_gateway(snapshot_of(listed(*backends, pool=limits)))
    for backend in backends:
        backend.gate.clear()
    clients = await asks_many(gateway, 6)
    await until(lambda: sum(each.busy for each in backends) == 3)
    assert gateway.open_upstreams == 3
    for backend in backends:
        backend.gate.set()
    assert [(await client.gets()).status for client in clients] == [200] * 6
    assert sum(each.connected for each in backends) == 3


async def test_a_full_pool_gives_an_idle_connection_up_for_the_better_address(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    gateway = await start_gateway(snapshot_of(listed(*backends, pool=PoolLimits(connections=1))))
    answers = {(await ask(gateway)).content for _ in range(4)}
    assert answers == {b"a", b"b"}
    await until(lambda: gateway.open_upstreams == 1)


@pytest.mark.row("B5", "B44")
async def test_b5_b44_a_dead_address_costs_nobody_an_error(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    backends[0].dies()
    gateway = await start_gateway(snapshot_of(listed(*backends)))
    methods = ["GET", "POST", "PUT", "DELETE"]
    answers = [await ask(gateway, method=methods[i % 4]) for i in range(200)]
    assert {(each.status, each.content) for each in answers} == {(200, b"b")}


@pytest.mark.row("B44")
async def test_b44_an_address_that_dies_costs_nobody_an_error_afterwards(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    gateway = await start_gateway(snapshot_of(listed(*backends)))
    for _ in range(4):
        await ask(gateway)
    backends[0].dies()
    await until(lambda: gateway.open_upstreams == 1)
    answers = [(await ask(gateway, method="POST")).content for _ in range(50)]
    assert answers == [b"b"] * 50


async def test_an_address_that_is_back_is_used_again(
    start_gateway: StartGateway, backends: list[Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing, "SHUNNED", 0.1)
    gateway = await start_gateway(snapshot_of(listed(*backends)))
    backends[0].dies()
    assert {(await ask(gateway)).content for _ in range(4)} == {b"b"}
    await backends[0].starts()
    async with asyncio.timeout(PATIENCE):
        while (await ask(gateway)).content != b"a":
            pass


@pytest.mark.row("B45")
async def test_b45_where_all_are_dead_the_first_that_is_back_is_found_at_once(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    gateway = await start_gateway(snapshot_of(listed(*backends)))
    for backend in backends:
        backend.dies()
    for _ in range(4):
        response = await ask(gateway)
        assert response.status == 502
        assert b":connection-refused" in response.content
    await backends[1].starts()
    assert (await ask(gateway)).content == b"b"


@pytest.mark.row("B45")
async def test_b45_an_api_that_goes_and_comes_back_fails_those_in_progress_and_nobody_afterwards(
    start_gateway: StartGateway, backends: list[Backend]
) -> None:
    """Three times, under the requests of six clients that must not be repeated."""
    backend, other = backends
    other.dies()
    gateway = await start_gateway(snapshot_of(listed(backend)))
    clients = [await gateway.connects() for _ in range(6)]

    async def all_get(method: str = "POST") -> set[int]:
        return {(await client.gets(method)).status for client in clients}

    async def all_ask(method: str = "POST") -> None:
        for client in clients:
            await client.asks("/", ORIGIN, method=method)

    for _ in range(3):
        backend.gate.clear()
        await all_ask()
        await until(lambda: backend.busy == 6)
        backend.dies()
        assert await all_get() == {502}
        for _ in range(5):
            await all_ask()
            assert await all_get() == {502}
        before = len(backend.lines)
        backend.gate.set()
        await backend.starts()
        for _ in range(20):
            await all_ask()
            assert await all_get() == {200}
        assert len(backend.lines) == before + 120
    problems = Counter(record.problem for record in gateway.records if record.problem)
    assert problems == {"connection-terminated": 18, "connection-refused": 90}
    assert [level for level, _ in gateway.told[:2]] == ["warning", "info"]


async def test_what_may_be_sent_again_goes_to_another_address(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    async def answer_once(peer: RawPeer) -> None:
        await api.reads_request(peer)
        await peer.sends(OK)
        await api.reads_request(peer)
        peer.closes()

    api.runs(answer_once)
    other = await Backend("other").starts()
    endpoints = (Endpoint("127.0.0.1", api.port), Endpoint("127.0.0.1", other.port))
    gateway = await start_gateway(snapshot_of(route_to(0, upstream={"endpoints": endpoints})))
    answers = [(await ask(gateway)).content for _ in range(4)]
    assert sorted(answers) == [b"ok", b"other", b"other", b"other"]
    assert len(api.heads) == 2
    other.dies()


async def test_unix_sockets_and_ports_stand_in_one_list(
    start_gateway: StartGateway, backends: list[Backend], unix_path: str
) -> None:
    local = await Backend("local", path=unix_path).starts()
    gateway = await start_gateway(snapshot_of(listed(backends[0], local)))
    assert {(await ask(gateway)).content for _ in range(6)} == {b"a", b"local"}
    assert (local.connected, backends[0].connected) == (1, 1)
    local.dies()


async def test_a_unix_socket_that_is_made_anew_is_used(
    start_gateway: StartGateway, unix_path: str
) -> None:
    gateway = await start_gateway(snapshot_of(listed(Backend("x", path=unix_path))))
    assert b":connection-refused" in (await ask(gateway)).content
    local = await Backend("local", path=unix_path).starts()
    assert (await ask(gateway)).content == b"local"
    local.dies()
    await until(lambda: gateway.open_upstreams == 0)
    assert b":connection-refused" in (await ask(gateway)).content


# Names.


async def test_all_addresses_of_a_name_are_used(
    start_gateway: StartGateway, backends: list[Backend], zone: Zone
) -> None:
    zone.answers["api.test"] = list(HOSTS)
    gateway = await start_gateway(snapshot_of(named(backends[0].port)))
    assert {(await ask(gateway)).content for _ in range(6)} == {b"a", b"b"}
    assert zone.asked == ["api.test"]


@pytest.mark.parametrize("dead", ["::1", "127.0.0.3"])
@pytest.mark.row("B5")
async def test_b5_a_dead_address_of_a_name_costs_nobody_an_error(
    start_gateway: StartGateway, backends: list[Backend], zone: Zone, dead: str
) -> None:
    zone.answers["api.test"] = [dead, "127.0.0.1"]
    gateway = await start_gateway(snapshot_of(named(backends[0].port)))
    answers = [(await ask(gateway, method="POST")).content for _ in range(20)]
    assert answers == [b"a"] * 20


@pytest.mark.parametrize("form", ["a name", "a list"])
@pytest.mark.row("B5")
async def test_b5_a_black_hole_costs_its_head_start_and_not_the_timeout(
    start_gateway: StartGateway, zone: Zone, form: str
) -> None:
    port = free_port("127.0.0.1", "127.0.0.2")
    good = await Backend("good", "127.0.0.1", port=port).starts()
    with black_hole("127.0.0.2", port):
        zone.answers["api.test"] = ["127.0.0.2", "127.0.0.1"]
        route = named(port, timeouts=LONG)
        if form == "a list":
            route = listed(Backend("x", "127.0.0.2", port=port), good, timeouts=LONG)
        gateway = await start_gateway(snapshot_of(route))
        answers = [(await ask(gateway, method="POST")).content for _ in range(10)]
        assert answers == [b"good"] * 10
    good.dies()


@pytest.mark.row("B2")
async def test_b2_where_every_address_is_a_black_hole_it_is_a_504_in_time(
    start_gateway: StartGateway, zone: Zone
) -> None:
    port = free_port("127.0.0.1", "127.0.0.2")
    zone.answers["api.test"] = list(HOSTS)
    with black_hole("127.0.0.1", port), black_hole("127.0.0.2", port):
        timeouts = UpstreamTimeouts(connect=0.6)
        gateway = await start_gateway(snapshot_of(named(port, timeouts=timeouts)))
        response = await ask(gateway)
        assert (response.status, response.value("Proxy-Status")) == (
            504,
            b"cors-gateway; error=connection_timeout",
        )
        assert gateway.open_upstreams == 0


@pytest.mark.row("B3")
async def test_b3_a_name_that_does_not_resolve_is_a_502_and_is_asked_for_again(
    start_gateway: StartGateway, backends: list[Backend], zone: Zone
) -> None:
    gateway = await start_gateway(snapshot_of(named(backends[0].port)))
    response = await ask(gateway)
    assert (response.status, response.value("Proxy-Status")) == (
        502,
        b"cors-gateway; error=dns_error",
    )
    zone.answers["api.test"] = ["127.0.0.1"]
    assert (await ask(gateway)).content == b"a"


@pytest.mark.row("B3")
async def test_b3_a_resolver_that_hangs_is_a_504_and_delays_no_other_route(
    start_gateway: StartGateway, backends: list[Backend], zone: Zone
) -> None:
    zone.answers |= {f"slow{i}.test": zone.hangs for i in range(20)}
    zone.answers["api.test"] = ["127.0.0.1"]
    port = backends[0].port
    timeouts = UpstreamTimeouts(connect=1.5)
    slow = [named(port, f"slow{i}.test", timeouts=timeouts) for i in range(20)]
    routes = [
        Route(name=f"r{i}", path=b"/slow%d" % i, upstream=route.upstream, policy=route.policy)
        for i, route in enumerate(slow)
    ]
    gateway = await start_gateway(snapshot_of(*routes, named(port)))
    waiting = [await gateway.connects() for _ in routes]
    for i, client in enumerate(waiting):
        await client.asks(f"/slow{i}")
    await until(lambda: len(zone.asked) == 20)
    assert [(await ask(gateway)).content for _ in range(5)] == [b"a"] * 5
    assert not any(client.unread for client in waiting)
    for client in waiting:
        response = await client.gets()
        assert (response.status, response.value("Proxy-Status")) == (
            504,
            b"cors-gateway; error=dns_timeout",
        )
    assert gateway.open_upstreams == 1, "the one that is kept for the route that works"


async def test_a_name_that_hangs_does_not_keep_another_of_the_list_from_serving(
    start_gateway: StartGateway, backends: list[Backend], zone: Zone
) -> None:
    zone.answers |= {"slow.test": zone.hangs, "api.test": ["127.0.0.1"]}
    port = backends[0].port
    endpoints = (Endpoint("slow.test", port), Endpoint("api.test", port))
    route = route_to(port, upstream={"endpoints": endpoints, "timeouts": LONG})
    gateway = await start_gateway(snapshot_of(route))
    assert [(await ask(gateway)).content for _ in range(3)] == [b"a"] * 3


@pytest.mark.row("B4")
async def test_b4_a_name_that_moves_is_followed_after_a_connect_error_at_once(
    start_gateway: StartGateway,
    backends: list[Backend],
    zone: Zone,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resolver, "PAUSE", 0)
    zone.answers["api.test"] = ["127.0.0.1"]
    gateway = await start_gateway(snapshot_of(named(backends[0].port)))
    assert (await ask(gateway)).content == b"a"
    zone.answers["api.test"] = ["127.0.0.2"]
    backends[0].dies()
    await until(lambda: gateway.open_upstreams == 0)
    assert (await ask(gateway, method="POST")).content == b"b"


@pytest.mark.row("B4")
async def test_b4_a_name_that_moves_is_followed_before_its_answer_is_too_old(
    start_gateway: StartGateway,
    backends: list[Backend],
    zone: Zone,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resolver, "RENEWED", 0.1)
    monkeypatch.setattr(resolver, "PAUSE", 0.05)
    zone.answers["api.test"] = ["127.0.0.1"]
    gateway = await start_gateway(snapshot_of(named(backends[0].port)))
    assert (await ask(gateway)).content == b"a"
    zone.answers["api.test"] = ["127.0.0.2"]
    # The idle connection to where it was is closed, although that API lives.
    await until(lambda: not backends[0].transports)
    assert (await ask(gateway)).content == b"b"
    assert backends[0].lines == ["GET / HTTP/1.1"]


@pytest.mark.row("B4")
async def test_b4_a_response_from_where_the_name_was_ends_in_order(
    start_gateway: StartGateway,
    backends: list[Backend],
    zone: Zone,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resolver, "RENEWED", 0.1)
    monkeypatch.setattr(resolver, "PAUSE", 0.05)
    zone.answers["api.test"] = ["127.0.0.1"]
    gateway = await start_gateway(snapshot_of(named(backends[0].port)))
    backends[0].gate.clear()
    (client,) = await asks_many(gateway, 1)
    await until(lambda: backends[0].busy == 1)
    zone.answers["api.test"] = ["127.0.0.2"]
    await until(lambda: zone.asked.count("api.test") > 2)
    assert (await ask(gateway)).content == b"b"
    backends[0].gate.set()
    assert (await client.gets()).content == b"a"
    await until(lambda: not backends[0].transports)


async def test_a_name_out_of_use_is_asked_for_again_before_it_is_connected_to(
    start_gateway: StartGateway,
    backends: list[Backend],
    zone: Zone,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resolver, "KEPT", 0.2)
    zone.answers["api.test"] = ["127.0.0.1"]
    limits = PoolLimits(idle=0.05)
    gateway = await start_gateway(snapshot_of(named(backends[0].port, pool=limits)))
    assert (await ask(gateway)).content == b"a"
    zone.answers["api.test"] = ["127.0.0.2"]
    await asyncio.sleep(0.5)
    assert zone.asked == ["api.test"]
    assert (await ask(gateway)).content == b"b"


async def test_two_routes_to_one_name_ask_for_it_once(
    start_gateway: StartGateway, backends: list[Backend], zone: Zone
) -> None:
    zone.answers["api.test"] = ["127.0.0.1"]
    first = named(backends[0].port)
    second = Route(name="b", path=b"/b", upstream=named(backends[1].port).upstream)
    gateway = await start_gateway(snapshot_of(first, second))
    assert {(await ask(gateway, path=path)).content for path in ("/", "/b")} == {b"a"}
    assert zone.asked == ["api.test"]


async def test_without_a_client_nothing_goes_on_being_tried(
    start_gateway: StartGateway, zone: Zone
) -> None:
    port = free_port(*HOSTS)
    zone.answers["api.test"] = ["127.0.0.1"]
    with black_hole("127.0.0.1", port):
        gateway = await start_gateway(snapshot_of(named(port, timeouts=LONG)))
        (client,) = await asks_many(gateway, 1)
        await until(lambda: gateway.open_upstreams == 1)
        client.closes()
        await until(lambda: gateway.open_upstreams == 0)
        mine = asyncio.current_task()
        await until(
            lambda: {task.get_name() for task in asyncio.all_tasks() - {mine}} <= {"api"},
        )
