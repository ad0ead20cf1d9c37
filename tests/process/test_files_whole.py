"""Files served by the command itself: its processes, their memory, and how they end."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from cors_gateway.files.replies import PIECE
from cors_gateway.wire.dialing import PAIR_BUFFER
from cors_gateway.wire.sockets import WRITE_BUFFER
from tests.peers.processes import GATEWAY_LISTENS, Running, running
from tests.process.bulk import BULK_PATIENCE, MEBIBYTE, Arriving, digest, pieces
from tests.process.running_worker import children_of, memory_peak_of

LARGE = 100
"""Mebibytes."""

MEMORY = 100 * MEBIBYTE
"""What a worker may have resident at most: ``aiohttp.web`` takes a good part of it."""

SLOW = 60
EACH = WRITE_BUFFER + PIECE + 2 * PAIR_BUFFER
"""What a client that does not read costs: what waits for it, what the gateway read behind it, of which
the kernel gives up to twice what it was asked to keep, and the piece that is next."""

CONFIG = """
server: {listen: "127.0.0.1:0", drain: {timeout: 100s}}
admin: false
routes:
- {match: {path: /}, files: {root: site, fallback: index.html}, cors: false}
- match: {path: /fonts}
  files: {root: site/fonts}
  cors: {allowOrigins: [https://app.example.com]}
"""
PAGE = b"<title>app</title>"
FONT = b"wOF2 and so on"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration and its site."""
    (tmp_path / "site" / "fonts").mkdir(parents=True)
    (tmp_path / "site" / "index.html").write_bytes(PAGE)
    (tmp_path / "site" / "fonts" / "a.woff2").write_bytes(FONT)
    (tmp_path / "gateway.yaml").write_text(CONFIG, "utf-8")
    return tmp_path


def write_large(folder: Path) -> None:
    with (folder / "site" / "large").open("wb") as file:
        for piece in pieces(LARGE):
            file.write(piece)


@contextmanager
def serving(folder: Path, **env: str) -> Iterator[tuple[Running, int]]:
    """Run the command; give it and its port."""
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(folder / "gateway.yaml")]
    with running(argv, env) as program:
        yield program, int(program.wait_for(GATEWAY_LISTENS)[1].rpartition(":")[2])


def gets(port: int, target: str, **fields: str) -> tuple[int, dict[str, str], bytes]:
    client = HTTPConnection("127.0.0.1", port, timeout=BULK_PATIENCE)
    client.request("GET", target, headers=fields)
    response = client.getresponse()
    content = response.read()
    client.close()
    return response.status, dict(response.getheaders()), content


def test_an_application_and_its_fonts(folder: Path) -> None:
    with serving(folder) as (program, port):
        assert gets(port, "/orders/1", Accept="text/html")[::2] == (200, PAGE)
        status, fields, content = gets(port, "/fonts/a.woff2", Origin="https://app.example.com")
        assert (status, content, fields["Content-Type"]) == (200, FONT, "font/woff2")
        assert fields["Access-Control-Allow-Origin"] == "https://app.example.com"
        assert gets(port, "/gateway.yaml", Accept="*/*")[0] == 404
        program.wait_for(re.compile(r'"url.path": "/gateway.yaml".*"upstream.url": "files:site"'))


def test_two_workers_say_the_same_of_a_file(folder: Path) -> None:
    """A tag that differs from worker to worker would never be found again."""
    with serving(folder, CORS_GATEWAY_WORKERS="2") as (program, port):
        assert len(children_of(program.process.pid)) >= 2
        tags = {gets(port, "/fonts/a.woff2")[1]["ETag"] for _ in range(40)}
        (tag,) = tags
        assert {gets(port, "/fonts/a.woff2", **{"If-None-Match": tag})[0] for _ in range(40)} == {
            304
        }


def test_nothing_is_written_and_nothing_left_behind(folder: Path, tmp_path: Path) -> None:
    """The root of a container's file system can be read-only, and nobody owns a folder for sockets."""
    before = sorted(tmp_path.rglob("*"))
    empty = tmp_path / "site" / "fonts"
    with serving(folder, TMPDIR=str(tmp_path / "no such folder")) as (program, port):
        assert gets(port, "/")[0] == 200
        for worker in children_of(program.process.pid):
            links = [os.path.realpath(link) for link in Path(f"/proc/{worker}/fd").iterdir()]
            assert not [link for link in links if link.startswith(f"{empty.parent}/")]
        assert sorted(tmp_path.rglob("*")) == before
    assert sorted(tmp_path.rglob("*")) == before


def test_a_large_file_is_sent_whole_and_next_to_none_of_it_is_kept(folder: Path) -> None:
    write_large(folder)
    with serving(folder) as (program, port):
        with socket.create_connection(("127.0.0.1", port), BULK_PATIENCE) as client:
            client.sendall(b"GET /large HTTP/1.1\r\nHost: gw.example\r\n\r\n")
            assert Arriving(client).read() == digest(LARGE)
        assert worker_memory(program) < MEMORY


def test_clients_that_do_not_read_make_nothing_grow(folder: Path) -> None:
    write_large(folder)
    with serving(folder) as (program, port):
        assert gets(port, "/")[0] == 200
        before = worker_memory(program)
        clients = [
            socket.create_connection(("127.0.0.1", port), BULK_PATIENCE) for _ in range(SLOW)
        ]
        for client in clients:
            client.sendall(b"GET /large HTTP/1.1\r\nHost: gw.example\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
        assert gets(port, "/")[0] == 200
        assert worker_memory(program) < before + SLOW * EACH + 8 * MEBIBYTE
        for client in clients:
            client.close()


def worker_memory(program: Running) -> int:
    return max(memory_peak_of(child) for child in children_of(program.process.pid))


def test_a_download_ends_before_the_gateway_does(folder: Path) -> None:
    write_large(folder)
    with serving(folder) as (program, port):
        with socket.create_connection(("127.0.0.1", port), BULK_PATIENCE) as client:
            client.sendall(b"GET /large HTTP/1.1\r\nHost: gw.example\r\n\r\n")
            arriving = Arriving(client)
            program.process.send_signal(signal.SIGTERM)
            wait_until_refused(port)
            assert arriving.read() == digest(LARGE)
        assert program.process.wait(BULK_PATIENCE) == 0
        assert not [line for line in program.printed if "error" in line.lower()]


def wait_until_refused(port: int) -> None:
    deadline = time.monotonic() + BULK_PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), BULK_PATIENCE).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.01)
    raise AssertionError("it accepts connections for ever")


def test_a_site_that_goes_and_comes_back_needs_no_restart(folder: Path) -> None:
    with serving(folder) as (_, port):
        (folder / "site").rename(folder / "gone")
        assert gets(port, "/")[0] == 404
        (folder / "gone").rename(folder / "site")
        assert gets(port, "/")[::2] == (200, PAGE)


def test_a_folder_that_is_not_there_does_not_start(folder: Path) -> None:
    (folder / "site").rename(folder / "gone")
    ended = subprocess.run(
        [sys.executable, "-m", "cors_gateway", "run", "-c", "gateway.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith(
        'gateway.yaml:5:36: routes[0].files.root: "site" is not there, '
        f'looked for at "{folder}/site", build the site, or correct the path\n'
    )


def test_a_folder_that_goes_before_a_reload_keeps_what_is_served(folder: Path) -> None:
    with serving(folder) as (program, port):
        (folder / "site" / "fonts").rename(folder / "fonts")
        program.process.send_signal(signal.SIGHUP)
        program.wait_for(re.compile(r"routes\[1\]\.files\.root: .*is not there"))
        assert gets(port, "/")[::2] == (200, PAGE)


@pytest.mark.parametrize(
    "to, loaded",
    [
        pytest.param("files=FileTree('/')", "True", id="files"),
        pytest.param("endpoints=()", "False", id="an API"),
    ],
)
def test_a_worker_loads_what_serves_files_only_where_a_route_has_some(to: str, loaded: str) -> None:
    script = f"""
import asyncio, sys
from cors_gateway.process import worker
from cors_gateway.process.folders import Folders
from cors_gateway.routes import Router
from cors_gateway.snapshot import FileTree, Route, Snapshot, Upstream
route = Route(name="r", path=b"/", upstream=Upstream(url="u", {to}))
Folders(asyncio.new_event_loop()).prepare(Snapshot(router=Router([route]), routes=(route,)))
print("aiohttp.web" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout == f"{loaded}\n"
