"""What a plan can say: answer the request here, or forward it like this.

Both hold everything that whoever carries them out needs: the request itself is not looked at again. They
are never changed once they are made: a connection keeps the last one for the next request that is the same.
"""

from dataclasses import dataclass, field

from cors_gateway.answers import Answer
from cors_gateway.cors.decision import Decision
from cors_gateway.messages.framing import Framing
from cors_gateway.messages.heads import FieldLines
from cors_gateway.snapshot import Route, Timeouts
from cors_gateway.upstream_fields import UpstreamForm

__all__ = ["Forward", "Peer", "Respond", "cors_fields"]


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of a client's connection."""

    address: str
    """An IP address; empty for a unix socket."""
    scheme: bytes = b"http"


@dataclass(slots=True)
class Respond:
    """The gateway answers itself; no upstream hears of the request."""

    answer: Answer
    route: Route | None
    decision: Decision | None
    framing: Framing
    """How the request's content is framed, so that it can be passed over."""
    persists: bool
    """Whether the connection may carry another request."""
    head_only: bool
    expects_continue: bool
    authority: bytes
    path: bytes
    user_agent: bytes
    traceparent: bytes
    method: bytes
    minor_version: int
    request_id: bytes | None
    fault: Exception | None
    """The mistake of ours because of which the answer is a 500; for the log."""

    def __init__(
        self,
        *,
        answer: Answer,
        route: Route | None,
        decision: Decision | None,
        framing: Framing,
        persists: bool,
        head_only: bool,
        expects_continue: bool,
        authority: bytes,
        path: bytes,
        user_agent: bytes,
        traceparent: bytes,
        method: bytes,
        minor_version: int,
        request_id: bytes | None = None,
        fault: Exception | None = None,
    ) -> None:
        """Say what was planned; written out, because the generated one costs a request microseconds."""
        self.answer = answer
        self.route = route
        self.decision = decision
        self.framing = framing
        self.persists = persists
        self.head_only = head_only
        self.expects_continue = expects_continue
        self.authority = authority
        self.path = path
        self.user_agent = user_agent
        self.traceparent = traceparent
        self.method = method
        self.minor_version = minor_version
        self.request_id = request_id
        self.fault = fault


@dataclass(slots=True)
class Forward:
    """The request goes to an upstream."""

    route: Route
    decision: Decision | None
    """``None`` where the route is transparent."""
    method: bytes
    target: bytes
    """To send upstream."""
    form: UpstreamForm = field(compare=False)
    """Of the head to send upstream."""
    opening: bytes
    """That head, up to the request's identifier, which is its last value."""
    framing: Framing
    persists: bool
    head_only: bool
    is_repeatable: bool
    """Whether it may be sent again if it got lost: idempotent (RFC 9110, 9.2.2), without content."""
    expects_continue: bool
    minor_version: int
    """Of the client's HTTP/1."""
    upgrade: bytes
    """The protocol that the client asks to switch to and may; empty for none."""
    timeouts: Timeouts
    max_content_bytes: int | None
    authority: bytes
    """As the client asked for it."""
    path: bytes
    user_agent: bytes
    traceparent: bytes
    """The client's, as received; empty without one."""
    request_id: bytes | None
    """What a trusted peer called the request; ``None`` to make one."""
    own_origins: tuple[bytes, ...]
    """Under which origins the API may know us, the one that was asked for last; only where the
    route's redirects are rewritten."""

    def __init__(
        self,
        *,
        route: Route,
        decision: Decision | None,
        method: bytes,
        target: bytes,
        form: UpstreamForm,
        opening: bytes,
        framing: Framing,
        persists: bool,
        head_only: bool,
        is_repeatable: bool,
        expects_continue: bool,
        minor_version: int,
        upgrade: bytes,
        timeouts: Timeouts,
        max_content_bytes: int | None,
        authority: bytes,
        path: bytes,
        user_agent: bytes,
        traceparent: bytes,
        request_id: bytes | None = None,
        own_origins: tuple[bytes, ...] = (),
    ) -> None:
        """Say what was planned; written out, because the generated one costs a request microseconds."""
        self.route = route
        self.decision = decision
        self.method = method
        self.target = target
        self.form = form
        self.opening = opening
        self.framing = framing
        self.persists = persists
        self.head_only = head_only
        self.is_repeatable = is_repeatable
        self.expects_continue = expects_continue
        self.minor_version = minor_version
        self.upgrade = upgrade
        self.timeouts = timeouts
        self.max_content_bytes = max_content_bytes
        self.authority = authority
        self.path = path
        self.user_agent = user_agent
        self.traceparent = traceparent
        self.request_id = request_id
        self.own_origins = own_origins

    def head(self, request_id: bytes) -> bytes:
        """Give the head to send upstream."""
        return self.opening + request_id + b"\r\n\r\n"

    @property
    def field_lines(self) -> FieldLines:
        """What is sent upstream, all but ``X-Request-ID``."""
        lines = [line.partition(b": ") for line in self.opening.split(b"\r\n")[1:-1]]
        return tuple([(name, value) for name, _, value in lines])

    @property
    def answer_fields(self) -> FieldLines:
        """The CORS fields and ``Vary`` of an answer that the gateway makes instead."""
        return cors_fields(self.decision)


def cors_fields(decision: Decision | None) -> FieldLines:
    """Give the fields that any answer to this request must carry."""
    if decision is None:
        return ()
    fields = decision.fields + decision.unless_sent
    if decision.vary:
        return (*fields, (b"Vary", b", ".join(decision.vary)))
    return fields
