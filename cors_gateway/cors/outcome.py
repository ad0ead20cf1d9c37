"""What is asked of a policy and what comes back: the request's CORS part, the decision, its steps.

Values only, with the names that logs, metrics and ``explain`` use. How they come about is for
``decision``.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

__all__ = [
    "Check",
    "CorsRequest",
    "Decision",
    "Fields",
    "Outcome",
    "Reason",
    "RequestKind",
    "Step",
]

Fields = tuple[tuple[bytes, bytes], ...]
"""Field lines: names and values."""


class RequestKind(StrEnum):
    """What a request is to the CORS protocol."""

    NOT_CORS = "none"
    ACTUAL = "actual"
    PREFLIGHT = "preflight"


class Outcome(StrEnum):
    """Whether the browser will let the page go on."""

    ALLOWED = "allowed"
    DENIED = "denied"
    NOT_APPLICABLE = "none"
    """No page of another origin asked."""


class Reason(StrEnum):
    """Why: stable names for logs, metrics and ``explain``."""

    ORIGIN_ALLOWED = "origin-allowed"
    NO_ORIGIN = "no-origin"
    SAME_ORIGIN = "same-origin"
    ORIGIN_NOT_ALLOWED = "origin-not-allowed"
    ORIGIN_INVALID = "origin-invalid"
    NULL_ORIGIN = "null-origin"
    REPEATED_ORIGIN = "repeated-origin"
    ORIGIN_REQUIRED = "origin-required"
    REPEATED_REQUEST_METHOD = "repeated-request-method"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    HEADER_NOT_ALLOWED = "header-not-allowed"
    CSRF = "csrf"


class Check(StrEnum):
    """What a step looked at."""

    ONE_ORIGIN = "one-origin"
    MISSING_ORIGIN = "missing-origin"
    ORIGIN = "origin"
    SAME_ORIGIN = "same-origin"
    ORIGIN_REQUIRED = "origin-required"
    CSRF = "csrf"
    ONE_REQUEST_METHOD = "one-request-method"
    METHOD = "method"
    HEADERS = "headers"


class Step(NamedTuple):
    """One check: what was looked at, how it went, and the rule or entry that decided."""

    check: Check
    passed: bool
    subject: bytes
    """The bytes of the request that were looked at: not to be shown without escaping."""
    detail: str

    @classmethod
    def passing(cls, check: Check, subject: bytes, detail: str) -> Self:
        """Make the step of a check that held."""
        return cls(check, True, subject, detail)  # noqa: FBT003

    @classmethod
    def failing(cls, check: Check, subject: bytes, detail: str) -> Self:
        """Make the step of a check that did not hold."""
        return cls(check, False, subject, detail)  # noqa: FBT003


@dataclass(slots=True)
class CorsRequest:
    """What a request says that matters to CORS: values as received, without outer white space."""

    method: bytes
    origin_lines: tuple[bytes, ...]
    request_method_lines: tuple[bytes, ...]
    """``Access-Control-Request-Method``."""
    request_headers_lines: tuple[bytes, ...]
    """``Access-Control-Request-Headers``."""
    sec_fetch_site: bytes | None
    own_origins: tuple[bytes, ...]
    """What counts as the gateway's own origin for this request."""
    original_origin: bytes | None
    """``X-Original-Origin``."""
    referer: bytes | None
    host: bytes | None
    websocket: bool
    """The request opens a WebSocket, to which browsers do not apply CORS."""

    def __init__(
        self,
        *,
        method: bytes,
        origin_lines: tuple[bytes, ...] = (),
        request_method_lines: tuple[bytes, ...] = (),
        request_headers_lines: tuple[bytes, ...] = (),
        sec_fetch_site: bytes | None = None,
        own_origins: tuple[bytes, ...] = (),
        original_origin: bytes | None = None,
        referer: bytes | None = None,
        host: bytes | None = None,
        websocket: bool = False,
    ) -> None:
        """Say what a request says."""
        self.method = method
        self.origin_lines = origin_lines
        self.request_method_lines = request_method_lines
        self.request_headers_lines = request_headers_lines
        self.sec_fetch_site = sec_fetch_site
        self.own_origins = own_origins
        self.original_origin = original_origin
        self.referer = referer
        self.host = host
        self.websocket = websocket


@dataclass(slots=True)
class Decision:
    """What becomes of a request as far as CORS goes. Never changed once it is made."""

    kind: RequestKind
    outcome: Outcome
    reason: Reason
    status: int | None
    """The gateway answers with this status; ``None`` leaves the request to the upstream."""
    fields: Fields
    """What any answer to this request carries, ready for the wire."""
    vary: tuple[bytes, ...]
    """What ``Vary`` holds on any answer to this request."""
    expose_real: bool
    """``Access-Control-Expose-Headers`` has to name the fields of the actual response."""
    origin: bytes | None
    """The origin considered, as received or as derived."""
    entry: str | None
    """The configured text that allowed it."""
    steps: tuple[Step, ...]
    upstream_cors: str
    """What is done about the upstream's own fields: ``strip``, ``passthrough``, ``fallback``."""
    unless_sent: Fields
    """What any answer carries beside ``fields``, unless the upstream's own has such a line."""

    def __init__(
        self,
        kind: RequestKind,
        outcome: Outcome,
        reason: Reason,
        status: int | None,
        fields: Fields,
        vary: tuple[bytes, ...],
        expose_real: bool,  # noqa: FBT001
        origin: bytes | None,
        entry: str | None,
        steps: tuple[Step, ...],
        upstream_cors: str = "strip",
        unless_sent: Fields = (),
    ) -> None:
        """Say what was decided."""
        self.kind = kind
        self.outcome = outcome
        self.reason = reason
        self.status = status
        self.fields = fields
        self.vary = vary
        self.expose_real = expose_real
        self.origin = origin
        self.entry = entry
        self.steps = steps
        self.upstream_cors = upstream_cors
        self.unless_sent = unless_sent

    def __hash__(self) -> int:
        return id(self)  # what follows from one decision is looked up by the decision itself
