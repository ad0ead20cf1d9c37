"""The answers that the gateway makes itself, as bytes.

A refusal is a problem document (RFC 9457) with a stable type, title and reason, and says in
``Proxy-Status`` (RFC 9209) what went wrong. Nothing of the request is echoed: what a client sent
must not come back to a browser as ours. Every answer carries the CORS fields and ``Vary`` that
the decision named, so that a page can read why it was refused.
"""

import json
from dataclasses import dataclass, field
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


class SpelledAnswer:
    """An answer for the wire, but for the date and the request's identifier."""

    __slots__ = (
        "_ending",
        "_head_only",
        "_id_length",
        "_middle",
        "_opening",
        "_persists",
        "content_length",
    )

    def __init__(
        self, answer: "Answer", id_length: int, *, head_only: bool, persists: bool
    ) -> None:
        """Spell an answer.

        Args:
            answer: what to say.
            id_length: of the request's identifier as a JSON string.
            head_only: whether the request was a HEAD.
            persists: whether the connection stays open; otherwise ``Connection: close`` is sent.
        """
        self._id_length = id_length
        self._head_only = head_only
        self._persists = persists
        content = b"" if answer.failure is None else _problem(answer, answer.failure)
        length = len(content) + id_length + len(_PROBLEM_ENDS) if content else 0
        lines = [b"", *[b": ".join(line) for line in answer.fields]]
        if content:
            lines.append(b"Content-Type: application/problem+json")
            lines.append(b"Cache-Control: no-store")
        status = _proxy_status(answer)
        if status:
            lines.append(b"Proxy-Status: " + status)
        # RFC 9110, section 8.6: no Content-Length in a 204.
        if answer.status != 204:
            lines.append(b"Content-Length: %d" % length)
        lines.append(b"X-Request-ID: ")
        self._opening = b"HTTP/1.1 %d %b\r\nDate: " % (answer.status, reason_phrase(answer.status))
        self._middle = b"\r\n".join(lines)
        self._ending = b"\r\n\r\n" if persists else b"\r\nConnection: close\r\n\r\n"
        self.content_length = 0 if head_only else length
        """Bytes of content that are sent."""
        if self.content_length:
            self._ending += content

    def fits(self, id_length: int, *, head_only: bool, persists: bool) -> bool:
        """Say whether this is how the answer is spelled for another request."""
        return (
            self._id_length == id_length
            and self._head_only is head_only
            and self._persists is persists
        )

    def write(self, date: bytes, request_id: bytes, quoted_id: bytes) -> bytes:
        """Give the bytes for the wire.

        Args:
            date: the value of ``Date``.
            request_id: sent as ``X-Request-ID``.
            quoted_id: the same as a JSON string, for the problem document.
        """
        head = self._opening + date + self._middle + request_id + self._ending
        return head + quoted_id + _PROBLEM_ENDS if self.content_length else head


@dataclass(slots=True)
class Answer:
    """An answer without an upstream. What it says is never changed once it is made."""

    status: int
    fields: FieldLines
    """The CORS fields, ``Vary``, ``Allow``; ready for the wire."""
    failure: Failure | None
    """What went wrong; ``None`` for an answer that fulfils the request."""
    reason: str
    """A stable word for why, e.g. the reason of a CORS decision."""
    detail: str
    """A stable sentence for a person."""
    spelled: SpelledAnswer | None = field(compare=False, repr=False)
    """As it was written last: the next request often is the same."""

    def __init__(
        self,
        status: int,
        fields: FieldLines = (),
        failure: Failure | None = None,
        reason: str = "",
        detail: str = "",
        spelled: SpelledAnswer | None = None,
    ) -> None:
        """Put an answer together."""
        self.status = status
        self.fields = fields
        self.failure = failure
        self.reason = reason
        self.detail = detail
        self.spelled = spelled


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
) -> tuple[bytes, int]:
    """Write an answer for the wire.

    Args:
        answer: what to say.
        request_id: sent as ``X-Request-ID`` and in the problem document.
        date: the value of ``Date``.
        head_only: whether the request was a HEAD.
        persists: whether the connection stays open; otherwise ``Connection: close`` is sent.

    Returns:
        The bytes, and how many of them are content.
    """
    quoted_id = b"" if answer.failure is None else _quote(request_id)
    spelled = answer.spelled
    if spelled is None or not spelled.fits(len(quoted_id), head_only=head_only, persists=persists):
        spelled = SpelledAnswer(answer, len(quoted_id), head_only=head_only, persists=persists)
        answer.spelled = spelled
    return spelled.write(date, request_id, quoted_id), spelled.content_length


_PROBLEM_ENDS = b"}\n"
_NEEDS_NO_ESCAPE = b"-_.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _quote(request_id: bytes) -> bytes:
    """Write an identifier as a JSON string; only those of trusted peers can need an escape."""
    if not request_id.translate(None, _NEEDS_NO_ESCAPE):
        return b'"%b"' % request_id
    return json.dumps(request_id.decode("latin-1")).encode("ascii")


def _problem(answer: Answer, failure: Failure) -> bytes:
    """Give the problem document up to the request's identifier."""
    problem: dict[str, str | int] = {
        "type": f"urn:cors-gateway:problem:{failure.value}",
        "title": failure.summary,
        "status": answer.status,
    }
    if answer.detail:
        problem["detail"] = answer.detail
    if answer.reason:
        problem["reason"] = answer.reason
    return json.dumps(problem)[:-1].encode("ascii") + b', "requestId": '


def _proxy_status(answer: Answer) -> bytes:
    parts = [PROXY_NAME]
    if answer.failure is not None:
        parts.append(f"error={answer.failure.proxy_error}")
    if answer.reason:
        parts.append(f'details="{answer.reason}"')
    return "; ".join(parts).encode("ascii") if len(parts) > 1 else b""
