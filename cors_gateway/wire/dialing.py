"""One new connection to an API: which addresses are tried, in which order, and what it means if none works.

Nothing of a request has been sent yet, so every failure goes on to the next address for free. An
address that says nothing for a quarter of a second is not waited for: the next is tried beside it,
and the first that connects is taken (RFC 8305, section 5). A connection is made when TLS is too,
where the API speaks it. The time for all this together is the claimant's, who cancels.

Which place is the best is for ``places``; what a name stands for is for ``resolver``. Files are
reached like an API, but over a pair of sockets, of which somebody in this process takes one end; who
that is, this module does not know.
"""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from cors_gateway.failures import Failure, Fault
from cors_gateway.snapshot import FileTree, Upstream
from cors_gateway.wire import sockets
from cors_gateway.wire.places import Place, Places
from cors_gateway.wire.tick import NEVER
from cors_gateway.wire.trust import client_context, failure_of_tls
from cors_gateway.wire.upstream import Owner, UpstreamConnection

__all__ = ["Dialed", "Dialer", "ServeFiles", "failure_of"]

HEAD_START = 0.25
"""Seconds that an address has for itself before the next one is tried beside it."""

HANDSHAKE_START = 1.0
"""The same, for one that has accepted the connection and now computes its part of TLS."""

SHUNNED = 10.0
"""Seconds in which an address that failed is tried only after the others."""

SECOND_OPINION = 0.5
"""Seconds to wait for what a name stands for now, when all that it stood for has failed."""

CLOSE_TIMEOUT = 24 * 3600.0
"""Seconds that TLS may take to close: so many that the pool's and a tunnel's deadlines come first.

The event loop counts the time for what is still to be sent as well."""

QUEUE_PAUSE = 0.02
"""Seconds between two looks whether the queue of a unix socket has room again."""

PAIR_BUFFER = 64 * 1024
"""Bytes of an answer with files that the kernel keeps between both ends; by itself it keeps 208 KiB.

They are read in one go, and wait in the gateway for as long as the client is slow.
"""

Tell = Callable[[Failure], None]
"""Takes what it means if the time is over now."""

Dialed = tuple[UpstreamConnection, Place]
"""A connection, and what it leads to."""

ServeFiles = Callable[[FileTree, socket.socket], Awaitable[None]]
"""Takes a connected socket, and answers there what is asked for a folder's files."""

Outcome = Dialed | Failure


@dataclass(slots=True, eq=False)
class _Attempt:
    """An address that is being connected to."""

    place: Place
    until: float
    """When the next address is tried beside it; a time of the loop's clock."""
    tell: Tell


class Dialer:
    """Opens connections to one upstream."""

    def __init__(
        self,
        upstream: Upstream,
        places: Places,
        loop: asyncio.AbstractEventLoop,
        owner: Owner,
        internal: ServeFiles | None = None,
    ) -> None:
        """Prepare; the files that TLS needs are read here.

        Args:
            upstream: what is connected to.
            places: its addresses.
            loop: where it runs.
            owner: who keeps the connections.
            internal: who serves files in this process; ``None`` where no upstream is of files.
        """
        self._upstream = upstream
        self._internal = internal
        self._places = places
        self._loop = loop
        self._owner = owner
        self._options: dict[str, Any] = {}
        self._is_prepared = self._prepare()

    async def dial(self, tell: Tell) -> Outcome:
        """Open a connection.

        Args:
            tell: takes what it means if the claimant's time is over now.

        Returns:
            A connection, or the last failure where every address has failed.
        """
        self._is_prepared = self._is_prepared or self._prepare()
        if not self._is_prepared:
            return Failure.TLS_FILES
        running: dict[asyncio.Task[Outcome], _Attempt] = {}
        try:
            return await self._race(running, tell)
        finally:
            for task, attempt in running.items():
                self._give_up(task, attempt)

    def renew_tls(self, context: ssl.SSLContext) -> None:
        """Take what connections that are opened from now on begin TLS with."""
        self._is_prepared = True
        # A handshake is bounded by the claimant's deadline, which is earlier and knows the step.
        timeout = self._upstream.timeouts.connect + 60
        self._options = {
            "ssl": context,
            "ssl_handshake_timeout": timeout,
            "ssl_shutdown_timeout": CLOSE_TIMEOUT,
        }

    def _prepare(self) -> bool:
        """Make what all connections share; say whether that could be done."""
        tls = self._upstream.tls
        if tls is None:
            return True
        try:
            context = client_context(tls)
        except OSError as error:
            message = f"the TLS files of the upstream {self._upstream.url} cannot be used"
            self._loop.call_exception_handler({"message": message, "exception": error})
            return False
        self.renew_tls(context)
        return True

    async def _race(self, running: dict[asyncio.Task[Outcome], _Attempt], tell: Tell) -> Outcome:
        loop, places = self._loop, self._places
        tried: set[Place] = set()
        failure: Failure | None = None
        for name in places.names:
            name.use(loop.time())
            if not name.known:
                name.look_up()
        while True:
            now = loop.time()
            place = places.next_to_dial(tried, now)
            if place is not None and all(each.until <= now for each in running.values()):
                tried.add(place)
                attempt = _Attempt(place, now + HEAD_START, tell)
                running[loop.create_task(self._attempt(attempt))] = attempt
                place.dialing += 1
                tell(Failure.CONNECTION_TIMEOUT)
                continue
            waited: set[asyncio.Future[Any]] = set(running)
            if place is None:
                waited |= {name.lookup for name in places.names if name.lookup is not None}
            if not waited:
                return failure or self._dns_failure()
            if not running and failure is None:
                tell(Failure.DNS_TIMEOUT)
            timeout = min(
                (each.until - now for each in running.values() if each.until > now), default=None
            )
            if not running and failure is not None:
                timeout = SECOND_OPINION
            done, _ = await asyncio.wait(
                waited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if not done and not running:
                return failure or self._dns_failure()
            for task in [each for each in running if each.done()]:
                attempt = running.pop(task)
                attempt.place.dialing -= 1
                outcome = task.result()
                if not isinstance(outcome, Failure):
                    if attempt.place.trouble is not Failure.CONNECTION_TERMINATED:
                        places.note_success(attempt.place, loop.time())
                    return outcome
                if failure is not Failure.OUT_OF_RESOURCES:
                    # What we could not try ourselves is not to be blamed on the API.
                    failure = outcome
                self._doubt(attempt.place, outcome)
            for attempt in running.values():
                if attempt.until <= loop.time() and attempt.place.name is not None:
                    attempt.place.name.renew()

    def _dns_failure(self) -> Failure:
        lacks = any(name.lacks_resources for name in self._places.names)
        return Failure.OUT_OF_RESOURCES if lacks else Failure.DNS_ERROR

    async def dial_place(self, place: Place, owner: Owner) -> UpstreamConnection | Failure:
        """Open a connection to one place and no other, for nobody's request.

        Args:
            place: where to.
            owner: who keeps the connection.
        """
        self._is_prepared = self._is_prepared or self._prepare()
        if not self._is_prepared:
            return Failure.TLS_FILES
        return await self._open(_Attempt(place, NEVER, lambda _: None), owner)

    async def _attempt(self, attempt: _Attempt) -> Outcome:
        opened = await self._open(attempt, self._owner)
        return opened if isinstance(opened, Failure) else (opened, attempt.place)

    async def _open(self, attempt: _Attempt, owner: Owner) -> UpstreamConnection | Failure:
        connection = UpstreamConnection(owner)
        try:
            await self._connect(connection, attempt)
        except (OSError, UnicodeError) as error:
            return failure_of(error)
        except asyncio.CancelledError:
            connection.abort()
            raise
        return connection if connection.is_open() else Failure.CONNECTION_TERMINATED

    async def _connect(self, connection: UpstreamConnection, attempt: _Attempt) -> None:
        loop, place = self._loop, attempt.place
        if self._upstream.files is not None:
            await self._connect_within(connection, self._upstream.files)
            return
        options = self._options
        if options:
            options = {**options, "server_hostname": place.server_name}
        sock = socket.socket(place.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            await self._connect_socket(sock, place.address)
        except BaseException:
            sock.close()
            raise
        if options:
            attempt.until = loop.time() + HANDSHAKE_START
            attempt.tell(Failure.TLS_TIMEOUT)
        if place.family == socket.AF_UNIX:
            await loop.create_unix_connection(lambda: connection, sock=sock, **options)
        else:
            await loop.create_connection(lambda: connection, sock=sock, **options)

    async def _connect_within(self, connection: UpstreamConnection, files: FileTree) -> None:
        """Connect to a part of this process, where nobody else can."""
        if self._internal is None:
            raise RuntimeError("nobody in this process serves files")
        ours, theirs = socket.socketpair()
        try:
            ours.setblocking(False)  # noqa: FBT003 - the standard library's signature
            theirs.setblocking(False)  # noqa: FBT003
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PAIR_BUFFER)
            await self._internal(files, theirs)
        except BaseException:
            ours.close()
            theirs.close()
            raise
        await self._loop.create_unix_connection(lambda: connection, sock=ours)

    async def _connect_socket(self, sock: socket.socket, address: str | tuple[Any, ...]) -> None:
        """Connect; the loop's own way has a thread look even an address up (uvloop)."""
        loop = self._loop
        error = sock.connect_ex(address)
        while error == errno.EAGAIN and sock.family == socket.AF_UNIX:
            # The API's queue is full. Over TCP the kernel would try again by itself.
            await asyncio.sleep(QUEUE_PAUSE)
            error = sock.connect_ex(address)
        if error == errno.EINPROGRESS:
            writable = loop.create_future()
            loop.add_writer(sock, _set, writable)
            try:
                await writable
            finally:
                loop.remove_writer(sock)
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))

    def _doubt(self, place: Place, failure: Failure) -> None:
        """Try a place after the others, and see whether its name stands for something else."""
        if failure.fault is Fault.GATEWAY:
            return
        now = self._loop.time()
        self._places.shun(place, now, SHUNNED)
        self._places.note_trouble(place, now, failure)
        if place.name is not None:
            place.name.renew()

    def _give_up(self, task: asyncio.Task[Outcome], attempt: _Attempt) -> None:
        """End an attempt that has lost, or that nobody waits for any more."""
        attempt.place.dialing -= 1
        if not task.done():
            task.cancel()
            if self._loop.time() >= attempt.until:
                self._doubt(attempt.place, Failure.CONNECTION_TIMEOUT)
        elif not task.cancelled() and task.exception() is None:
            outcome = task.result()
            if not isinstance(outcome, Failure):
                outcome[0].abort()


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def failure_of(error: OSError | UnicodeError) -> Failure:
    """Name what keeps a connection from being made."""
    if isinstance(error, ssl.SSLError):
        return failure_of_tls(error)
    if isinstance(error, UnicodeError):
        return Failure.DNS_ERROR
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        return Failure.CONNECTION_REFUSED
    if error.errno in sockets.NO_RESOURCES:
        return Failure.OUT_OF_RESOURCES
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return Failure.CONNECTION_TERMINATED
    if isinstance(error, TimeoutError):
        return Failure.CONNECTION_TIMEOUT
    return Failure.DESTINATION_UNREACHABLE
