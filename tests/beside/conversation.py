"""One conversation through one gateway: what the client says, what the API answers, what each saw.

Both ends are scripts of bytes, pauses, closes and resets. The API's end runs in threads; the client's
in the caller's. Nothing here knows which gateway stands between them.
"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tests.beside.plain_http import Message, is_no_answer, read_answers, read_requests

__all__ = ["OK", "PATIENCE", "Api", "Client", "End", "Script", "Step", "perform"]

PATIENCE = 30.0
ROUNDS = 20
"""How often an API that leads back to its gateway does so."""

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Step(Enum):
    """What an end does besides sending bytes."""

    CLOSE = "close"
    RESET = "reset"
    NO_MORE = "close the sending side"
    ANSWER = "wait for an answer"
    ARRIVAL = "wait until the API has a request"


Script = tuple[bytes | float | Step, ...]
"""Bytes are sent, a number is a pause in seconds."""


class End(Enum):
    """How a connection ended."""

    OPEN = "open"
    CLOSED = "closed"
    RESET = "reset"


@dataclass(slots=True)
class Received:
    """What came over one connection."""

    data: bytes = b""
    end: End = End.OPEN


def perform(sock: socket.socket, script: Script) -> None:
    """Do the steps of a script that wait for nobody."""
    for step in script:
        if isinstance(step, bytes):
            sock.sendall(step)
        elif isinstance(step, float):
            time.sleep(step)
        elif step is Step.RESET:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        elif step is Step.NO_MORE:
            sock.shutdown(socket.SHUT_WR)
        elif step is Step.CLOSE:
            # A thread may be reading from it, which keeps the kernel from sending FIN.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


class Api:
    """A server that answers each request with the next script, and keeps what it got."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._changed = threading.Condition()
        self._socks: list[socket.socket] = []
        self.plays(((OK,),))
        threading.Thread(target=self._accept, daemon=True).start()

    def plays(
        self,
        scripts: tuple[Script, ...],
        *,
        begins_early: bool = False,
        leads_to: tuple[str, int] | None = None,
    ) -> None:
        """Forget what was, and answer with these from now on; the last repeats.

        Args:
            scripts: the answers, in order, over all connections.
            begins_early: whether a head is answered before its content is there.
            leads_to: where the first requests are sent on to, byte for byte.
        """
        with self._changed:
            for sock in self._socks:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            self._scripts = scripts
            self._begins_early = begins_early
            self._leads_to = leads_to
            self._answered = 0
            self._connections: list[Received] = []
            self._socks = []

    def saw(self) -> tuple[list[Message], list[bytes]]:
        """Give the whole requests of all connections, and what is no whole request."""
        with self._changed:
            read = [read_requests(one.data) for one in self._connections]
        whole = [request for requests, _ in read for request in requests]
        return whole, [rest for _, rest in read if rest]

    def waits_for_arrival(self) -> None:
        """Wait until a request is whole."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._answered > 0, PATIENCE)

    def waits_for_ends(self, patience: float) -> bool:
        """Wait until every connection has ended; say whether they have."""
        with self._changed:
            return self._changed.wait_for(
                lambda: all(one.end is not End.OPEN for one in self._connections), patience
            )

    def closes(self) -> None:
        """Listen no longer."""
        self.plays(())
        # It wakes the thread that accepts, which closing alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            received = Received()
            with self._changed:
                self._connections.append(received)
                self._socks.append(sock)
                ours = self._connections
            serve = self._serve
            threading.Thread(target=serve, args=(sock, received, ours), daemon=True).start()

    def _serve(self, sock: socket.socket, received: Received, ours: list[Received]) -> None:
        """Answer one connection, as long as the conversation is the one that it came in."""
        end = End.CLOSED
        handled = 0
        try:
            while data := sock.recv(65536):
                with self._changed:
                    received.data += data
                requests, rest = read_requests(received.data)
                known = len(requests) + (self._begins_early and b"\r\n\r\n" in rest)
                while handled < known and ours is self._connections:
                    handled += 1
                    self._answer(sock, data)
        except ConnectionResetError:
            end = End.RESET
        except OSError:
            pass  # The script has closed it, or the conversation is over.
        with self._changed:
            received.end = end
            self._changed.notify_all()
        sock.close()

    def _answer(self, sock: socket.socket, request: bytes) -> None:
        with self._changed:
            number = self._answered
            self._answered += 1
            script = self._scripts[min(number, len(self._scripts) - 1)]
            self._changed.notify_all()
        if self._leads_to is None or number >= ROUNDS:
            perform(sock, script)
            return
        again = Client(self._leads_to, "GET")
        again.sock.sendall(request)
        again.reads_until(lambda: again.has_answers(1), PATIENCE)
        again.sock.close()
        sock.sendall(again.data)


class Client:
    """A connection to a gateway, and what came over it."""

    def __init__(self, address: tuple[str, int], method: str) -> None:
        self.sock = socket.create_connection(address, PATIENCE)
        self._method = method
        self._received = Received()

    @property
    def end(self) -> End:
        """How its connection has ended."""
        return self._received.end

    @property
    def data(self) -> bytes:
        """Everything that has come."""
        return self._received.data

    def read(self) -> tuple[list[Message], bytes]:
        """Give the answers that have come, also interim and cut off, and what is none."""
        has_ended = self.end is not End.OPEN
        return read_answers(self.data, self._method, has_ended=has_ended)

    def finals(self) -> list[Message]:
        """Give the answers that are no interim ones."""
        return [one for one in self.read()[0] if one.is_final]

    def has_answers(self, count: int) -> bool:
        """Tell whether so many final answers have come, or something that can be none."""
        answers, rest = self.read()
        return sum(one.is_final for one in answers) >= count or is_no_answer(rest)

    def reads_until(self, done: Callable[[], bool], patience: float) -> None:
        """Read until something is so, or the end."""
        deadline = time.monotonic() + patience
        while self.end is End.OPEN and not done():
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                return
            except ConnectionResetError:
                self._received.end = End.RESET
                return
            self._received.data += data
            if not data:
                self._received.end = End.CLOSED
