"""Policies and short words that the rows for the design's Policy share."""

from typing import Any

from tests.cases.fetch_case import Answer, Case, Request, granted, readable
from tests.judge import Verdict

__all__ = [
    "APP",
    "BLOCK",
    "COOKIES",
    "ONE",
    "OUT",
    "OWN",
    "SPA",
    "SPA_GRANTED",
    "SPA_READABLE",
    "STAR",
    "announced",
    "design",
    "line",
]

APP = "https://app.example.com"
OWN = "http://gateway.example"
"""What the gateway is called in every row's Host."""

OUT = Verdict.NO_ALLOW_ORIGIN
COOKIES = {"allowCredentials": True}
ONE = {"allowOrigins": [APP]}
BLOCK = ONE | {"onDisallowedOrigin": "block"}
STAR = {"allowOrigins": ["*"]}
SPA = ONE | {
    "allowMethods": ["GET", "PUT"],
    "allowHeaders": ["Content-Type", "Authorization"],
    "exposeHeaders": ["X-Total-Count"],
    "allowCredentials": True,
}
SPA_GRANTED = granted(
    APP,
    methods="GET, PUT",
    headers="Content-Type, Authorization",
    expose="X-Total-Count",
    credentials=True,
)
SPA_READABLE = readable(APP, expose="X-Total-Count", credentials=True)


def design(
    sentence: str,
    policy: dict[str, Any] | None,
    request: Request,
    answer: Answer,
    browser: Verdict = Verdict.ALLOWED,
    **more: Any,
) -> Case:
    """Write a row for a sentence of the design."""
    return Case(
        sentence=sentence,
        provenance="design",
        policy=policy,
        request=request,
        answer=answer,
        browser=browser,
        **more,
    )


def line(name: str, value: str) -> tuple[bytes, bytes]:
    """Write a field line."""
    return name.encode(), value.encode()


def announced(method: str, headers: str | None = None) -> tuple[tuple[bytes, bytes], ...]:
    """Write the lines of a preflight that announce a request."""
    lines = (line("Access-Control-Request-Method", method),)
    return lines if headers is None else (*lines, line("Access-Control-Request-Headers", headers))
