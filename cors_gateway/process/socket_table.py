"""Which listening socket is whose: one for each listener and each worker's place.

The supervisor keeps them open and lends them to workers. So a worker that is replaced leaves its
queue of connections to the next, and a reload binds only what is new: nobody is refused meanwhile.
"""

import contextlib
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from cors_gateway.process.listening import BACKLOG, Found, ListenError, bind, refuse, url_of
from cors_gateway.snapshot import Listener

__all__ = ["NOT_FOUND", "SocketTable"]

NOT_FOUND: Mapping[str, Found] = MappingProxyType({})
"""No name was looked up before."""

Address = tuple[str, int, str | None, int]
"""Host, port, path, and which of several with port 0 it is."""


class SocketTable:
    """Listening sockets: all of the gateway's, or that of admin."""

    def __init__(self, flag: str = "--listen") -> None:
        """Begin without a socket; ``flag`` is what would choose other addresses."""
        self._flag = flag
        self._sockets: dict[Address, list[socket.socket]] = {}
        self._files: dict[str, tuple[int, int]] = {}
        """The unix sockets that we made, and which file each is."""

    def take(
        self,
        listeners: Sequence[Listener],
        places: int,
        found: Mapping[str, Found] = NOT_FOUND,
        *,
        listens: bool = True,
    ) -> list[list[socket.socket]]:
        """Give the sockets of each place, in the order of ``listeners``; bind what is not there yet.

        Args:
            listeners: where to listen.
            places: how many workers there are to be.
            found: what ``listening.resolve`` gave; names that it lacks are looked up here.
            listens: whether clients may come to what is bound. Before ``listen`` the kernel gives
                it none, and all of them go to those sockets that were there.

        Raises:
            ListenError: one cannot be bound; then nothing has changed.
        """
        bound: list[tuple[Address, socket.socket]] = []
        by_place: list[list[socket.socket]] = [[] for _ in range(places)]
        try:
            for address, listener in zip(_addresses(listeners), listeners, strict=True):
                there = list(self._sockets.get(address, ()))
                while len(there) < places:
                    beside = there[0] if there else None
                    try:
                        sock = bind(
                            listener,
                            listeners,
                            beside=beside,
                            found=found.get(listener.host),
                            flag=self._flag,
                            listens=listens,
                        )
                    except ListenError as error:
                        raise self._blame(error, listener) from error
                    there.append(sock)
                    bound.append((address, sock))
                for place, sock in zip(by_place, there, strict=False):
                    place.append(sock)
        except Exception:
            for address, sock in bound:
                sock.close()
                if address[2] is not None and address not in self._sockets:
                    _unlink(address[2])
            raise
        for address, sock in bound:
            self._sockets.setdefault(address, []).append(sock)
            if (path := address[2]) is not None:
                self._files[path] = _identity(path)
        return by_place

    def lacks(self, listeners: Sequence[Listener]) -> list[Listener]:
        """Give those of ``listeners`` that have no socket yet."""
        pairs = zip(_addresses(listeners), listeners, strict=True)
        return [listener for address, listener in pairs if address not in self._sockets]

    def listen(self, listeners: Sequence[Listener]) -> None:
        """Have clients come to all sockets of ``listeners``; where they do, nothing changes.

        Raises:
            ListenError: one cannot be listened on.
        """
        for address, listener in zip(_addresses(listeners), listeners, strict=True):
            for sock in self._sockets[address]:
                try:
                    sock.listen(BACKLOG)
                except OSError as error:
                    raise refuse(error, listener, self._flag) from error

    def keep_only(self, listeners: Sequence[Listener], places: int) -> None:
        """Close what is not needed any more; workers that still serve it have their own copies."""
        wanted = set(_addresses(listeners))
        for address, sockets in tuple(self._sockets.items()):
            kept = places if address in wanted else 0
            for sock in sockets[kept:]:
                sock.close()
            del sockets[kept:]
            if not sockets:
                del self._sockets[address]
                self._remove_file(address[2])

    def let_go(self) -> None:
        """Leave the sockets to the workers alone; what stands in folders stays until ``close``.

        Who is in the queue of a socket is reset when the last one closes it. That has to be the
        worker, who can empty the queue first.
        """
        for sockets in self._sockets.values():
            for sock in sockets:
                sock.close()

    def urls(self, listeners: Sequence[Listener]) -> list[str]:
        """Spell where ``listeners`` can be reached."""
        return [
            url_of(self._sockets[address][0], listener)
            for address, listener in zip(_addresses(listeners), listeners, strict=True)
        ]

    def close(self) -> None:
        """Close everything."""
        self.keep_only((), 0)

    def _blame(self, error: ListenError, listener: Listener) -> ListenError:
        """Say so where we are in our own way."""
        if listener.port and any(address[1] == listener.port for address in self._sockets):
            port = f"this gateway itself has port {listener.port} already"
            return ListenError(f"{error} ({port}: restart it for this change)")
        return error

    def _remove_file(self, path: str | None) -> None:
        """Remove a unix socket, unless another process has put its own there meanwhile."""
        identity = self._files.pop(path, None) if path is not None else None
        if path is not None and identity is not None and identity == _identity(path):
            _unlink(path)


def _addresses(listeners: Iterable[Listener]) -> list[Address]:
    seen: dict[tuple[str, int, str | None], int] = {}
    addresses = []
    for listener in listeners:
        key = (listener.host, listener.port, listener.unix_path)
        seen[key] = seen.get(key, -1) + 1
        addresses.append((*key, seen[key]))
    return addresses


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)  # noqa: PTH108


def _identity(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116 - a path, not an object
    except OSError:
        return (0, 0)
    return status.st_dev, status.st_ino
