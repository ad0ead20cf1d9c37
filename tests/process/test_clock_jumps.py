"""A wall clock that jumps by a year, forwards and back: nothing but dates depends on it."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.processes import GATEWAY_LISTENS, Running, running
from tests.process.running_worker import children_of
from tests.process.tls_rig import wait_until

PATIENCE = 60.0
CONFIG = """
server: {listen: "127.0.0.1:0", timeouts: {head: 1s, keepAlive: 1h}}
routes: [{match: {path: /}, files: {root: site}, cors: false}]
"""
GET = b"GET /page.txt HTTP/1.1\r\nHost: gw.example\r\n\r\n"


def preload() -> str:
    """Give the library that ``faketime`` puts in front of the others."""
    argv = ["faketime", "-f", "+0", "printenv", "LD_PRELOAD"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def ask(client: socket.socket) -> str:
    """Ask once; give the year of the answer's ``Date``."""
    client.sendall(GET)
    answer = b""
    while not answer.endswith(b"\r\n\r\nok"):
        piece = client.recv(65536)
        assert piece, answer
        answer += piece
    return answer.partition(b"Date: ")[2].split()[3].decode()


def logged(program: Running) -> list[dict[str, object]]:
    """Give the lines of the access log."""
    return [json.loads(line) for line in program.printed if '"access"' in line]


@pytest.mark.row("F12")
@pytest.mark.system("faketime")
def test_deadlines_connections_and_workers_know_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "page.txt").write_text("ok")
    (tmp_path / "gateway.yaml").write_text(CONFIG)
    offset = tmp_path / "offset"
    offset.write_text("+0d")
    fake = {
        "LD_PRELOAD": preload(),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(tmp_path / "gateway.yaml")]
    with running(argv, fake) as program:
        port = int(program.wait_for(GATEWAY_LISTENS)[1].rpartition(":")[2])
        workers = children_of(program.process.pid)
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            years = [ask(client)]
            for jump in ("+400d", "-400d"):
                offset.write_text(jump)
                before = years[-1]
                while (year := ask(client)) == before:
                    years.append(year)
                years.append(year)
                with socket.create_connection(("127.0.0.1", port), PATIENCE) as slow:
                    slow.sendall(GET[:20])
                    assert slow.recv(12) == b"HTTP/1.1 408", "its time is measured as ever"
        assert children_of(program.process.pid) == workers
        wait_until(lambda: len(logged(program)) == len(years) + 2, PATIENCE)
        lines = logged(program)

    assert int(years[-1]) < int(years[0]) < max(map(int, years))
    assert len({str(line["time"])[:4] for line in lines}) >= 2
    durations = [line["duration_ms"] for line in lines]
    assert all(isinstance(each, float) and 0 <= each < PATIENCE * 1000 for each in durations)
