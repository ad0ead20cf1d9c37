"""The whole command is told to stop, with every kind of client that does not go by itself."""

import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.admin.test_admin_whole import ADMIN_LISTENS
from tests.peers.processes import running
from tests.process.tls_rig import LISTENING, Authority, wait_until

PATIENCE = 60.0
DOCKER_WAITS = 10.0
"""Seconds between its two signals; more would be a broken promise, however busy the machine is."""

CHUNK = b"5\r\ndata:\r\n"
UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"


def receive_head(sock: socket.socket) -> bytes:
    """Receive up to the first empty line, and nothing behind it."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and (piece := sock.recv(1)):
        head += piece
    return head


class Api:
    """An API with a stream, a download and a tunnel that have no end."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self._listener.getsockname()[1]
        self.waits = threading.Event()
        """Whether somebody has asked for what is never answered."""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[sock], daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            while head := receive_head(sock):
                if b" /stream " in head:
                    kind = b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked"
                    sock.sendall(b"HTTP/1.1 200 OK\r\n" + kind + b"\r\n\r\n" + CHUNK)
                    while True:
                        time.sleep(0.1)
                        sock.sendall(CHUNK)
                elif b" /large " in head:
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
                    while True:
                        sock.sendall(bytes(65536))
                elif b" /wait " in head:
                    self.waits.set()
                    sock.recv(1)
                    return
                elif b" /tunnel " in head:
                    sock.sendall(b"HTTP/1.1 101 S\r\n" + UPGRADE.encode() + b"\r\n")
                    while data := sock.recv(1000):
                        sock.sendall(data)
                    return
                else:
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def api() -> Iterator[Api]:
    upstream = Api()
    yield upstream
    upstream.close()


def rest_of(sock: socket.socket) -> bytes:
    """Receive up to the end, whichever it is; keep the last bytes."""
    last = b""
    with suppress(ConnectionError, ssl.SSLError):
        while piece := sock.recv(65536):
            last = (last + piece)[-64:]
    return last


@pytest.mark.row("F2", "F3")
def test_what_never_ends_is_cut_off_and_the_process_ends(api: Api, tmp_path: Path) -> None:
    """With and without TLS; ``drain.timeout`` is a second in place of seven."""
    authority = Authority(tmp_path)
    authority.issues("gateway")
    (tmp_path / "gateway.yaml").write_text(
        'server: {drain: {timeout: 1s}, listen: ["127.0.0.1:0", {address: "127.0.0.1:0", '
        "tls: {certificate: gateway.pem, key: gateway.key}}]}\n"
        f'routes: [{{match: {{path: /}}, upstream: "http://127.0.0.1:{api.port}", cors: false}}]\n'
    )
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(tmp_path / "gateway.yaml")]
    with running([*argv, "--workers", "2"]) as program, ExitStack() as stack:
        urls = program.wait_for(LISTENING)[1].split(", ")
        clients: dict[tuple[str, str], socket.socket] = {}
        for url in urls:
            scheme, _, port = url.partition("://127.0.0.1:")
            for what in ("stream", "large", "tunnel", "idle", "half a head", "nothing"):
                sock: socket.socket = stack.enter_context(socket.socket())
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
                sock.settimeout(PATIENCE)
                sock.connect(("127.0.0.1", int(port)))
                if scheme == "https":
                    sock = stack.enter_context(
                        authority.trusted().wrap_socket(sock, server_hostname="127.0.0.1")
                    )
                clients[scheme, what] = sock
                if what == "half a head":
                    sock.sendall(b"GET /half")
                elif what != "nothing":
                    fields = UPGRADE if what == "tunnel" else ""
                    sock.sendall(f"GET /{what} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode())
                    assert receive_head(sock)[9:12] in {b"200", b"101"}
                if what == "idle":
                    assert sock.recv(2) == b"ok"
        program.process.terminate()

        assert program.process.wait(PATIENCE) == 0
        for scheme in ("http", "https"):
            assert not rest_of(clients[scheme, "stream"]).endswith(b"0\r\n\r\n"), "no false end"
            for what in ("large", "tunnel", "idle", "half a head", "nothing"):
                rest_of(clients[scheme, what])
    problems = [line for line in program.printed if '"problem": "stopping"' in line]
    assert len(problems) == 6
    told = [json.loads(line)["msg"] for line in program.printed if line[0] == "{"]
    assert "stopping: the signal TERM" in told
    assert told[-1] == "stopped: 6 requests were broken off"


@pytest.mark.row("F3")
def test_by_default_it_has_ended_before_docker_kills(api: Api, tmp_path: Path) -> None:
    """Ten seconds are what Docker grants; most of them are waited for."""
    (tmp_path / "gateway.yaml").write_text(
        'server: {listen: "127.0.0.1:0"}\n'
        f'routes: [{{match: {{path: /}}, upstream: "http://127.0.0.1:{api.port}", cors: false}}]\n'
    )
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(tmp_path / "gateway.yaml")]
    with running(argv) as program, ExitStack() as stack:
        port = int(program.wait_for(LISTENING)[1].rpartition(":")[2])
        clients = {}
        for what in ("stream", "wait", "idle"):
            clients[what] = stack.enter_context(
                socket.create_connection(("127.0.0.1", port), PATIENCE)
            )
            clients[what].sendall(f"GET /{what} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            if what != "wait":
                assert receive_head(clients[what]).startswith(b"HTTP/1.1 200 ")
        assert api.waits.wait(PATIENCE)
        program.process.terminate()

        assert program.process.wait(DOCKER_WAITS) == 0
        assert receive_head(clients["wait"]).startswith(b"HTTP/1.1 503 ")
        assert not rest_of(clients["stream"]).endswith(b"0\r\n\r\n"), "no false end"
    assert sum('"problem": "stopping"' in line for line in program.printed) == 2


@pytest.mark.row("F2")
def test_during_the_delay_all_are_served_and_afterwards_refused(api: Api, tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(
        'server: {listen: "127.0.0.1:0", drain: {delay: 3s}}\n'
        f'routes: [{{match: {{path: /}}, upstream: "http://127.0.0.1:{api.port}", cors: false}}]\n'
    )
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(tmp_path / "gateway.yaml")]
    with running([*argv, "--admin", "127.0.0.1:0"]) as program:
        port = int(program.wait_for(LISTENING)[1].rpartition(":")[2])
        admin = int(program.wait_for(ADMIN_LISTENS)[2])
        assert status_of(admin, "/readyz") == b"200"
        assert listens(program.process.pid, port)
        program.process.terminate()
        wait_until(lambda: status_of(admin, "/readyz") == b"503", PATIENCE)
        # What a worker closes last, it can empty first.
        assert not listens(program.process.pid, port)
        answers = []
        with suppress(ConnectionRefusedError):
            while True:
                with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
                    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    answers.append(receive_head(client))
                time.sleep(0.05)

        assert program.process.wait(PATIENCE) == 0
    assert answers
    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
    assert all(b"connection: close" in answer.lower() for answer in answers)


def listens(pid: int, port: int) -> bool:
    """Say whether a process has a listening socket of a port."""
    opened = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            opened.add(str(each.readlink()))
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        fields = line.split()
        is_here = fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port
        if is_here and f"socket:[{fields[9]}]" in opened:
            return True
    return False


def status_of(port: int, path: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return receive_head(client)[9:12]
