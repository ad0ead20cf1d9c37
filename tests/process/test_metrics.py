"""The table of metrics: complete, named as is usual, and readable."""

import re

import pytest

from cors_gateway.process.metrics import DURATIONS, METRICS, Kind, Metric

BY_NAME = {metric.full_name: metric for metric in METRICS}

CONTRACT = {
    "cors_gateway_requests_total": ("route", "method", "code"),
    "cors_gateway_request_duration_seconds": ("route", "method", "code_class"),
    "cors_gateway_upstream_duration_seconds": ("route",),
    "cors_gateway_requests_in_flight": ("route",),
    "cors_gateway_cors_decisions_total": ("route", "kind", "decision", "reason"),
    "cors_gateway_upstream_cors_headers_stripped_total": ("route",),
    "cors_gateway_unparsed_cookies_total": ("route",),
    "cors_gateway_upstream_errors_total": ("route", "error"),
    "cors_gateway_upstream_connections": ("route", "state"),
    "cors_gateway_request_bytes_total": ("route",),
    "cors_gateway_response_bytes_total": ("route",),
    "cors_gateway_config_reloads_total": ("result",),
    "cors_gateway_config_last_reload_successful": (),
    "cors_gateway_config_last_reload_success_timestamp_seconds": (),
    "cors_gateway_config_info": ("hash", "version"),
    "cors_gateway_build_info": ("version", "python"),
    "cors_gateway_log_lines_lost_total": (),
    "cors_gateway_event_loop_lag_seconds": (),
    "cors_gateway_event_loop_stalls_total": (),
    "cors_gateway_scarcities_total": ("resource",),
    "cors_gateway_worker_restarts_total": (),
    "cors_gateway_workers": ("state",),
    "process_cpu_seconds_total": (),
    "process_resident_memory_bytes": (),
    "python_gc_collections_total": ("generation",),
}
"""Names that dashboards and alerts are built on: changing one breaks somebody's."""

each = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.full_name)


@pytest.mark.parametrize("name", CONTRACT)
def test_what_others_rely_on_stays(name: str) -> None:
    assert BY_NAME[name].labels == CONTRACT[name]


def test_every_name_occurs_once() -> None:
    assert len(BY_NAME) == len({metric.name for metric in METRICS}) == len(METRICS)


def test_no_two_are_one_to_openmetrics_which_knows_counters_without_total() -> None:
    assert len({metric.full_name.removesuffix("_total") for metric in METRICS}) == len(METRICS)


@each
def test_a_name_says_what_it_is(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", metric.full_name)
    assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total")
    assert metric.full_name.startswith("cors_gateway_") is metric.is_ours
    if metric.kind is Kind.HISTOGRAM:
        assert metric.name.endswith("_seconds")


@each
def test_its_labels_are_few_and_plain(metric: Metric) -> None:
    assert len(set(metric.labels)) == len(metric.labels) <= 4
    assert {"le", "quantile", "origin", "path", "host", "client"}.isdisjoint(metric.labels)
    for label in metric.labels:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", label)


@each
def test_its_help_is_one_sentence(metric: Metric) -> None:
    assert re.fullmatch(r"[A-Z][^\n\\\"]+\.", metric.help)


def test_the_bounds_of_durations_grow() -> None:
    assert list(DURATIONS) == sorted(set(DURATIONS))
    assert (DURATIONS[0], DURATIONS[-1]) == (0.005, 10.0)
