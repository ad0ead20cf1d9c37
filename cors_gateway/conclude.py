"""What the client gets of an API's response: the second half of a plan, as pure as the first.

The gateway has the last word on CORS: the API's own ``Access-Control-*`` are removed and replaced,
unless the policy says otherwise, and ``Vary`` is united and never shortened. Of the rest, only what
concerns the upstream's connection is left out; names, values and order stay as they were. Cookies
and redirects change where the route says so.
"""

from dataclasses import dataclass, replace

from cors_gateway.cors.exposure import expose_real_names
from cors_gateway.messages.cookies import rewrite_cookies
from cors_gateway.messages.fields import (
    FieldIndex,
    check_fields,
    connection_options,
    connection_specific_names,
    index_fields,
    merge_vary,
    strip_fields,
)
from cors_gateway.messages.framing import (
    CHUNKED,
    UNTIL_CLOSE,
    Framing,
    FramingKind,
    response_framing,
    response_persists,
    rewrite_content_length,
)
from cors_gateway.messages.heads import FieldLines, ResponseHead, serialize_response_head
from cors_gateway.messages.keep_alive import KeepAlive, read_keep_alive
from cors_gateway.messages.redirects import AskedFor, rewrite_redirect
from cors_gateway.planned import Forward
from cors_gateway.upgrades import conclude_upgrade, offered_upgrades

__all__ = ["Concluded", "conclude", "conclude_interim", "conclude_switch"]

EVENT_STREAM = b"text/event-stream"


@dataclass(frozen=True, slots=True)
class Concluded:
    """A response as it goes to the client."""

    head: bytes
    """For the wire, with the empty line."""
    upstream_framing: Framing
    downstream_framing: Framing
    upstream_persists: bool
    """Whether the API takes another request on its connection."""
    downstream_persists: bool
    """Whether the client may send another request on its connection."""
    is_event_stream: bool
    """Whether long silence is to be expected."""
    keep_alive: KeepAlive | None = None
    """For how long the API keeps its connection, where it says so."""
    stripped: int = 0
    """How many of the API's own CORS header lines were left out."""
    cookies_unparsed: int = 0
    """How many cookies should have changed and could not be parsed."""

    @property
    def ends_by_closing(self) -> bool:
        """Whether only a reset tells the client that content is missing."""
        return self.downstream_framing.kind is FramingKind.UNTIL_CLOSE


def conclude(
    forward: Forward, head: ResponseHead, *, date: bytes, request_id: bytes, close: bool
) -> Concluded:
    """Decide what the client gets of a final response.

    Args:
        forward: what was planned for the request.
        head: as the API sent it.
        date: for a response that has no ``Date`` (RFC 9110, section 6.6.1).
        request_id: sent to the client as ``X-Request-ID``.
        close: whether the client's connection has to close in any case.

    Raises:
        MessageError: 502, where the response cannot be passed on safely.
    """
    check_fields(head.fields, 502)
    head, cookies_unparsed = _rewrite_head(forward, head)
    index = index_fields(head.fields)
    method = b"HEAD" if forward.head_only else b""
    upstream_framing = response_framing(method, head.status, index)
    downstream_framing = _framing_for(forward, upstream_framing)
    persists = (
        forward.persists and not close and downstream_framing.kind is not FramingKind.UNTIL_CLOSE
    )

    fields = rewrite_content_length(head.fields, index, head.status)
    ours: FieldLines = ((b"X-Request-ID", request_id),)
    if b"date" not in index:
        ours = ((b"Date", date), *ours)
    applied, stripped = _apply_policy(forward, fields, ours, index)
    lines = [*applied]
    if downstream_framing.kind is FramingKind.CHUNKED:
        lines.append((b"Transfer-Encoding", b"chunked"))
    options = () if persists else (b"close",)
    if head.status == 426 and (offered := offered_upgrades(index, forward.route.upgrades)):
        lines.append((b"Upgrade", offered))
        options = (b"Upgrade", *options)
    if options:
        lines.append((b"Connection", b", ".join(options)))
    return Concluded(
        head=serialize_response_head(ResponseHead(head.status, head.reason, 1, tuple(lines))),
        upstream_framing=upstream_framing,
        downstream_framing=downstream_framing,
        upstream_persists=response_persists(head.minor_version, index, upstream_framing),
        downstream_persists=persists,
        is_event_stream=any(
            value.lower().startswith(EVENT_STREAM) for value in index.get(b"content-type", ())
        ),
        keep_alive=read_keep_alive(index),
        stripped=stripped,
        cookies_unparsed=cookies_unparsed,
    )


def _rewrite_head(forward: Forward, head: ResponseHead) -> tuple[ResponseHead, int]:
    """Change the cookies and the redirect of a final response, or of a 101, as the route says.

    Returns:
        The head, and how many cookies could not be parsed.
    """
    cookies, redirects = forward.route.cookies, forward.route.redirects
    if cookies is None and redirects is None:
        return head, 0
    fields, unparsed = head.fields, 0
    if cookies is not None:
        fields, unparsed = rewrite_cookies(fields, cookies)
    if redirects is not None:
        _, mark, query = forward.target.partition(b"?")
        asked = AskedFor(forward.path + mark + query, forward.authority, forward.own_origins)
        fields = rewrite_redirect(fields, head.status, redirects, asked)
    return replace(head, fields=fields), unparsed


def conclude_interim(forward: Forward, head: ResponseHead) -> bytes:
    """Give an interim response (1xx) as the client gets it.

    Left out is what concerns a connection, and the API's own CORS where ours replaces it.
    """
    index = index_fields(head.fields)
    check_fields(head.fields, 502)
    dropped = _dropped(index) | {b"content-length"} | _replaced_cors(forward, index)
    fields = strip_fields(head.fields, dropped)
    return serialize_response_head(ResponseHead(head.status, head.reason, 1, fields))


def conclude_switch(forward: Forward, head: ResponseHead) -> tuple[bytes, int]:
    """Give the API's 101 as the client gets it, without CORS of its own where ours replaces it.

    Returns:
        The head, and how many cookies could not be parsed.

    Raises:
        MessageError: 502, where the API switches to what nobody asked for.
    """
    head, unparsed = _rewrite_head(forward, head)
    own = _replaced_cors(forward, index_fields(head.fields))
    if own:
        head = replace(head, fields=strip_fields(head.fields, own))
    return conclude_upgrade(head, forward.upgrade), unparsed


def _framing_for(forward: Forward, upstream: Framing) -> Framing:
    """Content whose length the head does not tell is chunked, or to HTTP/1.0 ends by closing.

    RFC 9112, section 6.1: never chunked to HTTP/1.0. To HTTP/1.1, chunks let a client tell the end
    of content that an API ends by closing from content that broke off.
    """
    if upstream.kind in {FramingKind.CHUNKED, FramingKind.UNTIL_CLOSE}:
        return CHUNKED if forward.minor_version else UNTIL_CLOSE
    return upstream


def _dropped(index: FieldIndex) -> frozenset[bytes]:
    return connection_specific_names(connection_options(index)) | {b"x-request-id"}


def _own_cors(index: FieldIndex) -> frozenset[bytes]:
    return frozenset(name for name in index if name.startswith(b"access-control-"))


def _replaced_cors(forward: Forward, index: FieldIndex) -> frozenset[bytes]:
    """Name the API's own fields for CORS, where the route's policy stands for them."""
    decision = forward.decision
    is_replaced = decision is not None and decision.upstream_cors != "passthrough"
    return _own_cors(index) if is_replaced else frozenset()


def _apply_policy(
    forward: Forward, fields: FieldLines, ours: FieldLines, index: FieldIndex
) -> tuple[FieldLines, int]:
    """Leave out what ends here and what the policy replaces; add ours and what it grants.

    Returns:
        The lines, and how many of the API's own for CORS are not among them.
    """
    dropped = _dropped(index)
    decision = forward.decision
    if decision is None:
        return (*strip_fields(fields, dropped), *ours), 0
    granted = decision.fields
    stripped = 0
    mode = decision.upstream_cors
    if mode == "passthrough" or (mode == "fallback" and b"access-control-allow-origin" in index):
        granted = ()
        lines = (*strip_fields(fields, dropped), *ours)
    else:
        own = _own_cors(index)
        if own:
            stripped = sum(len(index[name]) for name in own)
        replaced = own.union(name.lower() for name, _ in granted)
        lines = (*strip_fields(fields, dropped | replaced), *ours)
        if decision.expose_real:
            exposed = expose_real_names(name for name, _ in lines)
            if exposed is not None:
                granted = (*granted, (b"Access-Control-Expose-Headers", exposed))
    if decision.vary:
        lines = strip_fields(lines, {b"vary"})
        vary = merge_vary(index.get(b"vary", ()), decision.vary)
        if vary is not None:
            granted = (*granted, (b"Vary", vary))
    if decision.unless_sent:
        granted += tuple(line for line in decision.unless_sent if line[0].lower() not in index)
    return (*lines, *granted), stripped
