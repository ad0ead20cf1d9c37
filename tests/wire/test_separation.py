"""Nothing of one exchange reaches another: trailers, late, half, double and surplus responses.

RFC 9112, section 6.3: extra bytes of an API must never be taken for a response. Two users share a
connection to the API here, one after the other; the second must never see anything of the first.
"""

import asyncio

import pytest

from tests.wire.gateways import Gateway
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream

ALICE = b"HTTP/1.1 200 OK\r\nSet-Cookie: session=ALICE\r\nContent-Length: 5\r\n\r\nALICE"

LEFTOVERS = [
    pytest.param(ALICE, id="a whole response"),
    pytest.param(ALICE[:60], id="half a response"),
    pytest.param(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n", id="a 408"),
    pytest.param(b"\r\n", id="an empty line"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="an interim response"),
    pytest.param(b"x", id="a byte"),
]


async def first_exchange(
    gateway: Gateway, api: ScriptedUpstream, surplus: bytes = b""
) -> tuple[RawClient, RawPeer]:
    alice = await gateway.connects()
    await alice.asks("/alice")
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(OK + surplus)
    assert (await alice.gets()).content == b"ok"
    return alice, peer


async def second_is_untouched(gateway: Gateway, api: ScriptedUpstream) -> None:
    """Bob gets Bob's response, over a new connection; and so does whoever comes next."""
    bob = await gateway.connects()
    await bob.asks("/bob")
    peer = await api.accepts()
    assert (await peer.sees_head()).startswith(b"GET /bob ")
    await peer.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nBOB")
    response = await bob.gets()
    assert response.content == b"BOB"
    assert b"ALICE" not in response.head
    await bob.asks("/again")
    assert (await peer.sees_head()).startswith(b"GET /again ")
    await peer.sends(OK)
    assert (await bob.gets()).content == b"ok"


@pytest.mark.parametrize("leftover", LEFTOVERS)
@pytest.mark.row("B24")
async def test_b24_what_comes_on_an_idle_connection_reaches_nobody(
    gateway: Gateway, api: ScriptedUpstream, leftover: bytes
) -> None:
    _, peer = await first_exchange(gateway, api)
    await asyncio.sleep(0.01)
    await peer.sends(leftover)
    await peer.sees_end()
    await second_is_untouched(gateway, api)


@pytest.mark.parametrize("leftover", LEFTOVERS)
@pytest.mark.row("B24")
async def test_b24_what_the_kernel_holds_when_a_connection_is_taken_reaches_nobody(
    gateway: Gateway, api: ScriptedUpstream, leftover: bytes
) -> None:
    """The event loop has not been told yet, because it is busy with what comes next."""
    _, peer = await first_exchange(gateway, api)
    bob = await gateway.connects()
    await asyncio.sleep(0.01)
    # No await between these three: the gateway's loop, which is ours, sees them together.
    bob.sock.send(b"GET /bob HTTP/1.1\r\nHost: gw.example\r\n\r\n")
    peer.sock.send(leftover)
    other = await api.accepts()
    assert (await other.sees_head()).startswith(b"GET /bob ")
    await other.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nBOB")
    assert (await bob.gets()).content == b"BOB"


@pytest.mark.parametrize("leftover", LEFTOVERS)
@pytest.mark.row("B25")
async def test_b25_what_comes_with_a_response_reaches_nobody(
    gateway: Gateway, api: ScriptedUpstream, leftover: bytes
) -> None:
    _, peer = await first_exchange(gateway, api, leftover)
    await peer.sees_end()
    await second_is_untouched(gateway, api)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.row("B47")
async def test_b47_a_trailer_of_a_response_reaches_nobody(
    gateway: Gateway, api: ScriptedUpstream, together: bool
) -> None:
    alice = await gateway.connects()
    await alice.asks("/alice")
    peer = await api.accepts()
    await peer.sees_head()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Set-Cookie\r\n\r\n"
    content = b"5\r\nhello\r\n0\r\nSet-Cookie: session=ALICE\r\n\r\n"
    if together:
        await peer.sends(head + content)
    else:
        for byte in head + content:
            await peer.sends(bytes([byte]))
            await asyncio.sleep(0)
    response = await alice.gets()
    assert response.content == b"hello"
    assert response.values("Trailer") == []
    bob = await gateway.connects()
    await bob.asks("/bob")
    assert (await peer.sees_head()).startswith(b"GET /bob ")
    await peer.sends(OK)
    response = await bob.gets()
    assert b"ALICE" not in response.head
    assert response.values("Set-Cookie") == []


@pytest.mark.row("D8")
async def test_d8_a_trailer_of_a_request_reaches_nobody(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.sends(
        b"POST /1 HTTP/1.1\r\nHost: gw.example\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n0\r\nAuthorization: Bearer ALICE\r\nHost: evil\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: gzip\r\n\r\n"
        b"GET /2 HTTP/1.1\r\nHost: gw.example\r\n\r\n"
    )
    assert [(await client.gets()).status for _ in range(2)] == [200, 200]
    assert api.contents[0] == b"3\r\nabc\r\n0\r\n\r\n"
    assert all(b"ALICE" not in head and b"evil" not in head for head in api.heads)


@pytest.mark.row("A15", "A26", "D26")
async def test_a15_content_of_a_refused_request_is_no_request(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """D26: what looks like a request behind an answer of the edge is content."""
    api.answers(OK)
    smuggled = b"GET /admin HTTP/1.1\r\nHost: gw.example\r\n\r\n"
    client = await gateway.connects()
    await client.asks(
        "/",
        "Origin: https://app.example",
        "Access-Control-Request-Method: PUT",
        method="OPTIONS",
        content=smuggled,
    )
    assert (await client.gets()).status == 204
    await client.asks("/next")
    assert (await client.gets()).content == b"ok"
    assert [head.split(b" ")[1] for head in api.heads] == [b"/next"]


@pytest.mark.parametrize("split", [1, 10, 30])
@pytest.mark.row("A15", "A26", "D26")
async def test_d26_content_that_arrives_after_the_answer_is_no_request(
    gateway: Gateway, api: ScriptedUpstream, split: int
) -> None:
    api.answers(OK)
    smuggled = b"GET /admin HTTP/1.1\r\nHost: gw.example\r\n\r\n"
    client = await gateway.connects()
    await client.asks(
        "/",
        "Origin: https://evil.example",
        "Access-Control-Request-Method: PUT",
        f"Content-Length: {len(smuggled)}",
        method="OPTIONS",
    )
    await client.sends(smuggled[:split])
    assert (await client.gets()).status == 403
    await client.sends(smuggled[split:] + b"GET /next HTTP/1.1\r\nHost: gw.example\r\n\r\n")
    assert (await client.gets()).content == b"ok"
    assert [head.split(b" ")[1] for head in api.heads] == [b"/next"]


@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", "Content-Length: 70000"])
@pytest.mark.row("A15", "A26", "D26")
async def test_d26_content_that_is_not_passed_over_closes_the_connection(
    gateway: Gateway, api: ScriptedUpstream, framing: str
) -> None:
    client = await gateway.connects()
    await client.asks(
        "/",
        "Origin: https://app.example",
        "Access-Control-Request-Method: PUT",
        framing,
        method="OPTIONS",
    )
    response = await client.gets()
    assert (response.status, response.closes) == (204, True)
    await client.sends(b"GET /admin HTTP/1.1\r\nHost: gw.example\r\n\r\n")
    await client.sees_end()
    await api.accepts_nobody(0.05)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
@pytest.mark.row("D24")
async def test_d24_content_of_any_method_is_content(
    gateway: Gateway, api: ScriptedUpstream, method: str
) -> None:
    api.answers(OK if method != "HEAD" else b"HTTP/1.1 200 OK\r\n\r\n", OK)
    smuggled = b"GET /admin HTTP/1.1\r\nHost: gw.example\r\n\r\n"
    client = await gateway.connects()
    await client.asks("/", method=method, content=smuggled)
    assert (await client.gets(method)).status == 200
    assert api.contents == [smuggled]
    await client.asks("/next")
    await client.gets()
    assert len(api.heads) == 2


@pytest.mark.row("A19", "D25")
async def test_d25_expect_without_content_is_one_response(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.asks("/1", "Expect: 100-continue")
    await client.asks("/2", "Expect: 100-continue", "Content-Length: 2")
    assert (await client.gets()).content == b"ok"
    await client.sees(b"HTTP/1.1 100 Continue\r\n\r\n")
    await client.sends(b"hi")
    assert (await client.gets()).content == b"ok"
    assert api.contents == [b"", b"hi"]


async def test_g7_many_clients_each_get_their_own(gateway: Gateway, api: ScriptedUpstream) -> None:
    """Every response carries its request's token, whoever breaks off in between."""

    async def echo(peer: RawPeer) -> None:
        while True:
            head = await api.reads_request(peer)
            token = head.split(b" ")[1]
            if token.endswith(b"7"):
                peer.resets()
                return
            trailing = ALICE if token.endswith(b"5") else b""
            await peer.sends(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(token), token) + trailing
            )

    async def ask(number: int) -> None:
        client = await gateway.connects()
        for count in range(20):
            target = f"/{number}-{count}"
            await client.asks(target)
            if count == number % 20:
                client.closes()
                return
            response = await client.gets()
            if target.endswith("7"):
                assert response.status == 502
            else:
                assert response.content == target.encode()

    api.runs(echo)
    await asyncio.gather(*(ask(number) for number in range(40)))
