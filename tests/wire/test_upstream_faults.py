"""APIs that are away, slow, broken or sloppy: the rows B1 to B48.

Whatever an API does, the client gets a response that it can trust or can tell for broken, a page of
an allowed origin can read a refusal, and the next request is served.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from cors_gateway.snapshot import Endpoint, PoolLimits, UpstreamTimeouts
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, policy, route_to, snapshot_of, until
from tests.wire.raw_client import RawClient, Response
from tests.wire.raw_peer import PATIENCE, End, RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream

QUICK = UpstreamTimeouts(connect=0.15, response=0.15, idle=0.15, tunnel=0.6)
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ORIGIN = f"Origin: {APP}"


def assert_readable(response: Response, status: int, problem: str) -> None:
    """A page of the allowed origin can read what went wrong."""
    assert response.status == status
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    assert response.value("Vary") == b"Origin"
    assert response.value("Content-Type") == b"application/problem+json"
    assert f'"urn:cors-gateway:problem:{problem}"'.encode() in response.content
    assert (response.value("Proxy-Status") or b"").startswith(b"cors-gateway; error=")


async def asked(gateway: Gateway, api: ScriptedUpstream, *lines: str) -> tuple[RawClient, RawPeer]:
    """Send a request of a page through the gateway as far as the API."""
    client = await gateway.connects()
    await client.asks("/", ORIGIN, *lines)
    peer = await api.accepts()
    await peer.sees_head()
    return client, peer


async def assert_next_is_served(gateway: Gateway, api: ScriptedUpstream) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"


@pytest.fixture
async def impatient(start_gateway: StartGateway, api: ScriptedUpstream) -> Gateway:
    return await start_gateway(snapshot_of(route_to(api.port, upstream={"timeouts": QUICK})))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
@pytest.mark.row("B1")
async def test_b1_a_refused_connection_is_a_readable_502(
    start_gateway: StartGateway, host: str
) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        gateway = await start_gateway(
            snapshot_of(route_to(port, upstream={"endpoints": (Endpoint(host, port),)}))
        )
        client = await gateway.connects()
        for _ in range(2):
            await client.asks("/", ORIGIN)
            assert_readable(await client.gets(), 502, "connection-refused")


@pytest.mark.row("B1")
async def test_b1_no_socket_at_a_path_is_a_readable_502(
    start_gateway: StartGateway, unix_path: str
) -> None:
    gateway = await start_gateway(
        snapshot_of(route_to(1, upstream={"endpoints": (Endpoint(unix_path=unix_path),)}))
    )
    client = await gateway.connects()
    await client.asks("/", ORIGIN)
    assert_readable(await client.gets(), 502, "connection-refused")


@pytest.fixture
def full_listener() -> Iterator[int]:
    """A port that takes no more connections and refuses none either."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield full.getsockname()[1]
        for filler in fillers:
            filler.close()


@pytest.mark.row("B2")
async def test_b2_an_api_that_does_not_accept_is_a_504_in_time(
    start_gateway: StartGateway, full_listener: int
) -> None:
    upstream = {"timeouts": QUICK}
    gateway = await start_gateway(snapshot_of(route_to(full_listener, upstream=upstream)))
    client = await gateway.connects()
    await client.asks("/", ORIGIN)
    assert_readable(await client.gets(), 504, "connection-timeout")
    assert gateway.open_upstreams == 0


@pytest.mark.row("B3")
async def test_b3_a_name_that_does_not_resolve_is_a_readable_502(
    start_gateway: StartGateway,
) -> None:
    for host in ("nowhere.invalid", "a" * 70 + ".invalid"):
        gateway = await start_gateway(
            snapshot_of(route_to(1, upstream={"endpoints": (Endpoint(host, 1),)}))
        )
        client = await gateway.connects()
        await client.asks("/", ORIGIN)
        assert_readable(await client.gets(), 502, "dns-error")


@pytest.mark.row("B6", "B42")
async def test_b6_silence_is_a_504_in_time(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    timeouts = UpstreamTimeouts(response=1)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"timeouts": timeouts})))
    client, peer = await asked(gateway, api)
    assert_readable(await client.gets(), 504, "response-timeout")
    await peer.sees_end(End.RESET)
    await client.asks("/again")
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.row("B7", "B10")
async def test_b7_a_new_connection_that_closes_is_not_tried_again(
    gateway: Gateway, api: ScriptedUpstream, reset: bool
) -> None:
    client, peer = await asked(gateway, api)
    peer.resets() if reset else peer.closes()
    assert_readable(await client.gets(), 502, "connection-terminated")
    await api.accepts_nobody()


async def reused(gateway: Gateway, api: ScriptedUpstream) -> tuple[RawClient, RawPeer]:
    client, peer = await asked(gateway, api)
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"
    return client, peer


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT", "OPTIONS"])
@pytest.mark.row("B8", "B10")
async def test_b8_b10_a_reused_connection_that_closes_is_tried_again_once(
    gateway: Gateway, api: ScriptedUpstream, method: str, reset: bool
) -> None:
    client, peer = await reused(gateway, api)
    await client.asks("/", method=method)
    await peer.sees_head()
    peer.resets() if reset else peer.closes()
    peer = await api.accepts()
    assert (await peer.sees_head()).startswith(method.encode())
    if reset:
        await peer.sends(OK)
        assert (await client.gets(method)).status == 200
    else:
        peer.closes()
        assert (await client.gets(method)).status == 502
        await api.accepts_nobody()


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("method, content", [("POST", b""), ("PATCH", b""), ("PUT", b"x")])
@pytest.mark.row("B9", "B10")
async def test_b9_what_must_not_be_repeated_is_not(
    gateway: Gateway, api: ScriptedUpstream, method: str, content: bytes, reset: bool
) -> None:
    client, peer = await reused(gateway, api)
    await client.asks("/", ORIGIN, method=method, content=content)
    await peer.sees_head()
    await peer.sees(content)
    peer.resets() if reset else peer.closes()
    assert_readable(await client.gets(), 502, "connection-terminated")
    await api.accepts_nobody()


@pytest.mark.row("B11")
async def test_b11_what_must_not_be_repeated_gets_a_connection_used_just_now(
    gateway: Gateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cors_gateway.wire import pool

    monkeypatch.setattr(pool, "RECENT", PATIENCE)
    api.answers(OK)
    client = await gateway.connects()
    await client.asks(method="POST")
    await client.gets()
    await client.asks(method="POST")
    await client.gets()
    assert len(api.connections) == 1
    monkeypatch.setattr(pool, "RECENT", 0.05)
    await asyncio.sleep(0.15)
    await client.asks(method="POST")
    await client.gets()
    assert len(api.connections) == 2
    await client.asks(method="GET")
    await client.gets()
    assert len(api.connections) == 2


@pytest.mark.parametrize(
    "sent, problem",
    [
        pytest.param(b"HTTP/1.1 2", "response-incomplete", id="half a status line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: b\r\n", "response-incomplete", id="half the fields"),
        pytest.param(
            b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
            "response-malformed",
            id="B13: SSH",
            marks=pytest.mark.row("B13"),
        ),
        pytest.param(
            b"SSH-2.0-OpenSSH_9.2\r\n",
            "response-malformed",
            id="B13: SSH, which waits for us",
            marks=pytest.mark.row("B13"),
        ),
        pytest.param(
            b"\x15\x03\x01\x00\x02\x02\x46\n\n",
            "response-malformed",
            id="B13: TLS",
            marks=pytest.mark.row("B13"),
        ),
        pytest.param(b"\r\n\r\n", "response-malformed", id="empty lines"),
        pytest.param(b"HTTP/2 200 OK\r\n\r\n", "response-malformed", id="HTTP/2"),
        pytest.param(b"HTTP/1.1 000 OK\r\n\r\n", "response-malformed", id="status 000"),
        pytest.param(b"HTTP/1.1 20 OK\r\n\r\n", "response-malformed", id="status of two digits"),
    ],
)
@pytest.mark.row("B12")
async def test_b12_b13_what_is_no_response_is_a_readable_502(
    gateway: Gateway, api: ScriptedUpstream, sent: bytes, problem: str
) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(sent)
    if problem == "response-incomplete":
        peer.closes()
    assert_readable(await client.gets(), 502, problem)
    await assert_next_is_served(gateway, api)


@pytest.mark.parametrize(
    "fields, problem",
    [
        pytest.param(b"A: " + b"b" * 1_000_000, "response-headers-too-large", id="one of 1 MB"),
        pytest.param(
            b"\r\n".join(b"A%d: b" % i for i in range(1500)), "response-malformed", id="1500 lines"
        ),
    ],
)
@pytest.mark.row("B14")
async def test_b14_a_head_without_measure_is_a_502(
    gateway: Gateway, api: ScriptedUpstream, fields: bytes, problem: str
) -> None:
    client, peer = await asked(gateway, api)
    sending = asyncio.ensure_future(peer.sends(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n"))
    assert_readable(await client.gets(), 502, problem)
    await asyncio.gather(sending, return_exceptions=True)
    await assert_next_is_served(gateway, api)


BREAKS = [
    pytest.param(
        b"Content-Length: 10\r\n\r\n", b"abc", id="B15: counted", marks=pytest.mark.row("B15")
    ),
    pytest.param(
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"5\r\nabc",
        id="B16: in a chunk",
        marks=pytest.mark.row("B16"),
    ),
    pytest.param(
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"3\r\nabc\r\n",
        id="B16: no last chunk",
        marks=pytest.mark.row("B16"),
    ),
    pytest.param(
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"3\r\nabc\r\n0\r\n",
        id="B16: no end",
        marks=pytest.mark.row("B16"),
    ),
]


@pytest.mark.parametrize("how", ["closes", "resets", "stalls"])
@pytest.mark.parametrize("fields, content", BREAKS)
@pytest.mark.row("B18")
async def test_b15_to_b18_content_that_breaks_off_breaks_off(
    start_gateway: StartGateway, api: ScriptedUpstream, fields: bytes, content: bytes, how: str
) -> None:
    timeouts = UpstreamTimeouts(idle=0.15 if how == "stalls" else 60)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"timeouts": timeouts})))
    client, peer = await asked(gateway, api)
    await peer.sends(b"HTTP/1.1 200 OK\r\n" + fields + content)
    head = await client.sees_head()
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    if how == "closes":
        peer.closes()
    elif how == "resets":
        peer.resets()
    framed = b"3\r\nabc\r\n" if b"chunked" in fields else b"abc"
    assert await client.sees_rest() == framed
    assert (await gateway.record()).error == "http_response_incomplete"
    if how == "stalls":
        await peer.sees_end(End.RESET)
    await assert_next_is_served(gateway, api)


@pytest.mark.parametrize("how", ["closes", "resets"])
@pytest.mark.row("B15")
async def test_until_close_ends_by_a_close_and_not_by_a_reset(
    gateway: Gateway, api: ScriptedUpstream, how: str
) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(b"HTTP/1.1 200 OK\r\n\r\nabc")
    await client.sees_head()
    await client.sees(b"3\r\nabc\r\n")
    if how == "closes":
        peer.closes()
        await client.sees(b"0\r\n\r\n")
    else:
        peer.resets()
        await client.sees_end()


@pytest.mark.parametrize("size", [b"z\r\n", b"-3\r\n", b"0x3\r\n", b"\r\n", b"1" * 17 + b"\r\n"])
@pytest.mark.row("B17")
async def test_b17_an_invalid_chunk_size_breaks_off(
    gateway: Gateway, api: ScriptedUpstream, size: bytes
) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(CHUNKED_HEAD + b"3\r\nabc\r\n")
    await client.sees_head()
    await client.sees(b"3\r\nabc\r\n")
    await peer.sends(size)
    await client.sees_end()
    await peer.sees_end(End.RESET)
    await assert_next_is_served(gateway, api)


@pytest.mark.row("B18", "B41")
async def test_b18_an_event_stream_may_be_silent_for_longer(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    timeouts = UpstreamTimeouts(idle=0.1, tunnel=1)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"timeouts": timeouts})))
    client, peer = await asked(gateway, api)
    await peer.sends(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    await client.sees_head()
    await asyncio.sleep(0.3)
    await peer.sends(b"data: 1\n\n")
    await client.sees(b"9\r\ndata: 1\n\n\r\n")
    await client.sees_end()


@pytest.mark.parametrize(
    "method, response, content",
    [
        pytest.param("GET", b"200 OK\r\nContent-Length: 10\r\n\r\n0123456789extra", b"0123456789", id="B19", marks=pytest.mark.row("B19")),
        pytest.param("HEAD", b"200 OK\r\nContent-Length: 5\r\n\r\nhello", b"", id="B20: HEAD", marks=pytest.mark.row("B20")),
        pytest.param("GET", b"204 No Content\r\n\r\nhello", b"", id="B20: 204", marks=pytest.mark.row("B20")),
        pytest.param("GET", b"204 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"", id="B20: 204 chunked", marks=pytest.mark.row("B20")),
        pytest.param("GET", b"204 No\r\nContent-Length: 5\r\n\r\nhello", b"", id="B20: 204 counted", marks=pytest.mark.row("B20")),
        pytest.param("GET", b"304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", b"", id="B20: 304", marks=pytest.mark.row("B20")),
    ],
)  # fmt: skip
async def test_b19_b20_more_than_announced_is_cut_off_and_never_used(
    gateway: Gateway, api: ScriptedUpstream, method: str, response: bytes, content: bytes
) -> None:
    client = await gateway.connects()
    await client.asks("/", method=method)
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(b"HTTP/1.1 " + response)
    assert (await client.gets(method)).content == content
    await peer.sees_end()
    await client.asks("/next")
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(
            b"Content-Length: 5\r\nTransfer-Encoding: chunked",
            id="B21",
            marks=pytest.mark.row("B21"),
        ),
        pytest.param(
            b"Content-Length: 5\r\nContent-Length: 5",
            id="B22: twice the same",
            marks=pytest.mark.row("B22"),
        ),
        pytest.param(
            b"Content-Length: 5\r\nContent-Length: 6",
            id="B22: conflicting",
            marks=pytest.mark.row("B22"),
        ),
        pytest.param(b"Content-Length: 5, 6", id="B22: a list", marks=pytest.mark.row("B22")),
        pytest.param(b"Content-Length: -5", id="B22: negative", marks=pytest.mark.row("B22")),
        pytest.param(b"Content-Length: five", id="B22: no number", marks=pytest.mark.row("B22")),
        pytest.param(
            b"Content-Length: 99999999999999999999",
            id="B22: too large",
            marks=pytest.mark.row("B22"),
        ),
        pytest.param(
            b"Transfer-Encoding: xchunked", id="B23: unknown", marks=pytest.mark.row("B23")
        ),
        pytest.param(
            b"Transfer-Encoding: gzip, chunked", id="B23: gzip", marks=pytest.mark.row("B23")
        ),
        pytest.param(
            b"Transfer-Encoding: chunked, chunked", id="B23: twice", marks=pytest.mark.row("B23")
        ),
        pytest.param(b"A: b\x00c", id="B34: NUL", marks=pytest.mark.row("B34")),
        pytest.param(b"A: b\x01c", id="B34: 0x01", marks=pytest.mark.row("B34")),
        pytest.param(b"A: b\x7fc", id="B34: DEL", marks=pytest.mark.row("B34")),
        pytest.param(b"A: b\rSet-Cookie: x=y", id="D22: bare CR", marks=pytest.mark.row("D22")),
        pytest.param(b"nonsense", id="no colon"),
        pytest.param(b": b", id="empty name"),
        pytest.param(b"A(b): c", id="name is no token"),
    ],
)
async def test_b21_to_b23_b34_a_head_that_cannot_be_trusted_is_a_readable_502(
    gateway: Gateway, api: ScriptedUpstream, fields: bytes
) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    assert_readable(await client.gets(), 502, "response-malformed")
    await peer.sees_end(End.RESET)
    await assert_next_is_served(gateway, api)


@pytest.mark.row("B22")
async def test_b22_zeros_in_front_of_a_length_are_dropped(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 0002\r\n\r\nok")
    response = await client.gets()
    assert (response.value("Content-Length"), response.content) == (b"2", b"ok")


@pytest.mark.parametrize("end", ["keeps", "closes", "resets"])
@pytest.mark.row("B26", "B27")
async def test_b26_b27_an_answer_before_the_content_is_whole_arrives(
    gateway: Gateway, api: ScriptedUpstream, end: str
) -> None:
    client = await gateway.connects()
    await client.asks("/", "Content-Length: 1000000", method="POST")
    peer = await api.accepts()
    await peer.sees_head()
    await client.sends(b"x" * 1000)
    await peer.sees(b"x" * 1000)
    await peer.sends(b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmuch")
    if end == "closes":
        peer.closes()
    elif end == "resets":
        peer.resets()
    response = await client.gets()
    assert (response.status, response.content, response.closes) == (413, b"much", True)
    await client.sends(b"x" * 1000)
    await client.sees_end()


@pytest.mark.row("B27")
async def test_b27_an_answer_arrives_although_the_client_goes_on_sending(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """What was buffered when the API reset the connection is not lost."""
    for _ in range(9):
        client = await gateway.connects()
        await client.asks("/", "Content-Length: 1000000", method="POST")
        peer = await api.accepts()
        await peer.sees_head()
        await peer.sends(b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmuch")
        peer.resets()
        await client.sends(b"x" * 300_000)
        response = await client.gets()
        assert (response.status, response.content) == (413, b"much")


@pytest.mark.row("B26")
async def test_a_response_and_the_rest_of_the_request_may_overlap(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.asks("/", "Content-Length: 6", method="POST")
    peer = await api.accepts()
    await peer.sees_head()
    await client.sends(b"abc")
    await peer.sees(b"abc")
    await peer.sends(CHUNKED_HEAD + b"3\r\nabc\r\n")
    await client.sees_head()
    await client.sees(b"3\r\nabc\r\n")
    await client.sends(b"def")
    await peer.sees(b"def")
    await peer.sends(b"3\r\ndef\r\n0\r\n\r\n")
    await client.sees(b"3\r\ndef\r\n0\r\n\r\n")
    await client.sees_end(End.CLOSED)


@pytest.mark.row("B28")
async def test_b28_interim_responses_arrive_before_the_final_one(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(b"HTTP/1.1 100 Continue\r\n\r\n")
    await peer.sends(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: y\r\n\r\n")
    await client.sees(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    await peer.sends(b"HTTP/1.1 102 Processing\r\n\r\n" + OK)
    assert (await client.gets()).status == 102
    assert (await client.gets()).content == b"ok"


@pytest.mark.row("B28")
async def test_b28_an_http_1_0_client_gets_no_interim_response(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK)
    client = await gateway.connects()
    await client.sends(b"GET / HTTP/1.0\r\n\r\n")
    assert (await client.gets()).status == 200


@pytest.mark.row("B29")
async def test_b29_interim_responses_without_end_are_a_502(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(b"HTTP/1.1 102 Processing\r\n\r\n" * 17)
    for _ in range(16):
        assert (await client.gets()).status == 102
    assert_readable(await client.gets(), 502, "response-malformed")


@pytest.mark.row("B29")
async def test_b29_an_interim_response_does_not_answer_in_time(
    impatient: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await asked(impatient, api)
    dripping = client.loop.create_task(_drip(peer))
    response = await client.gets()
    while response.status == 102:
        response = await client.gets()
    assert_readable(response, 504, "response-timeout")
    await asyncio.wait({dripping})


async def _drip(peer: RawPeer) -> None:
    with contextlib.suppress(OSError):
        for _ in range(12):
            await peer.sends(b"HTTP/1.1 102 Processing\r\n\r\n")
            await asyncio.sleep(0.03)


@pytest.mark.row("B30")
async def test_b30_switching_protocols_unasked_is_a_502(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nbytes")
    assert_readable(await client.gets(), 502, "upgrade-unexpected")
    await peer.sees_end(End.RESET)
    await assert_next_is_served(gateway, api)


@pytest.mark.row("B31")
async def test_b31_content_until_close_is_chunked_and_its_connection_not_used_again(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello")
    peer.closes()
    response = await client.gets()
    assert (response.content, response.closes) == (b"hello", False)
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"


@pytest.mark.row("B32")
async def test_b32_what_concerns_the_apis_connection_ends_here(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(
        b"HTTP/1.1 200 OK\r\nConnection: close, X-Foo, Access-Control-Allow-Origin, Content-Length\r\n"
        b"X-Foo: bar\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok"
    )
    response = await client.gets()
    assert response.content == b"ok"
    assert response.values("X-Foo") == response.values("Keep-Alive") == []
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    assert not response.closes
    await peer.sees_end(End.CLOSED)
    await client.asks()
    await api.accepts()


@pytest.mark.row("B33")
@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 2\nA: b\n\n", id="bare LF"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA:\r\n b\r\n\r\n", id="folded"),
        pytest.param(b"HTTP/1.1 200\r\nContent-Length: 2\r\nA: b\r\n\r\n", id="no reason"),
        pytest.param(b"HTTP/1.1  200 OK\r\nContent-Length: 2\r\nA: b\r\n\r\n", id="two spaces"),
        pytest.param(b"HTTP/1.2 200 OK\r\nContent-Length: 2\r\nA: b\r\n\r\n", id="HTTP/1.2"),
        pytest.param(b"HTTP/2.0 200 OK\nContent-Length: 2\nA: b\n\n", id="HTTP/2.0, bare LF"),
    ],
)
async def test_b33_a_sloppy_head_is_put_right(
    gateway: Gateway, api: ScriptedUpstream, head: bytes
) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(head + b"ok")
    response = await client.gets()
    assert (response.status, response.value("A"), response.content) == (200, b"b", b"ok")
    assert b"\n" not in response.head.replace(b"\r\n", b"")


@pytest.mark.row("B23")
async def test_b23_chunks_of_http_1_0_are_taken_once(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nok\r\n0\r\n\r\n"
    )
    response = await client.gets()
    assert (response.status, response.content) == (200, b"ok")
    await peer.sees_end(End.CLOSED)
    await assert_next_is_served(gateway, api)


@pytest.mark.row("B33")
async def test_b33_a_space_in_front_of_a_colon_is_refused(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA : b\r\n\r\nok")
    assert_readable(await client.gets(), 502, "response-malformed")
    await assert_next_is_served(gateway, api)


@pytest.mark.row("B36")
async def test_b36_the_apis_own_cors_is_replaced(gateway: Gateway, api: ScriptedUpstream) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(
        b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Origin: x\r\n"
        b"Access-Control-Allow-Credentials: true\r\nVary: Accept\r\nVary: origin, Cookie\r\n"
        b"Content-Length: 2\r\n\r\nok"
    )
    response = await client.gets()
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    assert response.values("Access-Control-Allow-Credentials") == []
    assert response.value("Vary") == b"Accept, origin, Cookie"


@pytest.mark.row("D35")
async def test_d35_what_depends_on_the_origin_says_so(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    api.answers(
        OK, b"HTTP/1.1 304 Not Modified\r\n\r\n", b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    )
    gateway = await start_gateway(
        snapshot_of(
            route_to(api.port, path=b"/api"),
            route_to(1, path=b"/gone", policy=policy()),
        )
    )
    client = await gateway.connects()
    for origin in ((), (ORIGIN,), ("Origin: https://evil.example",)):
        for target in ("/api", "/api", "/api", "/gone", "/nowhere"):
            await client.asks(target, *origin)
            response = await client.gets()
            assert response.value("Vary") == b"Origin", (origin, target)
            granted = [APP.encode()] if origin == (ORIGIN,) else []
            assert response.values("Access-Control-Allow-Origin") == granted


@pytest.mark.parametrize("status", [b"503 Unavailable", b"500 Error", b"302 Found", b"206 Partial"])
@pytest.mark.row("B37", "B39", "B43")
async def test_b39_b43_what_the_api_says_passes(
    gateway: Gateway, api: ScriptedUpstream, status: bytes
) -> None:
    client, peer = await asked(gateway, api, "Range: bytes=0-0,2-2")
    await peer.sends(
        b"HTTP/1.1 " + status + b"\r\nLocation: /else\r\nContent-Encoding: gzip\r\n"
        b"Content-Length: 4\r\n\r\n\x1f\x8b\x00\x00"
    )
    response = await client.gets()
    assert response.head.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert response.content == b"\x1f\x8b\x00\x00"
    assert response.value("Location") == b"/else"
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    assert b"Range: bytes=0-0,2-2" not in response.head


@pytest.mark.row("B45")
async def test_b45_a_restarted_api_is_used_at_once(start_gateway: StartGateway) -> None:
    first = ScriptedUpstream()
    first.answers(OK)
    gateway = await start_gateway(snapshot_of(route_to(first.port)))
    client = await gateway.connects()
    await client.asks()
    assert (await client.gets()).status == 200
    port = first.port
    await first.close()
    await client.asks()
    assert (await client.gets()).status == 502
    listener = socket.create_server(("127.0.0.1", port))
    second = ScriptedUpstream()
    second.listener.close()
    second.listener = listener
    listener.setblocking(False)
    second.answers(OK)
    await client.asks()
    assert (await client.gets()).status == 200
    await second.close()


@pytest.mark.row("B48")
async def test_b48_very_many_tiny_chunks_arrive_as_few(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """What arrives together leaves together: there is no write for each byte."""
    client, peer = await asked(gateway, api)
    sending = asyncio.ensure_future(
        peer.sends(CHUNKED_HEAD + b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n")
    )
    assert b"\r\nTransfer-Encoding: chunked\r\n" in await client.sees_head()
    sizes = []
    while size := int(await client._line(), 16):
        sizes.append(size)
        await client.sees(b"x" * size + b"\r\n")
    await client.sees(b"\r\n")
    await sending
    assert sum(sizes) == 100_000
    assert len(sizes) < 10_000


def waiting_in(gateway: Gateway) -> int:
    """Count the requests that wait for a connection of the only pool."""
    (pool,) = gateway.plane.pools.values()
    return pool.usage().waiting


async def test_pool_a_full_pool_is_a_503_that_says_when_to_come_again(
    start_gateway: StartGateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cors_gateway.wire import pool

    monkeypatch.setattr(pool, "MAX_WAIT", 0.1)
    limits = {"pool": PoolLimits(connections=2)}
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream=limits)))
    busy = [await asked(gateway, api) for _ in range(2)]
    client = await gateway.connects()
    await client.asks("/", ORIGIN)
    response = await client.gets()
    assert_readable(response, 503, "connection-limit")
    assert response.value("Retry-After") == b"1"
    await api.accepts_nobody(0.05)
    for other, peer in busy:
        await peer.sends(OK)
        assert (await other.gets()).content == b"ok"


async def test_pool_who_waits_gets_the_next_free_connection(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    limits = {"pool": PoolLimits(connections=1)}
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream=limits)))
    first, peer = await asked(gateway, api)
    waiting = [await gateway.connects() for _ in range(3)]
    for number, client in enumerate(waiting):
        await client.asks(f"/{number}")
        await until(lambda number=number: waiting_in(gateway) == number + 1)  # type: ignore[misc]
    await peer.sends(OK)
    assert (await first.gets()).content == b"ok"
    for number, client in enumerate(waiting):
        assert (await peer.sees_head()).startswith(b"GET /%d " % number)
        await peer.sends(OK)
        assert (await client.gets()).content == b"ok"


async def test_pool_a_place_is_free_again_when_its_client_leaves(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    limits = {"pool": PoolLimits(connections=1)}
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream=limits)))
    first, _ = await asked(gateway, api)
    second = await gateway.connects()
    await second.asks("/second")
    await until(lambda: waiting_in(gateway) == 1)
    first.resets()
    peer = await api.accepts()
    assert (await peer.sees_head()).startswith(b"GET /second ")
    await peer.sends(OK)
    assert (await second.gets()).content == b"ok"


@pytest.mark.row("A8")
async def test_pool_who_waits_connects_when_another_gives_up_connecting(
    start_gateway: StartGateway, full_listener: int
) -> None:
    limits = {"pool": PoolLimits(connections=1), "timeouts": UpstreamTimeouts(connect=0.5)}
    gateway = await start_gateway(snapshot_of(route_to(full_listener, upstream=limits)))
    first, second = await gateway.connects(), await gateway.connects()
    await first.asks("/", ORIGIN)
    await until(lambda: gateway.open_upstreams == 1)
    await second.asks("/", ORIGIN)
    await until(lambda: waiting_in(gateway) == 1)
    first.resets()
    assert_readable(await second.gets(), 504, "connection-timeout")


async def test_pool_everybody_who_waits_learns_that_the_api_is_away(
    start_gateway: StartGateway,
) -> None:
    limits = {"pool": PoolLimits(connections=1)}
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        gateway = await start_gateway(snapshot_of(route_to(port, upstream=limits)))
        clients = [await gateway.connects() for _ in range(5)]
        for client in clients:
            await client.asks("/", ORIGIN)
        for client in clients:
            assert_readable(await client.gets(), 502, "connection-refused")


async def test_pool_an_idle_connection_is_closed_in_time(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    limits = {"pool": PoolLimits(idle=0.1)}
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream=limits)))
    _, peer = await reused(gateway, api)
    await peer.sees_end(End.CLOSED)


async def test_unix_sockets_on_both_sides(start_gateway: StartGateway, unix_path: str) -> None:
    api = ScriptedUpstream(unix_path)
    api.answers(OK)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(unix_path + "l")
    listener.listen()
    route = route_to(
        1, upstream={"endpoints": (Endpoint(unix_path=unix_path),), "url": f"unix:{unix_path}"}
    )
    gateway = await start_gateway(snapshot_of(route), listener)
    client = await gateway.connects()
    for _ in range(3):
        await client.asks()
        assert (await client.gets()).content == b"ok"
    assert len(api.connections) == 1
    assert b"\r\nX-Forwarded-For: unknown\r\n" in api.heads[0]
    await api.close()


@pytest.mark.parametrize("trusts_unix", [False, True])
async def test_the_peer_of_a_unix_socket_is_a_proxy_only_if_it_is_named_as_one(
    start_gateway: StartGateway, api: ScriptedUpstream, unix_path: str, trusts_unix: bool
) -> None:
    api.answers(OK)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(unix_path)
    listener.listen()
    snapshot = snapshot_of(route_to(api.port), trusts_unix=trusts_unix)
    gateway = await start_gateway(snapshot, listener)
    client = await gateway.connects()
    await client.asks("/", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")
    await client.gets()
    expected = (b"203.0.113.9, unknown", b"https") if trusts_unix else (b"unknown", b"http")
    assert b"\r\nX-Forwarded-For: %b\r\n" % expected[0] in api.heads[0]
    assert b"\r\nX-Forwarded-Proto: %b\r\n" % expected[1] in api.heads[0]
