"""What is known at the end of a request, and the line that the access log gets of it.

One record is made per request, also for one that failed or that the gateway answered itself. The
names are those of OpenTelemetry's conventions where it has one. Query strings, cookies and
authorization are never in it; what a client sent is escaped, so that no byte of it can end a line
or colour a terminal.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache

from cors_gateway.answers import Answer
from cors_gateway.failures import Failure
from cors_gateway.messages.forwarding import parse_trace_id
from cors_gateway.planned import Forward, Respond

__all__ = [
    "LOG_FIELDS",
    "AccessRecord",
    "describe_request",
    "note_answer",
    "note_failure",
    "note_response",
    "serialize_json",
    "serialize_text",
]

LOG_FIELDS = {
    "time": "when the response was complete, in UTC",
    "level": "always `info`",
    "msg": "always `access`",
    "request_id": "`X-Request-ID`, which the API and the client get as well",
    "client.address": "who connected; empty on a unix socket",
    "server.address": "the host and port that the client asked for",
    "http.request.method": "the method",
    "url.path": "the path as received, without the query",
    "http.route": "the route's name; empty where none took the request",
    "http.response.status_code": "the status that the client got; 499 where it went away before",
    "http.request.body.size": "bytes of content received from the client",
    "http.response.body.size": "bytes of content sent to the client",
    "duration_ms": "from the end of the request's head to the end of the response",
    "protocol": "`HTTP/1.0` or `HTTP/1.1`",
    "user_agent": "`User-Agent`",
    "trace_id": "of `traceparent`, where there is one",
    "upstream.url": "the API of the route; this and the next four where the request was forwarded",
    "upstream.address": "the address of the API that was connected to",
    "upstream.status": "the status that the API answered with; 0 without an answer",
    "upstream.duration_ms": "from the head sent to the API to the head of its response",
    "overhead_ms": "from the end of the request's head until it left for the API",
    "error.type": "the error type of RFC 9209; this and the next two where something failed",
    "problem": "the last part of the problem's type in the answer",
    "fault": "whose fault it was: `downstream`, `upstream` or `gateway`",
    "cors.kind": "`preflight`, `actual` or `none`; this and the next two on routes with a policy",
    "cors.decision": "`allowed`, `denied` or `none`",
    "cors.reason": "why",
    "cors.origin": "the origin that was decided about, where there was one",
    "cors.stripped": "how many `Access-Control-*` lines of the API were left out, if any",
    "cookies.unparsed": (
        "how many cookies of the API should have changed and could not be parsed, if any"
    ),
}
"""The fields of a JSON line in their order, and what they say."""

_MAX_FIELD = 255
"""Characters kept of a value that a client chose."""

_QUOTE = json.encoder.encode_basestring_ascii


class AccessRecord:
    """One request, as it went.

    What is not known yet is the class's: a record is made for every request, and most of it is set never.
    """

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
    traceparent: bytes = b""
    """As received (W3C Trace Context); it is passed on unchanged."""
    cors_stripped: int = 0
    """How many of the API's own CORS header lines were left out of the response."""
    cookies_unparsed: int = 0
    """How many of the API's cookies should have changed and could not be parsed."""
    cors_origin: bytes | None = None
    cors_kind: str = ""
    cors_decision: str = ""
    cors_reason: str = ""

    def __init__(self, request_id: bytes, client_address: str, began: float = 0.0) -> None:
        """Begin a record, at a time of the monotonic clock."""
        self.request_id = request_id
        self.client_address = client_address
        self.began = began


def note_failure(record: AccessRecord, failure: Failure) -> None:
    """Note what went wrong."""
    record.error = failure.proxy_error
    record.problem = failure
    record.fault = failure.fault


def note_answer(record: AccessRecord, answer: Answer) -> None:
    """Note what the gateway answered itself."""
    record.status = answer.status
    if answer.failure is not None:
        note_failure(record, answer.failure)


def note_response(
    record: AccessRecord, status: int, now: float, stripped: int = 0, unparsed: int = 0
) -> None:
    """Note what the API answered.

    Args:
        record: of the request.
        status: the API's, which the client gets too.
        now: seconds of the monotonic clock.
        stripped: how many of the API's own CORS header lines were left out.
        unparsed: how many of its cookies should have changed and could not be parsed.
    """
    record.status = record.upstream_status = status
    record.upstream_duration = now - record.began - record.overhead
    record.cors_stripped = stripped
    record.cookies_unparsed = unparsed


def describe_request(record: AccessRecord, planned: Forward | Respond) -> None:
    """Note what was asked and what was decided."""
    record.method = planned.method
    record.minor_version = planned.minor_version
    record.path = planned.path
    record.authority = planned.authority
    record.user_agent = planned.user_agent
    record.traceparent = planned.traceparent
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
    """Write a record as one JSON object on one line.

    Spelled out, because ``json.dumps`` of a dictionary takes twice as long, for every request.
    """
    line = (
        f'{{"time": "{_timestamp(record.ended)}", "level": "info", "msg": "access"'
        f', "request_id": {_quote(record.request_id)}'
        f', "client.address": {_QUOTE(record.client_address)}'
        f', "server.address": {_quote(record.authority)}'
        f', "http.request.method": {_quote(record.method)}'
        f', "url.path": {_quote(record.path)}'
        f', "http.route": {_QUOTE(record.route)}'
        f', "http.response.status_code": {record.status}'
        f', "http.request.body.size": {record.request_bytes}'
        f', "http.response.body.size": {record.response_bytes}'
        f', "duration_ms": {_milliseconds(record.duration)}'
        f', "protocol": "HTTP/1.{record.minor_version}"'
        f', "user_agent": {_quote(record.user_agent)}'
    )
    if record.traceparent and (trace_id := parse_trace_id(record.traceparent)):
        line += f', "trace_id": {_QUOTE(trace_id)}'
    if record.upstream_url:
        line += (
            f', "upstream.url": {_QUOTE(record.upstream_url)}'
            f', "upstream.address": {_QUOTE(record.upstream_address)}'
            f', "upstream.status": {record.upstream_status}'
            f', "upstream.duration_ms": {_milliseconds(record.upstream_duration)}'
            f', "overhead_ms": {_milliseconds(record.overhead)}'
        )
    if record.error:
        line += f', "error.type": "{record.error}", "problem": "{record.problem}"'
        line += f', "fault": "{record.fault}"'
    if record.cors_kind:
        line += f', "cors.kind": "{record.cors_kind}", "cors.decision": "{record.cors_decision}"'
        line += f', "cors.reason": "{record.cors_reason}"'
    if record.cors_origin is not None:
        line += f', "cors.origin": {_quote(record.cors_origin)}'
    if record.cors_stripped:
        line += f', "cors.stripped": {record.cors_stripped}'
    if record.cookies_unparsed:
        line += f', "cookies.unparsed": {record.cookies_unparsed}'
    return f"{line}}}"


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


def _quote(value: bytes) -> str:
    return _QUOTE(value[:_MAX_FIELD].decode("latin-1"))


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.3f}"


def _timestamp(now: float) -> str:
    second = int(now)
    return f"{_date_and_time(second)}.{int((now - second) * 1000):03}+00:00"


@lru_cache(maxsize=4)
def _date_and_time(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
