"""Which field sections are plain, and that those are read to the byte."""

import pytest

from cors_gateway.messages.heads import section_of
from cors_gateway.messages.plain_fields import read_plain_fields

START = b"GET / HTTP/1.1\r\nHost: a.example\r\n"


def test_a_plain_section_is_read_line_by_line() -> None:
    raw = START + b"X-Empty-Not: \x85b: c\xff\r\nCONTENT-length: 12\r\n\r\n"
    section = read_plain_fields(raw, 100, of_request=True)
    assert section is not None
    assert section.is_plain
    assert section.lines == raw.split(b"\r\n")[1:-2]
    assert section.names == [b"host", b"x-empty-not", b"content-length"]
    assert section.index[b"x-empty-not"] == (b"\x85b: c\xff",)
    assert section == section_of(section.fields)


def test_a_section_without_lines_is_plain_in_a_response_only() -> None:
    section = read_plain_fields(b"HTTP/1.1 200 OK\r\n\r\n", 100, of_request=False)
    assert section is not None
    assert section.fields == ()
    assert read_plain_fields(b"GET / HTTP/1.1\r\n\r\n", 100, of_request=True) is None


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(b"A:b\r\n", id="no space"),
        pytest.param(b"A:  b\r\n", id="two spaces"),
        pytest.param(b"A:\tb\r\n", id="a tab"),
        pytest.param(b"A: b \r\n", id="a space behind"),
        pytest.param(b"A: \r\n", id="an empty value"),
        pytest.param(b"A: b\r\n c\r\n", id="a folded line"),
        pytest.param(b"A: b\n", id="a bare LF"),
        pytest.param(b"A: b\rC: d\n", id="CR and LF apart"),
        pytest.param(b"A: b\x00\r\n", id="NUL"),
        pytest.param(b"A: b\x7f\r\n", id="DEL"),
        pytest.param(b": b\r\n", id="no name"),
        pytest.param(b"A b: c\r\n", id="a space in a name"),
        pytest.param(b"A : c\r\n", id="a space behind a name"),
        pytest.param(b"\xe4: c\r\n", id="a name outside ASCII"),
        pytest.param(b"a:b: c\r\n", id="a colon in a name"),
        pytest.param(b"nonsense\r\n", id="no colon"),
        pytest.param(b"A: b\r\na: c\r\n", id="a repeated name"),
        pytest.param(b"Set-Cookie: b\r\nSet-Cookie: c\r\n", id="a repeated cookie"),
        pytest.param(b"Content-Length: 05\r\n", id="a length with a zero in front"),
        pytest.param(b"Content-Length: +5\r\n", id="a signed length"),
        pytest.param(b"Content-Length: 5, 5\r\n", id="a list of lengths"),
        pytest.param(b"Content-Length: " + b"9" * 19 + b"\r\n", id="a huge length"),
        pytest.param(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", id="two measures"),
        pytest.param(b"Transfer-Encoding: Chunked\r\n", id="another spelling of chunked"),
        pytest.param(b"Transfer-Encoding: gzip, chunked\r\n", id="another coding"),
        pytest.param(b"Connection: upgrade\r\n", id="a connection option"),
        pytest.param(b"Upgrade: websocket\r\n", id="an upgrade"),
        pytest.param(b"Sec-WebSocket-Key1: x\r\n", id="an old key"),
    ],
)
def test_whatever_could_be_read_in_another_way_is_not_plain(lines: bytes) -> None:
    assert read_plain_fields(START + lines + b"\r\n", 100, of_request=True) is None


def test_responses_repeat_what_is_repeated_as_a_matter_of_course() -> None:
    raw = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nset-cookie: c=d\r\nX: y\r\n\r\n"
    section = read_plain_fields(raw, 100, of_request=False)
    assert section is not None
    assert section.index[b"set-cookie"] == (b"a=b", b"c=d")
    assert read_plain_fields(raw + b"X: z\r\n", 100, of_request=False) is None


def test_more_lines_than_allowed_are_not_plain() -> None:
    raw = START + b"".join(b"A%d: b\r\n" % number for number in range(3)) + b"\r\n"
    assert read_plain_fields(raw, 4, of_request=True) is not None
    assert read_plain_fields(raw, 3, of_request=True) is None


@pytest.mark.parametrize("option", [b"keep-alive", b"Keep-Alive", b"close"])
def test_the_usual_connection_fields_are_plain(option: bytes) -> None:
    raw = START + b"Connection: " + option + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert read_plain_fields(raw, 100, of_request=True) is not None


def test_a_response_that_repeats_another_name_is_not_plain() -> None:
    raw = b"HTTP/1.1 200 OK\r\nX: y\r\nX: z\r\n\r\n"
    assert read_plain_fields(raw, 100, of_request=False) is None
