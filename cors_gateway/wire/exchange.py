"""The life of one request that is forwarded, in order.

An exchange is a state machine. It alone writes to both sides, so what has been sent to whom, what
may be repeated and what may be used again is known in one place.

Its states, its events, and what each event means in each state, are in ``state``.

What a failure means follows from the state: before the response has begun the client gets an
answer; afterwards its connection is closed early, so that it can tell that content is missing
(RFC 9112, section 8). A request is sent again once, and only if it is safe to: an idempotent method
without content, on a reused connection, before any byte of a response (RFC 9110, section 9.2.2).
"""

from time import monotonic

from cors_gateway.answers import CONTINUE, answer_failure
from cors_gateway.conclude import Concluded, conclude_interim, conclude_switch
from cors_gateway.failures import Failure, failure_of_message
from cors_gateway.messages.heads import MessageError, ResponseHead
from cors_gateway.planned import Forward
from cors_gateway.wire.client import Client
from cors_gateway.wire.content import (
    ContentReader,
    ResponseContent,
    content_reader,
    request_content,
)
from cors_gateway.wire.ending import let_go, may_repeat
from cors_gateway.wire.plane import Plane
from cors_gateway.wire.record import AccessRecord, note_failure, note_response
from cors_gateway.wire.state import (
    CONNECTED,
    CONNECTING,
    EARLY,
    ENDED,
    RELAYING,
    SENDING,
    UNANSWERED,
    WAITING,
    Patience,
    State,
)
from cors_gateway.wire.tick import NEVER
from cors_gateway.wire.tunnel import Tunnel
from cors_gateway.wire.upstream import UpstreamConnection

__all__ = ["Exchange", "State"]


class Exchange:
    """One request on its way to an API, and the response on its way back."""

    __slots__ = (
        "_client",
        "_content",
        "_forward",
        "_patience",
        "_plane",
        "_pool",
        "_response",
        "_retried",
        "_upstream",
        "record",
        "state",
        "takes_content",
    )

    def __init__(
        self, plane: Plane, client: Client, forward: Forward, record: AccessRecord
    ) -> None:
        """Make an exchange; ``begin`` starts it."""
        self._plane = plane
        self._client = client
        self._forward = forward
        self.record = record
        """Of the request, as far as it is known."""
        self._pool = plane.pool_of(forward.route)
        self.state = CONNECTING
        self._patience = Patience(plane.ticker, forward)
        self._content = request_content(forward.framing, forward.max_content_bytes)
        self.takes_content = not self._content.finished
        """Whether what the client sends now is content of this request."""
        self._response: ResponseContent | None = None
        self._upstream: UpstreamConnection | None = None
        self._retried = False

    # Finding a connection, and sending the request.

    def begin(self) -> None:
        """Ask for a connection."""
        if self.takes_content:
            self._client.pause_reading()
        self._pool.acquire(self, repeatable=self._forward.is_repeatable)

    def wait_until(self, deadline: float, failure: Failure) -> None:
        """Take how long the pool may need, and what it means if it needs longer."""
        self._patience.deadline = deadline
        self._patience.failure = failure
        self._plane.wake(self._client)

    def connected(self, connection: UpstreamConnection) -> None:
        """Send the head and whatever content has arrived with it."""
        if not self._expects((CONNECTING,)):
            self._pool.release(connection)
            return
        self._upstream = connection
        connection.serve(self)
        self.record.upstream_address = connection.address
        self.record.overhead = monotonic() - self.record.began
        head = self._forward.head(self.record.request_id)
        if not self.takes_content:
            self.state = WAITING
            connection.write(head)
            self._await_peer()
            return
        self.state = SENDING
        self._client.resume_reading()
        buffered = self._client.take_unread()
        if not buffered and self._forward.expects_continue:
            self._client.write(CONTINUE)
        self._relay_request(head, buffered)

    @property
    def deadline(self) -> float:
        """When the current wait has lasted too long; seconds of the loop's clock."""
        return self._patience.deadline

    def connect_failed(self, failure: Failure) -> None:
        """Take that there is no connection."""
        if self._expects((CONNECTING,)):
            self._fail(failure)

    def request_content(self, data: bytes) -> None:
        """Relay what the client sent."""
        if self._expects((SENDING, EARLY)):
            self._relay_request(b"", data)

    # Relaying the response.

    def response_head(self, head: ResponseHead) -> ContentReader | None:
        """Take a head: relay an interim one, conclude a final one."""
        if not self._expects(UNANSWERED):
            return None
        if head.status < 200:
            self._relay_interim(head)
            return None
        concluded = self._pool.responses.conclude(
            self._forward,
            head,
            date=self._plane.ticker.date,
            close=self.state is SENDING or self._client.is_used_up,
        )
        self._response = ResponseContent(concluded, self.record.request_id)
        self._patience.streams = concluded.is_event_stream
        stripped, unparsed = concluded.stripped, concluded.cookies_unparsed
        note_response(self.record, head.status, monotonic(), stripped, unparsed)
        return content_reader(concluded.upstream_framing, strict=False)

    def response_content(self, pieces: tuple[bytes, ...], *, finished: bool) -> None:
        """Relay content, with the head in front if it has not left yet."""
        if not self._expects(CONNECTED):
            return
        response = self._response
        if response is None:
            self._fail(Failure.INTERNAL)
            return
        if self.state is WAITING:
            self.state = RELAYING
        elif self.state is SENDING:
            self.state = EARLY
        framed, concluded = response.relay(pieces, finished=finished), response.concluded
        self.record.response_bytes = response.length
        if framed:
            self._client.write(framed, is_last=finished and not concluded.downstream_persists)
        if finished:
            self._finish(concluded)
        else:
            self._await_peer()
            if response.is_plain and self.state is RELAYING and self._upstream is not None:
                self._upstream.splice_to(self._client.socket.transport, self._plane.splices)

    def response_spliced(self, count: int, *, is_full: bool) -> None:
        """Take that content has gone to the client past us, and whether it can take no more."""
        if self._expects((RELAYING,)) and (response := self._response) is not None:
            self.record.response_bytes = response.length = response.length + count
            self._patience.client_full = is_full
            self._await_peer()

    def response_broken(self, error: MessageError) -> None:
        """Take that the API does not speak HTTP."""
        if self._expects(CONNECTED):
            too_large = error.status == 431
            self._fail(
                Failure.RESPONSE_FIELDS_TOO_LARGE if too_large else Failure.RESPONSE_MALFORMED
            )

    # Losing a side.

    def upstream_lost(self) -> None:
        """Take that the API closed: it may be sent again, or answered, or it breaks off."""
        upstream = self._upstream
        if not self._expects(CONNECTED) or upstream is None:
            return
        is_first = self.state is WAITING and not self._retried
        if is_first and may_repeat(self._forward, upstream):
            self._retried = True
            self._upstream = None
            upstream.close()
            self.state = CONNECTING
            self._pool.acquire(self, repeatable=True, fresh=True)
            return
        begun = upstream.response_begun
        self._fail(Failure.RESPONSE_INCOMPLETE if begun else upstream.failure)

    def stop(self) -> None:
        """Take that the gateway stops and this has lasted too long."""
        self._fail(Failure.STOPPING)

    def client_lost(self) -> None:
        """Take that the client is gone: the API must not go on working for nobody."""
        if self.state is ENDED:
            return
        self._let_upstream_go()
        if not self.record.status:
            self.record.status = Failure.CLIENT_GONE.status
        self._end(Failure.CLIENT_GONE)

    # Back-pressure.

    def upstream_full(self) -> None:
        """Let the client wait: the API reads slowly."""
        if self._expects(CONNECTED):
            self._patience.upstream_full = True
            self._client.pause_reading()
            self._await_peer()

    def upstream_ready(self) -> None:
        """Let the client go on."""
        if self._expects(CONNECTED):
            self._patience.upstream_full = False
            self._client.resume_reading()
            self._await_peer()

    def client_full(self) -> None:
        """Let the API wait: the client reads slowly."""
        if self._expects(CONNECTED) and self._upstream is not None:
            self._patience.client_full = True
            self._upstream.pause_reading()
            self._await_peer()

    def client_ready(self) -> None:
        """Let the API go on."""
        if self._expects(CONNECTED) and self._upstream is not None:
            self._patience.client_full = False
            self._upstream.resume_reading()
            self._await_peer()

    # Time.

    def overdue(self) -> None:
        """Take that the deadline has passed."""
        if self.state is ENDED:
            return
        if self._untaken_bytes() < self._patience.untaken:
            # Slow, but alive: what counts is whether it reads at all.
            self._await_peer()
            return
        self._fail(self._patience.failure)

    def _untaken_bytes(self) -> int:
        """Tell how much the side that is full has not taken yet."""
        if self._patience.client_full:
            return self._client.untaken_bytes()
        if self._patience.upstream_full and self._upstream is not None:
            return self._upstream.untaken_bytes()
        return 0

    def _await_peer(self) -> None:
        self._patience.renew(self.state, self._untaken_bytes())

    # Mistakes of our own.

    def break_down(self, error: Exception) -> None:
        """Take that an event raised what it must not: tell the operator, and end."""
        self._plane.report_fault(error, self.record.request_id)
        self._fail(Failure.INTERNAL)

    def _expects(self, states: tuple[State, ...]) -> bool:
        """Say whether an event means something now; end where it cannot happen."""
        if self.state in states:
            return True
        self._fail(Failure.INTERNAL)
        return False

    def _relay_request(self, head: bytes, data: bytes) -> None:
        upstream, content = self._upstream, self._content
        if upstream is None:  # pragma: no cover - SENDING and EARLY have one
            return
        try:
            framed = content.relay(data, head)
        except MessageError as error:
            self._fail(failure_of_message(error), detail=error.reason)
            return
        self.record.request_bytes = content.length
        if framed:
            upstream.write(framed)
        if content.finished:
            self.takes_content = False
            if content.surplus:
                self._client.put_back(content.surplus)
            upstream.answered_early = self.state is EARLY
            self.state = RELAYING if upstream.answered_early else WAITING
        self._await_peer()

    def _relay_interim(self, head: ResponseHead) -> None:
        if head.status == 101:
            self._switch(head)
        elif head.status != 100 and self._forward.minor_version:
            # RFC 9110, section 15.2: relayed, but never to HTTP/1.0; a 100 is ours to send.
            self._client.write(conclude_interim(self._forward, head))

    def _switch(self, head: ResponseHead) -> None:
        """Let a tunnel go on with both connections, if the client asked for one."""
        upstream = self._upstream
        if upstream is None or self.state is not WAITING or not self._forward.upgrade:
            self._fail(Failure.UPGRADE_UNEXPECTED)
            return
        switched, unparsed = conclude_switch(self._forward, head)
        note_response(self.record, head.status, monotonic(), unparsed=unparsed)
        self._pool.note_success(upstream)
        self._upstream = None
        self.state = ENDED
        tunnel = Tunnel(self._plane, self.record, self._forward, upstream)
        tunnel.begin(self._client, switched)

    def _finish(self, concluded: Concluded) -> None:
        complete = self.state is RELAYING
        upstream, self._upstream = self._upstream, None
        self._end()
        if upstream is not None:
            let_go(self._pool, upstream, concluded, complete=complete)
        persists = complete and concluded.downstream_persists
        self._client.exchange_ended(persists=persists, still_sending=not complete)

    def _fail(self, failure: Failure, *, detail: str = "") -> None:
        if self.state is ENDED:
            return
        self._let_upstream_go()
        if self.state not in {EARLY, RELAYING}:
            answer = answer_failure(failure, self._forward.answer_fields, detail=detail)
            self.record.status = answer.status
            self.state = ENDED
            self._client.exchange_failed(
                answer,
                self.record,
                persists=self._forward.persists and not self.takes_content,
                head_only=self._forward.head_only,
            )
            self._end(failure)
            return
        self._end(failure)
        by_closing = self._response is not None and self._response.concluded.ends_by_closing
        self._client.truncate(reset=by_closing or failure is Failure.CLIENT_GONE)

    def _let_upstream_go(self) -> None:
        if self.state is CONNECTING:
            self._pool.withdraw(self)
        upstream = self._upstream
        if upstream is not None:
            self._upstream = None
            upstream.abort()

    def _end(self, failure: Failure | None = None) -> None:
        self.state = ENDED
        self._patience.deadline = NEVER
        record = self.record
        record.duration = monotonic() - record.began
        if failure is not None:
            note_failure(record, failure)
        self._plane.report(record)
