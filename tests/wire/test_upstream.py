"""When a connection to an API may carry another request: exactly at a boundary, on both sides."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cors_gateway.messages.framing import Framing, FramingKind
from cors_gateway.messages.heads import ResponseHead
from cors_gateway.snapshot import Endpoint, PoolLimits, Upstream
from cors_gateway.wire.content import ContentReader, content_reader
from cors_gateway.wire.places import Place
from cors_gateway.wire.pool import Pool
from cors_gateway.wire.tick import Ticker
from cors_gateway.wire.upstream import UpstreamConnection
from tests.wire.gateways import until
from tests.wire.raw_peer import RawPeer

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Taker:
    """An exchange that wants a response of two bytes, and notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.connection: UpstreamConnection | None = None

    def response_head(self, head: ResponseHead) -> ContentReader | None:
        return content_reader(Framing(FramingKind.COUNTED, 2), strict=False)

    def response_spliced(self, count: int, *, is_full: bool) -> None:
        raise AssertionError

    def response_content(self, pieces: tuple[bytes, ...], *, finished: bool) -> None:
        self.told.append((b"".join(pieces), finished))

    def connected(self, connection: UpstreamConnection) -> None:
        self.connection = connection

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **_: self.told.append(name)


@pytest.fixture
async def pool() -> Pool:
    loop = asyncio.get_running_loop()
    endpoint = Endpoint(unix_path="/nowhere")
    upstream = Upstream("unix:/nowhere", (endpoint,), pool=PoolLimits(connections=1))
    return Pool(upstream, loop, Ticker(loop, lambda: None))


@pytest.fixture
def place(pool: Pool) -> Place:
    """The only one that the pool has."""
    (place,) = pool._places
    return place


@pytest.fixture
async def wired(pool: Pool, place: Place) -> AsyncIterator[tuple[UpstreamConnection, RawPeer]]:
    """A connection that has had exactly one response, and the API's end of it."""
    ours, theirs = socket.socketpair()
    connection = UpstreamConnection(pool)
    await pool._loop.create_unix_connection(lambda: connection, sock=ours)
    pool._open[connection] = place
    peer, taker = RawPeer(theirs), Taker()
    connection.serve(taker)
    await peer.sends(RESPONSE)
    await until(lambda: bool(taker.told))
    assert taker.told == [(b"ok", True)]
    yield connection, peer
    connection.abort()
    peer.closes()
    await until(lambda: connection.transport is None)


Wired = tuple[UpstreamConnection, RawPeer]


async def test_after_one_whole_response_it_is_given_to_who_waits(pool: Pool, wired: Wired) -> None:
    taker = Taker()
    pool._waiting.append(taker)
    pool.release(wired[0])
    assert taker.connection is wired[0]


async def test_with_bytes_in_the_kernel_it_is_given_to_nobody(pool: Pool, wired: Wired) -> None:
    connection, peer = wired
    taker = Taker()
    pool._waiting.append(taker)
    peer.sock.send(RESPONSE)
    pool.release(connection)
    assert taker.connection is None
    await until(lambda: connection.transport is None)


async def test_with_a_request_that_is_not_taken_it_is_given_to_nobody(
    pool: Pool, place: Place, wired: Wired
) -> None:
    connection, _ = wired
    connection.write(bytes(8 * 1024 * 1024))
    assert connection.untaken_bytes() > 0
    pool.release(connection)
    assert not place.idle
    await until(lambda: connection.transport is None)


async def test_without_a_response_it_is_given_to_nobody(
    pool: Pool, place: Place, wired: Wired
) -> None:
    connection, _ = wired
    connection.serve(Taker())
    pool.release(connection)
    assert not place.idle


async def test_a_mistake_of_who_takes_the_response_is_told(pool: Pool, wired: Wired) -> None:
    connection, peer = wired

    class Failing(Taker):
        def response_head(self, head: ResponseHead) -> ContentReader | None:
            raise RuntimeError

        def upstream_lost(self) -> None:
            raise RuntimeError

    taker = Failing()
    connection.serve(taker)
    await peer.sends(RESPONSE)
    await until(lambda: bool(taker.told))
    assert taker.told == ["break_down"]
    peer.closes()
    await until(lambda: connection.transport is None)
    assert set(taker.told) == {"break_down"}
