"""100 MiB each way through one worker: not a byte is wrong, and next to none is kept."""

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.process.running_worker import RunningWorker, worker

MEBIBYTE = 1024 * 1024
PIECES = 100
LENGTH = PIECES * MEBIBYTE
PIECE = hashlib.shake_256(b"content").digest(MEBIBYTE)
SLACK = 10 * MEBIBYTE

FRAMINGS = {
    "counted": b"Content-Length: %d\r\n" % LENGTH,
    "chunked": b"Transfer-Encoding: chunked\r\n",
    "until close": b"",
}


def pieces() -> Iterator[bytes]:
    """Yield content in which no mebibyte is like another."""
    for number in range(PIECES):
        yield number.to_bytes(4, "big") + PIECE[4:]


EXPECTED = hashlib.sha256()
for piece in pieces():
    EXPECTED.update(piece)


def send(sock: socket.socket, framing: str) -> None:
    for piece in pieces():
        sock.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if framing == "chunked" else piece)
    if framing == "chunked":
        sock.sendall(b"0\r\n\r\n")


class Content:
    """Reads what stands behind a head, and hashes it."""

    def __init__(self, sock: socket.socket) -> None:
        self.file = sock.makefile("rb", buffering=MEBIBYTE)
        self.head = b"".join(iter(self.file.readline, b"\r\n"))
        self.sha256 = hashlib.sha256()

    def read(self) -> str:
        if b"Transfer-Encoding: chunked" in self.head:
            while size := int(self.file.readline(), 16):
                self._take(size)
                assert self.file.readline() == b"\r\n"
            assert self.file.readline() == b"\r\n"
        else:
            self._take(LENGTH)
        self.file.close()
        return self.sha256.hexdigest()

    def _take(self, length: int) -> None:
        while length:
            data = self.file.read(min(length, MEBIBYTE))
            assert data, "the content broke off"
            self.sha256.update(data)
            length -= len(data)


def run_through(
    speak: Callable[[socket.socket], None], use: Callable[[RunningWorker], None]
) -> None:
    """Let an API speak to one connection while a client uses the worker; look at its memory."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        errors: list[BaseException] = []

        def serve() -> None:
            try:
                with listener.accept()[0] as sock:
                    sock.settimeout(20)
                    speak(sock)
            except BaseException as error:  # noqa: BLE001 - raised in the test's own thread below
                errors.append(error)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with worker(listener.getsockname()[1]) as running:
            running.forgets_peak()
            before = running.memory_peak()
            use(running)
            thread.join(20)
            assert errors == []
            assert running.memory_peak() - before < SLACK


@pytest.mark.parametrize("framing", FRAMINGS)
def test_100_mib_down(framing: str) -> None:
    def speak(sock: socket.socket) -> None:
        with sock.makefile("rb") as file:
            while file.readline() != b"\r\n":
                pass
        sock.sendall(b"HTTP/1.1 200 OK\r\n" + FRAMINGS[framing] + b"\r\n")
        send(sock, framing)

    def use(running: RunningWorker) -> None:
        with running.connects() as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: gw.example\r\n\r\n")
            assert Content(client).read() == EXPECTED.hexdigest()

    run_through(speak, use)


@pytest.mark.parametrize("framing", ["counted", "chunked"])
def test_100_mib_up(framing: str) -> None:
    seen = []

    def speak(sock: socket.socket) -> None:
        content = Content(sock)
        assert FRAMINGS[framing] in content.head
        seen.append(content.read())
        sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def use(running: RunningWorker) -> None:
        with running.connects() as client:
            client.sendall(b"PUT / HTTP/1.1\r\nHost: gw.example\r\n" + FRAMINGS[framing] + b"\r\n")
            send(client, framing)
            assert client.recv(100).startswith(b"HTTP/1.1 204 ")

    run_through(speak, use)
    assert seen == [EXPECTED.hexdigest()]
