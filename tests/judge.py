"""The judge: what a browser makes of a CORS answer, written from the Fetch standard alone.

It decides what a page may do with a response, from the field lines on the wire: the CORS check
(4.10), the CORS-preflight fetch (4.8), CORS-safelisted methods and request-headers (2.2), the
redirect of a CORS request (4.4), the headers a page may read (CORS filtered response) and the
timing check (TAO). It knows nothing of the gateway: whatever the gateway's own idea of a browser
is, this one was written apart from it, so that an error has to be made twice to go unseen.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urljoin, urlsplit

__all__ = [
    "FieldLines",
    "Page",
    "Verdict",
    "exposed_names",
    "follow_redirect",
    "judge_preflight",
    "judge_response",
    "may_read_timing",
    "preflight_lines",
    "unsafe_names",
]

FieldLines = tuple[tuple[bytes, bytes], ...]

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_UNSAFE_BYTES = frozenset(range(0x20)) - {0x09} | frozenset(b'"():<>?@[\\]{}\x7f')
_LANGUAGE = re.compile(rb"[0-9A-Za-z *,\-.;=]*")
_RANGE = re.compile(rb"bytes=([0-9]+)-([0-9]*)")
_MIME_TYPE = re.compile(
    rb"[\t\n\r ]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+/[!#$%&'*+\-.^_`|~0-9A-Za-z]+)[\t\n\r ]*(?:;.*)?",
    re.DOTALL,
)
_FORM_TYPES = {b"application/x-www-form-urlencoded", b"multipart/form-data", b"text/plain"}
_SAFELISTED_METHODS = {b"GET", b"HEAD", b"POST"}
_NORMALIZED_METHODS = {b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"POST", b"PUT"}
_FORBIDDEN_RESPONSE_NAMES = {b"set-cookie", b"set-cookie2"}
_REDIRECTS = {301, 302, 303, 307, 308}
_BODY_NAMES = {b"content-encoding", b"content-language", b"content-location", b"content-type"}
_SAFELISTED_RESPONSE_NAMES = {
    b"cache-control",
    b"content-language",
    b"content-length",
    b"content-type",
    b"expires",
    b"last-modified",
    b"pragma",
}


class Verdict(StrEnum):
    """Allowed, or the reason of the network error."""

    ALLOWED = "allowed"
    NO_ALLOW_ORIGIN = "no Access-Control-Allow-Origin"
    WILDCARD_WITH_CREDENTIALS = "a wildcard origin with credentials"
    OTHER_ALLOW_ORIGIN = "Access-Control-Allow-Origin is not the page's origin"
    NO_ALLOW_CREDENTIALS = "Access-Control-Allow-Credentials is not true"
    PREFLIGHT_STATUS = "the preflight's status is not ok"
    UNPARSABLE_METHODS = "Access-Control-Allow-Methods is not a list of methods"
    UNPARSABLE_HEADERS = "Access-Control-Allow-Headers is not a list of names"
    METHOD = "the method is not allowed"
    AUTHORIZATION = "Authorization is not named"
    HEADER = "a header is not allowed"
    REDIRECT = "the redirect may not be followed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page on another origin that calls ``fetch``."""

    origin: bytes
    """As serialized: ``https://app.example.com`` or ``null``."""
    method: bytes = b"GET"
    headers: FieldLines = ()
    """What its author set."""
    credentials: bool = False
    """Whether the credentials mode is ``include``."""
    exact_method: bool = False
    """Whether the method is sent as it stands, as only something other than ``fetch`` can."""

    @property
    def sent_method(self) -> bytes:
        upper = self.method.upper()
        normalized = upper in _NORMALIZED_METHODS and not self.exact_method
        return upper if normalized else self.method


def _get(fields: FieldLines, name: bytes) -> bytes | None:
    values = [value for key, value in fields if key.lower() == name]
    return b", ".join(values) if values else None


def _extract_list(fields: FieldLines, name: bytes) -> list[bytes] | None:
    """Parse a ``#token`` field; ``None`` is failure, an absent field is an empty list."""
    items: list[bytes] = []
    for key, value in fields:
        if key.lower() == name:
            for part in value.split(b","):
                item = part.strip(b"\t ")
                if item and not _TOKEN.fullmatch(item):
                    return None
                if item:
                    items.append(item)
    return items


def _is_safelisted(name: bytes, value: bytes) -> bool:
    lower = name.lower()
    if len(value) > 128:
        return False
    if lower == b"accept":
        return _UNSAFE_BYTES.isdisjoint(value)
    if lower in {b"accept-language", b"content-language"}:
        return _LANGUAGE.fullmatch(value) is not None
    if lower == b"content-type":
        essence = _MIME_TYPE.fullmatch(value)
        return (
            _UNSAFE_BYTES.isdisjoint(value)
            and essence is not None
            and essence[1].lower() in _FORM_TYPES
        )
    if lower == b"range":
        span = _RANGE.fullmatch(value)
        return span is not None and (not span[2] or int(span[1]) <= int(span[2]))
    return False


def unsafe_names(headers: FieldLines) -> tuple[bytes, ...]:
    """Name the CORS-unsafe request-headers: lower-case, unique, sorted."""
    safe = [(name, value) for name, value in headers if _is_safelisted(name, value)]
    unsafe = [name for name, value in headers if not _is_safelisted(name, value)]
    if sum(len(value) for _, value in safe) > 1024:
        unsafe += [name for name, _ in safe]
    return tuple(sorted({name.lower() for name in unsafe}))


def preflight_lines(page: Page) -> FieldLines | None:
    """Write the preflight's fields that this page's request needs, or ``None`` if it needs none."""
    names = unsafe_names(page.headers)
    if page.sent_method in _SAFELISTED_METHODS and not names:
        return None
    lines: FieldLines = (
        (b"Origin", page.origin),
        (b"Access-Control-Request-Method", page.sent_method),
    )
    if names:
        lines += ((b"Access-Control-Request-Headers", b",".join(names)),)
    return lines


def judge_response(page: Page, fields: FieldLines) -> Verdict:
    """Run the CORS check on the response to the request itself."""
    allowed = _get(fields, b"access-control-allow-origin")
    if allowed is None:
        return Verdict.NO_ALLOW_ORIGIN
    if allowed == b"*" and not page.credentials:
        return Verdict.ALLOWED
    if allowed != page.origin:
        wildcard = allowed == b"*"
        return Verdict.WILDCARD_WITH_CREDENTIALS if wildcard else Verdict.OTHER_ALLOW_ORIGIN
    if page.credentials and _get(fields, b"access-control-allow-credentials") != b"true":
        return Verdict.NO_ALLOW_CREDENTIALS
    return Verdict.ALLOWED


def judge_preflight(page: Page, status: int, fields: FieldLines) -> Verdict:
    """Judge the answer to the preflight of this page's request."""
    check = judge_response(page, fields)
    if check is not Verdict.ALLOWED:
        return check
    if not 200 <= status <= 299:
        return Verdict.PREFLIGHT_STATUS
    methods = _extract_list(fields, b"access-control-allow-methods")
    if methods is None:
        return Verdict.UNPARSABLE_METHODS
    names = _extract_list(fields, b"access-control-allow-headers")
    if names is None:
        return Verdict.UNPARSABLE_HEADERS
    method = page.sent_method
    listed = method in methods or method in _SAFELISTED_METHODS
    if not listed and (page.credentials or b"*" not in methods):
        return Verdict.METHOD
    named = {name.lower() for name in names}
    if b"authorization" in {name.lower() for name, _ in page.headers} - named:
        return Verdict.AUTHORIZATION
    unnamed = set(unsafe_names(page.headers)) - named
    if unnamed and (page.credentials or b"*" not in names):
        return Verdict.HEADER
    return Verdict.ALLOWED


def follow_redirect(page: Page, here: str, status: int, fields: FieldLines) -> Page | Verdict:
    """Say as whom a page's request goes on after a redirect, or why it may not.

    ``here`` is the URL that answered. What is no redirect leaves the page as it is.
    """
    check = judge_response(page, fields)
    if check is not Verdict.ALLOWED:
        return check
    location = _get(fields, b"location")
    if status not in _REDIRECTS or location is None:
        return page
    there = urlsplit(urljoin(here, location.decode("latin-1")))
    if there.scheme not in {"http", "https"} or there.username or there.password:
        return Verdict.REDIRECT
    headers, method, origin = page.headers, page.sent_method, page.origin
    if (status in {301, 302} and method == b"POST") or (
        status == 303 and method not in {b"GET", b"HEAD"}
    ):
        method = b"GET"
        headers = tuple(line for line in headers if line[0].lower() not in _BODY_NAMES)
    before, after = (f"{url.scheme}://{url.netloc}".encode() for url in (urlsplit(here), there))
    if before != after:
        headers = tuple(line for line in headers if line[0].lower() != b"authorization")
        if before != origin:
            origin = b"null"
    return replace(page, method=method, headers=headers, origin=origin)


def exposed_names(page: Page, fields: FieldLines) -> set[bytes]:
    """Name the response's fields that this page may read, in lower case."""
    present = {name.lower() for name, _ in fields} - _FORBIDDEN_RESPONSE_NAMES
    names = _extract_list(fields, b"access-control-expose-headers") or []
    if b"*" in names and not page.credentials:
        return present
    return present & (_SAFELISTED_RESPONSE_NAMES | {name.lower() for name in names})


def may_read_timing(origin: bytes, fields: FieldLines) -> bool:
    """Run the timing check of the Timing-Allow-Origin field."""
    values: Iterable[bytes] = (_get(fields, b"timing-allow-origin") or b"").split(b",")
    return not {b"*", origin}.isdisjoint(value.strip(b"\t ") for value in values)
