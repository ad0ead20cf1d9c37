"""The answers that the gateway makes itself, as bytes.

A refusal is a problem document (RFC 9457) with a stable type, title and reason, and says in
``Proxy-Status`` (RFC 9209) what went wrong. Nothing of the request is echoed: what a client sent
must not come back to a browser as ours. Every answer carries the CORS fields and ``Vary`` that
the decision named, so that a page can read why it was refused.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus

from cors_gateway.failures import Failure
from cors_gateway.messages.heads import FieldLines

__all__ = ["CONTINUE", "Answer", "answer_failure", "reason_phrase", "serialize_answer"]

PROXY_NAME = "cors-gateway"
"""What ``Proxy-Status`` calls us."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
"""What a client that expects it waits for before it sends content (RFC 9110, section 10.1.1)."""

_PHRASES = {
    **{status.value: status.phrase.encode("ascii") for status in HTTPStatus},
    # RFC 9110's; older interpreters have older names.
    413: b"Content Too Large",
    414: b"URI Too Long",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer without an upstream."""

    status: int
    fields: FieldLines = ()
    """The CORS fields, ``Vary``, ``Allow``; ready for the wire."""
    failure: Failure | None = None
    """What went wrong; ``None`` for an answer that fulfils the request."""
    reason: str = ""
    """A stable word for why, e.g. the reason of a CORS decision."""
    detail: str = ""
    """A stable sentence for a person."""


def answer_failure(
    failure: Failure, fields: FieldLines = (), *, reason: str = "", detail: str = ""
) -> Answer:
    """Answer with a failure's own status; what will pass by itself may be tried again soon."""
    if failure.status == 503:
        fields = (*fields, (b"Retry-After", b"1"))
    return Answer(failure.status, fields, failure, reason, detail)


def reason_phrase(status: int) -> bytes:
    """The phrase of a status line; empty where there is none registered."""
    return _PHRASES.get(status, b"")


def serialize_answer(
    answer: Answer, *, request_id: bytes, date: bytes, head_only: bool, persists: bool
) -> bytes:
    """Write an answer for the wire.

    Args:
        answer: what to say.
        request_id: sent as ``X-Request-ID`` and in the problem document.
        date: the value of ``Date``.
        head_only: whether the request was a HEAD.
        persists: whether the connection stays open; otherwise ``Connection: close`` is sent.
    """
    content = b""
    lines = [
        b"HTTP/1.1 %d %b" % (answer.status, reason_phrase(answer.status)),
        b"Date: " + date,
        *(b"%b: %b" % line for line in answer.fields),
    ]
    if answer.failure is not None:
        content = _problem(answer, answer.failure, request_id)
        lines.append(b"Content-Type: application/problem+json")
        lines.append(b"Cache-Control: no-store")
    status = _proxy_status(answer)
    if status:
        lines.append(b"Proxy-Status: " + status)
    # RFC 9110, section 8.6: no Content-Length in a 204.
    if answer.status != 204:
        lines.append(b"Content-Length: %d" % len(content))
    lines.append(b"X-Request-ID: " + request_id)
    if not persists:
        lines.append(b"Connection: close")
    head = b"\r\n".join(lines) + b"\r\n\r\n"
    return head if head_only else head + content


def _problem(answer: Answer, failure: Failure, request_id: bytes) -> bytes:
    problem: dict[str, str | int] = {
        "type": f"urn:cors-gateway:problem:{failure.value}",
        "title": failure.summary,
        "status": answer.status,
    }
    if answer.detail:
        problem["detail"] = answer.detail
    if answer.reason:
        problem["reason"] = answer.reason
    problem["requestId"] = request_id.decode("latin-1")
    return json.dumps(problem).encode("ascii") + b"\n"


def _proxy_status(answer: Answer) -> bytes:
    parts = [PROXY_NAME]
    if answer.failure is not None:
        parts.append(f"error={answer.failure.proxy_error}")
    if answer.reason:
        parts.append(f'details="{answer.reason}"')
    return "; ".join(parts).encode("ascii") if len(parts) > 1 else b""
