"""Counting what one worker does: each request once, when it has ended, and what is open when asked.

A label never takes a value that a client can make up: an unknown method is ``_OTHER``, a status that
HTTP does not have is ``other``. Paths, origins and hosts are no labels. What the metrics mean is in
``metrics``; adding those of several workers is for ``tally``.
"""

import gc
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from cors_gateway.failures import Fault
from cors_gateway.process.logging import LogWriter
from cors_gateway.process.metrics import DURATIONS
from cors_gateway.process.scarcity import Scarcity
from cors_gateway.process.tally import Durations, Labels, Tally
from cors_gateway.process.watchdog import Watchdog
from cors_gateway.wire.plane import Plane
from cors_gateway.wire.record import AccessRecord
from cors_gateway.wire.tunnel import Tunnel

__all__ = ["Counting"]

OTHER_METHOD: Final = "_OTHER"
"""OpenTelemetry's word for a method that is not one of those it knows."""

METHODS: Final = {
    method.encode("ascii"): method
    for method in (
        *("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"),
    )
}

OTHER_CODE: Final = "other"


class _Requests:
    """The requests that have route, method and status in common."""

    __slots__ = ("request_bytes", "response_bytes", "took", "upstream_took")

    def __init__(self) -> None:
        self.took = Durations()
        self.upstream_took = Durations()
        self.request_bytes = 0
        self.response_bytes = 0


class Counting:
    """The counters of one worker."""

    def __init__(
        self,
        writer: LogWriter | None = None,
        watchdog: Watchdog | None = None,
        scarcity: Scarcity | None = None,
    ) -> None:
        """Begin at zero.

        Args:
            writer: of the access log; it knows how many lines it has lost.
            watchdog: of the event loop; it knows how late that comes round.
            scarcity: knows how often something ran short.
        """
        self._writer = writer
        self._watchdog = watchdog
        self._scarcity = scarcity
        self._requests: defaultdict[tuple[str, str, int], _Requests] = defaultdict(_Requests)
        self._decisions: defaultdict[Labels, int] = defaultdict(int)
        self._failures: defaultdict[Labels, int] = defaultdict(int)
        self._upstream_errors: defaultdict[Labels, int] = defaultdict(int)
        self._stripped: defaultdict[str, int] = defaultdict(int)
        self._unparsed: defaultdict[str, int] = defaultdict(int)

    def take(self, records: Sequence[AccessRecord]) -> None:
        """Count requests that have ended.

        One lookup finds everything that is counted of every request, so that a record takes half
        a microsecond; what its rows have in common is added up only when somebody asks.
        """
        requests, decisions, method_of = self._requests, self._decisions, METHODS.get
        for record in records:
            route = record.route
            row = requests[route, method_of(record.method, OTHER_METHOD), record.status]
            duration = record.duration
            took = row.took
            took.counts[bisect_left(DURATIONS, duration)] += 1
            took.total += duration
            row.request_bytes += record.request_bytes
            row.response_bytes += record.response_bytes
            if record.upstream_status:
                duration = record.upstream_duration
                took = row.upstream_took
                took.counts[bisect_left(DURATIONS, duration)] += 1
                took.total += duration
            if record.cors_kind:
                decisions[route, record.cors_kind, record.cors_decision, record.cors_reason] += 1
            if record.cors_stripped:
                self._stripped[route] += record.cors_stripped
            if record.cookies_unparsed:
                self._unparsed[route] += record.cookies_unparsed
            if record.error:
                self._failures[route, record.fault, record.problem] += 1
                if record.fault == Fault.UPSTREAM:
                    self._upstream_errors[route, record.error] += 1

    def tally(self, plane: Plane) -> Tally:
        """Give everything that has been counted, and what is open on ``plane`` now."""
        tally = Tally()
        self._tell_requests(tally)
        _tell_clients(tally, plane)
        _tell_upstreams(tally, plane)
        _tell_collector(tally)
        if self._writer is not None:
            tally.count("log_lines_lost_total", (), self._writer.lost_lines)
            tally.measure("log_bytes_waiting", (), self._writer.waiting_bytes)
        if self._watchdog is not None:
            tally.time("event_loop_lag_seconds", (), self._watchdog.lags)
            tally.count("event_loop_stalls_total", (), self._watchdog.stalls)
        if self._scarcity is not None:
            for what, times in self._scarcity.times.items():
                tally.count("scarcities_total", (what,), times)
        return tally

    def _tell_requests(self, tally: Tally) -> None:
        for (route, method, status), row in self._requests.items():
            is_known = 100 <= status <= 599
            code = str(status) if is_known else OTHER_CODE
            code_class = f"{status // 100}xx" if is_known else OTHER_CODE
            tally.count("requests_total", (route, method, code), row.took.count)
            tally.time("request_duration_seconds", (route, method, code_class), row.took)
            tally.count("request_bytes_total", (route,), row.request_bytes)
            tally.count("response_bytes_total", (route,), row.response_bytes)
            if row.upstream_took.count:
                tally.time("upstream_duration_seconds", (route,), row.upstream_took)
        for name, numbers in (
            ("cors_decisions_total", self._decisions),
            ("failures_total", self._failures),
            ("upstream_errors_total", self._upstream_errors),
        ):
            for labels, number in numbers.items():
                tally.count(name, tuple(str(label) for label in labels), number)
        for route, number in self._stripped.items():
            tally.count("upstream_cors_headers_stripped_total", (route,), number)
        for route, number in self._unparsed.items():
            tally.count("unparsed_cookies_total", (route,), number)


def _tell_clients(tally: Tally, plane: Plane) -> None:
    for route in plane.snapshot.routes:
        tally.measure("requests_in_flight", (route.name,), 0)
        tally.measure("tunnels", (route.name,), 0)
    for connection in plane.connections:
        record = connection.in_progress
        if record is not None:
            is_tunnel = isinstance(connection, Tunnel)
            tally.measure("tunnels" if is_tunnel else "requests_in_flight", (record.route,))
    tally.measure("client_connections", (), len(plane.connections))
    tally.count("client_connections_opened_total", (), plane.accepted)
    tally.count("client_connections_refused_total", (), plane.refused)


def _tell_upstreams(tally: Tally, plane: Plane) -> None:
    for name, usage in plane.pool_usages():
        for state in ("busy", "idle", "connecting"):
            tally.measure("upstream_connections", (name, state), getattr(usage, state))
        for state in ("used", "unused"):
            tally.measure("upstream_addresses", (name, state), getattr(usage, state))
        tally.measure("upstream_requests_waiting", (name,), usage.waiting)
        tally.count("upstream_connections_opened_total", (name,), usage.opened)
        tally.count("upstream_retries_total", (name,), usage.retried)
        tally.count("upstream_addresses_shunned_total", (name,), usage.shunned)


def _tell_collector(tally: Tally) -> None:
    for generation, run in enumerate(gc.get_stats()):
        labels = (str(generation),)
        tally.count("python_gc_objects_collected_total", labels, run["collected"])
        tally.count("python_gc_objects_uncollectable_total", labels, run["uncollectable"])
        tally.count("python_gc_collections_total", labels, run["collections"])
