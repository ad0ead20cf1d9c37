"""What is relied on in aiohttp's parsers. Where this fails, an upgrade has changed the ground.

The wire gives a parser exactly one head and takes the method, the target and the version from the
raw line itself. Each test holds one thing that this rests on, or that is made up for elsewhere:
then the other check may have become needless, or the parser unfit.
"""

import asyncio
from typing import Any

import pytest
from aiohttp import http_exceptions
from aiohttp.http_parser import HttpRequestParser, HttpResponseParser

from cors_gateway.messages.heads import METHODS, MessageError
from cors_gateway.wire.heads import has_c_parser, read_request_head, read_response_head

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"


def parsed(raw: bytes, parser_class: Any = HttpRequestParser) -> list[Any]:
    parser = parser_class(
        None,
        None,
        65536,
        max_line_size=1 << 30,
        max_field_size=1 << 30,
        max_headers=100,
        response_with_body=False,
        auto_decompress=False,
    )
    messages, _, _ = parser.feed_data(raw)
    return list(messages)


def test_the_c_parser_is_there() -> None:
    assert has_c_parser()
    assert HttpResponseParser.__module__ == "aiohttp._http_parser"


def test_fields_keep_their_bytes_order_and_case() -> None:
    raw = HEAD + b"X-a:  \x85b\xff \t\r\nX-A: c\r\nx-a:\r\n\r\n"
    ((message, _),) = parsed(raw)
    assert message.raw_headers == (
        (b"Host", b"a"),
        (b"X-a", b"\x85b\xff"),
        (b"X-A", b"c"),
        (b"x-a", b""),
    )


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Upgrade: websocket\r\nConnection: upgrade\r\n",
        b"Content-Encoding: br\r\n",
        b"Content-Encoding: zstd\r\n",
        b"Expect: 100-continue\r\n",
    ],
)
def test_a_head_alone_is_one_whole_message_whatever_it_announces(fields: bytes) -> None:
    for method in (b"GET", b"POST", b"HEAD", b"OPTIONS"):
        assert len(parsed(method + HEAD[3:] + fields + b"\r\n")) == 1


@pytest.mark.parametrize(
    "status, fields",
    [
        (b"200", b"Content-Length: 5\r\n"),
        (b"200", b"Transfer-Encoding: chunked\r\n"),
        (b"200", b""),
        (b"204", b"Content-Length: 5\r\n"),
        (b"304", b"Transfer-Encoding: chunked\r\n"),
        (b"103", b"Link: </a>\r\n"),
        (b"101", b"Upgrade: websocket\r\nConnection: upgrade\r\n"),
        (b"999", b"Content-Encoding: zstd\r\n"),
    ],
)
def test_a_response_head_alone_is_one_whole_message(status: bytes, fields: bytes) -> None:
    head = read_response_head(b"HTTP/1.1 " + status + b" x\r\n" + fields + b"\r\n")
    assert (head.status, len(head.fields)) == (int(status), fields.count(b"\r\n"))


@pytest.mark.parametrize(
    "fields",
    [
        *(b"A : b", b" A: b", b"A: b\r\n c", b"nonsense", b": b", b"A(: b", b"A\xe9: b"),
        *(b"A: b\x00", b"A: b\x01", b"A: b\x7f", b"A: b\rc", b"A: b\nC: d"),
        *(b"Content-Length: 5\r\nContent-Length: 5", b"Content-Length: +5", b"Content-Length: 5,5"),
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    ],
)
def test_the_request_parser_refuses_malformed_fields(fields: bytes) -> None:
    with pytest.raises(http_exceptions.HttpProcessingError):
        parsed(HEAD + fields + b"\r\n\r\n")


@pytest.mark.parametrize("method", sorted(METHODS))
def test_the_methods_that_we_know_are_received(method: bytes) -> None:
    target = b"a:80" if method == b"CONNECT" else b"/"
    head = read_request_head(method + b" " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n", 100)
    assert head.method == method


def test_a_method_that_we_do_not_know_is_not_received() -> None:
    """Or it should be in our list."""
    with pytest.raises(http_exceptions.BadHttpMethod):
        parsed(b"BREW" + HEAD[3:] + b"\r\n")


def test_the_number_of_lines_is_bounded_by_the_parser_too() -> None:
    # What a client is told is 431: that bound is checked before, on the buffered head.
    with pytest.raises(MessageError) as caught:
        read_request_head(HEAD + b"A: b\r\n" * 100 + b"\r\n", 100)
    assert caught.value.status == 400
    assert read_request_head(HEAD + b"A: b\r\n" * 99 + b"\r\n", 100).fields


@pytest.mark.parametrize(
    "line",
    [
        *(b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET / HTTP/2.0", b"GET / HTTP/0.9"),
        *(b"GET /#a HTTP/1.1", b"GET / RTSP/1.0"),
    ],
)
def test_our_own_check_of_the_request_line_is_still_needed(line: bytes) -> None:
    assert len(parsed(line + b"\r\nHost: a\r\n\r\n")) == 1
    with pytest.raises(MessageError):
        read_request_head(line + b"\r\nHost: a\r\n\r\n", 100)


@pytest.mark.parametrize(
    "coding", [b"gzip", b"identity", b"xchunked", b'"chunked"', b",chunked", b""]
)
def test_our_own_check_of_the_transfer_coding_is_still_needed(coding: bytes) -> None:
    assert len(parsed(HEAD + b"Transfer-Encoding: " + coding + b"\r\n\r\n")) == 1


def test_our_own_check_of_response_values_is_still_needed() -> None:
    for value in (b"\x01", b"\x7f"):
        assert read_response_head(b"HTTP/1.1 200 OK\r\nA: b" + value + b"\r\n\r\n").fields
    with pytest.raises(MessageError):
        read_response_head(b"HTTP/1.1 200 OK\r\nA: b\x00\r\n\r\n")


async def test_a_parser_that_has_seen_content_must_not_be_used_again() -> None:
    """A trailer stands in front of the next message's fields: the reason for a parser a head."""
    parser = HttpRequestParser(
        _Reader(),  # type: ignore[arg-type]
        asyncio.get_running_loop(),
        65536,
    )
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    parser.feed_data(head + b"0\r\nX-Trailer: ALICE\r\n\r\n")
    messages, _, _ = parser.feed_data(HEAD + b"\r\n")
    names = [name for name, _ in messages[0][0].raw_headers]
    assert names == [b"X-Trailer", b"Host"], "mended: a parser a head may no longer be needed"


class _Reader:
    """What aiohttp's parser wants of a protocol."""

    _reading_paused = False

    def pause_reading(self) -> None: ...

    def resume_reading(self, **_: Any) -> None: ...
