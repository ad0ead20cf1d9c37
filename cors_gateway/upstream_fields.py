"""The fields that an API gets of a request: the client's, less what ends here, plus what is ours.

What stays keeps its bytes and its order. Removed are connection-specific fields (RFC 9110,
section 7.6.1), what a client may not say in the gateway's name, and what the route replaces. Knows
no policy: CORS fields of a request are the API's to read as well.
"""

from cors_gateway.messages.fields import FieldIndex, strip_fields, underscored_names
from cors_gateway.messages.forwarding import (
    forwarding_names,
    parse_max_forwards,
    rewrite_max_forwards,
)
from cors_gateway.messages.framing import Framing, FramingKind
from cors_gateway.messages.heads import FieldLines, RequestHead
from cors_gateway.snapshot import Route

__all__ = ["fields_for_upstream"]


def fields_for_upstream(
    head: RequestHead,
    index: FieldIndex,
    route: Route,
    options: frozenset[bytes],
    *,
    framing: Framing,
    authority: bytes | None,
    ours: FieldLines,
    trusted: bool,
    upgrade: bytes,
) -> FieldLines:
    """Give the field lines to send upstream, all but ``X-Request-ID``.

    Args:
        head: as received.
        index: of its fields.
        route: where the request goes.
        options: the connection options, none of them prohibited.
        framing: of the request's content.
        authority: what ``Host`` must say unless the route says otherwise; ``None`` if the client's
            own ``Host`` says it.
        ours: the forwarding fields.
        trusted: whether the peer's own forwarding fields count.
        upgrade: the protocol to ask for; empty for none.
    """
    dropped = route.dropped_fields | forwarding_names(index, trusted=trusted)
    dropped |= underscored_names(index, route.owned_fields) | options
    host = route.host_field
    if host is None and authority is not None:
        host = authority or route.upstream.authority
    lines: FieldLines = ()
    if host is not None:
        dropped |= {b"host"}
        lines = ((b"Host", host),)
    lines += strip_fields(head.fields, dropped)
    left = parse_max_forwards(index) if head.method == b"OPTIONS" else None
    if left is not None:
        lines = rewrite_max_forwards(lines, left)
    if route.origin_field and b"origin" in index:
        lines += ((b"Origin", route.origin_field),)
    lines += route.set_fields
    if framing.kind is FramingKind.CHUNKED:
        lines += ((b"Transfer-Encoding", b"chunked"),)
    if upgrade:
        lines += ((b"Connection", b"Upgrade"), (b"Upgrade", upgrade))
    return lines + ours
