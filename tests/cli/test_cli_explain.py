"""``explain`` as a command: what is asked, how it ends, text and JSON."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import FILE, Command


def test_an_answer_that_the_page_may_read(command: Command, file: Path) -> None:
    ended = command(
        *("explain", "-c", str(file), "--origin", "https://app.example.com"),
        *("--method", "put", "http://localhost:8080/orders"),
    )

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("PUT http://localhost:8080/orders from a page of https://app.")
    assert "The browser lets the page read the answer." in ended.out


@pytest.mark.parametrize(
    "origin, code, said",
    [
        pytest.param("https://app.example.com", 0, "The page gets its WebSocket", id="allowed"),
        pytest.param("https://other.example", 1, "The page gets no WebSocket", id="refused"),
    ],
)
def test_a_websocket(command: Command, file: Path, origin: str, code: int, said: str) -> None:
    ended = command("explain", "-c", str(file), "--origin", origin, "wss://api.example.com/live")

    assert (ended.code, ended.err) == (code, "")
    assert ended.out.startswith(f"WebSocket wss://api.example.com/live from a page of {origin}\n")
    assert f"\n{said}" in ended.out


def test_a_route_that_declines_websockets_ends_as_a_refusal(command: Command, file: Path) -> None:
    line = "upstream: {url: http://127.0.0.1:9, upgrades: []}"
    file.write_text(FILE.replace("upstream: http://127.0.0.1:9", line))

    ended = command("explain", "-c", str(file), "--json", "ws://localhost:8080/")

    told = json.loads(ended.out)
    assert (ended.code, ended.err) == (1, "")
    assert (told["reachesApi"], told["browser"]["verdict"]) == (True, "refused")
    assert [change["source"] for change in told["remedy"]["changes"]] == [f"{file}:9"]


def test_a_refusal_for_programs(command: Command, file: Path) -> None:
    ended = command(
        *("explain", "-c", str(file), "--origin", "https://other.example", "--json"),
        *("--header", "X-A: 1", "--header", "X-B:2", "/orders"),
    )

    told = json.loads(ended.out)
    assert (ended.code, ended.err) == (1, "")
    assert told["browser"]["verdict"] == "refused"
    assert told["browser"]["error"] == "PreflightMissingAllowOriginHeader"
    assert told["request"]["headers"] == [["X-A", "1"], ["X-B", "2"]]
    assert told["actual"] is None
    assert told["remedy"]["changes"] == [
        {
            "source": f"{file}:3",
            "key": "corsPolicies.spa.allowOrigins",
            "change": 'add "https://other.example"',
        },
        {
            "source": f"{file}:2",
            "key": "corsPolicies.spa.allowHeaders",
            "change": "write it as [Content-Type, X-Requested-With, X-A, X-B]",
        },
    ]


@pytest.mark.parametrize(
    "arguments, said",
    [
        pytest.param(["orders"], "write http://host/path or /path", id="no URL"),
        pytest.param(["--header", "X-A", "--header", "a b", "/"], "'Name: value'", id="no header"),
        pytest.param(["--method", "A B", "/"], "is no method", id="no method"),
        pytest.param(
            ["--origin", "https://a.example", "--method", "trace", "/"],
            "browsers forbid",
            id="TRACE",
        ),
        pytest.param([], "URL-or-path", id="nothing"),
        pytest.param(
            ["--origin", "https://a.example", "--method", "PUT", "wss://h/"],
            "a WebSocket takes no method and no header",
            id="a WebSocket with a method",
        ),
        pytest.param(
            ["--origin", "https://a.example", "--header", "X-A: 1", "wss://h/"],
            "a WebSocket takes no method and no header",
            id="a WebSocket with a header",
        ),
        pytest.param(["--origin", "", "/"], "the origin is empty", id="an empty origin"),
        pytest.param(
            ["--origin", "https://app.example.com", "--method", "FOO", "/"],
            "the gateway answers FOO with 501",
            id="a method that every policy takes",
        ),
    ],
)
def test_a_question_that_makes_no_sense(
    command: Command, file: Path, arguments: list[str], said: str
) -> None:
    file.write_text(FILE.replace("[GET, PUT]", '["*"]'))

    ended = command("explain", "-c", str(file), *arguments)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_a_configuration_with_mistakes_explains_nothing(command: Command, file: Path) -> None:
    file.write_text(FILE.replace("[GET, PUT]", "[TRACE]"))

    ended = command("explain", "-c", str(file), "/")

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"{file}:4:")


def test_bytes_that_a_terminal_would_obey_are_escaped(command: Command, file: Path) -> None:
    ended = command("explain", "-c", str(file), "--origin", "https://a\x1b[2J", "/")

    assert ended.code == 1
    assert "\x1b" not in ended.out
    assert "\\u001b[2J" in ended.out


def test_a_method_that_is_refused_before_the_parser_sees_it(command: Command, file: Path) -> None:
    for origin in ("https://app.example.com", "https://other.example"):
        ended = command("explain", "-c", str(file), "--origin", origin, "--method", "FOO", "/")

        assert (ended.code, ended.err) == (1, "")
        assert "the gateway answers FOO with 501: use another" in ended.out


def test_mixed_content_ends_as_a_refusal(command: Command, file: Path) -> None:
    ended = command(
        "explain", "-c", str(file), "--origin", "https://app.example.com", "http://h.example/"
    )

    assert (ended.code, ended.err) == (1, "")
    assert "The browser refuses: mixed-content, " in ended.out
