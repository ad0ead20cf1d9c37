"""How a client's socket closes: at once where the kernel has everything, watched over otherwise."""

import asyncio
from typing import Any

import pytest

from cors_gateway.wire.client_socket import ClientSocket
from cors_gateway.wire.tick import Ticker


class Transport:
    """What an event loop gives, with so much of ours in its buffer."""

    def __init__(self, waiting: int, *, encrypted: bool) -> None:
        self.waiting = waiting
        self.encrypted = encrypted
        self.has_closed = self.has_aborted = False
        self.asked: list[str] = []

    def get_extra_info(self, name: str) -> object:
        self.asked.append(name)
        return self if name == "sslcontext" and self.encrypted else None

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
