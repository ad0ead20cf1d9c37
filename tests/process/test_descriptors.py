"""How many descriptors the gateway's processes may have, and what is said where they are too few."""

import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cors_gateway.process import descriptors
from cors_gateway.process.descriptors import describe_shortage, raise_limit
from cors_gateway.routes import Router
from cors_gateway.snapshot import FileTree, Limits, Route, Snapshot, Upstream
from cors_gateway.wire import splice
from tests.peers.processes import GATEWAY_LISTENS, Running, running
from tests.process.bulk import BULK_PATIENCE, MEBIBYTE, Arriving, digest, pieces
from tests.process.gateway_rig import wait_until
from tests.process.running_worker import children_of

CONFIG = """
server: {listen: "127.0.0.1:0", limits: {connections: CONNECTIONS}}
admin: false
routes: [{match: {path: /}, files: {root: site}, cors: false}]
"""
ASK = b"GET /large HTTP/1.1\r\nHost: gw.example\r\n\r\n"
LARGE = 20
"""Mebibytes: more than the sockets on its way hold."""


@contextmanager
def serving(folder: Path, soft: int, hard: int, connections: int) -> Iterator[tuple[Running, int]]:
    """Run the command with limits of its own; give it and its port."""
    (folder / "site").mkdir()
    with (folder / "site" / "large").open("wb") as file:
        for piece in pieces(LARGE):
            file.write(piece)
    (folder / "gateway.yaml").write_text(CONFIG.replace("CONNECTIONS", str(connections)), "utf-8")
    limit = (
        f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))"
    )
    argv = [
        sys.executable,
        "-c",
        f"{limit}; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])",
    ]
    with running(
        [*argv, "-m", "cors_gateway", "run", "-c", str(folder / "gateway.yaml")]
    ) as program:
        yield program, int(program.wait_for(GATEWAY_LISTENS)[1].rpartition(":")[2])


def limits_of(pid: int) -> tuple[int, int]:
    return resource.prlimit(pid, resource.RLIMIT_NOFILE)


def open_in(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def snapshot(connections: int, *, files: bool) -> Snapshot:
    upstream = Upstream(url="u", files=FileTree("/site") if files else None)
    route = Route(name="r", path=b"/", upstream=upstream)
    return Snapshot(router=Router([route]), routes=(route,), limits=Limits(connections=connections))


def test_the_processes_may_have_as_many_as_the_system_lets_them(tmp_path: Path) -> None:
    with serving(tmp_path, 256, 1000, connections=200) as (program, _):
        for pid in (program.process.pid, *children_of(program.process.pid)):
            assert limits_of(pid) == (1000, 1000)
    assert "file descriptors" not in "".join(program.printed)


def test_more_clients_than_there_are_descriptors_for_are_told_at_the_start(tmp_path: Path) -> None:
    with serving(tmp_path, 256, 1000, connections=1024) as (program, _):
        said = "".join(program.printed)
    assert (
        "1024 clients (server.limits.connections) may take 4224 file descriptors, and a worker can "
        "have 1000: allow more (ulimit -Hn, LimitNOFILE=, docker run --ulimit nofile=4224), or "
        "lower server.limits.connections to 218"
    ) in said


@pytest.mark.parametrize("files, needed", [(False, 2128), (True, 4128)], ids=["an API", "files"])
def test_what_clients_take_depends_on_what_they_ask_for(files: bool, needed: int) -> None:
    assert describe_shortage(snapshot(1000, files=files), needed) == ""
    assert describe_shortage(snapshot(1000, files=files), resource.RLIM_INFINITY) == ""
    assert f" {needed} file descriptors" in describe_shortage(
        snapshot(1000, files=files), needed - 1
    )
    assert "connections to 1" in describe_shortage(snapshot(1000, files=files), 20)


def test_a_limit_that_cannot_be_raised_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1000))
    monkeypatch.setattr(resource, "setrlimit", refuse)

    assert raise_limit() == 256


def test_downloads_for_which_there_are_too_few_are_answered_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, 100, 100, connections=1000) as (_, port):
        clients = [socket.socket() for _ in range(40)]
        begun = []
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
            client.settimeout(BULK_PATIENCE)
            client.connect(("127.0.0.1", port))
            client.sendall(ASK)
            try:
                status = client.recv(12, socket.MSG_PEEK)
            except ConnectionError:
                continue
            # One that came when there was not one left is closed; any other gets an answer.
            assert status[9:] in {b"200", b"500", b"502", b"503", b""}
            if status == b"HTTP/1.1 200":
                begun.append(client)
        assert 10 < len(begun) < 40
        for client in begun:
            assert Arriving(client).read() == digest(LARGE)
        for client in clients:
            client.close()
        wait_until(lambda: is_served(port))


def is_served(port: int) -> bool:
    client = socket.create_connection(("127.0.0.1", port), BULK_PATIENCE)
    with client, suppress(ConnectionError):
        client.sendall(ASK)
        if client.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200":
            return Arriving(client).read() == digest(LARGE)
    return False


def test_a_download_takes_four(tmp_path: Path) -> None:
    with serving(tmp_path, 1000, 1000, connections=100) as (program, port):
        for coding in ("gz", "br"):
            (tmp_path / "site" / f"large.{coding}").write_bytes(bytes(MEBIBYTE))
        (worker,) = children_of(program.process.pid)
        before = open_in(worker)
        clients = []
        for _ in range(20):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
            client.settimeout(BULK_PATIENCE)
            client.connect(("127.0.0.1", port))
            client.sendall(ASK)
            assert client.recv(12) == b"HTTP/1.1 200"
            clients.append(client)
        spliced = 4 * splice.MOST + 1
        assert open_in(worker) - before <= 20 * descriptors.PER_DOWNLOAD + spliced
        assert spliced < descriptors.OWN - before
        for client in clients:
            client.close()
