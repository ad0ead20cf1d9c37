"""The fields that an API gets of a request: the client's, less what ends here, plus what is ours.

What stays keeps its bytes and its order. Removed are connection-specific fields (RFC 9110,
section 7.6.1), what a client may not say in the gateway's name, and what the route replaces. Knows
no policy: CORS fields of a request are the API's to read as well.
"""

from functools import lru_cache

from cors_gateway.messages.fields import underscored_names
from cors_gateway.messages.forwarding import (
    forwarding_names,
    parse_max_forwards,
    rewrite_max_forwards,
)
from cors_gateway.messages.framing import Framing, FramingKind
from cors_gateway.messages.heads import RequestHead, section_of
from cors_gateway.snapshot import Route

__all__ = ["UpstreamForm", "lines_for_upstream", "upstream_form"]


class UpstreamForm:
    """Which of a request's lines an API gets, and what stands around them.

    It holds for every request with the same names in the same order, as far as it is planned alike.
    """

    __slots__ = ("_before", "_behind", "_kept")

    def __init__(self, before: list[bytes], kept: tuple[int, ...], behind: list[bytes]) -> None:
        """Put a form together."""
        self._before = before
        """Lines of ours that come first."""
        self._kept = kept
        """Places of the client's lines that are sent on."""
        self._behind = behind
        """Lines of ours that come last; the very last waits for its value."""

    def write(self, method: bytes, target: bytes, lines: list[bytes]) -> bytes:
        """Give the head to send upstream, up to the value of ``X-Request-ID``.

        Args:
            method: to send.
            target: to send.
            lines: the client's.
        """
        written = [method + b" " + target + b" HTTP/1.1"]
        written += self._before
        written += [lines[place] for place in self._kept]
        written += self._behind
        return b"\r\n".join(written)


def upstream_form(
    head: RequestHead,
    route: Route,
    options: frozenset[bytes],
    *,
    framing: Framing,
    authority: bytes | None,
    ours: tuple[bytes, ...],
    trusted: bool,
    upgrade: bytes,
) -> UpstreamForm:
    """Decide what of a request its API gets.

    Args:
        head: as received.
        route: where the request goes.
        options: the connection options, none of them prohibited.
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
    kept = _kept(
        b"\n".join(section.names),
        route.dropped_fields,
        route.owned_fields,
        options,
        trusted,
        host is not None,
    )
    behind: list[bytes] = []
    if route.origin_field and b"origin" in section.index:
        behind.append(b"Origin: " + route.origin_field)
    behind += [b": ".join(field) for field in route.set_fields]
    if framing.kind is FramingKind.CHUNKED:
        behind.append(b"Transfer-Encoding: chunked")
    if upgrade:
        behind.append(b"Connection: Upgrade")
        behind.append(b"Upgrade: " + upgrade)
    behind += ours
    behind.append(b"X-Request-ID: ")
    return UpstreamForm([] if host is None else [b"Host: " + host], kept, behind)


def lines_for_upstream(head: RequestHead) -> list[bytes]:
    """Give the lines that the form chooses from: those received, with one hop less to go (RFC 9110, 7.6.2)."""
    section = head.section
    left = parse_max_forwards(section.index) if head.method == b"OPTIONS" else None
    if left is None:
        return section.lines
    return section_of(rewrite_max_forwards(section.fields, left)).lines


@lru_cache(maxsize=128)
def _kept(
    names: bytes,
    unwanted: frozenset[bytes],
    owned: frozenset[bytes],
    options: frozenset[bytes],
    trusted: bool,  # noqa: FBT001
    sets_host: bool,  # noqa: FBT001
) -> tuple[int, ...]:
    """Find what is forwarded as received; remembered, because clients of one kind send the same names.

    Args:
        names: those received, in lower case, one in a line.
        unwanted: what the route never forwards.
        owned: what a client cannot have its way with, not even spelled with underscores.
        options: the connection options.
        trusted: whether the peer's own forwarding fields count.
        sets_host: whether ``Host`` is the gateway's.

    Returns:
        The places of the lines that are kept.
    """
    received = names.split(b"\n") if names else []
    index: dict[bytes, tuple[bytes, ...]] = dict.fromkeys(received, ())
    dropped = unwanted | forwarding_names(index, trusted=trusted)
    dropped |= underscored_names(index, owned) | options
    if sets_host:
        dropped |= {b"host"}
    return tuple([place for place, name in enumerate(received) if name not in dropped])
