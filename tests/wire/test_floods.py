"""Crowds and patience as weapons: slow readers, resets, pauses, bytes behind a declined upgrade."""

import asyncio
import random
from pathlib import Path

import pytest

from cors_gateway.snapshot import Limits, Timeouts
from cors_gateway.wire.downstream import DownstreamConnection
from cors_gateway.wire.own_answers import TURN
from tests.wire.conftest import StartGateway
from tests.wire.conversation import ask_through, assert_next_is_served
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of, until
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import End, RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream

SMUGGLED = b"GET /admin HTTP/1.1\r\nHost: gw.example\r\n\r\n"
BIG = 8 * 1024 * 1024


@pytest.mark.row("A11")
async def test_clients_that_read_nothing_cost_little_and_hold_nobody_up(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    async def serve(peer: RawPeer) -> None:
        while True:
            head = await api.reads_request(peer)
            if head.startswith(b"GET /big "):
                await peer.sends(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BIG)
                await api.loop.sock_sendall(peer.sock, bytes(BIG))
            else:
                await peer.sends(OK)

    api.runs(serve)
    slow = [await gateway.connects(receive_buffer=4096) for _ in range(15)]
    for client in slow:
        await client.asks("/big")
    connections = [c for c in gateway.plane.connections if isinstance(c, DownstreamConnection)]

    def is_full(connection: DownstreamConnection) -> bool:
        exchange = connection._exchange
        return exchange is not None and exchange._patience.client_full

    await until(lambda: all(map(is_full, connections)))
    other = await gateway.connects()
    for _ in range(20):
        await other.asks()
        assert (await other.gets()).content == b"ok"
    assert len(connections) == len(slow)
    for connection in connections:
        assert connection._socket.transport is not None
        assert connection._socket.transport.get_write_buffer_size() < 512 * 1024
    for client in slow:
        client.resets()
    await until(lambda: len(gateway.plane.connections) == 1)


async def test_thousands_of_requests_at_once_are_answered_and_hold_nobody_up(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    """What the gateway answers itself waits for nobody: others have their turn all the same."""
    limits = Limits(requests_per_connection=None)
    gateway = await start_gateway(snapshot_of(route_to(api.port), limits=limits))
    client = await gateway.connects()
    count = 5000
    sending = asyncio.ensure_future(
        client.sends(b"OPTIONS * HTTP/1.1\r\nHost: gw.example\r\n\r\n" * count)
    )
    answers = asyncio.ensure_future(_count_answers(client, count))
    await until(lambda: bool(gateway.plane.connections))
    (connection,) = gateway.plane.connections
    assert isinstance(connection, DownstreamConnection)
    most = served = 0
    while served < count:
        await asyncio.sleep(0)
        most, served = max(most, connection._served - served), connection._served
    assert most <= 4 * TURN
    await sending
    assert await answers == count
    await client.sees_nothing()
    await client.asks()
    await api.accepts()


async def _count_answers(client: RawClient, count: int) -> int:
    statuses = [(await client.gets()).status for _ in range(count)]
    return statuses.count(204)


@pytest.mark.row("D31")
async def test_many_that_connect_and_reset_leave_nothing_behind(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    gateway = await start_gateway(snapshot_of(route_to(api.port), limits=Limits(connections=20)))
    await answered(gateway)
    before = descriptors_beside(gateway)
    said = (b"", b"\x16\x03\x01", b"GET /", SMUGGLED, b"POST" + SMUGGLED[3:-2] + b"Content-Length: 9\r\n\r\nx")  # fmt: skip
    rng = random.Random(31)
    for _ in range(10):
        crowd = [await gateway.connects() for _ in range(40)]
        for client in crowd:
            client.sock.send(rng.choice(said))
        await asyncio.sleep(rng.choice((0, 0.001, 0.02)))
        for client in crowd:
            client.resets()
            gateway.clients.remove(client)
    await until(lambda: len(gateway.plane.connections) == 0)
    await answered(gateway)
    await until(lambda: descriptors_beside(gateway) <= before)


@pytest.mark.row("D31")
@pytest.mark.parametrize("says", [b"", b"GET /"])
async def test_who_connects_and_resets_is_no_line_of_the_log(
    gateway: Gateway, api: ScriptedUpstream, says: bytes
) -> None:
    api.answers(OK)
    for _ in range(5):
        crowd = [await gateway.connects() for _ in range(20)]
        for client in crowd:
            client.sock.send(says)
        await until(lambda: len(gateway.plane.connections) == 20)
        for client in crowd:
            client.resets()
            gateway.clients.remove(client)
        await until(lambda: len(gateway.plane.connections) == 0)
    await answered(gateway)
    assert (await gateway.record()).path == b"/next"


def descriptors_beside(gateway: Gateway) -> int:
    """Count what is open, but for both ends of the connections to the API, which may stay."""
    return len(list(Path("/proc/self/fd").iterdir())) - 2 * gateway.open_upstreams


async def answered(gateway: Gateway) -> None:
    client = await gateway.connects()
    await client.asks("/next")
    assert (await client.gets()).content == b"ok"
    client.closes()
    gateway.clients.remove(client)


@pytest.fixture
async def impatient(start_gateway: StartGateway, api: ScriptedUpstream) -> Gateway:
    quick = Timeouts(content=0.5)
    return await start_gateway(snapshot_of(route_to(api.port), timeouts=quick))


@pytest.mark.row("D27")
async def test_a_pause_before_the_content_makes_it_no_request(
    impatient: Gateway, api: ScriptedUpstream
) -> None:
    length = f"Content-Length: {len(SMUGGLED)}"
    client, peer = await ask_through(impatient, api, length, method="POST")
    response = await client.gets()
    assert (response.status, response.closes) == (408, True)
    await client.sends(SMUGGLED)
    await client.sees_end()
    await peer.sees_end(End.RESET)
    await api.accepts_nobody()
    await assert_next_is_served(impatient, api)


@pytest.mark.row("D27")
@pytest.mark.parametrize("begun", [b"", SMUGGLED[:5]])
async def test_a_pause_before_content_that_nobody_wants_ends_the_connection(
    impatient: Gateway, api: ScriptedUpstream, begun: bytes
) -> None:
    client = await impatient.connects()
    await client.asks(
        "/", f"Origin: {APP}", "Access-Control-Request-Method: PUT",
        f"Content-Length: {len(SMUGGLED)}", method="OPTIONS",
    )  # fmt: skip
    await client.sends(begun)
    assert (await client.gets()).status == 204
    await client.sees_end()
    await api.accepts_nobody()
    await assert_next_is_served(impatient, api)


@pytest.mark.row("D23")
@pytest.mark.parametrize("upgrade", ["h2c", "foo/1, tcp", "TLS/1.2"])
async def test_what_follows_an_upgrade_that_is_declined_is_no_request(
    gateway: Gateway, api: ScriptedUpstream, upgrade: str
) -> None:
    client = await gateway.connects()
    await client.sends(
        b"GET / HTTP/1.1\r\nHost: gw.example\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: " + upgrade.encode() + b"\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n" + SMUGGLED
    )
    peer = await api.accepts()
    head = (await peer.sees_head()).lower()
    for name in (b"\r\nupgrade:", b"\r\nconnection:", b"\r\nhttp2-settings:"):
        assert name not in head
    await peer.sends(OK)
    response = await client.gets()
    assert (response.content, response.closes) == (b"ok", True)
    await client.sees_end(End.CLOSED)
    await peer.sees_nothing(0.05)
    await assert_next_is_served(gateway, api, peer=peer)
