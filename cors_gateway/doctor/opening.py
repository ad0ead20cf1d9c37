"""How a person's words become a case: what stands for what was not said, and what is refused.

Knows which questions make no sense of an API that is examined; whether a browser would ask them is
``explain``'s. Sends nothing.
"""

from collections.abc import Sequence

from cors_gateway.cors.origins import parse_origin, serialize_origin, suggest_origin
from cors_gateway.cors.public_suffixes import IsPublicSuffix
from cors_gateway.cors.request_headers import is_forbidden_request_header
from cors_gateway.doctor.case import Case
from cors_gateway.doctor.strangers import Strangers, find_strangers
from cors_gateway.explain.question import Question, QuestionError, parse_question
from cors_gateway.messages.heads import FieldLines

__all__ = ["ASSUMED_PAGE", "MOST_PAGES", "open_case"]

ASSUMED_PAGE = "https://app.example.com"
"""Stands for the page's origin where none was given."""

MOST_PAGES = 3
"""Origins that may be given: with more there would be no request left for the others."""

_ORDERS_ANOTHER_METHOD = frozenset(
    {b"x-http-method", b"x-http-method-override", b"x-method-override"}
)
"""With such a header an API may take a harmless request for another."""

_JSON: FieldLines = ((b"Content-Type", b"application/json"),)


def open_case(
    url: str,
    origins: Sequence[str],
    is_public_suffix: IsPublicSuffix,
    *,
    method: str | None = None,
    headers: Sequence[tuple[bytes, bytes]] = (),
    credentials: bool = False,
) -> Case:
    """Read what a person wants to have examined.

    Args:
        url: of the API.
        origins: whose pages call it; none for anybody's.
        is_public_suffix: whether names below a domain belong to different parties.
        method: what they send it with.
        headers: that they set.
        credentials: whether they say ``credentials: 'include'``.

    Raises:
        QuestionError: with how to say it.
    """
    if url.startswith(("/", "ws:", "wss:")):
        raise QuestionError(f"{url!a} is no address of an API: write http://host/path")
    if len(origins) > MOST_PAGES:
        raise QuestionError(
            f"name {MOST_PAGES} origins at most: only a handful of requests is sent"
        )
    for name, _ in headers:
        if is_forbidden_request_header(name):
            raise QuestionError(f"browsers do not let a page set {name.decode()}: leave it out")
        if name.lower() in _ORDERS_ANOTHER_METHOD:
            why = "makes some APIs carry out another method, and only harmless requests are sent"
            raise QuestionError(f"{name.decode()} {why}: leave it out")
    is_call_assumed = method is None and not headers
    call = "POST" if is_call_assumed else (method or "GET")
    pages = tuple(
        parse_question(
            url,
            origin=_check_origin(origin),
            method=call,
            headers=_JSON if is_call_assumed else headers,
            credentials=credentials,
        )
        for origin in (dict.fromkeys(origins) or [ASSUMED_PAGE])
    )
    for page in pages:
        if page.origin == serialize_origin(page.own_origin):
            raise QuestionError(
                f"{page.origin.decode()} is the API's own origin, and browsers ask nothing there: "
                "name the page's"
            )
    return Case(
        pages=pages,
        is_page_assumed=not origins,
        is_call_assumed=is_call_assumed,
        sites=tuple(page.site(is_public_suffix) or "cross-site" for page in pages),
        strangers=_find_strangers(pages[0], is_public_suffix),
    )


def _check_origin(text: str) -> str:
    if parse_origin(text.encode(errors="replace")) is not None:
        return text
    if text.strip().lower() == "null":
        why = "null is any page that hides where it is from"
        raise QuestionError(f"{why}, and it is tried anyway: name the page's origin")
    meant = suggest_origin(text)
    fix = f"did you mean {meant}?" if meant else "write https://app.example.com"
    raise QuestionError(f"{text!a} is no origin, {fix}")


def _find_strangers(question: Question, is_public_suffix: IsPublicSuffix) -> Strangers:
    page = parse_origin(question.origin or b"")
    assert page is not None  # noqa: S101 - it has been checked
    return find_strangers(page, question.own_origin, is_public_suffix)
