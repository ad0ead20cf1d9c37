"""``doctor`` as a command: what is asked, how it ends, text and JSON."""

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.doctor.scripted_server import ScriptedServer, scripted
from tests.peers.processes import closed_port, flask_api, running

APP = "https://app.example.com"
FINE = (
    b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: PUT\r\n"
    b"Access-Control-Allow-Headers: content-type\r\n\r\n"
)
BARE = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.fixture
def bare() -> Iterator[ScriptedServer]:
    """Serve an API that knows nothing of CORS."""
    with scripted(BARE) as server:
        yield server


def test_an_api_that_a_page_can_call(command: Command) -> None:
    with scripted(FINE) as server:
        ended = command("doctor", "--origin", APP, "--method", "PUT", f"{server.url}/orders")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"{server.url}/orders: can pages of {APP} call it, by PUT?\n")
    assert f"Pages of {APP} can call it, and nothing dangerous was seen.\n" in ended.out
    assert "corsPolicies" not in ended.out


def test_an_api_that_is_right_but_for_its_errors(command: Command) -> None:
    page = "http://localhost:5173"

    def script(connection: socket.socket) -> None:
        head = server.heads[-1]
        allow = (
            f"Access-Control-Allow-Origin: {page}\r\nAccess-Control-Allow-Credentials: true\r\n"
            "Access-Control-Allow-Methods: PUT\r\n"
        )
        is_page = f"\r\nOrigin: {page}\r\n".encode() in head
        is_there = b" /orders " in head
        status = "200 OK" if is_there else "404 Not Found"
        told = allow if is_page and is_there else ""
        connection.sendall(f"HTTP/1.1 {status}\r\nVary: Origin\r\n{told}\r\n".encode())

    with scripted(script) as server:
        argv = ("doctor", "--origin", page, "--method", "PUT", "--credentials")
        ended = command(*argv, f"{server.url}/orders")

    assert (ended.code, ended.err) == (0, "")
    assert f"Pages of {page} can call it, and nothing dangerous was seen.\n" in ended.out
    _, worth_knowing = ended.out.split("\nWorth knowing:\n\n")
    assert worth_knowing.startswith(
        "1. The page may read what is there, and not the 404 for what is not."
    )
    assert "What the page does not get" not in ended.out
    assert "corsPolicies" not in ended.out


def test_an_api_that_it_cannot(command: Command, bare: ScriptedServer) -> None:
    ended = command("doctor", f"{bare.url}/orders")

    assert (ended.code, ended.err) == (1, "")
    assert f"→ GET /orders  Origin: {APP}\n  ← 200\n" in ended.out
    assert "[no-allow-origin]" in ended.out
    assert f"    upstream: {bare.url}\n" in ended.out


def test_what_is_proposed_is_what_validate_takes(
    command: Command, bare: ScriptedServer, tmp_path: Path
) -> None:
    ended = command("doctor", "--origin", APP, "--json", "--credentials", f"{bare.url}/orders")
    file = tmp_path / "cors-gateway.yaml"
    file.write_text(json.loads(ended.out)["configuration"])

    checked = command("validate", str(file), "--tests", "--strict")

    assert (checked.code, checked.err) == (0, "")


def test_for_programs(command: Command, bare: ScriptedServer) -> None:
    ended = command(
        *("doctor", "--json", "--origin", APP, "--origin", "https://b.example"),
        *("--method", "delete", "--header", "X-A: 1", "--header", "Authorization: secret"),
        *("--credentials", f"{bare.url}/orders"),
    )

    told = json.loads(ended.out)
    assert ended.code == 1
    assert told["origins"] == [APP, "https://b.example"]
    assert (told["method"], told["credentials"]) == ("DELETE", True)
    assert told["headers"] == ["X-A", "Authorization"]
    assert told["verdict"] == "findings"
    assert len(told["requests"]) == len(bare.heads) <= 8
    # What is sent is told all the same, beside what the program reads.
    assert ended.err.count("→ ") == len(bare.heads)
    assert "secret" not in ended.out + ended.err
    assert b"Authorization: secret\r\n" in bare.heads[0]


def test_an_api_that_is_not_there(command: Command) -> None:
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}"
        text, data = command("doctor", url), command("doctor", "--json", url)

    sentence = f"{url} cannot be reached: nothing listens there."
    assert (text.code, data.code) == (1, 1)
    assert sentence in text.out.splitlines()
    assert json.loads(data.out)["summary"] == sentence
    assert json.loads(data.out)["configuration"] is None


@pytest.mark.parametrize(
    "arguments, said",
    [
        pytest.param([], "URL", id="nothing"),
        pytest.param(["localhost:5000"], "did you mean http://localhost:5000?", id="no scheme"),
        pytest.param(["/orders"], "is no address of an API", id="a path"),
        pytest.param(
            ["--origin", "app.example.com", "http://h"], "did you mean https://app.", id="host"
        ),
        pytest.param(["--origin", "http://h", "http://h/a"], "the API's own origin", id="own"),
        pytest.param(["--method", "TRACE", "http://h"], "browsers forbid", id="TRACE"),
        pytest.param(["--header", "a b", "http://h"], "is no header", id="no header"),
        pytest.param(["--header", "Cookie: a=b", "http://h"], "do not let a page set", id="Cookie"),
    ],
)
def test_a_question_that_makes_no_sense(command: Command, arguments: list[str], said: str) -> None:
    ended = command("doctor", *arguments)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_the_whole_command_in_front_of_flask(tmp_path: Path) -> None:
    with flask_api(tmp_path) as api:
        argv = [sys.executable, "-m", "cors_gateway", "doctor", "--method", "PUT"]
        with running([*argv, "--origin", APP, f"{api.url}/orders"]) as program:
            program.process.wait(60)
        seen = api.lines()

    text = "".join(program.printed)
    assert program.process.returncode == 1
    assert "[no-allow-origin]" in text
    announced = [line.split("  ")[0][2:] for line in text.splitlines() if line.startswith("→ ")]
    assert announced == seen
    assert {line.split()[0] for line in seen} == {"GET", "OPTIONS"}


def test_what_is_endless_is_shown_in_part(command: Command) -> None:
    endless = b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: " + b"x" * 100_000 + b"\r\n\r\n"
    with scripted(endless) as server:
        ended = command("doctor", "--origin", APP, f"{server.url}/orders")

    assert ended.code == 1
    assert "x" * 100 in ended.out
    assert len(ended.out) < 20_000
