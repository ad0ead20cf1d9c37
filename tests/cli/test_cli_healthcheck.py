"""``healthcheck``: whether a running gateway is ready, told by 0 or 1."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.admin.admin_rig import Seen
from tests.cli.admin_beside import admin, answering
from tests.cli.conftest import Command

ROOT = Path(__file__).parents[2]


def test_a_gateway_that_is_ready_is_well(command: Command) -> None:
    with admin(Seen()) as (host, port):
        ended = command("healthcheck", "--admin", f"{host}:{port}")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"ok: http://127.0.0.1:{port}/readyz\n"


def test_a_gateway_that_drains_is_not(command: Command) -> None:
    with admin(Seen(is_draining=True)) as (host, port):
        ended = command("healthcheck", "--admin", f"{host}:{port}")

    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"cors-gateway: http://127.0.0.1:{port}/readyz: not ready: it is draining\n"
    )


@pytest.mark.parametrize("host", ["", "*", "0.0.0.0", "localhost", "127.0.0.1"])
def test_who_listens_everywhere_is_asked_here(command: Command, host: str) -> None:
    with admin(Seen(), socket.create_server(("0.0.0.0", 0))) as (_, port):
        ended = command("healthcheck", "--admin", f"{host}:{port}")

    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize(
    "bound, asked",
    [
        pytest.param("::1", "[::]", id="everywhere, by IPv6"),
        pytest.param("::1", "[::1]", id="here, by IPv6"),
        pytest.param("127.0.0.1", "[::]", id="everywhere, where IPv6 leads nowhere"),
    ],
)
def test_ipv6_is_asked_too(command: Command, bound: str, asked: str) -> None:
    family = socket.AF_INET6 if ":" in bound else socket.AF_INET
    with admin(Seen(), socket.create_server((bound, 0), family=family)) as (_, port, *_rest):
        ended = command("healthcheck", "--admin", f"{asked}:{port}")

    assert (ended.code, ended.err) == (0, "")


def test_a_unix_socket_is_asked_too(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "admin"
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen()
    with admin(Seen(), sock):
        ended = command("healthcheck", "--admin", f"unix:{path}")

    assert (ended.code, ended.out) == (0, f"ok: unix:{path} /readyz\n")


def test_the_variable_says_where_unless_a_flag_does(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with admin(Seen()) as (host, port):
        monkeypatch.setenv("CORS_GATEWAY_ADMIN", f" {host}:{port} ")
        by_variable = command("healthcheck")
        monkeypatch.setenv("CORS_GATEWAY_ADMIN", "off")
        by_flag = command("healthcheck", "--admin", f"{host}:{port}")

    assert (by_variable.code, by_flag.code) == (0, 0)


def test_no_configuration_is_read(command: Command) -> None:
    Path("cors-gateway.yaml").write_text("admin: {listen: [}")

    with admin(Seen()) as (host, port):
        ended = command("healthcheck", "--admin", f"{host}:{port}")

    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize(
    "variable, arguments, sentence",
    [
        pytest.param("off", [], "admin is off (CORS_GATEWAY_ADMIN says off), so ", id="off"),
        pytest.param("", ["--admin", "false"], "admin is off (--admin says false), so ", id="flag"),
        pytest.param(
            "9901",
            [],
            "'9901' is no address of an admin listener: write host:port, such ",
            id="a port",
        ),
        pytest.param(
            "http://127.0.0.1:9901", [], "'http://127.0.0.1:9901' is no address ", id="a URL"
        ),
        pytest.param("localhost:0", [], "'localhost:0' is no address ", id="any port"),
        pytest.param("localhost:99999", [], "'localhost:99999' is no address ", id="no port"),
        pytest.param("unix:", [], "'unix:' is no address ", id="a socket without a path"),
        pytest.param(
            "", ["--timeout", "soon"], "'soon' is no --timeout: write a number ", id="no time"
        ),
        pytest.param("", ["--timeout", "0"], "'0' is no --timeout: ", id="no time at all"),
        pytest.param("", ["--timeout", "nan"], "'nan' is no --timeout: ", id="not a number"),
        pytest.param("a..b:1", [], "http://a..b:1/readyz: ", id="a name that cannot be one"),
    ],
)
def test_what_cannot_be_asked_is_said_with_the_remedy(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.setenv("CORS_GATEWAY_ADMIN", variable)

    ended = command("healthcheck", *arguments)

    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.startswith(f"cors-gateway: {sentence}")


def test_where_nothing_listens_the_remedy_is_said(command: Command) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        ended = command("healthcheck", "--admin", f"127.0.0.1:{port}")

    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"cors-gateway: http://127.0.0.1:{port}/readyz: Connection refused; is the gateway "
        "running, and its admin listener there? Say where with --admin or CORS_GATEWAY_ADMIN\n"
    )


def test_a_unix_socket_that_is_not_there_is_said(command: Command, tmp_path: Path) -> None:
    ended = command("healthcheck", "--admin", f"unix:{tmp_path}/none")

    assert ended.code == 1
    assert f"unix:{tmp_path}/none /readyz: No such file or directory; is the gateway" in ended.err


@pytest.mark.parametrize(
    "answer, said",
    [
        pytest.param(
            b"HTTP/1.1 404 Not Found\r\n\r\nno\nnever\n", "it answers 404 no; ", id="another"
        ),
        pytest.param(b"HTTP/1.1 503 X\r\n\r\n", "not ready\n", id="503 without a word"),
        pytest.param(
            b"HTTP/1.1 503 X\r\n\r\n\x1b[2J\n", "not ready\n", id="503 that moves a cursor"
        ),
        pytest.param(b"HTTP/1.1 302 X\r\nLocation: /\r\n\r\n", "it answers 302; ", id="elsewhere"),
        pytest.param(b"HTTP/1.1 2000 X\r\n\r\n", "what answers is no gateway; ", id="no status"),
        pytest.param(b"HTTP/1.1 200", "what answers is no gateway; ", id="half a head"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", "what answers is no gateway; ", id="no HTTP"),
        pytest.param(b"\x15\x03\x01\x00\x02\x02P", "what answers is no gateway; ", id="TLS"),
        pytest.param(b"", "what answers is no gateway; ", id="nothing"),
    ],
)
def test_any_other_answer_is_no(command: Command, answer: bytes, said: str) -> None:
    with answering(answer) as port:
        ended = command("healthcheck", "--admin", f"127.0.0.1:{port}")

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"cors-gateway: http://127.0.0.1:{port}/readyz: {said}")


def test_a_yes_of_somebody_else_does_not_count(command: Command) -> None:
    with answering(b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 3\r\n\r\nok\n") as port:
        ended = command("healthcheck", "--admin", f"127.0.0.1:{port}")

    assert ended.code == 1
    assert "what answers is no admin listener" in ended.err


@pytest.mark.parametrize("said", ["on", "true"])
def test_where_admin_is_only_said_to_be_on_its_usual_place_is_asked(
    command: Command, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("CORS_GATEWAY_ADMIN", said)

    ended = command("healthcheck", "--timeout", "1")

    assert "http://127.0.0.1:9901/readyz" in ended.out + ended.err


def test_an_answer_that_does_not_end_is_not_read_to_its_end(command: Command) -> None:
    endless = b"HTTP/1.1 200 OK\r\nServer: cors-gateway\r\n\r\n" + b"a" * 100_000
    with answering(endless, then_waits=True) as port:
        ended = command("healthcheck", "--admin", f"127.0.0.1:{port}", "--timeout", "20")

    assert ended.code == 0


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\n"])
def test_who_does_not_answer_in_time_is_not_well(command: Command, begun: bytes) -> None:
    with answering(begun, then_waits=True) as port:
        ended = command("healthcheck", "--admin", f"127.0.0.1:{port}", "--timeout", "0.2")

    assert (ended.code, ended.out) == (1, "")
    assert "no answer within 0.2 s, the gateway is stuck or overloaded; --timeout" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--nope"], id="an unknown flag"),
        pytest.param(["--admin"], id="a flag without its value"),
        pytest.param(["127.0.0.1:9901"], id="a word"),
    ],
)
def test_a_mistake_of_usage_ends_with_1_as_well(command: Command, arguments: list[str]) -> None:
    ended = command("healthcheck", *arguments)

    assert (ended.code, ended.out) == (1, "")
    assert "cors-gateway healthcheck --help" in ended.err


def test_it_loads_nothing_that_takes_time() -> None:
    program = """
import json, sys
from cors_gateway.cli.main import main
code = main(["healthcheck", "--admin", "127.0.0.1:9"])
print(json.dumps([code, sorted(sys.modules)]))
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    code, modules = json.loads(ended.stdout)

    assert code == 1
    loaded = {name.partition(".")[0] for name in modules} | set(modules)
    assert loaded.isdisjoint(
        {
            "aiohttp",
            "asyncio",
            "pydantic",
            "yaml",
            "prometheus_client",
            "http.client",
            "ssl",
            "uvloop",
        }
    )
    assert {name for name in modules if name.startswith("cors_gateway.")} <= {
        "cors_gateway.cli",
        "cors_gateway.cli.admin_call",
        "cors_gateway.cli.endings",
        "cors_gateway.cli.healthcheck",
        "cors_gateway.cli.main",
        "cors_gateway.cli.verbs",
    }
