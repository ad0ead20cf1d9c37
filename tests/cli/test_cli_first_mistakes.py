"""What goes wrong at first: each by the real command, with its place, its remedy and its exit code.

One line on standard error, nothing on standard output, no traceback.
"""

import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import FILE

ROOT = Path(__file__).parents[2]

ROUTE = """\
routes:
  - match: {path: /}
    upstream: http://localhost:5000
    cors:
      allowOrigins: [https://app.example.com]
"""


def start(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the current folder, with no more of an environment than is said."""
    return subprocess.run(
        [sys.executable, "-m", "cors_gateway", *arguments],
        env={"PYTHONPATH": str(ROOT), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def assert_refused(
    ended: subprocess.CompletedProcess[str], code: int, place: str, remedy: str
) -> None:
    assert (ended.returncode, ended.stdout) == (code, "")
    assert ended.stderr.startswith(place)
    assert remedy in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert "Traceback" not in ended.stderr


@pytest.mark.row("E1", "E2", "E3")
@pytest.mark.parametrize(
    "text, place, remedy",
    [
        pytest.param("", ":1:1: ", "it needs at least one route, start with routes:", id="empty"),
        pytest.param("# later\n", ":1:1: ", "start with routes:", id="comments only"),
        pytest.param("hello\n", ":1:1: ", "begin with server: or routes:", id="prose"),
        pytest.param("routes:\n\t- a\n", ":2:1: a tab", "replace it with spaces", id="a tab"),
        pytest.param(
            '{"routes": [{"match": {"path": "/"}, "upstream": "h:1", "cors": false}]}',
            ":1:50: routes[0].upstream: ",
            'did you mean "http://h:1"?',
            id="JSON is YAML, with its mistakes",
        ),
        pytest.param(
            ROUTE.replace("http://localhost:5000", '"http://h'),
            ":3:15: ",
            "a quote was opened here and not closed, close it",
            id="a quote",
        ),
        pytest.param(
            ROUTE.replace("    upstream", "  upstream"),
            ":3:3: ",
            "check the indentation",
            id="indentation",
        ),
        pytest.param("corsPolicies: {}\n", ":1:1: routes: ", "write routes: and", id="no routes"),
        pytest.param("routes: []\n", ":1:9: routes: ", "write routes: and below", id="none listed"),
        pytest.param(
            ROUTE.replace("http://", ""),
            ":3:15: routes[0].upstream: ",
            'did you mean "http://localhost:5000"?',
            id="an upstream without a scheme",
        ),
        pytest.param(
            ROUTE.replace("http://localhost:5000", "${API}"),
            ":3:15: routes[0].upstream: the variable API is not set",
            "set it, or write ${API:-default}",
            id="a variable that is not set",
        ),
        pytest.param(
            ROUTE.replace("http://localhost:5000", "http://bob:pw@h"),
            ":3:15: routes[0].upstream: ",
            "send it with upstream.headers.set",
            id="a password in a URL",
        ),
        pytest.param(
            ROUTE.replace("upstream:", "upstreams:"),
            ":3:5: routes[0].upstreams: unknown key",
            "did you mean upstream?",
            id="an unknown key",
        ),
        pytest.param(
            ROUTE.replace("{path: /}", "{path: api}"),
            ":2:19: routes[0].match.path: ",
            'write "/api"',
            id="a path without its slash",
        ),
        pytest.param(
            ROUTE.replace("example.com]", "example.com/]"),
            ":5:22: routes[0].cors.allowOrigins[0]: ",
            'did you mean "https://app.example.com"?',
            id="an origin with a slash",
        ),
        pytest.param(
            ROUTE.replace("https://app.", "app."),
            ":5:22: routes[0].cors.allowOrigins[0]: ",
            'did you mean "https://app.example.com"?',
            id="an origin without a scheme",
        ),
        pytest.param(
            ROUTE.replace("[https://app.example.com]", "https://app.example.com"),
            ":5:21: routes[0].cors.allowOrigins: ",
            'such as ["https://app.example.com"]',
            id="an origin that is no list",
        ),
        pytest.param(
            ROUTE.replace("https://app.example.com", "*.example.com"),
            ":5:23: a value begins with *",
            'put it in quotes: "*.example.com"',
            id="a wildcard without quotes",
        ),
        pytest.param(
            ROUTE.replace("https://app.example.com", '"*"') + "      allowCredentials: true\n",
            ":5:22: routes[0].cors.allowOrigins[0]: ",
            "name the origins, or remove allowCredentials",
            id="everybody with cookies",
        ),
        pytest.param(
            ROUTE + "      allowCredentials: yes\n",
            ":6:25: routes[0].cors.allowCredentials: ",
            "write true or false",
            id="yes",
        ),
        pytest.param(
            ROUTE.replace("allowOrigins", "origins"),
            ":5:7: routes[0].cors.origins: ",
            "did you mean allowOrigins?",
            id="what others call it",
        ),
        pytest.param(
            ROUTE.replace("cors:\n      allowOrigins: [https://app.example.com]", "cors: spa"),
            ":4:11: routes[0].cors: ",
            "write it there, or a block here",
            id="a policy that nobody wrote",
        ),
        pytest.param(
            ROUTE.partition("    cors:")[0],
            ":2:5: routes[0].cors: cors is missing",
            "add cors: with a policy, or cors: false",
            id="no policy",
        ),
        pytest.param(
            "server: {listen: 8080}\n" + ROUTE,
            ":1:18: server.listen: ",
            'write ":8080"',
            id="a port alone",
        ),
        pytest.param(
            "server: {tls: {certificate: no.pem, key: no.pem}}\n" + ROUTE,
            ":1:29: server.tls.certificate: ",
            "put the file there, or correct the path",
            id="a certificate that is not there",
        ),
    ],
)
def test_in_a_file(file: Path, text: str, place: str, remedy: str) -> None:
    file.write_text(text)

    ended = start("run", "-c", "mine.yaml")

    if text.startswith("server: {tls"):
        # The key is not there either.
        ended.stderr = ended.stderr.partition("\n")[0]
    assert_refused(ended, 1, f"mine.yaml{place}", remedy)


NO_FILE = "cors-gateway: there is no configuration: "
TO = ("--to", "http://h")
APP = ("--allow-origin", "https://app.example.com")
UPSTREAM = {"CORS_GATEWAY_UPSTREAM": "http://h"}
ORIGINS = {"CORS_GATEWAY_ALLOW_ORIGINS": "https://app.example.com"}
FROM_FILE = ("run", "-c", "mine.yaml")


@pytest.mark.parametrize(
    "arguments, env, code, place, remedy",
    [
        pytest.param(["run"], {}, 1, NO_FILE, "cors-gateway proxy --to", id="no configuration"),
        pytest.param(
            ["run", "-c", "no.yaml"],
            {},
            1,
            "cors-gateway: no.yaml: there is no such file",
            "check the name",
            id="no such file",
        ),
        pytest.param(
            ["run"],
            {"CORS_GATEWAY_CONFIG": "no.yaml"},
            1,
            "cors-gateway: no.yaml: there is no such file",
            "check the name",
            id="no such file, by a variable",
        ),
        pytest.param(
            ["run", "-c", "."],
            {},
            1,
            "cors-gateway: .: it is a directory",
            "name the file in it",
            id="a directory",
        ),
        pytest.param(
            # What the kernel lets nobody read, not even root.
            ["run", "-c", "/proc/sys/vm/drop_caches"],
            {},
            1,
            "cors-gateway: /proc/sys/vm/drop_caches: permission denied",
            "read it",
            id="a file that may not be read",
        ),
        pytest.param(
            FROM_FILE, UPSTREAM, 1, "cors-gateway: both mine.yaml and", "unset", id="two sources"
        ),
        pytest.param(
            ["run"],
            UPSTREAM,
            1,
            "cors-gateway: no origin is allowed",
            "set CORS_GATEWAY_ALLOW_ORIGINS=",
            id="no origins in the environment",
        ),
        pytest.param(
            ["run"],
            ORIGINS,
            1,
            "cors-gateway: it is not said which API",
            "set CORS_GATEWAY_UPSTREAM=",
            id="no API in the environment",
        ),
        pytest.param(["proxy", *APP], {}, 2, "cors-gateway: it is not said", "--to", id="no --to"),
        pytest.param(
            ["proxy", *TO], {}, 1, "cors-gateway: no origin is", "--allow-origin", id="no origin"
        ),
        pytest.param(
            ["proxy", "--to", "h:1", *APP],
            {},
            1,
            "--to: ",
            'did you mean "http://h:1"?',
            id="--to without a scheme",
        ),
        pytest.param(
            ["proxy", *TO, "--allow-origin", "https://app.example.com/"],
            {},
            1,
            "--allow-origin: ",
            'did you mean "https://app.example.com"?',
            id="--allow-origin with a slash",
        ),
        pytest.param(
            ["proxy", *TO, "--allow-origin", "*", "--credentials"],
            {},
            1,
            "--allow-origin: ",
            "name the origins, or leave out --credentials",
            id="everybody with cookies, by flags",
        ),
        pytest.param(
            [*FROM_FILE, "--listen", "8080"],
            {},
            1,
            "--listen: ",
            'write ":8080"',
            id="--listen without a colon",
        ),
        pytest.param(
            [*FROM_FILE, "--listen", "http://localhost:8080"],
            {},
            1,
            "--listen: ",
            'did you mean "localhost:8080"?',
            id="--listen with a URL",
        ),
        pytest.param(
            FROM_FILE, {"PORT": "http"}, 1, "PORT: ", "write a port from 1 to 65535", id="PORT"
        ),
        pytest.param(
            [*FROM_FILE, "--workers", "many"],
            {},
            1,
            "--workers: ",
            "write a number from 1 to 256, or auto",
            id="--workers in words",
        ),
        pytest.param(
            FROM_FILE,
            {"CORS_GATEWAY_WORKERS": "0"},
            1,
            "CORS_GATEWAY_WORKERS: ",
            "write a number from 1 to 256, or auto",
            id="no workers",
        ),
        pytest.param(
            [*FROM_FILE, "--listen", ":8080", "--admin", ":8080"],
            {},
            1,
            "--admin: ",
            "remove one",
            id="admin where the gateway listens",
        ),
        pytest.param(
            [*FROM_FILE, "--listen", "192.0.2.1:8080", "--admin", "off"],
            {},
            3,
            "cors-gateway: cannot listen on 192.0.2.1:8080",
            "0.0.0.0 or [::] takes them all",
            id="somebody else's address",
        ),
        pytest.param(
            [*FROM_FILE, "--listen", "unix:/no/folder/s", "--admin", "off"],
            {},
            3,
            "cors-gateway: cannot listen on /no/folder/s",
            "make it or choose another path",
            id="a socket without a folder",
        ),
        pytest.param(
            FROM_FILE,
            {"AIOHTTP_NO_EXTENSIONS": "1"},
            3,
            "cors-gateway: aiohttp came without its C parser",
            "install an aiohttp wheel",
            id="no C parser",
        ),
        pytest.param(
            ["run", "mine.yaml"],
            {},
            2,
            "cors-gateway run: nothing takes 'mine.yaml'",
            "did you mean -c mine.yaml?",
            id="a file without its flag",
        ),
        pytest.param(
            ["run", "--port", "8080"],
            {},
            2,
            "cors-gateway run: there is no --port",
            "did you mean --listen :8080? See cors-gateway run --help",
            id="a flag of others",
        ),
        pytest.param(
            ["run", "--config"],
            {},
            2,
            "cors-gateway run: argument -c/--config: expected one argument",
            "see cors-gateway run --help",
            id="a flag without its value",
        ),
        pytest.param(
            ["start"],
            {},
            2,
            "cors-gateway: there is no command 'start'",
            "did you mean run?",
            id="no such command",
        ),
    ],
)
def test_on_the_command_line_and_around_it(
    file: Path, arguments: list[str], env: Mapping[str, str], code: int, place: str, remedy: str
) -> None:
    assert file.read_text() == FILE

    assert_refused(start(*arguments, **env), code, place, remedy)


@pytest.mark.row("E8")
@pytest.mark.parametrize(
    "flags, remedy",
    [
        pytest.param(["--admin", "off", "--listen"], "choose another with --listen", id="listen"),
        pytest.param(
            ["--listen", "127.0.0.1:0", "--admin"], "choose another with --admin", id="admin"
        ),
    ],
)
def test_an_address_that_is_taken(file: Path, flags: list[str], remedy: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        ended = start("run", "-c", str(file), *flags, address)

    assert_refused(ended, 3, f"cors-gateway: cannot listen on {address}: the address is", remedy)


def test_an_admin_address_that_nobody_chose_is_given_up_with_a_warning(file: Path) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", 9901))
        except OSError:
            # Somebody has it: that is what this is about.
            pass
        else:
            other.listen()
        with subprocess.Popen(
            [sys.executable, "-m", "cors_gateway", "run", "-c", str(file), "--listen", ":0"],
            env={"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            said: Any = process.stdout.readline()
            process.terminate()
            _, err = process.communicate(timeout=60)

    assert "listening on http://0.0.0.0:" in said
    assert process.returncode == 0
    assert "there is no admin listener" in err
    assert "--admin" in err
