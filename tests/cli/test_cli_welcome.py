"""What stands on a terminal once the gateway listens: routes, a line to try, and where to look."""

import json
import re
import shlex
from collections.abc import Sequence
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path

import pytest

from cors_gateway.cli.sources import SUFFIXES, load
from cors_gateway.cli.welcome import welcome
from cors_gateway.config.given import Given
from cors_gateway.config.quick import load_flags, settings_from_flags
from cors_gateway.snapshot import Snapshot
from tests.cli.conftest import FILE, Command
from tests.cli.terminal import on_terminal
from tests.peers.processes import flask_api

HTTP = "http://0.0.0.0:8080"

MORE = """\
  - {name: orders, match: {path: /orders, methods: [PUT, GET]}, upstream: http://h/v1, cors: false}
  - name: admin
    match: {path: /v2, host: admin.example.com}
    upstream: {url: http://h, stripPrefix: true}
    cors: {allowOrigins: [https://admin.example.com, "https://*.example.com"]}
  - {match: {path: /open}, upstream: http://h, cors: {allowOrigins: ["*"]}}
"""


def snapshot_of(file: Path, text: str) -> Snapshot:
    file.write_text(text)
    loaded = load(str(file))
    assert loaded.snapshot is not None, loaded.problems
    return loaded.snapshot


def shown(snapshot: Snapshot, urls: Sequence[str] = (HTTP,), admin: str | None = None) -> str:
    return welcome(snapshot, urls, admin_url=admin, colour=False)


def call_in(text: str) -> list[str]:
    """Give the words of the line to try, as a shell would."""
    (line,) = [line for line in text.splitlines() if line.startswith("  try ")]
    return shlex.split(line)[1:]


def route(name: str, match: str, cors: str = "{allowOrigins: [https://app.example.com]}") -> str:
    return f"  - {{name: {name}, match: {match}, upstream: 'http://h', cors: {cors}}}\n"


def test_the_whole_of_it(file: Path) -> None:
    text = shown(snapshot_of(file, FILE + MORE), admin="http://127.0.0.1:9901")

    assert text == (
        "\n"
        "  admin.example.com/v2  →  http://h            routes[2].cors (2 origins)\n"
        "  GET,PUT /orders       →  http://h/v1         cors: false\n"
        "  /open                 →  http://h            routes[3].cors (any origin)\n"
        "  /                     →  http://127.0.0.1:9  spa (1 origin)\n"
        "\n"
        "  try    curl -i -H 'Origin: https://app.example.com' http://localhost:8080/\n"
        "  admin  http://127.0.0.1:9901/readyz?verbose  http://127.0.0.1:9901/metrics\n"
        "  stop   ^C\n"
        "\n"
    )


@pytest.mark.parametrize(
    "source, origin, told",
    [
        pytest.param("--allow-origin", "https://a.example", "1 origin", id="by a flag"),
        pytest.param("CORS_GATEWAY_ALLOW_ORIGINS", "*", "any origin", id="by a variable"),
    ],
)
def test_a_policy_without_a_file_has_no_name(source: str, origin: str, told: str) -> None:
    document = settings_from_flags(
        upstream=Given("http://h", "--to"), allow_origins=[Given(origin, source)]
    )
    snapshot = load_flags(document, SUFFIXES).snapshot
    assert snapshot is not None

    assert f"\n  /  →  http://h  {told}\n" in shown(snapshot)


@pytest.mark.parametrize(
    "count, rows, more",
    [
        pytest.param(6, 6, "", id="as many as there is room for"),
        pytest.param(7, 6, "  … and 2 more: cors-gateway routes", id="one more"),
        pytest.param(1000, 6, "  … and 995 more: cors-gateway routes", id="many more"),
    ],
)
def test_a_long_table_is_cut(file: Path, count: int, rows: int, more: str) -> None:
    paths = "".join(route(f"r{n}", f"{{path: /r{n:04}}}") for n in range(count))

    lines = shown(snapshot_of(file, f"routes:\n{paths}"), admin="http://[::1]:1").splitlines()

    assert len(lines) == rows + 6
    assert len(lines) <= 12
    assert (lines[rows] == more) is bool(more)


@pytest.mark.parametrize(
    "urls, words",
    [
        pytest.param([HTTP], ["http://localhost:8080/"], id="all addresses"),
        pytest.param(["http://[::]:8080"], ["http://localhost:8080/"], id="all of IPv6"),
        pytest.param(["http://127.0.0.1:1"], ["http://127.0.0.1:1/"], id="one address"),
        pytest.param(["http://[::1]:1"], ["http://[::1]:1/"], id="one of IPv6"),
        pytest.param(["https://0.0.0.0:1"], ["-k", "https://localhost:1/"], id="TLS"),
        pytest.param(["https://0.0.0.0:1", HTTP], ["http://localhost:8080/"], id="the plain one"),
        pytest.param(
            ["unix:/run/a b"], ["--unix-socket", "/run/a b", "http://localhost/"], id="unix"
        ),
        pytest.param(
            ["unix:/run/s", "https://0.0.0.0:1"], ["-k", "https://localhost:1/"], id="not unix"
        ),
    ],
)
def test_the_line_to_try_goes_to_a_listener(file: Path, urls: list[str], words: list[str]) -> None:
    call = call_in(shown(snapshot_of(file, FILE), urls))

    assert [word for word in call if word in words] == words
    assert call[-1] == words[-1]


@pytest.mark.parametrize(
    "routes, words",
    [
        pytest.param(
            route("a", "{path: /}", "false") + route("b", "{path: /b}"),
            ["-H", "Origin: https://app.example.com", "http://localhost:8080/b"],
            id="the first with a policy",
        ),
        pytest.param(
            route("a", "{path: /a}", '{allowOrigins: ["https://*.example.com"]}'),
            ["-H", "Origin: https://app.example.com", "http://localhost:8080/a"],
            id="a pattern",
        ),
        pytest.param(
            route("a", "{path: /a}", r'{allowOriginRegex: ["https://a[0-9]\\.b\\.example"]}'),
            ["-H", "Origin: https://a1.b.example", "http://localhost:8080/a"],
            id="an expression",
        ),
        pytest.param(
            route("a", "{path: /a, host: api.example.com}"),
            [
                *("-H", "Host: api.example.com", "-H", "Origin: https://app.example.com"),
                "http://localhost:8080/a",
            ],
            id="a host",
        ),
        pytest.param(
            route("a", "{path: '/a''b&c'}"),
            ["-H", "Origin: https://app.example.com", "http://localhost:8080/a'b&c"],
            id="what a shell would take for its own",
        ),
        pytest.param(
            route("a", "{path: /a, methods: [PUT]}"),
            [
                *("-H", "Origin: https://app.example.com", "-X", "OPTIONS"),
                *("-H", "Access-Control-Request-Method: PUT", "http://localhost:8080/a"),
            ],
            id="only methods that would change something",
        ),
        pytest.param(
            route("a", "{path: /a}", "{dangerouslyAllowNullOrigin: true}")
            + route("b", "{path: /b}"),
            ["-H", "Origin: https://app.example.com", "http://localhost:8080/b"],
            id="not a policy for nobody in particular",
        ),
        pytest.param(
            route("a", "{path: /a}", "{allowOrigins: [https://a.example]}")
            + route("b", "{path: /a, host: localhost}", "{allowOrigins: [https://b.example]}"),
            [
                *("-H", "Host: localhost", "-H", "Origin: https://b.example"),
                "http://localhost:8080/a",
            ],
            id="not where another route takes it",
        ),
    ],
)
def test_the_line_to_try_shows_what_it_promises(
    command: Command, file: Path, routes: str, words: list[str]
) -> None:
    call = call_in(shown(snapshot_of(file, f"defaults: {{cors: false}}\nroutes:\n{routes}")))

    assert call == ["curl", "-i", *words]
    fields = [word for flag, word in pairwise(call) if flag == "-H"]
    told = dict(field.split(": ") for field in fields)
    url = call[-1].replace("localhost:8080", told.get("Host", "localhost:8080"))
    asked = command(
        *("explain", "-c", str(file), "--json", "--origin", told["Origin"]),
        *("--method", told.get("Access-Control-Request-Method", "GET")),
        url.replace("http:", "https:"),
    )
    explained = json.loads(asked.out)
    decision = (explained["preflight"] or explained["actual"])["decision"]
    assert decision["steps"][0]["subject"] == told["Origin"]
    assert decision["steps"][0]["passed"]


def test_where_nothing_is_granted_nothing_is_promised(file: Path) -> None:
    text = shown(snapshot_of(file, "routes: [{match: {path: /}, upstream: http://h, cors: false}]"))

    assert "curl" not in text
    assert "admin" not in text
    assert "  /  →  http://h  cors: false\n" in text


@pytest.mark.parametrize(
    "admin, said",
    [
        pytest.param(
            "http://0.0.0.0:1",
            "http://localhost:1/readyz?verbose  http://localhost:1/metrics",
            id="on all addresses",
        ),
        pytest.param("unix:/run/admin", "unix:/run/admin", id="a unix socket"),
    ],
)
def test_where_admin_is(file: Path, admin: str, said: str) -> None:
    assert f"\n  admin  {said}\n" in shown(snapshot_of(file, FILE), admin=admin)


def test_long_names_do_not_fill_the_screen(file: Path) -> None:
    text = shown(snapshot_of(file, FILE.replace("spa", "spa" * 100)))

    assert f"{'spa' * 15}sp… (1 origin)" in text
    assert max(map(len, text.splitlines())) < 100


def test_colours_change_no_word(file: Path) -> None:
    snapshot = snapshot_of(file, FILE + MORE)
    plain = shown(snapshot)

    painted = welcome(snapshot, [HTTP], admin_url=None, colour=True)

    assert "\x1b[1mcurl -i " in painted
    assert painted.replace("\x1b[1m", "").replace("\x1b[0m", "") == plain


def test_a_person_sees_it_can_paste_the_line_and_stops_by_a_key(file: Path, tmp_path: Path) -> None:
    with flask_api(tmp_path) as api:
        file.write_text(
            FILE.replace("http://127.0.0.1:9", api.url).replace("path: /", "path: /orders")
        )
        flags = ("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "2")
        with on_terminal("run", "-c", str(file), *flags, NO_COLOR="1") as command:
            command.wait_for("  stop   ^C\n")
            first, *_ = command.shown.splitlines()
            call = call_in(command.shown)
            port = int(call[-1].removesuffix("/orders").rpartition(":")[2])
            name, _, value = call[3].partition(": ")
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/orders", headers={name: value})
            response = connection.getresponse()
            content = response.read()
            connection.close()
            command.press("\x03")
            code = command.wait_for_end()

    assert first.startswith("cors-gateway ")
    assert first.endswith(f" listening on http://127.0.0.1:{port}")
    assert f"  /orders  →  {api.url}  spa (1 origin)\n" in command.shown
    assert re.search(r"\n  admin  http://127\.0\.0\.1:\d+/readyz\?verbose  http://", command.shown)
    assert (call[:3], response.status, bool(content)) == (["curl", "-i", "-H"], 200, True)
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example.com" == value
    assert (code, "Traceback" in command.shown) == (0, False)


def test_on_a_terminal_with_colours_the_line_to_try_stands_out(file: Path) -> None:
    with on_terminal(
        "run", "-c", str(file), "--listen", "127.0.0.1:0", "--admin", "off"
    ) as command:
        command.wait_for("  stop   ^C\n")
        command.press("\x03")
        assert command.wait_for_end() == 0

    assert (
        "  try    \x1b[1mcurl -i -H 'Origin: https://app.example.com' http://127.0."
        in command.shown
    )
