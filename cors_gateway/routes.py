"""Which route takes a request: host before path, longest path, then methods, then file order.

A path is a prefix by whole segments of the path as it stands on the wire: ``/api`` takes
``/api`` and ``/api/a``, not ``/apix`` and not ``/api%2Fx``. What a match means, and whether a
path may be taken at its word, is decided by ``plan``; this module only finds.

A look-up costs one dictionary access per segment, at most as many as the deepest route has,
whatever the number of routes and however long the request's path.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from cors_gateway.messages.targets import normalise_path

__all__ = ["Match", "Routable", "Router"]


class Routable(Protocol):
    """What a router needs to know of a route."""

    @property
    def host(self) -> bytes | None:
        """In lower case and without a port; ``None`` takes every host."""

    @property
    def path(self) -> bytes:
        """A prefix by whole segments, beginning with a slash."""

    @property
    def methods(self) -> frozenset[bytes] | None:
        """The methods it takes; ``None`` takes every method."""


R = TypeVar("R", bound=Routable)


class Match(NamedTuple, Generic[R]):
    """What was found for a request."""

    route: R | None
    """The route that takes it."""
    refused_by: R | None = None
    """Where host and path matched and only the method did not: the first such route in the file."""
    methods: frozenset[bytes] = frozenset()
    """The methods that those routes do take, for ``Allow``."""


class _PathTable(Generic[R]):
    """The routes of one host, by path."""

    __slots__ = ("_by_path", "_depth")

    def __init__(self, routes: Iterable[R], spell: Callable[[bytes], bytes]) -> None:
        self._by_path: dict[bytes, list[R]] = {}
        for route in routes:
            self._by_path.setdefault(spell(route.path).rstrip(b"/"), []).append(route)
        for group in self._by_path.values():
            group.sort(key=lambda route: route.methods is None)
        self._depth = max((path.count(b"/") for path in self._by_path), default=0)

    def find(self, path: bytes, method: bytes) -> tuple[R | None, Sequence[R]]:
        """Find the route, longest path first, or where only the method does not match, who refuses it."""
        by_path = self._by_path
        prefix = path
        if path.count(b"/") > self._depth:
            end = 0
            for _ in range(self._depth):
                end = path.index(b"/", end + 1)
            prefix = path[:end]
        refused: Sequence[R] = ()
        while True:
            group = by_path.get(prefix)
            if group is not None:
                for route in group:
                    if route.methods is None or method in route.methods:
                        return route, ()
                refused = refused or group
            if not prefix:
                return None, refused
            prefix = prefix[: prefix.rfind(b"/")]


class _Tables(Generic[R]):
    """The routes of all hosts, their paths spelled in one way."""

    __slots__ = ("_any_host", "_by_host")

    def __init__(self, routes: Sequence[R], spell: Callable[[bytes], bytes]) -> None:
        hosts: dict[bytes, list[R]] = {}
        for route in routes:
            if route.host is not None:
                hosts.setdefault(route.host, []).append(route)
        self._by_host = {host: _PathTable(group, spell) for host, group in hosts.items()}
        self._any_host = _PathTable((route for route in routes if route.host is None), spell)

    def find(self, host: bytes, path: bytes, method: bytes) -> tuple[R | None, Sequence[R]]:
        """Find the route, or where only the method does not match, those that refuse it.

        These are in the order of the file.
        """
        named = self._by_host.get(host)
        tables = (self._any_host,) if named is None else (named, self._any_host)
        refused: Sequence[R] = ()
        for table in tables:
            route, refusing = table.find(path, method)
            if route is not None:
                return route, ()
            refused = refused or refusing
        return None, refused


class Router(Generic[R]):
    """All routes, ready to be searched."""

    __slots__ = ("_folded", "_routes", "_tables")

    def __init__(self, routes: Iterable[R]) -> None:
        """Index ``routes``, which are given in file order."""
        self._routes = tuple(routes)
        self._tables = _Tables(self._routes, bytes)
        self._folded = _Tables(self._routes, normalise_path)

    def __reduce__(self) -> tuple[type, tuple[tuple[R, ...]]]:
        return Router, (self._routes,)

    def find(self, host: bytes, path: bytes, method: bytes) -> R | None:
        """Find the route that takes a request; ``match`` tells why there is none."""
        return self._tables.find(host, path, method)[0]

    def match(self, host: bytes, path: bytes, method: bytes) -> Match[R]:
        """Find the route for a request.

        Args:
            host: in lower case and without a port.
            path: as on the wire, without the query, beginning with a slash.
            method: as on the wire; of a preflight, the method that it announces.
        """
        route, refused = self._tables.find(host, path, method)
        if route is not None or not refused:
            return Match(route)
        return Match(
            None,
            refused[0],
            frozenset[bytes]().union(*(route.methods or () for route in refused)),
        )

    def has_another_reading(self, host: bytes, path: bytes, method: bytes) -> bool:
        """Say whether a server that decodes paths could take a request for another route's.

        Both sides are read alike: percent-decoded, slashes merged, parameters cut off. So a route
        that is itself written with percent-encoding is found again.
        """
        return self._chosen(self._tables.find(host, path, method)) is not self._chosen(
            self._folded.find(host, normalise_path(path), method)
        )

    def _chosen(self, found: tuple[R | None, Sequence[R]]) -> R | None:
        route, refused = found
        return refused[0] if route is None and refused else route
