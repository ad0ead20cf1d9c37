"""How a client's socket closes: at once where the kernel has everything, watched over otherwise."""

import asyncio
import select
import socket as sockets
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from cors_gateway.wire.client_socket import ClientSocket
from cors_gateway.wire.sockets import send_last
from cors_gateway.wire.tick import Ticker


class Transport:
    """What an event loop gives, with so much of ours in its buffer."""

    def __init__(self, waiting: int, *, encrypted: bool) -> None:
        self.waiting = waiting
        self.encrypted = encrypted
        self.has_closed = self.has_aborted = False
        self.asked: list[str] = []
        self.written = b""
        self.socket: sockets.socket | None = None

    def write(self, data: bytes) -> None:
        self.written += data

    def get_extra_info(self, name: str) -> object:
        self.asked.append(name)
        if name == "socket":
            return self.socket
        return self if name == "sslcontext" and self.encrypted else None

    def is_closing(self) -> bool:
        return self.has_closed or self.has_aborted

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def close(self) -> None:
        self.has_closed = True

    def abort(self) -> None:
        self.has_aborted = True

    def __getattr__(self, name: str) -> Any:
        return lambda **_: None


@pytest.mark.parametrize(
    ("waiting", "encrypted", "has_to_be_watched"),
    [
        pytest.param(0, False, False, id="the kernel has everything"),
        pytest.param(1, False, True, id="something waits for the client"),
        pytest.param(0, True, True, id="TLS may wait for an end that never comes"),
    ],
)
async def test_a_closing_socket_is_watched_where_something_is_awaited(
    waiting: int, encrypted: bool, has_to_be_watched: bool
) -> None:
    transport: Any = Transport(waiting, encrypted=encrypted)
    socket = ClientSocket(Ticker(asyncio.get_running_loop(), lambda: None))
    socket.begin(transport)
    transport.asked.clear()
    assert socket.close(30) is has_to_be_watched
    assert transport.has_closed
    # Each question is a system call or two, for every connection that ends.
    assert transport.asked == ["socket"] * has_to_be_watched


async def test_a_socket_that_is_gone_closes_without_a_word() -> None:
    socket = ClientSocket(Ticker(asyncio.get_running_loop(), lambda: None))
    assert socket.close(30) is False


@pytest.fixture
def ends() -> Iterator[tuple[sockets.socket, sockets.socket]]:
    """A client's socket, and ours, which does not wait."""
    with sockets.create_server(("127.0.0.1", 0)) as listener:
        client = sockets.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    ours.setblocking(False)
    ours.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
    with client, ours:
        yield client, ours


Ends = tuple[sockets.socket, sockets.socket]


def packets_of(client: sockets.socket) -> int:
    """Count what has arrived, the answer to its handshake included: ``tcpi_segs_in`` of tcp(7)."""
    told = client.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_INFO, 144)
    count: int = struct.unpack_from("I", told, 140)[0]
    return count


def read_all(client: sockets.socket) -> bytes:
    client.settimeout(30)
    return b"".join(iter(lambda: client.recv(1 << 20), b""))


def test_the_last_bytes_and_the_end_arrive_in_one_packet(ends: Ends) -> None:
    client, ours = ends
    transport: Any = Transport(0, encrypted=False)
    send_last(transport, ours.fileno(), b"the last")
    assert read_all(client) == b"the last"
    assert packets_of(client) == 2
    assert transport.written == b""
    # It was lent, and is closed by whoever has it.
    assert ours.getpeername() == client.getsockname()


def test_what_the_kernel_does_not_take_of_the_last_bytes_is_left_to_the_transport(
    ends: Ends,
) -> None:
    client, ours = ends
    transport: Any = Transport(0, encrypted=False)
    data = bytes(range(256)) * (1 << 16)
    send_last(transport, ours.fileno(), data)
    assert 0 < len(transport.written) < len(data)
    # Our side is still open for it.
    ours.setblocking(True)
    client.settimeout(30)
    taken = b""
    while len(taken) < len(data) - len(transport.written):
        taken += client.recv(1 << 20)
    ours.sendall(b"more")
    assert client.recv(4) == b"more"
    assert taken + transport.written == data


@pytest.mark.parametrize(
    ("waiting", "encrypted"),
    [
        pytest.param(1, False, id="something waits before them"),
        pytest.param(0, True, id="TLS has to encrypt them"),
    ],
)
def test_last_bytes_leave_by_the_transport_where(ends: Ends, waiting: int, encrypted: bool) -> None:
    client, ours = ends
    transport: Any = Transport(waiting, encrypted=encrypted)
    send_last(transport, -1 if encrypted else ours.fileno(), b"the last")
    assert transport.written == b"the last"
    assert packets_of(client) == 1


def test_a_client_that_is_gone_is_left_to_the_transport(ends: Ends) -> None:
    client, ours = ends
    transport: Any = Transport(0, encrypted=False)
    client.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    assert select.select([ours], [], [], 30)[0]
    send_last(transport, ours.fileno(), b"the last")
    assert transport.written == b"the last"


@pytest.mark.parametrize("is_last", [True, False])
async def test_a_socket_ends_with_the_bytes_that_are_said_to_be_last(
    ends: Ends, is_last: bool
) -> None:
    client, ours = ends
    transport: Any = Transport(0, encrypted=False)
    transport.socket = ours
    socket = ClientSocket(Ticker(asyncio.get_running_loop(), lambda: None))
    socket.begin(transport)
    socket.write(b"first")
    assert transport.written == b"first"
    socket.write(b"the last", is_last=is_last)
    if not is_last:
        ours.sendall(b" but one")
        ours.shutdown(sockets.SHUT_WR)
    assert read_all(client) == (b"the last" if is_last else b"the last but one")
    assert (packets_of(client) == 2) is is_last
