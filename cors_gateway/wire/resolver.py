"""The addresses of the names in a configuration, looked up so that nobody else has to wait.

The system's resolver decides (``getaddrinfo``: ``/etc/hosts``, Docker's DNS, search domains), but it
blocks, and may do so for as long as it likes. So a lookup has a thread of its own, at most one for
each name, instead of a place among the few threads of an executor, which one dead name server
would fill for every route.

An answer is kept for some seconds and renewed while the name is in use, so that requests seldom
wait. A name that has not been used for that long is looked up before it is used again: an old
address may belong to somebody else by then. This module knows no ports and opens no connection.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Collection
from functools import partial
from typing import Any

from cors_gateway.wire.sockets import NO_RESOURCES

__all__ = ["Address", "Name", "Names"]

KEPT = 10.0
"""Seconds that an answer counts: ``getaddrinfo`` does not tell for how long it would.

Docker and Kubernetes give a service that is made anew another address within seconds."""

RENEWED = 7.0
"""Seconds after which a name that is in use is looked up again."""

SERVED_STALE = 60.0
"""Seconds for which the last answer serves on while the resolver itself is out of order."""

PAUSE = 1.0
"""Seconds between two lookups of one name that nobody waits for."""

Address = tuple[socket.AddressFamily, str, int, int]
"""A family, an IP address, and an IPv6 address's flow and scope."""

_NO_SUCH_NAME = frozenset(
    {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", -5), getattr(socket, "EAI_ADDRFAMILY", -9)}
)
"""What the resolver says of a name that has no address; all else is trouble of its own."""


class Name:
    """One name, and what is known of it."""

    __slots__ = (
        "_answered",
        "_asked",
        "_host",
        "_last",
        "_learned",
        "_loop",
        "_used",
        "known",
        "lacks_resources",
        "lookup",
    )

    def __init__(self, host: str, loop: asyncio.AbstractEventLoop) -> None:
        self._host = host
        self._loop = loop
        self._learned = self._answered = self._asked = self._used = float("-inf")
        self._last: tuple[Address, ...] = ()
        self.lookup: asyncio.Future[None] | None = None
        """The lookup in progress; ``known`` is up to date when it is done."""
        self.lacks_resources = False
        """Whether the last lookup failed for want of a thread, a descriptor or memory."""
        self.known: tuple[Address, ...] | None = None
        """Its addresses, in the order to try them; ``None`` where there is no answer that counts.

        It is another tuple only if the addresses are others."""

    def use(self, now: float) -> None:
        """Take that a request needs it, at a time of the loop's clock."""
        self._used = now

    def sweep(self, now: float) -> None:
        """Renew an answer that is in use, and forget one that is too old."""
        age = now - self._learned
        in_use = now - self._used <= KEPT
        if age > (SERVED_STALE if in_use else KEPT):
            self.known = None
        elif in_use and age >= RENEWED and now - self._asked >= PAUSE:
            self.look_up()

    def renew(self) -> None:
        """Look it up again, because an address proved wrong; not if that was done just now."""
        if self._loop.time() - self._answered >= PAUSE:
            self.look_up()

    def look_up(self) -> None:
        """Begin a lookup, if none is in progress."""
        if self.lookup is not None:
            return
        self._asked = self._loop.time()
        self.lookup = self._loop.create_future()
        thread = threading.Thread(target=self._ask, name=f"dns {self._host}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # No thread to be had is trouble like that of a resolver.
            self._loop.call_soon(partial(self._learn, None, lacks=True))

    def _ask(self) -> None:
        answer: tuple[Address, ...] | None
        lacks = False
        try:
            # Not AI_ADDRCONFIG: in a container without IPv6 it hides the ::1 of localhost.
            found = socket.getaddrinfo(self._host, None, type=socket.SOCK_STREAM)
            answer = tuple(dict.fromkeys(_address_of(family, to) for family, _, _, _, to in found))
        except socket.gaierror as error:
            answer = () if error.errno in _NO_SUCH_NAME else None
        except UnicodeError:
            answer = ()
        except OSError as error:
            answer, lacks = None, error.errno in NO_RESOURCES
        # The loop may be closed by the time that a slow resolver answers.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(partial(self._learn, answer, lacks=lacks))

    def _learn(self, answer: tuple[Address, ...] | None, *, lacks: bool) -> None:
        """Take an answer: addresses, none at all, or ``None`` where the resolver had trouble."""
        self.lacks_resources = lacks
        now = self._answered = self._loop.time()
        if answer is not None:
            self._learned = now
            # Resolvers turn the order round for fun.
            if set(answer) != set(self._last):
                self._last = answer
            self.known = self._last
        elif self._last and now - self._learned <= SERVED_STALE:
            self.known = self._last
        lookup, self.lookup = self.lookup, None
        if lookup is not None:
            lookup.set_result(None)


def _address_of(family: socket.AddressFamily, to: tuple[Any, ...]) -> Address:
    return (family, to[0], to[2], to[3]) if len(to) == 4 else (family, to[0], 0, 0)


class Names:
    """The names that one worker uses, each once."""

    __slots__ = ("_loop", "_names")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Know no name yet."""
        self._loop = loop
        self._names: dict[str, Name] = {}

    def find(self, host: str) -> Name:
        """Give what is known of a host's name."""
        name = self._names.get(host)
        if name is None:
            name = self._names[host] = Name(host, self._loop)
        return name

    def keep_only(self, hosts: Collection[str]) -> None:
        """Forget names that nobody will ask for again; who uses one has it."""
        for host in self._names.keys() - set(hosts):
            del self._names[host]
