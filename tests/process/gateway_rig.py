"""The whole command in front of an API whose answers a test lets go, and what can be seen of it."""

import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.peers.processes import Running, running

__all__ = [
    "GET",
    "LISTENING",
    "ORIGIN",
    "PATIENCE",
    "WAIT",
    "Api",
    "Gateway",
    "config",
    "gateway",
    "has_clients",
    "is_answered",
    "is_gone",
    "is_refused",
    "listening_port",
    "opened",
    "receive",
    "slow_api",
    "wait_until",
    "with_another_listener",
]

PATIENCE = 60.0
ORIGIN = b"https://app.example.com"
LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")
ADMIN_LISTENS = re.compile(r"admin on http://127\.0\.0\.1:(\d+)$")
GET = b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: " + ORIGIN + b"\r\n\r\n"
WAIT = GET.replace(b"/", b"/wait", 1)
"""The same, for an answer that the test lets go."""


def wait_until(condition: Callable[[], bool], what: str = "it did not come about") -> None:
    """Wait for what nobody tells."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@dataclass
class Api:
    """An API whose answers to ``/wait`` the test lets go."""

    port: int
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    may_answer: threading.Event = field(default_factory=threading.Event)


@contextmanager
def slow_api() -> Iterator[Api]:
    """Serve an API on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/wait":
                known.arrived.release()
                assert known.may_answer.wait(PATIENCE)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        known = Api(server.server_address[1])
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield known
        known.may_answer.set()
        server.shutdown()
        thread.join()


@dataclass
class Gateway:
    """The supervisor, and what it minds."""

    program: Running
    port: int
    config: Path
    admin_port: int = 0
    """Where it can be asked, if that was wanted."""

    @property
    def pid(self) -> int:
        return self.program.process.pid

    def workers(self) -> list[int]:
        """The processes whose parent is the supervisor."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii")
        return [int(pid) for pid in children.split() if not is_gone(int(pid))]

    def connects(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def answer(self, request: bytes = GET) -> bytes:
        """Ask once, on a connection of its own."""
        with self.connects() as client:
            client.sendall(request)
            return receive(client)

    def is_told(self, number: signal.Signals) -> None:
        self.program.process.send_signal(number)

    def ends(self) -> int:
        return self.program.process.wait(PATIENCE)

    def has_said(self, text: str) -> bool:
        return any(text in line for line in self.program.printed)

    def says(self, text: str) -> None:
        wait_until(lambda: self.has_said(text), f"it did not say {text!r}")


def is_gone(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] in {"Z", "X"}


def receive(client: socket.socket) -> bytes:
    """Receive an answer with content of two bytes, or what came of it."""
    received = b""
    while not received.endswith(b"\r\n\r\nok") and (piece := client.recv(65536)):
        received += piece
    return received


def config(api_port: int, origin: str = ORIGIN.decode(), server: str = "") -> str:
    return (
        f'server: {{listen: "127.0.0.1:0"{server}}}\n'
        "routes:\n"
        "  - match: {path: /}\n"
        f"    upstream: http://127.0.0.1:{api_port}\n"
        f"    cors: {{allowOrigins: [{origin}]}}\n"
    )


@contextmanager
def gateway(
    directory: Path,
    text: str,
    workers: int = 1,
    *,
    has_admin: bool = False,
    env: Mapping[str, str] | None = None,
) -> Iterator[Gateway]:
    """Run the command on a configuration."""
    file = directory / "gateway.yaml"
    file.write_text(text)
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(file)]
    variables = {"CORS_GATEWAY_WORKERS": str(workers), **(env or {})}
    if has_admin:
        variables["CORS_GATEWAY_ADMIN"] = "127.0.0.1:0"
    with running(argv, variables) as program:
        port = int(program.wait_for(LISTENING)[1])
        admin_port = int(program.wait_for(ADMIN_LISTENS)[1]) if has_admin else 0
        yield Gateway(program, port, file, admin_port)


def is_answered(response: bytes) -> bool:
    return response.startswith(b"HTTP/1.1 200 ") and response.endswith(b"ok")


def has_clients(pid: int, port: int) -> bool:
    """Say whether a process has a connection that a client of ``port`` opened."""
    return port in _ports(pid, "01")


def listening_port(pid: int) -> int:
    """Wait until a process listens, and give the port: for one whose output nobody reads."""
    wait_until(lambda: bool(_ports(pid, "0A")))
    return _ports(pid, "0A")[0]


def opened(pid: int) -> set[str]:
    """Give the names of what a process has open."""
    names = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            names.add(str(descriptor.readlink()))
    return names


def _ports(pid: int, state: str) -> list[int]:
    """Give the local ports of the sockets that a process has in a state, by the kernel's number."""
    ours = opened(pid)
    lines = Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
    return [
        int(fields[1].rpartition(":")[2], 16)
        for fields in map(str.split, lines)
        if fields[3] == state and f"socket:[{fields[9]}]" in ours
    ]


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False


def with_another_listener(text: str) -> str:
    """A configuration that listens on one more address, so that other workers have to serve it."""
    return text.replace('listen: "127.0.0.1:0"', 'listen: ["127.0.0.1:0", "127.0.0.1:0"]')
