"""Which connection serves a request: reuse, connect, wait.

One pool per upstream and worker. A connection is reused only if it is certainly clean: its last
exchange ended exactly at a message boundary, nothing has arrived since, and it has not been idle
for long. Requests that must not be sent twice get a connection that is new or was in use a moment
ago, because an API may be closing an idle one just now. Of several addresses each request gets
the one with the fewest in progress (``places``); opening connections is ``dialing``, asking whether
an address is well is ``health``.
"""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass, replace
from typing import Protocol

from cors_gateway.failures import Failure
from cors_gateway.messages.keep_alive import KeepAlive
from cors_gateway.snapshot import Upstream
from cors_gateway.wire.dialing import Dialer, ServeFiles
from cors_gateway.wire.health import HealthChecks
from cors_gateway.wire.holdings import Holdings
from cors_gateway.wire.known_responses import KnownResponses
from cors_gateway.wire.places import Place, Places, Tell
from cors_gateway.wire.resolver import Names
from cors_gateway.wire.tick import Ticker
from cors_gateway.wire.upstream import ResponseTaker, UpstreamConnection

__all__ = ["COUNTED", "Pool", "PoolUsage"]

RECENT = 1.0
"""Seconds since its last use in which a connection may carry a request that must not be repeated.

APIs close idle connections after 2 s (gunicorn) to 75 s (nginx)."""

MAX_WAIT = 1.0
"""Seconds that a request waits for one of a full pool's connections."""

SHUTDOWN = 1.0
"""Seconds that an API has to answer the end of TLS; meanwhile the connection takes a place."""

MARGIN = 1.0
"""Seconds by which a connection is given up before the API does, where that says when it will.

A request that is on its way while the API closes is lost; so long the way should not be."""

SETTLE = 0.05
"""Seconds in which the descriptors of connections that were given up become free."""

DOUBTED = 1.0
"""Seconds in which an address that closed a connection under a request comes after the others."""


class Claimant(ResponseTaker, Protocol):
    """Who wants a connection; an exchange."""

    def connected(self, connection: UpstreamConnection) -> None:
        """Take a connection."""

    def connect_failed(self, failure: Failure) -> None:
        """Take that there is none."""

    def wait_until(self, deadline: float, failure: Failure) -> None:
        """Take how long it may last, and what it means if it lasts longer."""


@dataclass(frozen=True, slots=True)
class PoolUsage:
    """What a pool's connections are doing, and what has become of them so far."""

    busy: int = 0
    """Connections that serve a request or a tunnel, or are being closed."""
    idle: int = 0
    connecting: int = 0
    waiting: int = 0
    """Requests for which there is no connection."""
    opened: int = 0
    """Connections that were ever opened."""
    retried: int = 0
    """Requests that were sent again because a connection proved dead."""
    shunned: int = 0
    """How often an address was put behind the others."""
    used: int = 0
    """Addresses that requests go to."""
    unused: int = 0
    """Addresses that are tried after those."""

    def since(self, earlier: "PoolUsage") -> "PoolUsage":
        """Give the same with what has been counted after ``earlier`` only."""
        counted = {name: getattr(self, name) - getattr(earlier, name) for name in COUNTED}
        return replace(self, **counted)


COUNTED = ("opened", "retried", "shunned")
"""What only grows; the rest is as it is now."""


class Pool:
    """The connections of one worker to one upstream."""

    def __init__(
        self,
        upstream: Upstream,
        loop: asyncio.AbstractEventLoop,
        ticker: Ticker,
        names: Names | None = None,
        internal: ServeFiles | None = None,
        tell: Tell | None = None,
        holdings: Holdings | None = None,
    ) -> None:
        """Make an empty pool.

        Args:
            upstream: what it is for.
            loop: where it runs.
            ticker: the clock.
            names: what is known of the names that several pools share.
            internal: who serves files in this process.
            tell: who hears of addresses that go and come back.
            holdings: what all pools of the worker have together.
        """
        self.responses = KnownResponses()
        """What the API has answered before."""
        self._upstream = upstream
        self._loop = loop
        self._ticker = ticker
        self._places = Places(upstream, names or Names(loop), tell)
        self._holdings = holdings or Holdings(upstream.pool.connections)
        self._holdings.places.add(self._places)
        self._dialer = Dialer(upstream, self._places, loop, self, internal)
        check = upstream.health_check
        self._checks = (
            None if check is None else HealthChecks(check, self._places, self._dialer, loop)
        )
        self._open: dict[UpstreamConnection, Place] = {}
        self._connecting: dict[Claimant, asyncio.Task[None]] = {}
        self._waiting: deque[Claimant] = deque()
        self._opened = 0
        self._retried = 0
        self._is_closed = False

    def acquire(self, claimant: Claimant, *, repeatable: bool, fresh: bool = False) -> None:
        """Find a connection for ``claimant``, now or later.

        Args:
            claimant: who is told.
            repeatable: whether the request may be sent again if the connection proves dead.
            fresh: whether only a new connection will do, because the one before proved dead.
        """
        self._retried += fresh
        place = self._places.choose(self._ticker.now)
        if place is not None and place.idle and not fresh:
            connection = self._take_idle(place, repeatable=repeatable)
            if connection is not None:
                claimant.connected(connection)
                return
        if self._has_room():
            self._holdings.make_room()
        else:
            idle = [each for each in self._places if each.idle]
            if not idle:
                claimant.wait_until(self._ticker.after(MAX_WAIT), Failure.CONNECTION_LIMIT)
                self._waiting.append(claimant)
                return
            min(idle, key=lambda each: each.idle[0].idle_since).give_up_oldest()
        self._connect(claimant)

    def release(self, connection: UpstreamConnection, keep_alive: KeepAlive | None = None) -> None:
        """Take back a connection whose exchange has ended.

        Args:
            connection: the connection.
            keep_alive: for how long the API keeps it, where it has said so.
        """
        place = self._open.get(connection)
        if not connection.release() or place is None or place.is_gone:
            connection.close()
            return
        kept = self._upstream.pool.idle
        if keep_alive is not None:
            if keep_alive.timeout is not None:
                kept = min(kept, keep_alive.timeout - MARGIN)
            if kept <= 0 or keep_alive.max == 0:
                connection.close()
                return
        connection.resume_reading()
        if self._waiting and connection.is_clean():
            self._waiting.popleft().connected(connection)
            return
        if self._is_closed:
            connection.close()
            return
        now = self._ticker.now
        connection.idle_since, connection.idle_until = now, now + kept
        place.idle.append(connection)

    def note_success(self, connection: UpstreamConnection) -> None:
        """Take that the API has answered, whatever becomes of the connection."""
        place = self._open.get(connection)
        if place is not None and place.trouble is not None and not place.is_gone:
            self._places.note_success(place, self._ticker.now)

    def withdraw(self, claimant: Claimant) -> None:
        """Forget a claimant that no longer wants a connection."""
        task = self._end_connecting(claimant)
        if task is not None:
            task.cancel()
            self._connect_next()
        elif claimant in self._waiting:
            self._waiting.remove(claimant)

    def doubt(self, connection: UpstreamConnection) -> None:
        """Take that the API closed a connection without an answer: others come before it."""
        place = self._open.get(connection)
        if place is not None:
            now = self._ticker.now
            self._places.shun(place, now, DOUBTED)
            if not connection.reused:
                # Of one used before it is everyday: the API closes what is idle.
                self._places.note_trouble(place, now, connection.failure)

    def forget(self, connection: UpstreamConnection) -> None:
        """Take that a connection is closed."""
        place = self._open.pop(connection, None)
        if place is not None:
            self._holdings.count -= 1
            place.open -= 1
            if connection in place.idle:
                place.idle.remove(connection)
        self._connect_next()

    def sweep(self) -> None:
        """Close what has been idle for too long, or leads to where the API no longer is."""
        now = self._ticker.now
        self._places.sweep(now)
        if self._checks is not None and not self._is_closed:
            self._checks.sweep(now)
        if self._upstream.tls is not None:
            for connection in tuple(self._open):
                connection.check_closing(now, SHUTDOWN)
        for place in self._places:
            idle = place.idle
            for connection in [each for each in idle if each.idle_until <= now]:
                idle.remove(connection)
                connection.close()
            while idle and self._waiting:
                # One that had something to read when it was released has read it by now.
                found = self._take_idle(place, repeatable=True)
                if found is None:
                    break
                self._waiting.popleft().connected(found)

    def usage(self) -> PoolUsage:
        """Tell what the connections are doing."""
        idle = sum(len(place.idle) for place in self._places)
        now = self._ticker.now
        unused = sum(place.is_last(now) for place in self._places)
        return PoolUsage(
            busy=len(self._open) - idle,
            idle=idle,
            connecting=len(self._connecting),
            waiting=len(self._waiting),
            opened=self._opened,
            retried=self._retried,
            shunned=self._places.shunned,
            used=len(tuple(self._places)) - unused,
            unused=unused,
        )

    @property
    def is_over(self) -> bool:
        """Whether it was closed, and nothing of it is left."""
        return self._is_closed and not (self._open or self._connecting or self._waiting)

    def renew_tls(self, context: ssl.SSLContext) -> None:
        """Take what connections that are opened from now on begin TLS with."""
        self._dialer.renew_tls(context)

    def close(self) -> None:
        """Close every idle connection; those in use close when their exchange ends."""
        self._is_closed = True
        if self._checks is not None:
            self._checks.close()
        self._holdings.places.discard(self._places)
        for place in self._places:
            place.close_idle()

    def _take_idle(self, place: Place, *, repeatable: bool) -> UpstreamConnection | None:
        # The one used last is the least likely to be closed by the API.
        idle = place.idle
        unread: tuple[UpstreamConnection, ...] = ()
        found: UpstreamConnection | None = None
        while idle:
            connection = idle[-1]
            if not repeatable and self._ticker.now - connection.idle_since > RECENT:
                break
            idle.pop()
            if connection.idle_until > self._ticker.now and connection.is_clean():
                found = connection
                break
            if connection.is_tls and connection.is_open():
                # What waits to be read may be a session ticket, which is nobody's answer. The event
                # loop is about to read it, and closes the connection if it is something else.
                unread = (connection, *unread)
            else:
                connection.close()
        idle.extend(unread)
        return found

    def _has_room(self) -> bool:
        return len(self._open) + len(self._connecting) < self._upstream.pool.connections

    def _connect_next(self) -> None:
        """Give the place that has become free to who has waited longest."""
        if self._waiting and self._has_room():
            self._connect(self._waiting.popleft())

    def _connect(self, claimant: Claimant) -> None:
        deadline = self._ticker.after(self._upstream.timeouts.connect)
        claimant.wait_until(deadline, Failure.CONNECTION_TIMEOUT)
        self._holdings.count += 1
        self._connecting[claimant] = self._loop.create_task(
            self._open_connection(claimant, deadline)
        )

    def _end_connecting(self, claimant: Claimant) -> asyncio.Task[None] | None:
        task = self._connecting.pop(claimant, None)
        if task is not None:
            self._holdings.count -= 1
        return task

    async def _open_connection(self, claimant: Claimant, deadline: float) -> None:
        def tell(failure: Failure) -> None:
            if claimant in self._connecting:
                claimant.wait_until(deadline, failure)

        opened: UpstreamConnection | None = None
        try:
            outcome = await self._dialer.dial(tell)
            if outcome is Failure.OUT_OF_RESOURCES:
                # Even where none is idle: another request may just have closed those that were.
                self._holdings.close_idle()
                tell(outcome)
                await asyncio.sleep(SETTLE)
                outcome = await self._dialer.dial(tell)
            if not isinstance(outcome, Failure):
                opened, place = outcome
                self._open[opened] = place
                self._holdings.count += 1
                place.open += 1
                self._opened += 1
            if self._end_connecting(claimant) is None:
                if opened is not None:
                    opened.close()
            elif opened is not None:
                self._give_up_unused(place)
                claimant.connected(opened)
            elif isinstance(outcome, Failure):
                claimant.connect_failed(outcome)
        except Exception as error:  # noqa: BLE001 - nobody looks at what a task of ours raises
            self._end_connecting(claimant)
            claimant.break_down(error)
            if opened is not None:
                opened.abort()
        self._connect_next()

    def _give_up_unused(self, place: Place) -> None:
        """Close one in return for another that was opened because this was idle for too long.

        Otherwise a pool would grow by as many with every burst of requests that must not be sent twice.
        """
        if place.idle and self._ticker.now - place.idle[0].idle_since > RECENT:
            place.give_up_oldest()
