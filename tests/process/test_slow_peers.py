"""A hundred peers that stop reading: each costs its buffers and no more, and no other waits for them."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

import pytest

from cors_gateway.wire.sockets import WRITE_BUFFER
from tests.process.bulk import BULK_PATIENCE, MEBIBYTE, PATIENT, Arriving, api, digest, send
from tests.process.running_worker import RunningWorker, worker

STREAMS = 100
GO_ON = 10
"""Streams that go on in the end; the others are left as they are."""

COUNT = 100
"""Mebibytes in each: more than the sockets on its way hold, which may be dozens."""

READ = 256 * 1024
"""What uvloop reads at most at a time: it has been read when the other side turns out to be full."""

BOUND = STREAMS * (WRITE_BUFFER + READ) + 8 * MEBIBYTE
"""What the worker may hold for all of them: a full buffer and one more read each, and a few
mebibytes for a hundred connections and the heap's own slack. The hundred hold ten gibibytes."""


class Progress:
    """How many mebibytes of each stream, by the name of its path, have left who sends them."""

    def __init__(self) -> None:
        self._sent: dict[bytes, int] = {}

    def of(self, path: bytes) -> Callable[[int], None]:
        self._sent[path] = 0
        return lambda count: self._sent.update({path: count})

    def stops(self) -> list[int]:
        """Wait until every stream has begun and none has moved for a second."""
        before: list[int] = []
        deadline = time.monotonic() + BULK_PATIENCE
        while len(self._sent) < STREAMS or (now := list(self._sent.values())) != before:
            assert time.monotonic() < deadline, self._sent
            before = list(self._sent.values())
            time.sleep(1)
        return now


def path_of(message: Arriving) -> bytes:
    return message.head.split()[1]


@contextmanager
def clients(running: RunningWorker, streams: int = STREAMS) -> Iterator[list[socket.socket]]:
    """Connect clients whose kernel takes little for them."""
    with ExitStack() as stack:
        socks = []
        for _ in range(streams):
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
            sock.settimeout(BULK_PATIENCE)
            sock.connect(("127.0.0.1", running.port))
            socks.append(sock)
        yield socks


@pytest.mark.row("A10", "A11")
def test_clients_that_stop_reading_pause_the_api_and_get_every_byte_when_they_go_on() -> None:
    progress = Progress()

    def speaks(sock: socket.socket) -> None:
        notice = progress.of(path_of(Arriving(sock)))
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (COUNT * MEBIBYTE))
        with suppress(ConnectionError):  # most clients leave in the end
            send(sock, COUNT, notice=notice)

    with (
        api(speaks, STREAMS) as port,
        worker(port, **PATIENT) as running,
        clients(running) as socks,
    ):
        at_rest = running.memory_peak()
        for number, sock in enumerate(socks):
            sock.sendall(b"GET /%d HTTP/1.1\r\nHost: gw.example\r\n\r\n" % number)
        assert max(progress.stops()) < COUNT
        assert running.memory_peak() - at_rest < BOUND
        with ThreadPoolExecutor(GO_ON) as threads:
            arrived = list(threads.map(lambda sock: Arriving(sock).read(), socks[:GO_ON]))
        assert arrived == [digest(COUNT)] * GO_ON
        assert sorted(progress.stops())[-GO_ON - 1] < COUNT
        assert running.memory_peak() - at_rest < BOUND


@pytest.mark.row("A10")
def test_clients_that_read_nothing_for_too_long_are_cut_off_with_their_api() -> None:
    streams = 20
    broken = threading.Semaphore(0)

    def speaks(sock: socket.socket) -> None:
        request = Arriving(sock)
        if path_of(request) == b"/after":
            sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            return
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (COUNT * MEBIBYTE))
        with pytest.raises(ConnectionError):
            send(sock, COUNT)
        broken.release()

    with (
        api(speaks, streams + 1) as port,
        worker(port, **{**PATIENT, "timeouts": {"write": 0.5}}) as running,
        clients(running, streams) as socks,
    ):
        for sock in socks:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: gw.example\r\n\r\n")
        for _ in socks:
            assert broken.acquire(timeout=BULK_PATIENCE)
        for sock in socks:
            with pytest.raises(ConnectionResetError):
                Arriving(sock).read()
        with running.connects(BULK_PATIENCE) as client:
            client.sendall(b"GET /after HTTP/1.1\r\nHost: gw.example\r\n\r\n")
            assert Arriving(client).head.startswith(b"HTTP/1.1 204 ")


@pytest.mark.row("B40")
@pytest.mark.parametrize("framing", ["counted", "chunked"])
def test_an_api_that_stops_reading_pauses_the_clients_and_gets_every_byte(framing: str) -> None:
    progress = Progress()
    go_on = threading.Event()
    leave = threading.Event()
    field = (
        b"Transfer-Encoding: chunked"
        if framing == "chunked"
        else b"Content-Length: %d" % (COUNT * MEBIBYTE)
    )

    def speaks(sock: socket.socket) -> None:
        request = Arriving(sock)
        if int(path_of(request)[1:]) >= GO_ON:
            assert leave.wait(BULK_PATIENCE)
            return
        assert go_on.wait(BULK_PATIENCE)
        assert request.read() == digest(COUNT)
        sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def uploads(number: int, sock: socket.socket) -> bytes:
        path = b"/%d" % number
        notice = progress.of(path)
        sock.sendall(b"PUT %b HTTP/1.1\r\nHost: gw.example\r\n%b\r\n\r\n" % (path, field))
        with suppress(ConnectionError):  # most are told 502 before they have sent everything
            send(sock, COUNT, chunked=framing == "chunked", notice=notice)
            return Arriving(sock).head.split()[1]
        return b"cut off"

    with (
        api(speaks, STREAMS) as port,
        worker(port, **PATIENT) as running,
        clients(running) as socks,
        ThreadPoolExecutor(STREAMS) as threads,
    ):
        try:
            at_rest = running.memory_peak()
            uploading = [threads.submit(uploads, *pair) for pair in enumerate(socks)]
            stopped = progress.stops()
            assert [future.result() for future in uploading if future.done()] == []
            assert max(stopped) < COUNT
            assert running.memory_peak() - at_rest < BOUND
            go_on.set()
            statuses = [future.result() for future in uploading[:GO_ON]]
            assert statuses == [b"204"] * GO_ON
            assert sorted(progress.stops())[-GO_ON - 1] < COUNT
            assert running.memory_peak() - at_rest < BOUND
        finally:
            go_on.set()
            leave.set()
