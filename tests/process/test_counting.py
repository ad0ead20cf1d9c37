"""Every request counts once, under labels that no client can make up; and what is open is known."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cors_gateway.failures import Failure
from cors_gateway.messages.cookies import CookieRewrite
from cors_gateway.process.counting import METHODS, Counting
from cors_gateway.process.logging import LogWriter
from cors_gateway.process.metrics import METRICS, Kind, Source
from cors_gateway.process.scarcity import Scarcity
from cors_gateway.process.tally import Tally
from cors_gateway.process.watchdog import Watchdog
from cors_gateway.snapshot import Limits, PoolLimits
from cors_gateway.wire.record import AccessRecord, note_failure
from tests.wire.conftest import StartGateway, api, gateway, start_gateway
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of, until
from tests.wire.scripted_upstream import OK, ScriptedUpstream

__all__ = ["api", "gateway", "start_gateway"]

NAMED = {
    (source, kind): {
        metric.name: metric for metric in METRICS if (metric.source, metric.kind) == (source, kind)
    }
    for source in Source
    for kind in Kind
}


def counted(
    gateway: Gateway,
    writer: LogWriter | None = None,
    watchdog: Watchdog | None = None,
    scarcity: Scarcity | None = None,
) -> Tally:
    """Count what a gateway has recorded so far, and ask what is open."""
    gateway.plane.flush_records()
    counting = Counting(writer, watchdog, scarcity)
    counting.take(gateway.records)
    gateway.records.clear()
    return counting.tally(gateway.plane)


def record(**values: object) -> AccessRecord:
    made = AccessRecord(b"1", "192.0.2.1")
    for name, value in {"method": b"GET", "status": 200, "route": "api", **values}.items():
        setattr(made, name, value)
    return made


# What has ended.


async def test_a_forwarded_request(gateway: Gateway, api: ScriptedUpstream) -> None:
    api.answers(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: *\r\n"
        b"access-control-allow-origin: *\r\nAccess-Control-Max-Age: 1\r\n\r\nok"
    )
    client = await gateway.connects()
    await client.asks("/a", f"Origin: {APP}", method="PUT", content=b"hello")
    await client.gets()
    tally = counted(gateway)
    assert tally.counters["requests_total"] == {("api", "PUT", "200"): 1}
    assert tally.counters["request_bytes_total"] == {("api",): 5}
    assert tally.counters["response_bytes_total"] == {("api",): 2}
    assert tally.counters["cors_decisions_total"] == {
        ("api", "actual", "allowed", "origin-allowed"): 1
    }
    assert tally.counters["upstream_cors_headers_stripped_total"] == {("api",): 3}
    assert "upstream_errors_total" not in tally.counters
    assert "failures_total" not in tally.counters
    took = tally.histograms["request_duration_seconds"]["api", "PUT", "2xx"]
    upstream_took = tally.histograms["upstream_duration_seconds"]["api",]
    assert took.count == upstream_took.count == 1
    assert 0 < upstream_took.total <= took.total


async def test_a_request_that_never_got_a_route(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    gateway = await start_gateway(snapshot_of(route_to(api.port, path=b"/api")))
    client = await gateway.connects()
    await client.asks("/other")
    assert (await client.gets()).status == 404
    await client.sends(b"nonsense\r\n\r\n")
    assert (await client.gets()).status == 400
    tally = counted(gateway)
    assert tally.counters["requests_total"] == {("", "GET", "404"): 1, ("", "_OTHER", "400"): 1}
    assert tally.counters["failures_total"] == {
        ("", "downstream", "no-route"): 1,
        ("", "downstream", "malformed-request"): 1,
    }
    assert "upstream_duration_seconds" not in tally.histograms


async def test_a_refused_preflight(gateway: Gateway) -> None:
    client = await gateway.connects()
    lines = "Origin: https://evil.example", "Access-Control-Request-Method: PUT"
    await client.asks("/a", *lines, method="OPTIONS")
    await client.gets()
    tally = counted(gateway)
    assert tally.counters["requests_total"] == {("api", "OPTIONS", "403"): 1}
    assert tally.counters["cors_decisions_total"] == {
        ("api", "preflight", "denied", "origin-not-allowed"): 1
    }
    assert tally.counters["failures_total"] == {("api", "downstream", "origin-refused"): 1}
    assert "upstream_errors_total" not in tally.counters


async def test_an_api_that_is_away(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(snapshot_of(route_to(1)))
    client = await gateway.connects()
    for _ in range(2):
        await client.asks()
        await client.gets()
    tally = counted(gateway)
    assert tally.counters["upstream_errors_total"] == {("api", "connection_refused"): 2}
    assert tally.counters["failures_total"] == {("api", "upstream", "connection-refused"): 2}
    assert tally.counters["upstream_addresses_shunned_total"] == {("api",): 2}
    assert tally.counters["upstream_connections_opened_total"] == {("api",): 0}
    assert "upstream_duration_seconds" not in tally.histograms


async def test_an_answer_that_breaks_off_is_the_apis_error_and_not_the_clients(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(OK[:-1])
    await client.sees_head()
    peer.closes()
    await client.sees_rest()
    tally = counted(gateway)
    assert tally.counters["requests_total"] == {("api", "GET", "200"): 1}
    assert tally.counters["upstream_errors_total"] == {("api", "http_response_incomplete"): 1}


async def test_a_client_that_goes_away_is_nobody_elses_error(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.asks()
    await (await api.accepts()).sees_head()
    client.closes()
    await until(lambda: not gateway.plane.connections)
    tally = counted(gateway)
    assert tally.counters["requests_total"] == {("api", "GET", "499"): 1}
    assert tally.counters["failures_total"] == {("api", "downstream", "client-gone"): 1}
    assert "upstream_errors_total" not in tally.counters


async def test_a_route_without_a_policy_has_no_decisions_and_strips_nothing(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    api.answers(OK.replace(b"\r\n\r\n", b"\r\nAccess-Control-Allow-Origin: *\r\n\r\n"))
    gateway = await start_gateway(snapshot_of(route_to(api.port, policy=None)))
    client = await gateway.connects()
    await client.asks("/", f"Origin: {APP}")
    await client.gets()
    tally = counted(gateway)
    assert tally.counters["requests_total"] == {("api", "GET", "200"): 1}
    assert "cors_decisions_total" not in tally.counters
    assert "upstream_cors_headers_stripped_total" not in tally.counters


async def test_cookies_that_cannot_be_parsed_are_counted_where_they_should_change(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    api.answers(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: ;\r\nSet-Cookie: =a\r\n\r\n"))
    changing = route_to(api.port, name="new", path=b"/new", cookies=CookieRewrite(secure=True))
    gateway = await start_gateway(snapshot_of(route_to(api.port), changing))
    client = await gateway.connects()
    for target in ("/", "/new", "/new"):
        await client.asks(target)
        await client.gets()
    assert counted(gateway).counters["unparsed_cookies_total"] == {("new",): 4}


async def test_what_a_sloppy_api_and_an_inventive_client_say_are_no_labels(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(OK.replace(b"200 OK", b"799 Odd"))
    client = await gateway.connects()
    for method in ("PROPFIND", "REPORT"):
        await client.asks(method=method)
        assert (await client.gets()).status == 799
    await client.asks(method="BREW")
    assert (await client.gets()).status == 501
    tally = counted(gateway)
    assert tally.counters["requests_total"] == {
        ("api", "_OTHER", "other"): 2,
        ("api", "_OTHER", "501"): 1,
    }
    assert set(tally.histograms["request_duration_seconds"]) == {
        ("api", "_OTHER", "other"),
        ("api", "_OTHER", "5xx"),
    }


async def test_a_request_that_is_sent_again_counts_once(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.asks("/1")
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(OK)
    await client.gets()
    await client.asks("/2")
    await peer.sees_head()
    peer.closes()
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(OK)
    await client.gets()
    tally = counted(gateway)
    assert tally.counters["requests_total"] == {("api", "GET", "200"): 2}
    assert tally.counters["upstream_retries_total"] == {("api",): 1}
    assert tally.counters["upstream_connections_opened_total"] == {("api",): 2}


def test_what_several_ticks_bring_adds_up() -> None:
    counting = Counting()
    for duration in (0.005, 0.0051, 11.0):
        counting.take([record(duration=duration, upstream_status=200, upstream_duration=0.2)])
    tally = Tally()
    counting._tell_requests(tally)
    took = tally.histograms["request_duration_seconds"]["api", "GET", "2xx"]
    # A bound belongs to its own bucket; what is longer than all has the last.
    assert took.counts == [1, 1, *[0] * 12, 1]
    assert took.total == pytest.approx(11.0101)
    assert tally.histograms["upstream_duration_seconds"]["api",].counts[6] == 3


@given(
    st.lists(
        st.builds(
            record,
            method=st.binary(max_size=8) | st.sampled_from([b"GET", b"DELETE", b"TRACE", b"get"]),
            status=st.integers(0, 999),
            path=st.binary(max_size=8),
            authority=st.binary(max_size=8),
            cors_origin=st.binary(max_size=8),
            user_agent=st.binary(max_size=8),
        )
    )
)
def test_no_client_can_make_up_a_label(records: list[AccessRecord]) -> None:
    counting = Counting()
    counting.take(records)
    tally = Tally()
    counting._tell_requests(tally)
    requests = tally.counters.get("requests_total", {})
    assert sum(requests.values()) == len(records)
    for route, method, code in requests:
        assert route == "api"
        assert method in {*METHODS.values(), "_OTHER"}
        assert code == "other" or 100 <= int(code) <= 599
    for _, _, code_class in tally.histograms.get("request_duration_seconds", {}):
        assert code_class in {"1xx", "2xx", "3xx", "4xx", "5xx", "other"}


# What is open.


async def test_requests_in_flight_and_connections_by_what_they_do(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    tally = counted(gateway)
    assert tally.gauges["requests_in_flight"] == tally.gauges["tunnels"] == {("api",): 0}
    assert tally.gauges["client_connections"] == {(): 0}
    assert "upstream_connections" not in tally.gauges

    client, silent = await gateway.connects(), await gateway.connects()
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    await until(lambda: len(gateway.plane.connections) == 2)
    tally = counted(gateway)
    assert tally.gauges["requests_in_flight"] == {("api",): 1}
    assert tally.gauges["client_connections"] == {(): 2}
    assert tally.gauges["upstream_connections"] == {
        ("api", "busy"): 1,
        ("api", "idle"): 0,
        ("api", "connecting"): 0,
    }

    await peer.sends(OK)
    await client.gets()
    silent.closes()
    await until(lambda: len(gateway.plane.connections) == 1)
    tally = counted(gateway)
    assert tally.gauges["requests_in_flight"] == {("api",): 0}
    assert tally.gauges["upstream_connections"]["api", "busy"] == 0
    assert tally.gauges["upstream_connections"]["api", "idle"] == 1
    assert tally.counters["client_connections_opened_total"] == {(): 2}
    assert tally.counters["client_connections_refused_total"] == {(): 0}


async def test_a_tunnel_is_no_request_in_flight(gateway: Gateway, api: ScriptedUpstream) -> None:
    client = await gateway.connects()
    await client.asks("/", "Connection: Upgrade", "Upgrade: websocket")
    peer = await api.accepts()
    await peer.sees_head()
    assert counted(gateway).gauges["requests_in_flight"] == {("api",): 1}
    await peer.sends(b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    await client.sees_head()
    tally = counted(gateway)
    assert tally.gauges["tunnels"] == {("api",): 1}
    assert tally.gauges["requests_in_flight"] == {("api",): 0}
    assert tally.gauges["client_connections"] == {(): 1}
    assert tally.gauges["upstream_connections"]["api", "busy"] == 1
    assert "requests_total" not in tally.counters

    await client.sends(b"12345")
    await peer.sees(b"12345")
    client.closes()
    peer.closes()
    await until(lambda: not gateway.plane.connections)
    tally = counted(gateway)
    assert tally.gauges["tunnels"] == {("api",): 0}
    assert tally.counters["requests_total"] == {("api", "GET", "101"): 1}
    assert tally.counters["request_bytes_total"] == {("api",): 5}


async def test_shared_connections_count_under_the_first_of_their_routes(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    api.answers(OK)
    first = route_to(api.port, name="first", path=b"/first")
    second = route_to(api.port, name="second", path=b"/second")
    gateway = await start_gateway(snapshot_of(first, second))
    client = await gateway.connects()
    for path in ("/second", "/first"):
        await client.asks(path)
        await client.gets()
    tally = counted(gateway)
    assert tally.gauges["upstream_connections"] == {
        ("first", "busy"): 0,
        ("first", "idle"): 1,
        ("first", "connecting"): 0,
    }
    assert tally.counters["upstream_connections_opened_total"] == {("first",): 1}
    assert tally.counters["requests_total"] == {
        ("first", "GET", "200"): 1,
        ("second", "GET", "200"): 1,
    }


async def test_requests_that_wait_for_a_connection(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    gateway = await start_gateway(
        snapshot_of(route_to(api.port, upstream={"pool": PoolLimits(connections=1)}))
    )
    clients = [await gateway.connects() for _ in range(3)]
    for client in clients:
        await client.asks()
    await (await api.accepts()).sees_head()
    await until(lambda: counted(gateway).gauges["requests_in_flight"] == {("api",): 3})
    tally = counted(gateway)
    assert tally.gauges["upstream_requests_waiting"] == {("api",): 2}


async def test_clients_for_whom_there_is_no_room(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    gateway = await start_gateway(snapshot_of(route_to(api.port), limits=Limits(connections=1)))
    await gateway.connects()
    await until(lambda: len(gateway.plane.connections) == 1)
    refused = await gateway.connects()
    assert (await refused.gets()).status == 503
    tally = counted(gateway)
    assert tally.counters["client_connections_opened_total"] == {(): 2}
    assert tally.counters["client_connections_refused_total"] == {(): 1}
    assert tally.counters["requests_total"] == {("", "_OTHER", "503"): 1}
    assert tally.counters["failures_total"] == {("", "gateway", "connection-limit"): 1}


@pytest.fixture
async def mute_writer() -> AsyncIterator[LogWriter]:
    """A writer that can write nowhere."""
    writer = LogWriter(None, report=lambda level, message: None)
    yield writer
    writer.close()


async def test_the_table_and_what_is_counted_are_the_same(
    gateway: Gateway, api: ScriptedUpstream, mute_writer: LogWriter
) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.asks()
    await client.gets()
    gateway.plane.flush_records()
    failed = record(upstream_status=200, cors_stripped=1, cookies_unparsed=1, cors_kind="none")
    note_failure(failed, Failure.RESPONSE_INCOMPLETE)
    gateway.records.append(failed)
    mute_writer.write("a\nb\n")
    await until(lambda: mute_writer.lost_lines == 2)
    loop = asyncio.get_running_loop()
    watchdog = Watchdog(loop, lambda level, message: None)
    scarcity = Scarcity(loop, lambda level, message: None)
    tally = counted(gateway, mute_writer, watchdog, scarcity)
    assert tally.counters["log_lines_lost_total"] == {(): 2}
    for kind, numbers in (
        (Kind.COUNTER, tally.counters),
        (Kind.GAUGE, tally.gauges),
        (Kind.HISTOGRAM, tally.histograms),
    ):
        named = NAMED[Source.WORKER, kind]
        assert numbers.keys() == named.keys()
        for name, by_labels in numbers.items():
            for labels in by_labels:
                assert len(labels) == len(named[name].labels)
                assert all(type(label) is str for label in labels)
