"""The admin listener of a gateway: where it is, and how it goes over to another address.

An address that somebody chose is bound before anything else happens, and nothing goes on without it;
the default one gives way. After a reload both addresses answer for a moment: who has asked on the
old one is still told what came of it.
"""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from cors_gateway.process.beside import start_beside
from cors_gateway.process.listening import Found, ListenError, resolve, url_of
from cors_gateway.process.logging import Report
from cors_gateway.process.socket_table import NOT_FOUND, SocketTable
from cors_gateway.process.supervisor import Supervisor
from cors_gateway.snapshot import Admin, Listener, Snapshot

if TYPE_CHECKING:
    from cors_gateway.admin.server import Serving

__all__ = ["AdminListener"]

SERVER = "cors_gateway.admin.server"
NO_ADMIN = "there is no admin listener, {error}; --admin off does without"


@dataclass(slots=True)
class _Served:
    """A listener that answers, or none."""

    listener: Listener | None = None
    url: str = ""
    sock: socket.socket | None = None
    serving: "Serving | None" = None
    end: AsyncExitStack = field(default_factory=AsyncExitStack)
    """Cuts off who is left."""


class AdminListener:
    """Where admin is; a ``Follower``."""

    def __init__(self, report: Report) -> None:
        """Begin without one; ``report`` tells the operator."""
        self._report = report
        self._sockets = SocketTable("--admin")
        self._supervisor: Supervisor | None = None
        self._served = _Served()
        self._next: _Served | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._is_beginning = asyncio.Lock()
        """Held while a listener that is there begins to answer: none goes before it has."""

    def bind(self, admin: Admin | None) -> None:
        """Bind an address that somebody chose, before anything starts.

        Raises:
            ListenError: it cannot be had.
        """
        if admin is not None and not admin.is_default:
            self._sockets.take([admin.listener], 1)

    def open(self, supervisor: Supervisor) -> str:
        """Let those connect who want to ask ``supervisor``; give the URL, empty where there is none.

        They are answered by ``answer``, and wait until then.
        """
        self._supervisor = supervisor
        self._served = self._open(supervisor.snapshot.admin)
        return self._served.url

    async def answer(self) -> None:
        """Answer from now on.

        What that needs takes longer to import than all else that a start needs, and no client of the
        gateway is to wait for it; nor does the event loop.
        """
        async with self._is_beginning:
            if self._served.sock is not None:
                await start_beside(lambda: import_module(SERVER), "import")
                await self._serve(self._served)

    async def prepare(self, snapshot: Snapshot) -> None:
        """Answer where another configuration wants it too.

        Raises:
            ListenError: the address cannot be had.
        """
        admin = snapshot.admin
        wanted = None if admin is None else admin.listener
        if self._supervisor is not None and self._served.listener != wanted:
            # A name server may be slow, and others are answered meanwhile.
            names = [] if wanted is None else [wanted]
            found = await start_beside(lambda: resolve(names, flag="--admin"), "resolve")
            async with self._is_beginning:
                self._next = self._open(admin, found)
                await self._serve(self._next)

    def commit(self) -> None:
        """Answer no more where it was."""
        if self._next is not None:
            before, self._served, self._next = self._served, self._next, None
            self._leave(before)
            now = self._served.url
            self._report("info", f"admin is on {now} now" if now else "admin is off now")

    def forget(self) -> None:
        """Answer only where it was."""
        if self._next is not None:
            aside, self._next = self._next, None
            self._leave(aside)

    def settle(self) -> None:
        """Go on: nothing here waits for what was told."""

    async def close(self) -> None:
        """Answer nobody any more."""
        for task in self._ending:
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
        await self._served.end.aclose()

    def close_sockets(self) -> None:
        """Give the addresses back."""
        self._sockets.close()

    def _leave(self, served: _Served) -> None:
        """Answer who has asked, take nobody else, and then end it."""
        if served.serving is not None:
            served.serving.stop_listening()
        kept = self._served.listener
        self._sockets.keep_only([] if kept is None else [kept], 1)
        task = asyncio.get_running_loop().create_task(_see_off(served))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _open(self, admin: Admin | None, found: Mapping[str, Found] = NOT_FOUND) -> _Served:
        sock = None if admin is None else self._take(admin, found)
        if admin is None or sock is None or self._supervisor is None:
            return _Served()
        return _Served(admin.listener, url_of(sock, admin.listener), sock)

    async def _serve(self, served: _Served) -> None:
        if served.sock is None or self._supervisor is None:
            return
        from cors_gateway.admin.server import serve_admin  # noqa: PLC0415 - see answer()

        served.serving = await served.end.enter_async_context(
            serve_admin(self._supervisor, served.sock, self._report)
        )

    def _take(self, admin: Admin, found: Mapping[str, Found]) -> socket.socket | None:
        try:
            [[sock]] = self._sockets.take([admin.listener], 1, found)
        except ListenError as error:
            if not admin.is_default:
                raise
            # Nobody chose it: it gives way, also to the gateway's own listeners.
            self._report("warning", NO_ADMIN.format(error=error))
            return None
        return sock


async def _see_off(served: _Served) -> None:
    try:
        if served.serving is not None:
            await served.serving.wait_until_gone()
    finally:
        await served.end.aclose()
