"""The real command, its sockets and signals."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import FILE, Command
from tests.peers.processes import events

PATIENCE = 60.0
ROOT = Path(__file__).parents[2]
ANNOUNCED = re.compile(r"cors-gateway \S+ listening on http://127\.0\.0\.1:(\d+)\n")


class Echo(BaseHTTPRequestHandler):
    """An API that answers with the target it was asked for, and knows nothing of CORS."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        content = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@contextmanager
def start(*arguments: str, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "cors_gateway", *arguments],
        env={"PATH": "", "PYTHONPATH": str(ROOT), "CORS_GATEWAY_ADMIN": "off", **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    found = ANNOUNCED.fullmatch(line)
    assert found, (line, process.stderr and process.stderr.read())
    return int(found[1])


def get(port: int, target: str, origin: str) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", target, headers={"Origin": origin})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


@pytest.mark.row("F1")
def test_run_serves_a_file_says_where_in_one_line_and_drains_on_term(
    tmp_path: Path, api: str
) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(
        FILE.replace("http://127.0.0.1:9", api)
        + "server: {listen: '127.0.0.1:0'}\nlog: {access: false}\n"
    )

    with start("run", "-c", str(file)) as process:
        response, content = get(port_of(process), "/a%2Fb?", "https://app.example.com")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)

    assert (response.status, content) == (200, b"/a%2Fb?")
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert (process.returncode, out) == (0, "")
    told = events(err.splitlines())
    assert told == ["stopping: the signal TERM", "stopped"]


def test_proxy_serves_without_a_file(api: str) -> None:
    flags = ["--allow-origin", "https://a.example", "--credentials", "--listen", "127.0.0.1:0"]

    with start("proxy", "--to", api, *flags) as process:
        response, content = get(port_of(process), "/x", "https://a.example")

    assert (response.status, content) == (200, b"/x")
    assert response.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert response.headers["Access-Control-Allow-Credentials"] == "true"


def test_run_serves_what_the_environment_alone_says(tmp_path: Path, api: str) -> None:
    env = {
        "CORS_GATEWAY_UPSTREAM": api,
        "CORS_GATEWAY_ALLOW_ORIGINS": "https://a.example,https://b.example",
        "CORS_GATEWAY_LISTEN": "127.0.0.1:0",
    }

    with start("run", env=env) as process:
        response, _ = get(port_of(process), "/x", "https://b.example")

    assert response.headers["Access-Control-Allow-Origin"] == "https://b.example"


@pytest.mark.row("F6")
def test_nobody_has_to_read_what_it_prints(api: str) -> None:
    flags = ["--to", api, "--allow-origin", "https://a.example", "--listen", "127.0.0.1:0"]

    with start("proxy", *flags, "--workers", "1") as process:
        port = port_of(process)
        assert process.stdout is not None
        process.stdout.close()
        statuses = [get(port, "/x", "https://a.example")[0].status for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        code = process.wait(PATIENCE)
        assert process.stderr is not None
        err = process.stderr.read()

    told = set(events(err.splitlines()))
    told -= {"stopping: the signal TERM", "stopped"}
    assert (statuses, code) == ([200, 200, 200], 0)
    lost = [each for each in told if each.endswith(" lines of the access log were lost")]
    assert sum(int(each.split()[0]) for each in lost) == 3
    # It is told at once too, unless the end came first.
    assert told - set(lost) <= {"the access log cannot be written (Broken pipe): lines are lost"}


@pytest.mark.row("F17")
def test_it_does_not_start_without_the_c_parser(file: Path) -> None:
    with start("run", "-c", str(file), env={"AIOHTTP_NO_EXTENSIONS": "1"}) as process:
        out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (3, "")
    assert "C parser" in err
    assert "AIOHTTP_NO_EXTENSIONS" in err


def test_an_address_that_is_in_use(command: Command, file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        ended = command("run", "-c", str(file), "--listen", address)

    assert (ended.code, ended.out) == (3, "")
    assert f"cannot listen on {address}" in ended.err
    assert "--listen" in ended.err


def test_a_unix_socket_that_cannot_be(command: Command, file: Path) -> None:
    ended = command("run", "-c", str(file), "--listen", "unix:/no/such/directory/socket")

    assert (ended.code, ended.out) == (3, "")
    assert "/no/such/directory/socket" in ended.err


def test_a_reader_that_leaves_early_is_no_mistake() -> None:
    with start("schema") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "{\n"
        process.stdout.close()
        process.wait(PATIENCE)
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cors_gateway", "version"],
            env={"PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert (done.returncode, done.stderr) == (
        1,
        "cors-gateway: cannot write: No space left on device\n",
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_as_process_1_it_can_be_ended_before_it_serves(number: signal.Signals) -> None:
    """The kernel spares process 1 what it does not handle; elsewhere that ends a process."""
    script = (
        "import os, sys, cors_gateway.cli.main as cli; os.getpid = lambda: 1;"
        "print('begins', flush=True); sys.exit(cli.main(['run', '-c', '-']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,  # which says nothing, so that it waits for a configuration
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        handled = Path(f"/proc/{process.pid}/status")
        bit = 1 << (number - 1)
        deadline = time.monotonic() + PATIENCE
        while not int(handled.read_text().partition("SigCgt:")[2].split()[0], 16) & bit:
            assert time.monotonic() < deadline, "it does not handle the signal"
            time.sleep(0.01)
        process.send_signal(number)

        assert process.wait(PATIENCE) == 0


@pytest.mark.row("F7")
def test_a_full_disk_for_its_warnings_is_no_reason_not_to_start(api: str, tmp_path: Path) -> None:
    script = 'exec "$@" 2>/dev/full'
    argv = [sys.executable, "-m", "cors_gateway", "proxy", "--to", api, "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", *argv, "--allow-origin", "https://a.example"],
        env={"PATH": "/bin:/usr/bin", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        port = port_of(process)
        assert get(port, "/x", "https://a.example")[0].status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_no_client_waits_for_what_only_workers_or_admin_need() -> None:
    script = (
        "import sys, cors_gateway.cli.run_file, cors_gateway.cli.run_flags\n"
        "print(sorted({'aiohttp', 'prometheus_client', 'uvloop', 'cors_gateway.admin.server',"
        " 'cors_gateway.wire.plane'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
