"""A configuration of the gateway for an API, made of what was given and what the API said.

What is proposed loads and passes its own tests. It allows what a page was seen to need, never what
the API allowed by mistake: no ``*``, no ``null``, no origin that nobody gave, no cookies that nobody
asked for, and nothing that the API has told a stranger only.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from cors_gateway.cors.exposure import is_forbidden_response_header
from cors_gateway.cors.methods import RECEIVABLE_METHODS
from cors_gateway.cors.origins import is_ip_address, is_loopback
from cors_gateway.cors.policy import PolicySettings, compile_policy
from cors_gateway.cors.public_suffixes import IsPublicSuffix
from cors_gateway.cors.request_headers import (
    ALWAYS_ACCEPTED_HEADERS,
    SAFELISTED_REQUEST_HEADERS,
    is_forbidden_request_header,
)
from cors_gateway.doctor.case import Answer, Case, Course
from cors_gateway.doctor.catalogue import Code, Kind
from cors_gateway.doctor.finding import Finding
from cors_gateway.doctor.findings import EXPOSE_HEADERS
from cors_gateway.doctor.preflights import ALLOW_HEADERS, ALLOW_METHODS, list_items
from cors_gateway.doctor.strangers import STRANGER
from cors_gateway.doctor.values import says_credentials

__all__ = ["propose"]

_METHODS = (b"GET", b"HEAD", b"POST")
_USUAL_METHODS = frozenset({b"DELETE", b"GET", b"HEAD", b"PATCH", b"POST", b"PUT"})
"""What pages use; another is proposed only if it was asked for."""
_HEADERS = (b"Content-Type", b"X-Requested-With")

_READ_BY_PAGES = frozenset(
    b"content-disposition content-range etag link location retry-after".split()
)
"""Names of the standards that are of use to a page, and that it reads only by permission."""

_NOT_FOR_PAGES = (
    b"x-accel-",
    b"x-aspnet",
    b"x-cache",
    b"x-content-type-options",
    b"x-dns-prefetch",
    b"x-download-options",
    b"x-frame-options",
    b"x-permitted-",
    b"x-powered-by",
    b"x-robots-tag",
    b"x-runtime",
    b"x-served-by",
    b"x-ua-compatible",
    b"x-xss-protection",
)
"""Beginnings of what servers send for browsers, caches and nobody."""

_MOST_NAMES = 20
"""In a list: a person is to read it."""

_LONGEST_NAME = 64
"""Bytes of a header's name, for the same reason; YAML takes no key of more than 1024."""

_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_-]*")

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[a-z.][a-z0-9+./-]*:[A-Za-z0-9._~/%:*-]*[A-Za-z0-9/*]")
_MEANS_MORE = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_PATH = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?")

_TEMPLATE = """\
# For {url}, by cors-gateway doctor.
corsPolicies:
  pages:
    allowOrigins:{hint}
{origins}
    allowMethods: [{methods}]
    allowHeaders: [{headers}]
{exposed}    allowCredentials: {credentials}{unasked}
{guard}
defaults:
  cors: pages

routes:
  - name: api
    match: {{path: /}}
{upstream}
{rewrites}    # What the API says of CORS itself is removed.
    cors: pages

tests:
  - {{origin: {page}, method: {method}, path: {path}{asked}, expect: allow}}
  - {{origin: {stranger}, path: {path}, expect: deny}}
"""

_GUARD = """\
    # SameSite=None gives up what keeps other sites from using the cookies; this takes its place.
    csrfGuard: true
"""

_REWRITES = {
    Code.COOKIE_STAYS_HOME: """\
    # Better: a name of the page's site for the gateway. Then leave out this and csrfGuard.
    cookies: {secure: add, sameSite: None}
""",
    Code.REDIRECT: """\
    # Or have the page call the address that the API redirects to.
    redirects: rewrite
""",
}
"""What is proposed for what is wrong."""


def propose(
    case: Case,
    course: Course,
    findings: Iterable[Finding],
    is_public_suffix: IsPublicSuffix,
) -> str:
    """Write the configuration, as YAML.

    Args:
        case: what was examined.
        course: what was answered.
        findings: what is wrong with that.
        is_public_suffix: whether names below a domain belong to different parties.
    """
    own = {None, *(page.origin for page in case.pages)}
    exchanges = [one for one in course.exchanges if one.probe.origin in own]
    answers = [one.answer for one in exchanges if one.answer is not None]
    settings = _settings(case, answers)
    if compile_policy(settings, is_public_suffix)[0] is None:
        # Plain http with cookies: the one thing that an origin can be given for and that is refused.
        settings = replace(settings, allow_credentials=False)
    codes = {one.code for one in findings if one.kind is not Kind.NOTE}
    exposed = ", ".join(map(_scalar, settings.expose_headers))
    if not settings.allow_credentials:
        codes -= {Code.COOKIE_STAYS_HOME}
    unasked = not case.page.credentials and any(map(says_credentials, answers))
    page, path = case.page, case.page.target.partition(b"?")[0].decode()
    return _TEMPLATE.format(
        url=f"{case.base}{path}",
        hint="  # the origins of your pages in its place" if case.is_page_assumed else "",
        origins="\n".join(f"      - {_scalar(origin)}" for origin in settings.allow_origins),
        methods=", ".join(map(_scalar, settings.allow_methods)),
        headers=", ".join(map(_scalar, settings.allow_headers)),
        exposed=f"    exposeHeaders: [{exposed}]\n" if exposed else "",
        credentials=str(settings.allow_credentials).lower(),
        unasked="  # true, if the page sends cookies: the API allows it" if unasked else "",
        guard=_GUARD if Code.COOKIE_STAYS_HOME in codes else "",
        upstream=_upstream(case, codes),
        rewrites="".join(text for code, text in _REWRITES.items() if code in codes),
        page=_scalar(settings.allow_origins[0]),
        method=page.method.decode() if page.method in RECEIVABLE_METHODS else "GET",
        path=path if _PATH.fullmatch(path) else "/",
        asked=_asked(case, settings),
        stranger=STRANGER.decode(),
    )


def _settings(case: Case, answers: list[Answer]) -> PolicySettings:
    return PolicySettings(
        allow_origins=tuple((page.origin or b"").decode() for page in case.pages),
        allow_methods=_unique((*_METHODS, *_methods(case, answers))),
        allow_headers=_unique((*_HEADERS, *_request_headers(case, answers))),
        expose_headers=_unique(_response_headers(answers)),
        allow_credentials=case.page.credentials,
    )


def _methods(case: Case, answers: list[Answer]) -> Iterator[bytes]:
    """Give the methods that the page uses, and those that the API says it has."""
    yield from {case.page.method} & RECEIVABLE_METHODS
    names = (ALLOW_METHODS, b"allow")
    said = {item for one in answers for name in names for item in list_items(one, name) or ()}
    # Some servers order Allow differently each time.
    yield from sorted(said & _USUAL_METHODS)


def _request_headers(case: Case, answers: list[Answer]) -> Iterator[bytes]:
    names = [name for name, _ in case.page.headers]
    for answer in answers:
        names += [b"Authorization"] if answer.values(b"www-authenticate") else []
        names += list_items(answer, ALLOW_HEADERS) or ()
    for name in filter(_is_presentable, names):
        if name.lower() not in ALWAYS_ACCEPTED_HEADERS and not is_forbidden_request_header(name):
            yield name


def _response_headers(answers: list[Answer]) -> Iterator[bytes]:
    for answer in answers:
        listed = list_items(answer, EXPOSE_HEADERS) or ()
        names = filter(_is_presentable, listed)
        yield from (name for name in names if not is_forbidden_response_header(name))
    for answer in answers:
        for name, _ in answer.fields:
            if not _is_presentable(name):
                continue
            lower = name.lower()
            is_own = lower.startswith(b"x-") and not lower.startswith(_NOT_FOR_PAGES)
            if is_own or lower in _READ_BY_PAGES:
                yield name


def _is_presentable(name: bytes) -> bool:
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None


def _unique(names: Iterable[bytes]) -> tuple[str, ...]:
    """Give each name once, in its first spelling; ``*`` is none."""
    first: dict[bytes, str] = {}
    for name in names:
        if name != b"*":
            first.setdefault(name.lower(), name.decode("ascii"))
    return tuple(first.values())[:_MOST_NAMES]


def _upstream(case: Case, codes: set[Code]) -> str:
    host = case.page.own_origin.host
    # What has a name of the Internet's is mostly one of several at its address.
    is_chosen_by_name = "." in host and not is_ip_address(host) and not is_loopback(host)
    extra = ["      host: upstream"] if is_chosen_by_name else []
    if Code.REFUSES_ORIGIN in codes:
        extra.append("      origin: drop")
    if not extra:
        return f"    upstream: {_scalar(case.base)}"
    return "\n".join(["    upstream:", f"      url: {_scalar(case.base)}", *extra])


def _asked(case: Case, settings: PolicySettings) -> str:
    """Write what the test of the page has beside its method; a token's value is nobody's business."""
    headers = {
        _quote(name.decode()): _scalar(value.decode("latin-1"))
        if name.lower() in SAFELISTED_REQUEST_HEADERS
        else '""'
        for name, value in case.page.headers
        if _is_presentable(name)
    }
    inner = ", ".join(f"{name}: {value}" for name, value in headers.items())
    text = f", headers: {{{inner}}}" if headers else ""
    is_with_cookies = case.page.credentials and settings.allow_credentials
    return text + ", credentials: true" * is_with_cookies


def _scalar(text: str) -> str:
    """Spell a value in which nothing is substituted."""
    return _quote(text.replace("$", "$$"))


def _quote(text: str) -> str:
    """Spell a text as one scalar; in a key nothing is substituted anyway."""
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _MEANS_MORE
    return text if is_plain else json.dumps(text)
