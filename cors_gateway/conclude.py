"""What the client gets of an API's response: the second half of a plan, as pure as the first.

The gateway has the last word on CORS: the API's own ``Access-Control-*`` are removed and replaced,
unless the policy says otherwise, and ``Vary`` is united and never shortened. Of the rest, only what
concerns the upstream's connection is left out; names, values and order stay as they were. Cookies
and redirects change where the route says so.
"""

from dataclasses import dataclass
from functools import lru_cache

from cors_gateway.cors.exposure import expose_real_names
from cors_gateway.messages.cookies import rewrite_cookies
from cors_gateway.messages.fields import (
    FieldIndex,
    check_fields,
    connection_options,
    connection_specific_names,
    index_fields,
    kept_lines,
    merge_vary,
    strip_fields,
)
from cors_gateway.messages.framing import (
    CHUNKED,
    UNTIL_CLOSE,
    Framing,
    FramingKind,
    may_pass_length,
    response_framing,
    response_persists,
    rewrite_content_length,
)
from cors_gateway.messages.heads import (
    FieldSection,
    ResponseHead,
    section_of,
    serialize_response_head,
)
from cors_gateway.messages.keep_alive import KeepAlive, read_keep_alive
from cors_gateway.messages.redirects import AskedFor, rewrite_redirect
from cors_gateway.planned import Forward
from cors_gateway.upgrades import conclude_upgrade, offered_upgrades

__all__ = ["Concluded", "conclude", "conclude_interim", "conclude_switch"]

EVENT_STREAM = b"text/event-stream"
NOTHING: frozenset[bytes] = frozenset()


@dataclass(slots=True)
class Concluded:
    """A response as it goes to the client. Never changed once it is made."""

    opening: bytes
    """The head for the wire, up to the request's identifier."""
    ending: bytes
    """The head behind that, with the empty line."""
    upstream_framing: Framing
    downstream_framing: Framing
    upstream_persists: bool
    """Whether the API takes another request on its connection."""
    downstream_persists: bool
    """Whether the client may send another request on its connection."""
    is_event_stream: bool
    """Whether long silence is to be expected."""
    keep_alive: KeepAlive | None
    """For how long the API keeps its connection, where it says so."""
    stripped: int
    """How many of the API's own CORS header lines were left out."""
    cookies_unparsed: int
    """How many cookies should have changed and could not be parsed."""

    def __init__(
        self,
        *,
        opening: bytes,
        ending: bytes,
        upstream_framing: Framing,
        downstream_framing: Framing,
        upstream_persists: bool,
        downstream_persists: bool,
        is_event_stream: bool,
        keep_alive: KeepAlive | None = None,
        stripped: int = 0,
        cookies_unparsed: int = 0,
    ) -> None:
        """Put a response together; written out, because the generated one costs microseconds."""
        self.opening = opening
        self.ending = ending
        self.upstream_framing = upstream_framing
        self.downstream_framing = downstream_framing
        self.upstream_persists = upstream_persists
        self.downstream_persists = downstream_persists
        self.is_event_stream = is_event_stream
        self.keep_alive = keep_alive
        self.stripped = stripped
        self.cookies_unparsed = cookies_unparsed

    def head(self, request_id: bytes) -> bytes:
        """Give the head for the wire, with the ``X-Request-ID`` that the client is told."""
        return self.opening + request_id + self.ending

    @property
    def ends_by_closing(self) -> bool:
        """Whether only a reset tells the client that content is missing."""
        return self.downstream_framing.kind is FramingKind.UNTIL_CLOSE


def conclude(forward: Forward, head: ResponseHead, *, date: bytes, close: bool) -> Concluded:
    """Decide what the client gets of a final response.

    Args:
        forward: what was planned for the request.
        head: as the API sent it.
        date: for a response that has no ``Date`` (RFC 9110, section 6.6.1).
        close: whether the client's connection has to close in any case.

    Raises:
        MessageError: 502, where the response cannot be passed on safely.
    """
    if not head.section.is_plain:
        check_fields(head.fields, 502)
    section, cookies_unparsed = _rewrite_fields(forward, head)
    index = section.index
    method = b"HEAD" if forward.head_only else b""
    upstream_framing = response_framing(method, head.status, index)
    downstream_framing = _framing_for(forward, upstream_framing)
    persists = (
        forward.persists and not close and downstream_framing.kind is not FramingKind.UNTIL_CLOSE
    )
    lengths = index.get(b"content-length")
    if lengths is not None and not may_pass_length(lengths[0], head.status):
        section = section_of(rewrite_content_length(section.fields, index, head.status))
    lines, granted, stripped = _apply_policy(forward, section)
    if b"date" not in index:
        lines.append(b"Date: " + date)
    if downstream_framing.kind is FramingKind.CHUNKED:
        granted.append(b"Transfer-Encoding: chunked")
    options = b"" if persists else b"close"
    if head.status == 426 and (offered := offered_upgrades(index, forward.route.upgrades)):
        granted.append(b"Upgrade: " + offered)
        options = b"Upgrade" if persists else b"Upgrade, close"
    if options:
        granted.append(b"Connection: " + options)
    start = b"HTTP/1.1 %d %b" % (head.status, head.reason)
    return Concluded(
        opening=b"\r\n".join([start, *lines, b"X-Request-ID: "]),
        ending=b"\r\n".join([b"", *granted, b"", b""]),
        upstream_framing=upstream_framing,
        downstream_framing=downstream_framing,
        upstream_persists=response_persists(head.minor_version, index, upstream_framing),
        downstream_persists=persists,
        is_event_stream=_is_event_stream(index),
        keep_alive=read_keep_alive(index),
        stripped=stripped,
        cookies_unparsed=cookies_unparsed,
    )


def _is_event_stream(index: FieldIndex) -> bool:
    values = index.get(b"content-type", ())
    return any(value.lower().startswith(EVENT_STREAM) for value in values)


def _rewrite_fields(forward: Forward, head: ResponseHead) -> tuple[FieldSection, int]:
    """Change the cookies and the redirect of a final response, or of a 101, as the route says.

    Returns:
        The fields, and how many cookies could not be parsed.
    """
    cookies, redirects = forward.route.cookies, forward.route.redirects
    if cookies is None and redirects is None:
        return head.section, 0
    fields, unparsed = head.fields, 0
    if cookies is not None:
        fields, unparsed = rewrite_cookies(fields, cookies)
    if redirects is not None:
        _, mark, query = forward.target.partition(b"?")
        asked = AskedFor(forward.path + mark + query, forward.authority, forward.own_origins)
        fields = rewrite_redirect(fields, head.status, redirects, asked)
    return section_of(fields), unparsed


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
    section, unparsed = _rewrite_fields(forward, head)
    fields = section.fields
    own = _replaced_cors(forward, section.index)
    if own:
        fields = strip_fields(fields, own)
    switched = ResponseHead(head.status, head.reason, head.minor_version, fields)
    return conclude_upgrade(switched, forward.upgrade), unparsed


def _framing_for(forward: Forward, upstream: Framing) -> Framing:
    """Content whose length the head does not tell is chunked, or to HTTP/1.0 ends by closing.

    RFC 9112, section 6.1: never chunked to HTTP/1.0. To HTTP/1.1, chunks let a client tell the end
    of content that an API ends by closing from content that broke off.
    """
    if upstream.kind in {FramingKind.CHUNKED, FramingKind.UNTIL_CLOSE}:
        return CHUNKED if forward.minor_version else UNTIL_CLOSE
    return upstream


def _dropped(index: FieldIndex) -> frozenset[bytes]:
    return _dropped_for(connection_options(index))


@lru_cache(maxsize=64)
def _dropped_for(options: frozenset[bytes]) -> frozenset[bytes]:
    return connection_specific_names(options) | {b"x-request-id"}


def _own_cors(index: FieldIndex) -> frozenset[bytes]:
    if b"access-control-" not in b"\n".join(index):
        return NOTHING
    return frozenset([name for name in index if name.startswith(b"access-control-")])


def _replaced_cors(forward: Forward, index: FieldIndex) -> frozenset[bytes]:
    """Name the API's own fields for CORS, where the route's policy stands for them."""
    decision = forward.decision
    is_replaced = decision is not None and decision.upstream_cors != "passthrough"
    return _own_cors(index) if is_replaced else NOTHING


def _apply_policy(forward: Forward, section: FieldSection) -> tuple[list[bytes], list[bytes], int]:
    """Leave out what ends here and what the policy replaces; add what it grants.

    Returns:
        The API's lines, ours, and how many of the API's own for CORS are not among them.
    """
    index = section.index
    dropped = _dropped(index)
    decision = forward.decision
    if decision is None:
        return kept_lines(section, dropped), [], 0
    granted = decision.fields
    stripped = 0
    mode = decision.upstream_cors
    if mode == "passthrough" or (mode == "fallback" and b"access-control-allow-origin" in index):
        granted = ()
    else:
        own = _own_cors(index)
        if own:
            stripped = sum([len(index[name]) for name in own])
            dropped |= own
        if granted:
            dropped = _with_names(dropped, tuple([name for name, _ in granted]))
        if decision.expose_real:
            names = [name for name, _ in section.fields if name.lower() not in dropped]
            exposed = expose_real_names([*names, *_OUR_NAMES])
            if exposed is not None:
                granted = (*granted, (b"Access-Control-Expose-Headers", exposed))
    ours = [b": ".join(line) for line in granted]
    if decision.vary:
        dropped = _with_names(dropped, _VARY)
        vary = merge_vary(index.get(b"vary", ()), decision.vary)
        if vary is not None:
            ours.append(b"Vary: " + vary)
    if decision.unless_sent:
        ours += [b": ".join(line) for line in decision.unless_sent if line[0].lower() not in index]
    return kept_lines(section, dropped), ours, stripped


_VARY = (b"Vary",)
_OUR_NAMES = (b"Date", b"X-Request-ID")


@lru_cache(maxsize=256)
def _with_names(dropped: frozenset[bytes], names: tuple[bytes, ...]) -> frozenset[bytes]:
    """Add names; remembered, because there are few different ones."""
    return dropped.union([name.lower() for name in names])
