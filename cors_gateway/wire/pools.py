"""The pools of one worker: one for each upstream that requests have needed.

When another snapshot comes, an upstream that it still has keeps its pool, with all connections. A
pool that no route names any more is closed: what is idle goes at once, the rest when its exchange
or its tunnel has ended, and then the pool is gone. What it has counted stays.

A pool counts under the name of the first route that uses it. Routes change their names and their
upstreams, and a counter must not fall: so what was counted under a name is kept under it.
"""

import asyncio
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from cors_gateway.snapshot import Route, Upstream, UpstreamTls
from cors_gateway.wire.dialing import ServeFiles
from cors_gateway.wire.holdings import Holdings
from cors_gateway.wire.places import Tell
from cors_gateway.wire.pool import COUNTED, Pool, PoolUsage
from cors_gateway.wire.resolver import Names
from cors_gateway.wire.tick import Ticker

__all__ = ["Pools"]

NOTHING = PoolUsage()


@dataclass(slots=True, eq=False)
class _Named:
    """A pool, and under which name it counts."""

    pool: Pool
    route: str
    before: PoolUsage = NOTHING
    """What it had counted when it got the name."""

    def usage(self) -> PoolUsage:
        return self.pool.usage().since(self.before)


class Pools(Mapping[Upstream, Pool]):
    """The pools that the present snapshot has, by upstream; and those that are about to end."""

    def __init__(
        self,
        routes: Iterable[Route],
        loop: asyncio.AbstractEventLoop,
        ticker: Ticker,
        internal: ServeFiles | None = None,
        tell: Tell | None = None,
        *,
        connections: int,
    ) -> None:
        """Begin with the pools whose addresses are asked for their health.

        Args:
            routes: of the snapshot.
            loop: where the pools run.
            ticker: the clock.
            internal: who serves files in this process.
            tell: who hears of addresses that go and come back.
            connections: how many all pools may have before idle ones are given up.
        """
        self._loop = loop
        self._ticker = ticker
        self._internal = internal
        self._tell = tell
        self._resolver = Names(loop)
        self._holdings = Holdings(connections)
        self._routes = _first_routes(routes)
        self._current: dict[Upstream, _Named] = {}
        self._by_route: dict[Route, Pool] = {}
        """The same, looked up by what has no value to be hashed, which costs every request a microsecond."""
        self._ending: list[_Named] = []
        self._past: dict[str, PoolUsage] = {}
        """What was counted under a name by pools that no longer count under it."""
        self._begin_checks()

    def __getitem__(self, upstream: Upstream) -> Pool:
        """Give the pool of an upstream that a request has needed."""
        return self._current[upstream].pool

    def __iter__(self) -> Iterator[Upstream]:
        """Give the upstreams that have a pool."""
        return iter(self._current)

    def __len__(self) -> int:
        """Count the upstreams that have a pool."""
        return len(self._current)

    def of_route(self, route: Route) -> Pool:
        """Give the pool of a route's upstream, which is made where there is none."""
        pool = self._by_route.get(route)
        if pool is None:
            pool = self._by_route[route] = self.of(route.upstream)
        return pool

    def of(self, upstream: Upstream) -> Pool:
        """Give the pool of an upstream, which is made where there is none."""
        named = self._current.get(upstream)
        if named is None:
            pool = Pool(
                upstream,
                self._loop,
                self._ticker,
                self._resolver,
                self._internal,
                self._tell,
                self._holdings,
            )
            named = self._current[upstream] = _Named(pool, self._routes.get(upstream, ""))
        return named.pool

    def follow(
        self,
        routes: Iterable[Route],
        contexts: Mapping[UpstreamTls, ssl.SSLContext],
        connections: int,
    ) -> None:
        """Go over to the routes of another snapshot.

        Args:
            routes: the routes.
            contexts: what is read anew of the files that TLS needs.
            connections: how many all pools may have before idle ones are given up.
        """
        self._holdings.limit = connections
        self._by_route.clear()
        self._routes = _first_routes(routes)
        for upstream, named in tuple(self._current.items()):
            route = self._routes.get(upstream)
            if route is None:
                del self._current[upstream]
                named.pool.close()
                self._ending.append(named)
                continue
            if route != named.route:
                self._keep_count(named)
                named.route, named.before = route, named.pool.usage()
            if upstream.tls is not None and upstream.tls in contexts:
                named.pool.renew_tls(contexts[upstream.tls])
        self._resolver.keep_only(
            {endpoint.host for upstream in self._routes for endpoint in upstream.endpoints}
        )
        self._begin_checks()

    def usages(self) -> Iterator[tuple[str, PoolUsage]]:
        """Give what each pool does and has counted, with a route's name; several may have one."""
        for named in (*self._current.values(), *self._ending):
            yield named.route, named.usage()
        yield from self._past.items()

    def sweep(self) -> None:
        """Let every pool look after its connections, and forget those that are over."""
        for named in (*self._current.values(), *self._ending):
            named.pool.sweep()
        if self._ending:
            for named in self._ending:
                if named.pool.is_over:
                    self._keep_count(named)
            self._ending = [named for named in self._ending if not named.pool.is_over]

    def close(self) -> None:
        """Close every idle connection; those in use close when their exchange ends."""
        for named in (*self._current.values(), *self._ending):
            named.pool.close()

    def _begin_checks(self) -> None:
        """Make the pools that have something to do before a request comes."""
        for upstream in self._routes:
            if upstream.health_check is not None:
                self.of(upstream)

    def _keep_count(self, named: _Named) -> None:
        """Keep what a pool has counted under its name."""
        usage, past = named.usage(), self._past.get(named.route, NOTHING)
        total = {name: getattr(past, name) + getattr(usage, name) for name in COUNTED}
        self._past[named.route] = replace(past, **total)


def _first_routes(routes: Iterable[Route]) -> dict[Upstream, str]:
    """Name each upstream by the first route that uses it."""
    names: dict[Upstream, str] = {}
    for route in routes:
        names.setdefault(route.upstream, route.name)
    return names
