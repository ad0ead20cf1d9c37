"""Forwarding: what the gateway tells the API about the client, and what it believes itself.

Decides: ``X-Forwarded-*``, ``Forwarded`` (RFC 7239), ``Via`` and ``Max-Forwards`` (RFC 9110 section
7.6), loops. Does not know: which peers are trusted; it is told.

What an untrusted peer claims about earlier hops is dropped. A trusted peer's lists
(``X-Forwarded-For``, ``Forwarded``) are continued. ``X-Forwarded-Proto`` and ``-Host`` hold one
value each, the one that the gateway itself goes by: applications compare them with ``https`` and
would not understand a list. ``Via`` is continued for everybody.
"""

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from cors_gateway.messages.fields import FieldIndex, is_token, parse_list
from cors_gateway.messages.heads import FieldLines, MessageError
from cors_gateway.messages.targets import parse_authority

__all__ = [
    "FORWARDING_NAMES",
    "effective_scheme_and_host",
    "forwarding_fields",
    "forwarding_lines",
    "forwarding_names",
    "has_passed",
    "parse_max_forwards",
    "parse_trace_id",
    "rewrite_max_forwards",
]

FORWARDING_NAMES = frozenset(
    {
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-prefix",
        b"x-forwarded-proto",
    }
)
"""The fields that :func:`forwarding_fields` writes anew, whoever the peer is."""

_CLOSED_QUOTES = re.compile(rb'(?:[^"]|"(?:[^"\\]|\\.)*")*', re.DOTALL)
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_PAIR = re.compile(
    rb"""[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^;" \t]*))[ \t]*(?:;|\Z)"""
)
_PREFIX = re.compile(rb"(?:/[A-Za-z0-9._~!$&'()*+=:@%-]+)+")
_MAX_FORWARDS = re.compile(rb"[0-9]{1,9}")
_LONGEST_ADDRESS = 45


def forwarding_names(index: FieldIndex, *, trusted: bool) -> frozenset[bytes]:
    """Name what must not travel on as it was received.

    Of an untrusted peer that is every ``X-Forwarded-`` name, whatever follows: applications have
    been seen to believe certificates and user names there.
    """
    if trusted or b"x-" not in b"".join(index):
        return FORWARDING_NAMES
    return FORWARDING_NAMES.union(
        [name for name in index if name.startswith(b"x-forwarded-") or name == b"x-real-ip"]
    )


def forwarding_fields(
    index: FieldIndex,
    *,
    peer_address: str,
    scheme: bytes,
    authority: bytes,
    trusted: bool,
    pseudonym: bytes,
    minor_version: int,
    prefix: bytes = b"",
) -> FieldLines:
    """Write the forwarding fields of a request.

    Args:
        index: The fields received.
        peer_address: The peer's IP address; anything else, as a unix socket has, is ``unknown``.
        scheme: What the client used: see :func:`effective_scheme_and_host`.
        authority: What the client asked for: likewise. Empty where it named none.
        trusted: Whether the peer's own forwarding fields count.
        pseudonym: This gateway's name in ``Via``, a token.
        minor_version: Of the request received.
        prefix: The path prefix taken off the target.
    """
    address, node = _node(peer_address)
    forwarded = b"for=%b;proto=%b" % (node, scheme)
    if authority:
        forwarded += b";host=" + (authority if is_token(authority) else b'"%b"' % authority)
    if trusted:
        # An open quote would swallow what is put behind it.
        closed = _CLOSED_QUOTES.fullmatch
        earlier = [item for item in parse_list(index.get(b"x-forwarded-for", ())) if closed(item)]
        elements = [item for item in parse_list(index.get(b"forwarded", ())) if closed(item)] or [
            b"for=" + _node_of(item) for item in earlier
        ]
        address = b", ".join([*earlier, address])
        forwarded = b", ".join([*elements, forwarded])
        prefix = _earlier_prefix(index) + prefix
    lines = [
        (b"X-Forwarded-For", address),
        (b"X-Forwarded-Proto", scheme),
        (b"Forwarded", forwarded),
        (b"Via", b"1.%d %b" % (minor_version, pseudonym)),
    ]
    if authority:
        lines.append((b"X-Forwarded-Host", authority))
    if prefix:
        lines.append((b"X-Forwarded-Prefix", prefix))
    return tuple(lines)


def forwarding_lines(
    index: FieldIndex,
    *,
    peer_address: str,
    scheme: bytes,
    authority: bytes,
    trusted: bool,
    pseudonym: bytes,
    minor_version: int,
    prefix: bytes,
) -> tuple[bytes, ...]:
    """Write the lines of :func:`forwarding_fields`; those for an untrusted peer are remembered."""
    told = (peer_address, scheme, authority, pseudonym, minor_version, prefix)
    return _spell(index, trusted, *told) if trusted else _untrusted_lines(*told)


def _spell(
    index: FieldIndex,
    trusted: bool,  # noqa: FBT001
    peer_address: str,
    scheme: bytes,
    authority: bytes,
    pseudonym: bytes,
    minor_version: int,
    prefix: bytes,
) -> tuple[bytes, ...]:
    fields = forwarding_fields(
        index,
        peer_address=peer_address,
        scheme=scheme,
        authority=authority,
        trusted=trusted,
        pseudonym=pseudonym,
        minor_version=minor_version,
        prefix=prefix,
    )
    return tuple([b": ".join(field) for field in fields])


@lru_cache(maxsize=256)
def _untrusted_lines(
    peer_address: str,
    scheme: bytes,
    authority: bytes,
    pseudonym: bytes,
    minor_version: int,
    prefix: bytes,
) -> tuple[bytes, ...]:
    return _spell({}, False, peer_address, scheme, authority, pseudonym, minor_version, prefix)  # noqa: FBT003


@lru_cache(maxsize=1024)
def _node(address: str) -> tuple[bytes, bytes]:
    """Write an address for ``X-Forwarded-For`` and as a node of RFC 7239 section 6."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return b"unknown", b"unknown"
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is None:
            # Section 6: in brackets, and therefore quoted.
            return str(ip).encode(), b'"[%b]"' % str(ip).encode()
        ip = ip.ipv4_mapped
    return str(ip).encode(), str(ip).encode()


def _node_of(item: bytes) -> bytes:
    """Write an item of ``X-Forwarded-For`` as a node; a port or junk makes it ``unknown``."""
    return _node(item.decode("latin-1"))[1] if len(item) <= _LONGEST_ADDRESS else b"unknown"


def _earlier_prefix(index: FieldIndex) -> bytes:
    prefixes = index.get(b"x-forwarded-prefix", ())
    prefix = prefixes[-1].rstrip(b"/") if prefixes else b""
    return prefix if _PREFIX.fullmatch(prefix) else b""


def has_passed(index: FieldIndex, pseudonym: bytes) -> bool:
    """Say whether a request has been through this gateway before: it goes round in a loop."""
    for value in index.get(b"via", ()):
        if pseudonym in value:
            for item in value.split(b","):
                # received-protocol RWS received-by [ RWS comment ]
                if item.split()[1:2] == [pseudonym]:
                    return True
    return False


def parse_max_forwards(index: FieldIndex) -> int | None:
    """Read how many more times a request may be forwarded; junk says nothing.

    RFC 9110 section 7.6.2: at 0, the gateway must answer ``OPTIONS`` and ``TRACE`` itself. Other
    methods may ignore the field.
    """
    values = index.get(b"max-forwards", ())
    return int(values[0]) if len(values) == 1 and _MAX_FORWARDS.fullmatch(values[0]) else None


def parse_trace_id(traceparent: bytes) -> str:
    """Read the trace that a request is part of (W3C Trace Context, section 3.2); junk is none."""
    match = _TRACEPARENT.fullmatch(traceparent)
    return match[1].decode("ascii") if match else ""


def rewrite_max_forwards(fields: FieldLines, left: int) -> FieldLines:
    """Write how many more times a request may be forwarded, this time taken off.

    Precondition: :func:`parse_max_forwards` gave what is left, and it is not 0.
    """
    value = b"%d" % (left - 1)
    return tuple(
        [(name, value if name.lower() == b"max-forwards" else old) for name, old in fields]
    )


def effective_scheme_and_host(
    index: FieldIndex, scheme: bytes, authority: bytes, *, trusted: bool
) -> tuple[bytes, bytes]:
    """Find the scheme and authority that the client used, as far as is known.

    Of a trusted peer the last value counts, the only one that is certainly its own: what is
    left of it may have come from the client. ``Forwarded`` counts only where there is no
    ``X-Forwarded-`` field at all, because a proxy that speaks one passes the other unread. A
    value that is no scheme or authority is ignored.

    Args:
        index: The fields received.
        scheme: Of the connection.
        authority: Of the request: see :func:`~cors_gateway.messages.targets.host_of_request`.
        trusted: Whether the peer's forwarding fields count.
    """
    if not trusted:
        return scheme, authority
    protos = parse_list(index.get(b"x-forwarded-proto", ()))
    hosts = parse_list(index.get(b"x-forwarded-host", ()))
    if not protos and not hosts and b"x-forwarded-for" not in index:
        nearest = parse_list(index.get(b"forwarded", ()))[-1:]
        pairs = _parse_forwarded(nearest[0]) if nearest else {}
        protos, hosts = (pairs.get(b"proto", b""),), (pairs.get(b"host", b""),)
    if protos and protos[-1].lower() in {b"http", b"https"}:
        scheme = protos[-1].lower()
    if hosts:
        try:
            parse_authority(hosts[-1])
        except MessageError:
            return scheme, authority
        authority = hosts[-1]
    return scheme, authority


def _parse_forwarded(element: bytes) -> dict[bytes, bytes]:
    """Read the pairs of one element of ``Forwarded`` (RFC 7239 section 4); junk gives none."""
    pairs: dict[bytes, bytes] = {}
    at = 0
    while (match := _PAIR.match(element, at)) is not None:
        name, quoted, plain = match.groups()
        pairs[name.lower()] = plain if quoted is None else re.sub(rb"\\(.)", rb"\1", quoted)
        at = match.end()
    return pairs
