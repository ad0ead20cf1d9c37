"""A client's connection: idle → busy with one exchange → idle, or a tunnel's, or lingering, or closed.

It reads one head after the other, asks ``plan`` what to do, and answers or begins an exchange.
Heads that arrive while it is busy wait in order; past a bound, reading pauses. It owns the client's
deadlines: a head is timed from its first byte, not byte by byte.

A client that closes its sending side is taken for gone, as nginx does: nothing tells in time else.
"""

import asyncio
from time import monotonic
from typing import Final, cast

from cors_gateway.answers import Answer, answer_failure
from cors_gateway.failures import Failure
from cors_gateway.messages.framing import FramingKind
from cors_gateway.messages.heads import MessageError, salvage_head
from cors_gateway.plan import plan, refuse
from cors_gateway.planned import Forward, Respond
from cors_gateway.wire import sockets
from cors_gateway.wire.client_socket import ClientSocket
from cors_gateway.wire.content import ContentReader
from cors_gateway.wire.exchange import Exchange
from cors_gateway.wire.heads import HeadCutter, read_request_head
from cors_gateway.wire.known_requests import KnownRequest, remember
from cors_gateway.wire.own_answers import TURN, reader_of_unwanted, write_out
from cors_gateway.wire.plane import Connection, Plane
from cors_gateway.wire.record import AccessRecord, describe_request, note_answer
from cors_gateway.wire.tick import Deadline

__all__ = ["DownstreamConnection"]

PIPELINED_BYTES: Final = 64 * 1024
"""Bytes of later requests that may wait while one is in progress."""

LULL: Final = 0.3
"""Seconds without a request after which a connection is closed when the gateway stops: who has just
used one is likely to use it again, and closing would meet that request on its way."""


class DownstreamConnection(asyncio.Protocol):
    """One client's connection."""

    __slots__ = (
        "_deadline",
        "_discarding",
        "_exchange",
        "_heads",
        "_is_busy",
        "_is_full",
        "_is_paused",
        "_known",
        "_peer",
        "_plane",
        "_quiet_since",
        "_served",
        "_socket",
        "socket",
    )

    def __init__(self, plane: Plane) -> None:
        """Make a connection of ``plane``."""
        self._plane = plane
        self.socket = self._socket = ClientSocket(plane.ticker)
        self._peer = sockets.NOBODY
        self._heads = HeadCutter()
        self._exchange: Exchange | None = None
        self._discarding: ContentReader | None = None
        self._is_busy = False
        self._is_full = False
        self._is_paused = False
        self._known: KnownRequest | None = None
        self._served = 0
        self._quiet_since = plane.ticker.now
        self._deadline = Deadline(plane.ticker)

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or refuse if there are too many."""
        self._peer = self._socket.begin(cast("asyncio.Transport", transport))
        self._known = self._plane.first_requests.of(self._peer)
        self._deadline.set(self._plane.snapshot.timeouts.head)
        if not self._plane.add(self):
            self._answer(answer_failure(Failure.CONNECTION_LIMIT), self._record(), persists=False)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        exchange = self._exchange
        try:
            if exchange is not None and exchange.takes_content:
                exchange.request_content(data)
            elif self._discarding is not None:
                self._discard(data)
            elif not self._socket.is_lingering:
                self._heads.add(data)
                self._read_heads()
        except Exception as error:  # noqa: BLE001 - asyncio would close without a word to anybody
            self._break_down(error)

    def eof_received(self) -> bool:
        """Take that the client sends no more; the transport then closes by itself."""
        self._lose_client()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Take that the connection is gone."""
        del exc
        self._lose_client()
        self._socket.transport = None
        self._plane.remove(self)

    def pause_writing(self) -> None:
        """Pass on that the client is slow."""
        self._is_full = True
        if self._exchange is not None:
            self._exchange.client_full()

    def resume_writing(self) -> None:
        """Pass on that the client reads again, or go on with the next request."""
        self._is_full = False
        if self._exchange is not None:
            self._exchange.client_ready()
        elif self._socket.is_open:
            self._await_head()
            self._next_request()

    # Reading heads.

    def _read_heads(self) -> None:
        """Serve every whole request that has arrived, until one keeps us busy."""
        if self._is_busy:
            return
        self._is_busy = True
        heads, snapshot, raw = self._heads, self._plane.snapshot, b""
        try:
            for _ in range(TURN):
                if not self._may_read_head():
                    break
                known = self._known
                if known is not None and (known := known.cut_next(heads, snapshot)) is not None:
                    self._known = known
                    self._carry_out(known.planned, self._record())
                    continue
                raw, had_begun = b"", heads.has_begun
                raw = heads.cut(snapshot.limits)
                if not raw:
                    if not had_begun and heads.unread:
                        self._deadline.set(snapshot.timeouts.head)
                    return
                self._serve(raw)
            else:
                self._plane.loop.call_soon(self._next_request)
            if len(heads.unread) > PIPELINED_BYTES or self._may_read_head():
                self.pause_reading()
        except MessageError as error:
            self._refuse_head(error, raw or heads.unread)
        except Exception as fault:  # noqa: BLE001 - costs this request, and no other
            self._break_down(fault)
        finally:
            self._is_busy = False

    def _may_read_head(self) -> bool:
        return bool(
            self._heads.unread
            and self._exchange is None
            and self._discarding is None
            and not self._is_full
            and self._socket.is_open
        )

    def _serve(self, raw: bytes) -> None:
        plane, snapshot, record = self._plane, self._plane.snapshot, self._record()
        head = read_request_head(raw, snapshot.limits.field_lines)
        if len(head.target) > snapshot.limits.target_bytes:
            raise MessageError(414, "The request target is too long.")
        planned = plan(snapshot, head, self._peer, plane.pseudonym)
        self._known = remember(raw, snapshot, head, planned)
        if not self._served:
            plane.first_requests.note(self._peer, self._known)
        self._carry_out(planned, record)

    def _carry_out(self, planned: Forward | Respond, record: AccessRecord) -> None:
        self._served += 1
        describe_request(record, planned)
        self._deadline.clear()
        if isinstance(planned, Forward):
            exchange = self._exchange = Exchange(self._plane, self, planned, record)
            exchange.begin()
        else:
            if planned.fault is not None:
                self._plane.report_fault(planned.fault, record.request_id)
            self._respond(planned, record)

    def _respond(self, planned: Respond, record: AccessRecord) -> None:
        self._discarding = reader_of_unwanted(planned)
        is_known = self._discarding is not None or planned.framing.kind is FramingKind.NONE
        persists = planned.persists and is_known and not self.is_used_up
        self._answer(planned.answer, record, persists=persists, head_only=planned.head_only)
        if self._discarding is not None:
            self._discard(self._heads.take_unread())

    def _discard(self, data: bytes) -> None:
        reader = cast("ContentReader", self._discarding)
        reader.feed(data)
        if reader.finished:
            self._discarding = None
            self._heads.add(reader.surplus)
            self._await_head()
            self._read_heads()
        else:
            self._deadline.set(self._plane.snapshot.timeouts.content)

    def _refuse_head(self, error: MessageError, raw: bytes) -> None:
        head, record = salvage_head(raw), self._record()
        planned = refuse(self._plane.snapshot, head, self._peer, error)
        describe_request(record, planned)
        self._answer(planned.answer, record, persists=False, head_only=planned.head_only)

    def _answer(
        self, answer: Answer, record: AccessRecord, *, persists: bool, head_only: bool = False
    ) -> None:
        note_answer(record, answer)
        self._write_answer(answer, record, persists=persists, head_only=head_only)
        record.duration = monotonic() - record.began
        self._plane.report(record)

    def _write_answer(
        self, answer: Answer, record: AccessRecord, *, persists: bool, head_only: bool
    ) -> None:
        self.write(write_out(self._plane, answer, record, persists=persists, head_only=head_only))
        self._await_head() if persists else self._linger()

    # What an exchange asks for.

    @property
    def is_used_up(self) -> bool:
        """Whether it closes behind the response in progress, which has to say so."""
        most = self._plane.snapshot.limits.requests_per_connection
        return self._plane.draining or (most is not None and self._served >= most)

    def write(self, data: bytes, *, is_last: bool = False) -> None:
        """Send bytes of a response."""
        self._socket.write(data, is_last=is_last)

    def take_unread(self) -> bytes:
        """Give what has arrived behind the head."""
        return self._heads.take_unread()

    def put_back(self, surplus: bytes) -> None:
        """Take what arrived behind the content: it begins the next request."""
        self._heads.add(surplus)

    def pause_reading(self) -> None:
        """Let the client wait; only a tick notices then that it has gone."""
        self._is_paused = True
        sockets.pause_reading(self._socket.transport)
        self._plane.wake(self)

    def resume_reading(self) -> None:
        """Let the client go on."""
        if self._is_paused:
            self._is_paused = False
            sockets.resume_reading(self._socket.transport)

    def untaken_bytes(self) -> int:
        """Tell how much waits for the client to take it."""
        return self._socket.untaken_bytes()

    def hand_over(self, connection: Connection) -> tuple[asyncio.Transport, bytes]:
        """Give the socket to ``connection``, with what has arrived behind the head."""
        transport = cast("asyncio.Transport", self._socket.transport)
        self._exchange = self._socket.transport = None
        self._plane.replace(self, connection)
        return transport, self._heads.take_unread()

    def exchange_failed(
        self, answer: Answer, record: AccessRecord, *, persists: bool, head_only: bool
    ) -> None:
        """Answer instead of the upstream."""
        self._exchange = None
        persists = persists and not self.is_used_up
        self._write_answer(answer, record, persists=persists, head_only=head_only)
        self._next_request()

    def exchange_ended(self, *, persists: bool, still_sending: bool) -> None:
        """Go on with the next request, or close."""
        self._exchange = None
        if persists:
            self._await_head()
        elif still_sending or self._heads.unread:
            self._linger()
        else:
            self._close()
        self._next_request()

    def truncate(self, *, reset: bool) -> None:
        """Close early, so that the client knows the response for incomplete."""
        self._exchange = None
        self._socket.reset() if reset else self._close()

    # What the plane asks for.

    @property
    def in_progress(self) -> AccessRecord | None:
        """The record of the request that is on its way to an API or back."""
        return None if self._exchange is None else self._exchange.record

    def check_time(self, now: float) -> float:
        """Act if a deadline has passed, or if a paused client has hung up; say when to look again."""
        exchange = self._exchange
        if not self._socket.is_open:
            self._socket.check_time(now)
        elif exchange is None:
            if not self._deadline.has_passed(now):
                self._known = None  # who rests may rest for long, and there may be thousands
                return self._deadline.at
            self._time_is_up()
        elif self._is_paused and self._socket.has_hung_up:
            self.abort()
        elif now >= exchange.deadline:
            exchange.overdue()
        elif not self._is_paused:
            return exchange.deadline
        return now

    def drain(self) -> None:
        """Close when the request in progress is answered, or when none seems to be coming."""
        if self._exchange is None and self._discarding is None and self._socket.is_open:
            was_quiet = self._plane.ticker.now - self._quiet_since >= LULL
            if was_quiet and not self._heads.unread and not self._socket.has_unread:
                self._close()
            else:
                self._deadline.set(LULL)

    def stop(self) -> None:
        """Say that the request in progress will not be finished, and close."""
        if self._exchange is not None:
            self._exchange.stop()
        self._close()

    def abort(self) -> None:
        """Close now."""
        self._lose_client()
        self._socket.reset()

    # The steps that several of these share.

    def _record(self) -> AccessRecord:
        return AccessRecord(self._plane.new_request_id(), self._peer.address, monotonic())

    def _await_head(self) -> None:
        timeouts = self._plane.snapshot.timeouts
        if self._is_full:
            self._deadline.set(timeouts.write, untaken=self.untaken_bytes())
        else:
            self._deadline.set(LULL if self._plane.closing else timeouts.keep_alive)
            self._quiet_since = self._plane.ticker.now

    def _time_is_up(self) -> None:
        untaken = self.untaken_bytes()
        if untaken and self._deadline.has_progress(untaken):
            # Slow, but alive: what was written last is being read.
            self._await_head()
        elif self._is_full or self._discarding:
            self.abort()
        elif self._heads.unread and not self._plane.closing:
            error = MessageError(408, "The request did not arrive in time.")
            self._refuse_head(error, self._heads.unread)
        elif not self._socket.has_unread:
            self._close()

    def _break_down(self, error: Exception) -> None:
        """Take that handling what arrived raised what it must not: end the request with a 500."""
        if self._exchange is not None:
            self._exchange.break_down(error)
        else:
            self._plane.report_fault(error)
            self.abort()

    def _next_request(self) -> None:
        if self._socket.is_open and self._exchange is None:
            self.resume_reading()
            if self._heads.unread:
                self._read_heads()

    def _lose_client(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.client_lost()

    def _linger(self) -> None:
        self._discarding = None
        self._heads.take_unread()
        self._socket.linger(self._plane.snapshot.timeouts.write)
        self._plane.wake(self)

    def _close(self) -> None:
        if self._socket.close(self._plane.snapshot.timeouts.write):
            self._plane.wake(self)
