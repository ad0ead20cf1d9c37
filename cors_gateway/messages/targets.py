"""Request targets: their forms, the authority, and paths that could mean two things.

Decides: path, query and authority of a request (RFC 9112 sections 3.2 and 3.3, RFC 3986). Does not
know: routes. What is forwarded is the target's bytes; nothing here re-encodes them, and the
normalised path serves only to compare two selections of a route.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import unquote_to_bytes

from cors_gateway.messages.fields import FieldIndex
from cors_gateway.messages.heads import MessageError

__all__ = [
    "RequestTarget",
    "check_path",
    "host_of_request",
    "is_ambiguous_path",
    "normalise_path",
    "parse_authority",
    "parse_target",
]


@dataclass(slots=True, unsafe_hash=True)
class RequestTarget:
    """What a request target names."""

    path: bytes
    """As received; ``*`` for the asterisk-form, empty for the authority-form."""
    query: bytes
    """With its question mark; empty where there is none."""
    authority: bytes | None
    """As received, in absolute-form and authority-form."""
    asterisk: bool
    """The request is about the server and not about a resource."""

    def __init__(
        self,
        path: bytes,
        query: bytes,
        authority: bytes | None = None,
        *,
        asterisk: bool = False,
    ) -> None:
        """Put a target together."""
        self.path = path
        self.query = query
        self.authority = authority
        self.asterisk = asterisk


# Visible ASCII without "#"; no "\" in a path, where browsers never send it and servers on Windows
# take it for "/". In a query browsers do send it.
_PATH = rb"/[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e]*"
_QUERY = rb"\?[\x21\x22\x24-\x7e]*"
_ORIGIN_FORM = re.compile(rb"(%b)(%b)?" % (_PATH, _QUERY))
_ABSOLUTE_FORM = re.compile(rb"(?i:https?)://([^/?#]+)(%b)?(%b)?" % (_PATH, _QUERY))

_AUTHORITY = re.compile(
    rb"(?:([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\.?|\[([0-9A-Fa-f:.]{2,45})\])(?::([0-9]{1,5}))?"
)
_LONGEST_HOST = 255

# A dot segment, plain or encoded, also before a ";" parameter and behind an encoded slash.
_REFUSED_IN_PATH = re.compile(
    rb"\\|%00|%5c|(?:/|%2f)(?:\.|%2e){1,2}(?:[/;]|%2f|%3b|\Z)", re.IGNORECASE
)
_AMBIGUOUS = re.compile(rb"[%;\\]|/[/.]")
_SLASHES = re.compile(rb"/{2,}")


def parse_target(method: bytes, target: bytes) -> RequestTarget:
    """Read a request target in the form that its method and first byte select.

    Raises:
        MessageError: 400.
    """
    if method == b"CONNECT":
        # Section 3.2.3: host and port, and only here.
        if parse_authority(target)[1] is None:
            raise MessageError(400, "The request target is malformed.")
        return RequestTarget(path=b"", query=b"", authority=target)
    match = _ORIGIN_FORM.fullmatch(target)
    if match is not None:
        path, query = match.groups()
        return RequestTarget(path, query or b"")
    if target == b"*" and method == b"OPTIONS":
        return RequestTarget(path=b"*", query=b"", asterisk=True)
    match = _ABSOLUTE_FORM.fullmatch(target)
    if match is None:
        raise MessageError(400, "The request target is malformed.")
    authority, path, query = match.groups()
    parse_authority(authority)
    if path is None and query is None and method == b"OPTIONS":
        # Section 3.2.4: what a client of a proxy means by "*".
        return RequestTarget(path=b"*", query=b"", authority=authority, asterisk=True)
    return RequestTarget(path or b"/", query or b"", authority)


@lru_cache(maxsize=1024)
def parse_authority(value: bytes) -> tuple[bytes, int | None]:
    """Read host and port; the host comes in lower case and without the root's dot.

    RFC 3986 section 3.2.2. We are stricter: a registered name holds letters, digits, ``-``, ``_``
    and dots only; no percent-encoding, no userinfo, no empty host, label or port, no IPvFuture,
    no zone.

    Raises:
        MessageError: 400.
    """
    match = _AUTHORITY.fullmatch(value) if len(value) <= _LONGEST_HOST + 6 else None
    if match is None:
        raise MessageError(400, "The authority is malformed.")
    name, ipv6, port = match.groups()
    if port is not None and not 0 < int(port) <= 65535:
        raise MessageError(400, "The port is out of range.")
    if name is None:
        try:
            name = b"[%b]" % IPv6Address(ipv6.decode()).compressed.encode()
        except ValueError:
            raise MessageError(400, "The IPv6 address is malformed.") from None
    elif len(name) > _LONGEST_HOST:
        raise MessageError(400, "The host is too long.")
    return name.lower(), None if port is None else int(port)


def host_of_request(index: FieldIndex, target: RequestTarget, minor_version: int) -> bytes:
    """Find the authority that a request is meant for, as received.

    RFC 9112 section 3.2: exactly one valid ``Host`` on HTTP/1.1; section 3.2.2: an absolute-form
    target wins over it. We are stricter: an empty ``Host`` is refused.

    Returns:
        The authority; empty where an HTTP/1.0 request names none.

    Raises:
        MessageError: 400.
    """
    hosts = index.get(b"host", ())
    if len(hosts) > 1:
        raise MessageError(400, "There is more than one Host field.")
    if hosts:
        parse_authority(hosts[0])
    elif minor_version == 1:
        raise MessageError(400, "The Host field is missing.")
    if target.authority is not None:
        return target.authority
    return hosts[0] if hosts else b""


def is_ambiguous_path(path: bytes) -> bool:
    """Say whether two servers could take a path for different resources.

    Where this is false, :func:`check_path` passes and :func:`normalise_path` changes nothing.
    """
    return _AMBIGUOUS.search(path) is not None


def check_path(path: bytes) -> None:
    r"""Refuse dot segments, NUL and backslash, plain or percent-encoded once.

    RFC 3986 section 6.2.2.3 would have dot segments removed; RFC 9110 section 7.7 forbids a gateway to
    change the path. So what some server on the way might remove is refused.

    Raises:
        MessageError: 400.
    """
    may_be = b"/." in path or b"%" in path or b"\\" in path
    if may_be and _REFUSED_IN_PATH.search(path):
        raise MessageError(400, "The path is ambiguous.")


def normalise_path(path: bytes) -> bytes:
    """Write a path as the most eager server would read it, to compare routes with.

    Percent-decoded once, parameters cut off each segment, slashes merged.
    """
    segments = unquote_to_bytes(path).split(b"/")
    return _SLASHES.sub(b"/", b"/".join([segment.partition(b";")[0] for segment in segments]))
