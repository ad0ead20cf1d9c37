"""Attacks that arrive as well-formed heads: the rows D6 to D8, D16 to D21, D33, D34."""

from ipaddress import ip_network

import pytest

from cors_gateway.snapshot import Snapshot
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, policy, route_to, snapshot_of
from tests.wire.raw_peer import End
from tests.wire.scripted_upstream import OK, ScriptedUpstream

SMUGGLED = b"GET /admin HTTP/1.1\r\nHost: gw.example\r\n\r\n"
PREFLIGHT = ("Access-Control-Request-Method: PUT",)


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(size + b"\r\nabc\r\n0\r\n\r\n", id=f"size {size!r}"[:30])
        for size in (
            *(b"0x3", b"+3", b"-3", b" 3", b"3 ", b"3\t", b"", b"g", b"3g", b"3 ;a", b"\x0b3"),
            *(b"3;ext\nx", b"3\r", b"3;a\x00", b"3;a\x7f", b"0" * 17 + b"3", b"f" * 17),
            *(b"8000000000000000", b"3;" + b"a" * 40_000),
        )
    ]
    + [
        pytest.param(b"3\nabc\r\n0\r\n\r\n", id="bare LF behind the size"),
        pytest.param(b"3\r\nabc\n0\r\n\r\n", id="bare LF behind the data"),
        pytest.param(b"3\r\nabc\r0\r\n\r\n", id="bare CR behind the data"),
        pytest.param(b"3\r\nabcXX0\r\n\r\n", id="no line end behind the data"),
        pytest.param(b"3\r\nabcd\r\n0\r\n\r\n", id="more data than announced"),
        pytest.param(b"3\r\nabc\r\n0\n\r\n", id="bare LF behind the last size"),
        pytest.param(b"3\r\nabc\r\n0\r\n\n", id="bare LF at the end"),
        pytest.param(
            b"3\r\nabc\r\n0\r\nno colon\r\n\r\n", id="D8: no trailer", marks=pytest.mark.row("D8")
        ),
        pytest.param(
            b"3\r\nabc\r\n0\r\n a: b\r\n\r\n", id="D8: folded trailer", marks=pytest.mark.row("D8")
        ),
        pytest.param(
            b"3\r\nabc\r\n0\r\n" + b"a: b\r\n" * 10_000,
            id="D8: 10,000 trailers",
            marks=pytest.mark.row("D8"),
        ),
        pytest.param(
            b"3\r\nabc\r\n0\r\na: " + b"b" * 40_000,
            id="D8: a long trailer",
            marks=pytest.mark.row("D8"),
        ),
    ],
)
@pytest.mark.row("D6", "D7")
async def test_d6_d7_chunks_that_others_read_otherwise_are_refused(
    gateway: Gateway, api: ScriptedUpstream, chunks: bytes
) -> None:
    client = await gateway.connects()
    await client.asks("/", "Transfer-Encoding: chunked", f"Origin: {APP}", method="POST")
    peer = await api.accepts()
    await peer.sees_head()
    await client.sends(chunks + SMUGGLED)
    response = await client.gets()
    assert (response.status, response.closes) == (400, True)
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    assert b"0\r\n\r\n" not in await peer.sees_rest()
    assert peer.end is End.RESET
    await client.sees_end()
    other = await gateway.connects()
    await other.asks("/next")
    peer = await api.accepts()
    assert (await peer.sees_head()).startswith(b"GET /next ")
    await peer.sends(OK)
    assert (await other.gets()).content == b"ok"


@pytest.mark.row("D7")
async def test_d7_extensions_end_here_and_tiny_chunks_pass(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.asks("/", "Transfer-Encoding: chunked", method="POST")
    peer = await api.accepts()
    await peer.sees_head()
    await client.sends(b"1;a=b\r\nx\r\n" * 10_000 + b"0;last\r\nA: b\r\n\r\n")
    seen = b""
    while not seen.endswith(b"0\r\n\r\n"):
        seen += await peer.receives(1)
    assert b";" not in seen
    assert b"A: b" not in seen
    assert sum(line == b"x" * len(line) for line in seen.split(b"\r\n") if line) > 0
    assert seen.count(b"x") == 10_000
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"


@pytest.mark.parametrize(
    "option",
    [
        *("Host", "Origin", "Cookie", "Authorization", "X-Forwarded-For", "Forwarded", "Via"),
        *("Content-Length", "content-type", "Access-Control-Request-Method", "x-real-ip", "Vary"),
        *("Sec-Fetch-Site", "X-Forwarded-Anything", "X-Request-ID"),
    ],
)
@pytest.mark.row("D16")
async def test_d16_a_connection_option_cannot_take_away_what_others_rely_on(
    gateway: Gateway, api: ScriptedUpstream, option: str
) -> None:
    client = await gateway.connects()
    await client.asks("/", f"Connection: close, {option}", f"Origin: {APP}", "Cookie: a=b")
    response = await client.gets()
    assert (response.status, response.closes) == (400, True)
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    await api.accepts_nobody(0.02)


SPOOFED = (
    "X-Forwarded-For: 6.6.6.6",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Prefix: /evil",
    "X-Forwarded-Client-Cert: admin",
    "Forwarded: for=6.6.6.6;host=evil.example",
    "X-Real-IP: 6.6.6.6",
    "X-Request-ID: chosen",
)


@pytest.mark.row("D17")
async def test_d17_what_an_untrusted_peer_says_of_others_is_replaced(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.asks("/", *SPOOFED, "Via: 1.1 elsewhere")
    await client.gets()
    (head,) = api.heads
    for lie in (b"6.6.6.6", b"evil", b"https", b"admin", b"chosen"):
        assert lie not in head
    assert head.count(b"X-Forwarded-For: 127.0.0.1\r\n") == 1
    assert b"\r\nVia: 1.1 elsewhere\r\n" in head
    assert b"\r\nVia: 1.1 " + gateway.plane.pseudonym + b"\r\n" in head


@pytest.mark.row("D17")
async def test_d17_what_a_trusted_peer_says_is_continued(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    gateway = await start_gateway(
        snapshot_of(route_to(api.port), trusted_proxies=(ip_network("127.0.0.0/8"),))
    )
    client = await gateway.connects()
    await client.asks("/", *SPOOFED)
    response = await client.gets()
    (head,) = api.heads
    assert b"\r\nX-Forwarded-For: 6.6.6.6, 127.0.0.1\r\n" in head
    assert b"\r\nX-Forwarded-Proto: https\r\n" in head
    assert b"\r\nX-Forwarded-Host: evil.example\r\n" in head
    assert b"\r\nX-Request-ID: chosen\r\n" in head
    assert response.value("X-Request-ID") == b"chosen"
    assert (await gateway.record()).request_id == b"chosen"


@pytest.mark.parametrize(
    "line",
    [
        *("X_Forwarded_For: 6.6.6.6", "Transfer_Encoding: chunked", "Content_Length: 5"),
        *("X-Forwarded_Proto: https", "x_real_ip: 6.6.6.6", "Origin_: x", "X_Request_ID: y"),
    ],
)
@pytest.mark.row("D18")
async def test_d18_names_with_underscores_are_not_taken_for_ours(
    gateway: Gateway, api: ScriptedUpstream, line: str
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.asks("/", line, "X_Other: kept")
    assert (await client.gets()).status == 200
    name = line.partition(":")[0].encode()
    assert (name in api.heads[0]) is (name == b"Origin_")
    assert b"\r\nX_Other: kept\r\n" in api.heads[0]


@pytest.mark.parametrize(
    "origin",
    [
        *("null", "https://app.example.evil.example", "https://evil-app.example", "*", ""),
        *("https://app.example.", "https://app.example:444", "https://u@app.example", "x" * 8192),
        *("https://APP.example", "https://app.example%0d%0aX:y", "https://app.example/"),
        *(
            "https://app.example https://evil.example",
            "http://app.example",
            "https://app.ex\xe4mple",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["actual", "preflight"])
@pytest.mark.row("D19", "D20")
async def test_d19_d20_an_origin_that_is_not_named_is_never_granted(
    gateway: Gateway, api: ScriptedUpstream, origin: str, kind: str
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    is_preflight = kind == "preflight"
    lines = (f"Origin: {origin}", *(PREFLIGHT if is_preflight else ()))
    await client.asks("/", *lines, method="OPTIONS" if is_preflight else "GET")
    response = await client.gets()
    assert response.status == (403 if is_preflight else 200)
    assert not any(line.lower().startswith(b"access-control-") for line in response.lines)
    assert len(api.heads) == (0 if is_preflight else 1)
    if not is_preflight:
        assert f"\r\nOrigin: {origin}\r\n".encode("latin-1") in api.heads[0]


@pytest.mark.parametrize("lines", [(), PREFLIGHT])
@pytest.mark.row("D20")
async def test_d20_two_origins_are_refused(
    gateway: Gateway, api: ScriptedUpstream, lines: tuple[str, ...]
) -> None:
    client = await gateway.connects()
    method = "OPTIONS" if lines else "GET"
    await client.asks("/", f"Origin: {APP}", "Origin: https://evil.example", *lines, method=method)
    response = await client.gets()
    assert response.status == 400
    assert not any(line.lower().startswith(b"access-control-") for line in response.lines)
    await api.accepts_nobody(0.02)


@pytest.mark.parametrize(
    "lines",
    [
        ("Access-Control-Request-Method: P(UT",),
        ("Access-Control-Request-Method: *",),
        ("Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x\xe9, a b"),
        ("Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: *"),
        ("Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: " + "x," * 10_000),
        ("Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: " + "y" * 20_000),
    ],
)
@pytest.mark.row("A26", "D21")
async def test_d21_what_a_preflight_announces_comes_back_checked_or_not_at_all(
    start_gateway: StartGateway, lines: tuple[str, ...]
) -> None:
    echoing = policy(allow_credentials=True, allow_methods=("*",), allow_headers=("*",))
    gateway = await start_gateway(snapshot_of(route_to(1, policy=echoing)))
    client = await gateway.connects()
    await client.asks("/", f"Origin: {APP}", *lines, method="OPTIONS")
    response = await client.gets()
    assert response.status == 204
    assert len(response.head) < 6000
    assert b"P(UT" not in response.head
    assert b"\xe9" not in response.head


@pytest.mark.row("D33")
async def test_d33_a_route_to_the_gateway_itself_ends_at_once(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    gateway = await start_gateway(snapshot_of(route_to(api.port)))
    loop = route_to(gateway.address[1])
    gateway.plane.snapshot = snapshot_of(loop)
    client = await gateway.connects()
    await client.asks("/", f"Origin: {APP}")
    response = await client.gets()
    assert response.status == 508
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    assert len(gateway.plane.connections) == 2


def public_and_admin(api: ScriptedUpstream) -> Snapshot:
    return snapshot_of(
        route_to(api.port, name="public", path=b"/public", policy=policy()),
        route_to(
            api.port, name="admin", path=b"/admin", policy=policy(on_disallowed_origin="block")
        ),
    )


@pytest.mark.parametrize(
    "target",
    [
        "/public/%2e%2e/admin", "/public//../admin", "/public/..;x/admin", "/public/..%2fadmin",
        "/%70ublic/x", "/public%2Fx", "//admin/x", "/public;x/y", "/admin;x", "/%61dmin", "/./admin",
    ],
)  # fmt: skip
@pytest.mark.row("D15")
async def test_d15_a_path_that_could_mean_another_route_is_refused(
    start_gateway: StartGateway, api: ScriptedUpstream, target: str
) -> None:
    api.answers(OK)
    gateway = await start_gateway(public_and_admin(api))
    client = await gateway.connects()
    await client.asks(target, "Origin: https://evil.example")
    assert (await client.gets()).status == 400
    assert api.heads == []


@pytest.mark.parametrize("target", ["/PUBLIC", "/publicx", "/", "/metrics", "/livez", "/config"])
@pytest.mark.row("D34")
async def test_d34_what_no_route_names_is_not_there(
    start_gateway: StartGateway, api: ScriptedUpstream, target: str
) -> None:
    gateway = await start_gateway(public_and_admin(api))
    client = await gateway.connects()
    await client.asks(target, f"Origin: {APP}")
    response = await client.gets()
    assert response.status == 404
    assert response.value("Access-Control-Allow-Origin") == APP.encode()


@pytest.mark.row("D32")
async def test_d32_what_a_client_sends_stays_on_its_line_of_the_log(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    from cors_gateway.wire.record import serialize_json, serialize_text

    api.answers(OK)
    client = await gateway.connects()
    await client.asks(
        "/a%0d?secret",
        "User-Agent: x\x85\x9b31m\t\xff",
        "Origin: \x1b]0;\x07".replace("\x1b", "").replace("\x07", ""),
    )
    await client.gets()
    record = await gateway.record()
    for line in (serialize_json(record), serialize_text(record)):
        assert line.isascii()
        assert line.isprintable()
        assert "secret" not in line
