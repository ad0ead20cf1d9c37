"""What is wrong with a grant: the values by which an answer lets one page read it, or means to.

Follows the CORS check of the Fetch standard (section 4.10) and names what the check only fails at. Looks
at one answer to one page's origin; of other origins and other answers it knows nothing.
"""

from collections.abc import Iterator

from cors_gateway.cors.browser import BrowserRequest, CorsError, judge_response
from cors_gateway.cors.origins import parse_origin, suggest_origin
from cors_gateway.doctor.case import ALLOW_ORIGIN, Answer, Exchange
from cors_gateway.doctor.catalogue import Code
from cors_gateway.doctor.finding import Finding, found, show

__all__ = ["ALLOW_CREDENTIALS", "look_at_grant", "says_credentials"]

ALLOW_CREDENTIALS = b"access-control-allow-credentials"

_NAME = "Access-Control-Allow-Origin"


def says_credentials(answer: Answer) -> bool:
    """Say whether an answer allows cookies."""
    return answer.combined(ALLOW_CREDENTIALS) == b"true"


def look_at_grant(exchange: Exchange, *, credentials: bool) -> Iterator[Finding]:
    """Find what keeps a page from reading an answer.

    Args:
        exchange: with the page's origin, and an answer.
        credentials: whether the page sends cookies.
    """
    answer, page = exchange.answer, exchange.probe.origin
    if answer is None or page is None:
        return
    lines = answer.values(ALLOW_ORIGIN)
    flaw = _judge(lines, page)
    if flaw is not None:
        error = judge_response(BrowserRequest(page, b"GET"), answer.fields)
        shown = b", ".join(lines).decode("latin-1")
        yield found(*flaw, exchange, error=error, shown=shown)
    yield from _look_at_credentials(exchange, answer, page, credentials=credentials)


def _judge(lines: tuple[bytes, ...], page: bytes) -> tuple[Code, str] | None:
    if not lines:
        return Code.NO_ALLOW_ORIGIN, f"The answer has no {_NAME}."
    if len(lines) > 1:
        text = " and ".join(map(show, lines))
        return Code.ALLOW_ORIGIN_REPEATED, f"There are {len(lines)} lines of {_NAME}: {text}."
    value = lines[0]
    if value in {page, b"*"}:
        return None
    said, text = f"{_NAME} is {show(value)}", value.decode("latin-1")
    if b"," in value or b" " in value:
        return Code.ALLOW_ORIGIN_LIST, f"{said}, a list."
    if b"*" in value:
        return Code.ALLOW_ORIGIN_PATTERN, f"{said}, a pattern."
    if value == b"null" or parse_origin(value) is not None:
        return Code.ALLOW_ORIGIN_OTHER, f"{said}, and not {page.decode()}."
    meant = suggest_origin(text)
    if meant is None:
        return Code.ALLOW_ORIGIN_INVALID, f"{said}." if value else f"{_NAME} is empty."
    is_schemeless = b"://" not in value
    code = Code.ALLOW_ORIGIN_WITHOUT_SCHEME if is_schemeless else Code.ALLOW_ORIGIN_MISSPELLED
    return code, f"{said}; an origin is spelled {meant}."


def _look_at_credentials(
    exchange: Exchange, answer: Answer, page: bytes, *, credentials: bool
) -> Iterator[Finding]:
    value = answer.combined(ALLOW_CREDENTIALS)
    shown = (value or b"").decode("latin-1")
    is_for_all = exchange.is_for_all
    if is_for_all and (credentials or value == b"true"):
        also = ", and Access-Control-Allow-Credentials is true" if value == b"true" else ""
        yield found(
            Code.WILDCARD_WITH_CREDENTIALS,
            f"{_NAME} is *{also}.",
            exchange,
            error=CorsError.WILDCARD_ORIGIN_NOT_ALLOWED,
        )
    if value not in {None, b"true", b"false"}:
        yield found(
            Code.CREDENTIALS_NOT_TRUE,
            f"Access-Control-Allow-Credentials is {show(value or b'')}.",
            exchange,
            error=CorsError.INVALID_ALLOW_CREDENTIALS,
            shown=shown,
        )
    elif credentials and value != b"true" and answer.combined(ALLOW_ORIGIN) == page:
        yield found(
            Code.CREDENTIALS_NOT_ALLOWED,
            "Access-Control-Allow-Credentials is " + ("missing." if value is None else "false."),
            exchange,
            error=CorsError.INVALID_ALLOW_CREDENTIALS,
            shown=shown,
        )
