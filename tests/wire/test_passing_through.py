"""What an API and a browser say to each other passes: partial content, redirects, errors, cookies."""

import gzip

import pytest

from tests.wire.conversation import ask_through, assert_next_is_served
from tests.wire.gateways import APP, Gateway
from tests.wire.raw_peer import End, RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream

ORIGIN = f"Origin: {APP}"
RANGES = (
    b"--x\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-0/9\r\n\r\n\x00\r\n"
    b"--x\r\nContent-Range: bytes 2-4/9\r\n\r\n\r\n\n\r\n--x--\r\n0\r\n\r\n"
)
BOMB = gzip.compress(bytes(4 * 1024 * 1024))


@pytest.mark.row("B37", "D28")
@pytest.mark.parametrize(
    "status, fields, content",
    [
        pytest.param(
            b"206 Partial Content",
            b'Content-Range: bytes 0-2/9\r\nETag: "a\xe9"\r\nAccept-Ranges: bytes\r\n',
            b"abc",
            id="a range",
        ),
        pytest.param(
            b"206 Partial Content",
            b"Content-Type: multipart/byteranges; boundary=x\r\nLast-Modified: Sat\r\n",
            RANGES,
            id="several ranges",
        ),
        pytest.param(
            b"416 Range Not Satisfiable", b"Content-Range: bytes */9\r\n", b"", id="no range"
        ),
    ],
)
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_partial_content_is_neither_made_nor_changed_here(
    gateway: Gateway,
    api: ScriptedUpstream,
    status: bytes,
    fields: bytes,
    content: bytes,
    is_chunked: bool,
) -> None:
    client = await gateway.connects()
    ranges = "Range: bytes=" + ",".join(f"{i}-{i}" for i in range(1000))
    await client.asks("/", ranges, 'If-Range: "a\xe9"')
    peer = await api.accepts()
    head = await peer.sees_head()
    assert f'\r\n{ranges}\r\nIf-Range: "a\xe9"\r\n'.encode("latin-1") in head
    length = b"Content-Length: %d" % len(content)
    framed = b"%x\r\n%b\r\n" % (len(content), content) if content else b""
    await peer.sends(
        b"HTTP/1.1 " + status + b"\r\n" + fields
        + (b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n" if is_chunked else length + b"\r\n\r\n" + content)
    )  # fmt: skip
    response = await client.gets()
    assert response.head.startswith(b"HTTP/1.1 " + status + b"\r\n" + fields)
    assert response.content == content
    await assert_next_is_served(gateway, api, client=client, peer=peer)


async def received_chunks(peer: RawPeer) -> bytes:
    content = b""
    while True:
        line = b""
        while not line.endswith(b"\r\n"):
            line += await peer.receives(1)
        size = int(line, 16)
        content += await peer.receives(size)
        await peer.sees(b"\r\n")
        if not size:
            return content


@pytest.mark.row("B37", "B38", "D29")
async def test_what_is_compressed_stays_so_both_ways(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """A thousandth of what it stands for is all that either side ever sees."""
    client, peer = await ask_through(
        gateway, api, "Content-Encoding: gzip", "Transfer-Encoding: chunked", method="POST"
    )
    await client.sends(b"%x\r\n%b\r\n0\r\n\r\n" % (len(BOMB), BOMB))
    assert await received_chunks(peer) == BOMB
    await peer.sends(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB)
        + BOMB
    )
    response = await client.gets()
    assert response.content == BOMB
    assert response.value("Content-Encoding") == b"gzip"


@pytest.mark.row("B39")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_for_the_browser_to_follow(
    gateway: Gateway, api: ScriptedUpstream, status: int
) -> None:
    other = ScriptedUpstream()
    location = b"http://127.0.0.1:%d/there?x#y" % other.port
    client, peer = await ask_through(gateway, api, ORIGIN)
    await peer.sends(
        b"HTTP/1.1 %d Elsewhere\r\nLocation: %b\r\nContent-Length: 4\r\n\r\nhere"
        % (status, location)
    )
    response = await client.gets()
    assert (response.status, response.content) == (status, b"here")
    assert response.value("Location") == location
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    await peer.sees_nothing(0.02)
    await other.accepts_nobody(0.02)
    await other.close()
    await assert_next_is_served(gateway, api, client=client, peer=peer)


@pytest.mark.row("B43")
@pytest.mark.parametrize("status", [b"500 Oh no", b"502 Bad Gateway", b"503 Later", b"429 Slow"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_error_of_the_apis_own_is_not_ours(
    gateway: Gateway, api: ScriptedUpstream, status: bytes, method: str
) -> None:
    client, peer = await ask_through(gateway, api, ORIGIN, method=method)
    await peer.sends(
        b"HTTP/1.1 " + status + b"\r\nRetry-After: 120\r\nContent-Length: 6\r\n\r\n\x00\xe9\r\n\r\n"
    )
    response = await client.gets()
    assert response.head.startswith(b"HTTP/1.1 " + status + b"\r\nRetry-After: 120\r\n")
    assert response.content == b"\x00\xe9\r\n\r\n"
    assert response.values("Proxy-Status") == []
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    await assert_next_is_served(gateway, api, client=client, peer=peer)


@pytest.mark.row("B35")
async def test_repeated_fields_stay_apart_and_in_order(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await ask_through(gateway, api, ORIGIN)
    await peer.sends(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nLink: </1>\r\nVary: Accept\r\nset-cookie: b=2, c\r\n"
        b"Link: </2>\r\nVary: Cookie\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nok"
    )
    response = await client.gets()
    named = (b"set-cookie", b"link")
    assert [line for line in response.lines if line.lower().startswith(named)] == [
        b"Set-Cookie: a=1", b"Link: </1>", b"set-cookie: b=2, c", b"Link: </2>", b"Set-Cookie: a=1",
    ]  # fmt: skip
    assert response.value("Vary") == b"Accept, Cookie, Origin"
    await assert_next_is_served(gateway, api, client=client, peer=peer)


@pytest.mark.row("B31", "B32")
@pytest.mark.parametrize(
    "response, is_kept",
    [
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False, id="HTTP/1.0"),
        pytest.param(
            b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok",
            True,
            id="HTTP/1.0 keep-alive",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", True, id="HTTP/1.1"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nConnection: CLOSE\r\nContent-Length: 2\r\n\r\nok",
            False,
            id="HTTP/1.1 close",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: close\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            False,
            id="close on a second line",
        ),
    ],
)
async def test_the_apis_connection_is_kept_if_the_api_keeps_it(
    gateway: Gateway, api: ScriptedUpstream, response: bytes, is_kept: bool
) -> None:
    client, peer = await ask_through(gateway, api)
    await peer.sends(response)
    seen = await client.gets()
    assert (seen.content, seen.values("Connection")) == (b"ok", [])
    if not is_kept:
        await peer.sees_end(End.CLOSED)
    await assert_next_is_served(gateway, api, client=client, peer=peer if is_kept else None)


@pytest.mark.row("B30")
@pytest.mark.parametrize("early", [b"", OK])
async def test_a_switch_that_nobody_asked_for_reaches_nobody(
    gateway: Gateway, api: ScriptedUpstream, early: bytes
) -> None:
    client, peer = await ask_through(gateway, api, "Content-Length: 6", method="POST")
    await peer.sends(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n" + early)
    response = await client.gets()
    assert (response.status, response.closes) == (502, True)
    await client.sends(b"secret")
    await peer.sees_end(End.RESET)
    await client.sees_end(End.CLOSED)
    await assert_next_is_served(gateway, api)
