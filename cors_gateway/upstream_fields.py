"""The fields that an API gets of a request: the client's, less what ends here, plus what is ours.

What stays keeps its bytes and its order. Removed are connection-specific fields (RFC 9110,
section 7.6.1), what a client may not say in the gateway's name, and what the route replaces. Knows
no policy: CORS fields of a request are the API's to read as well.
"""

from functools import lru_cache

from cors_gateway.messages.fields import kept_lines, underscored_names
from cors_gateway.messages.forwarding import (
    forwarding_names,
    parse_max_forwards,
    rewrite_max_forwards,
)
from cors_gateway.messages.framing import Framing, FramingKind
from cors_gateway.messages.heads import RequestHead, section_of
from cors_gateway.snapshot import Route

__all__ = ["head_for_upstream"]


def head_for_upstream(
    head: RequestHead,
    route: Route,
    options: frozenset[bytes],
    *,
    target: bytes,
    framing: Framing,
    authority: bytes | None,
    ours: tuple[bytes, ...],
    trusted: bool,
    upgrade: bytes,
) -> bytes:
    """Give the head to send upstream, up to the value of ``X-Request-ID``.

    Args:
        head: as received.
        route: where the request goes.
        options: the connection options, none of them prohibited.
        target: to send.
        framing: of the request's content.
        authority: what ``Host`` must say unless the route says otherwise; ``None`` if the client's
            own ``Host`` says it.
        ours: the forwarding fields, as lines.
        trusted: whether the peer's own forwarding fields count.
        upgrade: the protocol to ask for; empty for none.
    """
    section = head.section
    host = route.host_field
    if host is None and authority is not None:
        host = authority or route.upstream.authority
    dropped = _dropped(
        b"\n".join(section.names),
        route.dropped_fields,
        route.owned_fields,
        options,
        trusted,
        host is not None,
    )
    left = parse_max_forwards(section.index) if head.method == b"OPTIONS" else None
    if left is not None:
        section = section_of(rewrite_max_forwards(section.fields, left))
    lines = [b"%b %b HTTP/1.1" % (head.method, target)]
    if host is not None:
        lines.append(b"Host: " + host)
    lines += kept_lines(section, dropped)
    if route.origin_field and b"origin" in section.index:
        lines.append(b"Origin: " + route.origin_field)
    lines += [b": ".join(field) for field in route.set_fields]
    if framing.kind is FramingKind.CHUNKED:
        lines.append(b"Transfer-Encoding: chunked")
    if upgrade:
        lines.append(b"Connection: Upgrade")
        lines.append(b"Upgrade: " + upgrade)
    lines += ours
    lines.append(b"X-Request-ID: ")
    return b"\r\n".join(lines)


@lru_cache(maxsize=128)
def _dropped(
    names: bytes,
    unwanted: frozenset[bytes],
    owned: frozenset[bytes],
    options: frozenset[bytes],
    trusted: bool,  # noqa: FBT001
    sets_host: bool,  # noqa: FBT001
) -> frozenset[bytes]:
    """Name what is not forwarded as received; remembered, because clients of one kind send the same names.

    Args:
        names: those received, in lower case, one in a line.
        unwanted: what the route never forwards.
        owned: what a client cannot have its way with, not even spelled with underscores.
        options: the connection options.
        trusted: whether the peer's own forwarding fields count.
        sets_host: whether ``Host`` is the gateway's.
    """
    received: dict[bytes, tuple[bytes, ...]] = dict.fromkeys(names.split(b"\n"), ())
    dropped = unwanted | forwarding_names(received, trusted=trusted)
    dropped |= underscored_names(received, owned) | options
    return dropped | {b"host"} if sets_host else dropped
