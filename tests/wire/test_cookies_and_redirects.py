"""Cookies and redirects of an API through sockets: what changes, and what stays byte for byte."""

from typing import Any

import pytest

from cors_gateway.messages.cookies import CookieRewrite
from cors_gateway.messages.path_map import PathMap
from cors_gateway.messages.redirects import RedirectRewrite
from cors_gateway.snapshot import Snapshot
from cors_gateway.wire.record import serialize_json
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, route_to, snapshot_of
from tests.wire.scripted_upstream import OK, ScriptedUpstream
from tests.wire.test_tunnel import HANDSHAKE, SWITCHED

API = PathMap(b"/api")
COOKIES = CookieRewrite(domain=b"", paths=API, secure=True, same_site=b"None", partitioned=True)
ORIGIN = f"Origin: {APP}"


def below_a_prefix(api: ScriptedUpstream, **settings: Any) -> Snapshot:
    redirects = RedirectRewrite(frozenset({(b"127.0.0.1", api.port)}), API)
    return snapshot_of(
        route_to(
            api.port,
            **{
                "path": b"/api",
                "strip_prefix": True,
                "cookies": COOKIES,
                "redirects": redirects,
                **settings,
            },
        )
    )


@pytest.mark.parametrize("settings", [{}, {"policy": None}], ids=["a policy", "cors: false"])
async def test_each_cookie_keeps_its_line_its_place_and_its_bytes(
    start_gateway: StartGateway, api: ScriptedUpstream, settings: dict[str, Any]
) -> None:
    api.answers(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: zeta=\xe9\xff; Domain=api.legacy; Path=/; HttpOnly\r\n"
        b"X: 1\r\nset-cookie: alpha=2, beta=3;path=/a ; Priority=High\r\nSet-Cookie: ;\r\n"
        b"SET-COOKIE: __Host-id=4; Path=/; Secure\r\nSet-Cookie: zeta=5\r\nContent-Length: 2\r\n\r\nok"
    )
    gateway = await start_gateway(below_a_prefix(api, **settings))
    client = await gateway.connects()
    await client.asks("/api/x", ORIGIN)
    response = await client.gets()
    assert response.lines[:7] == [
        b"Set-Cookie: zeta=\xe9\xff; Path=/api; HttpOnly; Secure; SameSite=None; Partitioned",
        b"X: 1",
        b"set-cookie: alpha=2, beta=3;path=/api/a ; Priority=High; Secure; SameSite=None; Partitioned",
        b"Set-Cookie: ;",
        b"SET-COOKIE: __Host-id=4; Path=/; Secure; SameSite=None; Partitioned",
        b"Set-Cookie: zeta=5; Secure; SameSite=None; Partitioned",
        b"Content-Length: 2",
    ]
    assert response.content == b"ok"
    record = await gateway.record()
    assert record.cookies_unparsed == 1
    assert serialize_json(record).endswith(', "cookies.unparsed": 1}')


async def test_a_cookie_of_a_handshake_changes_like_any_other(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    gateway = await start_gateway(below_a_prefix(api))
    client = await gateway.connects()
    await client.asks("/api/socket", *HANDSHAKE)
    peer = await api.accepts()
    await peer.sees_head()
    cookies = b"Set-Cookie: a=b; Path=/\r\nSet-Cookie: c\r\n\r\n"
    await peer.sends(SWITCHED.removesuffix(b"\r\n") + cookies)
    head = await client.sees_head()
    assert b"\r\nSet-Cookie: a=b; Path=/api; Secure; SameSite=None; Partitioned\r\n" in head
    assert head.endswith(b"\r\nSet-Cookie: c\r\n\r\n")
    await client.sends(b"\x81")
    await peer.sees(b"\x81")
    peer.closes()
    client.closes()
    assert (await gateway.record()).cookies_unparsed == 1


@pytest.mark.parametrize(
    "status, location, expected",
    [
        pytest.param(301, b"/x/", b"/api/x/", id="a path"),
        pytest.param(308, b"http://127.0.0.1:%d/x?y#z", b"/api/x?y#z", id="the API's address"),
        pytest.param(302, b"http://gw.example/x", b"/api/x", id="our name"),
        pytest.param(201, b"http://gw.example/x/1", b"/api/x/1", id="what was created"),
        pytest.param(302, b"https://gw.example/x", b"https://gw.example/api/x", id="https"),
        pytest.param(303, b"https://sso.example/", b"https://sso.example/", id="elsewhere"),
        pytest.param(302, b"x/y\xe9", b"x/y\xe9", id="relative"),
        pytest.param(302, b"/\t/evil.example", b"/\t/evil.example", id="a tab"),
        pytest.param(200, b"/x", b"/x", id="no redirect"),
    ],
)
async def test_a_redirect_of_the_api_leads_to_us(
    start_gateway: StartGateway,
    api: ScriptedUpstream,
    status: int,
    location: bytes,
    expected: bytes,
) -> None:
    if b"%d" in location:
        location %= api.port
    api.answers(
        b"HTTP/1.1 %d Yes\r\nLocation: %b\r\nRefresh: 0;url=/x\r\nContent-Length: 0\r\n\r\n"
        % (status, location)
    )
    gateway = await start_gateway(below_a_prefix(api))
    client = await gateway.connects()
    await client.asks("/api/x", ORIGIN)
    response = await client.gets()
    assert response.status == status
    assert response.value("Location") == expected
    assert response.value("Refresh") == b"0;url=/x"
    assert response.value("Access-Control-Allow-Origin") == APP.encode()


async def test_a_line_end_cannot_be_smuggled_into_a_cookie_or_redirect(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    """The parser ends a line there; what is behind it is a field of the API's own."""
    api.answers(
        b"HTTP/1.1 302 Found\r\nLocation: /x\r\nX-Evil: 1\r\nSet-Cookie: a=b; Path=/\r\n"
        b"Y: 2\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /x\x0bX-Evil: 1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\x00\r\nContent-Length: 0\r\n\r\n",
    )
    gateway = await start_gateway(below_a_prefix(api))
    seen = []
    for _ in range(3):
        client = await gateway.connects()
        await client.asks("/api/x")
        seen.append(await client.gets())
    assert [response.status for response in seen] == [302, 502, 502]
    assert seen[0].value("Location") == b"/api/x"
    assert b"Set-Cookie" not in seen[2].head


async def test_the_gateways_own_answers_and_other_routes_do_not_change(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    api.answers(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b; Path=/\r\nLocation: /x\r\n\r\n"))
    changing = below_a_prefix(api).routes[0]
    gateway = await start_gateway(snapshot_of(changing, route_to(api.port, name="other")))
    client = await gateway.connects()
    await client.asks("/")
    response = await client.gets()
    assert response.value("Set-Cookie") == b"a=b; Path=/"
    assert response.value("Location") == b"/x"
    await client.asks("/api", method="TRACE")
    response = await client.gets()
    assert (response.status, response.values("Set-Cookie")) == (405, [])
