"""Framing: how long a message's content is, and whether its connection lives on.

Decides: the message body length (RFC 9112 section 6.3) and persistence (section 9.3). Does not
know: how content is read or written; the field lines themselves are left alone, except for a
response's ``Content-Length``.

A request with any doubt about its length is refused, because two readings of one length are a
smuggled request. An upstream's doubtful response is a 502 for the same reason.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from cors_gateway.messages.fields import FieldIndex, connection_options, parse_list
from cors_gateway.messages.heads import FieldLines, MessageError

__all__ = [
    "CHUNKED",
    "NO_CONTENT",
    "UNTIL_CLOSE",
    "Framing",
    "FramingKind",
    "expects_continue",
    "may_pass_length",
    "request_framing",
    "request_persists",
    "response_framing",
    "response_persists",
    "rewrite_content_length",
]

_DIGITS = re.compile(rb"[0-9]{1,19}")
_CANONICAL = re.compile(rb"0|[1-9][0-9]{0,18}")
_LONGEST = 2**63 - 1

# Codings other than chunked, and then chunked.
_OTHER_CODINGS = re.compile(
    rb"(?:(?!chunked[ \t,])[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*,[ \t]*)+chunked", re.IGNORECASE
)


class FramingKind(Enum):
    """How the end of a message's content is known."""

    NONE = auto()
    """There is no content, and nothing says how long it is."""
    COUNTED = auto()
    CHUNKED = auto()
    UNTIL_CLOSE = auto()


@dataclass(slots=True, unsafe_hash=True)
class Framing:
    """How the content of one message ends."""

    kind: FramingKind
    length: int
    """Bytes of counted content; 0 for the other kinds."""

    def __init__(
        self,
        kind: FramingKind,
        length: int = 0,
    ) -> None:
        """Say how content ends."""
        self.kind = kind
        self.length = length

    @property
    def is_empty(self) -> bool:
        """Whether it is certain from the head that no content follows."""
        return not self.length and self.kind in {FramingKind.NONE, FramingKind.COUNTED}


NO_CONTENT = Framing(FramingKind.NONE)
CHUNKED = Framing(FramingKind.CHUNKED)
UNTIL_CLOSE = Framing(FramingKind.UNTIL_CLOSE)


def request_framing(minor_version: int, index: FieldIndex) -> Framing:
    """Decide how a request's content ends; the method has no say (RFC 9112 section 6.3).

    Raises:
        MessageError: 400, or 501 for a transfer coding other than ``chunked``. The connection
            cannot be used further.
    """
    codings = index.get(b"transfer-encoding")
    lengths = index.get(b"content-length")
    if codings is None:
        if lengths is None:
            return NO_CONTENT
        return Framing(FramingKind.COUNTED, _parse_length(lengths, _CANONICAL, 400))
    if lengths is not None:
        # Section 6.3: it "ought to be handled as an error". We always do.
        raise MessageError(400, "The request has a Content-Length and a Transfer-Encoding.")
    if minor_version == 0:
        # Section 6.1: HTTP/1.0 has no transfer codings; the framing is faulty.
        raise MessageError(400, "An HTTP/1.0 request cannot have a Transfer-Encoding.")
    if not _is_chunked(codings):
        raise _coding_error(codings)
    return CHUNKED


def _coding_error(codings: tuple[bytes, ...]) -> MessageError:
    """Tell a coding that is not implemented from a list that is no framing at all.

    Section 6.1 asks for 501 for an unknown coding; section 6.3 for 400 where ``chunked`` is not the
    final one. We are stricter: several lines, empty items, quotes and parameters are 400.
    """
    if len(codings) == 1 and _OTHER_CODINGS.fullmatch(codings[0]):
        return MessageError(501, "The transfer coding is not implemented.")
    return MessageError(400, "The Transfer-Encoding is malformed.")


def response_framing(request_method: bytes, status: int, index: FieldIndex) -> Framing:
    """Decide how a response's content ends (RFC 9112 section 6.3), whatever its version.

    Raises:
        MessageError: 502. The connection cannot be used further.
    """
    if status == 204 or status < 200:
        # Whatever the fields say, and they are not passed on: see rewrite_content_length.
        return NO_CONTENT
    codings = index.get(b"transfer-encoding")
    lengths = index.get(b"content-length")
    if codings is not None and lengths is not None:
        raise MessageError(502, "The response has a Content-Length and a Transfer-Encoding.")
    length = -1 if lengths is None else _parse_length(lengths, _DIGITS, 502)
    if status == 304 or request_method == b"HEAD":
        return NO_CONTENT
    if codings is not None:
        # Section 6.3 would let another coding run until close, but then its bytes would be
        # passed on as if they were the content. We are stricter.
        if not _is_chunked(codings):
            raise MessageError(502, "The response's transfer coding is not implemented.")
        return CHUNKED
    return UNTIL_CLOSE if length < 0 else Framing(FramingKind.COUNTED, length)


def _is_chunked(codings: tuple[bytes, ...]) -> bool:
    """Say whether exactly one coding is applied, and it is ``chunked`` (case does not matter)."""
    return codings == (b"chunked",) or (len(codings) == 1 and codings[0].lower() == b"chunked")


def _parse_length(values: tuple[bytes, ...], grammar: re.Pattern[bytes], status: int) -> int:
    """Read a ``Content-Length``.

    RFC 9110 section 8.6 allows a list of the same number. We are stricter and refuse any repetition,
    as aiohttp's parser does. Of clients, leading zeros are refused as well; of upstreams they
    are common (a place kept free and filled in later) and are taken.
    """
    if len(values) == 1 and grammar.fullmatch(values[0]) and int(values[0]) <= _LONGEST:
        return int(values[0])
    raise MessageError(status, "The Content-Length is malformed.")


def may_pass_length(value: bytes, status: int) -> bool:
    """Say whether :func:`rewrite_content_length` would change nothing."""
    return status != 204 and status >= 200 and (len(value) == 1 or not value.startswith(b"0"))


def rewrite_content_length(fields: FieldLines, index: FieldIndex, status: int) -> FieldLines:
    """Make a response's ``Content-Length`` fit to be passed on.

    RFC 9110 section 8.6: not sent with 1xx and 204; and we send it without leading zeros.

    Precondition: :func:`response_framing` accepted the same fields.
    """
    values = index.get(b"content-length")
    if values is None:
        return fields
    if status == 204 or status < 200:
        return tuple([line for line in fields if line[0].lower() != b"content-length"])
    if _CANONICAL.fullmatch(values[0]):
        return fields
    length = b"%d" % int(values[0])
    return tuple(
        [(name, length if name.lower() == b"content-length" else value) for name, value in fields]
    )


def expects_continue(minor_version: int, index: FieldIndex) -> bool:
    """Say whether the client waits for ``100 Continue`` before it sends content.

    RFC 9110 section 10.1.1: ignored on HTTP/1.0; whatever else is expected is not met.

    Raises:
        MessageError: 417.
    """
    values = index.get(b"expect")
    if values is None or minor_version == 0:
        return False
    expectations = parse_list(values)
    if any(expectation.lower() != b"100-continue" for expectation in expectations):
        raise MessageError(417, "The expectation is not known.")
    return bool(expectations)


def request_persists(minor_version: int, index: FieldIndex) -> bool:
    """Say whether the client wants to send another request on this connection."""
    options = connection_options(index)
    return b"close" not in options and (minor_version == 1 or b"keep-alive" in options)


def response_persists(minor_version: int, index: FieldIndex, framing: Framing) -> bool:
    """Say whether the upstream will take another request on this connection.

    HTTP/1.0 knows no chunks: section 6.1 takes such a response for what it says, and its connection for
    faulty.
    """
    if framing.kind is FramingKind.UNTIL_CLOSE:
        return False
    if framing.kind is FramingKind.CHUNKED and minor_version == 0:
        return False
    return request_persists(minor_version, index)
