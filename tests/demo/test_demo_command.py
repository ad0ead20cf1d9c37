"""``python -m cors_gateway.demo`` starts everything, says where, and ends with the gateway."""

import re
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest

from cors_gateway.demo import __main__ as command
from tests.peers.processes import running

EXAMPLE = Path(__file__).parents[2] / "config" / "gateway.yaml"
DEMO = [sys.executable, "-m", "cors_gateway.demo", "--config", str(EXAMPLE)]
CURL = re.compile(r"curl -i -H 'Origin: (\S+)' http://localhost:(\d+)(/\S+)")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_it_says_to_try_works_and_a_signal_ends_it(number: signal.Signals) -> None:
    with running([*DEMO, "--listen", "127.0.0.1:0"]) as demo:
        origin, port, path = demo.wait_for(CURL).groups()
        connection = HTTPConnection("127.0.0.1", int(port), timeout=10)
        connection.request("GET", path, headers={"Origin": origin})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        demo.process.send_signal(number)
        ended = demo.process.wait(15)

    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, origin)
    assert ended == 0


def test_a_gateway_that_cannot_start_ends_it_with_the_gateways_status() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run(
            [*DEMO, "--listen", address], capture_output=True, text=True, timeout=30, check=False
        )

    assert done.returncode == 3
    assert "open this" not in done.stdout


def test_a_page_port_that_is_taken_leaves_no_gateway_behind() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [*DEMO, "--listen", "127.0.0.1:0", "--page-port", str(taken.getsockname()[1])],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    assert done.returncode == 3
    assert "demo: could not start" in done.stderr
    port = re.search(r"listening on http://127\.0\.0\.1:(\d+)", done.stdout)
    assert port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port[1])), timeout=5)


def test_a_configuration_that_is_not_there() -> None:
    done = subprocess.run(
        [*DEMO[:3], "--config", "/nowhere.yaml"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "--config FILE" in done.stderr


def test_the_usual_port_when_it_is_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The gateway takes a free one, and the person is told."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(command, "DEFAULT_PORT", port := taken.getsockname()[1])

        assert command._usual_address() == "127.0.0.1:0"
        assert f"127.0.0.1:{port} cannot be had" in capsys.readouterr().err

    assert command._usual_address() == f"127.0.0.1:{port}"


@pytest.mark.parametrize(
    "bound, for_browsers",
    [
        pytest.param("http://127.0.0.1:8080", "http://localhost:8080", id="loopback"),
        pytest.param("http://0.0.0.0:8080", "http://localhost:8080", id="every address"),
        pytest.param("http://[::]:8080", "http://localhost:8080", id="every address, IPv6"),
        pytest.param("http://127.0.0.2:80", "http://127.0.0.2:80", id="a certain one"),
    ],
)
def test_the_name_for_browsers(bound: str, for_browsers: str) -> None:
    assert command._address_for_browsers(bound) == for_browsers


def test_it_ends_quietly_when_nobody_reads_what_it_says() -> None:
    demo = subprocess.Popen(
        [*DEMO, "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    assert demo.stderr is not None
    port = next(found[2] for line in demo.stdout if (found := CURL.search(line)))
    demo.stdout.close()
    connection = HTTPConnection("127.0.0.1", int(port), timeout=10)
    connection.request("GET", "/orders")
    connection.getresponse().read()
    connection.close()

    assert demo.wait(15) == 0
    with demo.stderr as stderr:
        assert "Broken pipe" not in stderr.read()
