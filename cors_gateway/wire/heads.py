"""Reading heads: those of the plainest form at once, all others with aiohttp's C parser.

How the parser may be used was measured: one that has seen content puts the last trailer in front
of the next message's fields, and a head fed together with surplus bytes is thrown away whole. So
a head is cut from the buffer first, and each is given to a parser of its own (0.3 µs), which never
sees content. A parser that may decompress refuses heads with a Content-Encoding that is not installed: ours may not.

What the parser lets pass is checked here and in ``messages``: the request line, the versions, and
the size of the field section, on which it sets no limit. Without the C parser nothing starts: the
pure-Python one accepts what this gateway must refuse.
"""

from typing import Any

from aiohttp import http_exceptions
from aiohttp.http_parser import HttpRequestParser, HttpResponseParser

from cors_gateway.messages.heads import (
    MessageError,
    RequestHead,
    ResponseHead,
    check_head_size,
    check_request_line_so_far,
    find_head_end,
    parse_request_line,
    parse_status_line,
    skip_empty_lines,
)
from cors_gateway.messages.plain_fields import read_plain_fields
from cors_gateway.snapshot import Limits

__all__ = ["HeadCutter", "has_c_parser", "read_request_head", "read_response_head"]

_MAX_RESPONSE_LINES = 1000
_PLAIN_END = b"\r\n\r\n"
_ANY_SIZE = 1 << 30
"""The bounds on size are set on the buffered head, where they can be told apart."""


class HeadCutter:
    """Cuts request heads, one after the other, from what a client sends."""

    __slots__ = ("_searched", "unread")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.unread = b""
        """What no head has been cut from yet."""
        self._searched = 0

    @property
    def has_begun(self) -> bool:
        """Whether a head has been looked for in vain: it began some time ago."""
        return self._searched > 0

    def add(self, data: bytes) -> None:
        """Take what has arrived."""
        self.unread = self.unread + data if self.unread else data

    def take_unread(self) -> bytes:
        """Give away what is no head."""
        unread, self.unread = self.unread, b""
        self._searched = 0
        return unread

    def cut_known(self, head: bytes) -> bool:
        """Cut the next head off if it is, to the last byte, one that was cut off before."""
        unread = self.unread
        if not unread.startswith(head):
            return False
        self.unread = unread[len(head) :]
        self._searched = 0
        return True

    def peek_plain(self) -> bytes:
        """Give the next head without cutting it off, if it ends in an empty line of CRLF, as most do."""
        unread = self.unread
        if unread.endswith(_PLAIN_END):
            return unread  # perhaps there are several; then it is like no head that was read before
        end = unread.find(_PLAIN_END)
        return unread[: end + len(_PLAIN_END)] if end >= 0 else b""

    def cut(self, limits: Limits) -> bytes:
        """Give the next head, up to and with its empty line; nothing if it is not complete.

        Raises:
            MessageError: where it is too long, complete or not.
        """
        unread = self.unread
        if unread.startswith(b"\r\n"):
            unread = self.unread = unread[skip_empty_lines(unread) :]
            self._searched = 0
        end = find_head_end(unread, self._searched)
        check_head_size(
            unread,
            end,
            max_target=limits.target_bytes,
            max_section=limits.field_section_bytes,
            max_lines=limits.field_lines,
        )
        if end < 0:
            if unread.find(b"\n", 0, self._searched) < 0:
                check_request_line_so_far(unread)
            self._searched = len(unread)
            return b""
        self.unread = unread[end:]
        self._searched = 0
        return unread[:end]


def has_c_parser() -> bool:
    """Say whether aiohttp brought its C parser."""
    return HttpRequestParser.__module__ == "aiohttp._http_parser"


def read_request_head(raw: bytes, max_field_lines: int) -> RequestHead:
    """Parse one request head, from the request line to the empty line.

    Raises:
        MessageError: with the status to answer.
    """
    end = raw.index(b"\n")
    line = raw[:end].removesuffix(b"\r")
    method, target, minor_version = parse_request_line(line)
    plain = read_plain_fields(raw, max_field_lines, of_request=True)
    if plain is not None:
        return RequestHead(method, target, minor_version, plain)
    parser: Any = HttpRequestParser(
        None,
        None,
        65536,
        max_line_size=_ANY_SIZE,
        max_field_size=_ANY_SIZE,
        max_headers=max_field_lines,
        response_with_body=False,
        auto_decompress=False,
    )
    try:
        # Of an Any: what the C parser gives is no tuple, as the types say; a compiled module would insist.
        messages: list[Any] = parser.feed_data(raw)[0]
    except http_exceptions.HttpProcessingError:
        raise MessageError(400, "The field section is malformed.") from None
    if len(messages) != 1:
        raise MessageError(400, "The head is malformed.")
    return RequestHead(method, target, minor_version, messages[0][0].raw_headers)


def read_response_head(raw: bytes) -> ResponseHead:
    """Parse one response head, from the status line to the empty line.

    Raises:
        MessageError: with status 502.
    """
    end = raw.index(b"\n")
    line = raw[:end].removesuffix(b"\r")
    status, reason, minor_version = parse_status_line(line)
    plain = read_plain_fields(raw, _MAX_RESPONSE_LINES, of_request=False)
    if plain is not None:
        return ResponseHead(status, reason, minor_version, plain)
    if line[:13] not in {b"HTTP/1.1 %d " % status, b"HTTP/1.0 %d " % status}:
        # The parser is stricter with this line than we are, and it has been read.
        raw = b"HTTP/1.1 200 OK\r\n" + raw[end + 1 :]
    parser: Any = HttpResponseParser(
        None,
        None,
        65536,
        max_line_size=_ANY_SIZE,
        max_field_size=_ANY_SIZE,
        max_headers=_MAX_RESPONSE_LINES,
        response_with_body=False,
        auto_decompress=False,
    )
    try:
        messages: list[Any] = parser.feed_data(raw)[0]
    except (http_exceptions.HttpProcessingError, ValueError):
        raise MessageError(502, "The response head is malformed.") from None
    if len(messages) != 1:
        raise MessageError(502, "The response head is malformed.")
    return ResponseHead(status, reason, minor_version, messages[0][0].raw_headers)
