"""What days and millions would show: after a warm-up, memory, descriptors and counters stay where they are.

In the suite some thousands of requests, by ``make stress`` as many as the rows say. One gateway with one worker
serves all of them, one test after the other.
"""

import itertools
import random
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest
import uvloop

from tests.stress.gateways import Footprint, Stressed, stressed
from tests.stress.load import FIELDS, MIXED, Caller, LostError, call_mixed
from tests.stress.measuring import MEBIBYTE, metric, metrics, wait_until
from tests.stress.quick_api import FAULTS, quick_api
from tests.stress.scale import scaled

REQUESTS = scaled(3_000, 1_000_000)
ABORTED = scaled(1_000, 200_000)
FAILED = scaled(1_000, 50_000)
DISTINCT = scaled(3_000, 1_000_000)
TUNNELS, STREAMS = scaled(100, 500), scaled(40, 200)
QUIET_SECONDS = scaled(2, 900)
WARM_UP = scaled(1_000, 20_000)
CROWD = 8
KEPT = 2 * CROWD
"""Connections to the API that may be kept: by as many clients as call at once, and those before them."""
LEEWAY = scaled(1, 4) * MEBIBYTE
"""What memory may grow by. The allocator takes and returns some hundred KiB by itself."""

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: gw.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
EVENTS = b"GET /events HTTP/1.1\r\nHost: gw.example\r\nAccept: text/event-stream\r\n\r\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stressed]:
    with (
        quick_api() as api,
        stressed(tmp_path_factory.mktemp("long"), api) as served,
    ):
        call_mixed(served.port, WARM_UP)
        yield served


def is_none(gateway: Stressed, name: str) -> bool:
    return metric(gateway.admin, name) == 0


def settled(gateway: Stressed) -> Footprint:
    """Wait until nobody is connected, and nothing in progress; return what the processes take."""
    for name in ("client_connections", "requests_in_flight", "tunnels"):
        wait_until(partial(is_none, gateway, name), f"{name} are left over")
    return gateway.footprint()


def assert_nothing_has_grown(gateway: Stressed, before: Footprint) -> None:
    after = settled(gateway)
    assert after.descriptors <= before.descriptors + KEPT
    assert after.memory - before.memory < LEEWAY
    assert gateway.complaints() == []


@pytest.mark.row("G1")
def test_requests_of_all_kinds_leave_nothing_behind(gateway: Stressed) -> None:
    """Three thousand in the suite, a million by ``make stress``."""
    before = settled(gateway)
    call_mixed(gateway.port, REQUESTS)
    assert_nothing_has_grown(gateway, before)


def abort_one(gateway: Stressed, rng: random.Random) -> None:
    """Send some of a request, perhaps take some of the answer, and reset the connection."""
    said, _ = rng.choice((*MIXED, (HANDSHAKE, 101), (EVENTS, 200)))
    whole = rng.random() < 0.5
    with gateway.connects() as client, suppress(ConnectionError):
        client.sendall(said if whole else said[: rng.randrange(len(said))])
        if whole and rng.random() < 0.5:
            client.recv(rng.choice((1, 50, 100_000)))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def abort(gateway: Stressed, count: int) -> None:
    """Have a crowd do so."""

    def some_of_them(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(count // CROWD):
            abort_one(gateway, rng)

    with ThreadPoolExecutor(CROWD) as threads:
        list(threads.map(some_of_them, range(CROWD)))


@pytest.mark.row("G2")
def test_requests_that_are_given_up_leave_nothing_behind(gateway: Stressed) -> None:
    """A thousand in the suite, 200,000 by ``make stress``."""
    abort(gateway, ABORTED // 10)
    before = settled(gateway)
    abort(gateway, ABORTED)
    assert_nothing_has_grown(gateway, before)
    call_mixed(gateway.port, len(MIXED))


def fail(gateway: Stressed, count: int) -> None:
    """Ask so often for what the API fails at; each time the client must be told, or be cut off."""
    targets = [*sorted(FAULTS), b"/nowhere"]

    async def ask() -> None:
        caller = Caller(gateway.port)
        for target in itertools.islice(itertools.cycle(targets), count):
            method = b"GET" if target in {b"/closed", b"/reset"} else b"POST"
            length = b"" if method == b"GET" else b"Content-Length: 0\r\n"
            request = b"%b %b HTTP/1.1\r\n%b%b\r\n" % (method, target, FIELDS, length)
            try:
                status = await caller.ask(request)
            except LostError:
                # Once a head has been passed on, there is nothing but to break off.
                assert target in {b"/broken-chunks", b"/truncated"}
                caller.leave()
            else:
                assert status == 502, target
        caller.leave()

    uvloop.run(ask())


@pytest.mark.row("G3")
def test_failures_of_an_api_leave_nothing_behind(gateway: Stressed) -> None:
    """A thousand in the suite, 50,000 by ``make stress``."""
    fail(gateway, FAILED // 10)
    before = settled(gateway)
    fail(gateway, FAILED)
    assert_nothing_has_grown(gateway, before)
    call_mixed(gateway.port, len(MIXED))


def begin(gateway: Stressed, request: bytes, until: bytes) -> socket.socket:
    """Open a connection and ask for something that lasts."""
    client = gateway.connects()
    client.settimeout(60)
    client.sendall(request)
    received = b""
    while until not in received:
        piece = client.recv(4096)
        assert piece, received
        received += piece
    return client


@pytest.mark.row("G4")
def test_tunnels_and_streams_that_say_nothing_stay_and_take_no_more(gateway: Stressed) -> None:
    """140 for two seconds in the suite, 700 for a quarter of an hour by ``make stress``."""
    at_first = settled(gateway)
    tunnels = [begin(gateway, HANDSHAKE, b"\r\n\r\n") for _ in range(TUNNELS)]
    streams = [begin(gateway, EVENTS, b"hello\n\n") for _ in range(STREAMS)]
    before = gateway.footprint()
    time.sleep(QUIET_SECONDS)
    after = gateway.footprint()
    assert after.descriptors <= before.descriptors
    assert after.memory - before.memory < LEEWAY
    assert metric(gateway.admin, "tunnels") == TUNNELS
    for tunnel in tunnels:
        tunnel.sendall(b"still there?")
        assert tunnel.recv(100) == b"still there?"
    for stream in streams:
        stream.setblocking(False)
        with pytest.raises(BlockingIOError):
            stream.recv(100)
    for client in (*tunnels, *streams):
        client.close()
    assert settled(gateway).descriptors <= at_first.descriptors
    assert gateway.complaints() == []


def distinct(number: int) -> tuple[bytes, int]:
    """Return a request of which every part that a client chooses is its own."""
    name = b"x%d" % number
    fields = (
        b"Host: %b.example\r\nOrigin: https://%b.example\r\nUser-Agent: %b\r\nX-%b: %b\r\n"
        b"Cookie: %b=1\r\nX-Request-ID: %b\r\nX-Forwarded-For: 10.1.%d.%d\r\n"
        % (name, name, name, name, name, name, name, number >> 8 & 255, number & 255)
    )
    if number % 4:
        return b"GET /%b/%b?%b HTTP/1.1\r\n%b\r\n" % (name, name, name, fields), 200
    announced = b"Access-Control-Request-Method: %b\r\nAccess-Control-Request-Headers: %b\r\n"
    lines = announced % (name.upper(), name)
    return b"OPTIONS /%b HTTP/1.1\r\n%b%b\r\n" % (name, fields, lines), 403


@pytest.mark.row("G6")
def test_names_that_are_never_the_same_again_are_not_kept(gateway: Stressed) -> None:
    """Three thousand in the suite, a million by ``make stress``."""
    call_mixed(gateway.port, WARM_UP, choose=distinct)
    before, series = settled(gateway), len(metrics(gateway.admin).splitlines())
    call_mixed(gateway.port, DISTINCT, choose=lambda number: distinct(number + WARM_UP))
    assert_nothing_has_grown(gateway, before)
    assert len(metrics(gateway.admin).splitlines()) <= series
