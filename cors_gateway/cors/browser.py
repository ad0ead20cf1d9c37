"""The browser's side of the protocol, so that ``explain`` can tell what a page will see.

Follows the Fetch standard: which requests need a preflight (section 2.2.2), and the CORS checks of
the answers (sections 4.8 to 4.10). The verdicts carry the names under which Chromium reports them
to its developer tools. Like Chromium, and unlike the standard's text, a preflight's access check
comes before the check of its status; the result is the same, only the name differs.

Knows no policy: it judges what is on the wire, whoever sent it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from string import ascii_letters, digits

from cors_gateway.cors.methods import SAFELISTED_METHODS, normalize_method
from cors_gateway.cors.request_headers import SAFELISTED_REQUEST_HEADERS
from cors_gateway.cors.tokens import is_token

__all__ = [
    "REDIRECTS",
    "BrowserRequest",
    "CorsError",
    "judge_preflight",
    "judge_response",
    "needs_preflight",
    "normalize_method",
    "unsafe_header_names",
]

REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""The statuses that a browser follows (Fetch, redirect status)."""

_SAFELISTED_TYPES = frozenset(
    {b"application/x-www-form-urlencoded", b"multipart/form-data", b"text/plain"}
)
_LANGUAGE_BYTES = (ascii_letters + digits + " *,-.;=").encode()
_UNSAFE_BYTES = bytes(range(9)) + bytes(range(10, 32)) + b'"():<>?@[\\]{}\x7f'
_URL = re.compile(rb"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<rest>.*)", re.DOTALL)
_WEB_SCHEMES = frozenset({b"http", b"https", b"ws", b"wss", b"ftp"})
_HOST_AND_PORT = re.compile(
    rb"(?:[^/\\?#]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^\x00-\x20\"<>\[\]^`{|}/\\?#@:]+)(?::(?P<port>[0-9]*))?(?:[/\\?#].*)?",
    re.DOTALL,
)
_MAX_SAFELISTED_VALUE = 128
_MAX_SAFELISTED_VALUES = 1024


class CorsError(StrEnum):
    """Why a browser refuses: Chromium's ``Network.CorsError``, as far as it can happen here."""

    MISSING_ALLOW_ORIGIN_HEADER = "MissingAllowOriginHeader"
    MULTIPLE_ALLOW_ORIGIN_VALUES = "MultipleAllowOriginValues"
    INVALID_ALLOW_ORIGIN_VALUE = "InvalidAllowOriginValue"
    ALLOW_ORIGIN_MISMATCH = "AllowOriginMismatch"
    WILDCARD_ORIGIN_NOT_ALLOWED = "WildcardOriginNotAllowed"
    INVALID_ALLOW_CREDENTIALS = "InvalidAllowCredentials"
    PREFLIGHT_MISSING_ALLOW_ORIGIN_HEADER = "PreflightMissingAllowOriginHeader"
    PREFLIGHT_MULTIPLE_ALLOW_ORIGIN_VALUES = "PreflightMultipleAllowOriginValues"
    PREFLIGHT_INVALID_ALLOW_ORIGIN_VALUE = "PreflightInvalidAllowOriginValue"
    PREFLIGHT_ALLOW_ORIGIN_MISMATCH = "PreflightAllowOriginMismatch"
    PREFLIGHT_WILDCARD_ORIGIN_NOT_ALLOWED = "PreflightWildcardOriginNotAllowed"
    PREFLIGHT_INVALID_ALLOW_CREDENTIALS = "PreflightInvalidAllowCredentials"
    PREFLIGHT_INVALID_STATUS = "PreflightInvalidStatus"
    PREFLIGHT_DISALLOWED_REDIRECT = "PreflightDisallowedRedirect"
    INVALID_ALLOW_METHODS_PREFLIGHT_RESPONSE = "InvalidAllowMethodsPreflightResponse"
    INVALID_ALLOW_HEADERS_PREFLIGHT_RESPONSE = "InvalidAllowHeadersPreflightResponse"
    METHOD_DISALLOWED_BY_PREFLIGHT_RESPONSE = "MethodDisallowedByPreflightResponse"
    HEADER_DISALLOWED_BY_PREFLIGHT_RESPONSE = "HeaderDisallowedByPreflightResponse"


@dataclass(frozen=True, slots=True)
class BrowserRequest:
    """What a page asks its browser to send to another origin."""

    origin: bytes
    """The page's, serialized."""
    method: bytes
    """As it goes on the wire: see ``normalize_method``."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Those that the page sets itself."""
    credentials: bool = False
    """Whether the credentials mode is ``include``."""


_Fields = Iterable[tuple[bytes, bytes]]


def needs_preflight(request: BrowserRequest) -> bool:
    """Say whether a browser asks before it sends the request."""
    return request.method not in SAFELISTED_METHODS or bool(unsafe_header_names(request))


def unsafe_header_names(request: BrowserRequest) -> list[bytes]:
    """Name the headers that need permission: in lower case, sorted, once each."""
    unsafe: set[bytes] = set()
    safe: set[bytes] = set()
    total = 0
    for name, value in request.headers:
        if _is_safelisted(name.lower(), value):
            safe.add(name.lower())
            total += len(value)
        else:
            unsafe.add(name.lower())
    return sorted(unsafe | safe if total > _MAX_SAFELISTED_VALUES else unsafe)


def judge_preflight(request: BrowserRequest, status: int, fields: _Fields) -> CorsError | None:
    """Judge the answer to the preflight of a request; ``None`` lets the request follow."""
    fields = tuple(fields)
    if status in REDIRECTS and _combine(fields, b"location") is not None:
        return CorsError.PREFLIGHT_DISALLOWED_REDIRECT
    error = judge_response(request, fields)
    if error is not None:
        return CorsError(f"Preflight{error}")
    if not 200 <= status <= 299:
        return CorsError.PREFLIGHT_INVALID_STATUS
    methods = _parse_tokens(_combine(fields, b"access-control-allow-methods"))
    if methods is None:
        return CorsError.INVALID_ALLOW_METHODS_PREFLIGHT_RESPONSE
    names = _parse_tokens(_combine(fields, b"access-control-allow-headers"))
    if names is None:
        return CorsError.INVALID_ALLOW_HEADERS_PREFLIGHT_RESPONSE
    if request.method not in SAFELISTED_METHODS and not _is_listed(
        request, request.method, methods
    ):
        return CorsError.METHOD_DISALLOWED_BY_PREFLIGHT_RESPONSE
    lower_names = [name.lower() for name in names]
    for name in unsafe_header_names(request):
        # No wildcard covers this one name.
        is_covered = name != b"authorization" and _is_listed(request, name, lower_names)
        if not is_covered and name not in lower_names:
            return CorsError.HEADER_DISALLOWED_BY_PREFLIGHT_RESPONSE
    return None


def judge_response(request: BrowserRequest, fields: _Fields) -> CorsError | None:
    """Judge a response as the CORS check does; ``None`` lets the page read it."""
    fields = tuple(fields)
    allowed = _combine(fields, b"access-control-allow-origin")
    if allowed is None:
        return CorsError.MISSING_ALLOW_ORIGIN_HEADER
    if allowed == b"*":
        return CorsError.WILDCARD_ORIGIN_NOT_ALLOWED if request.credentials else None
    if allowed != request.origin:
        if b"," in allowed or b" " in allowed:
            return CorsError.MULTIPLE_ALLOW_ORIGIN_VALUES
        if allowed != b"null" and not _is_absolute_url(allowed):
            return CorsError.INVALID_ALLOW_ORIGIN_VALUE
        return CorsError.ALLOW_ORIGIN_MISMATCH
    if request.credentials and _combine(fields, b"access-control-allow-credentials") != b"true":
        return CorsError.INVALID_ALLOW_CREDENTIALS
    return None


def _is_listed(request: BrowserRequest, item: bytes, listed: Sequence[bytes]) -> bool:
    return item in listed or (b"*" in listed and not request.credentials)


def _combine(fields: Sequence[tuple[bytes, bytes]], lower_name: bytes) -> bytes | None:
    values = [value for name, value in fields if name.lower() == lower_name]
    return b", ".join(values) if values else None


def _parse_tokens(value: bytes | None) -> list[bytes] | None:
    """Parse a list of tokens; ``None`` if an item is none. A missing field is an empty list."""
    tokens = [item for part in (value or b"").split(b",") if (item := part.strip(b" \t"))]
    return tokens if all(map(is_token, tokens)) else None


def _is_absolute_url(value: bytes) -> bool:
    """Say whether Chromium takes a value for a URL: it only decides between two names for a refusal.

    It reads whatever has a scheme, ``localhost:3000`` too; a host and its port must only be such
    behind the schemes of the web.
    """
    found = _URL.fullmatch(value)
    if found is None:
        return False
    if found["scheme"].lower() not in _WEB_SCHEMES:
        return True
    host_and_port = _HOST_AND_PORT.fullmatch(found["rest"].lstrip(b"/\\"))
    return host_and_port is not None and int(host_and_port["port"] or 0) <= 65535


def _is_safelisted(lower_name: bytes, value: bytes) -> bool:
    if lower_name not in SAFELISTED_REQUEST_HEADERS or len(value) > _MAX_SAFELISTED_VALUE:
        return False
    match lower_name:
        case b"accept":
            return not _has_unsafe_byte(value)
        case b"content-type":
            essence = value.partition(b";")[0].strip(b" \t\r\n").lower()
            return not _has_unsafe_byte(value) and essence in _SAFELISTED_TYPES
        case b"range":
            return _is_simple_range(value)
        case _:
            return not value.translate(None, _LANGUAGE_BYTES)


def _has_unsafe_byte(value: bytes) -> bool:
    return len(value.translate(None, _UNSAFE_BYTES)) != len(value)


def _is_simple_range(value: bytes) -> bool:
    """Say whether a value is one range of bytes that has a start."""
    first, dash, last = value.removeprefix(b"bytes=").partition(b"-")
    if not value.startswith(b"bytes=") or not dash or not first.isdigit():
        return False
    return not last or (last.isdigit() and int(first) <= int(last))
