"""A listening socket at the end of service: nobody whom the kernel has let in is turned out."""

import asyncio
import errno
import select
import socket
from collections.abc import AsyncIterator

import pytest

from cors_gateway.process.entrance import Entrance
from cors_gateway.routes import Router
from cors_gateway.snapshot import Snapshot
from cors_gateway.wire import downstream
from cors_gateway.wire.plane import Plane

PATIENCE = 60.0
GET = b"GET / HTTP/1.1\r\nHost: gw.example\r\n\r\n"


class Door:
    """An entrance of a gateway that answers everything with 404."""

    def __init__(self) -> None:
        self.plane = Plane(Snapshot(Router(()), (), listeners=()), asyncio.get_running_loop())
        self.plane.start()
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.sock.settimeout(0)
        self.address = self.sock.getsockname()

    def connects(self) -> socket.socket:
        """Connect and ask; the event loop cannot have noticed yet."""
        client = socket.create_connection(self.address, PATIENCE)
        client.sendall(GET)
        return client


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    made = Door()
    yield made
    await made.plane.drain(0)
    made.sock.close()


async def answer_to(client: socket.socket) -> bytes:
    """Receive the head of an answer, or nothing where the connection ended."""
    client.setblocking(False)
    loop, answer = asyncio.get_running_loop(), b""
    async with asyncio.timeout(PATIENCE):
        while b"\r\n\r\n" not in answer and (piece := await loop.sock_recv(client, 4096)):
            answer += piece
    return answer.partition(b"\r\n\r\n")[0]


@pytest.mark.row("F2", "F18")
@pytest.mark.parametrize("is_last", [True, False])
async def test_who_is_in_the_queue_is_served(door: Door, is_last: bool) -> None:
    entrance = await Entrance.open(door.plane, door.sock, None)
    clients = [door.connects() for _ in range(5)]

    await entrance.close(is_last=is_last)

    for client in clients:
        assert (await answer_to(client)).startswith(b"HTTP/1.1 404 ")
        client.close()


@pytest.mark.row("F18")
async def test_who_connects_at_the_very_end_is_not_let_in_to_be_reset(door: Door) -> None:
    entrance = await Entrance.open(door.plane, door.sock, None)
    loop = asyncio.get_running_loop()
    closing = loop.create_task(entrance.close(is_last=True))
    await asyncio.sleep(0)

    with socket.socket() as late:
        late.setblocking(False)
        # The kernel neither lets in nor refuses: its filter drops what begins a connection.
        assert late.connect_ex(door.address) == errno.EINPROGRESS
        assert select.select([], [late], [], 0.01)[1] == []
        assert not closing.done()
        # It tries again by itself, a second later.
        with pytest.raises(ConnectionRefusedError):
            await loop.sock_connect(late, door.address)
    await closing


async def test_the_next_who_has_the_socket_lets_them_in_again(door: Door) -> None:
    kept = door.sock.dup()
    entrance = await Entrance.open(door.plane, door.sock, None)
    await entrance.close(is_last=True)

    door.sock = kept
    again = await Entrance.open(door.plane, kept, None)
    client = door.connects()

    assert (await answer_to(client)).startswith(b"HTTP/1.1 404 ")
    client.close()
    await again.close(is_last=False)


@pytest.mark.row("F18")
async def test_who_has_just_used_a_connection_may_use_it_once_more(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long this machine takes.
    monkeypatch.setattr(downstream, "LULL", PATIENCE)
    entrance = await Entrance.open(door.plane, door.sock, None)
    client = door.connects()
    first = await answer_to(client)
    await entrance.close(is_last=True)
    ending = asyncio.get_running_loop().create_task(door.plane.drain(PATIENCE))
    await asyncio.sleep(0.1)

    client.send(GET)
    second = await answer_to(client)
    client.close()
    await ending

    assert first.startswith(b"HTTP/1.1 404 ")
    assert b"Connection: close" not in first
    assert second.startswith(b"HTTP/1.1 404 ")
    assert b"Connection: close" in second


@pytest.mark.row("F1")
async def test_a_connection_that_nobody_uses_is_closed_at_once_unless_a_request_has_come(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downstream, "LULL", 0.0)
    entrance = await Entrance.open(door.plane, door.sock, None)
    clients = [door.connects() for _ in range(2)]
    for client in clients:
        assert await answer_to(client)
    await entrance.close(is_last=True)

    # Nothing has been read of this when the connections are closed.
    clients[0].send(GET)
    ending = asyncio.get_running_loop().create_task(door.plane.drain(PATIENCE))
    answers = [await answer_to(client) for client in clients]
    await ending
    for client in clients:
        client.close()

    assert answers[0].startswith(b"HTTP/1.1 404 ")
    assert answers[1] == b""
