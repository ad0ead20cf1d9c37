"""curl, Postman's requests and a server in Python: served through the gateway as without it.

Beside them the same calls by a page in Chromium, which is refused where they are not.
"""

import hashlib
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examples.server_log import ServerLog
from tests.examples.stacks import EXAMPLES, Stack
from tests.examples.visitors import FAILED, IN_PREFLIGHT, NO_ALLOW_ORIGIN, Visitor
from tests.peers.processes import Gateway, gateway
from tests.peers.programs import path_of
from tests.real.caller import Answer, calling

pytestmark = [pytest.mark.chromium, pytest.mark.system("curl")]

EXAMPLE = "not-a-browser"
FOLDER = EXAMPLES / EXAMPLE
README = (FOLDER / "README.md").read_text("utf-8")
NOT_THE_APIS = {b"date", b"connection", b"x-request-id", b"vary"}
"""What differs from one answer to the next, and what the gateway adds to one without an Origin."""
ADDED = {
    "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id",
}  # fmt: skip
"""What the gateway adds to a request."""

PROGRAMS = {
    "curl": ["User-Agent: curl/8.14.1", "Accept: */*"],
    "Postman": [
        "User-Agent: PostmanRuntime/7.49.1",
        "Accept: */*",
        "Cache-Control: no-cache",
        "Postman-Token: 5a4cf8f2-8c0b-4e6e-9d54-6d0f2c1b7a90",
        "Accept-Encoding: gzip, deflate, br",
        "Connection: keep-alive",
    ],
    "requests": [
        "User-Agent: python-requests/2.32.5",
        "Accept-Encoding: gzip, deflate",
        "Accept: */*",
        "Connection: keep-alive",
    ],
    "httpx": [
        "Accept: */*",
        "Accept-Encoding: gzip, deflate",
        "Connection: keep-alive",
        "User-Agent: python-httpx/0.28.1",
    ],
    "Java": [
        "Accept: application/json, */*;q=0.5",
        "User-Agent: Java-http-client/21.0.8",
        "Connection: close",
    ],
}
"""The header fields with which programs call."""

KEY = "X-Api-Key: key-of-the-weather-service"
REQUESTS = [
    pytest.param("GET", "/stations", [], b"", id="a list"),
    pytest.param("GET", "/recording", [], b"", id="a file"),
    pytest.param("HEAD", "/recording", [], b"", id="its head"),
    pytest.param("GET", "/recording", ["Range: bytes=500-999"], b"", id="a part of it"),
    pytest.param("PUT", "/stations/1", [KEY, "Content-Type: application/json"],
                 b'{"celsius": 0.5}', id="a change"),
    pytest.param("PUT", "/stations/1", [], b"{}", id="one without a key"),
    pytest.param("POST", "/upload", ["Content-Type: application/octet-stream"],
                 bytes(range(256)) * 400, id="an upload"),
    pytest.param("DELETE", "/stations/1", [], b"", id="a method that no policy lists"),
    pytest.param("OPTIONS", "/stations", [], b"", id="a question about methods"),
    pytest.param("OPTIONS", "/stations", ["Access-Control-Request-Method: PUT"], b"",
                 id="the same with a header of preflights"),
    pytest.param("GET", "/nothing?a=%20b", [], b"", id="what is not there"),
]  # fmt: skip

every_program = pytest.mark.parametrize("program", PROGRAMS)


def send(port: int, method: str, target: str, lines: list[str], content: bytes = b"") -> Answer:
    """Send these very lines, and no Origin."""
    length = [f"Content-Length: {len(content)}"] if content else []
    head = [f"{method} {target} HTTP/1.1", "Host: api.example.com", *lines, *length]
    with calling(port) as caller:
        caller.sends("\r\n".join([*head, "", ""]).encode() + content)
        return caller.gets(method)


def said_by_api(answer: Answer) -> list[tuple[bytes, bytes]]:
    return [line for line in answer.head.fields if line[0].lower() not in NOT_THE_APIS]


class TestPrograms:
    @every_program
    @pytest.mark.parametrize("method, target, lines, content", REQUESTS)
    def test_the_answer_is_the_apis_byte_for_byte(
        self, program: str, method: str, target: str, lines: list[str], content: bytes, it: Stack
    ) -> None:
        lines = PROGRAMS[program] + lines
        straight = send(it.port("API_PORT"), method, target, lines, content)
        through = send(it.port("GATEWAY_PORT"), method, target, lines, content)

        assert (through.status, through.head.reason) == (straight.status, straight.head.reason)
        assert through.content == straight.content
        assert said_by_api(through) == said_by_api(straight)
        assert not any(
            name.lower().startswith(b"access-control") for name, _ in through.head.fields
        )

    @every_program
    def test_the_request_arrives_as_it_was_sent(self, program: str, it: Stack) -> None:
        ports = it.port("API_PORT"), it.port("GATEWAY_PORT")
        straight, through = (
            send(port, "PUT", "/request", PROGRAMS[program], b"x").json() for port in ports
        )

        assert through["method"] == straight["method"]
        kept = [line for line in through["headers"] if line[0].lower() not in ADDED]
        # How long a connection lives is agreed on for each one.
        said = [line for line in straight["headers"] if line[0] != "Connection"]
        assert sorted(kept) == sorted(said)
        assert {name.lower() for name, _ in through["headers"]} >= ADDED

    def test_the_upload_has_arrived_whole(self, it: Stack) -> None:
        content = bytes(range(256)) * 400
        answer = send(it.port("GATEWAY_PORT"), "POST", "/upload", PROGRAMS["curl"], content)

        assert answer.json()["sha256"] == hashlib.sha256(content).hexdigest()


class TestCurl:
    """The commands of the README."""

    COMMANDS = tuple(
        line
        for block in re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    )

    @staticmethod
    def run(command: str, it: Stack, folder: Path) -> bytes:
        program, *words = shlex.split(it.here(command))
        assert program == "curl"
        argv = [path_of("curl"), "-q", "--silent", "--show-error", "--fail", "--noproxy", "*"]
        return subprocess.run(
            [*argv, *words], cwd=folder, capture_output=True, timeout=60, check=True
        ).stdout

    @pytest.mark.parametrize("command", COMMANDS)
    def test_each_is_served(self, command: str, it: Stack, tmp_path: Path) -> None:
        said = self.run(command, it, tmp_path)

        written = next(tmp_path.iterdir(), None)
        assert (written.read_bytes() if written else said) != b""

    def test_straight_and_through_the_gateway_it_prints_the_same(
        self, it: Stack, tmp_path: Path
    ) -> None:
        straight, through = (self.run(command, it, tmp_path) for command in self.COMMANDS[:2])

        assert straight == through
        assert self.COMMANDS[0].replace("5000", "8080") == self.COMMANDS[1]

    def test_an_origin_changes_the_headers_and_not_the_answer(
        self, it: Stack, tmp_path: Path
    ) -> None:
        page, stranger = (self.run(command, it, tmp_path) for command in self.COMMANDS[-2:])
        granted = f"\r\nAccess-Control-Allow-Origin: {it.url('page')}\r\n".encode()

        assert granted in page
        assert b"access-control" not in stranger.lower()
        assert page.partition(b"\r\n\r\n")[2] == stranger.partition(b"\r\n\r\n")[2]
        assert b"Sylt" in stranger


def postman_requests() -> Iterator[tuple[str, dict[str, Any]]]:
    collection = json.loads((FOLDER / "clients/stations.postman_collection.json").read_bytes())
    assert collection["variable"] == [{"key": "api", "value": "http://localhost:8080"}]
    for item in collection["item"]:
        yield item["name"], item["request"]


@pytest.mark.parametrize(
    "request_", [pytest.param(asked, id=name) for name, asked in postman_requests()]
)
def test_the_requests_of_postman_are_served(request_: dict[str, Any], it: Stack) -> None:
    target = request_["url"].removeprefix("{{api}}")
    lines = [*PROGRAMS["Postman"], *(f"{h['key']}: {h['value']}" for h in request_["header"])]
    content = request_.get("body", {"raw": ""})["raw"].encode()
    straight, through = (
        send(it.port(name), request_["method"], target, lines, content)
        for name in ("API_PORT", "GATEWAY_PORT")
    )

    assert through.status == 200
    assert through.content == straight.content
    assert said_by_api(through) == said_by_api(straight)


def test_another_server_gets_the_same_as_without_the_gateway(it: Stack, log: ServerLog) -> None:
    printed, heard = [], []
    for process in ("api", "gateway"):
        argv = [sys.executable, str(it.folder / "clients/report.py"), it.url(process)]
        ended = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")
        printed.append(ended.stdout)
        heard.append(log.news())

    assert printed[0] == printed[1]
    assert "'celsius': -4.0" in printed[1]
    assert heard == [["PUT /stations/1 200", "GET /stations 200"]] * 2


class TestStrictPolicies:
    """However strict a policy is, programs are served."""

    STRICT = """\
server: {{listen: "127.0.0.1:0"}}
routes:
  - match: {{path: /}}
    upstream: {api}
    cors: {{allowOrigins: [https://app.example.com], onDisallowedOrigin: block, csrfGuard: true}}
"""

    @pytest.fixture
    def strict(self, it: Stack, tmp_path: Path) -> Iterator[Gateway]:
        with gateway(tmp_path, self.STRICT.format(api=it.url("api"))) as its:
            yield its

    def test_programs_are_served(self, strict: Gateway, it: Stack) -> None:
        lines = [*PROGRAMS["requests"], KEY, "Content-Type: application/json"]
        answer = send(strict.port, "PUT", "/stations/1", lines, b'{"celsius": 3}')

        assert (answer.status, answer.json()["celsius"]) == (200, 3)

    def test_somebody_elses_page_is_not(self, strict: Gateway, it: Stack) -> None:
        lines = [*PROGRAMS["curl"], "Origin: https://stranger.example"]

        assert send(strict.port, "GET", "/stations", lines).status == 403


class TestThePage:
    def test_without_the_gateway_it_is_refused_what_programs_are_given(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(f"{it.url('page')}/?api={it.url('api')}")

        assert seen.refused == {"stations": FAILED, "report": FAILED}
        assert seen.cors_errors() == [NO_ALLOW_ORIGIN, IN_PREFLIGHT + NO_ALLOW_ORIGIN]
        # The API has answered as it answers curl; and of the change it only heard the question.
        assert log.news() == ["GET /stations 200", "OPTIONS /stations/2 200"]

    def test_through_the_gateway_it_is_served(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(f"{it.url('page')}/?api={it.url('gateway')}")

        assert (seen.refused, seen.cors_errors()) == ({}, [])
        assert seen.answered["report"].startswith('200 {"celsius":12')
        assert log.news() == ["GET /stations 200", "PUT /stations/2 200"]

    def test_somebody_elses_page_is_refused_what_curl_is_given_at_the_same_address(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        page = it.url("page", "stranger.localhost")
        seen = visitor.opens(f"{page}/?api={it.url('gateway')}")

        assert seen.refused == {"stations": FAILED, "report": FAILED}
        assert seen.cors_errors() == [NO_ALLOW_ORIGIN, IN_PREFLIGHT + NO_ALLOW_ORIGIN]
        assert log.news() == ["GET /stations 200"]
        assert send(it.port("GATEWAY_PORT"), "GET", "/stations", PROGRAMS["curl"]).status == 200
