"""No byte is altered that there is no reason to alter: targets, fields, reasons, content."""

import pytest

from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of
from tests.wire.scripted_upstream import OK, ScriptedUpstream

EVERY_BYTE = bytes(range(256))


@pytest.mark.row("D19", "D28")
async def test_the_whole_head_that_an_api_sees(gateway: Gateway, api: ScriptedUpstream) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.sends(
        b"POST /a%2Fb//c;d=e?q=%20|{}\\^`\"'<>[]&&=? HTTP/1.1\r\n"
        b"hOsT: GW.example:8080\r\n"
        b"User-Agent:  \x85admin\xa0 \t\r\n"
        b"X-Empty:\r\n"
        b"x-lower: 1\r\n"
        b"X-Twice: a\r\n"
        b"Cookie: a=caf\xe9; b=\xff\r\n"
        b"X-Twice: b, c\r\n"
        b"Connection: keep-alive, X-Hop\r\n"
        b"X-Hop: gone\r\n"
        b"Keep-Alive: timeout=5\r\n"
        b"TE: trailers\r\n"
        b"Proxy-Authorization: Basic x\r\n"
        b"Upgrade: h2c\r\n"
        b"HTTP2-Settings: x\r\n"
        b"Range: bytes=0-0, 5-\r\n"
        b"Accept-Encoding: gzip;q=0.5, br\r\n"
        b"Content-Length: 2\r\n"
        b"\r\nhi"
    )
    assert (await client.gets()).content == b"ok"
    (head,) = api.heads
    pseudonym = gateway.plane.pseudonym
    request_id = head.rpartition(b"X-Request-ID: ")[2].partition(b"\r\n")[0]
    assert head == (
        b"POST /a%2Fb//c;d=e?q=%20|{}\\^`\"'<>[]&&=? HTTP/1.1\r\n"
        b"hOsT: GW.example:8080\r\n"
        b"User-Agent: \x85admin\xa0\r\n"
        b"X-Empty: \r\n"
        b"x-lower: 1\r\n"
        b"X-Twice: a\r\n"
        b"Cookie: a=caf\xe9; b=\xff\r\n"
        b"X-Twice: b, c\r\n"
        b"Range: bytes=0-0, 5-\r\n"
        b"Accept-Encoding: gzip;q=0.5, br\r\n"
        b"Content-Length: 2\r\n"
        b"X-Forwarded-For: 127.0.0.1\r\n"
        b"X-Forwarded-Proto: http\r\n"
        b'Forwarded: for=127.0.0.1;proto=http;host="GW.example:8080"\r\n'
        b"Via: 1.1 " + pseudonym + b"\r\n"
        b"X-Forwarded-Host: GW.example:8080\r\n"
        b"X-Request-ID: " + request_id + b"\r\n"
        b"\r\n"
    )
    assert api.contents == [b"hi"]


@pytest.mark.row("B34", "B35")
async def test_the_whole_head_that_a_client_sees(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    gateway = await start_gateway(snapshot_of(route_to(api.port, policy=None)))
    api.answers(
        b"HTTP/1.1 299 Tr\xe8s bien, caf\xe9\r\n"
        b'ETag: "x"\r\n'
        b"content-type: text/plain;charset=latin-1\r\n"
        b'Content-Disposition: attachment; filename="caf\xe9.pdf"\r\n'
        b"Set-Cookie: a=1; Path=/\r\n"
        b"X-Odd:   spaced   inside \r\n"
        b"Set-Cookie: b=2, c; Expires=Wed, 21 Oct 2026 07:28:00 GMT\r\n"
        b"LINK: </a>\r\n"
        b"Set-Cookie: a=1; Path=/\r\n"
        b"Link: </b>\r\n"
        b"Server: Werkzeug\r\n"
        b"date: yesterday\r\n"
        b"Content-Length: 2\r\n"
        b"Connection: keep-alive\r\n"
        b"Keep-Alive: timeout=5\r\n"
        b"X-Empty:\r\n"
        b"\r\nok"
    )  # fmt: skip
    client = await gateway.connects()
    await client.asks("/", f"Origin: {APP}")
    response = await client.gets()
    request_id = response.value("X-Request-ID")
    assert request_id is not None
    assert response.head == (
        b"HTTP/1.1 299 Tr\xe8s bien, caf\xe9\r\n"
        b'ETag: "x"\r\n'
        b"content-type: text/plain;charset=latin-1\r\n"
        b'Content-Disposition: attachment; filename="caf\xe9.pdf"\r\n'
        b"Set-Cookie: a=1; Path=/\r\n"
        b"X-Odd: spaced   inside\r\n"
        b"Set-Cookie: b=2, c; Expires=Wed, 21 Oct 2026 07:28:00 GMT\r\n"
        b"LINK: </a>\r\n"
        b"Set-Cookie: a=1; Path=/\r\n"
        b"Link: </b>\r\n"
        b"Server: Werkzeug\r\n"
        b"date: yesterday\r\n"
        b"Content-Length: 2\r\n"
        b"X-Empty: \r\n"
        b"X-Request-ID: " + request_id + b"\r\n"
        b"\r\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    "target",
    [
        "/a%2Fb", "/a%2fb", "//evil.example/x", "/a//b", "/a;b;c=d", "/a?", "/a?b?c", "/?", "/%20",
        "/%0d%0aX:%20y", "/%c0%ae%c0%ae/", "/~a!$&'()*+,=:@", '/a?b=|\\^`{}"<>', "/" + "x" * 8000,
        "/%E9", "/a?\x7e", "/...", "/a..b", "/.well-known/x", "/a%25%32%65",
    ],
)  # fmt: skip
@pytest.mark.row("D14")
async def test_d14_a_target_passes_as_it_is(
    gateway: Gateway, api: ScriptedUpstream, target: str
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.asks(target)
    assert (await client.gets()).status == 200
    assert api.heads[0].startswith(f"GET {target} HTTP/1.1\r\nHost: gw.example\r\n".encode())


@pytest.mark.parametrize(
    "prefix, base, target, expected",
    [
        ("/api", b"", "/api", b"/"),
        ("/api", b"", "/api?x", b"/?x"),
        ("/api", b"", "/api/", b"/"),
        ("/api", b"", "/api/a%2Fb?", b"/a%2Fb?"),
        ("/api", b"", "/api//a", b"//a"),
        ("/api", b"/v1", "/api", b"/v1/"),
        ("/api", b"/v1", "/api/a?x", b"/v1/a?x"),
        ("/", b"/v1", "/a", b"/v1/a"),
    ],
)
async def test_only_the_prefix_is_taken_off(
    start_gateway: StartGateway,
    api: ScriptedUpstream,
    prefix: str,
    base: bytes,
    target: str,
    expected: bytes,
) -> None:
    api.answers(OK)
    route = route_to(
        api.port, path=prefix.encode(), strip_prefix=True, upstream={"base_path": base}
    )
    gateway = await start_gateway(snapshot_of(route))
    client = await gateway.connects()
    await client.asks(target)
    assert (await client.gets()).status == 200
    assert api.heads[0].split(b" ")[1] == expected
    sent = prefix.rstrip("/").encode()
    assert (b"X-Forwarded-Prefix: " + sent in api.heads[0]) is bool(sent)


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 1024", b"Transfer-Encoding: chunked", b"Connection: close"]
)
@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd", b"deflate", b"x-unheard-of"])
@pytest.mark.row("B37", "B38", "D29")
async def test_every_byte_of_content_passes_both_ways(
    gateway: Gateway, api: ScriptedUpstream, framing: bytes, coding: bytes
) -> None:
    content = EVERY_BYTE * 4
    client = await gateway.connects()
    await client.asks("/", f"Content-Encoding: {coding.decode()}", method="POST", content=content)
    peer = await api.accepts()
    assert b"\r\nContent-Encoding: " + coding + b"\r\n" in await peer.sees_head()
    await peer.sees(content)
    framed = b"400\r\n" + content + b"\r\n0\r\n\r\n" if b"chunked" in framing else content
    await peer.sends(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: "
        + coding
        + b'\r\nETag: W/"x"\r\n'
        + framing
        + b"\r\n\r\n"
        + framed
    )
    if framing == b"Connection: close":
        peer.closes()
    response = await client.gets()
    assert response.content == content
    assert response.value("Content-Encoding") == coding
    assert response.value("ETag") == b'W/"x"'


async def test_content_keeps_the_framing_that_it_came_in(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """Legacy servers answer 411 to chunks, so a length that is known stays known."""
    api.answers(OK)
    client = await gateway.connects()
    await client.asks("/", method="POST", content=b"abc")
    await client.gets()
    await client.asks("/", "Content-Length: 0", method="POST")
    await client.gets()
    await client.asks("/", method="POST")
    await client.gets()
    lengths = [b"\r\nContent-Length: 3\r\n", b"\r\nContent-Length: 0\r\n"]
    assert [length in head for length, head in zip(lengths, api.heads, strict=False)] == [
        True,
        True,
    ]
    assert b"ontent-" not in api.heads[2]
    assert all(b"chunked" not in head for head in api.heads)
