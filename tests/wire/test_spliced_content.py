"""Long content passes within the kernel: the same bytes, the same ends, and the same records."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from cors_gateway.snapshot import Endpoint, UpstreamTimeouts
from cors_gateway.wire.downstream import DownstreamConnection
from cors_gateway.wire.splice import SPLICED_FROM
from cors_gateway.wire.upstream import UpstreamConnection
from tests.wire.conftest import StartGateway
from tests.wire.gateways import Gateway, route_to, snapshot_of, until
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import End, RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream

CONTENT = random.Random(7).randbytes(3_000_000)
LENGTH = len(CONTENT)


def head(length: int = LENGTH) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def exchange_of(gateway: Gateway) -> Any:
    """Give what serves the only client."""
    (connection,) = gateway.plane.connections
    assert isinstance(connection, DownstreamConnection)
    return connection._exchange


def full(gateway: Gateway) -> bool:
    """Say whether the only client can take no more."""
    exchange = exchange_of(gateway)
    return exchange is not None and bool(exchange._patience.client_full)


async def begins(
    gateway: Gateway, api: ScriptedUpstream, begun: bytes
) -> tuple[RawClient, RawPeer]:
    """Let a client ask, and the API begin with its answer, of which some is spliced."""
    client = await gateway.connects()
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(begun)
    assert (await client.sees_head()).startswith(b"HTTP/1.1 200 ")
    return client, peer


async def test_long_content_is_the_same_and_both_connections_go_on(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(head() + CONTENT, OK)
    client = await gateway.connects()
    await client.asks()
    assert (await client.gets()).content == CONTENT
    assert gateway.plane.splices.begun == 1
    assert (await gateway.record()).response_bytes == LENGTH
    await client.asks()
    assert (await client.gets()).content == b"ok"
    assert len(api.connections) == 1


async def test_content_that_is_not_long_is_read_and_written(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    content = CONTENT[: SPLICED_FROM - 1]
    api.answers(head(len(content)) + content)
    client = await gateway.connects()
    await client.asks()
    assert (await client.gets()).content == content
    assert gateway.plane.splices.begun == 0


@pytest.mark.parametrize(
    "framed, closes",
    [
        (b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (LENGTH, CONTENT), False),
        (b"Connection: close\r\n\r\n" + CONTENT, True),
    ],
    ids=["chunked", "until close"],
)
async def test_content_whose_end_must_be_looked_for_is_read(
    gateway: Gateway, api: ScriptedUpstream, framed: bytes, closes: bool
) -> None:
    async def answer(peer: RawPeer) -> None:
        await api.reads_request(peer)
        await peer.sends(b"HTTP/1.1 200 OK\r\n" + framed)
        if closes:
            peer.closes()

    api.runs(answer)
    client = await gateway.connects()
    await client.asks()
    assert (await client.gets()).content == CONTENT
    assert gateway.plane.splices.begun == 0


async def test_pipelined_requests_are_answered_in_order(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(head() + CONTENT, OK, head() + CONTENT[::-1], OK)
    client = await gateway.connects()
    await client.sends(b"GET / HTTP/1.1\r\nHost: gw.example\r\n\r\n" * 4)
    assert [(await client.gets()).content for _ in range(4)] == [
        CONTENT,
        b"ok",
        CONTENT[::-1],
        b"ok",
    ]
    assert gateway.plane.splices.begun == 2


@pytest.mark.row("B19", "B25")
async def test_what_stands_behind_the_content_reaches_nobody(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """A connection that brought more is not used again, and the next client gets its own answer."""
    api.answers(head() + CONTENT + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong", OK)
    client = await gateway.connects()
    for content in (CONTENT, b"ok", b"ok"):
        await client.asks()
        assert (await client.gets()).content == content
    assert gateway.plane.splices.begun == 1
    assert len(api.connections) == 2
    await client.sees_nothing()


@pytest.mark.parametrize("end", list(End))
@pytest.mark.row("B15")
async def test_b15_content_that_breaks_off_is_seen_to(
    gateway: Gateway, api: ScriptedUpstream, end: End
) -> None:
    client, peer = await begins(gateway, api, head() + CONTENT[:2_000_000])
    assert await client.receives(2_000_000) == CONTENT[:2_000_000]
    peer.closes() if end is End.CLOSED else peer.resets()
    await client.sees_end(End.CLOSED)
    record = await gateway.record()
    assert (record.problem, record.response_bytes) == ("response-incomplete", 2_000_000)
    assert gateway.plane.splices.begun == 1
    await until(lambda: gateway.open_upstreams == 0)


async def test_what_came_before_the_content_broke_off_reaches_a_slow_client(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects(receive_buffer=4096)
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    large = 16 * 1024 * 1024
    sent = 5_000_000
    sending = asyncio.ensure_future(peer.sends(head(large) + bytes(sent)))
    await client.sees_head()
    await until(lambda: full(gateway))
    await sending
    peer.closes()
    await asyncio.sleep(0.1)
    assert len(await client.sees_rest()) == sent
    assert client.end is End.CLOSED
    assert (await gateway.record()).response_bytes == sent


async def test_what_is_between_the_sockets_is_not_skipped_where_the_request_cannot_be_sent_on(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """An API may answer, read no more of the request, and reset: what it said last is read then."""
    client = await gateway.connects(receive_buffer=65536)
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    content = CONTENT * 6
    sending = asyncio.ensure_future(peer.sends(head(len(content)) + content))
    await client.sees_head()
    await until(lambda: full(gateway))
    upstream = exchange_of(gateway)._upstream
    assert upstream._splice._held
    upstream.transport.write(bytes(1 << 26))  # as if it were the request's content
    sending.cancel()
    peer.resets()
    await until(lambda: upstream.transport is None)
    record = await gateway.record()
    received = await client.sees_rest()
    assert received == content[: record.response_bytes]
    assert record.problem == "response-incomplete"


@pytest.mark.row("B18")
async def test_b18_an_api_that_falls_silent_is_given_up(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    timeouts = UpstreamTimeouts(idle=0.2)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"timeouts": timeouts})))
    client, peer = await begins(gateway, api, head() + CONTENT[:2_000_000])
    assert await client.sees_rest() == CONTENT[:2_000_000]
    assert (await gateway.record()).problem == "response-incomplete"
    await peer.sees_end(End.RESET)
    assert gateway.plane.splices.begun == 1


async def test_an_api_that_sends_a_little_now_and_then_is_waited_for_and_nothing_held_back(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    timeouts = UpstreamTimeouts(idle=0.5)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"timeouts": timeouts})))
    client, peer = await begins(gateway, api, head() + CONTENT[:2_000_000])
    await client.receives(2_000_000)
    for at in range(2_000_000, 2_000_010):
        await peer.sends(CONTENT[at : at + 1])
        await client.sees(CONTENT[at : at + 1])
        await asyncio.sleep(0.1)
    await peer.sends(CONTENT[2_000_010:])
    await client.sees(CONTENT[2_000_010:])
    assert gateway.plane.splices.begun == 1


@pytest.mark.parametrize("leaves", ["closes", "resets", "says_no_more"])
@pytest.mark.row("A8")
async def test_a8_a_client_that_leaves_ends_the_request(
    gateway: Gateway, api: ScriptedUpstream, leaves: str
) -> None:
    client, peer = await begins(gateway, api, head() + CONTENT[:2_000_000])
    getattr(client, leaves)()
    await peer.sees_end(End.RESET)
    assert (await gateway.record()).problem == "client-gone"
    await until(lambda: not gateway.plane.connections)


async def test_a_client_that_resets_while_it_is_sent_to_ends_the_request(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects(receive_buffer=4096)
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    sending = asyncio.ensure_future(peer.sends(head(1 << 30) + bytes(1 << 26)))
    await client.sees_head()
    await until(lambda: full(gateway))
    client.resets()
    with pytest.raises(ConnectionError):
        await sending
    assert (await gateway.record()).problem == "client-gone"


async def test_a_gateway_that_stops_breaks_it_off(gateway: Gateway, api: ScriptedUpstream) -> None:
    client, peer = await begins(gateway, api, head() + CONTENT[:2_000_000])
    await client.receives(2_000_000)
    await gateway.plane.drain(0.05)
    await client.sees_end(End.CLOSED)
    await peer.sees_end(End.RESET)
    assert (await gateway.record()).problem == "stopping"


async def test_nothing_is_moved_for_a_request_that_is_over(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, _ = await begins(gateway, api, head() + CONTENT[:2_000_000])
    await client.receives(2_000_000)
    assert len(gateway.plane.splices._active) == 1
    exchange_of(gateway).stop()
    assert not gateway.plane.splices._active


async def test_a_mistake_of_ours_ends_the_request_and_is_told(
    gateway: Gateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, peer = await begins(gateway, api, head() + CONTENT[:2_000_000])
    await client.receives(2_000_000)

    def fails(self: UpstreamConnection, count: int, *, is_full: bool) -> None:
        raise RuntimeError

    monkeypatch.setattr(UpstreamConnection, "bytes_spliced", fails)
    await peer.sends(CONTENT[2_000_000:])
    await client.sees_rest()
    assert (await gateway.record()).problem == "internal-error"
    assert len(gateway.faults) == 1
    gateway.faults.clear()


async def test_a_unix_socket_is_spliced_from_too(
    start_gateway: StartGateway, unix_path: str
) -> None:
    api = ScriptedUpstream(unix_path)
    api.answers(head() + CONTENT, OK)
    try:
        upstream = {"url": f"unix:{unix_path}", "endpoints": (Endpoint(unix_path=unix_path),)}
        gateway = await start_gateway(snapshot_of(route_to(1, upstream=upstream)))
        client = await gateway.connects()
        for content in (CONTENT, b"ok"):
            await client.asks()
            assert (await client.gets()).content == content
        assert gateway.plane.splices.begun == 1
        assert len(api.connections) == 1
    finally:
        await api.close()


async def test_what_has_not_been_used_for_a_while_is_given_back(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(OK, head() + CONTENT)
    client = await gateway.connects()
    await client.asks()
    await client.gets()
    before = descriptors()
    await client.asks()
    await client.gets()
    await until(lambda: descriptors() == before)
