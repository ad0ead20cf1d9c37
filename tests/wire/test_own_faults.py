"""F10: a mistake of our own costs one request, which gets a 500, and one line of the log.

A mistake is made by replacing a function, which works only where modules are interpreted; compiled ones can be
given a constant that is none.
"""

import pytest

from cors_gateway.wire import downstream, exchange, known_responses
from tests.wire.gateways import APP, Gateway
from tests.wire.scripted_upstream import OK, ScriptedUpstream

ORIGIN = f"Origin: {APP}"


class InjectedError(Exception):
    """What nobody expects."""


def raises(*args: object, **kwargs: object) -> None:
    raise InjectedError


def the_one_fault(gateway: Gateway, kind: type[Exception] = InjectedError) -> str:
    (context,) = gateway.faults
    gateway.faults.clear()
    assert isinstance(context["exception"], kind)
    return str(context["message"])


async def assert_next_is_served(gateway: Gateway, api: ScriptedUpstream) -> None:
    api.answers(OK)
    client = await gateway.connects()
    await client.asks()
    assert (await client.gets()).content == b"ok"


@pytest.mark.row("F10")
async def test_f10_in_either_form(
    gateway: Gateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cors_gateway.plan.NEVER_FORWARDED", None)
    client = await gateway.connects()
    await client.asks("/", ORIGIN)
    response = await client.gets()
    assert (response.status, response.closes) == (500, True)
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    assert (await gateway.record()).problem == "internal-error"
    the_one_fault(gateway, TypeError)
    monkeypatch.undo()
    await assert_next_is_served(gateway, api)


@pytest.mark.interpreted
@pytest.mark.row("F10")
async def test_f10_in_the_plan(
    gateway: Gateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cors_gateway.plan.request_framing", raises)
    client = await gateway.connects()
    await client.asks("/", ORIGIN)
    response = await client.gets()
    assert (response.status, response.closes) == (500, True)
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    request_id = response.value("X-Request-ID")
    assert request_id is not None
    assert request_id.decode() in the_one_fault(gateway)
    assert (await gateway.record()).problem == "internal-error"
    monkeypatch.undo()
    await assert_next_is_served(gateway, api)


@pytest.mark.interpreted
@pytest.mark.row("F10")
@pytest.mark.parametrize("where", ["conclude", "content_reader", "ResponseContent"])
async def test_f10_when_the_response_is_concluded(
    gateway: Gateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    client = await gateway.connects()
    await client.asks("/", ORIGIN)
    peer = await api.accepts()
    await peer.sees_head()
    place = known_responses if where == "conclude" else exchange
    monkeypatch.setattr(place, where, raises)
    await peer.sends(OK)
    response = await client.gets()
    assert response.status == 500
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    the_one_fault(gateway)
    monkeypatch.undo()
    await peer.sees_end()
    await assert_next_is_served(gateway, api)


@pytest.mark.interpreted
@pytest.mark.row("F10")
async def test_f10_while_content_is_relayed(
    gateway: Gateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await gateway.connects()
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    await peer.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    await client.sees_head()
    await client.sees(b"abc")
    monkeypatch.setattr(exchange.Exchange, "response_content", raises)
    await peer.sends(b"def")
    await client.sees_end()
    the_one_fault(gateway)
    monkeypatch.undo()
    await assert_next_is_served(gateway, api)


@pytest.mark.interpreted
@pytest.mark.row("F10")
async def test_f10_while_content_arrives(
    gateway: Gateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await gateway.connects()
    await client.asks("/", ORIGIN, "Content-Length: 10", method="POST")
    peer = await api.accepts()
    await peer.sees_head()
    monkeypatch.setattr("cors_gateway.wire.content.RequestContent.relay", raises)
    await client.sends(b"abc")
    assert (await client.gets()).status == 500
    the_one_fault(gateway)
    await peer.sees_end()
    monkeypatch.undo()
    await assert_next_is_served(gateway, api)


@pytest.mark.interpreted
@pytest.mark.row("F10")
@pytest.mark.parametrize("event", ["connected", "connect_failed"])
async def test_f10_when_a_connection_is_there_or_not(
    gateway: Gateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    monkeypatch.setattr(exchange.Exchange, event, raises)
    if event == "connect_failed":
        api.listener.close()
    client = await gateway.connects()
    await client.asks("/", ORIGIN)
    assert (await client.gets()).status == 500
    the_one_fault(gateway)


@pytest.mark.interpreted
@pytest.mark.row("F10")
async def test_f10_when_an_exchange_begins(
    gateway: Gateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange.Exchange, "begin", raises)
    client = await gateway.connects()
    await client.asks("/", ORIGIN)
    assert (await client.gets()).status == 500
    the_one_fault(gateway)
    monkeypatch.undo()
    await assert_next_is_served(gateway, api)


@pytest.mark.interpreted
@pytest.mark.row("F10")
@pytest.mark.parametrize("where", ["read_request_head", "describe_request", "write_out"])
async def test_f10_before_anything_is_known_of_a_request(
    gateway: Gateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Nothing can be said for certain then: the connection is closed, and the log says why."""
    monkeypatch.setattr(downstream, where, raises)
    client = await gateway.connects()
    await client.asks("/..")
    await client.sees_end()
    the_one_fault(gateway)
    monkeypatch.undo()
    await assert_next_is_served(gateway, api)


@pytest.mark.interpreted
@pytest.mark.row("F10")
async def test_f10_in_one_connections_deadline(
    gateway: Gateway, api: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await gateway.connects()
    await client.asks()
    peer = await api.accepts()
    await peer.sees_head()
    monkeypatch.setattr(downstream.DownstreamConnection, "check_time", raises)
    await client.sees_end()
    the_one_fault(gateway)
    monkeypatch.undo()
    await assert_next_is_served(gateway, api)
