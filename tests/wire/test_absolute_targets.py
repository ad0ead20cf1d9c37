"""Absolute targets (``GET http://host/path``): the target names the host, and nobody else is asked.

RFC 9112, section 3.2.2. The gateway is no forward proxy: a target selects among its own routes, and
never an address to connect to.
"""

from collections.abc import AsyncIterator

import pytest

from tests.wire.conftest import StartGateway
from tests.wire.conversation import assert_next_is_served
from tests.wire.gateways import Gateway, route_to, snapshot_of
from tests.wire.scripted_upstream import OK, ScriptedUpstream


@pytest.fixture
async def other_api() -> AsyncIterator[ScriptedUpstream]:
    upstream = ScriptedUpstream()
    yield upstream
    await upstream.close()


@pytest.mark.row("A30", "D12")
@pytest.mark.parametrize(
    "target, line, host",
    [
        ("http://a.example/x?y=http://z", b"GET /x?y=http://z HTTP/1.1", b"a.example"),
        ("HTTP://A.example:8080/x", b"GET /x HTTP/1.1", b"A.example:8080"),
        ("https://a.example/", b"GET / HTTP/1.1", b"a.example"),
        ("http://a.example", b"GET / HTTP/1.1", b"a.example"),
        ("http://a.example?q", b"GET /?q HTTP/1.1", b"a.example"),
        ("http://a.example//b.example/", b"GET //b.example/ HTTP/1.1", b"a.example"),
    ],
)
@pytest.mark.parametrize("host_field", ["b.example", "a.example", "unheard.example:81"])
async def test_the_route_and_the_host_are_the_targets(
    start_gateway: StartGateway,
    api: ScriptedUpstream,
    other_api: ScriptedUpstream,
    target: str,
    line: bytes,
    host: bytes,
    host_field: str,
) -> None:
    api.answers(OK)
    gateway = await start_gateway(
        snapshot_of(
            route_to(api.port, name="a", host=b"a.example"),
            route_to(other_api.port, name="b", host=b"b.example"),
        )
    )
    client = await gateway.connects()
    for _ in range(2):
        await client.asks(target, host=host_field)
        response = await client.gets()
        assert (response.content, response.closes) == (b"ok", False)
    for head in api.heads:
        assert head.startswith(line + b"\r\nHost: " + host + b"\r\n")
        assert head.lower().count(b"\r\nhost:") == 1
        assert b"\r\nX-Forwarded-Host: " + host + b"\r\n" in head
        assert b"\r\nX-Forwarded-Proto: http\r\n" in head
        assert host_field == "a.example" or host_field.encode() not in head.replace(line, b"")
    assert len(api.connections) == 1
    await other_api.accepts_nobody(0.02)


@pytest.mark.row("A30")
@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_target_never_says_where_to_connect(
    gateway: Gateway,
    api: ScriptedUpstream,
    other_api: ScriptedUpstream,
    version: str,
    scheme: str,
) -> None:
    client = await gateway.connects()
    authority = f"127.0.0.1:{other_api.port}"
    head = f"GET {scheme}://{authority}/secret HTTP/{version}\r\nHost: gw.example\r\n\r\n"
    await client.sends(head.encode())
    peer = await api.accepts()
    seen = await peer.sees_head()
    assert seen.startswith(f"GET /secret HTTP/1.1\r\nHost: {authority}\r\n".encode())
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"
    await other_api.accepts_nobody(0.02)
    await assert_next_is_served(gateway, api, peer=peer)


@pytest.mark.row("A30")
@pytest.mark.parametrize(
    "target", ["http://b.example/", "https://169.254.169.254/latest/meta-data"]
)
async def test_a_host_that_no_route_names_is_not_there(
    start_gateway: StartGateway, api: ScriptedUpstream, target: str
) -> None:
    gateway = await start_gateway(snapshot_of(route_to(api.port, host=b"gw.example")))
    client = await gateway.connects()
    await client.asks(target)
    assert (await client.gets()).status == 404
    await api.accepts_nobody(0.02)
    await assert_next_is_served(gateway, api, client=client)
