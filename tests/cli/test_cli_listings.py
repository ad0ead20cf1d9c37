"""``routes``, ``render`` and ``schema``: what a configuration amounts to, and what it may hold."""

import json
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import FILE, Command

MORE = """\
  - {name: orders, match: {path: /orders, methods: [PUT, GET]}, upstream: http://h/v1, cors: false}
  - name: admin
    match: {path: /, host: admin.example.com}
    upstream: {url: http://h, stripPrefix: true}
    cors: {allowOrigins: [https://admin.example.com]}
"""


def test_routes_are_listed_in_the_order_in_which_they_are_tried(
    command: Command, file: Path
) -> None:
    file.write_text(FILE + MORE)

    ended = command("routes", "-c", "mine.yaml")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "HOST               PATH     METHODS  UPSTREAM            POLICY          WRITTEN AT\n"
        "admin.example.com  /        *        http://h            routes[2].cors  mine.yaml:11\n"
        "*                  /orders  GET,PUT  http://h/v1         none            mine.yaml:10\n"
        "*                  /        *        http://127.0.0.1:9  spa             mine.yaml:7\n"
    )


def test_routes_for_programs(command: Command, file: Path) -> None:
    file.write_text(FILE + MORE)

    ended = command("routes", "-c", "mine.yaml", "--json")

    assert ended.code == 0
    assert json.loads(ended.out)[1] == {
        "name": "orders",
        "host": None,
        "path": "/orders",
        "methods": ["GET", "PUT"],
        "upstream": "http://h/v1",
        "stripPrefix": False,
        "policy": None,
        "source": "mine.yaml:10",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["routes"], id="routes"),
        pytest.param(["routes", "--json"], id="routes for programs"),
        pytest.param(["explain", "/"], id="explain"),
        pytest.param(["explain", "--json", "/"], id="explain for programs"),
    ],
)
def test_a_secret_in_the_url_of_an_upstream_is_not_listed(
    command: Command, file: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("API_TOKEN", "letmein")
    file.write_text(FILE.replace("http://127.0.0.1:9", "http://127.0.0.1:9/base/${API_TOKEN}"))

    ended = command(*arguments[:1], "-c", str(file), *arguments[1:])

    assert (ended.code, ended.err) == (0, "")
    assert "letmein" not in ended.out
    assert "http://127.0.0.1:9" in ended.out


def test_render_shows_what_flags_and_defaults_make_of_a_file(command: Command, file: Path) -> None:
    ended = command("render", "-c", str(file), "--listen", ":1")

    settings = yaml.safe_load(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert settings["server"]["listen"] == [":1"]
    assert settings["corsPolicies"]["spa"]["maxAge"] == 600


def test_render_keeps_secrets(command: Command, file: Path) -> None:
    Path("key").write_text("letmein")
    upstream = f"{{url: http://h, headers: {{set: {{X-Key: '${{file:{Path.cwd()}/key}}'}}}}}}"
    file.write_text(FILE.replace("http://127.0.0.1:9", upstream))

    ended = command("render", "-c", str(file))

    assert ended.code == 0
    assert "letmein" not in ended.out


def test_a_configuration_with_mistakes_has_no_listing(command: Command, file: Path) -> None:
    file.write_text(FILE.replace("[GET, PUT]", "[TRACE]"))

    for verb in ("routes", "render"):
        ended = command(verb, "-c", str(file))

        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith(f"{file}:4:")


def test_the_schema_is_json(command: Command) -> None:
    ended = command("schema")

    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out)["$schema"] == "http://json-schema.org/draft-07/schema#"
