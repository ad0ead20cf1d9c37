"""The metrics of the gateway: every name, what it counts, and by which labels.

One table for whoever counts, shows or documents them. A label has few values: names of routes,
known methods, status codes, names of the gateway's own; never what a client chose. The names follow
Prometheus' conventions, the bounds of the histograms OpenTelemetry's for HTTP servers.

This module counts nothing and knows no format.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["DURATIONS", "METRICS", "PREFIX", "Kind", "Metric", "Source"]

PREFIX = "cors_gateway_"
"""What the names of the gateway's own metrics begin with."""

DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The upper bounds of the buckets of every histogram, in seconds; what is longer has one more."""


class Kind(StrEnum):
    """How a metric behaves."""

    COUNTER = "counter"
    """It only grows, and outlives the worker that counted it."""
    GAUGE = "gauge"
    """It is what it is now; those of several workers are added."""
    HISTOGRAM = "histogram"
    """Durations by bucket; it only grows."""


class Source(StrEnum):
    """Who knows a metric."""

    WORKER = "worker"
    """Each worker, for itself: it is in a ``Tally``."""
    SUPERVISOR = "supervisor"
    """The process that minds the workers."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric."""

    name: str
    """Without the prefix, where it is the gateway's own."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    source: Source = Source.WORKER
    is_ours: bool = True
    """``False`` for those that Prometheus' clients name alike in every program."""

    @property
    def full_name(self) -> str:
        """As it is shown."""
        return f"{PREFIX}{self.name}" if self.is_ours else self.name


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.COUNTER, text, labels)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.GAUGE, text, labels)


def _supervised(name: str, kind: Kind, text: str, *labels: str, is_ours: bool = True) -> Metric:
    return Metric(name, kind, text, labels, Source.SUPERVISOR, is_ours)


def _collected(name: str, text: str) -> Metric:
    return Metric(name, Kind.COUNTER, text, ("generation",), is_ours=False)


METRICS: tuple[Metric, ...] = (
    # Requests; what never got a route counts under the empty name.
    _counter(
        "requests_total",
        "Requests that have ended, by the status that the client got (499: it went away before).",
        *("route", "method", "code"),
    ),
    Metric(
        "request_duration_seconds",
        Kind.HISTOGRAM,
        "Time from a request's complete head to the end of its response, or of its tunnel (1xx).",
        ("route", "method", "code_class"),
    ),
    _gauge(
        "requests_in_flight",
        "Requests that are on their way to an API or back, without tunnels.",
        "route",
    ),
    _counter("request_bytes_total", "Content received from clients, in bytes.", "route"),
    _counter("response_bytes_total", "Content sent to clients, in bytes.", "route"),
    _counter(
        "failures_total",
        "Requests that failed or were refused, by whose fault it was and the type of the problem.",
        *("route", "fault", "problem"),
    ),
    # CORS.
    _counter(
        "cors_decisions_total",
        "Decisions of CORS policies about preflights (preflight), requests of other origins (actual)"
        " and all others (none).",
        *("route", "kind", "decision", "reason"),
    ),
    _counter(
        "upstream_cors_headers_stripped_total",
        "Access-Control-* header lines of APIs that were left out of responses.",
        "route",
    ),
    _counter(
        "unparsed_cookies_total",
        "Cookies of APIs that should have changed and could not be parsed; they passed as they were.",
        "route",
    ),
    # Clients.
    _gauge("client_connections", "Open connections of clients, tunnels among them."),
    _counter(
        "client_connections_opened_total",
        "Connections that clients have opened, also those that were refused.",
    ),
    _counter(
        "client_connections_refused_total",
        "Connections of clients that were answered 503 because too many were open.",
    ),
    _gauge("tunnels", "Open tunnels: WebSockets and other upgraded connections.", "route"),
    # APIs. Routes with equal upstreams share connections.
    Metric(
        "upstream_duration_seconds",
        Kind.HISTOGRAM,
        "Time from a request's head sent to the API to the head of its response.",
        ("route",),
    ),
    _counter(
        "upstream_errors_total",
        "Requests in which the API failed, by the error type of RFC 9209.",
        *("route", "error"),
    ),
    _gauge(
        "upstream_connections",
        "Connections to APIs by state: busy, idle or connecting. Connections that several routes"
        " share count under the first of them.",
        *("route", "state"),
    ),
    _counter(
        "upstream_connections_opened_total",
        "Connections to APIs that were opened, under the first route that uses them.",
        "route",
    ),
    _gauge(
        "upstream_requests_waiting",
        "Requests that wait because all connections to the API are in use, under the first route"
        " that uses them.",
        "route",
    ),
    _counter(
        "upstream_retries_total",
        "Requests that were sent again over another connection, under the first route that uses"
        " the API.",
        "route",
    ),
    _gauge(
        "upstream_addresses",
        "Addresses of APIs by state: used, or unused because they have just failed (they are tried"
        " after the others); those that each worker knows are added, under the first route that"
        " uses them.",
        *("route", "state"),
    ),
    _counter(
        "upstream_addresses_shunned_total",
        "Times that an address of an API failed a request and was put behind the others for a"
        " while, under the first route that uses it; upstream_addresses counts health checks too.",
        "route",
    ),
    # The log.
    _counter("log_lines_lost_total", "Lines of the access log that could not be written."),
    _gauge("log_bytes_waiting", "Bytes of the access log that wait to be written."),
    # Processes.
    Metric(
        "event_loop_lag_seconds",
        Kind.HISTOGRAM,
        "How late the event loops of the workers come round, measured twice a second.",
    ),
    _counter(
        "event_loop_stalls_total",
        "Times that an event loop stood still for a second or more, and nobody was served by it.",
    ),
    _counter(
        "scarcities_total",
        "Times that a worker turned clients away because file descriptors or memory ran short.",
        "resource",
    ),
    _supervised("workers", Kind.GAUGE, "Worker processes by state.", "state"),
    _supervised(
        "worker_restarts_total", Kind.COUNTER, "Workers that were replaced because they died."
    ),
    # The configuration.
    _supervised(
        "config_reloads_total",
        Kind.COUNTER,
        "Times that the configuration was loaded again, by result: success or failure.",
        "result",
    ),
    _supervised(
        "config_last_reload_successful",
        Kind.GAUGE,
        "Whether the configuration was valid when it was loaded last (1) or not (0).",
    ),
    _supervised(
        "config_last_reload_success_timestamp_seconds",
        Kind.GAUGE,
        "When the configuration that is served was loaded, in seconds since 1970.",
    ),
    _supervised(
        "config_info",
        Kind.GAUGE,
        "Always 1; which configuration is served.",
        *("hash", "version"),
    ),
    _supervised(
        "build_info", Kind.GAUGE, "Always 1; which gateway and Python run.", "version", "python"
    ),
    # What Prometheus' clients tell of any process: here of all of the gateway's together.
    _supervised(
        "process_cpu_seconds_total",
        Kind.COUNTER,
        "CPU time of the supervisor and the workers, in seconds.",
        is_ours=False,
    ),
    _supervised(
        "process_resident_memory_bytes",
        Kind.GAUGE,
        "Memory that the supervisor and the workers hold, in bytes; what they share counts often.",
        is_ours=False,
    ),
    _supervised(
        "process_virtual_memory_bytes",
        Kind.GAUGE,
        "Address space of the supervisor and the workers, in bytes.",
        is_ours=False,
    ),
    _supervised(
        "process_open_fds",
        Kind.GAUGE,
        "File descriptors that the supervisor and the workers have open.",
        is_ours=False,
    ),
    _supervised(
        "process_max_fds",
        Kind.GAUGE,
        "File descriptors that each process may have open.",
        is_ours=False,
    ),
    _supervised(
        "process_start_time_seconds",
        Kind.GAUGE,
        "When the supervisor was started, in seconds since 1970.",
        is_ours=False,
    ),
    _collected(
        "python_gc_objects_collected_total", "Objects that Python's collector freed in the workers."
    ),
    _collected(
        "python_gc_objects_uncollectable_total",
        "Objects that Python's collector found in the workers and could not free.",
    ),
    _collected("python_gc_collections_total", "Runs of Python's collector in the workers."),
)
"""All of them, in the order in which they are shown."""
