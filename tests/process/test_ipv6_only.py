"""A machine on which everything speaks IPv6 and nothing else."""

import socket
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.peers.processes import GATEWAY_LISTENS, running

PATIENCE = 60.0


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        content = " ".join([self.headers["Host"], self.headers["X-Forwarded-For"]]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True


@pytest.fixture
def api() -> Iterator[int]:
    with Server(("::1", 0), Api) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield server.server_address[1]
        server.shutdown()
        serving.join()


@pytest.mark.row("F15")
def test_clients_the_api_and_admin_are_reached(api: int, tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(
        'server: {listen: "[::1]:0", trustedProxies: ["::1"]}\n'
        f'routes: [{{match: {{path: /}}, upstream: "http://[::1]:{api}", cors: false}}]\n'
    )
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(tmp_path / "gateway.yaml")]
    with running([*argv, "--admin", "[::1]:0"]) as program:
        port = int(program.wait_for(GATEWAY_LISTENS)[1].rpartition(":")[2])
        told = next(line for line in program.printed if "listening on" in line)
        client = HTTPConnection("::1", port, timeout=PATIENCE)
        client.request("GET", "/", headers={"X-Forwarded-For": "2001:db8::7"})
        response = client.getresponse()
        content = response.read().decode()
        client.close()

    assert f"http://[::1]:{port}" in told
    assert response.status == 200
    assert content == f"[::1]:{port} 2001:db8::7, ::1"
