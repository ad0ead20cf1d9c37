"""The ``tests:`` of a document, as data; running them is not decided here."""

from dataclasses import dataclass

from cors_gateway.config.findings import Findings
from cors_gateway.config.problems import Path, Position
from cors_gateway.config.schema import ExpectationSettings
from cors_gateway.cors.tokens import is_token

__all__ = ["Expectation", "compile_expectations"]


@dataclass(frozen=True, slots=True)
class Expectation:
    """A request, and whether the browser should let the page have the answer."""

    name: str
    """As given, or made of method, path and origin."""
    origin: bytes | None
    method: bytes
    target: bytes
    """The path, with a query if one was given."""
    host: bytes | None
    headers: tuple[tuple[bytes, bytes], ...]
    credentials: bool
    websocket: bool
    """The page opens a WebSocket there."""
    allow: bool
    position: Position


def compile_expectations(
    tests: list[ExpectationSettings], findings: Findings
) -> tuple[Expectation, ...]:
    """Compile all tests and report what is wrong with them."""
    compiled = []
    for index, test in enumerate(tests):
        where = ("tests", index)
        for key, value, fix in (
            ("path", test.path, "write path: /"),
            ("expect", test.expect, "write expect: allow or expect: deny"),
        ):
            if value is None:
                findings.error((*where, key), f"{key} is missing", "a test needs it", fix)
        if test.path is not None and not test.path.startswith("/"):
            why = "a test names a path of the gateway"
            findings.error((*where, "path"), "{value} does not begin with /", why, "begin with /")
        if not is_token(test.method.encode(errors="replace").replace(b"?", b" ")):
            findings.error(
                (*where, "method"), "{value} is no method", "it is not a token", "write one"
            )
        for name in test.headers:
            if not name.isascii() or not is_token(name.encode()):
                findings.error(
                    (*where, "headers", name),
                    "{key} is no header name",
                    "it is not a token",
                    "write one",
                )
        if test.websocket:
            _check_handshake(test, where, findings)
        what = "WebSocket" if test.websocket else test.method
        name = test.name or " ".join(
            part for part in (what, test.path, test.origin and f"from {test.origin}") if part
        )
        compiled.append(
            Expectation(
                name=name,
                origin=None if test.origin is None else test.origin.encode(errors="replace"),
                method=test.method.encode(errors="replace"),
                target=(test.path or "/").encode(errors="replace"),
                host=test.host.encode() if test.host else None,
                headers=tuple(
                    (name.encode(errors="replace"), value.encode(errors="replace"))
                    for name, value in test.headers.items()
                ),
                credentials=test.credentials,
                websocket=test.websocket,
                allow=test.expect == "allow",
                position=findings.document.position(findings.original(where)),
            )
        )
    return tuple(compiled)


def _check_handshake(test: ExpectationSettings, where: Path, findings: Findings) -> None:
    """Report what a page cannot say about the request that opens its WebSocket."""
    why = "a WebSocket is asked for with GET, and browsers let no page set a header of that"
    if test.method.upper() != "GET":
        findings.error((*where, "method"), "{value} opens no WebSocket", why, "remove it")
    if test.headers:
        findings.error((*where, "headers"), "headers open no WebSocket", why, "remove them")
