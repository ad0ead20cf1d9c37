"""Too few descriptors, too little memory: who is turned away, who is served on, and who hears of it."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cors_gateway.process.scarcity import find_memory_bound
from tests.process.changed_gateway import PATIENCE, changed_gateway, wait_until
from tests.process.running_worker import memory_peak_of

GET = b"GET / HTTP/1.1\r\nHost: gw.example\r\n\r\n"
MIB = 1 << 20


OFTEN = """
from cors_gateway.process import scarcity
scarcity.INTERVAL = 0.1
"""
"""A worker that looks ten times a second."""


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 500


@contextmanager
def config(**server: str) -> Iterator[str]:
    """Run an API, and give a configuration in front of it."""
    keys = "".join(f", {key}: {value}" for key, value in server.items())
    with Server(("127.0.0.1", 0), Api) as api:
        serving = threading.Thread(target=api.serve_forever, daemon=True)
        serving.start()
        yield (
            f'server: {{listen: "127.0.0.1:0", workers: 1{keys}}}\nlog: {{access: false}}\n'
            f"routes: [{{match: {{path: /}}, cors: false, "
            f'upstream: "http://127.0.0.1:{api.server_address[1]}"}}]\n'
        )
        api.shutdown()
        serving.join()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def ask(client: socket.socket) -> bytes:
    """Ask once; give the status line's beginning, or nothing where the connection was closed."""
    answer = b""
    with suppress(ConnectionError):
        client.sendall(GET)
        while not answer.endswith(b"ok") and (piece := client.recv(65536)):
            answer += piece
    return answer[9:12]


def cpu_of(pid: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.row("F8")
def test_without_descriptors_the_excess_is_turned_away_and_nothing_spins(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))"
    with (
        config() as text,
        changed_gateway(tmp_path, text, supervisor=limit, worker=OFTEN) as served,
    ):
        (worker,) = served.workers()
        with ExitStack() as stack:
            first = stack.enter_context(connect(served.port))
            assert ask(first) == b"200"
            crowd = [stack.enter_context(connect(served.port)) for _ in range(200)]
            served.says("further clients are turned away")
            late = [ask(stack.enter_context(connect(served.port))) for _ in range(5)]
            said, computed, began = len(served.program.printed), cpu_of(worker), time.monotonic()
            while (lasted := time.monotonic() - began) < 1.5:
                assert ask(first) == b"200", "who is connected is served on"
                time.sleep(0.1)
            assert cpu_of(worker) - computed < lasted / 4
            assert len(served.program.printed) - said <= lasted
            assert set(late) <= {b"503", b""}
            left = [client for client in crowd if not is_closed(client)]
            assert 0 < len(left) < 64
        wait_until(lambda: asked_anew(served.port) == b"200")
        served.says("enough file descriptors again")
        told = [line for line in served.program.printed if "turned away" in line]

        assert len(told) == 1
        assert "64 file descriptors" in told[0] or "no file descriptor is left" in told[0]
        metrics = served.asked("/metrics", admin=True)[1]
        assert 'cors_gateway_scarcities_total{resource="descriptors"} 1.0' in metrics


def is_closed(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def asked_anew(port: int) -> bytes:
    with connect(port) as client:
        return ask(client)


GROUPS = (
    OFTEN
    + """
from pathlib import Path
from cors_gateway.process import scarcity
find = scarcity.find_memory_bound
from cors_gateway.process import worker
worker.find_memory_bound = lambda: find(Path({root!r}))
"""
)
"""A worker whose control groups are files of the test."""


def write_groups(root: Path, used: int, cached: int = 50, limit: int = 128) -> None:
    """Say how many mebibytes the container has and may have."""
    files = {
        "proc/self/cgroup": "0::/\n",
        "sys/fs/cgroup/memory.max": f"{limit * MIB}\n",
        "sys/fs/cgroup/memory.stat": f"anon 1\ninactive_file {cached * MIB}\nactive_file 7\n",
        "sys/fs/cgroup/memory.current": f"{(used + cached) * MIB}\n",
    }
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        (root / "written").write_text(text)
        (root / "written").replace(file)


@pytest.mark.row("F14")
def test_without_memory_further_clients_get_503_until_there_is_some_again(tmp_path: Path) -> None:
    root = tmp_path / "machine"
    write_groups(root, used=60)
    with (
        config() as text,
        changed_gateway(tmp_path, text, worker=GROUPS.format(root=str(root))) as served,
        ExitStack() as stack,
    ):
        clients = [stack.enter_context(connect(served.port)) for _ in range(10)]
        assert {ask(client) for client in clients} == {b"200"}

        write_groups(root, used=120)
        told = served.says("further clients are turned away")
        assert "120 MiB of the 128 MiB of memory" in told
        assert asked_anew(served.port) == b"503"
        assert {ask(client) for client in clients} == {b"200"}, "who is connected is served on"
        for client in clients[5:]:
            client.close()
        wait_until(lambda: asked_anew(served.port) == b"200", "a few are always served")

        write_groups(root, used=60)
        served.says("enough memory again")
        assert asked_anew(served.port) == b"200"
        metrics = served.asked("/metrics", admin=True)[1]
        assert 'cors_gateway_scarcities_total{resource="memory"} 1.0' in metrics


@pytest.mark.row("F14")
def test_500_slow_clients_take_little_memory_and_the_next_gets_503(tmp_path: Path) -> None:
    """Half of them are in the middle of a head, half in the middle of their content."""
    head, content = GET[:30], b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"
    with (
        config(limits="{connections: 500}", timeouts="{head: 10m, content: 10m}") as text,
        changed_gateway(tmp_path, text) as served,
        ExitStack() as stack,
    ):
        (worker,) = served.workers()
        at_rest = memory_peak_of(worker)
        for number in range(500):
            client = stack.enter_context(connect(served.port))
            client.sendall(content if number % 2 else head)
        wait_until(lambda: asked_anew(served.port) == b"503")

        assert memory_peak_of(worker) - at_rest < 16 * MIB


@pytest.mark.parametrize(
    "groups, files, limit, used",
    [
        pytest.param("", {}, None, 0, id="no control groups"),
        pytest.param("0::/\n", {"memory.max": "max\n"}, None, 0, id="no bound"),
        pytest.param(
            "0::/a/b\n",
            {"a/memory.max": "100\n", "a/b/memory.max": "max\n", "a/memory.current": "70\n"},
            100,
            70,
            id="that of the group above",
        ),
        pytest.param(
            "5:memory:/docker/abc\n",
            {
                "memory/docker/abc/memory.limit_in_bytes": "100\n",
                "memory/docker/abc/memory.usage_in_bytes": "70\n",
                "memory/docker/abc/memory.stat": "inactive_file 1\ntotal_inactive_file 30\n",
                "memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            100,
            40,
            id="the older kind",
        ),
    ],
)
def test_the_bound(
    tmp_path: Path, groups: str, files: dict[str, str], limit: int | None, used: int
) -> None:
    named = {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    for name, text in {"proc/self/cgroup": groups, **named}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    bound = find_memory_bound(tmp_path)

    assert (bound and bound.limit) == limit
    assert (bound.used() if bound else 0) == used
