"""The line that the access log gets: complete, and safe to print whatever a client sent."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cors_gateway.failures import Failure
from cors_gateway.wire.record import AccessRecord, serialize_json, serialize_text
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of
from tests.wire.scripted_upstream import OK, ScriptedUpstream


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
