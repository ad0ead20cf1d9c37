"""Calls over loopback, as a page's browser makes them."""

import json
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

__all__ = ["GRANT", "ORIGIN", "Answer", "ask", "connection", "preflight"]

ORIGIN = "https://app.example.com"
GRANT = "Access-Control-Allow-Origin"
PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    """A whole response."""

    status: int
    fields: dict[str, str]
    """By name in lower case; of several lines the last."""
    content: bytes

    @property
    def grant(self) -> str | None:
        return self.fields.get(GRANT.lower())

    def json(self) -> Any:
        return json.loads(self.content)


def connection(port: int) -> HTTPConnection:
    """Give a connection that is made at the first request, and keeps alive."""
    return HTTPConnection("127.0.0.1", port, timeout=PATIENCE)


def take(made: HTTPConnection) -> Answer:
    """Receive the response to what was sent."""
    response = made.getresponse()
    fields = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, fields, response.read())


def ask(
    port: int,
    path: str,
    *,
    method: str = "GET",
    origin: str = ORIGIN,
    content: Any = None,
    **fields: str,
) -> Answer:
    """Make one request on a connection of its own."""
    sent = {"Origin": origin, **{name.replace("_", "-"): value for name, value in fields.items()}}
    with closing(connection(port)) as made:
        made.request(method, path, body=content, headers=sent)
        return take(made)


def preflight(port: int, path: str, method: str, origin: str = ORIGIN) -> Answer:
    """Ask whether a page may use a method."""
    return ask(port, path, method="OPTIONS", origin=origin, Access_Control_Request_Method=method)
