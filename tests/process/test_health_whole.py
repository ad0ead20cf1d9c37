"""Health checks of the whole command: what its log and its metrics say, before any request comes."""

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.peers.processes import GATEWAY_LISTENS, closed_port, running

ADMIN_LISTENS = re.compile(r"admin on http://127\.0\.0\.1:(\d+)$")
PATIENCE = 60.0
CONFIG = """\
server: {{listen: 127.0.0.1:0}}
routes:
  - name: api
    match: {{path: /}}
    upstream:
      urls: ["http://127.0.0.1:{well}", "http://127.0.0.1:{away}"]
      healthCheck: {{path: /up, interval: 50ms}}
    cors: false
"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def api(port: int = 0) -> Iterator[int]:
    """Answer 200 to everything, on a port."""
    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def addresses(admin_port: int) -> dict[str, float]:
    """What the metrics say of the API's addresses."""
    connection = HTTPConnection("127.0.0.1", admin_port, timeout=PATIENCE)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.findall(
        r'^cors_gateway_upstream_addresses\{route="api",state="(\w+)"\} (\S+)$', text, re.MULTILINE
    )
    return {state: float(value) for state, value in found}


def comes_to(admin_port: int, **expected: float) -> None:
    deadline = monotonic() + PATIENCE
    while (now := addresses(admin_port)) != expected:
        assert monotonic() < deadline, now
        sleep(0.02)


@pytest.mark.row("B44")
def test_b44_an_address_that_is_away_is_logged_and_measured(tmp_path: Path) -> None:
    with closed_port() as away, api() as well:
        file = tmp_path / "gateway.yaml"
        file.write_text(CONFIG.format(well=well, away=away))
        argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(file)]
        with running(argv, {"CORS_GATEWAY_ADMIN": "127.0.0.1:0"}) as program:
            program.wait_for(GATEWAY_LISTENS)
            admin_port = int(program.wait_for(ADMIN_LISTENS)[1])
            comes_to(admin_port, used=1, unused=1)
        printed = "".join(program.printed)
        # The worker may say so before the supervisor says that it listens.
        assert f": 127.0.0.1:{away} is not used for now: health check: " in printed
        assert "Traceback" not in printed
