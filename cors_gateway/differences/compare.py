"""Everything in which two configurations differ, each with the line where it stands.

What does not change anything is not a difference: the order of a list that has none, a policy under
another name, an origin that is named in another way. A route is the same one if it takes the same
requests, or else if it has the same name.

This module knows no file: both configurations are loaded.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cors_gateway.config.cors_schema import CorsSettings
from cors_gateway.config.load import Loaded
from cors_gateway.config.problems import Path
from cors_gateway.cors.policy import Policy
from cors_gateway.differences.change import Change, join_names
from cors_gateway.differences.difference import Difference
from cors_gateway.differences.policies import compare_policies, who_may_call
from cors_gateway.differences.routes import compare_routes, more_that_passes, spell_match
from cors_gateway.differences.server import compare_servers
from cors_gateway.differences.takeovers import find_takeovers, spell_place
from cors_gateway.snapshot import Route, Snapshot

__all__ = ["compare"]

MAX_SUBJECTS = 3
"""Routes that are named together, and requests."""

LONGEST_TEXT = 500

NO_ROUTE = "requests that no route takes"


def compare(old: Loaded, new: Loaded) -> tuple[Difference, ...]:
    """Return what changes when ``new`` takes the place of ``old``.

    Raises:
        ValueError: one of them has errors, so that it amounts to nothing.
    """
    if old.snapshot is None or new.snapshot is None:
        raise ValueError("a configuration with errors cannot be compared")
    comparison = _Comparison(old, new, old.snapshot, new.snapshot)
    return tuple(comparison.differences())


class _Comparison:
    """The comparison of two configurations."""

    def __init__(self, old: Loaded, new: Loaded, was: Snapshot, becomes: Snapshot) -> None:
        self._old = old
        self._new = new
        self._was = was
        self._becomes = becomes
        self._old_places = {route: index for index, route in enumerate(was.routes)}
        self._same = dict(_pair(was.routes, becomes.routes))
        self._takeovers = find_takeovers(was, becomes, self._same)
        self._heirs: dict[Route, list[str]] = {}
        """For a route of the old configuration, the names of those that take its requests now."""
        for after, takers in self._takeovers.taken.items():
            for before in takers:
                if before is not None:
                    self._heirs.setdefault(before, []).append(after.name)
        self._widenings: dict[tuple[int, int, bool], list[str]] = {}

    def differences(self) -> Iterator[Difference]:
        """Give all differences: what is the server's, then the routes, then who may call."""
        for change in compare_servers(self._old, self._new, self._was, self._becomes):
            yield _difference(change.text, change, self._new, ())
        kept = set(self._same.values())
        for route in self._was.routes:
            if route not in kept:
                yield self._gone(route)
        for index, route in enumerate(self._becomes.routes):
            before = self._same.get(route)
            if before is None:
                yield self._added(route, index)
            else:
                yield from self._kept(before, route, index)
        yield from self._policies()
        if not self._takeovers.is_whole:
            text = "which route takes which request was compared for a part of them only"
            yield Difference(f"{text}: it may be wider", is_wider=True)

    def _gone(self, route: Route) -> Difference:
        takers = self._heirs.get(route, [])
        then = ""
        if takers:
            then = f"{_routes(takers)} take{'' if len(takers) > 1 else 's'} its requests"
        if route in self._takeovers.lost or not takers:
            then += f"{', ' if then else ''}{spell_match(route)} is refused"
        is_other_file = self._old.document.name != self._new.document.name
        # The same file has other lines by now.
        source = route.source if is_other_file else ""
        text = f"route {route.name} is gone: {then}"
        return Difference(_clean(text), is_wider=False, source=source)

    def _added(self, route: Route, index: int) -> Difference:
        """Say of a route that was not there what it takes, and from whom."""
        takers = self._takeovers.taken.get(route, {})
        others = [before.name for before in takers if before is not None]
        text = (
            f"route {route.name} is new: {spell_match(route)} → {route.upstream.url}, "
            f"{who_may_call(route.policy, has_api=_has_api(route))}"
        )
        more = [
            each
            for before in takers
            if before is not None
            for each in self._more_through(before, route)
        ]
        if others:
            text += f"; {_routes(others)} took that before"
        if more:
            text += f", and this lets more through: {_clauses(more)}"
        return self._at(Change(text, None in takers or bool(more)), ("routes", index))

    def _kept(self, before: Route, route: Route, index: int) -> Iterator[Difference]:
        subject, where = f"route {route.name}", ("routes", index)
        if before.name != route.name:
            change = Change(f"route {before.name} is called {route.name} now", path=("name",))
            yield self._at(change, where)
        place = self._old_places[before]
        for change in compare_routes(before, route, (self._old, place), (self._new, index)):
            yield self._at(change, where, subject)
        for taker, requests in self._takeovers.taken.get(route, {}).items():
            whose = "no route" if taker is None else f"route {taker.name}"
            more = [] if taker is None else self._more_through(taker, route)
            what = join_names(self._takeovers.spell(requests), MAX_SUBJECTS)
            text = f"takes {what} now, which {whose} took before"
            if more:
                text += f", and lets more through: {_clauses(more)}"
            yield self._at(Change(text, taker is None or bool(more), ("match",)), where, subject)
        for other, requests in self._takeovers.refusers.get(route, {}).items():
            what = join_names([*map(spell_place, requests)], MAX_SUBJECTS)
            text = (
                f"refuses {what} for its method under its policy now, "
                f"in place of route {other.name}"
            )
            yield self._at(Change(text), where, subject)

    def _more_through(self, before: Route, after: Route) -> list[str]:
        """Say what a client may do under one route that it may not under another."""
        has_api = _has_api(after)
        key = (id(before.policy), id(after.policy), has_api)
        if key not in self._widenings:
            changes = compare_policies(before.policy, after.policy, has_api=has_api)
            self._widenings[key] = [change.text for change in changes if change.is_wider]
        return [*self._widenings[key], *more_that_passes(before, after)]

    def _policies(self) -> Iterator[Difference]:
        """Compare each two policies once, however many routes have them."""
        pairs: dict[tuple[int, int, bool], _Pair] = {}

        def add(old: Policy | None, new: Policy | None, where: Path, name: str, api: bool) -> None:  # noqa: FBT001
            # Who answers counts only where one of the two does nothing.
            has_api = api or (_is_carried_out(old) and _is_carried_out(new))
            key = (id(old), id(new), has_api)
            pairs.setdefault(key, _Pair(old, new, has_api, where, [])).names.append(name)

        for index, route in enumerate(self._becomes.routes):
            before = self._same.get(route)
            if before is not None:
                where = self._policy_path(route, index)
                add(before.policy, route.policy, where, route.name, _has_api(route))
        defaults = self._was.default_policy, self._becomes.default_policy
        add(*defaults, self._default_path(), NO_ROUTE, False)  # noqa: FBT003
        for old, new, has_api, where, names in pairs.values():
            for change in compare_policies(old, new, has_api=has_api):
                yield self._at(change, where, _subject(names))

    def _policy_path(self, route: Route, index: int) -> Path:
        if route.policy_name is not None:
            return ("corsPolicies", route.policy_name)
        settings = self._new.settings
        if settings is None or settings.routes[index].cors is None:
            return self._default_path()
        return ("routes", index, "cors")

    def _default_path(self) -> Path:
        settings = self._new.settings
        cors = None if settings is None else settings.defaults.cors
        if isinstance(cors, str) and not isinstance(cors, CorsSettings):
            return ("corsPolicies", cors)
        return ("defaults", "cors")

    def _at(self, change: Change, where: Path, subject: str = "") -> Difference:
        text = f"{subject}: {change.text}" if subject else change.text
        return _difference(text, change, self._new, where)


class _Pair(NamedTuple):
    """Two policies, and who has them."""

    old: Policy | None
    new: Policy | None
    has_api: bool
    where: Path
    names: list[str]


def _is_carried_out(policy: Policy | None) -> bool:
    return policy is not None and policy.settings.mode == "enforce"


def _has_api(route: Route) -> bool:
    return route.upstream.files is None


def _pair(old: Iterable[Route], new: Iterable[Route]) -> Iterator[tuple[Route, Route]]:
    """Find the routes that are the same, by what they take and then by name: new, old."""
    by_match = {(route.host, route.path, route.methods): route for route in old}
    others = []
    for route in new:
        before = by_match.pop((route.host, route.path, route.methods), None)
        if before is None:
            others.append(route)
        else:
            yield route, before
    by_name = {route.name: route for route in by_match.values()}
    for route in others:
        before = by_name.pop(route.name, None)
        if before is not None:
            yield route, before


def _clauses(texts: list[str]) -> str:
    """Say a few things in one line, each once, and count the others."""
    each = [*dict.fromkeys(texts)]
    rest = len(each) - MAX_SUBJECTS
    return "; ".join([*each[:MAX_SUBJECTS], *([f"{rest} more"] if rest > 0 else [])])


def _subject(names: list[str]) -> str:
    routes = [name for name in names if name != NO_ROUTE]
    if not routes:
        return NO_ROUTE
    return _routes(routes) if len(routes) == len(names) else f"{_routes(routes)}, {NO_ROUTE}"


def _routes(names: list[str]) -> str:
    return f"{'routes' if len(names) > 1 else 'route'} {join_names(names, MAX_SUBJECTS)}"


def _difference(text: str, change: Change, loaded: Loaded, where: Path) -> Difference:
    path: Path = (*where, *change.path)
    at_key = bool(path) and isinstance(path[-1], str)
    position = loaded.document.position(path, at_key=at_key)
    source = f"{position.source}:{position.line}" if position.line else position.source
    return Difference(_clean(text), change.is_wider, source)


def _clean(text: str) -> str:
    """Keep what somebody wrote from moving a cursor or filling a screen."""
    if len(text) > LONGEST_TEXT:
        text = f"{text[: LONGEST_TEXT - 1]}…"
    return text if text.isprintable() else ascii(text)[1:-1]
