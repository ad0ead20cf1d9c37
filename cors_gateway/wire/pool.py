"""Which connection serves a request: reuse, connect, wait.

One pool per upstream and worker. A connection is reused only if it is certainly clean: its last
exchange ended exactly at a message boundary, nothing has arrived since, and it has not been idle
for long. Requests that must not be sent twice get a connection that is new or was in use a moment
ago, because an API may be closing an idle one just now.
"""

import asyncio
import errno
import os
import socket
from collections import deque
from typing import Protocol

from cors_gateway.failures import Failure
from cors_gateway.snapshot import Upstream
from cors_gateway.wire.tick import Ticker
from cors_gateway.wire.upstream import ResponseTaker, UpstreamConnection

__all__ = ["Pool"]

RECENT = 1.0
"""Seconds since its last use in which a connection may carry a request that must not be repeated.

APIs close idle connections after 2 s (gunicorn) to 75 s (nginx)."""

MAX_WAIT = 1.0
"""Seconds that a request waits for one of a full pool's connections."""


class Claimant(ResponseTaker, Protocol):
    """Who wants a connection; an exchange."""

    def connected(self, connection: UpstreamConnection) -> None:
        """Take a connection."""

    def connect_failed(self, failure: Failure) -> None:
        """Take that there is none."""

    def wait_until(self, deadline: float, failure: Failure) -> None:
        """Take how long it may last, and what it means if it lasts longer."""


class Pool:
    """The connections of one worker to one upstream."""

    def __init__(self, upstream: Upstream, loop: asyncio.AbstractEventLoop, ticker: Ticker) -> None:
        """Make an empty pool."""
        self._upstream = upstream
        self._loop = loop
        self._ticker = ticker
        self._idle: deque[UpstreamConnection] = deque()
        self._open: set[UpstreamConnection] = set()
        self._connecting: dict[Claimant, asyncio.Task[None]] = {}
        self._waiting: deque[Claimant] = deque()

    def acquire(self, claimant: Claimant, *, repeatable: bool, fresh: bool = False) -> None:
        """Find a connection for ``claimant``, now or later.

        Args:
            claimant: who is told.
            repeatable: whether the request may be sent again if the connection proves dead.
            fresh: whether only a new connection will do.
        """
        if not fresh:
            connection = self._take_idle(repeatable=repeatable)
            if connection is not None:
                claimant.connected(connection)
                return
        if not self._has_room():
            if self._idle:
                self._idle.popleft().close()
            else:
                claimant.wait_until(self._ticker.after(MAX_WAIT), Failure.CONNECTION_LIMIT)
                self._waiting.append(claimant)
                return
        self._connect(claimant)

    def release(self, connection: UpstreamConnection) -> None:
        """Take back a connection whose exchange has ended."""
        if not connection.release():
            connection.close()
            return
        connection.resume_reading()
        if self._waiting and connection.is_clean():
            self._waiting.popleft().connected(connection)
            return
        connection.idle_since = self._ticker.now
        self._idle.append(connection)

    def withdraw(self, claimant: Claimant) -> None:
        """Forget a claimant that no longer wants a connection."""
        task = self._connecting.pop(claimant, None)
        if task is not None:
            task.cancel()
            self._connect_next()
        elif claimant in self._waiting:
            self._waiting.remove(claimant)

    def forget(self, connection: UpstreamConnection) -> None:
        """Take that a connection is closed."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._connect_next()

    def sweep(self) -> None:
        """Close what has been idle for too long."""
        oldest = self._ticker.now - self._upstream.pool.idle
        while self._idle and self._idle[0].idle_since <= oldest:
            self._idle.popleft().close()

    def close(self) -> None:
        """Close every idle connection; those in use close when their exchange ends."""
        while self._idle:
            self._idle.popleft().close()

    def _take_idle(self, *, repeatable: bool) -> UpstreamConnection | None:
        # The one used last is the least likely to be closed by the API.
        while self._idle:
            connection = self._idle[-1]
            if not repeatable and self._ticker.now - connection.idle_since > RECENT:
                return None
            self._idle.pop()
            if connection.is_clean():
                return connection
            connection.close()
        return None

    def _has_room(self) -> bool:
        return len(self._open) + len(self._connecting) < self._upstream.pool.connections

    def _connect_next(self) -> None:
        """Give the place that has become free to who has waited longest."""
        if self._waiting and self._has_room():
            self._connect(self._waiting.popleft())

    def _connect(self, claimant: Claimant) -> None:
        claimant.wait_until(
            self._ticker.after(self._upstream.timeouts.connect), Failure.CONNECTION_TIMEOUT
        )
        self._connecting[claimant] = self._loop.create_task(self._open_connection(claimant))

    async def _open_connection(self, claimant: Claimant) -> None:
        connection = UpstreamConnection(self)
        failure = None
        try:
            await self._dial(connection)
        except (OSError, UnicodeError) as error:
            failure = _failure_of(error)
        except asyncio.CancelledError:
            connection.close()
            raise
        if self._connecting.pop(claimant, None) is None:
            connection.close()
            return
        try:
            if failure is not None:
                claimant.connect_failed(failure)
            elif connection.is_open():
                self._open.add(connection)
                claimant.connected(connection)
            else:
                claimant.connect_failed(Failure.CONNECTION_TERMINATED)
        except Exception as error:  # noqa: BLE001 - nobody looks at what a task of ours raises
            claimant.break_down(error)
            connection.abort()
        self._connect_next()

    async def _dial(self, connection: UpstreamConnection) -> None:
        endpoint = self._upstream.endpoints[0]
        if endpoint.unix_path is not None:
            await self._loop.create_unix_connection(lambda: connection, endpoint.unix_path)
        else:
            await self._loop.create_connection(lambda: connection, endpoint.host, endpoint.port)


def _failure_of(error: OSError | UnicodeError) -> Failure:
    if isinstance(error, socket.gaierror | UnicodeError):
        return Failure.DNS_ERROR
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        return Failure.CONNECTION_REFUSED
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return Failure.CONNECTION_TIMEOUT
    if error.errno is None and os.strerror(errno.ECONNREFUSED) in str(error):
        # Of several addresses that failed differently, the event loop only gives the texts.
        return Failure.CONNECTION_REFUSED
    return Failure.DESTINATION_UNREACHABLE
