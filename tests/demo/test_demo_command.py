"""``cors-gateway demo`` starts everything, says where, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

import pytest

from cors_gateway.demo.places import Places
from cors_gateway.demo.running import _address_for_browsers, _Gateway
from tests.demo.demonstration import DEMO, EXAMPLE, SHIPPED, ask, demonstration
from tests.peers.ports import free_port

PATIENCE = 60.0


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until_refused(port: int) -> None:
    """Wait until nobody listens there any more."""
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            return
        sleep(0.05)
    raise AssertionError(f"somebody still listens on port {port}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP])
def test_what_it_says_to_try_works_and_one_signal_ends_it(number: signal.Signals) -> None:
    with demonstration() as demo:
        origin, port, path = demo.try_line.groups()
        answer = ask(f"http://localhost:{port}{path}", Origin=origin)
        preflight = ask(
            f"http://localhost:{port}{path}",
            "OPTIONS",
            Origin=origin,
            Access_Control_Request_Method="PUT",
        )
        demo.program.process.send_signal(number)
        ended = demo.program.process.wait(PATIENCE)

    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, origin)
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (204, origin)
    assert ended == 0
    assert "Traceback" not in "".join(demo.program.printed)


def test_each_address_that_it_names_serves_what_it_says() -> None:
    with demonstration() as demo:
        page, api = ask(demo.page), ask(f"{demo.api}/orders", Origin=demo.page)
        gateway, admin = ask(f"{demo.gateway}/orders"), ask(f"{demo.admin}/livez")

        for url in (demo.page, demo.api, demo.gateway, demo.admin):
            # A program that listens on every address would answer here too.
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", port_of(url)), timeout=5)

    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert api.status == gateway.status == admin.status == 200
    assert api.content == gateway.content
    assert "access-control-allow-origin" not in api.headers


def test_a_listener_that_leaves_is_not_worth_a_word() -> None:
    with demonstration() as demo:
        with socket.create_connection(("127.0.0.1", port_of(demo.api)), timeout=PATIENCE) as left:
            left.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert left.recv(1)
        # As long as the one that left would have had to listen.
        ask(f"{demo.api}/events")

    assert "Traceback" not in "".join(demo.program.printed)


@pytest.mark.parametrize(
    "file", [pytest.param(SHIPPED, id="its own"), pytest.param(EXAMPLE, id="the example")]
)
def test_a_configuration_can_be_named(file: Path) -> None:
    with demonstration("-c", str(file)) as demo:
        answer = ask(f"{demo.gateway}/orders", Origin=demo.page)
        stranger = ask(f"{demo.gateway}/orders", Origin="https://evil.example")

    assert answer.headers["access-control-allow-origin"] == demo.page
    assert "access-control-allow-origin" not in stranger.headers


def test_where_the_gateway_listens_can_be_chosen() -> None:
    port = free_port()
    with demonstration("--listen", f"127.0.0.1:{port}") as demo:
        assert demo.gateway == f"http://localhost:{port}"


def test_what_is_set_for_another_gateway_changes_nothing() -> None:
    env = {
        "CORS_GATEWAY_UPSTREAM": "http://127.0.0.1:9",
        "CORS_GATEWAY_ALLOW_ORIGINS": "https://app.example.com",
        "CORS_GATEWAY_LISTEN": "0.0.0.0:9",
        "CORS_GATEWAY_ADMIN": "off",
        "PORT": "9",
        "WEB_CONCURRENCY": "3",
    }
    with demonstration(env=env) as demo:
        assert ask(f"{demo.gateway}/orders").status == 200


def test_a_gateway_that_cannot_start_ends_it_with_the_gateways_status() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        argv = [*DEMO, "--listen", f"127.0.0.1:{taken.getsockname()[1]}"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 3
    assert "open this" not in done.stdout


@pytest.mark.parametrize(
    "number, status",
    [
        pytest.param(signal.SIGTERM, 0, id="that stops"),
        pytest.param(signal.SIGKILL, 137, id="that is killed"),
    ],
)
def test_it_ends_with_a_gateway(number: signal.Signals, status: int) -> None:
    with demonstration() as demo:
        (gateway,) = children_of(demo.program.process.pid)
        os.kill(gateway, number)

        assert demo.program.process.wait(PATIENCE) == status

    wait_until_refused(port_of(demo.gateway))


def test_a_demonstration_that_is_killed_leaves_no_gateway_behind() -> None:
    with demonstration() as demo:
        (gateway,) = children_of(demo.program.process.pid)
        demo.program.process.kill()
        demo.program.process.wait(PATIENCE)

        try:
            wait_until_refused(port_of(demo.gateway))
            wait_until_refused(port_of(demo.admin))
        finally:
            with suppress(ProcessLookupError):
                os.kill(gateway, signal.SIGKILL)


def test_it_ends_quietly_when_nobody_reads_what_it_says() -> None:
    # Only a shell can take the reader of its output away.
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        url = next(line.split()[0] for line in demo.stdout if "the gateway in front" in line)
        next(line for line in demo.stdout if "^C" in line)
        demo.stdout.close()
        ask(f"{url}/orders")
        ended = demo.wait(PATIENCE)
        said = demo.stderr.read()

    assert ended == 0
    assert [line for line in said.splitlines() if "the event loop st" not in line] == [
        "cors-gateway: info: stopping: the signal TERM",
        "cors-gateway: info: stopped",
    ]
    wait_until_refused(port_of(url))


async def test_a_stop_that_comes_before_the_gateway_is_there_counts() -> None:
    gateway = _Gateway()
    gateway.stop()
    process = await gateway.start(Places(SHIPPED), "127.0.0.1:0")
    await process.communicate()

    assert process.returncode is not None
    assert gateway.exit_status(process.returncode) == 0


@pytest.mark.parametrize(
    "bound, for_browsers",
    [
        pytest.param("http://127.0.0.1:8080", "http://localhost:8080", id="loopback"),
        pytest.param("http://0.0.0.0:8080", "http://localhost:8080", id="every address"),
        pytest.param("http://[::]:8080", "http://localhost:8080", id="every address, IPv6"),
        pytest.param("http://127.0.0.2:80", "http://127.0.0.2:80", id="a certain one"),
        pytest.param("https://[fd00::1]:443", "https://[fd00::1]:443", id="a certain one, IPv6"),
    ],
)
def test_the_name_for_browsers(bound: str, for_browsers: str) -> None:
    assert _address_for_browsers(bound) == for_browsers
