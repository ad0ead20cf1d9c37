"""Requests read by the letter of RFC 9112, byte by byte, by nobody's parser.

The judge of what the gateway may accept. It is written in another way than the gateway on purpose:
no regular expression, no cutting by empty lines. It knows nothing of routes or policies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Reading", "Request", "read_chunked", "read_head", "read_requests"]

TCHAR = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
VCHAR = frozenset(range(0x21, 0x7F))
TEXT = VCHAR | frozenset(range(0x80, 0x100)) | {0x20, 0x09}
DIGIT = frozenset(b"0123456789")
HEXDIG = frozenset(b"0123456789abcdefABCDEF")

Fields = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class Request:
    """One request, with its content once that is known."""

    method: bytes
    target: bytes
    minor: int
    fields: Fields
    content: bytes = b""

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key.lower() == name]


@dataclass(frozen=True)
class Reading:
    """What stands in a stream of bytes."""

    requests: tuple[Request, ...]
    """Those that are whole and beyond doubt, up to the first that is not."""
    ending: str
    """``clean``, ``incomplete`` (more could come), ``doubtful`` or ``closed`` (asked for)."""


class DoubtfulError(Exception):
    """What RFC 9112 does not allow, or what has been read in more than one way."""


class IncompleteError(Exception):
    """More bytes are needed to tell."""


def only(data: bytes, allowed: frozenset[int]) -> bytes:
    if not data or not allowed.issuperset(data):
        raise DoubtfulError(data)
    return data


def read_line(data: bytes, at: int) -> tuple[bytes, int]:
    """Read to a CRLF; a CR or an LF by itself is in doubt."""
    for place in range(at, len(data)):
        if data[place] == 0x0A:
            if place == at or data[place - 1] != 0x0D:
                raise DoubtfulError("a bare LF")
            return data[at : place - 1], place + 1
        if place > at and data[place - 1] == 0x0D:
            raise DoubtfulError("a bare CR")
    raise IncompleteError


def read_head(data: bytes, at: int = 0) -> tuple[Request, int]:
    """Read one head, the CRLFs in front of it skipped; return it and where it ends."""
    while data[at : at + 2] == b"\r\n":
        at += 2
    line, at = read_line(data, at)
    parts = line.split(b" ")
    if len(parts) != 3:
        raise DoubtfulError(line)
    method, target = only(parts[0], TCHAR), only(parts[1], VCHAR - {0x23})
    if parts[2] not in {b"HTTP/1.0", b"HTTP/1.1"}:
        raise DoubtfulError(line)
    fields = []
    while True:
        line, at = read_line(data, at)
        if not line:
            break
        fields.append(read_field(line))
    return Request(method, target, parts[2][-1] - 0x30, tuple(fields)), at


def read_field(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or not TEXT.issuperset(value):
        raise DoubtfulError(line)
    return only(name, TCHAR), value.strip(b" \t")


def read_chunked(data: bytes, at: int = 0) -> tuple[bytes, int]:
    """Read content in the chunked coding; return it and where the message ends."""
    content = b""
    while True:
        line, at = read_line(data, at)
        size, _, extension = line.partition(b";")
        if len(only(size, HEXDIG)) > 16 or not TEXT.issuperset(extension):
            raise DoubtfulError(line)
        length = int(size, 16)
        if length >= 2**63:
            raise DoubtfulError(line)
        if not length:
            break
        content += data[at : at + length]
        at += length
        end = data[at : at + 2]
        if not b"\r\n".startswith(end):
            raise DoubtfulError(end)
        if len(end) < 2:
            raise IncompleteError
        at += 2
    while True:
        line, at = read_line(data, at)
        if not line:
            return content, at
        read_field(line)


def read_content(request: Request, data: bytes, at: int) -> tuple[bytes, int]:
    codings = request.values(b"transfer-encoding")
    lengths = request.values(b"content-length")
    if codings:
        if lengths or not request.minor or [each.lower() for each in codings] != [b"chunked"]:
            raise DoubtfulError("transfer coding")
        return read_chunked(data, at)
    if not lengths:
        return b"", at
    length = only(lengths[0], DIGIT)
    if len(lengths) > 1 or int(length) >= 2**63 or (length[0] == 0x30 and length != b"0"):
        raise DoubtfulError("length")
    if len(data) - at < int(length):
        raise IncompleteError
    return data[at : at + int(length)], at + int(length)


def read_requests(data: bytes) -> Reading:
    """Read a connection's requests, one behind the other."""
    requests: list[Request] = []
    at = 0
    while at < len(data):
        if not data[at:].strip(b"\r\n") and len(data[at:]) % 2 == 0:
            break
        try:
            head, at = read_head(data, at)
            content, at = read_content(head, data, at)
        except IncompleteError:
            return Reading(tuple(requests), "incomplete")
        except DoubtfulError:
            return Reading(tuple(requests), "doubtful")
        request = Request(head.method, head.target, head.minor, head.fields, content)
        requests.append(request)
        if asks_for_the_end(request):
            return Reading(tuple(requests), "closed")
    return Reading(tuple(requests), "clean")


def asks_for_the_end(request: Request) -> bool:
    """Whether nothing behind a request is a request: see RFC 9112, sections 9.3 and 9.6."""
    options = options_of(request.values(b"connection"))
    return not request.minor or not {b"close", b"upgrade"}.isdisjoint(options)


def options_of(values: Sequence[bytes]) -> set[bytes]:
    return {item.strip(b" \t").lower() for value in values for item in value.split(b",")}
