"""Relaying content: read by one framing, written by another, never held back.

A reader is told the framing of the message that arrives and gives out pieces of content; a writer
is told the framing of the message that leaves and puts pieces on the wire. Counted content is
counted and not parsed; chunked content goes through a decoder made for that one message and is
framed anew; content until close is passed as it comes. Trailers are dropped (RFC 9110,
section 6.5.1 leaves that to us; merging them is what must not happen).
"""

from typing import Final

from cors_gateway.conclude import Concluded
from cors_gateway.messages.chunked import LAST_CHUNK, ChunkedDecoder, chunk_head
from cors_gateway.messages.framing import NO_CONTENT, Framing, FramingKind
from cors_gateway.messages.heads import MessageError

__all__ = [
    "ContentReader",
    "ContentWriter",
    "RequestContent",
    "ResponseContent",
    "content_reader",
    "content_writer",
    "request_content",
]


class ContentReader:
    """Takes what arrives after a head: one class for each framing. No Protocol, whose calls are slower."""

    __slots__ = ("finished", "remaining", "surplus")

    def __init__(self) -> None:
        """Begin to read."""
        self.finished = False
        """Whether the content is whole."""
        self.surplus = b""
        """What arrived behind the end of the content."""
        self.remaining = 0
        """Bytes that are still to come, if that is known; and they are content, and nothing else."""

    def feed(self, data: bytes) -> tuple[bytes, ...]:
        """Take bytes from the connection and give out content.

        Raises:
            MessageError: where the framing is broken.
        """
        raise NotImplementedError

    def skip(self, count: int) -> None:
        """Take that so many of the ``remaining`` bytes have gone another way."""

    def feed_eof(self) -> bool:
        """Take the end of the connection; say whether the content is whole."""
        return self.finished


class ContentWriter:
    """Frames what leaves after a head. This one is for content that nothing has to be put around.

    Such is counted content, whose count the head has told, and content until close.
    """

    __slots__ = ()

    def frame(self, parts: list[bytes], pieces: tuple[bytes, ...], *, finished: bool) -> None:
        """Add what carries ``pieces`` to ``parts``, and what ends the content if it is finished."""
        del finished
        parts += pieces


class _CountedReader(ContentReader):
    __slots__ = ()

    def __init__(self, length: int) -> None:
        super().__init__()
        self.remaining = length
        self.finished = length == 0

    def feed(self, data: bytes) -> tuple[bytes, ...]:
        remaining = self.remaining
        if len(data) < remaining:
            self.remaining = remaining - len(data)
            return (data,)
        self.remaining = 0
        self.finished = True
        if len(data) > remaining:
            self.surplus = data[remaining:]
            data = data[:remaining]
        return (data,) if data else ()

    def skip(self, count: int) -> None:
        self.remaining -= count
        self.finished = self.remaining == 0


class _ChunkedReader(ContentReader):
    __slots__ = ("_decoder",)

    def __init__(self, *, strict: bool) -> None:
        super().__init__()
        self._decoder = ChunkedDecoder(strict=strict)

    def feed(self, data: bytes) -> tuple[bytes, ...]:
        decoder = self._decoder
        pieces = decoder.feed(data)
        if decoder.finished:
            self.finished = True
            self.surplus = decoder.surplus
        return tuple(pieces)


class _UntilCloseReader(ContentReader):
    __slots__ = ()

    def feed(self, data: bytes) -> tuple[bytes, ...]:
        return (data,) if data else ()

    def feed_eof(self) -> bool:
        self.finished = True
        return True


class _ChunkedWriter(ContentWriter):
    __slots__ = ()

    def frame(self, parts: list[bytes], pieces: tuple[bytes, ...], *, finished: bool) -> None:
        # What arrived together leaves as one chunk: a message of tiny chunks costs little here.
        length = _length_of(pieces)
        if length:
            parts.append(chunk_head(length))
            parts += pieces
            parts.append(b"\r\n")
        if finished:
            parts.append(LAST_CHUNK)


_COUNTED: Final = FramingKind.COUNTED
_CHUNKED: Final = FramingKind.CHUNKED

_PLAIN_WRITER: Final = ContentWriter()
_CHUNKED_WRITER: Final = _ChunkedWriter()


def _length_of(pieces: tuple[bytes, ...]) -> int:
    """Add up lengths; mostly of one piece, for which ``sum`` takes four times as long."""
    length = 0
    for piece in pieces:
        length += len(piece)
    return length


def _join(parts: list[bytes]) -> bytes:
    """Join once: each join copies all of the content."""
    return parts[0] if len(parts) == 1 else b"".join(parts)


def content_reader(framing: Framing, *, strict: bool) -> ContentReader:
    """Make the reader for one message; ``strict`` for requests."""
    kind = framing.kind
    if kind is _COUNTED:  # first, because most is
        return _CountedReader(framing.length)
    if kind is _CHUNKED:
        return _ChunkedReader(strict=strict)
    if kind is FramingKind.UNTIL_CLOSE:
        return _UntilCloseReader()
    return _CountedReader(framing.length)


def content_writer(framing: Framing) -> ContentWriter:
    """Give the writer for one message."""
    return _CHUNKED_WRITER if framing.kind is _CHUNKED else _PLAIN_WRITER


class RequestContent:
    """The content of one request on its way from the client to the API."""

    __slots__ = ("_bound", "_reader", "_writer", "length")

    def __init__(self, framing: Framing, bound: int | None) -> None:
        """Relay content that comes and leaves in ``framing``.

        Args:
            framing: of the request.
            bound: how long the content may be; ``None`` for no bound.
        """
        self._reader = content_reader(framing, strict=True)
        self._writer = content_writer(framing)
        self._bound = bound
        self.length = 0
        """Bytes relayed so far."""

    @property
    def finished(self) -> bool:
        """Whether the content is whole."""
        return self._reader.finished

    @property
    def surplus(self) -> bytes:
        """What arrived behind the end of the content: the next request."""
        return self._reader.surplus

    def relay(self, data: bytes, head: bytes = b"") -> bytes:
        """Take bytes from the client and give the bytes that go to the API, behind ``head``.

        Raises:
            MessageError: 400 where the framing is broken, 413 where there is too much.
        """
        reader = self._reader
        pieces = reader.feed(data) if data else ()
        self.length += _length_of(pieces)
        if self._bound is not None and self.length > self._bound:
            raise MessageError(413, "The content is too long.")
        parts = [head] if head else []
        self._writer.frame(parts, pieces, finished=reader.finished)
        return _join(parts)


_NO_REQUEST_CONTENT: Final = RequestContent(NO_CONTENT, None)


def request_content(framing: Framing, bound: int | None) -> RequestContent:
    """Relay the content of one request; see ``RequestContent``. There is one for all that have none."""
    return _NO_REQUEST_CONTENT if framing is NO_CONTENT else RequestContent(framing, bound)


class ResponseContent:
    """The content of one response on its way to the client, behind the head."""

    __slots__ = ("_held", "_writer", "concluded", "is_plain", "length")

    def __init__(self, concluded: Concluded, request_id: bytes) -> None:
        """Relay the content of the response that was concluded."""
        self.concluded = concluded
        self._held = concluded.head(request_id)
        self._writer = content_writer(concluded.downstream_framing)
        self.is_plain = self._writer is _PLAIN_WRITER
        """Whether content leaves as it comes, with no framing between its bytes."""
        self.length = 0
        """Bytes relayed so far."""

    def relay(self, pieces: tuple[bytes, ...], *, finished: bool) -> bytes:
        """Give the bytes that carry ``pieces``; the first time with the head in front."""
        self.length += _length_of(pieces)
        parts = []
        if self._held:
            parts.append(self._held)
            self._held = b""
        self._writer.frame(parts, pieces, finished=finished)
        return _join(parts)
