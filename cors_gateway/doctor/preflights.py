"""What is wrong with the answer to a preflight (Fetch section 4.8): status, lists, and how long it counts.

A browser stops at the first thing that is wrong; whoever has to mend it wants all of them. So only a
wrong status ends the search: what else such an answer says was not meant for a preflight.
"""

from collections.abc import Iterator

from cors_gateway.cors.browser import (
    BrowserRequest,
    CorsError,
    judge_preflight,
    unsafe_header_names,
)
from cors_gateway.cors.methods import SAFELISTED_METHODS
from cors_gateway.cors.tokens import is_token
from cors_gateway.doctor.case import Answer, Exchange
from cors_gateway.doctor.catalogue import Code
from cors_gateway.doctor.finding import Finding, found, show
from cors_gateway.doctor.values import ALLOW_ORIGIN, look_at_grant, says_credentials

__all__ = ["ALLOW_HEADERS", "ALLOW_METHODS", "list_items", "look_at_preflight"]

ALLOW_METHODS = b"access-control-allow-methods"
ALLOW_HEADERS = b"access-control-allow-headers"

_NOT_THERE = frozenset({404, 405, 410, 501})
_LOGIN = frozenset({401, 407, 511})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def list_items(answer: Answer, lower_name: bytes) -> list[bytes] | None:
    """Give the items of a list; ``None`` where one of them is no token."""
    value = answer.combined(lower_name) or b""
    items = [item for part in value.split(b",") if (item := part.strip(b" \t"))]
    return items if all(map(is_token, items)) else None


def look_at_preflight(asked: BrowserRequest, exchange: Exchange) -> Iterator[Finding]:
    """Find what keeps a page from sending its request.

    Args:
        asked: what it wants to send.
        exchange: the preflight, with an answer.
    """
    answer = exchange.answer
    if answer is None:
        return
    if not 200 <= answer.status <= 299:
        yield _judge_status(asked, exchange, answer)
        return
    yield from look_at_grant(exchange, credentials=asked.credentials)
    yield from _look_at_methods(asked, exchange, answer)
    yield from _look_at_headers(asked, exchange, answer)
    lines = answer.values(b"access-control-max-age")
    if lines and not (len(lines) == 1 and lines[0].removeprefix(b"-").isdigit()):
        what = (
            f"Access-Control-Max-Age is {show(b', '.join(lines))}, which is no number of seconds."
        )
        yield found(Code.MAX_AGE_INVALID, what, exchange)


def _judge_status(asked: BrowserRequest, exchange: Exchange, answer: Answer) -> Finding:
    code, what = Code.PREFLIGHT_STATUS, f"The preflight is answered by {answer.status}."
    location = answer.combined(b"location")
    if answer.status in _REDIRECTS and location is not None:
        code = Code.PREFLIGHT_REDIRECT
        what = f"The preflight is redirected to {show(location)}."
    elif answer.status in _NOT_THERE:
        code = Code.PREFLIGHT_NOT_ANSWERED
    elif answer.status in _LOGIN:
        code = Code.PREFLIGHT_NEEDS_LOGIN
    error = judge_preflight(asked, answer.status, answer.fields)
    shown = (answer.combined(ALLOW_ORIGIN) or b"").decode("latin-1")
    return found(code, what, exchange, error=error, shown=shown)


def _look_at_methods(
    asked: BrowserRequest, exchange: Exchange, answer: Answer
) -> Iterator[Finding]:
    listed = list_items(answer, ALLOW_METHODS)
    said = show(answer.combined(ALLOW_METHODS) or b"")
    if listed is None:
        yield found(
            Code.METHODS_MALFORMED,
            f"Access-Control-Allow-Methods is {said}.",
            exchange,
            error=CorsError.INVALID_ALLOW_METHODS_PREFLIGHT_RESPONSE,
        )
        return
    if b"*" in listed and (asked.credentials or says_credentials(answer)):
        yield _wildcard("Access-Control-Allow-Methods", exchange)
        return
    method = asked.method
    if method in SAFELISTED_METHODS or method in listed or b"*" in listed:
        return
    name = show(method).strip('"')
    what = f"Access-Control-Allow-Methods does not list {name}: it is {said}."
    if not answer.values(ALLOW_METHODS):
        what = f"There is no Access-Control-Allow-Methods that would list {name}."
    elif method.lower() in {item.lower() for item in listed}:
        what = f"Access-Control-Allow-Methods is {said}; methods are case-sensitive: {name}."
    yield found(
        Code.METHOD_NOT_LISTED,
        what,
        exchange,
        error=CorsError.METHOD_DISALLOWED_BY_PREFLIGHT_RESPONSE,
        shown=name,
    )


def _look_at_headers(
    asked: BrowserRequest, exchange: Exchange, answer: Answer
) -> Iterator[Finding]:
    listed = list_items(answer, ALLOW_HEADERS)
    said = show(answer.combined(ALLOW_HEADERS) or b"")
    if listed is None:
        yield found(
            Code.HEADERS_MALFORMED,
            f"Access-Control-Allow-Headers is {said}.",
            exchange,
            error=CorsError.INVALID_ALLOW_HEADERS_PREFLIGHT_RESPONSE,
        )
        return
    if b"*" in listed and (asked.credentials or says_credentials(answer)):
        yield _wildcard("Access-Control-Allow-Headers", exchange)
        return
    names = {item.lower() for item in listed}
    refused = [
        name
        for name in unsafe_header_names(asked)
        if name not in names and (b"*" not in listed or name == b"authorization")
    ]
    if not refused:
        return
    missing = ", ".join(name.decode() for name in refused)
    what = f"Access-Control-Allow-Headers does not list {missing}: it is {said}."
    if not answer.values(ALLOW_HEADERS):
        what = f"There is no Access-Control-Allow-Headers that would list {missing}."
    elif b"*" in listed:
        what = "Access-Control-Allow-Headers is *, which never covers authorization."
    yield found(
        Code.HEADER_NOT_LISTED,
        what,
        exchange,
        error=CorsError.HEADER_DISALLOWED_BY_PREFLIGHT_RESPONSE,
        shown=refused[0].decode(),
    )


def _wildcard(name: str, exchange: Exchange) -> Finding:
    return found(
        Code.WILDCARD_LIST_WITH_CREDENTIALS, f"{name} holds *, and cookies are allowed.", exchange
    )
