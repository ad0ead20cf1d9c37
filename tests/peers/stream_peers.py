"""Servers that send when they are told to, and tell what they notice.

The test is the only clock: it pushes a piece, waits until the page has seen it, and only then
pushes the next. What a server notices of its connections it prints, and ``noted`` waits for that.
"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.peers.processes import Running, running

__all__ = ["STREAM_PEERS", "StreamPeer", "stream_peer"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
APPLICATION = "tests.peers.stream_flask:app"
PYTHON_MODULE = [sys.executable, "-m"]
STREAM_PEERS = {
    "node": ["node", str(HERE / "stream_node.mjs")],
    "gunicorn": [
        *[*PYTHON_MODULE, "gunicorn", "--worker-class", "gevent", "--bind", "127.0.0.1:0"],
        *["--graceful-timeout", "1"],  # for streams that a test has left open
        *["--chdir", str(ROOT), APPLICATION],
    ],
    "werkzeug": [*PYTHON_MODULE, "flask", "--app", APPLICATION, "run", "--port", "0"],
    "websockets": [*PYTHON_MODULE, "tests.peers.websocket_server"],
}
"""How each is started: Node; the Flask application by gunicorn with gevent, and by werkzeug; and
the WebSocket server."""

LISTENS = re.compile(r"(?:listening on|Listening at:|Running on) http://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class StreamPeer:
    """A server of streams where it listens."""

    port: int
    program: Running

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def push(self, name: str, piece: str) -> None:
        """Have it write a piece into the stream ``name``."""
        self._tell(f"/push/{name}", piece.encode())

    def end(self, name: str) -> None:
        """Have it finish the stream ``name``."""
        self._tell(f"/end/{name}")

    def break_off(self, name: str) -> None:
        """Have it close the connection of the stream ``name`` although more is to come."""
        self._tell(f"/break/{name}")

    def take(self, name: str, size: int | None = None) -> None:
        """Have it read so many further bytes of the upload ``name``, or all."""
        self._tell(f"/take/{name}?bytes={'Infinity' if size is None else size}")

    def release(self, name: str) -> None:
        """Have it read the WebSocket ``name`` from now on."""
        self._tell(f"/release/{name}", method="GET")

    def drop(self, name: str) -> None:
        """Have it close the connection of the WebSocket ``name`` without a word."""
        self._tell(f"/break/{name}", method="GET")

    def notes(self, what: str, name: str) -> list[dict[str, Any]]:
        """Return what it has noticed so far, in order."""
        start = f'{{"what":"{what}","name":"{name}"'
        return [json.loads(line) for line in self.program.printed if line.startswith(start)]

    def noted(self, what: str, name: str, count: int = 1) -> dict[str, Any]:
        """Wait until it has noticed this ``count`` times, and return what it said last of them."""
        pattern = re.compile(re.escape(f'{{"what":"{what}","name":"{name}"'))
        while len(found := self.notes(what, name)) < count:
            self.program.wait_for(pattern)
        return found[count - 1]

    def _tell(self, target: str, content: bytes = b"", *, method: str = "POST") -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, target, content)
            assert connection.getresponse().status == 204
        finally:
            connection.close()


@contextmanager
def stream_peer(server: str) -> Iterator[StreamPeer]:
    """Run one of ``STREAM_PEERS`` on a free port."""
    with running(STREAM_PEERS[server]) as program:
        yield StreamPeer(port=int(program.wait_for(LISTENS)[1]), program=program)
