"""What is read without aiohttp's parser is what that parser reads, to the byte."""

from typing import Any

from aiohttp.http_parser import HttpRequestParser, HttpResponseParser
from hypothesis import example, given
from hypothesis import strategies as st

from cors_gateway.messages.plain_fields import read_plain_fields
from tests.wire.test_parser_canary import parsed

NAMES = st.sampled_from(
    b"Host Content-Length Transfer-Encoding Connection Upgrade Expect Cookie Set-Cookie Origin TE Trailer"
    b" Accept Content-Type Content-Encoding Keep-Alive Proxy-Connection Sec-WebSocket-Key1 Vary Date"
    b" Sec-WebSocket-Version Content-Location ETag Authorization If-None-Match Max-Forwards".split()
) | st.text("aA0-_!~^", min_size=1, max_size=4).map(str.encode)
VALUES = st.sampled_from(
    [
        *(
            b"",
            b"0",
            b"5",
            b"+5",
            b"05",
            b"5,5",
            b"chunked",
            b"Chunked",
            b"gzip",
            b"close",
            b"keep-alive",
        ),
        *(b"upgrade", b"websocket", b"100-continue", b"a, b", b"a: b", b'"', b"h2c", b"trailers"),
    ]
) | st.binary(max_size=6)
ENDS = st.sampled_from([b"\r\n"] * 8 + [b"\n", b"\r", b" \r\n", b"\r\n "])
LINES = st.builds(
    lambda name, colon, value, end: name + colon + value + end,
    NAMES,
    st.sampled_from([b": "] * 8 + [b":", b":  ", b" : ", b":\t"]),
    VALUES,
    ENDS,
)
SECTIONS = st.lists(LINES, max_size=6).map(b"".join)


def fields_of(raw: bytes, parser_class: Any) -> tuple[tuple[bytes, bytes], ...]:
    ((message, _),) = parsed(raw, parser_class)
    fields: tuple[tuple[bytes, bytes], ...] = message.raw_headers
    return fields


@given(SECTIONS)
@example(b"Host: a\r\nContent-Length: 5\r\nConnection: close\r\n")
@example(b"Transfer-Encoding: chunked\r\nHost: a\r\n")
def test_a_plain_request_is_read_as_the_parser_reads_it(section: bytes) -> None:
    raw = b"POST /a HTTP/1.1\r\n" + section + b"\r\n"
    plain = read_plain_fields(raw, 100, of_request=True)
    if plain is not None:
        assert plain.fields == fields_of(raw, HttpRequestParser)
        assert b"".join(line + b"\r\n" for line in plain.lines) == section


@given(SECTIONS)
@example(b"Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nTransfer-Encoding: chunked\r\n")
@example(b"Connection: keep-alive\r\nContent-Length: 0\r\n")
@example(b'Set-Cookie:a={"b": 1}\r\nSet-Cookie: c=d\r\n')
@example(b"Vary: a\r\nVary: b\r\nLocation:/?a: b\r\n")
def test_a_plain_response_is_read_as_the_parser_reads_it(section: bytes) -> None:
    raw = b"HTTP/1.1 200 OK\r\n" + section + b"\r\n"
    plain = read_plain_fields(raw, 100, of_request=False)
    if plain is not None:
        assert plain.fields == fields_of(raw, HttpResponseParser)
