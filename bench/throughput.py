"""What a mebibyte costs the gateway, beside nginx in the same run: ``make bench``.

Prints CPU time of the proxy's process, system calls included, as ``/proc`` counts it; and as a multiple of
nginx's, once with nginx passing content on as it comes (``proxy_buffering off``, as the gateway does) and once
with its defaults, which gather first. Each figure is the least of some rounds, in which the proxies take turns.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from tests.process.bulk import BULK_PATIENCE, MEBIBYTE, Arriving, digest, send
from tests.process.running_worker import worker

ROUNDS = 3
COUNT = 128
"""Mebibytes of one transfer."""
TINY = 100_000
"""Chunks of one byte."""

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log stderr crit;
events {{}}
http {{
  access_log off; client_max_body_size 0; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{api}; proxy_http_version 1.1; proxy_set_header Connection ""; {settings}
    }}
  }}
}}
"""
UNBUFFERED = "proxy_buffering off; proxy_request_buffering off;"


@dataclass(frozen=True)
class Proxy:
    """A process that is measured, and where it listens."""

    name: str
    pid: int
    port: int

    def cpu_seconds(self) -> float:
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text("ascii").split()[0]) for task in tasks) / 1e9


def send_tiny(sock: socket.socket) -> None:
    sock.sendall(b"1\r\nx\r\n" * TINY + b"0\r\n\r\n")


def serve(sock: socket.socket) -> None:
    """Answer one request: its path says how, or its content is read and dropped."""
    with sock, suppress(OSError):
        request = Arriving(sock)
        method, path = request.head.split()[:2]
        if method == b"PUT":
            request.read()
            sock.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            return
        counted = b"Content-Length: %d\r\n" % (COUNT * MEBIBYTE)
        fields = {b"/counted": counted, b"/close": b""}
        field = fields.get(path, b"Transfer-Encoding: chunked\r\n")
        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n%b\r\n" % field)
        if path == b"/tiny":
            send_tiny(sock)
        else:
            send(sock, COUNT, chunked=path == b"/chunked")


@contextmanager
def api() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()

        Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def nginx(program: str, name: str, upstream: int, settings: str) -> Iterator[Proxy]:
    with TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        config = Path(folder, "nginx.conf")
        text = NGINX.format(folder=folder, port=port, api=upstream, settings=settings)
        config.write_text(text, "utf-8")
        argv = [program, "-e", "stderr", "-p", folder, "-c", str(config)]
        with subprocess.Popen(argv) as process:
            try:
                while process.poll() is None:
                    with suppress(ConnectionRefusedError):
                        socket.create_connection(("127.0.0.1", port)).close()
                        break
                    time.sleep(0.05)
                else:
                    raise SystemExit("nginx did not start")
                yield Proxy(name, process.pid, port)
            finally:
                process.terminate()


def download(path: str) -> Callable[[int], None]:
    def transfer(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), BULK_PATIENCE) as client:
            client.sendall(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path.encode())
            response = Arriving(client)
            arrived = response.read()
            if arrived != digest(COUNT) and response.length != TINY:
                raise SystemExit(f"{path} came down wrongly")

    return transfer


def upload(field: bytes, content: Callable[[socket.socket], None]) -> Callable[[int], None]:
    def transfer(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), BULK_PATIENCE) as client:
            client.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\n%b\r\n\r\n" % field)
            content(client)
            if b" 204 " not in Arriving(client).head:
                raise SystemExit(f"{field!r} was not taken")

    return transfer


LENGTH = b"Content-Length: %d" % (COUNT * MEBIBYTE)
CHUNKED = b"Transfer-Encoding: chunked"
CASES: dict[str, tuple[Callable[[int], None], float, str]] = {
    "down, counted": (download("/counted"), COUNT / 1e3, "ms/MiB"),
    "down, chunked": (download("/chunked"), COUNT / 1e3, "ms/MiB"),
    "down, until close": (download("/close"), COUNT / 1e3, "ms/MiB"),
    "up, counted": (upload(LENGTH, lambda sock: send(sock, COUNT)), COUNT / 1e3, "ms/MiB"),
    "up, chunked": (
        upload(CHUNKED, lambda sock: send(sock, COUNT, chunked=True)),
        COUNT / 1e3,
        "ms/MiB",
    ),
    "down, tiny chunks": (download("/tiny"), TINY / 1e6, "us/chunk"),
    "up, tiny chunks": (upload(CHUNKED, send_tiny), TINY / 1e6, "us/chunk"),
}


def measure(proxies: list[Proxy], transfer: Callable[[int], None]) -> list[float]:
    """Give the CPU seconds of each proxy for one transfer."""
    least = [float("inf")] * len(proxies)
    for _ in range(ROUNDS):
        for number, proxy in enumerate(proxies):
            began = proxy.cpu_seconds()
            transfer(proxy.port)
            least[number] = min(least[number], proxy.cpu_seconds() - began)
    return least


def main() -> None:
    """Print the table."""
    with ExitStack() as stack:
        upstream = stack.enter_context(api())
        running = stack.enter_context(worker(upstream))
        proxies = [Proxy("gateway", running.process.pid, running.port)]
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            print("nginx is not installed (make test-system): there is nothing to compare with")
        else:
            for name, settings in (("nginx unbuffered", UNBUFFERED), ("nginx default", "")):
                proxies.append(stack.enter_context(nginx(program, name, upstream, settings)))
        print(f"{'':18}" + "".join(f"{proxy.name:>28}" for proxy in proxies))
        for case, (transfer, units, unit) in CASES.items():
            own, *others = measure(proxies, transfer)
            cells = [f"{own / units:10.2f} {unit}"]
            cells += [f"{cpu / units:8.2f} {unit} ({own / cpu:.2f} x)" for cpu in others]
            print(f"{case:18}" + "".join(f"{cell:>28}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
