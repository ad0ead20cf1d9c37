"""Interim responses (1xx): relayed in order, at once and as they are, and never without end.

RFC 9110, section 15.2: a proxy relays them, except ``100`` where it asked itself, and none of them
to HTTP/1.0.
"""

import asyncio

import pytest

from tests.wire.conversation import ask_through, assert_next_is_served
from tests.wire.gateways import Gateway
from tests.wire.raw_peer import End
from tests.wire.scripted_upstream import OK, ScriptedUpstream

INTERIM = [
    b"HTTP/1.1 102 Processing\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </b.css>; rel=preload\r\nlink: </a.js>, </c>\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </\xe9>\r\nX-Odd:\r\n\r\n",
    b"HTTP/1.1 199 Tr\xe8s bient\xf4t\r\n\r\n",
]


def as_relayed(interim: bytes) -> bytes:
    return interim.replace(b"X-Odd:\r\n", b"X-Odd: \r\n")


@pytest.mark.row("B28")
async def test_each_is_relayed_before_the_next_is_there(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await ask_through(gateway, api)
    for interim in INTERIM:
        await peer.sends(interim)
        await client.sees(as_relayed(interim))
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"
    await assert_next_is_served(gateway, api, client=client, peer=peer)


@pytest.mark.row("B28")
@pytest.mark.parametrize("step", [1, 7, 10_000])
async def test_how_they_are_cut_into_segments_means_nothing(
    gateway: Gateway, api: ScriptedUpstream, step: int
) -> None:
    client, peer = await ask_through(gateway, api)
    response = b"".join(INTERIM) + OK
    for at in range(0, len(response), step):
        await peer.sends(response[at : at + step])
        await asyncio.sleep(0)
    await client.sees(b"".join(map(as_relayed, INTERIM)))
    assert (await client.gets()).content == b"ok"
    await assert_next_is_served(gateway, api, client=client, peer=peer)


@pytest.mark.row("B28")
async def test_http_1_0_gets_none_of_them(gateway: Gateway, api: ScriptedUpstream) -> None:
    client = await gateway.connects()
    await client.sends(b"GET / HTTP/1.0\r\n\r\n")
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(b"".join(INTERIM))
    await client.sees_nothing()
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"
    await client.sees_end(End.CLOSED)
    await assert_next_is_served(gateway, api, peer=peer)


@pytest.mark.row("B28")
async def test_they_come_while_content_is_still_on_its_way(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await ask_through(gateway, api, "Content-Length: 6", method="POST")
    await client.sends(b"abc")
    await peer.sees(b"abc")
    await peer.sends(b"HTTP/1.1 100 Continue\r\n\r\n" + INTERIM[0])
    await client.sees(INTERIM[0])
    await client.sends(b"def")
    await peer.sees(b"def")
    await peer.sends(INTERIM[1] + OK)
    await client.sees(INTERIM[1])
    response = await client.gets()
    assert (response.content, response.closes) == (b"ok", False)
    await assert_next_is_served(gateway, api, client=client, peer=peer)


@pytest.mark.row("B28")
@pytest.mark.parametrize("framing", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
async def test_what_they_say_of_a_connection_is_neither_relayed_nor_obeyed(
    gateway: Gateway, api: ScriptedUpstream, framing: bytes
) -> None:
    client, peer = await ask_through(gateway, api)
    await peer.sends(
        b"HTTP/1.1 103 Early Hints\r\nConnection: close, X-Hop\r\nX-Hop: y\r\nLink: </a>\r\n"
        b"Keep-Alive: timeout=1\r\n" + framing + b"\r\n\r\n" + OK
    )
    await client.sees(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    assert (await client.gets()).content == b"ok"
    await assert_next_is_served(gateway, api, client=client, peer=peer)


@pytest.mark.row("B28", "B34")
@pytest.mark.parametrize("line", [b"Link: a\x01b", b"Link: a\x00b", b"no colon", b"A(b): c"])
async def test_one_that_cannot_be_trusted_is_a_502(
    gateway: Gateway, api: ScriptedUpstream, line: bytes
) -> None:
    client, peer = await ask_through(gateway, api)
    await peer.sends(b"HTTP/1.1 103 Early Hints\r\n" + line + b"\r\n\r\n" + OK)
    response = await client.gets()
    assert (response.status, response.closes) == (502, False)
    await peer.sees_end(End.RESET)
    await assert_next_is_served(gateway, api, client=client)


@pytest.mark.row("B29")
@pytest.mark.parametrize("interim", [INTERIM[0], b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_without_end_they_are_a_502_although_content_is_on_its_way(
    gateway: Gateway, api: ScriptedUpstream, interim: bytes
) -> None:
    client, peer = await ask_through(gateway, api, "Content-Length: 6", method="POST")
    await client.sends(b"abc")
    await peer.sees(b"abc")
    await peer.sends(interim * 200)
    response = await client.gets()
    while response.status == 102:
        response = await client.gets()
    assert (response.status, response.closes) == (502, True)
    assert (await gateway.record()).problem == "response-malformed"
    await peer.sees_end(End.RESET)
    await client.sends(b"def")
    await client.sees_end(End.CLOSED)
    await assert_next_is_served(gateway, api)


@pytest.mark.row("B29")
async def test_without_end_they_are_a_502_also_for_who_gets_none_of_them(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.sends(b"GET / HTTP/1.0\r\n\r\n")
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(INTERIM[0] * 200)
    assert (await client.gets()).status == 502
    await peer.sees_end(End.RESET)
    await assert_next_is_served(gateway, api)
