"""A hundred thousand chunks of one byte: every byte arrives, and what comes together leaves together."""

import hashlib
import socket

import pytest

from tests.process.bulk import BULK_PATIENCE, MEBIBYTE, PATIENT, Arriving, api, in_thread
from tests.process.running_worker import worker

COUNT = 100_000
CONTENT = hashlib.shake_256(b"tiny").digest(COUNT)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
CHUNKS = [b"1\r\n%c\r\n" % byte for byte in CONTENT]

MEMORY = 80 * MEBIBYTE
FEW = COUNT // 10
"""Chunks that may leave where all come in large pieces: one for each piece that is read."""

pytestmark = [
    pytest.mark.row("B48", "D7"),
    pytest.mark.parametrize("together", [True, False], ids=["in large pieces", "one by one"]),
]


def send_chunks(sock: socket.socket, *, together: bool) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if together:
        sock.sendall(b"".join(CHUNKS))
    else:
        for chunk in CHUNKS:
            sock.sendall(chunk)
    sock.sendall(b"0\r\n\r\n")


def test_tiny_chunks_come_down_whole(together: bool) -> None:
    def speaks(sock: socket.socket) -> None:
        Arriving(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        send_chunks(sock, together=together)

    with (
        api(speaks) as port,
        worker(port, **PATIENT) as running,
        running.connects(BULK_PATIENCE) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\nHost: gw.example\r\n\r\n")
        response = Arriving(client)
        assert response.read() == DIGEST
        assert response.frames < (FEW if together else COUNT + 1)
        assert running.memory_peak() < MEMORY


def test_tiny_chunks_go_up_whole(together: bool) -> None:
    def speaks(sock: socket.socket) -> None:
        request = Arriving(sock)
        assert request.read() == DIGEST
        assert request.frames < (FEW if together else COUNT + 1)
        sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with (
        api(speaks) as port,
        worker(port, **PATIENT) as running,
        running.connects(BULK_PATIENCE) as client,
    ):
        client.sendall(b"PUT / HTTP/1.1\r\nHost: gw.example\r\nTransfer-Encoding: chunked\r\n\r\n")
        with in_thread(lambda: send_chunks(client, together=together)):
            assert Arriving(client).head.startswith(b"HTTP/1.1 204 ")
        assert running.memory_peak() < MEMORY
