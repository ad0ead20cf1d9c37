"""A side that is slow makes the other wait: memory stays bounded, and deadlines still hold."""

import asyncio

import pytest

from cors_gateway.snapshot import Limits, Timeouts, UpstreamTimeouts
from cors_gateway.wire import client_socket
from cors_gateway.wire.downstream import DownstreamConnection
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of, until
from tests.wire.raw_peer import PATIENCE, End, RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream

MEBIBYTE = bytes(1024 * 1024)
LENGTH = 64 * len(MEBIBYTE)
KERNEL = 16 * 1024 * 1024
"""More than the sockets of both connections hold together."""


async def sends_without_end(peer: RawPeer) -> int:
    """Send until nothing more is taken for a while; return how much was."""
    sent = 0
    view = memoryview(MEBIBYTE)
    while sent < LENGTH:
        try:
            sent += peer.sock.send(view)
        except BlockingIOError:
            before = sent
            await asyncio.sleep(0.1)
            try:
                sent += peer.sock.send(view)
            except BlockingIOError:
                return before
        except OSError:
            return sent
        await asyncio.sleep(0)
    return sent


def connection_of(gateway: Gateway) -> DownstreamConnection:
    (connection,) = gateway.plane.connections
    assert isinstance(connection, DownstreamConnection)
    return connection


def buffered_by(connection: DownstreamConnection) -> int:
    """Count what the gateway itself holds for a client."""
    return (
        connection._socket.transport.get_write_buffer_size() if connection._socket.transport else 0
    )


@pytest.mark.parametrize("framing", [b"Content-Length: %d" % LENGTH, b"X-Until: close"])
@pytest.mark.row("A10")
async def test_a10_a_client_that_does_not_read_makes_the_api_wait_and_is_cut_off(
    start_gateway: StartGateway, api: ScriptedUpstream, framing: bytes
) -> None:
    gateway = await start_gateway(snapshot_of(route_to(api.port), timeouts=Timeouts(write=1.5)))
    client = await gateway.connects(receive_buffer=4096)
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
    assert await sends_without_end(peer) < KERNEL
    assert buffered_by(connection_of(gateway)) < 512 * 1024
    await peer.sees_end(End.RESET)
    async with asyncio.timeout(PATIENCE):
        await client.drains()
    assert client.end is End.RESET
    assert (await gateway.record()).problem == "client-gone"


@pytest.mark.row("A10")
async def test_a10_a_client_that_reads_slowly_is_not_cut_off(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    gateway = await start_gateway(snapshot_of(route_to(api.port), timeouts=Timeouts(write=0.8)))
    client = await gateway.connects(receive_buffer=4096)
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    length = 8 * 1024 * 1024
    sending = asyncio.ensure_future(
        peer.sends(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + bytes(length))
    )
    await client.sees_head()
    read = len(client.unread)
    client.unread = b""
    start = client.loop.time()
    while read < length and client.end is None:
        data = await client.loop.sock_recv(client.sock, 512 * 1024)
        read += len(data)
        if client.loop.time() < start + 2:
            await asyncio.sleep(0.05)
    await sending
    assert read == length


async def test_the_rest_of_a_response_is_waited_for_but_not_for_ever(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    """The API is done, the client has not read what is left of it, and does not go on."""
    gateway = await start_gateway(snapshot_of(route_to(api.port), timeouts=Timeouts(write=0.8)))
    client = await gateway.connects(receive_buffer=4096)
    await client.asks("/", "Connection: close")
    peer = await api.accepts()
    await peer.sees_head()
    filled = await sends_until_paused(gateway, peer)
    await until(lambda: not gateway.plane.connections)
    assert filled > 0


async def test_the_rest_of_a_response_reaches_a_client_that_reads_slowly(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    gateway = await start_gateway(snapshot_of(route_to(api.port), timeouts=Timeouts(write=0.8)))
    client = await gateway.connects(receive_buffer=4096)
    await client.asks("/", "Connection: close")
    peer = await api.accepts()
    await peer.sees_head()
    await sends_until_paused(gateway, peer)
    start = client.loop.time()
    tail = b""
    while data := await client._read():
        tail = (tail + data)[-7:]
        if client.loop.time() < start + 2:
            await asyncio.sleep(0.02)
    assert (client.end, tail) == (End.CLOSED, b"\r\n0\r\n\r\n")


async def sends_until_paused(gateway: Gateway, peer: RawPeer) -> int:
    """Send a response that is a little longer than what the client's socket takes."""
    connection = connection_of(gateway)
    await peer.sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    sent = 0
    while buffered_by(connection) == 0:
        await peer.sends(b"4000\r\n" + bytes(0x4000) + b"\r\n")
        await asyncio.sleep(0.001)
        sent += 0x4000
    await peer.sends(b"0\r\n\r\n")
    return sent


@pytest.mark.row("A14", "D31")
async def test_no_request_is_begun_while_the_client_does_not_read(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    """Or every pipelined request would add its answer to what waits."""
    limits = Limits(requests_per_connection=None)
    gateway = await start_gateway(snapshot_of(route_to(api.port), limits=limits))
    client = await gateway.connects(receive_buffer=4096)
    preflight = (
        b"OPTIONS / HTTP/1.1\r\nHost: gw.example\r\nOrigin: %b\r\n"
        b"Access-Control-Request-Method: PUT\r\n\r\n" % APP.encode()
    )
    sent = 0
    flood = memoryview(preflight * 500)
    while sent < 64 * 1024 * 1024:
        try:
            async with asyncio.timeout(0.3):
                await client.loop.sock_sendall(client.sock, flood)
        except TimeoutError:
            break
        sent += len(flood)
    assert sent < KERNEL
    connection = connection_of(gateway)
    assert buffered_by(connection) < 256 * 1024
    answered = len(gateway.records)
    assert answered < 60_000


@pytest.mark.row("A14")
async def test_a_client_that_reads_again_gets_all_pipelined_answers(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    big = bytes(200_000)
    api.answers(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(big) + big)
    client = await gateway.connects(receive_buffer=4096)
    await client.sends(b"GET / HTTP/1.1\r\nHost: gw.example\r\n\r\n" * 60)
    await asyncio.sleep(0.2)
    assert buffered_by(connection_of(gateway)) < 512 * 1024
    for _ in range(60):
        assert (await client.gets()).content == big


async def test_an_api_that_does_not_read_makes_the_client_wait_and_is_a_504(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    timeouts = UpstreamTimeouts(idle=1)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"timeouts": timeouts})))
    client = await gateway.connects()
    await client.asks("/", f"Content-Length: {LENGTH}", f"Origin: {APP}", method="POST")
    peer = await api.accepts()
    assert await sends_without_end(client) < KERNEL
    response = await client.gets()
    assert response.status == 504
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    async with asyncio.timeout(PATIENCE):
        await peer.drains()
    assert peer.end is End.RESET


@pytest.mark.row("A8")
async def test_a_paused_client_that_leaves_is_noticed(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """A paused transport sees neither FIN nor RST: the tick looks."""
    client = await gateway.connects()
    await client.asks("/", f"Content-Length: {LENGTH}", method="POST")
    peer = await api.accepts()
    await sends_without_end(client)
    client.resets()
    # The API reads nothing meanwhile: only the tick can find out.
    assert (await gateway.record()).status == 499
    async with asyncio.timeout(PATIENCE):
        await peer.drains()
    assert peer.end is End.RESET


@pytest.mark.row("B26")
async def test_an_api_that_answers_before_it_has_read_is_not_used_again(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """What it has not taken of one request would stand in front of the next."""
    client = await gateway.connects()
    content = bytes(6 * 1024 * 1024)
    asking = asyncio.ensure_future(client.asks("/", method="POST", content=content))
    peer = await api.accepts()
    await peer.sees_head()
    await asyncio.sleep(0.1)
    await peer.sends(OK)
    response = await client.gets()
    assert (response.status, response.content) == (200, b"ok")
    await asyncio.gather(asking, return_exceptions=True)
    other = await gateway.connects()
    await other.asks("/next")
    second = await api.accepts()
    assert (await second.sees_head()).startswith(b"GET /next ")
    await second.sends(OK)
    assert (await other.gets()).content == b"ok"


async def test_who_reads_the_last_answer_slowly_is_waited_for_although_we_linger(
    gateway: Gateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API refuses an upload with much to say, and the client takes its time over it."""
    monkeypatch.setattr(client_socket, "LINGER", 0.05)
    client = await gateway.connects(receive_buffer=4096)
    await client.asks("/", "Content-Length: 10", method="PUT")
    peer = await api.accepts()
    await peer.sees_head()
    head = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: %d\r\n\r\n" % (8 * len(MEBIBYTE))
    sending = peer.loop.create_task(peer.sends(head + 8 * MEBIBYTE), name="api")
    assert b" 413 " in await client.sees_head()
    received = 0
    while not sending.done():
        received += len(await client.receives(65536))
    await asyncio.sleep(0.5)
    assert received + len(await client.sees_rest()) == 8 * len(MEBIBYTE)
    assert client.end is End.CLOSED
    await sending
