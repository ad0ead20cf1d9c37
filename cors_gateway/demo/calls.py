"""The calls that the page makes, each straight and through the gateway.

This is the only list of them: the page draws and makes what it is given, and the reasons are asked
for the same entries. How they end is written nowhere, that is for the browser to say.
"""

from dataclasses import dataclass
from typing import Any, Literal

from cors_gateway.cors.browser import BrowserRequest

__all__ = ["CALLS", "Call"]

JSON = ("Content-Type", "application/json")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the page."""

    name: str
    """For the page's markup."""
    title: str
    about: str
    """What it shows, in a sentence or two."""
    path: str
    kind: Literal["fetch", "login", "upload", "events", "socket"] = "fetch"
    """Which of the browser's ways of calling it takes."""
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    """Those that the page sets."""
    body: str | None = None
    credentials: bool = False
    reads: tuple[str, ...] = ()
    """Response headers that the page wants to read and has to be shown by permission."""

    def browser_request(self, origin: str) -> BrowserRequest:
        """Give what the page asks its browser to send."""
        return BrowserRequest(
            origin.encode(),
            self.method.encode(),
            tuple((name.encode(), value.encode()) for name, value in self.headers),
            self.credentials,
        )

    def as_data(self) -> dict[str, Any]:
        """Give what the page has to know to draw and to make it."""
        return {
            "name": self.name,
            "title": self.title,
            "about": self.about,
            "path": self.path,
            "kind": self.kind,
            "method": self.method,
            "headers": dict(self.headers),
            "body": self.body,
            "credentials": self.credentials,
        }


CALLS = (
    Call(
        name="read",
        title="Read the orders",
        about="A plain GET. The API answers both times; the browser decides who may read it.",
        path="/orders",
        reads=("X-Total-Count",),
    ),
    Call(
        name="save",
        title="Change an order, with a token",
        about=(
            "A PUT with JSON and Authorization: the browser asks for permission first, by a "
            "preflight, which this API refuses with 405."
        ),
        path="/orders/1",
        method="PUT",
        headers=(JSON, ("Authorization", "Bearer demo")),
        body='{"item": "black tea", "count": 3}',
    ),
    Call(
        name="login",
        title="Log in, then ask who I am",
        about="POST /login sets a session cookie, and GET /me sends it back.",
        path="/login",
        kind="login",
        method="POST",
        headers=(JSON,),
        body='{"user": "ada"}',
        credentials=True,
    ),
    Call(
        name="upload",
        title="Upload 8 MiB, with progress",
        about="Streamed to an API that reads slowly: the progress is the API's, no buffer's.",
        path="/upload",
        kind="upload",
        method="POST",
        headers=(("Content-Type", "application/octet-stream"),),
    ),
    Call(
        name="events",
        title="Listen to an event stream",
        about="Server-sent events by EventSource, each passed on as it comes.",
        path="/events",
        kind="events",
    ),
    Call(
        name="socket",
        title="Talk over a WebSocket",
        about=(
            "Browsers do not apply CORS to WebSocket: straight, any page on the web gets in. The "
            "gateway looks at the origin first."
        ),
        path="/echo",
        kind="socket",
    ),
    Call(
        name="broken",
        title="Read an error of the API",
        about="A 500 with the reason in it. Straight, the page cannot even tell that it is a 500.",
        path="/broken",
    ),
    Call(
        name="crash",
        title="Call an API that is down",
        about="It hangs up without an answer. The gateway's own 502 can be read by the page too.",
        path="/crash",
    ),
    Call(
        name="unnamed",
        title="Send a header that nobody allowed",
        about="The policy does not name X-Api-Version, so the gateway lets the browser refuse.",
        path="/orders",
        headers=(("X-Api-Version", "2"),),
    ),
)
