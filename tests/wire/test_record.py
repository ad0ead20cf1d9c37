"""The line that the access log gets: complete, and safe to print whatever a client sent."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cors_gateway.failures import Failure
from cors_gateway.wire.record import (
    LOG_FIELDS,
    AccessRecord,
    note_failure,
    serialize_json,
    serialize_text,
)
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of
from tests.wire.scripted_upstream import OK, ScriptedUpstream

TRACEPARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_a_forwarded_request(gateway: Gateway, api: ScriptedUpstream) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.asks(
        "/a?secret", f"Origin: {APP}", "User-Agent: curl", method="POST", content=b"hello"
    )
    response = await client.gets()
    fields = json.loads(serialize_json(await gateway.record()))
    assert 0 < fields.pop("upstream.duration_ms") <= fields.pop("duration_ms") < 5000
    assert fields.pop("overhead_ms") >= 0
    age = datetime.now(UTC) - datetime.fromisoformat(fields.pop("time"))
    assert age < timedelta(seconds=60)
    assert fields == {
        "level": "info",
        "msg": "access",
        "request_id": (response.value("X-Request-ID") or b"").decode(),
        "client.address": "127.0.0.1",
        "server.address": "gw.example",
        "http.request.method": "POST",
        "url.path": "/a",
        "http.route": "api",
        "http.response.status_code": 200,
        "http.request.body.size": 5,
        "http.response.body.size": 2,
        "protocol": "HTTP/1.1",
        "user_agent": "curl",
        "upstream.url": f"http://127.0.0.1:{api.port}",
        "upstream.address": f"127.0.0.1:{api.port}",
        "upstream.status": 200,
        "cors.kind": "actual",
        "cors.decision": "allowed",
        "cors.reason": "origin-allowed",
        "cors.origin": APP,
    }


async def test_a_refused_preflight(gateway: Gateway) -> None:
    client = await gateway.connects()
    lines = "Origin: https://evil.example", "Access-Control-Request-Method: PUT"
    await client.asks("/a", *lines, method="OPTIONS")
    answer = await client.gets()
    record = await gateway.record()
    assert record.response_bytes == len(answer.content) > 0
    assert record.duration > 0
    fields = json.loads(serialize_json(record))
    assert fields["http.response.status_code"] == 403
    assert (fields["error.type"], fields["problem"]) == ("http_request_denied", "origin-refused")
    assert (fields["cors.kind"], fields["cors.decision"]) == ("preflight", "denied")
    assert "upstream.url" not in fields
    text = serialize_text(record)
    assert "cors=denied (origin-not-allowed) https://evil.example" in text


async def test_an_api_that_is_away(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(snapshot_of(route_to(1)))
    client = await gateway.connects()
    await client.asks()
    answer = await client.gets()
    record = await gateway.record()
    assert (record.status, record.upstream_status) == (502, 0)
    assert record.response_bytes == len(answer.content) > 0
    assert record.problem == Failure.CONNECTION_REFUSED.value
    assert record.duration > 0
    assert "error=connection-refused" in serialize_text(record)


async def test_what_is_no_request(gateway: Gateway) -> None:
    client = await gateway.connects()
    await client.sends(b"nonsense\r\n\r\n")
    await client.gets()
    record = await gateway.record()
    assert (record.status, record.method, record.problem) == (400, b"nonsense", "malformed-request")
    assert " 400 nonsense - " in serialize_text(record)


async def test_a_request_that_is_sent_again_is_one_line(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client = await gateway.connects()
    await client.asks("/1")
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(OK)
    await client.gets()
    await gateway.record()
    await client.asks("/2")
    await peer.sees_head()
    peer.closes()
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(OK)
    await client.gets()
    assert (await gateway.record()).path == b"/2"


texts = st.text(max_size=20)
numbers = st.integers(0, 2**40)
seconds = st.floats(0, 1e6)
chosen = st.binary(max_size=300)
"""Bytes that a client chose."""


def made(request_id: bytes, client_address: str, **values: object) -> AccessRecord:
    record = AccessRecord(request_id, client_address)
    for name, value in values.items():
        setattr(record, name, value)
    return record


records = st.builds(
    made,
    request_id=chosen,
    client_address=texts,
    ended=st.floats(0, 4e9),
    minor_version=st.integers(0, 1),
    method=chosen,
    authority=chosen,
    path=chosen,
    user_agent=chosen,
    route=texts,
    status=st.integers(0, 999),
    request_bytes=numbers,
    response_bytes=numbers,
    duration=seconds,
    upstream_url=texts,
    upstream_address=texts,
    upstream_status=st.integers(0, 999),
    upstream_duration=seconds,
    overhead=seconds,
    traceparent=st.just(b"") | st.just(TRACEPARENT) | chosen,
    cors_stripped=st.integers(0, 3),
    cookies_unparsed=st.integers(0, 3),
    cors_origin=st.none() | chosen,
)


@given(records)
def test_a_line_is_json_and_says_what_the_record_says(record: AccessRecord) -> None:
    fields = json.loads(serialize_json(record))
    assert list(fields) == [name for name in LOG_FIELDS if name in fields]
    for name, value in {
        "request_id": record.request_id,
        "server.address": record.authority,
        "http.request.method": record.method,
        "url.path": record.path,
        "user_agent": record.user_agent,
        "cors.origin": record.cors_origin or b"",
    }.items():
        assert fields.get(name, "") == value[:255].decode("latin-1")
    assert fields["client.address"] == record.client_address
    assert fields["http.route"] == record.route
    assert fields["http.response.status_code"] == record.status
    assert fields["http.request.body.size"] == record.request_bytes
    assert fields["http.response.body.size"] == record.response_bytes
    assert fields["duration_ms"] == pytest.approx(record.duration * 1000, abs=0.001)
    assert fields["protocol"] == f"HTTP/1.{record.minor_version}"
    if record.traceparent in {b"", TRACEPARENT}:
        assert fields.get("trace_id", "") == record.traceparent[3:35].decode()
    assert fields.get("upstream.url", "") == record.upstream_url
    assert fields.get("cors.stripped", 0) == record.cors_stripped
    assert fields.get("cookies.unparsed", 0) == record.cookies_unparsed
    assert ("cors.origin" in fields) == (record.cors_origin is not None)
    if record.upstream_url:
        assert fields["upstream.address"] == record.upstream_address
        assert fields["upstream.status"] == record.upstream_status
        assert fields["overhead_ms"] == pytest.approx(record.overhead * 1000, abs=0.001)
    at = datetime.fromtimestamp(record.ended, UTC)
    assert abs(datetime.fromisoformat(fields["time"]) - at) < timedelta(milliseconds=2)


def test_what_has_everything_has_every_field_that_is_documented_and_no_other() -> None:
    record = AccessRecord(b"1", "192.0.2.1")
    record.traceparent, record.upstream_url = TRACEPARENT, "http://api:5000"
    record.cors_kind, record.cors_decision, record.cors_reason = "actual", "allowed", "x"
    record.cors_origin, record.cors_stripped, record.cookies_unparsed = APP.encode(), 2, 1
    note_failure(record, Failure.RESPONSE_INCOMPLETE)
    fields = json.loads(serialize_json(record))
    assert list(fields) == list(LOG_FIELDS)
    assert (fields["error.type"], fields["problem"], fields["fault"]) == (
        "http_response_incomplete",
        "response-incomplete",
        "upstream",
    )


async def test_what_the_api_said_of_cors_and_was_left_out_is_told(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    api.answers(OK, OK.replace(b"\r\n\r\n", b"\r\nAccess-Control-Allow-Origin: *\r\n\r\n"))
    client = await gateway.connects()
    for stripped in (0, 1):
        await client.asks()
        await client.gets()
        record = await gateway.record()
        assert record.cors_stripped == stripped
        assert ("cors.stripped" in json.loads(serialize_json(record))) is bool(stripped)


@pytest.mark.parametrize("serialize", [serialize_json, serialize_text])
@given(value=st.binary(max_size=400))
def test_no_byte_of_a_client_can_end_a_line_or_colour_a_terminal(
    serialize: Callable[[AccessRecord], str], value: bytes
) -> None:
    record = AccessRecord(value, "192.0.2.1")
    record.method = record.path = record.authority = record.user_agent = value
    record.cors_kind, record.cors_origin = "actual", value
    line = serialize(record)
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 255 * 6 * 6 + 1000


async def test_a_head_that_is_too_large_is_logged_and_readable_by_the_page(
    gateway: Gateway,
) -> None:
    client = await gateway.connects()
    await client.asks("/a", f"Origin: {APP}", "Cookie: " + "a" * 40_000)
    answer = await client.gets()
    record = await gateway.record()
    assert answer.status == record.status == 431
    assert answer.value("Access-Control-Allow-Origin") == APP.encode()
    assert (record.path, record.route, record.cors_decision) == (b"/a", "api", "allowed")


async def test_a_head_that_is_malformed_is_logged_and_grants_nothing(gateway: Gateway) -> None:
    client = await gateway.connects()
    await client.asks("/a", f"Origin: {APP}", "Content-Length: 5x")
    answer = await client.gets()
    record = await gateway.record()
    assert answer.status == record.status == 400
    assert answer.value("Access-Control-Allow-Origin") is None
    assert (record.path, record.route, record.cors_decision) == (b"/a", "api", "")
