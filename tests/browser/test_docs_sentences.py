"""Every sentence that docs/cors.md says Chromium writes, Chromium writes; and no other is missing there.

A small server answers wrongly in each way there is, a page calls it, and the console is read. When
an upgrade of the browser words a refusal anew, this fails, and the document follows.
"""

import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
import trustme
from playwright.sync_api import Browser, ConsoleMessage

from cors_gateway.cors.browser import CorsError
from tests.docs.pages import DOCS

pytestmark = pytest.mark.chromium

DOCUMENTED = tuple(
    re.findall(r"^- Chromium: (`{1,2})(.+?)\1$", DOCS["docs/cors.md"].text, re.MULTILINE)
)
SENTENCES = tuple(sentence for _, sentence in DOCUMENTED)
PREFLIGHT = "Response to preflight request doesn't pass access control check: "
LONGEST_WAIT = 30_000

Fields = Mapping[str, str]
ORIGIN = "Access-Control-Allow-Origin"
CREDENTIALS = "Access-Control-Allow-Credentials"
METHODS = "Access-Control-Allow-Methods"
HEADERS = "Access-Control-Allow-Headers"
OWN = "the page's own"
PUT = {"method": "PUT"}
COOKIES = {"credentials": "include"}


@dataclass(frozen=True)
class Situation:
    """A call and how it is answered."""

    error: str
    """Chromium's name for what comes of it."""
    init: Mapping[str, Any] = field(default_factory=dict)
    answer: Fields = field(default_factory=dict)
    """The headers of the first answer: the preflight's, where there is one."""
    status: int = 200


ANSWERS: Mapping[str, tuple[Fields, Mapping[str, Any]]] = {
    "MissingAllowOriginHeader": ({}, {}),
    "AllowOriginMismatch": ({ORIGIN: "https://other.example"}, {}),
    "MultipleAllowOriginValues": ({ORIGIN: "*, *"}, {}),
    "InvalidAllowOriginValue": ({ORIGIN: "app.example.com"}, {}),
    "WildcardOriginNotAllowed": ({ORIGIN: "*"}, COOKIES),
    "InvalidAllowCredentials": ({ORIGIN: OWN}, COOKIES),
}
SITUATIONS = (
    *(Situation(error, init, answer) for error, (answer, init) in ANSWERS.items()),
    *(
        Situation(f"Preflight{error}", {**PUT, **init}, answer)
        for error, (answer, init) in ANSWERS.items()
    ),
    Situation("PreflightInvalidStatus", PUT, {ORIGIN: OWN}, 404),
    Situation("PreflightDisallowedRedirect", PUT, {ORIGIN: OWN, "Location": "/x"}, 301),
    Situation("InvalidAllowMethodsPreflightResponse", PUT, {ORIGIN: OWN, METHODS: "GET PUT"}),
    Situation("InvalidAllowHeadersPreflightResponse", PUT, {ORIGIN: OWN, HEADERS: "X A"}),
    Situation("MethodDisallowedByPreflightResponse", PUT, {ORIGIN: OWN}),
    Situation(
        "HeaderDisallowedByPreflightResponse", {"headers": {"X-Api-Key": "1"}}, {ORIGIN: OWN}
    ),
)


class _Wrong(BaseHTTPRequestHandler):
    """Answers as the situation named by the path says; every other path is a page."""

    protocol_version = "HTTP/1.1"
    known: ClassVar[Mapping[str, Situation]] = {one.error: one for one in SITUATIONS}

    def do_GET(self) -> None:
        name = self.path.strip("/")
        situation = self.known.get(name)
        fields = dict(situation.answer) if situation else {"Content-Type": "text/html"}
        if name == "public":
            # Chromium's own way to try out pages of the Internet on loopback.
            fields["Content-Security-Policy"] = "treat-as-public-address"
        if name == "strict":
            fields["Content-Security-Policy"] = "connect-src 'self'"
        self.send_response(situation.status if situation else 200)
        for field_name, value in fields.items():
            own = self.headers.get("Origin", "") if value == OWN else value
            self.send_header(field_name, own)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_OPTIONS(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(*, secure: bool = False) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Wrong) as server:
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            trustme.CA().issue_cert("localhost").configure_cert(context)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http{'s' if secure else ''}://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def written(chromium: Browser) -> dict[str, str]:
    """What the console says in each situation."""
    sentences: dict[str, str] = {}
    with (
        serving() as plain,
        serving(secure=True) as secure,
        chromium.new_context(ignore_https_errors=True) as context,
    ):
        page = context.new_page()

        def call(name: str, script: str, *arguments: object) -> None:
            with page.expect_console_message(tells, timeout=LONGEST_WAIT) as message:
                page.evaluate(script, list(arguments))
            sentences[name] = message.value.text

        fetch = "async ([url, init]) => { try { await fetch(url, init) } catch {} }"
        page.goto(f"{plain.replace('localhost', 'page.localhost')}/")
        for one in SITUATIONS:
            call(one.error, fetch, f"{plain}/{one.error}", one.init)
        call("a WebSocket", "([url]) => { new WebSocket(url) }", f"{plain.replace('http', 'ws')}/")
        page.goto(f"{plain}/strict")
        call("the page's own policy", fetch, f"{plain.replace('localhost', 'api.localhost')}/", {})
        page.goto(f"{secure}/public")
        call("plain http from https", fetch, "http://api.example/", {})
        call("this machine from the Internet", fetch, f"{plain}/MissingAllowOriginHeader", {})
    return sentences


def tells(message: ConsoleMessage) -> bool:
    """Whether a message says more than that something failed; of two, the last."""
    silent = ("Failed to load resource", "Connecting to ")
    return not message.text.startswith(silent)


def matches(sentence: str, text: str) -> bool:
    """Whether a documented sentence, with … for what differs, ends what the console says."""
    pattern = ".*".join(map(re.escape, sentence.split("…")))
    beginning = r"(?:.*(?:blocked by CORS policy: |failed: |cannot load \S+ ))?"
    return re.fullmatch(beginning + pattern, text) is not None


def test_every_error_that_explain_names_is_tried() -> None:
    assert {one.error for one in SITUATIONS} == set(CorsError)


@pytest.mark.parametrize(
    "sentence", [pytest.param(one, id=one.replace(PREFLIGHT, "preflight: ")) for one in SENTENCES]
)
def test_chromium_writes_what_the_document_says(sentence: str, written: dict[str, str]) -> None:
    assert any(matches(sentence, text) for text in written.values()), written


def test_the_document_has_every_sentence(written: dict[str, str]) -> None:
    missing = {
        name: text
        for name, text in written.items()
        if not any(matches(sentence, text) for sentence in SENTENCES)
    }

    assert missing == {}


def test_another_sentence_is_not_taken_for_it() -> None:
    sentence = "Method … is not allowed."

    assert matches(sentence, "Access … has been blocked by CORS policy: Method PUT is not allowed.")
    assert not matches(sentence, "blocked by CORS policy: Not this: Method PUT is not allowed.")
    assert not matches(sentence, "blocked by CORS policy: Method PUT is not allowed")
