"""What is known at the end of a request, and the line that the access log gets of it.

One record is made per request, also for one that failed or that the gateway answered itself. The
names are those of OpenTelemetry's conventions where it has one. Query strings, cookies and
authorization are never in it; what a client sent is escaped, so that no byte of it can end a line
or colour a terminal.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from cors_gateway.answers import Answer
from cors_gateway.failures import Failure
from cors_gateway.messages.heads import RequestHead
from cors_gateway.planned import Forward, Respond

__all__ = [
    "AccessRecord",
    "describe_request",
    "note_answer",
    "note_failure",
    "serialize_json",
    "serialize_text",
]

_MAX_FIELD = 255
"""Characters kept of a value that a client chose."""


@dataclass(slots=True)
class AccessRecord:
    """One request, as it went."""

    request_id: bytes
    client_address: str
    began: float = 0.0
    """When the request's head was complete, in seconds of the monotonic clock."""
    ended: float = 0.0
    """When the response was complete, in seconds since the epoch."""
    minor_version: int = 1
    method: bytes = b""
    authority: bytes = b""
    path: bytes = b""
    user_agent: bytes = b""
    route: str = ""
    status: int = 0
    """The status that the client got; 499 where it went away before one."""
    request_bytes: int = 0
    """Content received from the client."""
    response_bytes: int = 0
    """Content sent to the client, before framing."""
    duration: float = 0.0
    """Seconds from the end of the request's head to the end of the response."""
    upstream_url: str = ""
    upstream_address: str = ""
    """Which of the API's addresses was connected to."""
    upstream_status: int = 0
    upstream_duration: float = 0.0
    """Seconds from the request's head sent upstream to the head of the response."""
    overhead: float = 0.0
    """Seconds from the end of the request's head until it left for the API, over a connection."""
    error: str = ""
    """The proxy error type of RFC 9209, where something failed."""
    fault: str = ""
    """Whose fault it was: ``downstream``, ``upstream`` or ``gateway``."""
    problem: str = ""
    """The failure's name in our own problem types."""
    trace_id: str = ""
    """Of ``traceparent`` (W3C Trace Context), which is passed on unchanged."""
    cors_origin: bytes | None = None
    cors_kind: str = ""
    cors_decision: str = ""
    cors_reason: str = ""


def note_failure(record: AccessRecord, failure: Failure) -> None:
    """Note what went wrong."""
    record.error = failure.proxy_error
    record.problem = failure.value
    record.fault = failure.fault


def note_answer(record: AccessRecord, answer: Answer) -> None:
    """Note what the gateway answered itself."""
    record.status = answer.status
    if answer.failure is not None:
        note_failure(record, answer.failure)


def describe_request(record: AccessRecord, head: RequestHead, planned: Forward | Respond) -> None:
    """Note what was asked and what was decided."""
    record.method = head.method
    record.minor_version = head.minor_version
    record.path = planned.path
    record.authority = planned.authority
    record.user_agent = planned.user_agent
    record.trace_id = planned.trace_id
    if planned.request_id is not None:
        record.request_id = planned.request_id
    if planned.route is not None:
        record.route = planned.route.name
    if isinstance(planned, Forward):
        record.upstream_url = planned.route.upstream.url
    decision = planned.decision
    if decision is not None:
        record.cors_kind = decision.kind
        record.cors_decision = decision.outcome
        record.cors_reason = decision.reason
        record.cors_origin = decision.origin


def serialize_json(record: AccessRecord) -> str:
    """Write a record as one JSON object on one line."""
    fields: dict[str, str | int | float] = {
        "time": _timestamp(record.ended),
        "level": "info",
        "msg": "access",
        "request_id": _text(record.request_id),
        "client.address": record.client_address,
        "server.address": _text(record.authority),
        "http.request.method": _text(record.method),
        "url.path": _text(record.path),
        "http.route": record.route,
        "http.response.status_code": record.status,
        "http.request.body.size": record.request_bytes,
        "http.response.body.size": record.response_bytes,
        "duration_ms": _milliseconds(record.duration),
        "protocol": f"HTTP/1.{record.minor_version}",
        "user_agent": _text(record.user_agent),
    }
    if record.trace_id:
        fields["trace_id"] = record.trace_id
    if record.upstream_url:
        fields["upstream.url"] = record.upstream_url
        fields["upstream.address"] = record.upstream_address
        fields["upstream.status"] = record.upstream_status
        fields["upstream.duration_ms"] = _milliseconds(record.upstream_duration)
        fields["overhead_ms"] = _milliseconds(record.overhead)
    if record.error:
        fields["error.type"] = record.error
        fields["problem"] = record.problem
        fields["fault"] = record.fault
    if record.cors_kind:
        fields["cors.kind"] = record.cors_kind
        fields["cors.decision"] = record.cors_decision
        fields["cors.reason"] = record.cors_reason
    if record.cors_origin is not None:
        fields["cors.origin"] = _text(record.cors_origin)
    return json.dumps(fields)


def serialize_text(record: AccessRecord) -> str:
    """Write a record as one line for a person at a terminal."""
    parts = [
        _timestamp(record.ended),
        f"{record.status or '---'}",
        _escape(_text(record.method)) or "-",
        _escape(_text(record.path)) or "-",
        f"{_milliseconds(record.duration)}ms",
    ]
    if record.route:
        parts.append(f"route={record.route}")
    if record.cors_kind and record.cors_kind != "none":
        origin = "" if record.cors_origin is None else f" {_escape(_text(record.cors_origin))}"
        parts.append(f"cors={record.cors_decision} ({record.cors_reason}){origin}")
    if record.error:
        parts.append(f"error={record.problem}")
        if record.upstream_url:
            parts.append(f"upstream={record.upstream_url}")
    return " ".join(parts)


def _text(value: bytes) -> str:
    return value[:_MAX_FIELD].decode("latin-1")


def _escape(text: str) -> str:
    return text if text.isprintable() and text.isascii() else json.dumps(text)[1:-1]


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _timestamp(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
