"""``Expect: 100-continue``: the gateway asks for content itself, once, and only if it can be sent on.

RFC 9110, section 10.1.1.
"""

import pytest

from cors_gateway.snapshot import PoolLimits, Timeouts
from cors_gateway.wire import pool
from tests.wire.conftest import StartGateway
from tests.wire.conversation import ask_through, assert_next_is_served
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of
from tests.wire.raw_peer import End
from tests.wire.scripted_upstream import OK, ScriptedUpstream

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EXPECT = "Expect: 100-continue"


@pytest.mark.row("A19")
async def test_content_is_not_asked_for_before_a_connection_is_there(
    start_gateway: StartGateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MAX_WAIT", 30)
    limits = {"pool": PoolLimits(connections=1)}
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream=limits)))
    first, peer = await ask_through(gateway, api)
    second = await gateway.connects()
    await second.asks("/second", EXPECT, "Content-Length: 5", method="PUT")
    await second.sees_nothing()
    await peer.sends(OK)
    assert (await first.gets()).content == b"ok"
    await second.sees(CONTINUE)
    await second.sends(b"hello")
    assert (await peer.sees_head()).startswith(b"PUT /second ")
    await peer.sees(b"hello")
    await peer.sends(OK)
    assert (await second.gets()).content == b"ok"
    await assert_next_is_served(gateway, api, client=second, peer=peer)


@pytest.mark.row("A19")
@pytest.mark.parametrize("expect", [EXPECT, "expect:100-Continue", "Expect: 100-continue, "])
async def test_chunks_are_asked_for_once_whatever_the_api_says(
    gateway: Gateway, api: ScriptedUpstream, expect: str
) -> None:
    chunked = "Transfer-Encoding: chunked"
    client, peer = await ask_through(gateway, api, expect, chunked, method="POST")
    await client.sees(CONTINUE)
    await peer.sends(CONTINUE * 3)
    await client.sends(b"5\r\nhello\r\n0\r\n\r\n")
    await peer.sees(b"5\r\nhello\r\n0\r\n\r\n")
    await peer.sends(CONTINUE + OK)
    assert (await client.gets()).content == b"ok"
    await assert_next_is_served(gateway, api, client=client, peer=peer)


@pytest.mark.row("A19")
async def test_who_sends_without_waiting_is_not_asked(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.sends(
        b"POST / HTTP/1.1\r\nHost: gw.example\r\nExpect: 100-continue\r\n"
        b"Content-Length: 5\r\n\r\nhe"
    )
    peer = await api.accepts()
    assert b"xpect" not in await peer.sees_head()
    await peer.sees(b"he")
    await client.sends(b"llo")
    await peer.sees(b"llo")
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"
    await assert_next_is_served(gateway, api, client=client, peer=peer)


@pytest.mark.row("A19", "B26")
@pytest.mark.parametrize("sends_anyway", [True, False])
async def test_an_api_that_does_not_want_the_content_has_the_last_word(
    gateway: Gateway, api: ScriptedUpstream, sends_anyway: bool
) -> None:
    client, peer = await ask_through(gateway, api, EXPECT, "Content-Length: 5", method="POST")
    await client.sees(CONTINUE)
    await peer.sends(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
    response = await client.gets()
    assert (response.status, response.content, response.closes) == (401, b"no", True)
    await peer.sees_end(End.RESET)
    if sends_anyway:
        await client.sends(b"hello")
    await client.sees_end(End.CLOSED)
    await assert_next_is_served(gateway, api)


@pytest.mark.row("A5", "A19")
async def test_content_that_was_asked_for_and_does_not_come_is_a_408(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    gateway = await start_gateway(snapshot_of(route_to(api.port), timeouts=Timeouts(content=0.5)))
    client, peer = await ask_through(gateway, api, EXPECT, "Content-Length: 5", method="POST")
    await client.sees(CONTINUE)
    response = await client.gets()
    assert (response.status, response.closes) == (408, True)
    await peer.sees_end(End.RESET)
    await assert_next_is_served(gateway, api)


@pytest.mark.row("A20", "A26")
async def test_a_preflight_is_answered_without_its_content(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.asks(
        "/", f"Origin: {APP}", "Access-Control-Request-Method: PUT", EXPECT, "Content-Length: 5",
        method="OPTIONS",
    )  # fmt: skip
    response = await client.gets()
    assert (response.status, response.closes) == (204, True)
    await client.sees_end(End.CLOSED)
    await api.accepts_nobody()
    await assert_next_is_served(gateway, api)


@pytest.mark.row("A21")
@pytest.mark.parametrize("expectation", ["foo", "100-continue, foo", "200-ok"])
async def test_with_content_another_expectation_ends_the_connection(
    gateway: Gateway, api: ScriptedUpstream, expectation: str
) -> None:
    client = await gateway.connects()
    await client.asks("/", f"Expect: {expectation}", "Content-Length: 5", method="POST")
    response = await client.gets()
    assert (response.status, response.closes) == (417, True)
    await client.sends(b"hello")
    await client.sees_end(End.CLOSED)
    await api.accepts_nobody()
    await assert_next_is_served(gateway, api)


@pytest.mark.row("A21")
@pytest.mark.parametrize("expectation", [b"100-continue", b"foo"])
async def test_http_1_0_is_never_asked(
    gateway: Gateway, api: ScriptedUpstream, expectation: bytes
) -> None:
    client = await gateway.connects()
    await client.sends(
        b"POST / HTTP/1.0\r\nExpect: " + expectation + b"\r\nContent-Length: 5\r\n\r\n"
    )
    peer = await api.accepts()
    assert b"xpect" not in await peer.sees_head()
    await client.sees_nothing()
    await client.sends(b"hello")
    await peer.sees(b"hello")
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"
    await assert_next_is_served(gateway, api, peer=peer)
