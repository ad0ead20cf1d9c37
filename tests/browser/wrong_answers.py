"""A server that answers wrongly in each way there is, so that a browser says what it makes of it."""

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import trustme

__all__ = ["SITUATIONS", "Situation", "serving"]

Fields = Mapping[str, str | list[str]]
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
    """The headers of the first answer: the preflight's, where there is one. A list is several lines."""
    status: int = 200
    name: str = ""
    """Of this one among those with the same error."""

    @property
    def path(self) -> str:
        """Where the server answers so."""
        return f"{self.error}{self.name}"


ANSWERS: tuple[tuple[str, str, Fields, Mapping[str, Any]], ...] = (
    ("MissingAllowOriginHeader", "", {}, {}),
    ("AllowOriginMismatch", "", {ORIGIN: "https://other.example"}, {}),
    ("MultipleAllowOriginValues", "", {ORIGIN: "*, *"}, {}),
    ("MultipleAllowOriginValues", "-in-two-lines", {ORIGIN: ["*", "*"]}, {}),
    ("InvalidAllowOriginValue", "", {ORIGIN: "app.example.com"}, {}),
    ("WildcardOriginNotAllowed", "", {ORIGIN: "*"}, COOKIES),
    ("InvalidAllowCredentials", "", {ORIGIN: OWN}, COOKIES),
)
SITUATIONS = (
    *(Situation(error, init, answer, name=name) for error, name, answer, init in ANSWERS),
    *(
        Situation(f"Preflight{error}", {**PUT, **init}, answer, name=name)
        for error, name, answer, init in ANSWERS
    ),
    Situation("PreflightInvalidStatus", PUT, {ORIGIN: OWN}, 404),
    Situation("PreflightDisallowedRedirect", PUT, {ORIGIN: OWN, "Location": "/x"}, 301),
    Situation("InvalidAllowMethodsPreflightResponse", PUT, {ORIGIN: OWN, METHODS: "GET PUT"}),
    Situation(
        "InvalidAllowHeadersPreflightResponse", PUT, {ORIGIN: OWN, METHODS: "PUT", HEADERS: "X A"}
    ),
    Situation("MethodDisallowedByPreflightResponse", PUT, {ORIGIN: OWN}),
    Situation(
        "HeaderDisallowedByPreflightResponse", {"headers": {"X-Api-Key": "1"}}, {ORIGIN: OWN}
    ),
)


class _Wrong(BaseHTTPRequestHandler):
    """Answers as the situation named by the path says; every other path is a page."""

    protocol_version = "HTTP/1.1"
    known: ClassVar[Mapping[str, Situation]] = {one.path: one for one in SITUATIONS}

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
        for field_name, values in fields.items():
            for value in [values] if isinstance(values, str) else values:
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
    """Serve on a free port, with TLS or without."""
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
