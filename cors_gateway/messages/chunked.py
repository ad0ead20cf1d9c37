"""The chunked transfer coding: content out of it, and the frame around content.

Decides: where each chunk and the message end (RFC 9112 section 7.1). Does not know: where bytes
come from or go to. Chunk extensions and trailers are read, bounded and dropped: both concern one
connection, and a trailer that joined the fields would be a way around every check made on them.

Strict is for requests: digits only, CRLF only, trailers that are field lines. Lenient is for
responses, and lenient as nginx is: white space after the size, bare LF, any trailer lines.
"""

import re

from cors_gateway.messages.heads import MessageError

__all__ = ["LAST_CHUNK", "MAX_OVERHEAD_BYTES", "ChunkedDecoder", "chunk_head"]

LAST_CHUNK = b"0\r\n\r\n"

MAX_OVERHEAD_BYTES = 16 * 1024
"""Bytes of the trailer section; and of size lines, beyond 18 a chunk and one a byte of content.

Extensions that grow with the content (a signature for each chunk) pass; a message that is mostly
extensions does not. The same as Go's ``net/http`` allows, nearly.
"""

_LONGEST = 2**63 - 1

# Chunks of so few bytes are looked at together; so many at first, and never more than.
_LONGEST_IN_RUN = 16
_NARROWEST = 16
_WIDEST = 4096
_LONGEST_PLAIN_SIZE_LINE = 18

# At most 16 digits, so that zeros are not read for ever. Section 7.1.1 allows white space before an
# extension; strictly, we do not: parsers have disagreed about it.
_STRICT_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_LENIENT_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n")
_STRICT_TRAILER = re.compile(rb"(\r\n)|[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n")
_LENIENT_TRAILER = re.compile(rb"(\r?\n)|[^\n]+\n")
_STRICT_DATA_END = re.compile(rb"\r\n")
_LENIENT_DATA_END = re.compile(rb"\r?\n")


def chunk_head(length: int) -> bytes:
    """Write what stands before a chunk; CRLF stands behind it.

    Precondition: the length is positive: an empty chunk would end the message.
    """
    return b"%x\r\n" % length


class ChunkedDecoder:
    """Takes the content of one chunked message out of its coding, in whatever pieces it comes."""

    def __init__(self, *, strict: bool) -> None:
        self.finished = False
        """The last byte of the message has been read."""
        self.surplus = b""
        """What came after the last byte of the message."""
        self._status = 400 if strict else 502
        self._size = _STRICT_SIZE if strict else _LENIENT_SIZE
        self._data_end = _STRICT_DATA_END if strict else _LENIENT_DATA_END
        self._trailer = _STRICT_TRAILER if strict else _LENIENT_TRAILER
        self._expected = self._size  # the line that comes next, once no data is left
        self._left = 0  # bytes of the current chunk's data still to come
        self._pending = b""  # an incomplete line
        self._overhead = MAX_OVERHEAD_BYTES  # what size lines may still cost
        self._trailers = MAX_OVERHEAD_BYTES  # what trailers may still cost

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes in and give the content that is in them.

        Raises:
            MessageError: 400 (strict) or 502 (lenient). The decoder cannot be used further.
        """
        if self._left > len(data):  # the middle of a large chunk: nothing is copied
            self._left -= len(data)
            return [data] if data else []
        if self._pending:
            if b"\n" not in data:
                # Not searched again until the line can be complete: single bytes stay cheap.
                self._keep(self._pending + data)
                return []
            data = self._pending + data
            self._pending = b""
        return self._decode(data)

    def _decode(self, data: bytes) -> list[bytes]:
        pieces: list[bytes] = []
        at, end = 0, len(data)
        while at < end and not self.finished:
            if self._left:
                # As it came, if it is nothing else: a compiled slice copies the whole, too.
                is_whole = not at and end <= self._left
                piece = data if is_whole else data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                continue
            match = self._expected.match(data, at)
            if match is None:
                if data.find(b"\n", at) >= 0:
                    raise MessageError(self._status, "The chunked coding is malformed.")
                self._keep(data[at:])
                return pieces
            at = match.end()
            if self._expected is self._size:
                size = self._begin_chunk(match)
                # A whole chunk at hand is the common case, and small chunks are the costly one.
                if size and data.startswith(b"\r\n", at + size):
                    pieces.append(data[at : at + size])
                    at += size + 2
                    if size <= _LONGEST_IN_RUN and len(match[0]) <= _LONGEST_PLAIN_SIZE_LINE:
                        at = self._pass_run(data, at, match[0], size, pieces)
                elif size:
                    self._left = size
                    self._expected = self._data_end
                else:
                    self._expected = self._trailer
            elif self._expected is self._data_end:
                self._expected = self._size
            else:
                self._pass_trailer(match)
        self.surplus += data[at:]
        return pieces

    def _keep(self, line: bytes) -> None:
        if self._expected is self._data_end and line != b"\r":
            raise MessageError(self._status, "A chunk is longer than announced.")
        if len(line) > MAX_OVERHEAD_BYTES:
            raise MessageError(self._status, "A line of the chunked coding is too long.")
        self._pending = line

    def _begin_chunk(self, match: re.Match[bytes]) -> int:
        size = int(match[1], 16)
        if size > _LONGEST:
            raise MessageError(self._status, "A chunk is too long.")
        self._overhead -= match.end() - match.start() - _LONGEST_PLAIN_SIZE_LINE
        if self._overhead < 0:
            raise MessageError(self._status, "The chunk extensions are too long.")
        self._overhead = min(self._overhead + size, MAX_OVERHEAD_BYTES)
        return size

    def _pass_run(self, data: bytes, at: int, line: bytes, size: int, pieces: list[bytes]) -> int:
        """Take the chunks that follow one and look like it; give where they end.

        Tiny chunks come in thousands, mostly of one size. Then all that frames them is in columns,
        which are compared as a whole. A line that is the same byte for byte means the same.
        """
        stride = len(line) + size + 2
        if not (data.startswith(line, at) and data.startswith(line, at + 3 * stride)):
            return at
        window = _NARROWEST
        frame = line + b"\r\n"
        while True:
            # Not all that is there at once: where runs are short, that would be looked at for each.
            alike = min(window, (len(data) - at) // stride)
            for index in range(len(frame)):
                offset = index if index < len(line) else index + size
                column = data[at + offset : at + alike * stride : stride]
                alike -= len(column.lstrip(frame[index : index + 1]))
            if not alike:
                return at
            earned = alike * (_LONGEST_PLAIN_SIZE_LINE - len(line) + size)
            self._overhead = min(self._overhead + earned, MAX_OVERHEAD_BYTES)
            content = bytearray(alike * size)
            start, at = at + len(line), at + alike * stride
            for index in range(size):
                content[index::size] = data[start + index : at : stride]
            pieces.append(bytes(content))
            if alike < window:
                return at
            window = min(2 * window, _WIDEST)

    def _pass_trailer(self, match: re.Match[bytes]) -> None:
        self._trailers -= match.end() - match.start()
        if self._trailers < 0:
            raise MessageError(self._status, "The trailer section is too long.")
        self.finished = match[1] is not None
