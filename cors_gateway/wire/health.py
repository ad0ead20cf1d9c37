"""Asking the addresses of an API whether they are well, whatever requests come.

Each address is asked by itself, over a connection of its own, from the worker's tick. Two checks in a
row that fail put it behind the others; one that succeeds brings it back at once, so that no capacity
waits for a count. All bad is no reason to refuse requests: the order stays, and they are tried
(``places``). What the gateway itself could not try, for want of descriptors, says nothing.

A check is no client's request: no route, no CORS, no record.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass

from cors_gateway.failures import Failure, Fault
from cors_gateway.messages.fields import index_fields
from cors_gateway.messages.framing import response_framing
from cors_gateway.messages.heads import MessageError, ResponseHead
from cors_gateway.snapshot import HealthCheck
from cors_gateway.wire.content import ContentReader, content_reader
from cors_gateway.wire.dialing import Dialer
from cors_gateway.wire.known_responses import KnownResponses
from cors_gateway.wire.places import Place, Places
from cors_gateway.wire.upstream import UpstreamConnection

__all__ = ["HealthChecks"]

FAILURES = 2
"""Checks in a row that have to fail: one may have met a moment in which the API was busy."""

JITTER = 0.1
"""Part of the interval by which it varies, so that workers and gateways do not ask in step."""

FIRST = 1.0
"""Seconds within which an address is asked for the first time."""

MAX_CONTENT = 64 * 1024
"""Bytes of content after which a response is whole enough: its status says it all."""

FAREWELL = 1.0
"""Seconds that an API has to answer the end of TLS."""


@dataclass(slots=True, eq=False)
class _Watched:
    """What is known of one address."""

    due: float
    """When it is asked next; a time of the loop's clock."""
    failed: int = 0
    """Checks in a row that have failed."""
    task: asyncio.Task[None] | None = None
    """The check in progress."""


class HealthChecks:
    """The checks of one upstream's addresses by one worker."""

    def __init__(
        self,
        check: HealthCheck,
        places: Places,
        dialer: Dialer,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Ask nobody yet.

        Args:
            check: what is asked, and how often.
            places: the addresses; they are told what came of it.
            dialer: opens the connections.
            loop: where it runs.
        """
        self._check = check
        self._places = places
        self._dialer = dialer
        self._loop = loop
        self._watched: dict[Place, _Watched] = {}
        self._head = b"\r\n".join(
            (
                b"GET %b HTTP/1.1" % check.target,
                b"Host: " + check.authority,
                b"User-Agent: cors-gateway",
                b"Accept: */*",
                b"Connection: close",
                b"\r\n",
            )
        )

    def sweep(self, now: float) -> None:
        """Begin the checks that are due, at a time of the loop's clock."""
        for name in self._places.names:
            name.use(now)
            if name.known is None:
                name.renew()
        places = tuple(self._places)
        for place in self._watched.keys() - set(places):
            self._end(self._watched.pop(place))
        for place in places:
            watched = self._watched.get(place)
            if watched is None:
                first = min(FIRST, self._check.interval)
                watched = self._watched[place] = _Watched(now + first * _chance())
            elif watched.task is None and now >= watched.due:
                asking = self._ask(place, watched)
                watched.task = self._loop.create_task(asking, name="health")

    def close(self) -> None:
        """Ask nothing more."""
        for watched in self._watched.values():
            self._end(watched)

    @staticmethod
    def _end(watched: _Watched) -> None:
        if watched.task is not None:
            watched.task.cancel()

    async def _ask(self, place: Place, watched: _Watched) -> None:
        trouble: Failure | str | None
        try:
            trouble = await self._find_trouble(place)
        except Exception as error:  # noqa: BLE001 - nobody looks at what a task of ours raises
            message = f"internal error in a health check of {place}"
            self._loop.call_exception_handler({"message": message, "exception": error})
            trouble = Failure.INTERNAL
        watched.task = None
        now = self._loop.time()
        watched.due = now + self._check.interval * (1 - JITTER + 2 * JITTER * _chance())
        if trouble is None:
            watched.failed = 0
            place.is_unwell = False
            self._places.note_success(place, now)
        elif not isinstance(trouble, Failure) or trouble.fault is not Fault.GATEWAY:
            watched.failed += 1
            if watched.failed >= FAILURES:
                place.is_unwell = True
                self._places.note_trouble(place, now, f"health check: {trouble}")

    async def _find_trouble(self, place: Place) -> Failure | str | None:
        """Ask one address; say what is wrong with it, or ``None``."""
        asked = _Asked(self._loop.create_future())
        dialed: UpstreamConnection | Failure = Failure.CONNECTION_TIMEOUT
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._check.timeout):
                    dialed = await self._dialer.dial_place(place, asked)
                    if isinstance(dialed, Failure):
                        return dialed
                    dialed.serve(asked)
                    dialed.write(self._head)
                    await asked.ended
        finally:
            if not isinstance(dialed, Failure):
                self._leave(dialed, in_order=asked.is_whole)
        if isinstance(dialed, Failure):
            return dialed
        if asked.trouble is not None:
            return asked.trouble
        if not asked.status:
            return Failure.RESPONSE_TIMEOUT
        wanted = self._check.statuses or range(200, 300)
        return None if asked.status in wanted else f"status {asked.status}"

    def _leave(self, connection: UpstreamConnection, *, in_order: bool) -> None:
        if not in_order:
            connection.abort()
            return
        connection.close()
        if connection.is_tls:
            self._loop.call_later(FAREWELL, connection.abort)


class _Asked:
    """What comes back of one check; it stands for the exchange and for the pool."""

    __slots__ = ("_length", "ended", "is_whole", "responses", "status", "trouble")

    def __init__(self, ended: asyncio.Future[None]) -> None:
        self.responses = KnownResponses()
        self.ended = ended
        self._length = 0
        self.status = 0
        """Of the final response; 0 while there is none."""
        self.is_whole = False
        """Whether the response has come to its end."""
        self.trouble: Failure | None = None
        """What kept the response from being one."""

    def response_head(self, head: ResponseHead) -> ContentReader | None:
        if head.status == 101:
            raise MessageError(502, "the API switches protocols, which nobody has asked for")
        if head.status < 200:
            return None
        index = index_fields(head.fields)
        framing = response_framing(b"GET", head.status, index)
        self.status = head.status
        return content_reader(framing, strict=False)

    def response_spliced(self, count: int, *, is_full: bool) -> None:
        """What a check is told goes nowhere, so nothing of it is spliced."""

    def response_content(self, pieces: tuple[bytes, ...], *, finished: bool) -> None:
        self._length += sum(map(len, pieces))
        if finished:
            self.is_whole = True
        if finished or self._length > MAX_CONTENT:
            self._end()

    def response_broken(self, error: MessageError) -> None:
        del error
        self._fail(Failure.RESPONSE_MALFORMED)

    def upstream_lost(self) -> None:
        self._fail(Failure.RESPONSE_INCOMPLETE if self.status else Failure.CONNECTION_TERMINATED)

    def upstream_full(self) -> None:
        """A request of some hundred bytes does not fill a buffer."""

    def upstream_ready(self) -> None:
        """See ``upstream_full``."""

    def break_down(self, error: Exception) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)

    def forget(self, connection: UpstreamConnection) -> None:
        """Nobody keeps it."""

    def doubt(self, connection: UpstreamConnection) -> None:
        """What it means is found out at the end."""

    def _fail(self, trouble: Failure) -> None:
        if not self.ended.done():
            self.trouble = trouble
        self._end()

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


def _chance() -> float:
    return random.random()  # noqa: S311 - it spreads, and keeps no secret
