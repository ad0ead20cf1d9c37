"""Two gateways behind a real nginx, each replaced while clients call: nobody notices."""

import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tests.peers.ports import free_port
from tests.peers.processes import GATEWAY_LISTENS, Running, running
from tests.process.changed_gateway import wait_until

pytestmark = pytest.mark.system("nginx")

PATIENCE = 60.0
NGINX = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream gateways {{
        server 127.0.0.1:{first} max_fails=0;
        server 127.0.0.1:{second} max_fails=0;
        keepalive 16;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://gateways;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_next_upstream error timeout non_idempotent;
        }}
    }}
}}
"""
"""nginx may repeat what was cut off. HTTP/1.1 cannot do without: a connection that has been idle for a while
may be closed at the very moment in which it is used. What counts is that the gateway has not read it then."""


CUT_OFF = re.compile("prematurely closed|reset by peer|Broken pipe")
"""What nginx says of a connection that ended under a request."""


class Api(BaseHTTPRequestHandler):
    """Counts what it gets."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    seen: ClassVar[Counter[str]] = Counter()

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen[content.decode()] += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 200


@pytest.fixture
def api() -> Iterator[int]:
    Api.seen.clear()
    with Server(("127.0.0.1", 0), Api) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield server.server_address[1]
        server.shutdown()
        serving.join()


@contextmanager
def nginx(folder: Path, port: int, gateways: tuple[int, int]) -> Iterator[None]:
    file = folder / "nginx.conf"
    first, second = gateways
    file.write_text(NGINX.format(folder=folder, port=port, first=first, second=second))
    argv = ["nginx", "-c", str(file)]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: not is_refused(port), "nginx does not listen")
            yield
        finally:
            process.terminate()


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False


@dataclass
class Clients:
    """Clients that call again and again, each over one connection to nginx."""

    port: int
    ended: threading.Event = field(default_factory=threading.Event)
    answered: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def call(self, name: str) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        number = 0
        while not self.ended.is_set():
            number += 1
            token = f"{name}-{number}"
            try:
                connection.request("POST", "/orders", token)
                response = connection.getresponse()
                content = response.read().decode()
            except (OSError, HTTPException) as error:
                self.failures.append(f"{token}: {error!r}")
                connection.close()
                continue
            if response.status == 200 and content == token:
                self.answered.append(token)
            else:
                self.failures.append(f"{token}: {response.status}")
            time.sleep(0.005)
        connection.close()


@pytest.mark.row("F18")
def test_no_call_fails_and_none_is_made_twice(api: int, tmp_path: Path) -> None:
    """With the default drain, and without any word between nginx and the gateways."""
    port, *ports = (free_port() for _ in range(3))
    (tmp_path / "gateway.yaml").write_text(
        f'routes: [{{match: {{path: /}}, upstream: "http://127.0.0.1:{api}", cors: false}}]\n'
        "log: {access: false}\n"
    )
    with ExitStack() as stack:

        def start(at: int) -> Running:
            command = ["run", "-c", str(tmp_path / "gateway.yaml"), "--listen", f"127.0.0.1:{at}"]
            argv = [sys.executable, "-m", "cors_gateway", *command]
            program = stack.enter_context(running(argv))
            program.wait_for(GATEWAY_LISTENS)
            return program

        programs = [start(at) for at in ports]
        stack.enter_context(nginx(tmp_path, port, (ports[0], ports[1])))
        clients = Clients(port)
        threads = [threading.Thread(target=clients.call, args=[str(each)]) for each in range(4)]
        for thread in threads:
            thread.start()
        for at, program in zip(ports, programs, strict=True):
            before = len(clients.answered)
            wait_until(lambda before=before: len(clients.answered) > before + 40)  # type: ignore[misc]
            program.process.terminate()
            assert program.process.wait(PATIENCE) == 0
            start(at)
        clients.ended.set()
        for thread in threads:
            thread.join()

    assert clients.failures == []
    assert Api.seen == Counter(clients.answered)
    # What nginx had to repeat: "Connection refused" is no harm, nothing was on its way then.
    told = (tmp_path / "error.log").read_text("utf-8").splitlines()
    assert [line for line in told if CUT_OFF.search(line)] == []
