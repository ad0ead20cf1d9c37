"""Requests that are known word for word: on one connection, and on the next one of the same client."""

import socket

import pytest

from cors_gateway.messages.heads import MessageError
from cors_gateway.plan import plan
from cors_gateway.planned import Forward, Peer
from cors_gateway.snapshot import Snapshot
from cors_gateway.wire import downstream, known_requests
from cors_gateway.wire.heads import HeadCutter, read_request_head
from cors_gateway.wire.known_requests import FirstRequests, KnownRequest, remember
from tests.wire.conftest import StartGateway
from tests.wire.gateways import Gateway, route_to, snapshot_of
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream

GET = b"GET /a HTTP/1.1\r\nHost: gw.example\r\nCookie: session=%b\r\nConnection: close\r\n\r\n"
CLIENT = Peer("192.0.2.1")


def known(raw: bytes = GET % b"1") -> KnownRequest:
    snapshot = snapshot_of(route_to(1))
    head = read_request_head(raw, 100)
    planned = plan(snapshot, head, CLIENT, b"gw")
    request = remember(raw, snapshot, head, planned)
    assert request is not None
    return request


@pytest.fixture
def read_heads(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The heads that were parsed, and not known."""
    heads: list[bytes] = []

    def note(raw: bytes, most: int) -> object:
        heads.append(raw)
        return read_request_head(raw, most)

    monkeypatch.setattr(downstream, "read_request_head", note)
    return heads


async def asks(
    gateway: Gateway, api: ScriptedUpstream, request: bytes, *, peer: RawPeer | None = None
) -> tuple[RawClient, RawPeer, bytes]:
    """Ask on a connection of its own; give what the API saw."""
    client = await gateway.connects()
    await client.sends(request)
    peer = peer or await api.accepts()
    head = await peer.sees_head()
    await peer.sends(OK)
    assert (await client.gets()).content == b"ok"
    return client, peer, head


@pytest.mark.interpreted
async def test_the_next_connection_of_a_client_is_known_by_its_first_request(
    gateway: Gateway, api: ScriptedUpstream, read_heads: list[bytes]
) -> None:
    _, peer, first = await asks(gateway, api, GET % b"1")
    _, peer, second = await asks(gateway, api, GET % b"1", peer=peer)
    assert read_heads == [GET % b"1"]
    same = [line for line in second.split(b"\r\n") if not line.startswith(b"X-Request-ID")]
    assert same == [line for line in first.split(b"\r\n") if not line.startswith(b"X-Request-ID")]
    assert first != second
    gateway.records.clear()


@pytest.mark.interpreted
async def test_another_request_of_the_same_address_is_read_for_itself(
    gateway: Gateway, api: ScriptedUpstream, read_heads: list[bytes]
) -> None:
    _, peer, _ = await asks(gateway, api, GET % b"1")
    _, peer, head = await asks(gateway, api, GET % b"2", peer=peer)
    assert b"Cookie: session=2\r\n" in head
    _, peer, head = await asks(gateway, api, (GET % b"3").replace(b"Cookie", b"X"), peer=peer)
    assert b"X: session=3\r\n" in head
    assert len(read_heads) == 2


@pytest.mark.interpreted
async def test_a_connection_that_rests_keeps_nothing(
    gateway: Gateway, api: ScriptedUpstream, read_heads: list[bytes]
) -> None:
    request = (GET % b"1").replace(b"Connection: close\r\n", b"")
    client, peer, _ = await asks(gateway, api, request)
    (connection,) = gateway.plane.connections
    for times_read in (1, 2):
        assert len(read_heads) == times_read
        connection.check_time(gateway.plane.ticker.now)
        await client.sends(request)
        await peer.sees_head()
        await peer.sends(OK)
        assert (await client.gets()).content == b"ok"
    gateway.records.clear()


@pytest.mark.interpreted
async def test_nothing_is_known_after_a_reload(
    start_gateway: StartGateway, api: ScriptedUpstream, read_heads: list[bytes]
) -> None:
    gateway = await start_gateway(snapshot_of(route_to(api.port)))
    await asks(gateway, api, GET % b"1")
    gateway.plane.go_over_to(snapshot_of(), {})
    assert not gateway.plane.first_requests._of
    client = await gateway.connects()
    await client.sends(GET % b"1")
    assert (await client.gets()).status == 404
    assert len(read_heads) == 2


async def test_the_same_words_of_another_address_are_its_own(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    _, peer, _ = await asks(gateway, api, GET % b"1")
    sock = socket.socket()
    sock.bind(("127.0.0.2", 0))
    sock.setblocking(False)
    await gateway.loop.sock_connect(sock, gateway.address)
    other = RawClient(sock)
    gateway.clients.append(other)
    await other.sends(GET % b"1")
    assert b"X-Forwarded-For: 127.0.0.2\r\n" in await peer.sees_head()
    await peer.sends(OK)
    assert (await other.gets()).content == b"ok"


def test_what_is_known_is_of_an_address_and_a_scheme() -> None:
    requests, request = FirstRequests(), known()
    requests.note(CLIENT, request)
    assert requests.of(CLIENT) is request
    assert requests.of(Peer("192.0.2.2")) is None
    assert requests.of(Peer("192.0.2.1", b"https")) is None


def test_a_request_that_may_not_be_kept_leaves_the_one_before() -> None:
    requests, request = FirstRequests(), known()
    requests.note(CLIENT, request)
    requests.note(CLIENT, None)
    assert requests.of(CLIENT) is request


def test_as_many_clients_are_known_as_there_may_be() -> None:
    requests, request = FirstRequests(), known()
    for number in range(known_requests.MOST_CLIENTS * 2 + 1):
        requests.note(Peer(f"192.0.2.{number}"), request)
        assert len(requests._of) <= known_requests.MOST_CLIENTS
    assert requests.of(Peer(f"192.0.2.{known_requests.MOST_CLIENTS * 2}")) is request


def test_what_is_too_long_is_not_kept() -> None:
    request = known()
    assert isinstance(request.planned, Forward)
    long = GET % bytes(b"x" * known_requests.LONGEST_KEPT)
    head = read_request_head(long, 100)
    assert remember(long, request.snapshot, head, request.planned) is None


USUAL = (
    b"POST /a?b HTTP/1.1\r\nHost: gw.example\r\nOrigin: https://app.example\r\n"
    b"Cookie: session=1\r\nContent-Length: 0\r\n\r\n"
)
INSERTED = [
    *(
        b"\r",
        b"\n",
        b"\r\n",
        b" ",
        b"\t",
        b":",
        b"\x00",
        b"x",
        b"\r\n x",
        b"\r\n\r\n",
        b"\n\n",
        b"/",
    ),
    *(b"\r\nHost: other.example", b"\r\nTransfer-Encoding: chunked", b"\r\nOrigin: null"),
]


def read_anew(unread: bytes, snapshot: Snapshot) -> tuple[object, bytes] | None:
    """Give what is planned where nothing is known, and what is left; nothing of what is refused."""
    heads = HeadCutter()
    heads.add(unread)
    try:
        raw = heads.cut(snapshot.limits)
        planned = plan(snapshot, read_request_head(raw, 100), CLIENT, b"gw") if raw else None
    except MessageError:
        return None
    return planned, heads.unread


def test_whatever_comes_after_a_known_head_is_planned_as_if_nothing_were_known() -> None:
    request = known(USUAL)
    changed = [
        USUAL[:place] + inserted + USUAL[place + cut :]
        for place in range(len(USUAL) + 1)
        for inserted in (b"", *INSERTED)
        for cut in (0, 1)
    ]
    taken = 0
    for unread in (*changed, USUAL * 2, USUAL + b"GET"):
        heads = HeadCutter()
        heads.add(unread)
        follower = request.cut_next(heads, request.snapshot)
        if follower is None:
            assert heads.unread == unread
        else:
            taken += 1
            assert (follower.planned, heads.unread) == read_anew(unread, request.snapshot)
    assert taken > 100
