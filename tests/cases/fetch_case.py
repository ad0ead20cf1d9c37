"""What a row of the table of Fetch cases is, and the short words that rows are written in.

A row holds a policy as a person writes it, one request as it comes from the wire, the exact
CORS answer, and what a browser makes of that answer. It knows nothing of how it is run; the
runs (``tests/test_fetch_cases.py``) know how to ask each ring of the gateway.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from tests.judge import FieldLines, Verdict

__all__ = [
    "EVIL",
    "PREFLIGHT_VARY",
    "Answer",
    "Case",
    "LoadCase",
    "Request",
    "Stage",
    "Upstream",
    "actual",
    "granted",
    "malformed",
    "options",
    "preflight",
    "readable",
    "refused",
    "unreadable",
]

EVIL = b"https://evil.example"
PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Stage(IntEnum):
    """The least of the gateway that a row needs to show anything."""

    DECISION = 0
    """``cors/`` alone."""
    PLAN = 1
    """Routing, or the upstream's own fields."""
    SOCKETS = 2
    """Connections: what reaches the upstream, and how it fails."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request's head."""

    method: bytes
    fields: FieldLines
    target: bytes = b"/"

    def values(self, name: bytes) -> tuple[bytes, ...]:
        """The values of a field, by its name in lower case."""
        return tuple(value for key, value in self.fields if key.lower() == name)


@dataclass(frozen=True, slots=True)
class Upstream:
    """What the API does with a request that reaches it."""

    status: int = 200
    fields: FieldLines = ()
    fails: str | None = None
    """``refuses`` (no connection) or ``silent`` (connection, no answer) instead of an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway decides."""

    status: int | None
    """The gateway's own status; ``None``: the request goes to the API and its status comes back."""
    fields: Mapping[str, str]
    """All of Access-Control-*, Timing-Allow-Origin, Cross-Origin-Resource-Policy and Vary, with
    nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row: a policy and a request, the answer, and the browser's verdict."""

    sentence: str
    provenance: str
    """``gateway-api N``, ``kong N``, ``attack N`` or ``design``."""
    policy: Mapping[str, Any] | None
    """A ``cors`` block; ``None`` is ``cors: false``."""
    request: Request
    answer: Answer
    browser: Verdict
    """What the page gets in the end: after the preflight, also from the request that follows."""
    reason: str | None = None
    """The name of the decision's reason, where it is worth holding."""
    cookies: bool = False
    """Whether the page fetches with credentials."""
    page: bytes | None = None
    """The origin that tries to read the answer, where it is not the Origin line's."""
    public_origin: str | None = None
    trusts_peer: bool = False
    """Whether the client is a trusted proxy."""
    routes: tuple[Mapping[str, Any], ...] = ()
    """All routes, where one route for ``/`` with this policy is not enough."""
    defaults: Mapping[str, Any] | None = None
    """The default policy, for what matches no route."""
    upstream: Upstream = field(default_factory=Upstream)
    stage: Stage = Stage.DECISION
    differs: str | None = None
    """Why we differ on purpose from where the row comes from."""

    @property
    def reading_origin(self) -> bytes:
        """The origin that the judge is asked about: without one Origin line, any other site's."""
        if self.page is not None:
            return self.page
        origins = self.request.values(b"origin")
        return origins[0] if len(origins) == 1 else EVIL

    @property
    def websocket(self) -> bool:
        """Whether this is a WebSocket handshake."""
        return b"websocket" in self.request.values(b"upgrade")

    @property
    def reaches_upstream(self) -> bool:
        """Whether the API sees anything of it."""
        return self.answer.status is None and self.wire_status is None

    @property
    def wire_status(self) -> int | None:
        """The status by which the wire refuses such a message before any policy is asked."""
        if any(_CONTROL.search(value) for _, value in self.request.fields):
            return 400
        section = sum(len(name) + len(value) + 4 for name, value in self.request.fields)
        if section > 32 * 1024 or len(self.request.fields) > 100:
            return 431
        return None

    def document(self, upstream_url: str) -> dict[str, Any]:
        """The whole configuration as data, in front of one upstream."""
        server: dict[str, Any] = {}
        if self.public_origin is not None:
            server["publicOrigin"] = self.public_origin
        if self.trusts_peer:
            server["trustedProxies"] = ["127.0.0.0/8"]
        block = False if self.policy is None else dict(self.policy)
        routes = self.routes or ({"match": {"path": "/"}, "cors": block},)
        return {
            **({"server": server} if server else {}),
            "defaults": {"cors": False if self.defaults is None else dict(self.defaults)},
            "routes": [{"upstream": upstream_url, **route} for route in routes],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadCase:
    """One row: a policy that does not load, or loads with a warning."""

    sentence: str
    provenance: str
    policy: Mapping[str, Any]
    severity: str | None
    """``error``, ``warning``, or ``None``: it loads and nothing is said."""
    key: str = ""
    """The key that is at fault."""
    mentions: tuple[str, ...] = ()
    """What the message must name for a person to act on it."""
    by_schema: bool = False
    """Whether the mistake is one of types, which only the whole document's schema sees."""
    differs: str | None = None


def preflight(
    origin: bytes | str,
    method: bytes | str = b"GET",
    headers: bytes | str | None = None,
    *more: tuple[bytes, bytes],
    target: bytes = b"/",
) -> Request:
    """Write a preflight; ``more`` are further field lines."""
    lines: FieldLines = (
        (b"Host", b"gateway.example"),
        (b"Origin", _bytes(origin)),
        (b"Access-Control-Request-Method", _bytes(method)),
    )
    if headers is not None:
        lines += ((b"Access-Control-Request-Headers", _bytes(headers)),)
    return Request(b"OPTIONS", (*lines, *more), target)


def actual(
    method: str = "GET",
    origin: bytes | str | None = None,
    *more: tuple[bytes, bytes],
    host: bytes = b"gateway.example",
    target: bytes = b"/",
) -> Request:
    """Write a request that is no preflight."""
    lines: FieldLines = ((b"Host", host),)
    if origin is not None:
        lines += ((b"Origin", _bytes(origin)),)
    return Request(method.encode(), (*lines, *more), target)


def options(*lines: tuple[bytes, bytes], target: bytes = b"/") -> Request:
    """Write an OPTIONS request from its field lines."""
    return Request(b"OPTIONS", ((b"Host", b"gateway.example"), *lines), target)


def granted(
    origin: bytes | str,
    *,
    methods: str = "GET, HEAD, POST",
    headers: str = "Content-Type, X-Requested-With",
    max_age: str = "600",
    credentials: bool = False,
    expose: str = "",
    vary: str = PREFLIGHT_VARY,
) -> Answer:
    """A preflight answered with the lists."""
    fields = {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": headers,
        "Access-Control-Max-Age": max_age,
    }
    rest = readable(origin, credentials=credentials, expose=expose, vary=vary).fields
    return Answer(204, {name: value for name, value in fields.items() if value} | dict(rest))


def readable(
    origin: bytes | str,
    *,
    credentials: bool = False,
    expose: str = "",
    timing: str = "",
    vary: str = "Origin",
    status: int | None = None,
) -> Answer:
    """A response that the page on ``origin`` may read."""
    fields = {
        "Access-Control-Allow-Origin": _bytes(origin).decode("latin-1"),
        "Access-Control-Allow-Credentials": "true" if credentials else "",
        "Access-Control-Expose-Headers": expose,
        "Timing-Allow-Origin": timing,
        "Vary": vary,
    }
    return Answer(status, {name: value for name, value in fields.items() if value})


def unreadable(*, vary: str = "Origin", status: int | None = None) -> Answer:
    """A response without CORS: forwarded, or made by the gateway."""
    return Answer(status, {"Vary": vary} if vary else {})


def refused(*, vary: str = PREFLIGHT_VARY) -> Answer:
    """403, with nothing but Vary."""
    return unreadable(vary=vary, status=403)


def malformed(*, vary: str = PREFLIGHT_VARY) -> Answer:
    """400, with nothing but Vary."""
    return unreadable(vary=vary, status=400)


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
