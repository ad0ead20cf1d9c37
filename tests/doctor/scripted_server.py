"""A server of a test's own that says whatever it is told, also what is no HTTP.

One connection after the other, as the requests of an examination come; in a thread, because those wait.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

__all__ = ["Script", "ScriptedServer", "scripted"]

Script = Callable[[socket.socket], None]
"""Speaks to a client that has sent its head."""


@dataclass
class ScriptedServer:
    """Where it listens, and what came to it."""

    port: int
    heads: list[bytes] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)
    """A script that waits has to wait for this."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def scripted(
    script: Script | bytes, *, wrap: Callable[[socket.socket], socket.socket] | None = None
) -> Iterator[ScriptedServer]:
    """Serve by a script until the test is over.

    Args:
        script: what is called, or what is sent.
        wrap: puts something around each connection first, such as TLS.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    server = ScriptedServer(listener.getsockname()[1])

    def serve() -> None:
        while not server.is_over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), connection:
                speaking = wrap(connection) if wrap else connection
                with speaking:
                    _speak(server, speaking, script)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server
    finally:
        server.is_over.set()
        # It wakes who waits in accept().
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


def _speak(server: ScriptedServer, connection: socket.socket, script: Script | bytes) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        received = connection.recv(65536)
        if not received:
            return
        head += received
    server.heads.append(head)
    if isinstance(script, bytes):
        connection.sendall(script)
    else:
        script(connection)
