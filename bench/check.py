"""Whether a thing does the work that it is measured for: asked before the first round.

A peer that forgets a field would be measured for less.
"""

import http.client
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.machine import BenchError
from bench.scenario import ALLOWED_HEADERS, ALLOWED_METHODS, MAX_AGE
from bench.traffic import BROWSER, HOST, STRANGER
from bench.upstream import SEEN

__all__ = ["PREFLIGHT", "check", "shortcomings"]

PATIENCE = 10.0
PREFLIGHT: Mapping[str, str] = {
    **{name: value for name, value in BROWSER.items() if name != "Cookie"},
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "authorization,content-type",
}
ORIGIN = BROWSER["Origin"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came."""

    status: int
    fields: Mapping[str, str]
    """By names in lower case; lines of one name are joined."""
    content: str


def check(name: str, port: int, *, tls: bool, path: str = "") -> None:
    """Ask a thing.

    Args:
        name: what it is called.
        port: where it listens.
        tls: whether it speaks TLS.
        path: of a route, if not everything is one.

    Raises:
        BenchError: what it does not do.
    """
    if found := list(shortcomings(port, tls=tls, path=path)):
        raise BenchError(f"{name} does not do the same work: " + "; ".join(found))


def shortcomings(port: int, *, tls: bool = False, path: str = "") -> Iterator[str]:
    """Yield what a thing does not do as all of them should."""

    def ask(method: str, target: str, fields: Mapping[str, str]) -> Answer:
        return _ask(port, method, path + target, fields, tls=tls)

    answer = ask("GET", "/orders", BROWSER)
    yield from _differences("a request", answer, 200, {"origin"}, {})
    if not answer.content.startswith('{"orders"'):
        yield f"a request: the content is {answer.content!r}"
    if not answer.fields.get("x-request-id"):
        yield "a request: the answer has no X-Request-ID"
    asked = {"origin", "access-control-request-method", "access-control-request-headers"}
    lists = {
        "access-control-allow-methods": set(ALLOWED_METHODS),
        "access-control-allow-headers": set(ALLOWED_HEADERS),
        "access-control-max-age": {str(MAX_AGE)},
    }
    yield from _differences("a preflight", ask("OPTIONS", "/orders", PREFLIGHT), 204, asked, lists)
    refused = ask("GET", "/orders", {**BROWSER, "Origin": STRANGER})
    if refused.status != 403 or "access-control-allow-origin" in refused.fields:
        yield f"a refused origin: {refused.status} {refused.fields}"
    yield from _unseen(ask("GET", "/seen", BROWSER), "https" if tls else "http")


def _unseen(answer: Answer, scheme: str) -> Iterator[str]:
    seen = dict(zip(SEEN, answer.content.split("\n"), strict=False))
    expected = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": scheme}
    expected |= {"X-Forwarded-Host": HOST}
    for name, value in expected.items():
        if seen.get(name) != value:
            yield f"the API gets {name}: {seen.get(name)}"
    if len(seen.get("X-Request-Id", "")) < 16:
        yield "the API gets no X-Request-ID"


def _differences(
    what: str, answer: Answer, status: int, vary: set[str], lists: Mapping[str, set[str]]
) -> Iterator[str]:
    if answer.status != status:
        yield f"{what}: {answer.status}"
    expected = {
        **lists,
        "access-control-allow-origin": {ORIGIN},
        "access-control-allow-credentials": {"true"},
    }
    for name, tokens in expected.items():
        got = _tokens(answer.fields.get(name, ""))
        if {token.lower() for token in tokens} != got:
            yield f"{what}: {name} is {answer.fields.get(name)}"
    if not vary <= _tokens(answer.fields.get("vary", "")):
        yield f"{what}: Vary is {answer.fields.get('vary')}"


def _tokens(value: str) -> set[str]:
    return {token.strip().lower() for token in value.split(",")} - {""}


def _ask(port: int, method: str, target: str, fields: Mapping[str, str], *, tls: bool) -> Answer:
    connection: http.client.HTTPConnection
    if tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=PATIENCE, context=context
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, target, headers=dict(fields))
        response = connection.getresponse()
        found: dict[str, str] = {}
        for name, value in response.getheaders():
            key = name.lower()
            found[key] = f"{found[key]}, {value}" if key in found else value
        return Answer(response.status, found, response.read().decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"{method} {target} failed: {error!r}") from error
    finally:
        connection.close()
