"""What is wrong with the answer to a preflight (Fetch section 4.8): status, lists, and how long it counts.

A browser stops at the first thing that is wrong; whoever has to mend it wants all of them. So only a
wrong status ends the search: what else such an answer says was not meant for a preflight.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cors_gateway.cors.browser import (
    REDIRECTS,
    BrowserRequest,
    CorsError,
    judge_preflight,
    unsafe_header_names,
)
from cors_gateway.cors.methods import SAFELISTED_METHODS
from cors_gateway.cors.tokens import is_token
from cors_gateway.doctor.case import ALLOW_ORIGIN, Answer, Exchange
from cors_gateway.doctor.catalogue import Code
from cors_gateway.doctor.finding import Finding, found, show
from cors_gateway.doctor.values import look_at_grant, says_credentials

__all__ = ["ALLOW_HEADERS", "ALLOW_METHODS", "list_items", "look_at_preflight"]

ALLOW_METHODS = b"access-control-allow-methods"
ALLOW_HEADERS = b"access-control-allow-headers"

_NOT_THERE = frozenset({404, 405, 410, 501})
_LOGIN = frozenset({401, 407, 511})


@dataclass(frozen=True, slots=True, kw_only=True)
class _List:
    """One of the two lists of an answer, and by what a mistake in it is named."""

    name: str
    lower_name: bytes
    refused: Callable[[BrowserRequest, list[bytes]], list[bytes]]
    """Gives what the page wants and the items do not allow."""
    malformed: Code
    parse_error: CorsError
    not_listed: Code
    refusal: CorsError


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
    for kind in (_METHODS, _HEADERS):
        yield from _look_at_list(kind, asked, exchange, answer)
    lines = answer.values(b"access-control-max-age")
    if lines and not (len(lines) == 1 and lines[0].removeprefix(b"-").isdigit()):
        what = (
            f"Access-Control-Max-Age is {show(b', '.join(lines))}, which is no number of seconds."
        )
        yield found(Code.MAX_AGE_INVALID, what, exchange)


def _judge_status(asked: BrowserRequest, exchange: Exchange, answer: Answer) -> Finding:
    code, what = Code.PREFLIGHT_STATUS, f"The preflight is answered by {answer.status}."
    location = answer.combined(b"location")
    if answer.status in REDIRECTS and location is not None:
        code = Code.PREFLIGHT_REDIRECT
        what = f"The preflight is redirected to {show(location)}."
    elif answer.status in _NOT_THERE:
        code = Code.PREFLIGHT_NOT_ANSWERED
    elif answer.status in _LOGIN:
        code = Code.PREFLIGHT_NEEDS_LOGIN
    error = judge_preflight(asked, answer.status, answer.fields)
    shown = (answer.combined(ALLOW_ORIGIN) or b"").decode("latin-1")
    return found(code, what, exchange, error=error, shown=shown)


def _look_at_list(
    kind: _List, asked: BrowserRequest, exchange: Exchange, answer: Answer
) -> Iterator[Finding]:
    name, listed = kind.name, list_items(answer, kind.lower_name)
    said = show(answer.combined(kind.lower_name) or b"")
    if listed is None:
        yield found(kind.malformed, f"{name} is {said}.", exchange, error=kind.parse_error)
        return
    if b"*" in listed and (asked.credentials or says_credentials(answer)):
        what = f"{name} holds *, and cookies are allowed."
        yield found(Code.WILDCARD_LIST_WITH_CREDENTIALS, what, exchange)
        return
    refused = [one.decode() for one in kind.refused(asked, listed)]
    if not refused:
        return
    missing = ", ".join(refused)
    what = f"{name} does not list {missing}: it is {said}."
    if not answer.values(kind.lower_name):
        what = f"There is no {name} that would list {missing}."
    elif b"*" in listed:
        what = f"{name} is *, which never covers {missing}."
    elif missing.lower().encode() in {item.lower() for item in listed}:
        what = f"{name} is {said}; methods are case-sensitive: {missing}."
    yield found(kind.not_listed, what, exchange, error=kind.refusal, shown=refused[0])


def _refused_methods(asked: BrowserRequest, listed: list[bytes]) -> list[bytes]:
    is_allowed = asked.method in SAFELISTED_METHODS or asked.method in listed or b"*" in listed
    return [] if is_allowed else [asked.method]


def _refused_headers(asked: BrowserRequest, listed: list[bytes]) -> list[bytes]:
    names = {item.lower() for item in listed}
    return [
        name
        for name in unsafe_header_names(asked)
        if name not in names and (b"*" not in listed or name == b"authorization")
    ]


_METHODS = _List(
    name="Access-Control-Allow-Methods",
    lower_name=ALLOW_METHODS,
    refused=_refused_methods,
    malformed=Code.METHODS_MALFORMED,
    parse_error=CorsError.INVALID_ALLOW_METHODS_PREFLIGHT_RESPONSE,
    not_listed=Code.METHOD_NOT_LISTED,
    refusal=CorsError.METHOD_DISALLOWED_BY_PREFLIGHT_RESPONSE,
)
_HEADERS = _List(
    name="Access-Control-Allow-Headers",
    lower_name=ALLOW_HEADERS,
    refused=_refused_headers,
    malformed=Code.HEADERS_MALFORMED,
    parse_error=CorsError.INVALID_ALLOW_HEADERS_PREFLIGHT_RESPONSE,
    not_listed=Code.HEADER_NOT_LISTED,
    refusal=CorsError.HEADER_DISALLOWED_BY_PREFLIGHT_RESPONSE,
)
