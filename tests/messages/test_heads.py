"""Heads: the end, the size, the first line, and both directions."""

import pytest
from aiohttp import http_exceptions
from aiohttp.http_parser import HttpRequestParser

from cors_gateway.messages.heads import (
    METHODS,
    MessageError,
    RequestHead,
    ResponseHead,
    check_head_size,
    check_request_line_so_far,
    check_status_line_so_far,
    find_head_end,
    parse_request_line,
    parse_status_line,
    salvage_head,
    section_of,
    serialize_request_head,
    serialize_response_head,
    skip_empty_lines,
    target_in_line,
)


@pytest.mark.parametrize(
    "buffer, end",
    [
        pytest.param(b"", -1, id="nothing yet"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n", -1, id="no empty line yet"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 18, id="CRLF"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\nbody\r\n\r\n", 18, id="the first empty line counts"),
        pytest.param(b"GET / HTTP/1.1\n\nX", 16, id="bare LF"),
        pytest.param(b"GET / HTTP/1.1\r\n\nX\r\n\r\n", 17, id="LF after CRLF"),
        pytest.param(b"GET / HTTP/1.1\n\r\nX\n\n", 17, id="CRLF after LF"),
        pytest.param(b"GET / HTTP/1.1\r\r\n\rX", -1, id="bare CR is no line end"),
    ],
)
def test_a_head_ends_at_its_first_empty_line(buffer: bytes, end: int) -> None:
    assert find_head_end(buffer, 0) == end
    assert find_head_end(bytearray(buffer), 0) == end
    # One byte at a time, never searching again what was searched.
    found = -1
    for length in range(1, len(buffer) + 1):
        found = find_head_end(buffer[:length], length - 1)
        if found >= 0:
            assert length == found
            break
    assert found == end


@pytest.mark.parametrize(
    "buffer, skipped",
    [
        pytest.param(b"", 0, id="nothing"),
        pytest.param(b"GET", 0, id="no empty line"),
        pytest.param(b"\r\n\r\nGET", 4, id="two empty lines"),
        pytest.param(b"\r", 0, id="half an empty line waits"),
        pytest.param(b"\r\n\nGET", 2, id="a bare LF stays"),
        pytest.param(b"\rGET", 0, id="a bare CR stays"),
    ],
)
def test_only_whole_empty_lines_are_skipped(buffer: bytes, skipped: int) -> None:
    assert skip_empty_lines(buffer) == skipped
    assert skip_empty_lines(bytearray(buffer)) == skipped


def size_error(buffer: bytes, *, target: int = 100, section: int = 100, lines: int = 3) -> int:
    try:
        check_head_size(
            buffer,
            find_head_end(buffer, 0),
            max_target=target,
            max_section=section,
            max_lines=lines,
        )
    except MessageError as error:
        return error.status
    return 200


@pytest.mark.parametrize(
    "buffer, status",
    [
        pytest.param(b"", 200, id="nothing yet"),
        pytest.param(b"GET /" + b"a" * 120, 200, id="a line that may still fit"),
        pytest.param(b"GET /" + b"a" * 99 + b" HTTP/1.1\r\n\r\n", 200, id="a target at its limit"),
        pytest.param(b"GET /" + b"a" * 170, 414, id="A24 a target too long, still coming"),
        pytest.param(b"GET /" + b"a" * 170 + b" HTTP/1.1\r\n\r\n", 414, id="A24 a target too long"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"b" * 90, 200, id="a section that may still fit"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"b" * 93 + b"\r\n\r\n", 200, id="100 bytes fit"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"b" * 94 + b"\r\n\r\n", 431, id="A24 101 do not"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"b" * 98, 431, id="A24 too long, still coming"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 3 + b"\r\n", 200, id="three lines"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 4 + b"\r\n", 431, id="A24 four lines"),
        pytest.param(
            b"GET / HTTP/1.1\r\n\r\n" + b"b" * 500, 200, id="what follows the head is not counted"
        ),
    ],
)
def test_a_head_too_long_is_refused_as_soon_as_it_is_certain(buffer: bytes, status: int) -> None:
    assert size_error(buffer) == status
    assert size_error(bytes(bytearray(buffer))) == status


@pytest.mark.parametrize(
    "line, expected",
    [
        pytest.param(b"GET / HTTP/1.1", (b"GET", b"/", 1), id="plain"),
        pytest.param(b"GET / HTTP/1.0", (b"GET", b"/", 0), id="HTTP/1.0"),
        pytest.param(b"M-SEARCH * HTTP/1.1", (b"M-SEARCH", b"*", 1), id="A29 a known odd method"),
        pytest.param(
            b"GET /%2F//;x?a=\\&b|{}'\" HTTP/1.1",
            (b"GET", b"/%2F//;x?a=\\&b|{}'\"", 1),
            id="D14 what browsers send unencoded",
        ),
        pytest.param(b"GET http://a/ HTTP/1.1", (b"GET", b"http://a/", 1), id="absolute-form"),
    ],
)
def test_a_request_line_is_read(line: bytes, expected: tuple[bytes, bytes, int]) -> None:
    assert parse_request_line(line) == expected
    method, target, minor_version = expected
    assert target_in_line(line, method) == (target if minor_version else b"")
    assert target_in_line(line, b"POST") == target_in_line(line, method[:-1]) == b""


@pytest.mark.parametrize(
    "line, status",
    [
        pytest.param(b"", 400, id="D13 empty"),
        pytest.param(b"GET  / HTTP/1.1", 400, id="D13 two spaces before the target"),
        pytest.param(b"GET /  HTTP/1.1", 400, id="D13 two spaces before the version"),
        pytest.param(b"GET\t/ HTTP/1.1", 400, id="D13 a tab"),
        pytest.param(b"GET / HTTP/1.1 ", 400, id="D13 a space at the end"),
        pytest.param(b" GET / HTTP/1.1", 400, id="D13 a space in front"),
        pytest.param(b"\rGET / HTTP/1.1", 400, id="D9 a bare CR in front"),
        pytest.param(b"\nGET / HTTP/1.1", 400, id="D9 a bare LF in front"),
        pytest.param(b"GET / HTTP/1.1\r", 400, id="D9 a CR at the end"),
        pytest.param(b"GET / http/1.1", 400, id="D13 a version in lower case"),
        pytest.param(b"GET / HTTP/1.1x", 400, id="D13 a version with a tail"),
        pytest.param(b"GET / HTTP/11", 400, id="D13 a version without a dot"),
        pytest.param(b"GET /", 400, id="D13 HTTP/0.9 without a version"),
        pytest.param(b"GET / HTTP/0.9", 505, id="D13 HTTP/0.9"),
        pytest.param(b"GET / HTTP/1.2", 505, id="D13 HTTP/1.2"),
        pytest.param(b"GET / HTTP/2.0", 505, id="D13 HTTP/2.0"),
        pytest.param(b"PRI * HTTP/2.0", 505, id="D13 the preface of HTTP/2"),
        pytest.param(b"GET / RTSP/1.0", 400, id="D13 RTSP"),
        pytest.param(b"SOURCE / ICE/1.0", 400, id="D13 ICE"),
        pytest.param(b"G(T / HTTP/1.1", 400, id="A29 a method that is no token"),
        pytest.param(b"FOO / HTTP/1.1", 501, id="A29 an unknown method"),
        pytest.param(b"get / HTTP/1.1", 501, id="A29 methods have a case"),
        pytest.param(b"GET /#top HTTP/1.1", 400, id="D14 a fragment"),
        pytest.param(b"GET /\xe9 HTTP/1.1", 400, id="D14 not ASCII"),
        pytest.param(b"GET /\x00 HTTP/1.1", 400, id="D9 NUL"),
        pytest.param(b"GET /\x7f HTTP/1.1", 400, id="D9 DEL"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="A31 a TLS hello"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2", 400, id="A31 an SSH banner"),
    ],
)
def test_a_request_line_is_refused(line: bytes, status: int) -> None:
    with pytest.raises(MessageError) as caught:
        parse_request_line(line)
    assert target_in_line(line, b"GET") == b""
    assert caught.value.status == status
    assert caught.value.reason == str(caught.value)


def parser_receives(method: bytes) -> bool:
    target = b"a:1" if method == b"CONNECT" else b"/"
    parser = HttpRequestParser(None, None, 65536, response_with_body=False)
    try:
        messages, _, _ = parser.feed_data(method + b" " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    except http_exceptions.BadHttpMessage:
        return False
    return len(messages) == 1


def test_the_known_methods_are_those_that_the_parser_receives() -> None:
    others = (
        b"ANNOUNCE BASELINE-CONTROL BREW DESCRIBE FLUSH FOO GET_PARAMETER LABEL MKREDIRECTREF "
        b"MKWORKSPACE ORDERPATCH PAUSE PLAY PRI RECORD REDIRECT SETUP SET_PARAMETER TEARDOWN TRACK "
        b"UPDATE UPDATEREDIRECTREF VERSION-CONTROL get"
    ).split()
    candidates = sorted(METHODS.union(others))
    assert {method for method in candidates if parser_receives(method)} == METHODS


@pytest.mark.parametrize(
    "line, expected",
    [
        pytest.param(b"HTTP/1.1 200 OK", (200, b"OK", 1), id="plain"),
        pytest.param(b"HTTP/1.0 404 Not Found", (404, b"Not Found", 0), id="HTTP/1.0"),
        pytest.param(b"HTTP/1.1 200 ", (200, b"", 1), id="an empty reason"),
        pytest.param(b"HTTP/1.1 200", (200, b"", 1), id="no space before an empty reason"),
        pytest.param(b"HTTP/1.1 200 Tr\xe8s bien", (200, b"Tr\xe8s bien", 1), id="B34 latin-1"),
        pytest.param(b"HTTP/1.1 999 Request denied", (999, b"Request denied", 1), id="999"),
        pytest.param(b"HTTP/1.1  200 OK", (200, b"OK", 1), id="B33 two spaces"),
        pytest.param(b"HTTP/1.2 200 OK", (200, b"OK", 1), id="B33 a higher minor version"),
        pytest.param(b"HTTP/2.0 200 OK", (200, b"OK", 1), id="B33 another major version"),
    ],
)
def test_a_status_line_is_read(line: bytes, expected: tuple[int, bytes, int]) -> None:
    assert parse_status_line(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="B12 empty"),
        pytest.param(b"HTTP/1.1", id="B12 half a line"),
        pytest.param(b"HTTP/1.1 20", id="two digits"),
        pytest.param(b"HTTP/1.1 2000 OK", id="four digits"),
        pytest.param(b"HTTP/1.1 200OK", id="no space"),
        pytest.param(b"HTTP/1.1 000 OK", id="status 000"),
        pytest.param(b"HTTP/1.1 099 OK", id="status 099"),
        pytest.param(b"HTTP/2 200 OK", id="no minor version"),
        pytest.param(b"HTTP/1.10 200 OK", id="a minor version of two digits"),
        pytest.param(b"HTTP/1.1\t200 OK", id="a tab"),
        pytest.param(b"HTTP/0.9 200 OK", id="HTTP/0.9"),
        pytest.param(b"ICY 200 OK", id="ICY"),
        pytest.param(b"HTTP/1.1 200 O\x00K", id="B34 NUL in the reason"),
        pytest.param(b"HTTP/1.1 200 O\x01K", id="B34 a control character in the reason"),
        pytest.param(b"HTTP/1.1 200 O\rK", id="B34 CR in the reason"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2", id="B13 an SSH banner"),
    ],
)
def test_a_status_line_is_refused(line: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_status_line(line)
    assert caught.value.status == 502


@pytest.mark.parametrize("begun", [b"", b"H", b"HTTP", b"HTTP/", b"HTTP/1.1 200 O"])
def test_what_may_become_a_status_line_is_waited_for(begun: bytes) -> None:
    check_status_line_so_far(begun)


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"S", id="B13 the first byte of an SSH banner"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="B13 an SSH banner"),
        pytest.param(b"220 mail.example ESMTP\r\n", id="B13 SMTP"),
        pytest.param(b"\x15\x03\x01", id="B13 TLS"),
        pytest.param(b"\r\nHTTP/1.1 200 OK\r\n", id="an empty line in front"),
        pytest.param(b"http/1.1", id="in lower case"),
    ],
)
def test_what_cannot_become_a_status_line_is_refused_at_once(begun: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        check_status_line_so_far(begun)
    assert caught.value.status == 502


def test_a_request_head_is_written_as_its_parts_are() -> None:
    fields = ((b"hOST", b"a"), (b"X", b"caf\xe9"), (b"Empty", b""), (b"X", b"2"))
    assert serialize_request_head(RequestHead(b"GET", b"/%2F?", 1, fields)) == (
        b"GET /%2F? HTTP/1.1\r\nhOST: a\r\nX: caf\xe9\r\nEmpty: \r\nX: 2\r\n\r\n"
    )


def test_a_response_head_is_written_as_its_parts_are() -> None:
    fields = ((b"Set-Cookie", b"a=1"), (b"set-cookie", b"b=2"))
    assert serialize_response_head(ResponseHead(200, b"", 0, fields)) == (
        b"HTTP/1.0 200 \r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n\r\n"
    )


def test_heads_without_fields_end_with_one_empty_line() -> None:
    assert serialize_request_head(RequestHead(b"GET", b"/", 0, ())) == b"GET / HTTP/1.0\r\n\r\n"
    assert serialize_response_head(ResponseHead(204, b"No", 1, ())) == b"HTTP/1.1 204 No\r\n\r\n"


@pytest.mark.parametrize(
    "raw, expected",
    [
        (
            b"GET /a HTTP/1.1\r\nHost: a\r\norigin:  b \r\n\r\n",
            RequestHead(b"GET", b"/a", 1, ((b"Host", b"a"), (b"origin", b"b"))),
        ),
        (b"GET /a HTTP/1.0\n", RequestHead(b"GET", b"/a", 0, ())),
        (b"GET /a b HTTP/1.1\r\n: x\r\nno colon", RequestHead(b"GET", b"/a b", 1, ((b"", b"x"),))),
        (b"", RequestHead(b"", b"", 1, ())),
    ],
)
def test_what_can_be_read_of_a_refused_head_is_read(raw: bytes, expected: RequestHead) -> None:
    assert salvage_head(raw) == expected


@pytest.mark.parametrize(
    "buffer",
    [
        b"",
        b"\r",
        b"G",
        b"GET",
        b"GET ",
        b"GET /a?b=%00",
        b"GET /a ",
        b"GET /a HTTP/1",
        b"GET /a HTTP/1.1\r",
        b"GET /a HTTP/1.1\r\n",
        b"GET /a HTTP/1.1\nHost: a",
        b"PROPFIND /a HTTP/1.0\r\nx",
    ],
)
def test_what_may_become_a_request_is_waited_for(buffer: bytes) -> None:
    check_request_line_so_far(buffer)


@pytest.mark.row("A31")
@pytest.mark.parametrize(
    "status, buffer",
    [
        (400, b"\x16\x03\x01"),
        (400, b"\x00"),
        (400, b"\n"),
        (400, b"\rG"),
        (400, b"G\x80"),
        (400, b" "),
        (400, b"GET  /"),
        (400, b"GET /a\x7f"),
        (400, b"GET /a HTTP/1.1 "),
        (400, b"SSH-2.0-x\r\n"),
        (505, b"GET / HTTP/2.0\r\n"),
        (501, b"NONSENSE / HTTP/1.1\r\n"),
    ],
)
def test_what_cannot_become_a_request_is_not_waited_for(status: int, buffer: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        check_request_line_so_far(buffer)
    assert caught.value.status == status


def test_tls_on_a_plain_port_is_called_by_its_name() -> None:
    with pytest.raises(MessageError, match="TLS"):
        check_request_line_so_far(b"\x16\x03\x01\x02\x00")


def test_heads_give_the_fields_that_they_were_made_of() -> None:
    fields = ((b"A", b"1"), (b"a", b""))
    request, response = RequestHead(b"GET", b"/", 1, fields), ResponseHead(200, b"OK", 1, fields)
    assert request.fields == response.fields == fields
    assert request == RequestHead(b"GET", b"/", 1, section_of(fields))
    assert {response: 1}[response] == 1
