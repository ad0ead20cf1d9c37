"""The whole command with TLS, in front of an API of the test's own; and what its clients need."""

import hashlib
import http.server
import re
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from tests.peers.processes import Running, running
from tests.process.running_worker import children_of

__all__ = ["Api", "Authority", "TlsGateway", "api", "common_name", "tls_gateway", "wait_until"]

PATIENCE = 30.0
LISTENING = re.compile(r"listening on (.*)\n")
CHUNK = bytes(range(256)) * 256
MEBIBYTE = 1024 * 1024


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for what nobody tells."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def common_name(connection: ssl.SSLSocket | ssl.SSLObject) -> str:
    """Give the name on the certificate that a client was shown."""
    shown: Any = connection.getpeercert()
    name: str = dict(pair for (pair,) in shown["subject"])["commonName"]
    return name


class Authority:
    """Issues certificates for loopback names, and knows who trusts it."""

    def __init__(self, directory: Path) -> None:
        self.ca = trustme.CA()
        self.directory = directory
        self.ca_file = directory / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.ca_file))

    def issues(self, name: str, *, rsa: bool = False) -> tuple[Path, Path]:
        """Write ``NAME.pem``, with its chain, and ``NAME.key``."""
        kind = trustme.KeyType.RSA if rsa else trustme.KeyType.ECDSA
        leaf = self.ca.issue_cert("localhost", "127.0.0.1", "::1", common_name=name, key_type=kind)
        certificate, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        certificate.write_bytes(chain)
        key.write_bytes(leaf.private_key_pem.bytes())
        return certificate, key

    def trusted(self, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """Make what a client that trusts us connects with."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        context.set_alpn_protocols(["h2", "http/1.1"])
        if version is not None:
            context.minimum_version = context.maximum_version = version
        return context


@dataclass
class Api:
    """What the API has seen, and what it waits for."""

    port: int = 0
    sent: int = 0
    """Bytes of ``/endless`` that the gateway has taken."""
    arrived: threading.Event = field(default_factory=threading.Event)
    """A request for ``/wait`` is there."""
    may_answer: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    """Whoever asked for ``/endless`` has gone."""


@contextmanager
def api() -> Iterator[Api]:
    """Serve ``/``, ``/big``, ``/endless``, ``/wait`` and uploads."""
    state = Api()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            match self.path:
                case "/big":
                    self.answers(CHUNK * (10 * MEBIBYTE // len(CHUNK)))
                case "/endless":
                    self.sends_on()
                case "/wait":
                    state.arrived.set()
                    assert state.may_answer.wait(PATIENCE)
                    self.answers(b"late")
                case _:
                    self.answers(str(self.headers["X-Forwarded-Proto"]).encode())

        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self.answers(hashlib.sha256(content).hexdigest().encode())

        def answers(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def sends_on(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(10**12))
            self.end_headers()
            try:
                while True:
                    self.wfile.write(CHUNK)
                    state.sent += len(CHUNK)
            except OSError:
                self.close_connection = True
                state.gone.set()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield state
        state.may_answer.set()
        server.shutdown()
        thread.join()


@dataclass
class TlsGateway:
    """The gateway where it listens first, and what it has printed."""

    program: Running
    urls: list[str]
    authority: Authority

    @property
    def port(self) -> int:
        return int(self.urls[0].rpartition(":")[2])

    @property
    def pid(self) -> int:
        return self.program.process.pid

    def connects(
        self,
        context: ssl.SSLContext | None = None,
        name: str | None = "localhost",
        receive_buffer: int | None = None,
    ) -> ssl.SSLSocket:
        """Connect as a client that insists on an orderly end."""
        context = context or self.authority.trusted()
        context.check_hostname = name is not None
        sock = socket.socket()
        sock.settimeout(PATIENCE)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.connect(("127.0.0.1", self.port))
        return context.wrap_socket(sock, server_hostname=name, suppress_ragged_eofs=False)

    def raw(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def descriptors(self) -> int:
        """Count what the worker has open."""
        [worker] = children_of(self.pid)
        return len(list(Path(f"/proc/{worker}/fd").iterdir()))

    def lines(self, text: str) -> list[str]:
        """Give what was printed with ``text`` in it."""
        return [line for line in self.program.printed if text in line]

    def is_told(self, number: signal.Signals) -> None:
        self.program.process.send_signal(number)

    def ends(self) -> int:
        return self.program.process.wait(PATIENCE)


@contextmanager
def tls_gateway(
    directory: Path,
    port: int,
    *,
    listen: str = '["127.0.0.1:0"]',
    server: str = "",
    rest: str = "log: {access: false}",
    arguments: tuple[str, ...] = (),
) -> Iterator[TlsGateway]:
    """Run the command with the pair ``server.pem`` and ``server.key`` beside its file, and another.

    Args:
        directory: for the files.
        port: of the API.
        listen: what ``server.listen`` says.
        server: further lines below ``server``.
        rest: further blocks.
        arguments: further words of the command.
    """
    authority = Authority(directory)
    authority.issues("server")
    authority.issues("own")
    config = directory / "gateway.yaml"
    config.write_text(
        f"server:\n  listen: {listen}\n  tls: {{certificate: server.pem, key: server.key}}\n"
        f"{server}\n{rest}\n"
        f"routes: [{{name: api, match: {{path: /}}, upstream: 'http://127.0.0.1:{port}', "
        "cors: {allowOrigins: ['https://app.example'], onDisallowedOrigin: block}}]\n",
        "utf-8",
    )
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(config), *arguments]
    with running(argv) as program:
        urls = program.wait_for(LISTENING)[1].split(", ")
        yield TlsGateway(program, urls, authority)
