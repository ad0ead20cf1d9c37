"""What comes of a question: the requests as planned, their answers, and the browser's verdict.

Decides nothing: ``plan`` and ``conclude`` treat the requests like real ones, and ``cors/browser``
judges the answers. Of an API nothing is known; it is taken to answer 200 and to send no CORS
fields of its own, and to accept each WebSocket that it is asked for.
"""

from dataclasses import dataclass
from enum import StrEnum

from cors_gateway.answers import serialize_answer
from cors_gateway.conclude import conclude
from cors_gateway.cors.browser import CorsError, judge_preflight, judge_response, needs_preflight
from cors_gateway.cors.decision import Decision
from cors_gateway.cors.public_suffixes import IsPublicSuffix
from cors_gateway.explain.question import Question, Site, check_receivable
from cors_gateway.explain.urls import DEFAULT_SCHEME
from cors_gateway.messages.heads import FieldLines, RequestHead, ResponseHead
from cors_gateway.plan import plan
from cors_gateway.planned import Forward, Peer, Respond
from cors_gateway.snapshot import Route, Snapshot
from cors_gateway.upgrades import conclude_upgrade

__all__ = ["Blocked", "Exchange", "Explanation", "HandshakeError", "explain", "home_of"]

_ASSUMED_ANSWER = ResponseHead(200, b"OK", 1, ((b"Content-Length", b"0"),))
# To the sample key of the handshake, as RFC 6455 has it (section 1.3).
_ASSUMED_SWITCH = ResponseHead(
    101,
    b"Switching Protocols",
    1,
    (
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ),
)
_NOT_SHOWN = frozenset({b"content-length", b"date", b"x-request-id"})
"""What differs from one answer to the next."""


class Blocked(StrEnum):
    """Why a browser sends nothing at all: Chromium's ``Network.BlockedReason``."""

    MIXED_CONTENT = "mixed-content"


class HandshakeError(StrEnum):
    """Why a WebSocket does not come about: after what Chromium writes to its console."""

    UNEXPECTED_RESPONSE_CODE = "unexpected-response-code"
    """The answer is not 101."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, what became of it, and the answer."""

    request: RequestHead
    planned: Respond | Forward
    status: int
    fields: FieldLines
    """Of the answer, without what differs each time."""

    @property
    def route(self) -> Route | None:
        """The route that took the request, or that would have if only the method were another."""
        return self.planned.route

    @property
    def decision(self) -> Decision | None:
        """What the policy said; ``None`` where there is none."""
        return self.planned.decision

    @property
    def reaches_api(self) -> bool:
        """Whether the API hears of it."""
        return isinstance(self.planned, Forward)

    @property
    def asks_to_switch(self) -> bool:
        """Whether the client wants to speak another protocol."""
        return any(name.lower() == b"upgrade" for name, _ in self.request.fields)

    @property
    def is_switched(self) -> bool:
        """Whether the API is asked for that, and taken to agree."""
        return isinstance(self.planned, Forward) and self.planned.upgrade != b""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole course of a question."""

    question: Question
    site: Site | None
    """``None`` where no browser is involved."""
    preflight: Exchange | None
    """``None`` where the browser does not ask first."""
    actual: Exchange | None
    """``None`` where the browser sends no more after the preflight, or nothing."""
    error: CorsError | Blocked | HandshakeError | None
    """Why the browser refuses, as Chromium names it; to a WebSocket also what a program gets."""

    @property
    def is_readable(self) -> bool:
        """Whether the browser lets the page read the answer, or the WebSocket's messages."""
        return self.error is None

    @property
    def is_served(self) -> bool:
        """Whether the API gets the request, and the page its answer."""
        return self.is_readable and self.last is not None and self.last.reaches_api

    @property
    def is_declined(self) -> bool:
        """Whether the API gets a WebSocket's handshake, but as a plain request."""
        return (
            self.error is HandshakeError.UNEXPECTED_RESPONSE_CODE
            and self.last is not None
            and self.last.reaches_api
        )

    @property
    def last(self) -> Exchange | None:
        """The exchange with which it ends; ``None`` where the browser sends nothing."""
        return self.actual or self.preflight


def explain(
    snapshot: Snapshot, question: Question, is_public_suffix: IsPublicSuffix
) -> Explanation:
    """Follow a question to its end.

    Args:
        snapshot: the configuration.
        question: what a page wants to send.
        is_public_suffix: whether names below a domain belong to different parties.

    Raises:
        QuestionError: the method is none that the gateway can receive.
    """
    site = question.site(is_public_suffix)
    if question.is_mixed_content:
        return Explanation(question, site, None, None, Blocked.MIXED_CONTENT)
    if question.is_websocket:
        actual = _exchange(snapshot, question, question.request(site))
        refused = None if actual.status == 101 else HandshakeError.UNEXPECTED_RESPONSE_CODE
        return Explanation(question, site, None, actual, refused)
    if site is None or site == "same-origin":
        if site is not None:
            check_receivable(question.method)
        actual = _exchange(snapshot, question, question.request(site))
        return Explanation(question, site, None, actual, None)
    asked = question.browser_request()
    preflight = None
    if needs_preflight(asked):
        preflight = _exchange(snapshot, question, question.preflight(site))
        error = judge_preflight(asked, preflight.status, preflight.fields)
        if error is not None:
            return Explanation(question, site, preflight, None, error)
    check_receivable(question.method)
    actual = _exchange(snapshot, question, question.request(site))
    error = judge_response(asked, actual.fields)
    return Explanation(question, site, preflight, actual, error)


def home_of(snapshot: Snapshot) -> str | None:
    """Find what a path without a host belongs to: our public origin, or the one host there is."""
    if snapshot.public_origin is not None:
        return snapshot.public_origin.decode()
    hosts = {route.host for route in snapshot.routes}
    only = next(iter(hosts)) if len(hosts) == 1 else None
    return None if only is None else f"{DEFAULT_SCHEME}://{only.decode()}"


def _exchange(snapshot: Snapshot, question: Question, request: RequestHead) -> Exchange:
    planned = plan(snapshot, request, _peer_of(snapshot, question), b"explain")
    if isinstance(planned, Forward) and planned.upgrade:
        status = _ASSUMED_SWITCH.status
        head = conclude_upgrade(_ASSUMED_SWITCH, planned.upgrade)
    elif isinstance(planned, Forward):
        status = _ASSUMED_ANSWER.status
        head = conclude(planned, _ASSUMED_ANSWER, date=b"", close=False).head(b"")
    else:
        status = planned.answer.status
        head, _ = serialize_answer(
            planned.answer, request_id=b"", date=b"", head_only=True, persists=True
        )
    return Exchange(request, planned, status, _shown_fields(head))


def _peer_of(snapshot: Snapshot, question: Question) -> Peer:
    """Say who calls: the browser, or what speaks TLS in front of a gateway that does not.

    Of the latter the gateway believes only a trusted one that https was asked for.
    """
    speaks_tls = any(listener.tls is not None for listener in snapshot.listeners)
    knows_scheme = speaks_tls or snapshot.trusts_unix or bool(snapshot.trusted_proxies)
    return Peer("", b"https" if question.scheme == "https" and knows_scheme else b"http")


def _shown_fields(head: bytes) -> FieldLines:
    lines = [line.partition(b": ") for line in head.split(b"\r\n")[1:-2]]
    return tuple((name, value) for name, _, value in lines if name.lower() not in _NOT_SHOWN)
