"""A connection to an API: connecting → busy → idle in its pool, or a tunnel's, or closed.

It owns the response parser: it cuts heads from what arrives, gives them to the exchange it
serves, and then passes content through the reader that the exchange gave it for that response.

RFC 9112, section 6.3: bytes that arrive when no request is outstanding must never be taken for a
response. So a connection that becomes readable while idle is closed, and one that brought
more than its response is never used again.
"""

import asyncio
import contextlib
import os
import select
import ssl
from typing import Final, Protocol, cast

from cors_gateway.failures import Failure
from cors_gateway.messages.heads import (
    MessageError,
    ResponseHead,
    check_status_line_so_far,
)
from cors_gateway.wire import sockets
from cors_gateway.wire.content import ContentReader
from cors_gateway.wire.known_responses import KnownResponses
from cors_gateway.wire.splice import SPLICED_FROM, Splice, Splices
from cors_gateway.wire.trust import failure_of_tls

__all__ = ["Owner", "ResponseTaker", "UpstreamConnection"]

MAX_RESPONSE_HEAD: Final = 256 * 1024
"""Bytes. Legacy applications send large cookies; nobody sends a head like this in good faith."""

MAX_INTERIM_RESPONSES: Final = 16
"""Interim responses before the final one; more is an API that never answers."""

READ_SIZE: Final = 64 * 1024
"""Bytes read at once of what an API said before it reset a connection."""


class ResponseTaker(Protocol):
    """What a connection tells of the response it brings; an exchange."""

    def response_head(self, head: ResponseHead) -> ContentReader | None:
        """Take a head; give the reader for its content, or ``None`` if it was interim."""

    def response_content(self, pieces: tuple[bytes, ...], *, finished: bool) -> None:
        """Take a piece of content, and perhaps the end."""

    def response_spliced(self, count: int, *, is_full: bool) -> None:
        """Take that content has gone to the client past us, and whether it can take no more."""

    def response_broken(self, error: MessageError) -> None:
        """Take that what arrived is not HTTP."""

    def upstream_lost(self) -> None:
        """Take that the connection is closed."""

    def upstream_full(self) -> None:
        """Take that the API reads more slowly than the client writes."""

    def upstream_ready(self) -> None:
        """Take that the API reads again."""

    def break_down(self, error: Exception) -> None:
        """Take that one of these raised what it must not."""


class Owner(Protocol):
    """Who keeps the connection when it serves no exchange; a pool."""

    responses: KnownResponses
    """What its API has answered before."""

    def forget(self, connection: "UpstreamConnection") -> None:
        """Take that the connection is closed."""

    def doubt(self, connection: "UpstreamConnection") -> None:
        """Take that the API closed it under a request, without a word."""


class UpstreamConnection(asyncio.Protocol):
    """One connection to an API."""

    __slots__ = (
        "_buffer",
        "_closing_since",
        "_descriptor",
        "_interim_heads",
        "_is_paused",
        "_is_tunnel",
        "_owner",
        "_poll",
        "_reader",
        "_responses",
        "_splice",
        "address",
        "answered_early",
        "exchange",
        "failure",
        "idle_since",
        "idle_until",
        "is_tls",
        "response_begun",
        "reused",
        "transport",
    )

    def __init__(self, owner: Owner) -> None:
        """Make a connection that ``owner`` keeps."""
        self._owner = owner
        self._responses = owner.responses
        self._buffer = b""
        self._closing_since: float | None = None
        self._descriptor = -1
        self._interim_heads = 0
        self._is_paused = False
        self._is_tunnel = False
        self._reader: ContentReader | None = None
        self._poll = select.poll()
        self._splice: Splice | None = None
        self.exchange: ResponseTaker | None = None
        self.transport: asyncio.Transport | None = None
        self.reused = False
        """Whether it has served an exchange before."""
        self.response_begun = False
        """Whether a byte of the current response has arrived."""
        self.address = ""
        """Where it leads to: with several, which one it was."""
        self.failure = Failure.CONNECTION_TERMINATED
        """What it means if it is lost before a response."""
        self.answered_early = False
        """Whether a response began before the request was complete: the API may never read the
        rest, and take it for the next request."""
        self.idle_since = 0.0
        self.idle_until = 0.0
        """When it is given up, if nobody has used it by then."""
        self.is_tls = False

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)
        sockets.prepare(self.transport)
        self._poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        self._descriptor = sockets.descriptor_of(self.transport)
        self.is_tls = sockets.is_tls(self.transport)
        self.address = sockets.spell_address(self.transport)

    def data_received(self, data: bytes) -> None:
        """Pass on what the API sent."""
        exchange = self.exchange
        if exchange is None:
            self.close()
            return
        self.response_begun = True
        try:
            reader = self._reader
            if reader is None:
                self._receive_head(exchange, data)
            else:
                pieces = reader.feed(data)
                if pieces or reader.finished:
                    exchange.response_content(pieces, finished=reader.finished)
        except MessageError as error:
            exchange.response_broken(error)
        except Exception as fault:  # noqa: BLE001 - asyncio would only close this connection
            exchange.break_down(fault)

    def eof_received(self) -> bool:
        """Take that the API sends no more; the transport then closes by itself."""
        self._lost(reset=False)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Take that the connection is gone."""
        if exc is not None:
            self._read_early_answer()
        if isinstance(exc, ssl.SSLError):
            # In TLS 1.3 an API refuses our certificate only after the handshake.
            self.failure = failure_of_tls(exc)
        # TLS has an end of its own, which would have been told as end-of-file before this. Without
        # it, somebody on the way may have cut content short (RFC 9112, section 9.8).
        self._lost(reset=exc is not None or self.is_tls)
        self._stop_splice()
        self.transport = None
        self._owner.forget(self)

    def pause_writing(self) -> None:
        """Pass on that the API is slow."""
        if self.exchange is not None:
            self.exchange.upstream_full()

    def resume_writing(self) -> None:
        """Pass on that the API reads again."""
        if self.exchange is not None:
            self.exchange.upstream_ready()

    # What an exchange or a pool asks for.

    def serve(self, exchange: ResponseTaker) -> None:
        """Belong to an exchange from now on."""
        self.exchange = exchange
        self.response_begun = False
        self.answered_early = False
        self._interim_heads = 0
        self._reader = None

    def release(self) -> bool:
        """Belong to no exchange any more; say whether both messages are whole and nothing more."""
        reader = self._reader
        self.exchange = None
        self._reader = None
        self.reused = True
        return (
            reader is not None
            and reader.finished
            and not reader.surplus
            and not self.answered_early
            and not self._buffer
            and self.is_open()
            and not self._has_unsent()
        )

    def hand_over(self) -> tuple[asyncio.Transport, bytes]:
        """Give the socket away, with what has arrived on it; its end is to be told to us.

        A connection that has become something else still counts among the pool's.
        """
        unread, self._buffer = self._buffer, b""
        self.exchange = None
        self._is_tunnel = True
        return cast("asyncio.Transport", self.transport), unread

    def is_clean(self) -> bool:
        """Say whether an idle connection is open and nothing waits to be read on it.

        The event loop may not have told us yet of bytes that are already in the kernel: they
        would become the answer to the next request. nginx peeks for the same reason.
        """
        return self.is_open() and not self._poll.poll(0)

    def is_open(self) -> bool:
        """Say whether neither side has closed, as far as the event loop knows."""
        return self.transport is not None and not self.transport.is_closing()

    def write(self, data: bytes) -> None:
        """Send bytes of a request."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            sockets.send(transport, self._descriptor, data)

    def splice_to(self, target: asyncio.Transport | None, splices: Splices) -> None:
        """Let content that leaves as it comes go to ``target`` past us, if much is left of it."""
        reader = self._reader
        if reader is None or reader.remaining < SPLICED_FROM or self._splice is not None:
            return
        self._splice = splices.begin(self, self.transport, target, reader.remaining)
        if self._splice is not None:
            self.pause_reading()
            self._splice.pump()

    def bytes_spliced(self, count: int, *, is_full: bool) -> None:
        """Take that content has gone past us, and whether the client can take no more."""
        if self._reader is not None and self.exchange is not None:
            self._reader.skip(count)
            self.exchange.response_spliced(count, is_full=is_full)

    def splice_ended(self, rest: bytes) -> None:
        """Go on reading, with what is left of the content, or with its end."""
        self._splice = None
        reader, exchange = self._reader, self.exchange
        if reader is None or exchange is None:
            return
        self.resume_reading()
        pieces = reader.feed(rest) if rest else ()
        if pieces or reader.finished:
            exchange.response_content(pieces, finished=reader.finished)

    def break_down(self, error: Exception) -> None:
        """Take that what was told of a splice raised what it must not."""
        if self.exchange is not None:
            self.exchange.break_down(error)

    def untaken_bytes(self) -> int:
        """Tell how much waits for the API to take it."""
        return sockets.untaken_bytes(self.transport) if self.is_open() else 0

    def pause_reading(self) -> None:
        """Let the API wait: the client is slow."""
        self._is_paused = True
        sockets.pause_reading(self.transport)

    def resume_reading(self) -> None:
        """Let the API go on."""
        if self._is_paused:
            self._is_paused = False
            sockets.resume_reading(self.transport)

    def close(self) -> None:
        """Close; what the API has not taken by now, it never will."""
        if self._has_unsent():
            self.abort()
            return
        self.exchange = None
        self._stop_splice()
        if self.transport is not None:
            self.transport.close()

    def check_closing(self, now: float, seconds: float) -> None:
        """Wait no longer than so long for the API to answer the end of TLS; not for a tunnel's."""
        transport = self.transport
        if transport is None or not transport.is_closing() or self._is_tunnel:
            return
        if self._closing_since is None:
            self._closing_since = now
        elif now - self._closing_since >= seconds:
            transport.abort()

    def abort(self) -> None:
        """Close at once, so that the API cannot take a request for complete."""
        self.exchange = None
        self._stop_splice()
        sockets.abort_with_reset(self.transport)

    def _stop_splice(self) -> None:
        splice, self._splice = self._splice, None
        if splice is not None:
            splice.stop()

    def _read_early_answer(self) -> None:
        """Read what the API said before it reset the connection.

        It may refuse content while it is being sent, and close. The next write then fails, and the
        event loop gives up with the answer unread: while it tells so, the socket is still open.
        """
        if self.transport is None or self.is_tls:
            return
        descriptor = self.transport.get_extra_info("socket").fileno()
        with contextlib.suppress(OSError):
            if self._splice is not None:
                self._splice.give_back()
            while self.exchange is not None and (data := os.read(descriptor, READ_SIZE)):
                self.data_received(data)

    def _has_unsent(self) -> bool:
        return self.transport is not None and self.transport.get_write_buffer_size() > 0

    def _receive_head(self, exchange: ResponseTaker, data: bytes) -> None:
        scanned = len(self._buffer)
        buffer, self._buffer = self._buffer + data, b""
        reader: ContentReader | None = None
        while reader is None:
            end = self._responses.find_end(buffer, scanned)
            if end < 0 or end > MAX_RESPONSE_HEAD:
                if len(buffer) > MAX_RESPONSE_HEAD:
                    raise MessageError(431, "the response head is too large")
                check_status_line_so_far(buffer)
                self._buffer = buffer
                return
            head = self._responses.read(buffer[:end])
            self._interim_heads += head.status < 200
            if self._interim_heads > MAX_INTERIM_RESPONSES:
                raise MessageError(502, "the API sends interim responses for ever")
            self._buffer, scanned = buffer[end:], 0
            reader = exchange.response_head(head)
            if self.exchange is not exchange:
                return
            buffer, self._buffer = self._buffer, b""
        self._reader = reader
        pieces: tuple[bytes, ...] = ()
        if reader.finished:
            reader.surplus = buffer
        elif buffer:
            pieces = reader.feed(buffer)
        exchange.response_content(pieces, finished=reader.finished)

    def _lost(self, *, reset: bool) -> None:
        exchange = self.exchange
        if exchange is None:
            return
        try:
            reader = self._reader
            if reader is not None and not reset and not reader.finished and reader.feed_eof():
                exchange.response_content((), finished=True)
            if self.exchange is exchange:
                if not self.response_begun:
                    self._owner.doubt(self)
                exchange.upstream_lost()
        except Exception as error:  # noqa: BLE001 - asyncio would only log it
            exchange.break_down(error)
