"""How long a client's connection lives: who is closed is told first, and who is not told is served."""

import asyncio
import contextlib

import pytest

from cors_gateway.snapshot import Limits, Timeouts
from cors_gateway.wire.downstream import DownstreamConnection
from tests.wire.conftest import StartGateway
from tests.wire.conversation import ask_through, assert_next_is_served
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of, until
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import End
from tests.wire.scripted_upstream import OK, ScriptedUpstream

GET = b"GET /%d HTTP/1.1\r\nHost: gw.example\r\n%b\r\n"
HOST = b" HTTP/1.1\r\nHost: gw.example\r\n"
PREFLIGHT = b"Access-Control-Request-Method: PUT\r\n\r\n"


@pytest.mark.row("A14")
async def test_a_hundred_requests_behind_a_slow_one_keep_their_order(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """Reading pauses meanwhile, and the API gets one request after the other."""
    client, peer = await ask_through(gateway, api)
    requests = b"".join(GET % (i, b"X: %b\r\n" % (b"y" * 4000)) for i in range(100))
    sending = asyncio.ensure_future(client.sends(requests))
    (connection,) = gateway.plane.connections
    assert isinstance(connection, DownstreamConnection)
    transport = connection._socket.transport
    assert transport is not None
    await until(lambda: not transport.is_reading())
    held = len(connection._heads.unread)
    assert held < 512 * 1024
    await peer.sees_nothing()
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"
    for number in range(100):
        assert (await peer.sees_head()).startswith(b"GET /%d HTTP/1.1\r\n" % number)
        assert peer.unread == b""
        token = b"%d" % number
        await peer.sends(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(token) + token)
        assert (await client.gets()).content == token
    await sending
    await assert_next_is_served(gateway, api, client=client, peer=peer)


@pytest.mark.row("A13")
async def test_a_pipelined_request_that_fails_harms_no_other(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.sends(GET % (1, b"") + GET % (2, b"") + GET % (3, b""))
    peer = await api.accepts()
    assert (await peer.sees_head()).startswith(b"GET /1 ")
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"
    assert (await peer.sees_head()).startswith(b"GET /2 ")
    await peer.sends(b"nonsense\r\n\r\n")
    assert (await client.gets()).status == 502
    await peer.sees_end(End.RESET)
    peer = await api.accepts()
    assert (await peer.sees_head()).startswith(b"GET /3 ")
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"


TOLD = [
    pytest.param(b"GET /api" + HOST + b"Connection: close\r\n\r\n", 200, id="as it asked for"),
    pytest.param(b"GET /api HTTP/1.0\r\n\r\n", 200, id="HTTP/1.0"),
    pytest.param(b"GET /api HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, id="1.0 keep-alive"),
    pytest.param(b"GET /elsewhere" + HOST + b"Connection: close\r\n\r\n", 404, id="404, asked for"),
    pytest.param(b"POST /api" + HOST + b"Content-Length: 99\r\n\r\n", 413, id="too much content"),
    pytest.param(b"POST /x" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", 404, id="404, chunks"),
    pytest.param(b"GET /api" + HOST + b"A : b\r\n\r\n", 400, id="a malformed head"),
    pytest.param(b"GET /api HTTP/1.1\r\n\r\n", 400, id="no Host"),
    pytest.param(b"BREW /api" + HOST + b"\r\n", 501, id="a method never heard of", marks=pytest.mark.row("A29")),
    pytest.param(b"GET /api HTTP/1.2\r\nHost: gw.example\r\n\r\n", 505, id="a version never heard of"),
]  # fmt: skip
NOT_TOLD = [
    pytest.param(b"GET /api" + HOST + b"\r\n", 200, id="an answer of the API"),
    pytest.param(b"GET /api" + HOST + b"Connection: keep-alive\r\n\r\n", 200, id="keep-alive"),
    pytest.param(b"GET /nobody" + HOST + b"\r\n", 502, id="an API that is away"),
    pytest.param(b"GET /elsewhere" + HOST + b"\r\n", 404, id="no route"),
    pytest.param(b"TRACE /api" + HOST + b"\r\n", 405, id="TRACE", marks=pytest.mark.row("A28")),
    pytest.param(b"TRACE /api" + HOST + b"Max-Forwards: 0\r\n\r\n", 405, id="TRACE to us", marks=pytest.mark.row("A28")),
    pytest.param(b"OPTIONS *" + HOST + b"\r\n", 204, id="OPTIONS *", marks=pytest.mark.row("A27")),
    pytest.param(b"OPTIONS /api" + HOST + b"Max-Forwards: 0\r\n\r\n", 204, id="OPTIONS to us", marks=pytest.mark.row("A27")),
    pytest.param(b"OPTIONS /api" + HOST + b"Origin: " + APP.encode() + b"\r\n" + PREFLIGHT, 204, id="a preflight"),
    pytest.param(b"OPTIONS /api" + HOST + b"Origin: https://evil\r\n" + PREFLIGHT, 403, id="a preflight refused"),
    pytest.param(b"GET /api" + HOST + b"Expect: foo\r\n\r\n", 417, id="an expectation", marks=pytest.mark.row("A21")),
    pytest.param(b"POST /x" + HOST + b"Content-Length: 2\r\n\r\nhi", 404, id="404, content", marks=pytest.mark.row("A15")),
]  # fmt: skip


@pytest.fixture
async def small(start_gateway: StartGateway, api: ScriptedUpstream) -> Gateway:
    """One API that answers, one that is away, and everything else is 404."""
    api.answers(OK)
    routes = route_to(api.port, path=b"/api"), route_to(1, name="away", path=b"/nobody")
    return await start_gateway(snapshot_of(*routes, limits=Limits(content_bytes=10)))


@pytest.mark.row("A16")
@pytest.mark.parametrize("request_bytes, status", TOLD)
async def test_who_is_closed_is_told_and_nothing_behind_it_is_served(
    small: Gateway, api: ScriptedUpstream, request_bytes: bytes, status: int
) -> None:
    client = await small.connects()
    await client.sends(request_bytes + b"GET /api/admin" + HOST + b"\r\n")
    response = await client.gets()
    assert (response.status, response.closes) == (status, True)
    await client.sees_end(End.CLOSED)
    assert not any(b"/admin" in head for head in api.heads)
    again = await small.connects()
    await again.asks("/api")
    assert (await again.gets()).content == b"ok"


@pytest.mark.row("A33")
@pytest.mark.parametrize("request_bytes, status", NOT_TOLD)
async def test_who_is_not_told_is_served_again(
    small: Gateway, api: ScriptedUpstream, request_bytes: bytes, status: int
) -> None:
    client = await small.connects()
    for _ in range(3):
        await client.sends(request_bytes)
        response = await client.gets()
        assert (response.status, response.values("Connection")) == (status, [])
    await client.asks("/api")
    assert (await client.gets()).content == b"ok"


@pytest.mark.row("A28")
@pytest.mark.parametrize(
    "request_bytes",
    [
        b"CONNECT gw.example:443" + HOST,
        b"CONNECT 127.0.0.1:22" + HOST,
        b"TRACE /api" + HOST + b"Cookie: a=secret\r\nContent-Length: 0\r\n",
    ],
)
async def test_neither_a_tunnel_nor_an_echo_is_to_be_had(
    small: Gateway, api: ScriptedUpstream, request_bytes: bytes
) -> None:
    client = await small.connects()
    await client.sends(request_bytes + b"\r\n")
    response = await client.gets()
    assert (response.status, response.value("Allow")) == (405, b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")  # fmt: skip
    assert b"secret" not in response.content
    assert api.connections == []
    other = await small.connects()
    await other.asks("/api")
    assert (await other.gets()).content == b"ok"


@pytest.fixture
async def impatient(start_gateway: StartGateway, api: ScriptedUpstream) -> Gateway:
    api.answers(OK)
    timeouts = Timeouts(head=30, keep_alive=0.8)
    return await start_gateway(snapshot_of(route_to(api.port), timeouts=timeouts))


async def test_empty_lines_do_not_keep_an_idle_connection(impatient: Gateway) -> None:
    client = await impatient.connects()
    await client.asks()
    assert (await client.gets()).content == b"ok"
    knocking = asyncio.ensure_future(knocks(client))
    await client.sees_end()
    knocking.cancel()
    await asyncio.wait({knocking})


async def knocks(client: RawClient) -> None:
    with contextlib.suppress(OSError):
        while True:
            await client.sends(b"\r\n")
            await asyncio.sleep(0.05)


async def test_who_has_begun_to_ask_is_no_longer_idle(
    impatient: Gateway, api: ScriptedUpstream
) -> None:
    client = await impatient.connects()
    await client.asks()
    assert (await client.gets()).content == b"ok"
    await client.sends(b"GET / HTTP/1.1\r\n")
    await client.sees_nothing(1.2)
    await client.sends(b"Host: gw.example\r\n\r\n")
    assert (await client.gets()).content == b"ok"


async def test_a_client_that_waits_for_an_answer_is_not_idle(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    quick = Timeouts(head=0.5, content=0.5, write=0.5, keep_alive=0.5)
    gateway = await start_gateway(snapshot_of(route_to(api.port), timeouts=quick))
    client, peer = await ask_through(gateway, api)
    await client.sees_nothing(0.9)
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"


@pytest.mark.row("A12")
async def test_who_says_goodbye_with_its_request_is_gone(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.asks()
    client.says_no_more()
    await client.sees_end()
    assert (await gateway.record()).status == 499
    await until(lambda: not gateway.open_upstreams)


@pytest.mark.row("A12")
async def test_who_says_goodbye_in_the_middle_of_a_response_is_gone(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await ask_through(gateway, api)
    await peer.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    await client.sees_head()
    await client.sees(b"abc")
    client.says_no_more()
    await client.sees_end()
    await peer.sees_end()
    record = await gateway.record()
    assert (record.status, record.problem) == (200, "client-gone")
    await assert_next_is_served(gateway, api)


@pytest.mark.row("A12")
async def test_who_says_goodbye_between_two_requests_is_closed_without_a_word(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await ask_through(gateway, api)
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"
    client.says_no_more()
    await client.sees_end(End.CLOSED)
    await assert_next_is_served(gateway, api, peer=peer)


CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.row("A18")
@pytest.mark.parametrize(
    "version, field, sent, broken, end",
    [
        pytest.param(b"1.0", b"", b"abc", b"", End.RESET, id="until close"),
        pytest.param(b"1.1", CHUNKED, b"3\r\nabc\r\n", b"1\r\n", End.RESET, id="chunked"),
        pytest.param(b"1.1", CHUNKED, b"3\r\nabc\r\n", b"z\r\n", End.RESET, id="a broken chunk"),
        pytest.param(b"1.1", b"Content-Length: 9\r\n", b"abc", b"", End.CLOSED, id="counted"),
    ],
)
async def test_http_1_0_can_tell_that_content_broke_off(
    gateway: Gateway,
    api: ScriptedUpstream,
    version: bytes,
    field: bytes,
    sent: bytes,
    broken: bytes,
    end: End,
) -> None:
    """Where the length is told, it can count; elsewhere an orderly end would look whole."""
    client = await gateway.connects()
    await client.sends(b"GET / HTTP/1.0\r\n\r\n")
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(b"HTTP/" + version + b" 200 OK\r\n" + field + b"\r\n" + sent)
    head = await client.sees_head()
    assert b"ransfer-" not in head
    assert b"\r\nConnection: close\r\n" in head
    await client.sees(b"abc")
    await peer.sends(broken)
    peer.resets()
    await client.sees_end(end)
    await assert_next_is_served(gateway, api)
