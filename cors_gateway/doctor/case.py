"""A case: the API that is examined, whose pages call it, and what was asked and answered so far.

Decides how a person's words become a case, and which origins stand for those that nobody named.
Sends nothing and judges nothing but one thing: whether an answer lets a page read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from cors_gateway.cors.browser import BrowserRequest, judge_response, needs_preflight
from cors_gateway.cors.origins import (
    TupleOrigin,
    is_ip_address,
    is_loopback,
    parse_origin,
    serialize_origin,
    suggest_origin,
)
from cors_gateway.cors.public_suffixes import IsPublicSuffix, registrable_domain
from cors_gateway.cors.request_headers import is_forbidden_request_header
from cors_gateway.explain.question import Question, QuestionError, Site, parse_question
from cors_gateway.messages.heads import FieldLines

__all__ = [
    "ASSUMED_PAGE",
    "MOST_PAGES",
    "STRANGER",
    "Answer",
    "Case",
    "Course",
    "Exchange",
    "Probe",
    "Purpose",
    "Rivals",
    "open_case",
]

ASSUMED_PAGE = "https://app.example.com"
"""Stands for the page's origin where none was given."""

MOST_PAGES = 3
"""Origins that may be given: with more there would be no request left for the others."""

STRANGER = b"https://attacker.example"
"""Nobody's page: ``.example`` is reserved (RFC 6761)."""

_ALLOW_ORIGIN = b"access-control-allow-origin"
_JSON: FieldLines = ((b"Content-Type", b"application/json"),)


class Purpose(StrEnum):
    """What a request is to find out."""

    PLAIN = "plain"
    """What is answered where no browser is involved."""
    PAGE = "page"
    """Whether a page that was named may read the answer."""
    PREFLIGHT = "preflight"
    """Whether it may send what it wants to send."""
    STRANGER = "stranger"
    """Whether everybody may read the answer."""
    LOOK_ALIKE = "look-alike"
    """Whether somebody may whose origin holds what is looked for: in front, in the middle, behind."""
    BEGINNING = "beginning"
    """Whether it is enough that an origin begins with, or holds, that of the page."""
    OWN_NAME = "own-name"
    """Whether it is enough that an origin holds the API's own name."""
    INSECURE = "insecure"
    """Whether the page's origin is also allowed over http."""
    NULL = "null"
    MISSING = "missing"
    """Whether the page may read an error."""
    STRANGERS_PREFLIGHT = "strangers-preflight"
    """Whether everybody may send what the page wants to send."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One request."""

    purpose: Purpose
    method: bytes
    target: bytes
    origin: bytes | None
    fields: FieldLines = ()
    """What is sent beside Origin, and what every request has."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer."""

    status: int
    fields: FieldLines = ()

    def values(self, lower_name: bytes) -> tuple[bytes, ...]:
        """Give the values of a field, one for each line."""
        return tuple(value for name, value in self.fields if name.lower() == lower_name)

    def combined(self, lower_name: bytes) -> bytes | None:
        """Give the value of a field as a browser sees it; ``None`` where there is none."""
        values = self.values(lower_name)
        return b", ".join(values) if values else None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, and what came of it."""

    probe: Probe
    answer: Answer | None
    trouble: str = ""
    """Why there is no answer."""

    @property
    def is_granted(self) -> bool:
        """Whether a page of the probe's origin may read the answer, if it sends no cookies."""
        return self.answer is not None and (
            judge_response(BrowserRequest(self.probe.origin or b"", b"GET"), self.answer.fields)
            is None
        )

    @property
    def is_for_all(self) -> bool:
        """Whether the answer says ``*``."""
        return self.answer is not None and self.answer.values(_ALLOW_ORIGIN) == (b"*",)


@dataclass(frozen=True, slots=True)
class Course:
    """What was asked and answered so far, in order."""

    exchanges: tuple[Exchange, ...] = ()

    def of(self, *purposes: Purpose) -> list[Exchange]:
        """Give the exchanges for some purposes that have an answer."""
        return [one for one in self.exchanges if one.answer and one.probe.purpose in purposes]

    def first(self, purpose: Purpose) -> Exchange | None:
        """Give the first of them."""
        return next(iter(self.of(purpose)), None)

    def grants(self, purpose: Purpose) -> bool:
        """Say whether such a request was made, and its page may read the answer."""
        return any(one.is_granted for one in self.of(purpose))


@dataclass(frozen=True, slots=True)
class Rivals:
    """Origins of somebody else, built to pass a comparison that is not one of the whole."""

    look_alike: bytes
    beginning: bytes | None
    """``None`` where the page has no name that could be continued."""
    own_name: bytes | None
    insecure: bytes | None
    """``None`` where the page's own is not https."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is examined."""

    pages: tuple[Question, ...]
    """What a page of each origin wants to send; they differ by origin alone."""
    is_page_assumed: bool
    is_call_assumed: bool
    """Neither method nor header was given, and JSON stands for what the page sends."""
    sites: tuple[Site, ...]
    """How far each page is from the API."""
    rivals: Rivals

    @property
    def page(self) -> Question:
        """The first of the pages: of the others only the origin is looked at."""
        return self.pages[0]

    @property
    def base(self) -> str:
        """The API's URL without a path."""
        return f"{self.page.scheme}://{self.page.authority.decode()}"

    @property
    def asks_first(self) -> bool:
        """Whether a browser sends a preflight for what the page wants."""
        return needs_preflight(self.page.browser_request())


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
        rivals=_find_rivals(pages[0], is_public_suffix),
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


def _find_rivals(question: Question, is_public_suffix: IsPublicSuffix) -> Rivals:
    page, api = parse_origin(question.origin or b""), question.own_origin
    assert page is not None  # noqa: S101 - it has been checked
    scheme = page.scheme if page.scheme in {"http", "https"} else "https"
    is_named = not is_ip_address(page.host) and not is_loopback(page.host) and "." in page.host
    # Somebody may own attackerexample.com; nobody but its owner has a name below example.com.
    domain = registrable_domain(page.host, is_public_suffix) if is_named else ".example"
    own = (page.host, api.host, f"attacker{domain}")
    whole = ".".join(part for part in own if not part.startswith("["))
    return Rivals(
        look_alike=_spell(TupleOrigin(scheme, whole, page.port)) or STRANGER,
        beginning=_spell(TupleOrigin(scheme, f"{page.host}.attacker.example", page.port)),
        own_name=_spell(TupleOrigin("https", f"{api.host}.attacker.example", None)),
        insecure=_spell(replace(page, scheme="http")) if page.scheme == "https" else None,
    )


def _spell(origin: TupleOrigin) -> bytes | None:
    """Serialize an origin; ``None`` where that makes none, such as one that is too long."""
    spelled = serialize_origin(origin)
    return spelled if parse_origin(spelled) else None
