"""The connections to admin: one answer each, within a bounded time, and not too many at once.

Nobody can hold admin up: who is slow is cut off, and where too many come, the oldest has to go, so
that a probe always gets in. What is no request gets a bare 400 and is nobody's news, because
scanners send such things all day.
"""

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any, cast

from aiohttp import web

__all__ = ["Clients", "Report", "mark", "prolong"]

MOST_CONNECTIONS = 64
LIFETIME = 30.0
"""Seconds from the beginning of a connection to its end."""
LONG_LIFETIME = 120.0
"""The same, where it takes that long to do what is asked: until other workers have started."""
MOST_LINES = 64
"""Header lines of a request; each, and the target, may have 8 KiB."""

Report = Callable[[str, str], None]
"""Tells the operator: a level and a message."""


def mark(fields: MutableMapping[str, str]) -> None:
    """Give an answer the fields that each has; never one of CORS, so that no page may read it."""
    fields["Server"] = "cors-gateway"
    fields["Cache-Control"] = "no-store"
    fields["X-Content-Type-Options"] = "nosniff"
    # Nor may a page of another origin have it as a script, an image or a frame.
    fields["Cross-Origin-Resource-Policy"] = "same-origin"
    fields["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"


def prolong(request: web.BaseRequest) -> None:
    """Let the connection of a request last longer, because its answer takes time."""
    if isinstance(request.protocol, _Client):
        request.protocol.prolong()


class Clients:
    """Makes the protocols of connections, and knows which are open."""

    def __init__(self, server: web.Server, report: Report) -> None:
        """Let ``server`` answer; ``report`` is told of what nobody caught."""
        self._server = server
        self._report = report
        self._open: dict[_Client, asyncio.TimerHandle] = {}
        """In the order in which they came."""
        self._emptied = asyncio.Event()
        self._emptied.set()

    def __call__(self) -> asyncio.Protocol:
        """Make the protocol of one connection."""
        return _Client(self._server, self)

    def close(self) -> None:
        """Cut off whoever is left."""
        for client in list(self._open):
            client.cut_off()

    async def wait_until_gone(self) -> None:
        """Wait until nobody is left, who comes no more; each has its time at most."""
        await self._emptied.wait()

    def opened(self, client: "_Client") -> None:
        """Take note of a connection."""
        self._emptied.clear()
        if len(self._open) >= MOST_CONNECTIONS:
            oldest = next(iter(self._open))
            self._forget(oldest)
            oldest.cut_off()
        loop = asyncio.get_running_loop()
        self._open[client] = loop.call_later(LIFETIME, client.cut_off)

    def prolong(self, client: "_Client") -> None:
        """Let a connection last longer, because its answer takes time."""
        if client in self._open:
            self._open[client].cancel()
            loop = asyncio.get_running_loop()
            self._open[client] = loop.call_later(LONG_LIFETIME, client.cut_off)

    def closed(self, client: "_Client") -> None:
        """Forget a connection."""
        self._forget(client)

    def failed(self, error: BaseException | None) -> None:
        """Tell of what nobody caught."""
        self._report("error", f"admin: {error!r}")

    def _forget(self, client: "_Client") -> None:
        timer = self._open.pop(client, None)
        if timer is not None:
            timer.cancel()
        if not self._open:
            self._emptied.set()


class _Client(web.RequestHandler):
    """One connection."""

    def __init__(self, server: web.Server, clients: Clients) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # as runners give it, for none
            keepalive_timeout=0,
            lingering_time=0,
            max_headers=MOST_LINES,
        )
        self._clients = clients
        self._to_client: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Ours to keep: aiohttp gives its own up when it closes, before all is sent.
        self._to_client = cast("asyncio.Transport", transport)
        self._clients.opened(self)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._to_client = None
        self._clients.closed(self)
        super().connection_lost(exc)

    def prolong(self) -> None:
        """Let the connection last longer."""
        self._clients.prolong(self)

    def cut_off(self) -> None:
        """End the connection, whatever is still to be sent."""
        if self._to_client is not None:
            self._to_client.abort()

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - aiohttp's signature
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """Answer what could not be read, without repeating any of it."""
        if status >= 500:
            self._clients.failed(exc)
        text = "the request cannot be read, or is too long\n" if status < 500 else "it failed\n"
        answer = web.Response(status=status, text=text)
        mark(answer.headers)
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **kw: Any) -> None:  # noqa: ARG002
        self._clients.failed(kw.get("exc_info"))
