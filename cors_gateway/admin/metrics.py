"""``/metrics``: what the processes have counted, and what is known of the gateway as a whole.

Each row of the table of metrics becomes a family of the exposition formats; the formats themselves
are the library's. Which names there are, and what they mean, the table says.
"""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from cors_gateway import __version__
from cors_gateway.admin.overview import Overview, served
from cors_gateway.admin.processes import Processes, Usage
from cors_gateway.process.metrics import DURATIONS, METRICS, Kind, Metric, Source
from cors_gateway.process.overview import WorkerState
from cors_gateway.process.tally import Durations, Labels, Tally

__all__ = ["Facts", "expose", "look_at"]

BOUNDS = (*map(str, DURATIONS), "+Inf")

Values = Mapping[Labels, float]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the supervisor knows at a moment: the rest can be done beside the event loop."""

    values: Mapping[str, Values]
    """By the metric's name in the table."""
    workers: Sequence[int]
    """Their processes."""


def look_at(overview: Overview) -> Facts:
    """Note what the supervisor knows."""
    snapshot, reloads, workers = served(overview), overview.reloads, overview.workers()
    states = [worker.state for worker in workers]
    values: dict[str, Values] = {
        "workers": {(state,): states.count(state) for state in WorkerState},
        "worker_restarts_total": {(): overview.restarts},
        "config_reloads_total": {("success",): reloads.succeeded, ("failure",): reloads.failed},
        "config_last_reload_successful": {(): 0 if reloads.last_problem else 1},
        "config_last_reload_success_timestamp_seconds": {(): reloads.last_success},
        "config_info": {(snapshot.digest, __version__): 1},
        "build_info": {(__version__, platform.python_version()): 1},
    }
    return Facts(values, [worker.pid for worker in workers])


def expose(facts: Facts, tally: Tally, processes: Processes, accept: str) -> tuple[bytes, str]:
    """Write all metrics in a format that the asker takes.

    Args:
        facts: what the supervisor knows.
        tally: what its workers have counted.
        processes: what looks at all of them from outside.
        accept: what the asker takes, as ``Accept`` says it.

    Returns:
        the content and its type.
    """
    usage = processes.usage(os.getpid(), facts.workers)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(tally, {**facts.values, **_values_of(usage)}))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Families(Collector):
    """All metrics, each with its samples."""

    def __init__(self, tally: Tally, supervised: Mapping[str, Values]) -> None:
        self._tally = tally
        self._supervised = supervised

    def describe(self) -> Iterator[Family]:
        """Say nothing beforehand: the registry would collect everything for it."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """Make the families, in the order of the table."""
        for metric in METRICS:
            if metric.source is Source.SUPERVISOR:
                values = self._supervised.get(metric.name)
                if values is not None:
                    yield _numbers(metric, values)
            elif metric.kind is Kind.HISTOGRAM:
                yield _durations(metric, self._tally.histograms.get(metric.name, {}))
            else:
                is_counter = metric.kind is Kind.COUNTER
                known = self._tally.counters if is_counter else self._tally.gauges
                # What has no labels is there from the beginning, so that it can be seen to grow.
                values = known.get(metric.name) or ({} if metric.labels else {(): 0})
                yield _numbers(metric, values)


def _numbers(metric: Metric, values: Values) -> Family:
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = kind(metric.full_name, metric.help, labels=metric.labels)
    for labels, number in sorted(values.items()):
        family.add_metric(labels, number)
    return family


def _durations(metric: Metric, values: Mapping[Labels, Durations]) -> Family:
    family = HistogramMetricFamily(metric.full_name, metric.help, labels=metric.labels)
    for labels, durations in sorted(values.items(), key=lambda item: item[0]):
        buckets = list(zip(BOUNDS, accumulate(durations.counts), strict=True))
        family.add_metric(labels, buckets, durations.total)
    return family


def _values_of(usage: Usage | None) -> dict[str, Values]:
    """Name what processes use; what the system does not tell is left out."""
    if usage is None:
        return {}
    return {
        "process_cpu_seconds_total": {(): usage.cpu_seconds},
        "process_resident_memory_bytes": {(): usage.resident_bytes},
        "process_virtual_memory_bytes": {(): usage.virtual_bytes},
        "process_open_fds": {(): usage.open_files},
        "process_max_fds": {(): usage.most_files},
        "process_start_time_seconds": {(): usage.started},
    }
