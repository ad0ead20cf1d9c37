"""Clients that are slow, broken, gone or unusual: the rows A1 to A32."""

import asyncio

import pytest

from cors_gateway.snapshot import Limits, Timeouts
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of, until
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import PATIENCE, End
from tests.wire.scripted_upstream import OK, ScriptedUpstream

CHUNKED = "Transfer-Encoding: chunked"
QUICK = Timeouts(head=0.15, content=0.5, write=0.15, keep_alive=PATIENCE)
"""What a test has to do in time is not among these, or has long enough on a busy machine."""


@pytest.fixture
async def impatient(start_gateway: StartGateway, api: ScriptedUpstream) -> Gateway:
    """A gateway that waits for nobody."""
    return await start_gateway(snapshot_of(route_to(api.port), timeouts=QUICK))


@pytest.mark.row("A1")
async def test_a1_who_says_nothing_is_let_go(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    timeouts = Timeouts(head=0.15)
    gateway = await start_gateway(snapshot_of(route_to(api.port), timeouts=timeouts))
    client = await gateway.connects()
    await client.sees_end(End.CLOSED)
    await api.accepts_nobody()
    assert gateway.records == []


@pytest.mark.row("A2")
async def test_a2_half_a_request_line_is_answered_in_time(impatient: Gateway) -> None:
    client = await impatient.connects()
    await client.sends(b"GET / HT")
    assert (await client.gets()).status == 408
    await client.sees_end(End.CLOSED)


@pytest.mark.row("A3")
async def test_a3_a_head_is_timed_from_its_first_byte(impatient: Gateway) -> None:
    client = await impatient.connects()
    # To the end it would drip for more than ten seconds, which nothing here waits for.
    dripping = client.loop.create_task(_drip(client))
    assert (await client.gets()).status == 408
    dripping.cancel()


async def _drip(client: RawClient) -> None:
    for byte in b"GET / HTTP/1.1\r\nHost: gw.example\r\n" + b"X: y\r\n" * 100:
        await client.sends(bytes([byte]))
        await asyncio.sleep(0.02)


@pytest.mark.row("A4")
async def test_a4_a_hundred_slow_heads_hold_nobody_up(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    gateway = await start_gateway(snapshot_of(route_to(api.port), timeouts=Timeouts(head=2.5)))
    slow = [await gateway.connects() for _ in range(100)]
    for client in slow:
        await client.sends(b"GET / HTTP/1.1\r\nX-")
    other = await gateway.connects()
    await other.asks()
    assert (await other.gets()).status == 200
    assert len(gateway.plane.connections) == len(slow) + 1
    for client in slow:
        assert (await client.gets()).status == 408


@pytest.mark.row("A5")
async def test_a5_content_that_stalls_is_answered_and_never_complete(
    impatient: Gateway, api: ScriptedUpstream
) -> None:
    client = await impatient.connects()
    await client.asks("/", "Content-Length: 10", f"Origin: {APP}", method="POST")
    await client.sends(b"abc")
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sees(b"abc")
    response = await client.gets()
    assert response.status == 408
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    assert response.closes
    await peer.sees_end(End.RESET)


@pytest.mark.row("A6")
async def test_a6_content_that_breaks_off_is_never_complete(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.asks("/", "Content-Length: 10", method="POST")
    peer = await api.accepts()
    await peer.sees_head()
    await client.sends(b"abc")
    client.says_no_more()
    assert await peer.sees_rest() in {b"abc", b""}
    assert (await gateway.record()).status == 499


@pytest.mark.parametrize("content", [b"5\r\nhel", b"5\r\nhello\r\n", b"5\r\nhello\r\n0\r\n"])
@pytest.mark.row("A7")
async def test_a7_chunks_that_break_off_get_no_last_chunk(
    gateway: Gateway, api: ScriptedUpstream, content: bytes
) -> None:
    client = await gateway.connects()
    await client.asks("/", CHUNKED, method="POST")
    peer = await api.accepts()
    await peer.sees_head()
    await client.sends(content)
    await peer.sees(b"3\r\nhel" if content == b"5\r\nhel" else b"5\r\nhello")
    client.says_no_more()
    assert await peer.sees_rest() == b"\r\n"
    assert peer.end is End.RESET
    assert (await gateway.record()).error == "http_request_error"


@pytest.mark.row("A8")
async def test_a8_a_client_that_resets_frees_its_connection(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    client.resets()
    await peer.sees_end(End.RESET)
    assert (await gateway.record()).status == 499
    assert gateway.open_upstreams == 0


@pytest.mark.row("A9")
async def test_a9_a_client_that_leaves_an_event_stream_ends_it(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
    assert (await client.sees_head()).startswith(b"HTTP/1.1 200")
    await client.sees(b"9\r\ndata: 1\n\n\r\n")
    client.closes()
    await peer.sees_end()
    assert (await gateway.record()).problem == "client-gone"


@pytest.mark.row("A12")
async def test_a12_a_client_that_sends_no_more_is_taken_for_gone(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    client.says_no_more()
    await client.sees_end()
    await peer.sees_end()


@pytest.mark.row("A13")
async def test_a13_pipelined_requests_are_answered_in_order(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(*(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % i for i in range(3)))
    client = await gateway.connects()
    await client.sends(
        b"".join(b"GET /%d HTTP/1.1\r\nHost: gw.example\r\n\r\n" % i for i in range(3))
    )
    assert [(await client.gets()).content for _ in range(3)] == [b"0", b"1", b"2"]
    assert [head.split(b" ")[1] for head in api.heads] == [b"/0", b"/1", b"/2"]


@pytest.mark.row("A13")
async def test_a13_requests_with_content_are_pipelined_too(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    head = b"POST /%d HTTP/1.1\r\nHost: gw.example\r\n"
    await client.sends(
        head % 1 + b"Content-Length: 3\r\n\r\nabc"
        + head % 2 + b"Transfer-Encoding: chunked\r\n\r\n3\r\ndef\r\n0\r\n\r\n"
        + head % 3 + b"Content-Length: 3\r\n\r\nghi"
    )  # fmt: skip
    assert [(await client.gets()).status for _ in range(3)] == [200, 200, 200]
    assert api.contents == [b"abc", b"3\r\ndef\r\n0\r\n\r\n", b"ghi"]


@pytest.mark.row("A14")
async def test_a14_behind_a_slow_request_only_so_much_is_read(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects(receive_buffer=4096)
    await client.asks("/slow")
    peer = await api.accepts()
    await peer.sees_head()
    request = b"GET /later HTTP/1.1\r\nHost: gw.example\r\nX: %b\r\n\r\n" % (b"y" * 4000)
    sent = 0
    try:
        async with asyncio.timeout(0.4):
            while True:
                await client.loop.sock_sendall(client.sock, request)
                sent += len(request)
    except TimeoutError:
        pass
    (connection,) = gateway.plane.connections
    assert len(connection._heads.unread) < 512 * 1024  # type: ignore[attr-defined]
    assert sent < 16 * 1024 * 1024


@pytest.mark.parametrize("close_with", [b"Connection: close\r\n", b"Connection: x, Close\r\n"])
@pytest.mark.row("A16")
async def test_a16_what_follows_connection_close_is_not_served(
    gateway: Gateway, api: ScriptedUpstream, close_with: bytes
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    request = b"GET /%d HTTP/1.1\r\nHost: gw.example\r\n%b\r\n"
    await client.sends(request % (1, close_with) + request % (2, b""))
    response = await client.gets()
    assert (response.content, response.closes) == (b"ok", True)
    await client.sees_end()
    assert len(api.heads) == 1


@pytest.mark.row("A17")
async def test_a17_an_http_1_0_client_without_host_is_served(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.sends(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    response = await client.gets()
    assert (response.content, response.closes) == (b"ok", True)
    await client.sees_end(End.CLOSED)
    assert f"\r\nHost: 127.0.0.1:{api.port}\r\n".encode() in b"\r\n" + api.heads[0][16:]
    assert b"\r\nVia: 1.0 cors-gateway-" in api.heads[0]


@pytest.mark.row("A18")
async def test_a18_an_http_1_0_client_gets_no_chunks(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    client = await gateway.connects()
    await client.sends(b"GET / HTTP/1.0\r\n\r\n")
    response = await client.gets()
    assert (response.content, response.closes) == (b"hello", True)
    assert response.value("Transfer-Encoding") is None
    assert client.end is End.CLOSED


@pytest.mark.row("A18")
async def test_a18_an_http_1_0_client_sees_by_a_reset_that_content_is_missing(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.sends(b"GET / HTTP/1.0\r\n\r\n")
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
    await client.sees_head()
    peer.closes()
    await client.sees_rest()
    assert client.end is End.RESET


@pytest.mark.row("A19")
async def test_a19_content_is_asked_for_once_and_sent_once(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.asks("/", "Content-Length: 5", "Expect: 100-continue", method="POST")
    peer = await api.accepts()
    head = await peer.sees_head()
    assert b"expect" not in head.lower()
    await client.sees(b"HTTP/1.1 100 Continue\r\n\r\n")
    await peer.sends(b"HTTP/1.1 100 Continue\r\n\r\n")
    await client.sends(b"hello")
    await peer.sees(b"hello")
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"


@pytest.mark.row("A19")
async def test_a19_content_that_is_here_already_is_not_asked_for(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.asks("/", "Expect: 100-continue", method="POST", content=b"hello")
    assert (await client.gets()).status == 200
    assert api.contents == [b"hello"]


@pytest.mark.parametrize(
    "origin, target, length, status",
    [
        pytest.param("https://evil.example", "/", 5, 403, id="refused origin"),
        pytest.param(APP, "/elsewhere", 5, 404, id="no route"),
        pytest.param(APP, "/api", 5000, 413, id="too long"),
        pytest.param(APP, "/api", 5, 502, id="API away"),
    ],
)
@pytest.mark.row("A20")
async def test_a20_content_is_not_asked_for_where_it_is_not_wanted(
    start_gateway: StartGateway, origin: str, target: str, length: int, status: int
) -> None:
    from tests.wire.gateways import policy

    blocking = policy(on_disallowed_origin="block")
    route = route_to(1, path=b"/api", policy=blocking)
    root = route_to(1, name="root", path=b"/blocked", policy=blocking)
    gateway = await start_gateway(
        snapshot_of(route, root, limits=Limits(content_bytes=1000), default_policy=policy())
    )
    client = await gateway.connects()
    target = "/api" if origin != APP else target
    await client.asks(
        target, f"Origin: {origin}", f"Content-Length: {length}", "Expect: 100-continue",
        method="POST",
    )  # fmt: skip
    response = await client.gets()
    assert response.status == status
    assert response.closes
    await client.sends(b"GET /admin HTTP/1.1\r\nHost: gw.example\r\n\r\n")
    await client.sees_end()


@pytest.mark.row("A21")
async def test_a21_expect_means_nothing_in_http_1_0(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.sends(
        b"POST / HTTP/1.0\r\nHost: gw.example\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"
    )
    assert (await client.gets()).status == 200
    assert b"xpect" not in api.heads[0]


@pytest.mark.row("A21")
async def test_a21_another_expectation_fails(gateway: Gateway, api: ScriptedUpstream) -> None:
    client = await gateway.connects()
    await client.asks("/", "Expect: foo")
    assert (await client.gets()).status == 417
    await api.accepts_nobody()


@pytest.mark.parametrize("length", [11, 100_000_000])
@pytest.mark.row("A22")
async def test_a22_content_announced_too_long_is_refused_at_once(
    start_gateway: StartGateway, api: ScriptedUpstream, length: int
) -> None:
    gateway = await start_gateway(snapshot_of(route_to(api.port), limits=Limits(content_bytes=10)))
    client = await gateway.connects()
    await client.asks("/", f"Content-Length: {length}", f"Origin: {APP}", method="POST")
    response = await client.gets()
    assert (response.status, response.closes) == (413, True)
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    await api.accepts_nobody()


@pytest.mark.row("A23")
async def test_a23_content_that_grows_too_long_is_refused_when_it_does(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    gateway = await start_gateway(snapshot_of(route_to(api.port), limits=Limits(content_bytes=10)))
    client = await gateway.connects()
    await client.asks("/", CHUNKED, method="POST")
    peer = await api.accepts()
    await peer.sees_head()
    await client.sends(b"a\r\n0123456789\r\n")
    await peer.sees(b"a\r\n0123456789\r\n")
    await client.sends(b"1\r\nx\r\n")
    response = await client.gets()
    assert (response.status, response.closes) == (413, True)
    await peer.sees_end(End.RESET)


@pytest.mark.row("A25")
async def test_a25_answers_without_content_leave_the_connection_usable(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: x\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK,
    )
    client = await gateway.connects()
    await client.asks(method="HEAD")
    head = await client.gets("HEAD")
    assert (head.status, head.value("Content-Length"), head.value("ETag")) == (200, b"1000", b"x")
    await client.asks()
    assert (await client.gets()).status == 204
    await client.asks()
    assert (await client.gets()).status == 304
    await client.asks(method="HEAD")
    assert (await client.gets("HEAD")).status == 200
    await client.asks()
    assert (await client.gets()).content == b"ok"
    assert len(api.connections) == 1


@pytest.mark.row("A27")
async def test_a27_options_without_origin_is_forwarded(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.asks("/x", method="OPTIONS")
    assert (await client.gets()).status == 200
    assert api.heads[0].startswith(b"OPTIONS /x HTTP/1.1\r\n")


@pytest.mark.parametrize("target", ["*", "http://gw.example"])
@pytest.mark.parametrize("path", [b"/", b"/api"])
@pytest.mark.row("A27")
async def test_a27_options_asterisk_is_answered_here(
    start_gateway: StartGateway, api: ScriptedUpstream, target: str, path: bytes
) -> None:
    gateway = await start_gateway(snapshot_of(route_to(api.port, path=path)))
    client = await gateway.connects()
    await client.asks(target, method="OPTIONS")
    assert (await client.gets()).status == 204
    await api.accepts_nobody()


@pytest.mark.parametrize(
    "method, target", [("TRACE", "/"), ("CONNECT", "gw.example:80"), ("CONNECT", "evil.example:22")]
)
@pytest.mark.row("A28")
async def test_a28_trace_and_connect_are_never_forwarded(
    gateway: Gateway, api: ScriptedUpstream, method: str, target: str
) -> None:
    client = await gateway.connects()
    await client.asks(target, method=method)
    response = await client.gets()
    assert response.status == 405
    assert b"GET" in (response.value("Allow") or b"")
    await api.accepts_nobody()


@pytest.mark.parametrize("method", ["PROPFIND", "PURGE", "QUERY", "PATCH", "DELETE", "REPORT"])
@pytest.mark.row("A29")
async def test_a29_other_methods_are_forwarded(
    gateway: Gateway, api: ScriptedUpstream, method: str
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.asks("/", method=method)
    assert (await client.gets()).status == 200
    assert api.heads[0].startswith(method.encode() + b" / HTTP/1.1\r\n")


@pytest.mark.row("A30", "D12")
async def test_a30_an_absolute_target_names_the_host(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """D12 too: the target wins over Host, and the API gets the origin-form."""
    api.answers(OK)
    client = await gateway.connects()
    await client.asks("http://other.example/x?y")
    assert (await client.gets()).status == 200
    assert api.heads[0].startswith(b"GET /x?y HTTP/1.1\r\nHost: other.example\r\n")
    assert b"gw.example" not in api.heads[0]


@pytest.mark.row("A32")
async def test_a32_too_many_connections_are_answered_and_closed(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    gateway = await start_gateway(snapshot_of(route_to(api.port), limits=Limits(connections=2)))
    first, second = await gateway.connects(), await gateway.connects()
    await first.asks()
    assert (await first.gets()).status == 200
    third = await gateway.connects()
    response = await third.gets()
    assert (response.status, response.closes, response.value("Retry-After")) == (503, True, b"1")
    await third.sees_end()
    third.closes()
    second.closes()
    await until(lambda: len(gateway.plane.connections) == 1)
    await first.asks()
    assert (await first.gets()).status == 200
    again = await gateway.connects()
    await again.asks()
    assert (await again.gets()).status == 200


@pytest.mark.row("A32")
async def test_a32_who_was_refused_takes_nobodys_place(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    gateway = await start_gateway(snapshot_of(route_to(api.port), limits=Limits(connections=1)))
    first = await gateway.connects()
    crowd = [await gateway.connects() for _ in range(20)]
    for client in crowd:
        assert (await client.gets()).status == 503
    first.closes()
    await until(lambda: len(gateway.plane.connections) == len(crowd))
    last = await gateway.connects()
    await last.asks()
    assert (await last.gets()).status == 200


@pytest.mark.row("A33")
async def test_a33_a_connection_serves_many_requests(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    for _ in range(200):
        await client.asks()
        assert (await client.gets()).content == b"ok"
    assert len(api.connections) == 1
    assert len(gateway.plane.connections) == 1


async def test_an_idle_connection_is_closed_in_order(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    """A reset could destroy the end of an answer that is not yet read."""
    api.answers(OK)
    timeouts = Timeouts(keep_alive=0.7)
    gateway = await start_gateway(snapshot_of(route_to(api.port), timeouts=timeouts))
    client = await gateway.connects()
    await client.asks()
    assert (await client.gets()).content == b"ok"
    await client.sees_end(End.CLOSED)


async def test_empty_lines_before_a_request_are_passed_over(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.sends(b"\r\n")
    await client.sends(b"\r\n\r\nGET / HTTP/1.1\r\nHost: gw.example\r\n\r\n")
    assert (await client.gets()).content == b"ok"


async def test_a_request_may_arrive_byte_by_byte(gateway: Gateway, api: ScriptedUpstream) -> None:
    api.answers(OK)
    client = await gateway.connects()
    request = b"\r\nPOST / HTTP/1.1\r\nHost: gw.example\r\nTransfer-Encoding: chunked\r\n\r\n"
    for byte in request + b"3;ext=1\r\nabc\r\n0\r\nX: y\r\n\r\n":
        await client.sends(bytes([byte]))
        await asyncio.sleep(0)
    assert (await client.gets()).content == b"ok"
    assert b"".join(api.contents[0].split(b"\r\n")[1:-3:2]) == b"abc"
