"""An admin listener beside a command that asks it: a real one, or somebody who says one thing."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.admin.admin_rig import Admin, Seen

__all__ = ["PATIENCE", "admin", "answering"]

PATIENCE = 60.0

Address = Any
"""As the socket says it."""


@contextmanager
def admin(overview: Seen, sock: socket.socket | None = None) -> Iterator[Address]:
    """Run admin in a thread of its own; give where it listens."""
    is_up, may_end = threading.Event(), threading.Event()
    addresses: list[Address] = []

    async def serve() -> None:
        running = Admin(overview, sock)
        await running.start()
        addresses.append(running.address)
        is_up.set()
        await asyncio.to_thread(may_end.wait, PATIENCE)
        await running.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert is_up.wait(PATIENCE)
        yield addresses[0]
    finally:
        may_end.set()
        thread.join(PATIENCE)


@contextmanager
def answering(answer: bytes, *, then_waits: bool = False) -> Iterator[int]:
    """Listen, and say the same to everyone, whatever they ask; give the port."""
    may_end = threading.Event()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(answer)
                if then_waits:
                    may_end.wait(PATIENCE)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            may_end.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)
