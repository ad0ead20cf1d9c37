"""Which request to upgrade is passed on, and what the client gets of the API's 101."""

import pytest

from cors_gateway.messages.fields import index_fields
from cors_gateway.messages.framing import request_framing
from cors_gateway.messages.heads import FieldLines, MessageError, RequestHead, ResponseHead
from cors_gateway.upgrades import choose_upgrade, conclude_upgrade

HANDSHAKE: FieldLines = (
    (b"Host", b"gw.example"),
    (b"Connection", b"keep-alive, Upgrade"),
    (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
)
WEBSOCKET = frozenset({b"websocket"})


def chosen(
    *fields: tuple[bytes, bytes],
    method: bytes = b"GET",
    minor: int = 1,
    upgrades: frozenset[bytes] = WEBSOCKET,
) -> bytes:
    head = RequestHead(method, b"/", minor, (*HANDSHAKE, *fields))
    index = index_fields(head.fields)
    return choose_upgrade(head, index, request_framing(minor, index), upgrades)


@pytest.mark.parametrize("value", [b"websocket", b"WebSocket", b"WEBSOCKET"])
def test_what_the_route_lets_through_is_asked_for_as_the_client_spells_it(value: bytes) -> None:
    assert chosen((b"Upgrade", value)) == value


@pytest.mark.row("C6")
@pytest.mark.parametrize("value", [b"h2c", b"foo", b"tcp", b"TLS/1.0", b"websocket/13", b"", b","])
def test_every_other_protocol_is_declined(value: bytes) -> None:
    assert chosen((b"Upgrade", value)) == b""


@pytest.mark.row("C6")
@pytest.mark.parametrize(
    "lines", [(b"h2c, websocket",), (b"h2c", b"websocket"), (b"websocket, websocket",)]
)
def test_of_several_only_one_that_may_is_asked_for(lines: tuple[bytes, ...]) -> None:
    assert chosen(*((b"Upgrade", line) for line in lines)) == b"websocket"


def test_a_route_can_let_nothing_through() -> None:
    assert chosen((b"Upgrade", b"websocket"), upgrades=frozenset()) == b""


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"HEAD", b"OPTIONS"])
def test_only_a_get_may_switch(method: bytes) -> None:
    assert chosen((b"Upgrade", b"websocket"), method=method) == b""


@pytest.mark.row("C7")
@pytest.mark.parametrize(
    "field",
    [(b"Content-Length", b"5"), (b"Transfer-Encoding", b"chunked")],
    ids=["counted", "chunked"],
)
def test_a_request_with_content_may_not_switch(field: tuple[bytes, bytes]) -> None:
    assert chosen((b"Upgrade", b"websocket"), field) == b""


def test_an_empty_content_is_none() -> None:
    assert chosen((b"Upgrade", b"websocket"), (b"Content-Length", b"0")) == b"websocket"


def test_http_1_0_cannot_switch() -> None:
    assert chosen((b"Upgrade", b"websocket"), minor=0) == b""


def switched(*fields: tuple[bytes, bytes], upgrade: bytes = b"websocket") -> bytes:
    return conclude_upgrade(ResponseHead(101, b"Switching Protocols", 1, fields), upgrade)


@pytest.mark.row("C1")
def test_a_101_passes_as_it_is() -> None:
    fields = (
        (b"upgrade", b"WebSocket"),
        (b"CONNECTION", b"Upgrade"),
        (b"Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        (b"Sec-WebSocket-Protocol", b"chat"),
        (b"Sec-WebSocket-Extensions", b"permessage-deflate; server_no_context_takeover"),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=\xe9"),
        (b"Server", b"legacy"),
    )
    lines = b"".join(b"%b: %b\r\n" % line for line in fields)
    assert switched(*fields) == b"HTTP/1.1 101 Switching Protocols\r\n" + lines + b"\r\n"


def test_what_concerns_the_connection_to_the_api_stays_there() -> None:
    head = switched(
        (b"Connection", b"Upgrade, X-Hop"),
        (b"X-Hop", b"1"),
        (b"Keep-Alive", b"timeout=5"),
        (b"Content-Length", b"0"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Upgrade", b"websocket"),
        (b"X-End", b"2"),
    )
    assert head == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nX-End: 2\r\n\r\n"
    )


def test_a_101_without_connection_gets_one() -> None:
    assert b"\r\nConnection: Upgrade\r\n" in switched((b"Upgrade", b"websocket"))


@pytest.mark.row("B30")
@pytest.mark.parametrize(
    "fields, asked",
    [
        pytest.param(((b"Upgrade", b"websocket"),), b"", id="nobody asked"),
        pytest.param((), b"websocket", id="to nothing"),
        pytest.param(((b"Upgrade", b"h2c"),), b"websocket", id="to something else"),
        pytest.param(((b"Upgrade", b"websocket, h2c"),), b"websocket", id="to two"),
        pytest.param(
            ((b"Upgrade", b"websocket"), (b"X", b"\x01")), b"websocket", id="a control character"
        ),
    ],
)
def test_a_101_that_nobody_asked_for_is_refused(fields: FieldLines, asked: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        switched(*fields, upgrade=asked)
    assert caught.value.status == 502
