"""Responses that are known word for word: what is kept of them, and for whom."""

import pytest

from cors_gateway.conclude import Concluded
from cors_gateway.messages.heads import RequestHead
from cors_gateway.plan import plan
from cors_gateway.planned import Forward, Peer
from cors_gateway.snapshot import Route
from cors_gateway.wire import known_responses
from cors_gateway.wire.known_responses import KnownResponses
from tests.wire.gateways import APP, policy, route_to, snapshot_of

TODAY = b"Sun, 06 Nov 1994 08:49:37 GMT"
DATED = (
    b"HTTP/1.1 426 Upgrade Required\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
    b"Upgrade: websocket\r\nContent-Length: 2\r\n\r\n"
)
ROUTE = route_to(1)


def asked(route: Route = ROUTE, method: bytes = b"GET", origin: str = "") -> Forward:
    fields: tuple[tuple[bytes, bytes], ...] = ((b"Host", b"gw.example"),)
    if origin:
        fields += ((b"Origin", origin.encode()),)
    head = RequestHead(method, b"/", 1, fields)
    forward = plan(snapshot_of(route), head, Peer("192.0.2.1"), b"gw")
    assert isinstance(forward, Forward)
    return forward


def answer(
    responses: KnownResponses, raw: bytes, forward: Forward, *, close: bool = False
) -> Concluded:
    return responses.conclude(forward, responses.read(raw), date=TODAY, close=close)


def with_field(line: bytes) -> bytes:
    return DATED.replace(b"Content-Length", line + b"\r\nContent-Length")


def test_the_same_response_to_the_same_request_is_read_and_concluded_once() -> None:
    responses, forward = KnownResponses(), asked()
    concluded = answer(responses, DATED, forward)
    assert responses.read(DATED) is responses.read(DATED)
    assert answer(responses, DATED, forward) is concluded


def test_each_request_gets_what_is_its_own_of_the_same_response() -> None:
    stranger, page = asked(origin="https://evil.example"), asked(origin=APP)
    other = asked(route_to(1, policy=policy(allow_origins=("https://b.example",))), origin=APP)
    transparent = asked(route_to(1, policy=None))
    without_sockets = asked(route_to(1, policy=None, upgrades=frozenset()))
    head_only = asked(method=b"HEAD", origin=APP)
    alone = [
        (forward, close, answer(KnownResponses(), DATED, forward, close=close))
        for forward in (stranger, page, other, transparent, without_sockets, head_only)
        for close in (False, True)
    ]
    responses = KnownResponses()
    for forward, close, concluded in (*alone, *alone[::-1]):
        assert answer(responses, DATED, forward, close=close) == concluded


@pytest.mark.parametrize(
    "raw",
    [with_field(b"Set-Cookie: session=1"), with_field(b"X-Long: " + b"x" * 2048)],
    ids=["one that sets a cookie", "one that is long"],
)
def test_of_some_responses_nothing_is_kept(raw: bytes) -> None:
    responses = KnownResponses()
    assert answer(responses, raw, asked()) == answer(responses, raw, asked())
    assert not responses._heads
    assert not responses._concluded


def test_a_response_without_a_date_gets_the_one_of_the_moment() -> None:
    responses, forward = KnownResponses(), asked()
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    head = responses.read(raw)
    for date in (b"one", b"two"):
        opening = responses.conclude(forward, head, date=date, close=False).opening
        assert b"Date: " + date + b"\r\n" in opening


def test_as_many_are_kept_as_there_may_be() -> None:
    responses, most = KnownResponses(), known_responses.MOST_KEPT
    for number in range(4 * most):
        answer(responses, with_field(b"X-Number: %d" % number), asked())
        assert len(responses._heads) <= most
        assert len(responses._concluded) <= 2 * most
