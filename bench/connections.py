"""What a connection costs that is open and does nothing, beside nginx in the same run: ``make connections``.

One worker of each, as it is configured to have so many clients. They come in three kinds: kept alive after an
answer, the same over TLS, and event streams that have said one thing, each with a connection to the API.
Memory (PSS) is what the process holds more than before, divided by their number; CPU is at rest, with all of them
open, as ``/proc`` counts it. What the kernel takes for a socket is in neither.
"""

import argparse
import os
import resource
import socket
import ssl
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

from bench.machine import BenchError, free_ports, where
from bench.measure import cpu_seconds, descriptors, family, memory
from bench.processes import pinned, wait_until_it_listens

KEPT, SECURE, STREAMS = 10_000, 1_000, 1_000
RESTING = 10.0
"""Seconds in which CPU at rest is counted."""
SETTLING = 2.0
PATIENCE = 60.0
MOST = 65_536
"""Descriptors that each process may have, where the system lets it."""

GATEWAY = """\
server:
  listen:
    - "127.0.0.1:{plain}"
    - {{address: "127.0.0.1:{secure}", tls: {{certificate: cert.pem, key: key.pem}}}}
  workers: 1
  limits: {{connections: 30000}}
  timeouts: {{keepAlive: 1h}}
admin: false
log: {{access: false}}
routes: [{{match: {{path: /}}, upstream: {{url: "http://127.0.0.1:{api}", pool: {{connections: 2000}}}}, cors: false}}]
"""
NGINX = """\
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr crit; worker_rlimit_nofile {files};
events {{ worker_connections 30000; }}
http {{
  access_log off; keepalive_timeout 1h; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  ssl_certificate cert.pem; ssl_certificate_key key.pem;
  upstream api {{ server 127.0.0.1:{api}; keepalive 32; }}
  server {{
    listen 127.0.0.1:{plain} backlog=4096; listen 127.0.0.1:{secure} ssl backlog=4096;
    location / {{
      proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
      proxy_read_timeout 1h;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Proxy:
    """A worker, and where it listens."""

    name: str
    pid: int
    plain: int
    secure: int


@contextmanager
def running(name: str, argv: Sequence[str], port: int, folder: str) -> Iterator[int]:
    """Run a program on all CPUs, until it listens; give its process."""
    with pinned(name, argv, sorted(os.sched_getaffinity(0)), Path(folder)) as program:
        wait_until_it_listens(program, port)
        yield program.pid


def wait_for_child(pid: int) -> int:
    """Return the process of the one worker; sockets listen a moment before it is there."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if children := family(pid)[1:]:
            return children[0]
        time.sleep(0.05)
    raise SystemExit("it has no worker")


@contextmanager
def quiet_api() -> Iterator[int]:
    """Run the API; give its port."""
    port = free_ports(1)[0]
    argv = [sys.executable, "-m", "bench.quiet_api", str(port)]
    with TemporaryDirectory() as folder, running("the API", argv, port, folder):
        yield port


@contextmanager
def proxy(name: str, api: int) -> Iterator[Proxy]:
    """Run the gateway, or nginx."""
    plain, secure = free_ports(2)
    with TemporaryDirectory() as folder:
        certificate = trustme.CA().issue_cert("127.0.0.1")
        certificate.cert_chain_pems[0].write_to_path(f"{folder}/cert.pem")
        certificate.private_key_pem.write_to_path(f"{folder}/key.pem")
        text = (GATEWAY if name == "gateway" else NGINX).format(
            folder=folder, plain=plain, secure=secure, api=api, files=file_limit()
        )
        file = Path(folder, "configuration")
        file.write_text(text, "utf-8")
        program = [sys.executable, "-m", "cors_gateway", "run", "-c", str(file)]
        if name == "nginx":
            program = [where("nginx"), "-e", "stderr", "-p", folder, "-c", str(file)]
        with running(name, program, plain, folder) as pid:
            yield Proxy(name, wait_for_child(pid), plain, secure)


def file_limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Crowd:
    """Clients of one proxy, who wait."""

    def __init__(self, served: Proxy) -> None:
        self.proxy = served
        self.clients: list[socket.socket] = []
        self.tls = ssl.create_default_context()
        self.tls.check_hostname = False
        self.tls.verify_mode = ssl.CERT_NONE

    def add(self, count: int, path: str = "/", *, secure: bool = False) -> None:
        """Open connections, and ask once on each."""
        end = b"\n\n" if path == "/events" else b"ok"
        for _ in range(count):
            port = self.proxy.secure if secure else self.proxy.plain
            client = socket.create_connection(("127.0.0.1", port), PATIENCE)
            if secure:
                client = self.tls.wrap_socket(client)
            self.clients.append(client)
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n".encode())
            received = b""
            while end not in received:
                if not (piece := client.recv(4096)):
                    raise SystemExit(f"{self.proxy.name} closed after {received!r}")
                received += piece

    def leave(self) -> None:
        for client in self.clients:
            client.close()
        self.clients.clear()


def at_rest(pid: int) -> float:
    """Return the share of one CPU that a process uses while nothing happens."""
    began = cpu_seconds(pid)
    time.sleep(RESTING)
    return (cpu_seconds(pid) - began) / RESTING


def measure(served: Proxy, counts: argparse.Namespace) -> dict[str, str]:
    """Return the lines of one proxy's column."""
    crowd = Crowd(served)
    # What is loaded and allocated for the first of each kind is no cost of the others.
    for path, secure in (("/", False), ("/", True), ("/events", False)):
        crowd.add(50, path, secure=secure)
    crowd.leave()
    time.sleep(SETTLING)
    open_before, before = descriptors(served.pid), memory(served.pid)
    lines = {"MiB before": f"{before / 2**20:.1f}"}

    def grow(what: str, count: int, path: str = "/", *, secure: bool = False) -> None:
        held = memory(served.pid)
        crowd.add(count, path, secure=secure)
        time.sleep(SETTLING)
        each = (memory(served.pid) - held) / max(count, 1)
        lines[f"KiB for each of {count} {what}"] = f"{each / 1024:.2f}"

    grow("kept alive", counts.kept)
    lines["% of a CPU at rest"] = f"{at_rest(served.pid):.2%}"
    grow("event streams", counts.streams, "/events")
    lines["% of a CPU at rest, with those"] = f"{at_rest(served.pid):.2%}"
    grow("kept alive over TLS", counts.secure, secure=True)
    lines["MiB with all of them"] = f"{memory(served.pid) / 2**20:.1f}"
    crowd.leave()
    time.sleep(SETTLING)
    lines["MiB when they have gone"] = f"{memory(served.pid) / 2**20:.1f}"
    lines["descriptors left over"] = str(descriptors(served.pid) - open_before)
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kept", type=int, default=KEPT)
    parser.add_argument("--secure", type=int, default=SECURE)
    parser.add_argument("--streams", type=int, default=STREAMS)
    counts = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, MOST), hard))
    names = ["gateway", "nginx"]
    try:
        where("nginx")
    except BenchError as error:
        print(error)
        names.remove("nginx")
    columns = []
    for name in names:
        with quiet_api() as api, proxy(name, api) as served:
            columns.append(measure(served, counts))
    print(f"{'':42}" + "".join(f"{name:>12}" for name in names))
    for line in columns[0]:
        print(f"{line:42}" + "".join(f"{column[line]:>12}" for column in columns))


if __name__ == "__main__":
    main()
