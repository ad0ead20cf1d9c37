"""What all connections of one worker share: the snapshot, the pools, the clock, the records.

The snapshot is a plain attribute: a request reads it once, when its head is complete, and keeps
what it was decided by; so a reload, which exchanges it, changes no request that has begun.
"""

import asyncio
import secrets
import ssl
import time
from collections.abc import Callable, Iterable, KeysView, Mapping, Sequence
from typing import Final, Protocol

from cors_gateway.snapshot import Route, Snapshot, Upstream, UpstreamTls
from cors_gateway.wire.dialing import ServeFiles
from cors_gateway.wire.known_requests import FirstRequests
from cors_gateway.wire.places import Tell
from cors_gateway.wire.pool import Pool, PoolUsage
from cors_gateway.wire.pools import Pools
from cors_gateway.wire.record import AccessRecord
from cors_gateway.wire.rounds import Rounds
from cors_gateway.wire.splice import Splices
from cors_gateway.wire.tick import Ticker

__all__ = ["Connection", "Plane", "TakeRecords"]

TakeRecords = Callable[[Sequence[AccessRecord]], None]
"""Takes the records since the last tick."""

FEW = 8
"""Connections of clients that are taken however short the process is of something: what others than
clients use up must not end all service."""

_THREE_DIGITS: Final = [b"%03x" % number for number in range(0x1000)]
"""The ends of request identifiers: to write a number anew each time costs 3 % of a small request."""

MOST_RECORDS: Final = 256
"""Records that wait for the tick. Python's garbage collector looks at all that wait, again and again: of
20,000, which answers to preflights can be until a tick, that took a fifth of each answer."""

LONGEST_REST: Final = 60.0
"""Seconds after which a connection is looked at in any case."""

LAST_WORDS: Final = 0.5
"""Seconds in which a client can still be told that the gateway stops."""


class Connection(Protocol):
    """What a plane does with a client's connection."""

    @property
    def in_progress(self) -> AccessRecord | None:
        """The record of the request that is on its way to an API or back; of a tunnel too."""

    def check_time(self, now: float) -> float:
        """Act if the deadline has passed, or if the client has gone unnoticed.

        Returns:
            Its next deadline; ``now`` if it has to be looked at by every tick. What it may be told in
            the meantime must not make that earlier, except by less than the snapshot's timeouts, or
            where it is woken.
        """

    def drain(self) -> None:
        """Close when the request in progress is answered, or now if there is none."""

    def stop(self) -> None:
        """Say that the request in progress will not be finished, and close."""

    def abort(self) -> None:
        """Close now."""


class Plane:
    """The shared state of one worker's data plane."""

    def __init__(
        self,
        snapshot: Snapshot,
        loop: asyncio.AbstractEventLoop,
        take_records: TakeRecords | None = None,
        internal: ServeFiles | None = None,
        tell: Tell | None = None,
    ) -> None:
        """Make a plane; ``start`` lets its clock run.

        Args:
            snapshot: what it serves.
            loop: where it runs.
            take_records: who logs and counts, at every tick, and sooner where there are many.
            internal: who serves files in this process, for routes that have some.
            tell: who hears of addresses of APIs that go and come back.
        """
        self.snapshot = snapshot
        self.loop = loop
        self.ticker = Ticker(loop, self._on_tick)
        self.first_requests = FirstRequests()
        self.draining = False
        """Whether every response says that its connection will close."""
        self.closing = False
        """Whether a connection closes soon after the response in progress, whatever that has said."""
        self.sheds = False
        """Whether further clients are turned away, because the process is short of something."""
        self._rounds: Rounds[Connection] = Rounds(self.ticker.interval)
        self.connections: KeysView[Connection] = self._rounds.all
        """Of clients, also those that have become tunnels."""
        self._patience = shortest_wait(snapshot)
        self._refused: set[Connection] = set()  # being told so: they take nobody's place
        self.accepted = 0
        """Connections that clients have opened so far, also those that were refused."""
        self.refused = 0
        """Those that were told that there are too many."""
        self.pseudonym = b"cors-gateway-" + secrets.token_hex(4).encode("ascii")
        """What ``Via`` calls this instance, so that it knows its own requests again."""
        self._take_records = take_records
        self._records: list[AccessRecord] = []
        connections = snapshot.limits.connections
        self._pools = Pools(
            snapshot.routes, loop, self.ticker, internal, tell, connections=connections
        )
        self.splices = Splices(loop)
        """Content that passes within the kernel."""
        self._id_prefix = secrets.token_hex(6).encode("ascii") + b"-"
        self._id_begin = b""
        self._id_count = 0
        self._emptied: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Let the clock run."""
        self.ticker.start()

    def pool_of(self, route: Route) -> Pool:
        """Give the pool of a route's upstream."""
        return self._pools.of_route(route)

    @property
    def pools(self) -> Mapping[Upstream, Pool]:
        """The pools that requests have needed so far."""
        return self._pools

    def pool_usages(self) -> Iterable[tuple[str, PoolUsage]]:
        """Give what each pool does and has counted, with a route's name; several may have one."""
        return self._pools.usages()

    def go_over_to(
        self, snapshot: Snapshot, contexts: Mapping[UpstreamTls, ssl.SSLContext]
    ) -> None:
        """Serve another snapshot from the next request on.

        Args:
            snapshot: with the same listeners.
            contexts: what is read anew of the files that TLS to upstreams needs.
        """
        self.snapshot = snapshot
        self.first_requests.forget()
        # What an earlier one has planned may go on for long, by its timeouts.
        self._patience = min(self._patience, shortest_wait(snapshot))
        self._rounds.wake_all()
        self._pools.follow(snapshot.routes, contexts, snapshot.limits.connections)

    def new_request_id(self) -> bytes:
        """Make an identifier that is unique among all instances."""
        low = self._id_count & 0xFFF
        if not low:
            self._id_begin = self._id_prefix + b"%03x" % (self._id_count >> 12)
        self._id_count += 1
        return self._id_begin + _THREE_DIGITS[low]

    def report(self, record: AccessRecord) -> None:
        """Take the record of a request that has ended."""
        if self._take_records is not None:
            record.ended = time.time()
            records = self._records
            records.append(record)
            if len(records) == MOST_RECORDS:
                self.loop.call_soon(self.flush_records)

    def report_fault(self, error: Exception, request_id: bytes = b"") -> None:
        """Tell the operator of a mistake of our own: what asyncio does with what nobody caught."""
        message = f"internal error in request {request_id.decode('latin-1')}"
        self.loop.call_exception_handler({"message": message, "exception": error})

    def add(self, connection: Connection) -> bool:
        """Take a new connection; say whether there is room for it."""
        taken = len(self.connections) - len(self._refused)
        has_room = taken < self.snapshot.limits.connections and (not self.sheds or taken < FEW)
        self.accepted += 1
        self._rounds.add(connection)
        if not has_room:
            self.refused += 1
            self._refused.add(connection)
        return has_room

    def replace(self, connection: Connection, other: Connection) -> None:
        """Let ``other`` stand for a connection that it has taken over."""
        self._rounds.add(other)
        self._rounds.remove(connection)

    def wake(self, connection: Connection) -> None:
        """Look at a connection from the next tick on: something has to be done sooner than it said."""
        self._rounds.wake(connection)

    def remove(self, connection: Connection) -> None:
        """Forget a closed connection."""
        self._rounds.remove(connection)
        self._refused.discard(connection)
        if not self.connections and self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

    async def drain(self, timeout: float | None) -> None:
        """Let what is in progress end, for at most ``timeout`` seconds, then close everything.

        Without a timeout idle connections stay until their clients ask once more or go: who asks
        at the moment in which an idle connection is closed gets no answer.
        """
        self.draining = True
        if timeout is not None:
            self.closing = True
            self._rounds.wake_all()
            for connection in tuple(self.connections):
                connection.drain()
        if not await self._is_empty_within(timeout):
            for connection in tuple(self.connections):
                connection.stop()
            await self._is_empty_within(LAST_WORDS)
            for connection in tuple(self.connections):
                connection.abort()
        self._pools.close()
        self.splices.close()
        self.ticker.stop()
        self.flush_records()

    async def _is_empty_within(self, seconds: float | None) -> bool:
        if self.connections:
            self._emptied = self.loop.create_future()
            try:
                async with asyncio.timeout(seconds):
                    await self._emptied
            except TimeoutError:
                return False
        return True

    def flush_records(self) -> None:
        """Hand over what has been recorded since the last time."""
        if self._records and self._take_records is not None:
            records, self._records = self._records, []
            self._take_records(records)

    def _on_tick(self) -> None:
        now, rounds = self.ticker.now, self._rounds
        longest = now if self.closing else now + self._patience
        for connection in rounds.due(now):
            try:
                rounds.rest(connection, now, min(connection.check_time(now), longest))
            except Exception as error:  # noqa: BLE001 - the others have deadlines too
                self.report_fault(error)
                connection.abort()
        self._pools.sweep()
        self.splices.sweep()
        self.flush_records()


def shortest_wait(snapshot: Snapshot) -> float:
    """Give the seconds that no deadline comes before: none that what arrives in the meantime may set.

    So a connection may rest for as long, whatever happens on it, and need not compare deadlines at
    every request. Those for a connection to the API and for a closing one are set with a ``wake``.
    """
    client = snapshot.timeouts
    waits = [client.head, client.content, client.write, client.keep_alive, LONGEST_REST]
    for route in snapshot.routes:
        api = route.upstream.timeouts
        waits += (api.response, api.idle, api.tunnel)
    return min(waits)
