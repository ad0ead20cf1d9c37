"""Health checks: what an API's addresses are asked, what counts as well, and what follows."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from cors_gateway.snapshot import Endpoint, HealthCheck, Route, UpstreamTls
from cors_gateway.wire import health
from tests.wire.backends import Backend, Zone
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of, until
from tests.wire.raw_client import Response
from tests.wire.raw_peer import End, RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream

DOWN = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


CHECK = (
    b"GET /health?deep=1 HTTP/1.1\r\nHost: api.internal\r\nUser-Agent: cors-gateway\r\n"
    b"Accept: */*\r\nConnection: close\r\n\r\n"
)


class Api(ScriptedUpstream):
    """An API that is asked for its health, beside requests."""

    def __init__(self, name: bytes) -> None:
        super().__init__()
        self.name = name
        self.health: bytes = OK
        self.checks: list[bytes] = []
        """The heads that asked for its health."""
        self.ends: list[End | None] = []
        """How the connections of checks ended."""
        self.runs(self.answer)

    async def answer(self, peer: RawPeer) -> None:
        while True:
            head = await self.reads_request(peer)
            if b" /health" not in head:
                content = OK.replace(b"2\r\n\r\nok", b"1\r\n\r\n" + self.name)
                await peer.sends(content)
                continue
            self.checks.append(self.heads.pop())
            await peer.sends(self.health)
            assert await peer.sees_rest() == b""
            self.ends.append(peer.end)
            raise ConnectionError

    async def says(self, answer: bytes, times: int = 2) -> None:
        """Answer checks by this, and wait until some have been."""
        self.health = answer
        count = len(self.ends) + times
        await until(lambda: len(self.ends) >= count)


@pytest.fixture
async def apis() -> AsyncIterator[tuple[Api, Api]]:
    pair = Api(b"a"), Api(b"b")
    yield pair
    for each in pair:
        await each.close()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FIRST", 0.01)


def checked(*apis: Api, **settings: Any) -> Route:
    """Make a route to these, which are asked for their health."""
    check = HealthCheck(
        **{
            "target": b"/health?deep=1",
            "authority": b"api.internal",
            "interval": 0.02,
            "timeout": 30,
            **settings,
        }
    )
    endpoints = tuple(Endpoint("127.0.0.1", each.port) for each in apis)
    return route_to(
        apis[0].port,
        upstream={
            "url": "http://api",
            "endpoints": endpoints,
            "base_path": b"/v1",
            "health_check": check,
        },
    )


async def ask(gateway: Gateway) -> Response:
    client = await gateway.connects()
    await client.asks("/", f"Origin: {APP}")
    response = await client.gets()
    client.closes()
    return response


async def asks(gateway: Gateway, count: int = 6) -> set[bytes]:
    return {(await ask(gateway)).content for _ in range(count)}


def is_used(gateway: Gateway, used: int) -> Callable[[], bool]:
    def now() -> bool:
        (pool,) = gateway.plane.pools.values()
        return pool.usage().used == used

    return now


async def test_each_address_is_asked_before_any_request_comes(
    start_gateway: StartGateway, apis: tuple[Api, Api]
) -> None:
    gateway = await start_gateway(snapshot_of(checked(*apis)))
    for api in apis:
        await api.says(OK)
        assert set(api.checks) == {CHECK}
        assert api.heads == []
        assert set(api.ends) == {End.CLOSED}
    assert gateway.records == [], "a check is no request"
    assert gateway.told == []


@pytest.mark.row("B44")
async def test_b44_an_address_that_fails_its_checks_is_not_used_until_it_passes_one(
    start_gateway: StartGateway, apis: tuple[Api, Api]
) -> None:
    """It still answers requests, so that nothing but the checks can tell."""
    gateway = await start_gateway(snapshot_of(checked(*apis)))
    assert await asks(gateway) == {b"a", b"b"}
    await apis[0].says(DOWN)
    await until(is_used(gateway, 1))
    address = f"upstream http://api: 127.0.0.1:{apis[0].port}"
    gone = "warning", f"{address} is not used for now: health check: status 503"
    assert gateway.told == [gone]
    assert await asks(gateway) == {b"b"}
    await apis[0].says(OK)
    await until(is_used(gateway, 2))
    assert await asks(gateway) == {b"a", b"b"}
    assert gateway.told == [gone, ("info", f"{address} is used again")]


@pytest.mark.row("B44")
async def test_b44_where_all_fail_their_checks_requests_are_tried_all_the_same(
    start_gateway: StartGateway, apis: tuple[Api, Api]
) -> None:
    gateway = await start_gateway(snapshot_of(checked(*apis)))
    for api in apis:
        await api.says(DOWN)
    await until(is_used(gateway, 0))
    assert await asks(gateway) == {b"a", b"b"}
    assert {level for level, _ in gateway.told} == {"warning"}, "a request proves no health"
    await until(is_used(gateway, 0))


async def test_one_check_that_fails_is_no_reason(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    api.answers(*[DOWN, OK] * 3)
    check = HealthCheck(b"/", b"api", 0.01, 30)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"health_check": check})))
    await until(lambda: len(api.heads) > 6)
    assert gateway.told == []


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "answer, statuses, trouble",
    [
        pytest.param(OK, (), "", id="200"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", (), "", id="204"),
        pytest.param(CHUNKED, (), "", id="chunks"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK, (), "", id="an interim one first"),
        pytest.param(OK + b"more", (), "", id="more than was announced"),
        pytest.param(
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", (), "status 302", id="302"
        ),
        pytest.param(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", (200, 401), "", id="listed"),
        pytest.param(OK, (204,), "status 200", id="not listed"),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + OK,
            (),
            "response-malformed",
            id="another protocol",
        ),
        pytest.param(b"SSH-2.0-x\r\n\r\n", (), "response-malformed", id="no HTTP"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            (),
            "response-malformed",
            id="a length that is none",
        ),
    ],
)
async def test_what_counts_as_well(
    start_gateway: StartGateway,
    apis: tuple[Api, Api],
    answer: bytes,
    statuses: tuple[int, ...],
    trouble: str,
) -> None:
    apis[0].health = DOWN if not trouble else OK.replace(b"200 OK", b"204 OK")
    route = checked(apis[0], statuses=frozenset(statuses))
    gateway = await start_gateway(snapshot_of(route))
    if not trouble:
        await until(is_used(gateway, 0))
        apis[0].health = answer
        await until(is_used(gateway, 1))
        return
    apis[0].health = answer
    await until(is_used(gateway, 0))
    assert gateway.told[0][1].endswith(f" cannot be used: health check: {trouble}")


@pytest.mark.parametrize(
    "sent, closes, trouble",
    [
        pytest.param(b"", True, "connection-terminated", id="closed without a word"),
        pytest.param(OK[:-1], True, "response-incomplete", id="content that breaks off"),
        pytest.param(b"", False, "response-timeout", id="silence"),
        pytest.param(b"HTTP/1.1 200 OK\r\n", False, "response-timeout", id="half a head"),
    ],
)
async def test_what_is_said_of_an_api_that_breaks_off_or_is_silent(
    start_gateway: StartGateway, api: ScriptedUpstream, sent: bytes, closes: bool, trouble: str
) -> None:
    async def answer(peer: RawPeer) -> None:
        await api.reads_request(peer)
        await peer.sends(sent)
        if closes:
            peer.closes()
        else:
            await peer.sees_end(End.RESET)

    api.runs(answer)
    route = route_to(
        api.port, upstream={"health_check": HealthCheck(b"/", b"api", 0.01, 30 if closes else 0.4)}
    )
    gateway = await start_gateway(snapshot_of(route))
    await until(lambda: bool(gateway.told))
    ((_, sentence),) = gateway.told
    assert sentence.endswith(f" cannot be used: health check: {trouble}")


async def test_content_without_end_does_not_make_an_api_unwell(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    async def answer(peer: RawPeer) -> None:
        await api.reads_request(peer)
        await peer.sends(b"HTTP/1.1 200 OK\r\n\r\nup")
        await peer.sees_end(End.RESET)

    api.runs(answer)
    check = HealthCheck(b"/", b"api", 0.01, 0.4)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"health_check": check})))
    await until(lambda: len(api.heads) > 3)
    assert gateway.told == []


@pytest.mark.parametrize("status, said", [(b"200", ""), (b"503", "health check: status 503")])
async def test_of_content_without_end_a_part_is_read_and_the_status_counts(
    start_gateway: StartGateway, api: ScriptedUpstream, status: bytes, said: str
) -> None:
    async def flood(peer: RawPeer) -> None:
        await api.reads_request(peer)
        await peer.sends(b"HTTP/1.1 %b X\r\nContent-Length: 99999999999\r\n\r\n" % status)
        while True:
            await peer.sends(bytes(health.MAX_CONTENT))

    api.runs(flood)
    check = HealthCheck(b"/", b"api", 0.01, 3600)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"health_check": check})))
    await until(lambda: len(api.heads) > 3)
    assert [sentence.endswith(said) for _, sentence in gateway.told] == [True] * bool(said)


async def test_an_address_that_is_away_and_comes_is_found_by_its_checks(
    start_gateway: StartGateway,
) -> None:
    backend = await Backend("a").starts()
    backend.dies()
    check = HealthCheck(b"/", b"api", 0.02, 30)
    route = route_to(backend.port, upstream={"health_check": check})
    gateway = await start_gateway(snapshot_of(route))
    await until(lambda: len(gateway.told) == 1)
    await backend.starts()
    await until(lambda: len(gateway.told) == 2)
    (_, gone), (_, back) = gateway.told
    assert gone.endswith(" cannot be used: health check: connection-refused")
    assert back.endswith(" can be used again")
    backend.dies()


async def test_the_addresses_of_a_name_are_asked(
    start_gateway: StartGateway, apis: tuple[Api, Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = Zone(**{"api.test": ["127.0.0.1"]})
    monkeypatch.setattr(socket, "getaddrinfo", zone.getaddrinfo)
    api = apis[0]
    check = HealthCheck(b"/health", b"api.test", 0.02, 30)
    endpoints = (Endpoint("api.test", api.port),)
    route = route_to(0, upstream={"endpoints": endpoints, "health_check": check})
    await start_gateway(snapshot_of(route))
    await api.says(OK)
    zone.releases()


def proves(name: str, authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_an_api_over_tls_is_asked_over_tls_and_must_prove_itself(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = UpstreamTls("api.internal", str(tmp_path / "ca.pem"))
    check = HealthCheck(b"/health", b"api.internal", 0.02, 30)
    backend = await Backend("a", tls=proves("api.internal", authority)).starts()
    route = route_to(backend.port, upstream={"health_check": check, "tls": tls})
    gateway = await start_gateway(snapshot_of(route))
    await until(lambda: len(backend.lines) > 1)
    assert gateway.told == []
    backend.dies()
    backend.tls = proves("api.internal", stranger)
    await backend.starts()
    await until(lambda: bool(gateway.told))
    assert gateway.told[0][0] == "warning"
    backend.dies()


async def test_a_check_waits_for_no_other_and_ends_with_the_gateway(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    """One address is asked once at a time, and a stop leaves nothing behind (see the fixture)."""
    check = HealthCheck(b"/", b"api", 0.01, 30)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"health_check": check})))
    peer = await api.accepts()
    await peer.sees_head()
    await api.accepts_nobody()
    await gateway.plane.drain(0)
    await peer.sees_end(End.RESET)


async def test_what_the_gateway_lacks_itself_says_nothing_of_the_api(
    start_gateway: StartGateway, apis: tuple[Api, Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    def lack(*_: object) -> int:
        nonlocal tries
        tries += 1
        return errno.EMFILE

    class Lacking(socket.socket):
        connect_ex = lack

    gateway = await start_gateway(snapshot_of(checked(apis[0])))
    await apis[0].says(OK)
    with monkeypatch.context() as patched:
        patched.setattr("cors_gateway.wire.dialing.socket.socket", Lacking)
        await until(lambda: tries > 4)
    assert gateway.told == []
    await apis[0].says(OK)


async def test_two_routes_to_one_api_ask_it_once(
    start_gateway: StartGateway, apis: tuple[Api, Api]
) -> None:
    first = checked(apis[0], interval=3600)
    second = Route(name="b", path=b"/b", upstream=checked(apis[0], interval=3600).upstream)
    await start_gateway(snapshot_of(first, second))
    await apis[0].says(OK, times=1)
    await asyncio.sleep(0.1)
    assert len(apis[0].checks) == 1


async def test_after_a_reload_those_are_asked_that_are_named_now(
    start_gateway: StartGateway, apis: tuple[Api, Api]
) -> None:
    gateway = await start_gateway(snapshot_of(checked(apis[0])))
    await apis[0].says(OK)
    gateway.plane.go_over_to(snapshot_of(checked(apis[1])), {})
    await apis[1].says(OK)
    asked = len(apis[0].checks)
    await apis[1].says(OK, times=5)
    assert len(apis[0].checks) == asked
