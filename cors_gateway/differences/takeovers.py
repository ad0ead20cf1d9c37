"""Which requests another route takes than before.

Routes are chosen by host, by the longest path and by method, so it is enough to ask for one request
of each kind: every path that is written in either configuration, for every host and method that is
written there, and for one of each that is not.

This module knows no policy.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cors_gateway.differences.change import join_names
from cors_gateway.routes import Match
from cors_gateway.snapshot import Route, Snapshot

__all__ = ["Takeovers", "find_takeovers", "spell_place"]

MAX_KINDS = 200_000
"""Kinds of requests that are looked at."""

ANY = b"\0"
"""A host, or a method, that no configuration can name."""


Kind = tuple[bytes, bytes, bytes]
"""Host, path and method."""

Requests = dict[tuple[bytes, bytes], list[bytes]]
"""Kinds of requests: methods, by host and path."""


@dataclass(slots=True)
class Takeovers:
    """What has changed hands."""

    taken: dict[Route, dict[Route | None, Requests]] = field(default_factory=dict)
    """For a route of the new configuration, by the one that took them: what it takes now. ``None``
    took what was refused."""
    lost: dict[Route, Requests] = field(default_factory=dict)
    """Requests that a route of the old configuration took, and that no route takes now."""
    refusers: dict[Route, dict[Route, Requests]] = field(default_factory=dict)
    """Where only the method does not match: for a route under whose policy that is said now, by the
    one under whose it was."""
    methods: tuple[bytes, ...] = ()
    """All that are written in either configuration."""
    is_whole: bool = True
    """Whether all kinds of requests were looked at."""

    def spell(self, requests: Requests) -> list[str]:
        """Write what changes hands: ``PUT api.example.com/a``, or without the method for all."""
        spelled: list[str] = []
        for place, methods in requests.items():
            where = spell_place(place)
            left = [method.decode("ascii") for method in self.methods if method not in methods]
            if ANY not in methods:
                spelled += [f"{method.decode('ascii')} {where}" for method in methods]
            elif left:
                spelled.append(f"{where} with every method but {join_names(left)}")
            else:
                spelled.append(where)
        return spelled


def spell_place(place: tuple[bytes, bytes]) -> str:
    """Write a host and a path; no host stands for those that no route names."""
    host, path = place
    return f"{'' if host == ANY else host.decode('ascii')}{path.decode('ascii')}"


def find_takeovers(old: Snapshot, new: Snapshot, same: Mapping[Route, Route]) -> Takeovers:
    """Find what has changed hands between two configurations.

    Args:
        old: the routes as they were.
        new: the routes as they are.
        same: for a route of the new configuration, the one that it was.
    """
    found = Takeovers()
    if _table(old) == _table(new) and all(
        same.get(after) is before for before, after in zip(old.routes, new.routes, strict=True)
    ):
        return found
    found.methods = _methods(old, new)
    for count, (host, path, method) in enumerate(_kinds(old, new, found.methods)):
        if count >= MAX_KINDS:
            found.is_whole = False
            break
        before = old.router.match(host, path, method)
        after = new.router.match(host, path, method)
        _compare(before, after, same, found, (host, path, method))
    return found


def _compare(
    before: Match[Route],
    after: Match[Route],
    same: Mapping[Route, Route],
    found: Takeovers,
    kind: Kind,
) -> None:
    was, becomes = before.route, after.route
    if becomes is not None:
        if was is None or same.get(becomes) is not was:
            _note(found.taken.setdefault(becomes, {}).setdefault(was, {}), kind)
    elif was is not None:
        _note(found.lost.setdefault(was, {}), kind)
    elif (
        before.refused_by is not None
        and after.refused_by is not None
        and same.get(after.refused_by) is not before.refused_by
    ):
        refused = found.refusers.setdefault(after.refused_by, {})
        _note(refused.setdefault(before.refused_by, {}), kind)


def _methods(old: Snapshot, new: Snapshot) -> tuple[bytes, ...]:
    routes = (*old.routes, *new.routes)
    return tuple(sorted({method for route in routes for method in route.methods or ()}))


def _kinds(old: Snapshot, new: Snapshot, methods: tuple[bytes, ...]) -> Iterator[Kind]:
    """Give one request of each kind."""
    routes = (*old.routes, *new.routes)
    general = dict.fromkeys(route.path for route in routes if route.host is None)
    hosts: dict[bytes, dict[bytes, None]] = {ANY: general}
    for route in routes:
        if route.host is not None:
            hosts.setdefault(route.host, {})[route.path] = None
    were, are = _by_host(old), _by_host(new)
    for host, paths in hosts.items():
        # Where a host's own routes are what they were, so is what they leave to the others.
        others = {} if were.get(host) == are.get(host) else general
        for path in {**paths, **others}:
            for method in (ANY, *methods):
                yield host, path, method


def _by_host(snapshot: Snapshot) -> dict[bytes, set[tuple[bytes, frozenset[bytes] | None]]]:
    table: dict[bytes, set[tuple[bytes, frozenset[bytes] | None]]] = {}
    for route in snapshot.routes:
        if route.host is not None:
            table.setdefault(route.host, set()).add((route.path, route.methods))
    return table


def _table(snapshot: Snapshot) -> list[tuple[bytes | None, bytes, frozenset[bytes] | None]]:
    return [(route.host, route.path, route.methods) for route in snapshot.routes]


def _note(requests: Requests, kind: Kind) -> None:
    host, path, method = kind
    requests.setdefault((host, path), []).append(method)
