"""Tunnels, byte by byte: what passes before, at and after the API's 101, and how they end."""

import asyncio
import hashlib
import socket

import pytest

from cors_gateway.snapshot import PoolLimits, Timeouts, UpstreamTimeouts
from cors_gateway.wire.record import AccessRecord
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, policy, route_to, snapshot_of, until
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import End, RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = (
    f"Origin: {APP}",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    KEY,
    "Sec-WebSocket-Protocol: chat, soap",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
MEBIBYTE = 1024 * 1024


async def asked(gateway: Gateway, api: ScriptedUpstream) -> tuple[RawClient, RawPeer]:
    """Send a handshake and let the API read it."""
    client = await gateway.connects()
    await client.asks("/socket", *HANDSHAKE)
    peer = await api.accepts()
    api.heads.append(await peer.sees_head())
    return client, peer


async def switched(gateway: Gateway, api: ScriptedUpstream) -> tuple[RawClient, RawPeer]:
    """Open a tunnel."""
    client, peer = await asked(gateway, api)
    await peer.sends(SWITCHED)
    await client.sees(SWITCHED)
    return client, peer


async def ended(gateway: Gateway) -> AccessRecord:
    """See that a tunnel has left nothing behind, and take its record."""
    await until(lambda: not gateway.plane.connections and not gateway.open_upstreams)
    return await gateway.record()


@pytest.mark.row("C1")
async def test_the_api_is_asked_and_its_101_relayed_as_it_is(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await switched(gateway, api)
    lines = api.heads[0].split(b"\r\n")
    assert lines[0] == b"GET /socket HTTP/1.1"
    for line in (*HANDSHAKE[3:], "Connection: Upgrade", "Upgrade: websocket", f"Origin: {APP}"):
        assert lines.count(line.encode()) == 1, line
    await client.sends(b"\x81\x85frame")
    await peer.sees(b"\x81\x85frame")
    await peer.sends(b"\x81\x05frame\x00\xff")
    await client.sees(b"\x81\x05frame\x00\xff")


@pytest.mark.row("B36")
async def test_cors_of_the_apis_own_is_not_on_its_101_either(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await asked(gateway, api)
    start, end = SWITCHED.split(b"\r\n", 1)
    await peer.sends(start + b"\r\nAccess-Control-Allow-Origin: *\r\n" + end)
    await client.sees(SWITCHED)


async def test_a_tunnel_has_one_record_when_it_ends(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await switched(gateway, api)
    await client.sends(b"abc")
    await peer.sees(b"abc")
    await peer.sends(b"de")
    await client.sees(b"de")
    assert not gateway.records
    client.closes()
    await peer.sees_end()
    peer.closes()
    record = await ended(gateway)
    assert (record.status, record.upstream_status, record.error) == (101, 101, "")
    assert (record.request_bytes, record.response_bytes) == (3, 2)
    assert record.cors_decision == "allowed"


@pytest.mark.row("C2")
@pytest.mark.parametrize(
    "status", ["401 Unauthorized", "404 Not Found", "426 Upgrade Required", "500 Oh"]
)
async def test_an_answer_that_is_no_101_is_an_ordinary_one(
    gateway: Gateway, api: ScriptedUpstream, status: str
) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(
        f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nSec-WebSocket-Version: 13\r\n\r\nno".encode()
    )
    response = await client.gets()
    assert (response.status, response.content) == (int(status[:3]), b"no")
    assert response.value("Sec-WebSocket-Version") == b"13"
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    assert response.closes
    await client.sees_end(End.CLOSED)


@pytest.mark.row("C2")
async def test_a_426_says_what_is_required(gateway: Gateway, api: ScriptedUpstream) -> None:
    client = await gateway.connects()
    await client.asks("/socket")
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(
        b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: h2c, websocket\r\n"
        b"Connection: Upgrade\r\nContent-Length: 0\r\n\r\n"
    )
    response = await client.gets()
    assert response.status == 426
    assert response.value("Upgrade") == b"websocket"
    assert response.value("Connection") == b"Upgrade"


@pytest.mark.row("C3")
async def test_an_api_that_is_down_is_a_502(start_gateway: StartGateway) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        gateway = await start_gateway(snapshot_of(route_to(nobody.getsockname()[1])))
        client = await gateway.connects()
        await client.asks("/socket", *HANDSHAKE)
        response = await client.gets()
    assert response.status == 502
    assert response.value("Access-Control-Allow-Origin") == APP.encode()


@pytest.mark.row("C4", "D23")
async def test_what_the_client_sends_early_waits_for_the_101(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    head = "\r\n".join(["GET / HTTP/1.1", "Host: gw.example", *HANDSHAKE, "", ""]).encode()
    await client.sends(head + b"early")
    peer = await api.accepts()
    await peer.sees_head()
    await client.sends(b", and more")
    await peer.sees_nothing()
    await peer.sends(SWITCHED + b"from the api")
    await peer.sees(b"early, and more")
    await client.sees(SWITCHED + b"from the api")
    await client.sends(b"later")
    await peer.sees(b"later")


async def test_what_waits_for_the_101_is_bounded(gateway: Gateway, api: ScriptedUpstream) -> None:
    client, peer = await asked(gateway, api)
    sent = await fills(client)
    await peer.sends(SWITCHED)
    await client.sees(SWITCHED)
    assert await peer.receives(sent) == bytes(sent)


@pytest.mark.row("C5", "D23")
@pytest.mark.parametrize("status", [b"200 OK", b"400 No", b"426 Upgrade Required"])
async def test_a_request_behind_a_refused_handshake_is_never_served(
    gateway: Gateway, api: ScriptedUpstream, status: bytes
) -> None:
    client = await gateway.connects()
    head = "\r\n".join(["GET / HTTP/1.1", "Host: gw.example", *HANDSHAKE, "", ""]).encode()
    await client.sends(head + b"GET /admin HTTP/1.1\r\nHost: gw.example\r\n\r\n")
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\nok")
    response = await client.gets()
    assert (response.content, response.closes) == (b"ok", True)
    await client.sees_end(End.CLOSED)
    await peer.sees_nothing()
    await api.accepts_nobody()


@pytest.mark.row("C6", "D23")
@pytest.mark.parametrize(
    "lines",
    [
        ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
        ("Connection: Upgrade", "Upgrade: foo"),
        ("Connection: Upgrade", "Upgrade: tcp", "HTTP2-Settings: AAMA"),
        ("Connection: Upgrade",),
    ],
)
async def test_every_other_upgrade_is_declined_by_a_plain_answer(
    gateway: Gateway, api: ScriptedUpstream, lines: tuple[str, ...]
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.asks("/", *lines)
    response = await client.gets()
    assert (response.content, response.closes) == (b"ok", True)
    await client.sees_end(End.CLOSED)
    head = api.heads[0].lower()
    assert b"upgrade" not in head
    assert b"http2-settings" not in head


@pytest.mark.row("C7")
async def test_a_post_that_asks_for_h2c_arrives_whole(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    lines = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA")
    await client.asks("/", *lines, method="POST", content=b"content")
    assert (await client.gets()).content == b"ok"
    assert api.contents == [b"content"]
    await client.sees_end(End.CLOSED)


@pytest.mark.row("C8")
@pytest.mark.parametrize(
    "lines",
    [
        (*HANDSHAKE[:3], "Sec-WebSocket-Version: 1337", KEY),
        (*HANDSHAKE[:3], "Sec-WebSocket-Version: 13"),
    ],
    ids=["an unknown version", "no key"],
)
async def test_the_api_decides_on_key_and_version(
    gateway: Gateway, api: ScriptedUpstream, lines: tuple[str, ...]
) -> None:
    api.answers(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    client = await gateway.connects()
    await client.asks("/", *lines)
    assert (await client.gets()).status == 400
    for line in lines[3:]:
        assert f"\r\n{line}\r\n".encode() in api.heads[0]


@pytest.mark.row("C9")
async def test_16_mib_pass_both_ways_at_once(gateway: Gateway, api: ScriptedUpstream) -> None:
    client, peer = await switched(gateway, api)
    up, down = bytes(range(256)) * 65536, bytes(reversed(range(256))) * 65536

    async def sends(end: RawPeer, data: bytes) -> None:
        async with asyncio.timeout(60):
            await end.loop.sock_sendall(end.sock, data)

    async def receives(end: RawPeer) -> str:
        digest, left = hashlib.sha256(), len(up)
        while left:
            data = await end.receives(min(left, MEBIBYTE))
            assert data
            digest.update(data)
            left -= len(data)
        return digest.hexdigest()

    *_, at_api, at_client = await asyncio.gather(
        sends(client, up), sends(peer, down), receives(peer), receives(client)
    )
    assert at_api == hashlib.sha256(up).hexdigest()
    assert at_client == hashlib.sha256(down).hexdigest()


@pytest.mark.row("C9")
async def test_100_000_small_frames_keep_their_order(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await switched(gateway, api)
    frames = b"".join(b"\x81\x04%04x" % (number % 65536) for number in range(100_000))

    async def sends() -> None:
        for start in range(0, len(frames), 6 * 7):
            await client.sends(frames[start : start + 6 * 7])

    _, received = await asyncio.gather(sends(), peer.receives(len(frames)))
    assert received == frames


@pytest.mark.row("C11")
@pytest.mark.parametrize("who", ["client", "api"])
async def test_a_reset_is_passed_on(gateway: Gateway, api: ScriptedUpstream, who: str) -> None:
    client, peer = await switched(gateway, api)
    one, other = (client, peer) if who == "client" else (peer, client)
    one.resets()
    await other.sees_end(End.RESET)
    record = await ended(gateway)
    assert record.problem == ("client-gone" if who == "client" else "connection-terminated")


@pytest.mark.row("C11")
@pytest.mark.parametrize("who", ["client", "api"])
async def test_a_reset_of_a_side_that_is_paused_is_noticed(
    gateway: Gateway, api: ScriptedUpstream, who: str
) -> None:
    client, peer = await switched(gateway, api)
    one, other = (client, peer) if who == "client" else (peer, client)
    await fills(one)
    one.resets()
    record = await ended(gateway)
    assert record.problem == ("client-gone" if who == "client" else "connection-terminated")
    await other.drains()
    assert other.end is End.RESET


@pytest.mark.parametrize("who", ["client", "api"])
async def test_a_closed_direction_is_passed_on_and_the_other_goes_on(
    gateway: Gateway, api: ScriptedUpstream, who: str
) -> None:
    client, peer = await switched(gateway, api)
    one, other = (client, peer) if who == "client" else (peer, client)
    await one.sends(b"the last")
    one.says_no_more()
    assert await other.sees_rest() == b"the last"
    assert other.end is End.CLOSED
    for piece in (b"still ", b"going ", b"on"):
        await other.sends(piece)
        await one.sees(piece)
    other.closes()
    await one.sees_end(End.CLOSED)
    record = await ended(gateway)
    assert record.error == ""


@pytest.mark.parametrize("who", ["client", "api"])
async def test_what_was_sent_before_the_end_arrives_at_a_slow_peer(
    gateway: Gateway, api: ScriptedUpstream, who: str
) -> None:
    client, peer = await switched(gateway, api)
    one, other = (client, peer) if who == "client" else (peer, client)
    sent = await fills(one)
    one.closes()
    assert await other.drains() == sent


async def test_a_half_closed_tunnel_does_not_wait_for_as_long(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    timeouts = UpstreamTimeouts(idle=0.1, tunnel=60)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"timeouts": timeouts})))
    client, peer = await switched(gateway, api)
    client.says_no_more()
    await peer.sees_end(End.CLOSED)
    await client.sees_end(End.CLOSED)
    peer.closes()
    assert (await ended(gateway)).problem == "tunnel-idle"


async def test_a_client_that_is_gone_is_not_waited_for_by_an_api_that_never_reads(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    """It is not being read from, so that only the kernel knows of its end."""
    timeouts = UpstreamTimeouts(idle=0.2, tunnel=600)
    route = route_to(api.port, upstream={"timeouts": timeouts})
    gateway = await start_gateway(snapshot_of(route, timeouts=Timeouts(write=0.2)))
    client, _ = await switched(gateway, api)
    (tunnel,) = gateway.plane.connections
    transport = tunnel._client.transport  # type: ignore[attr-defined]
    while transport.is_reading():
        await client.sends(bytes(65536))
        await asyncio.sleep(0)
    client.closes()
    assert (await ended(gateway)).problem == "tunnel-idle"


async def fills(peer: RawPeer) -> int:
    """Send until nothing is taken for a while; return how much was, to the byte."""
    sent, idle = 0, 0
    piece = bytes(65536)
    while idle < 10:
        try:
            sent += peer.sock.send(piece)
            idle = 0
        except BlockingIOError:
            idle += 1
            await asyncio.sleep(0.03)
        except ConnectionError:
            break
        assert sent < 256 * MEBIBYTE, "there is no back-pressure"
        await asyncio.sleep(0)
    return sent


@pytest.mark.row("C12")
@pytest.mark.parametrize("who", ["client", "api"])
async def test_a_side_that_does_not_read_pauses_the_other(
    gateway: Gateway, api: ScriptedUpstream, who: str
) -> None:
    client, peer = await switched(gateway, api)
    one, other = (client, peer) if who == "client" else (peer, client)
    await fills(one)
    (tunnel,) = gateway.plane.connections
    sides = tunnel._client, tunnel._upstream  # type: ignore[attr-defined]
    assert max(side.transport.get_write_buffer_size() for side in sides) < MEBIBYTE
    await other.sends(b"the other way is free")
    await one.sees(b"the other way is free")


@pytest.mark.row("C12")
@pytest.mark.parametrize("who", ["client", "api"])
async def test_a_side_that_never_reads_again_ends_the_tunnel(
    start_gateway: StartGateway, api: ScriptedUpstream, who: str
) -> None:
    timeouts = UpstreamTimeouts(tunnel=0.3)
    route = route_to(api.port, upstream={"timeouts": timeouts})
    gateway = await start_gateway(snapshot_of(route, timeouts=Timeouts(write=0.3)))
    client, peer = await switched(gateway, api)
    await fills(client if who == "client" else peer)
    record = await ended(gateway)
    assert record.problem == "tunnel-idle"


@pytest.mark.row("C13")
async def test_a_silent_tunnel_is_closed(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    timeouts = UpstreamTimeouts(tunnel=0.1, idle=0.01, response=5)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"timeouts": timeouts})))
    client, peer = await switched(gateway, api)
    await client.sees_end(End.CLOSED)
    await peer.sees_end(End.CLOSED)
    assert (await ended(gateway)).problem == "tunnel-idle"


@pytest.mark.row("C13")
@pytest.mark.parametrize("who", ["client", "api"])
async def test_pings_of_one_side_keep_a_tunnel_open(
    start_gateway: StartGateway, api: ScriptedUpstream, who: str
) -> None:
    timeouts = UpstreamTimeouts(tunnel=1)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"timeouts": timeouts})))
    client, peer = await switched(gateway, api)
    one, other = (client, peer) if who == "client" else (peer, client)
    began = gateway.loop.time()
    while gateway.loop.time() < began + 1.7:
        await one.sends(b"\x89\x00")
        await other.sees(b"\x89\x00")
        await asyncio.sleep(0.1)


@pytest.mark.row("C14")
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://app.example.evil", "HTTPS://APP.EXAMPLE"]
)
async def test_an_origin_that_is_not_allowed_never_reaches_the_api(
    gateway: Gateway, api: ScriptedUpstream, origin: str
) -> None:
    client = await gateway.connects()
    await client.asks("/socket", f"Origin: {origin}", *HANDSHAKE[1:])
    response = await client.gets()
    assert response.status == 403
    assert response.closes
    await api.accepts_nobody()


@pytest.mark.row("C14")
@pytest.mark.parametrize(
    "lines",
    [
        ("Origin: http://gw.example",),
        ("Origin: https://own.example", "Sec-Fetch-Site: same-origin"),
    ],
)
async def test_a_page_of_our_own_origin_may(
    gateway: Gateway, api: ScriptedUpstream, lines: tuple[str, ...]
) -> None:
    client = await gateway.connects()
    await client.asks("/socket", *lines, *HANDSHAKE[1:])
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(SWITCHED)
    await client.sees(SWITCHED)


@pytest.mark.row("C14")
@pytest.mark.parametrize("required", [False, True])
async def test_a_handshake_without_origin_is_a_program_unless_one_is_required(
    start_gateway: StartGateway, api: ScriptedUpstream, required: bool
) -> None:
    route = route_to(api.port, policy=policy(require_origin=required))
    gateway = await start_gateway(snapshot_of(route))
    client = await gateway.connects()
    await client.asks("/socket", *HANDSHAKE[1:])
    if required:
        assert (await client.gets()).status == 403
        await api.accepts_nobody()
    else:
        peer = await api.accepts()
        await peer.sees_head()
        await peer.sends(SWITCHED)
        await client.sees(SWITCHED)


async def test_a_route_without_upgrades_makes_a_plain_request_of_a_handshake(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    gateway = await start_gateway(snapshot_of(route_to(api.port, upgrades=frozenset())))
    client, peer = await asked(gateway, api)
    assert b"upgrade" not in api.heads[0].lower()
    await peer.sends(SWITCHED)
    assert (await client.gets()).status == 502


@pytest.mark.row("B30")
async def test_a_101_to_something_else_is_a_502(gateway: Gateway, api: ScriptedUpstream) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(SWITCHED.replace(b"websocket", b"h2c"))
    response = await client.gets()
    assert (response.status, response.closes) == (502, True)
    await peer.sees_end(End.RESET)


async def test_a_103_before_the_101_is_relayed(gateway: Gateway, api: ScriptedUpstream) -> None:
    client, peer = await asked(gateway, api)
    await peer.sends(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + SWITCHED + b"first")
    await client.sees(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + SWITCHED + b"first")


async def test_a_handshake_goes_over_a_connection_that_was_used_before(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.asks("/")
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(OK)
    await client.gets()
    await client.asks("/socket", *HANDSHAKE)
    await peer.sees_head()
    await peer.sends(SWITCHED)
    await client.sees(SWITCHED)
    await client.sends(b"up")
    await peer.sees(b"up")


async def test_a_tunnel_is_one_of_the_connections_that_an_api_may_have(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    limits = PoolLimits(connections=1)
    gateway = await start_gateway(snapshot_of(route_to(api.port, upstream={"pool": limits})))
    client, peer = await switched(gateway, api)
    assert gateway.open_upstreams == 1
    other = await gateway.connects()
    await other.asks("/")
    assert (await other.gets()).status == 503
    client.closes()
    await peer.sees_end()
    peer.closes()
    api.answers(OK)
    await until(lambda: not gateway.open_upstreams)
    third = await gateway.connects()
    await third.asks("/")
    assert (await third.gets()).content == b"ok"
    gateway.records.clear()


@pytest.mark.row("C15")
async def test_a_stop_closes_tunnels_when_the_time_to_drain_is_over(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await switched(gateway, api)
    draining = gateway.loop.create_task(gateway.plane.drain(0.3))
    await until(lambda: gateway.plane.draining)
    await client.sends(b"still")
    await peer.sees(b"still")
    await client.sees_end(End.CLOSED)
    await peer.sees_end(End.CLOSED)
    client.closes()
    peer.closes()
    await draining
    assert (await gateway.record()).problem == "stopping"


async def test_a_tunnel_whose_client_has_not_read_its_101_yet(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    """The server speaks first, and much: the client is full before the tunnel begins."""
    gateway = await start_gateway(snapshot_of(route_to(api.port)))
    client = await gateway.connects(receive_buffer=4096)
    await client.asks("/socket", *HANDSHAKE)
    peer = await api.accepts()
    await peer.sees_head()
    content = bytes(range(256)) * 40_000
    sending = gateway.loop.create_task(
        peer.loop.sock_sendall(peer.sock, SWITCHED + content), name="api"
    )
    await client.sees(SWITCHED)
    assert await client.receives(len(content)) == content
    await sending
