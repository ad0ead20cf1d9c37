"""The stand-in for Amazon API Gateway does what the service's documentation says.

The sentences are the developer guide's, in other words. Behind it stands a server that notes what
it gets and answers with whatever a test has put there.
"""

import http.client
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.examples.stacks import EXAMPLES
from tests.peers.processes import closed_port, running

FOLDER = EXAMPLES / "api-gateway"
AMAZON = FOLDER / "amazon.py"
AMAZON_LISTENS = re.compile(r"listening on (\S+)")
TOKEN = {"Authorization": "Bearer token-of-ann"}
ANSWER = (
    ("Access-Control-Allow-Origin", "https://from-behind.example"),
    ("Content-Type", "text/plain"),
    ("Server", "behind"),
    ("Set-Cookie", "a=1"),
    ("Set-Cookie", "b=2"),
    ("WWW-Authenticate", "Basic"),
    ("X-From-Behind", "yes"),
)

PROXY = '[methods.ANY]\nintegration = "HTTP_PROXY"\n'
GUARDED = f"{PROXY}authorizer = true\n"
CORS = """\
[cors]
allowOrigins = ["https://a.example", "https://b.example"]
allowMethods = ["PUT"]
allowHeaders = ["authorization"]
allowCredentials = true
maxAge = 300
"""


@dataclass
class Behind:
    """The server behind: what it got."""

    port: int = 0
    requests: list[dict[str, str]] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)


@pytest.fixture
def behind() -> Iterator[Behind]:
    got = Behind()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            got.requests.append({name.lower(): value for name, value in self.headers.items()})
            got.contents.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response_only(401 if self.path == "/401" else 200)
            for name, value in (*ANSWER, ("Content-Length", "2")):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"ok")

        do_GET = do_PUT = do_OPTIONS = answer  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        got.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield got
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    content: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


Ask = Callable[..., Answer]


@pytest.fixture
def ask(behind: Behind, tmp_path: Path) -> Iterator[Ask]:
    """Set an API up, and send it one request."""
    with ExitStack() as until_the_end:

        def send(
            definition: str,
            method: str = "GET",
            path: str = "/orders",
            *,
            content: bytes | None = None,
            to: str | None = None,
            **headers: str,
        ) -> Answer:
            file = tmp_path / "api.toml"
            file.write_text(definition, "utf-8")
            to = to or f"http://127.0.0.1:{behind.port}"
            argv = [sys.executable, str(AMAZON), str(file), "--port", "0", "--to", to]
            program = until_the_end.enter_context(running(argv, {"PAGE_PORT": "3000"}))
            host = program.wait_for(AMAZON_LISTENS)[1].removeprefix("http://")
            connection = http.client.HTTPConnection(host, timeout=60)
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, content, sent)
            answer = connection.getresponse()
            whole = Answer(answer.status, answer.getheaders(), answer.read())
            connection.close()
            return whole

        yield send


class TestTheAuthorizer:
    def test_without_its_identity_source_nobody_is_asked(self, ask: Ask, behind: Behind) -> None:
        answer = ask(GUARDED)

        assert (answer.status, json.loads(answer.content)) == (401, {"message": "Unauthorized"})
        assert answer.values("x-amzn-ErrorType") == ["UnauthorizedException"]
        assert behind.requests == []

    def test_who_it_does_not_know_is_denied(self, ask: Ask, behind: Behind) -> None:
        answer = ask(GUARDED, Authorization="Bearer of-nobody")

        assert answer.status == 403
        assert answer.values("x-amzn-ErrorType") == ["AccessDeniedException"]
        assert behind.requests == []

    def test_a_method_that_is_guarded_guards_preflights_too(self, ask: Ask, behind: Behind) -> None:
        answer = ask(
            GUARDED, "OPTIONS", Origin="https://a.example", Access_Control_Request_Method="PUT"
        )

        assert answer.status == 401
        assert answer.values("Access-Control-Allow-Origin") == []
        assert behind.requests == []

    def test_who_it_knows_passes(self, ask: Ask, behind: Behind) -> None:
        assert ask(GUARDED, **TOKEN).status == 200
        assert behind.requests[0]["authorization"] == TOKEN["Authorization"]


def test_a_name_that_is_not_set_up_is_forbidden(ask: Ask, behind: Behind) -> None:
    answer = ask(PROXY, Host="api.example.com")

    assert (answer.status, json.loads(answer.content)) == (403, {"message": "Forbidden"})
    assert behind.requests == []


def test_a_server_that_is_not_there_is_amazons_own_error(ask: Ask) -> None:
    with closed_port() as port:
        answer = ask(PROXY, to=f"http://127.0.0.1:{port}")

    assert answer.status == 502
    assert json.loads(answer.content) == {"message": "Internal server error"}


class TestAProxyIntegration:
    def test_a_request_passes_with_what_amazon_adds(self, ask: Ask, behind: Behind) -> None:
        ask(PROXY, "PUT", content=b"{}", Origin="https://a.example", X_Own="1", Expect="x")

        (got,), (content,) = behind.requests, behind.contents
        assert (got["origin"], got["x-own"], content) == ("https://a.example", "1", b"{}")
        assert got["host"] == f"127.0.0.1:{behind.port}"
        assert got["x-forwarded-for"] == "127.0.0.1"
        assert got["x-forwarded-proto"] == "https"
        assert got["x-amzn-trace-id"].startswith("Root=1-")
        assert "expect" not in got

    def test_an_answer_passes_with_some_names_remapped(self, ask: Ask) -> None:
        answer = ask(PROXY, path="/401")

        assert (answer.status, answer.content) == (401, b"ok")
        assert answer.values("X-From-Behind") == ["yes"]
        assert answer.values("Set-Cookie") == ["a=1", "b=2"]
        assert answer.values("Access-Control-Allow-Origin") == ["https://from-behind.example"]
        assert answer.values("x-amzn-Remapped-WWW-Authenticate") == ["Basic"]
        assert answer.values("x-amzn-Remapped-Server") == ["behind"]
        assert answer.values("WWW-Authenticate") == answer.values("Server") == []
        assert len(answer.values("x-amzn-RequestId")) == 1


class TestACustomIntegration:
    def test_only_what_is_mapped_passes(self, ask: Ask, behind: Behind) -> None:
        definition = (FOLDER / "behind.toml").read_text("utf-8")
        answer = ask(definition, Origin="https://a.example", Cookie="c=1", X_Own="1", **TOKEN)

        (got,) = behind.requests
        assert got["x-original-origin"] == "https://a.example"
        assert (got["cookie"], got["user-agent"]) == ("c=1", "AmazonAPIGateway_a1b2c3d4e5")
        assert not {"origin", "x-own"} & got.keys()
        assert answer.values("Set-Cookie") == ["a=1", "b=2"]
        assert answer.values("Access-Control-Allow-Origin") == ["https://from-behind.example"]
        assert answer.values("X-From-Behind") == []


class TestAMock:
    def test_enable_cors_answers_always_the_same(self, ask: Ask, behind: Behind) -> None:
        definition = (FOLDER / "alone.toml").read_text("utf-8")
        answer = ask(
            definition, "OPTIONS", Origin="https://a.example", Access_Control_Request_Method="PUT"
        )

        assert answer.status == 200
        assert answer.values("Access-Control-Allow-Origin") == ["http://shop.localhost:3000"]
        assert behind.requests == []


class TestTheCorsConfigurationOfAnHttpApi:
    def test_credentials_do_not_go_with_a_star(self, tmp_path: Path) -> None:
        file = tmp_path / "api.toml"
        file.write_text(PROXY + '[cors]\nallowOrigins = ["*"]\nallowCredentials = true\n', "utf-8")
        done = subprocess.run(
            [sys.executable, str(AMAZON), str(file), "--port", "0", "--to", "http://127.0.0.1:1"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert done.returncode == 1
        assert "allow-credentials is not supported if 'allow-origin' is *" in done.stderr

    def test_it_answers_preflights_before_any_authorizer(self, ask: Ask, behind: Behind) -> None:
        answer = ask(
            GUARDED + CORS,
            "OPTIONS",
            Origin="https://b.example",
            Access_Control_Request_Method="PUT",
        )

        assert answer.status == 204
        assert answer.values("Access-Control-Allow-Origin") == ["https://b.example"]
        assert answer.values("Access-Control-Allow-Credentials") == ["true"]
        assert answer.values("Access-Control-Max-Age") == ["300"]
        assert behind.requests == []

    @pytest.mark.parametrize(
        "origin, granted",
        [
            pytest.param("https://a.example", ["https://a.example"], id="listed"),
            pytest.param("https://c.example", [], id="not listed"),
        ],
    )
    def test_what_stands_behind_has_no_say(self, origin: str, granted: list[str], ask: Ask) -> None:
        answer = ask(PROXY + CORS, Origin=origin)

        assert answer.values("Access-Control-Allow-Origin") == granted
        assert answer.content == b"ok"
