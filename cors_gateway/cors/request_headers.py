"""Request-header names: safelisted and forbidden ones, and those that a preflight announces.

Fetch sections 2.2.2 and 4.8. Browsers announce names in lower case, sorted, once each and without
spaces. Other clients do not, and gateways on the way split lines; so order, case, repeats and
lines do not matter here, but amounts do: the bounds are checked before anything else is done.
"""

from collections.abc import Sequence

from cors_gateway.cors.tokens import is_token

__all__ = [
    "ALWAYS_ACCEPTED_HEADERS",
    "MAX_ANNOUNCED_BYTES",
    "MAX_ANNOUNCED_NAMES",
    "MAX_SPARE_SPACES",
    "SAFELISTED_REQUEST_HEADERS",
    "is_forbidden_request_header",
    "parse_announced_names",
]

MAX_ANNOUNCED_BYTES = 4096
"""Over all lines of ``Access-Control-Request-Headers``."""

MAX_ANNOUNCED_NAMES = 100
"""Before repeats are removed."""

MAX_SPARE_SPACES = 64
"""Bytes of white space beyond one for each name."""

SAFELISTED_REQUEST_HEADERS = frozenset(
    {b"accept", b"accept-language", b"content-language", b"content-type", b"range"}
)
"""Names that need no permission, unless their values are unusual or longer than 128 bytes."""

ALWAYS_ACCEPTED_HEADERS = SAFELISTED_REQUEST_HEADERS - {b"content-type"}
"""Allowed by every policy. A Content-Type that needs permission is one that forms cannot send."""

_FORBIDDEN_NAMES = frozenset(
    b"accept-charset accept-encoding access-control-request-headers access-control-request-method"
    b" access-control-request-private-network connection content-length cookie cookie2 date dnt"
    b" expect host keep-alive origin referer set-cookie te trailer transfer-encoding upgrade"
    b" via".split()
)


def is_forbidden_request_header(name: bytes) -> bool:
    """Say whether the standard keeps pages from setting a field of this name."""
    lower = name.lower()
    return lower in _FORBIDDEN_NAMES or lower.startswith((b"proxy-", b"sec-"))


def parse_announced_names(lines: Sequence[bytes]) -> tuple[bytes, ...] | None:
    """Parse the lines of ``Access-Control-Request-Headers``.

    Returns:
        The names in lower case, in the order of their first mention; ``None`` where a name is no
        token or the lines are past the bounds.
    """
    if sum(map(len, lines)) > MAX_ANNOUNCED_BYTES:
        return None
    value = b",".join(lines).lower()
    names = [name for item in value.split(b",") if (name := item.strip(b" \t"))]
    spaces = value.count(b" ") + value.count(b"\t")
    if len(names) > MAX_ANNOUNCED_NAMES or spaces > len(names) + MAX_SPARE_SPACES:
        return None
    unique = tuple(dict.fromkeys(names))
    return unique if all(map(is_token, unique)) else None
