"""Streams: what an API writes goes out at once, and who leaves ends what the API does for it.

No deadline of the gateway's has a part in this: all of them are far away here.
"""

import asyncio
import contextlib

import pytest

from cors_gateway.snapshot import PoolLimits, UpstreamTimeouts
from cors_gateway.wire import pool
from cors_gateway.wire.downstream import DownstreamConnection
from tests.wire.conftest import StartGateway
from tests.wire.conversation import ask_through, assert_next_is_served
from tests.wire.gateways import Gateway, route_to, snapshot_of, until
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import End, RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
EVENT = b"data: 1\n\n"
LATER = b"GET /later HTTP/1.1\r\nHost: gw.example\r\nX: %b\r\n\r\n" % (b"y" * 4000)


def connection_of(gateway: Gateway) -> DownstreamConnection:
    (connection,) = gateway.plane.connections
    assert isinstance(connection, DownstreamConnection)
    return connection


@pytest.mark.row("B41")
@pytest.mark.parametrize("content_type", [b"text/event-stream", b"application/octet-stream"])
@pytest.mark.parametrize("framing", ["until close", "chunked", "chunks in pieces", "counted"])
async def test_every_piece_is_there_before_the_next_is_written(
    gateway: Gateway, api: ScriptedUpstream, framing: str, content_type: bytes
) -> None:
    pieces = [b"da", b"ta: 1\n", b"\n", b"d", b"ata: two\ndata: more\n\nda", b"ta: 3\n\n"]
    content = b"".join(pieces)
    client, peer = await ask_through(gateway, api)
    field = {
        "until close": b"",
        "counted": b"Content-Length: %d\r\n" % len(content),
    }.get(framing, b"Transfer-Encoding: chunked\r\n")
    await peer.sends(
        b"HTTP/1.1 200 OK\r\nContent-Type: " + content_type + b"\r\n" + field + b"\r\n"
    )
    assert (await client.sees_head()).startswith(b"HTTP/1.1 200 OK\r\n")
    if framing == "chunks in pieces":
        await peer.sends(b"%x\r\n" % len(content))
    for piece in pieces:
        await peer.sends(b"%x\r\n%b\r\n" % (len(piece), piece) if framing == "chunked" else piece)
        await client.sees(piece if framing == "counted" else b"%x\r\n%b\r\n" % (len(piece), piece))
    if framing == "counted":
        await assert_next_is_served(gateway, api, client=client, peer=peer)
        return
    if framing == "until close":
        peer.closes()
    else:
        await peer.sends(b"\r\n0\r\n\r\n" if framing == "chunks in pieces" else b"0\r\n\r\n")
    await client.sees(b"0\r\n\r\n")
    await assert_next_is_served(
        gateway, api, client=client, peer=None if framing == "until close" else peer
    )


@pytest.mark.row("B41")
async def test_a_head_does_not_wait_for_its_content(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await ask_through(gateway, api)
    await peer.sends(STREAM + b"\r\n")
    assert (await client.sees_head()).startswith(b"HTTP/1.1 200 OK\r\n")
    await client.sees_nothing()
    await peer.sends(EVENT)
    await client.sees(b"9\r\n" + EVENT + b"\r\n")


@pytest.mark.row("B41")
async def test_an_upload_goes_out_piece_by_piece_too(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await ask_through(gateway, api, "Transfer-Encoding: chunked", method="POST")
    for piece in (b"1\r\na\r\n", b"3\r\nbcd\r\n", b"0\r\n\r\n"):
        await client.sends(piece)
        await peer.sees(piece)
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"


def leaves(client: RawClient, how: str) -> None:
    client.resets() if how == "resets" else client.says_no_more()


LEAVING = pytest.mark.parametrize("how", ["says no more", "resets"])


@pytest.mark.row("A9")
@LEAVING
@pytest.mark.parametrize("response", [STREAM + b"\r\n", STREAM + b"\r\n" + EVENT])
async def test_a_silent_stream_ends_when_its_client_leaves(
    gateway: Gateway, api: ScriptedUpstream, response: bytes, how: str
) -> None:
    client, peer = await ask_through(gateway, api)
    await peer.sends(response)
    await client.sees_head()
    leaves(client, how)
    await peer.sees_end(End.RESET)
    record = await gateway.record()
    assert (record.status, record.problem) == (200, "client-gone")
    assert gateway.open_upstreams == 0
    await assert_next_is_served(gateway, api)


@pytest.mark.row("A8")
@LEAVING
async def test_an_api_that_has_not_answered_need_not(
    gateway: Gateway, api: ScriptedUpstream, how: str
) -> None:
    client, peer = await ask_through(gateway, api)
    leaves(client, how)
    await peer.sees_end(End.RESET)
    assert (await gateway.record()).status == 499
    await assert_next_is_served(gateway, api)


@pytest.mark.row("A9")
@LEAVING
async def test_a_client_that_is_not_read_from_is_seen_to_leave(
    gateway: Gateway, api: ScriptedUpstream, how: str
) -> None:
    """It has asked for so much more that reading pauses, and a paused transport hears nothing."""
    client, peer = await ask_through(gateway, api)
    await peer.sends(STREAM + b"\r\n")
    await client.sees_head()
    sending = asyncio.ensure_future(client.sends(LATER * 30))
    transport = connection_of(gateway)._socket.transport
    assert transport is not None
    await until(lambda: not transport.is_reading())
    await sending
    leaves(client, how)
    await peer.sees_end(End.RESET)
    assert (await gateway.record()).problem == "client-gone"
    await assert_next_is_served(gateway, api)


@pytest.mark.row("A9", "A10")
@LEAVING
async def test_a_client_that_does_not_read_is_seen_to_leave(
    gateway: Gateway, api: ScriptedUpstream, how: str
) -> None:
    """The API waits for it, paused in the middle of its stream."""
    client = await gateway.connects(receive_buffer=4096)
    await ask_through(gateway, api, client=client)
    (peer,) = api.connections
    await peer.sends(STREAM + b"\r\n")
    flooding = asyncio.ensure_future(floods(peer))
    connection = connection_of(gateway)
    await until(lambda: connection._is_full)
    leaves(client, how)
    await flooding
    assert (await gateway.record()).problem == "client-gone"
    assert gateway.open_upstreams == 0
    await assert_next_is_served(gateway, api)


async def floods(peer: RawPeer) -> None:
    """Send until the connection breaks."""
    event = b"data: " + b"x" * 65536 + b"\n\n"
    with contextlib.suppress(OSError):
        while True:
            await peer.sends(event)


@pytest.mark.row("A6", "A8")
@LEAVING
@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("expect", [(), ("Expect: 100-continue",)])
async def test_an_upload_whose_client_leaves_is_never_whole(
    gateway: Gateway, api: ScriptedUpstream, framing: str, expect: tuple[str, ...], how: str
) -> None:
    client, peer = await ask_through(gateway, api, framing, *expect, method="PUT")
    if expect:
        await client.sees(b"HTTP/1.1 100 Continue\r\n\r\n")
    leaves(client, how)
    await peer.sees_end(End.RESET)
    record = await gateway.record()
    assert (record.status, record.problem) == (499, "client-gone")
    await assert_next_is_served(gateway, api)


@pytest.mark.row("A6", "A8")
async def test_an_upload_that_the_api_does_not_read_ends_when_its_client_says_no_more(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await ask_through(gateway, api, "Content-Length: 99999999", method="PUT")
    transport = connection_of(gateway)._socket.transport
    assert transport is not None
    # Not much more than is read: its goodbye stands behind what it has sent.
    while transport.is_reading():
        await client.sends(bytes(16 * 1024))
        await asyncio.sleep(0)
    client.says_no_more()
    assert (await gateway.record()).status == 499
    async with asyncio.timeout(30):
        await peer.drains()
    assert peer.end is End.RESET
    await assert_next_is_served(gateway, api)


@pytest.mark.row("A8")
@LEAVING
@pytest.mark.parametrize(
    "lines", [(), ("Content-Length: 5",), ("Content-Length: 5", "Expect: 100-continue")]
)
async def test_who_leaves_while_it_waits_for_a_connection_never_gets_one(
    start_gateway: StartGateway,
    api: ScriptedUpstream,
    monkeypatch: pytest.MonkeyPatch,
    lines: tuple[str, ...],
    how: str,
) -> None:
    monkeypatch.setattr(pool, "MAX_WAIT", 30)
    limits = {"pool": PoolLimits(connections=1)}
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream=limits)))
    first, peer = await ask_through(gateway, api)
    second = await gateway.connects()
    await second.asks("/second", *lines, method="PUT")
    await until(lambda: len(gateway.plane.connections) == 2)
    await second.sees_nothing(0.05)
    leaves(second, how)
    record = await gateway.record()
    assert (record.path, record.status) == (b"/second", 499)
    await peer.sends(OK)
    assert (await first.gets()).content == b"ok"
    await assert_next_is_served(gateway, api, client=first, peer=peer)


@pytest.mark.row("B42")
async def test_a_slow_first_byte_is_waited_for_longer_than_one_in_the_middle(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    timeouts = UpstreamTimeouts(response=30, idle=0.1)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"timeouts": timeouts})))
    client, peer = await ask_through(gateway, api)
    await client.sees_nothing(0.5)
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"
    assert UpstreamTimeouts().response == 60
