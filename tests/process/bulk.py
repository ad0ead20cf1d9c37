"""Content too large to hold: sent and hashed piece by piece, by threads that leave the machine to others.

A sender overwrites the number at the beginning of one piece and sends it again; a receiver reads into one
buffer. Hashing and socket calls let other threads run, so both ends and the worker share the processors.
"""

import hashlib
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from io import BufferedReader

__all__ = [
    "BULK_PATIENCE",
    "MEBIBYTE",
    "PATIENT",
    "Arriving",
    "BrokenOffError",
    "api",
    "digest",
    "in_thread",
    "pieces",
    "send",
]

MEBIBYTE = 1024 * 1024

BULK_PATIENCE = 120.0
"""Seconds that one call on a socket may take: only a transfer that is stuck takes so long."""

PATIENT: dict[str, dict[str, float]] = {
    "timeouts": {"head": 600.0, "content": 600.0, "write": 600.0},
    "upstream_timeouts": {"connect": 600.0, "response": 600.0, "idle": 600.0},
}
"""Settings of a worker that cuts nobody off for being slow, however busy the machine is."""

_PIECE = hashlib.shake_256(b"content").digest(MEBIBYTE)


class BrokenOffError(Exception):
    """A message ended before it was whole."""


def pieces(count: int) -> Iterator[bytearray]:
    """Yield mebibytes of which none is like another: the same buffer, so use each before the next."""
    piece = bytearray(_PIECE)
    for number in range(count):
        piece[:4] = number.to_bytes(4, "big")
        yield piece


@cache
def digest(count: int) -> str:
    """Give the checksum of so many pieces."""
    sha256 = hashlib.sha256()
    for piece in pieces(count):
        sha256.update(piece)
    return sha256.hexdigest()


def send(
    sock: socket.socket,
    count: int,
    *,
    chunked: bool = False,
    notice: Callable[[int], None] = lambda _: None,
) -> None:
    """Send so many pieces, saying after each how many have left.

    Chunked, each is a chunk, and the last chunk follows.
    """
    for number, piece in enumerate(pieces(count), start=1):
        if chunked:
            sock.sendall(b"%x\r\n" % MEBIBYTE)
        sock.sendall(piece)
        if chunked:
            sock.sendall(b"\r\n")
        notice(number)
    if chunked:
        sock.sendall(b"0\r\n\r\n")


class Arriving:
    """A message as it arrives: its head, and how much of its content, by its own framing."""

    def __init__(self, sock: socket.socket) -> None:
        self._file = BufferedReader(sock.makefile("rb", buffering=0), MEBIBYTE)
        self._view = memoryview(bytearray(MEBIBYTE))
        self._sha256 = hashlib.sha256()
        self.length = 0
        """Bytes of content so far."""
        self.frames = 0
        """Chunks so far, if it is chunked."""
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            self.head += self._line()

    def read(self, notice: Callable[[int], None] = lambda _: None) -> str:
        """Read to the end, saying after each piece how much has come; give the checksum.

        Raises:
            BrokenOffError: where the message breaks off.
        """
        if b"\r\nTransfer-Encoding: chunked\r\n" in self.head:
            while size := int(self._line(), 16):
                self.frames += 1
                self._take(size, notice)
                assert self._line() == b"\r\n"
            assert self._line() == b"\r\n"
        elif b"\r\nContent-Length: " in self.head:
            self._take(self._content_length(), notice)
        else:
            with suppress(BrokenOffError):
                while True:
                    self._take(1 << 62, notice)
        self._file.close()
        return self._sha256.hexdigest()

    def echo(self, sock: socket.socket) -> None:
        """Send counted content back as it comes."""
        left = self._content_length()
        while left:
            count = self._file.readinto1(self._view[:left])
            if not count:
                raise BrokenOffError
            sock.sendall(self._view[:count])
            left -= count

    def _content_length(self) -> int:
        return int(self.head.partition(b"\r\nContent-Length: ")[2].split(b"\r\n")[0])

    def _take(self, length: int, notice: Callable[[int], None]) -> None:
        while length:
            count = self._file.readinto1(self._view[: min(length, MEBIBYTE)])
            if not count:
                raise BrokenOffError
            self._sha256.update(self._view[:count])
            self.length += count
            length -= count
            notice(self.length)

    def _line(self) -> bytes:
        line = self._file.readline()
        if not line.endswith(b"\n"):
            raise BrokenOffError
        return line


@contextmanager
def api(speak: Callable[[socket.socket], None], connections: int = 1) -> Iterator[int]:
    """Listen on a port of this machine; speak to each connection in a thread of its own.

    What a thread raises is raised at the end, if the test has not failed before.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:

        def serve() -> None:
            with listener.accept()[0] as sock:
                sock.settimeout(BULK_PATIENCE)
                speak(sock)

        with ThreadPoolExecutor(connections) as threads:
            served = [threads.submit(serve) for _ in range(connections)]
            try:
                yield listener.getsockname()[1]
                for future in served:
                    future.result(BULK_PATIENCE)
            finally:
                # A thread that waits in accept() wakes up by nothing else.
                listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def in_thread(work: Callable[[], None]) -> Iterator[Future[None]]:
    """Let something be done meanwhile; at the end it must be done, and well."""
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(work)
        yield future
        future.result(BULK_PATIENCE)
