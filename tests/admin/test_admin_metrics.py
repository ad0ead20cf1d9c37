"""``/metrics``: read back by the library's own parsers."""

import os
import platform

import pytest
from prometheus_client.openmetrics import parser as openmetrics

from cors_gateway import __version__
from cors_gateway.process.metrics import DURATIONS, METRICS, Kind, Source
from cors_gateway.process.overview import Reloads
from cors_gateway.process.tally import Durations, Tally
from tests.admin.admin_rig import START, Admin, Seen, ready_worker, worker
from tests.admin.conftest import StartAdmin
from tests.admin.reading import families_of, sample, samples_of

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def full_tally() -> Tally:
    """Every metric of the workers, each with two combinations of labels where it has labels."""
    tally = Tally()
    durations = Durations([1] * (len(DURATIONS) + 1), 3.5)
    for metric in METRICS:
        if metric.source is not Source.WORKER:
            continue
        for value in ("a", "b") if metric.labels else ("",):
            labels = tuple(f"{value}{number}" for number in range(len(metric.labels)))
            match metric.kind:
                case Kind.COUNTER:
                    tally.count(metric.name, labels, 2)
                case Kind.GAUGE:
                    tally.measure(metric.name, labels, 3)
                case Kind.HISTOGRAM:
                    tally.time(metric.name, labels, durations)
    return tally


async def test_every_metric_of_the_table_is_there_with_its_help_and_its_kind(
    start_admin: StartAdmin,
) -> None:
    admin = await start_admin(Seen(tally=full_tally()))

    answer = await admin.answers("/metrics")
    families = families_of(answer.text)

    assert answer.status == 200
    assert answer.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    told = {name: (family.type, family.documentation) for name, family in families.items()}
    assert told == {metric.full_name: (metric.kind.value, metric.help) for metric in METRICS}
    assert all(family.samples for family in families.values())


async def test_samples_have_the_labels_of_the_table(start_admin: StartAdmin) -> None:
    admin = await start_admin(Seen(tally=full_tally()))

    families = families_of((await admin.answers("/metrics")).text)

    for metric in METRICS:
        for each in families[metric.full_name].samples:
            assert each.labels.keys() - {"le"} == set(metric.labels), metric.full_name


async def test_the_format_is_negotiated(start_admin: StartAdmin) -> None:
    admin = await start_admin(Seen(tally=full_tally()))

    plain = await admin.answers("/metrics")
    answer = await admin.answers("/metrics", Accept=f"{OPENMETRICS},text/plain;version=0.0.4;q=0.5")

    read_back = openmetrics.text_string_to_metric_families
    families = list(read_back(answer.text))  # type: ignore[no-untyped-call]
    assert answer.fields["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")
    assert len(families) == len(families_of(plain.text))


async def test_counters_and_gauges_are_told_as_they_were_counted(start_admin: StartAdmin) -> None:
    tally = Tally()
    tally.count("requests_total", ("api", "GET", "200"), 5)
    tally.measure("requests_in_flight", ("api",), 2)
    admin = await start_admin(Seen(tally=tally))

    told = samples_of((await admin.answers("/metrics")).text)

    assert told[sample("cors_gateway_requests_total", route="api", method="GET", code="200")] == 5
    assert told[sample("cors_gateway_requests_in_flight", route="api")] == 2


async def test_the_buckets_of_a_histogram_are_cumulative(start_admin: StartAdmin) -> None:
    tally = Tally()
    counts = [0] * (len(DURATIONS) + 1)
    counts[0], counts[3], counts[-1] = 1, 2, 4
    tally.time("upstream_duration_seconds", ("api",), Durations(counts, 99.5))
    admin = await start_admin(Seen(tally=tally))

    told = samples_of((await admin.answers("/metrics")).text)

    name = "cors_gateway_upstream_duration_seconds"
    buckets = [
        told[sample(f"{name}_bucket", route="api", le=bound)]
        for bound in ("0.005", "0.025", "0.05", "10.0", "+Inf")
    ]
    assert buckets == [1, 1, 3, 3, 7]
    assert told[sample(f"{name}_count", route="api")] == 7
    assert told[sample(f"{name}_sum", route="api")] == 99.5


async def test_what_has_no_labels_is_there_from_the_beginning(admin: Admin) -> None:
    told = samples_of((await admin.answers("/metrics")).text)

    assert told[sample("cors_gateway_client_connections")] == 0
    assert told[sample("cors_gateway_log_lines_lost_total")] == 0


async def test_the_supervisor_tells_of_the_processes_and_of_the_configuration(
    start_admin: StartAdmin,
) -> None:
    workers = [ready_worker(0), worker(1, 0, "starting"), worker(1, 0, "retiring")]
    seen = Seen(seen=workers, restarts=4, reloads=Reloads(2, 1, START + 0.5))
    admin = await start_admin(seen)
    assert seen.loaded.snapshot is not None

    told = samples_of((await admin.answers("/metrics")).text)

    expected = {
        sample("workers", state="ready"): 1,
        sample("workers", state="starting"): 1,
        sample("workers", state="retiring"): 1,
        sample("worker_restarts_total"): 4,
        sample("config_reloads_total", result="success"): 2,
        sample("config_reloads_total", result="failure"): 1,
        sample("config_last_reload_successful"): 1,
        sample("config_last_reload_success_timestamp_seconds"): 1_790_000_000.5,
        sample("config_info", hash=seen.loaded.snapshot.digest, version=__version__): 1,
        sample("build_info", version=__version__, python=platform.python_version()): 1,
    }
    for (name, labels), value in expected.items():
        assert told[f"cors_gateway_{name}", labels] == value


async def test_a_reload_that_failed_shows(start_admin: StartAdmin) -> None:
    admin = await start_admin(Seen(reloads=Reloads(0, 1, START, "f.yaml:1:1: no")))

    told = samples_of((await admin.answers("/metrics")).text)

    assert told[sample("cors_gateway_config_last_reload_successful")] == 0


async def test_processes_are_told_of_together(start_admin: StartAdmin) -> None:
    alone = await start_admin(Seen(seen=[]))
    both = await start_admin(Seen(seen=[worker(0, os.getppid())]))
    name = sample("process_resident_memory_bytes")

    one = samples_of((await alone.answers("/metrics")).text)
    two = samples_of((await both.answers("/metrics")).text)

    assert 0 < one[name] < two[name]
    assert one[sample("process_cpu_seconds_total")] > 0


async def test_the_name_of_a_route_may_hold_anything(start_admin: StartAdmin) -> None:
    tally = Tally()
    odd = 'a "b"\\n\nc{d="e"} # é'
    tally.count("request_bytes_total", (odd,), 7)
    admin = await start_admin(Seen(tally=tally))

    told = samples_of((await admin.answers("/metrics")).text)

    assert told[sample("cors_gateway_request_bytes_total", route=odd)] == 7


async def test_ten_thousand_routes_are_counted_too(start_admin: StartAdmin) -> None:
    tally = Tally()
    durations = Durations([1] * (len(DURATIONS) + 1), 3.5)
    for number in range(10_000):
        tally.count("requests_total", (f"r{number}", "GET", "200"))
        tally.time("upstream_duration_seconds", (f"r{number}",), durations)
    admin = await start_admin(Seen(tally=tally))

    answer = await admin.answers("/metrics")

    assert answer.status == 200
    assert answer.text.count("\ncors_gateway_requests_total{") == 10_000
    assert answer.text.count("\ncors_gateway_upstream_duration_seconds_count{") == 10_000


@pytest.mark.parametrize(
    "accept", ["", "*/*", OPENMETRICS, "text/plain;version=1.0.0", "nonsense;;=,"]
)
async def test_whatever_is_accepted_something_is_told(admin: Admin, accept: str) -> None:
    answer = await admin.answers("/metrics", Accept=accept)

    assert answer.status == 200
    assert "cors_gateway_build_info{" in answer.text
    assert admin.told == []
