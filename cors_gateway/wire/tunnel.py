"""A tunnel: bytes both ways between a client and an API that have switched protocols.

It begins when the API's 101 has gone to the client, never before: a byte that reached the API
earlier could be a request that nobody has looked at (RFC 9110, section 7.8). From then on nothing is
read, counted as messages, or changed; frames, pings, compression and close codes are between the two.

What is kept: order; back-pressure (who cannot take more pauses the other); a closed sending side,
which is passed on while the other direction goes on; a reset, which is passed on as one. A tunnel
in which nothing is said for ``timeouts.tunnel`` is closed, and one with a closed side after
``timeouts.idle``. TLS cannot close one side alone: there the end of one direction ends both.
"""

import asyncio
from time import monotonic
from typing import cast

from cors_gateway.failures import Failure
from cors_gateway.planned import Forward
from cors_gateway.wire import sockets
from cors_gateway.wire.client import Client
from cors_gateway.wire.plane import Plane
from cors_gateway.wire.record import AccessRecord, note_failure
from cors_gateway.wire.tick import Deadline, Ticker
from cors_gateway.wire.upstream import UpstreamConnection

__all__ = ["Tunnel"]


class _Side(asyncio.Protocol):
    """One end of a tunnel: what arrives here leaves at the other."""

    __slots__ = (
        "_ticker",
        "_tunnel",
        "descriptor",
        "has_ended",
        "heard",
        "is_leaving",
        "other",
        "received",
        "target",
        "transport",
    )

    other: "_Side"

    def __init__(self, tunnel: "Tunnel", ticker: Ticker) -> None:
        self._tunnel = tunnel
        self._ticker = ticker
        self.transport: asyncio.Transport | None = None
        """``None`` once the connection is gone."""
        self.descriptor = -1
        """To write by at once; see ``sockets.send``."""
        self.target: asyncio.Transport | None = None
        """What takes what arrives here: the other side's transport, while that is open."""
        self.has_ended = False
        """Whether the peer has closed its sending side, and all that it sent has been read."""
        self.is_leaving = False
        """Whether it has done so, and what it sent waits for the other to read."""
        self.received = 0
        self.heard = 0.0
        """When something has arrived, as far as ticks tell."""

    def data_received(self, data: bytes) -> None:
        # No more than this for a message: the tick asks what it means for the deadline.
        self.received += len(data)
        self.heard = self._ticker.now
        target = self.target
        if target is not None:
            sockets.send(target, self.other.descriptor, data)

    def eof_received(self) -> bool:
        self.has_ended = True
        return self._tunnel.end_direction(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.other.target = None
        self._tunnel.lose(self, reset=exc is not None)

    def pause_writing(self) -> None:
        sockets.pause_reading(self.other.transport)
        self._tunnel.renew()
        self._tunnel.wake()

    def resume_writing(self) -> None:
        sockets.resume_reading(self.other.transport)
        self._tunnel.renew()


class Tunnel:
    """Two connections that have become one, until both are gone."""

    __slots__ = (
        "_client",
        "_connection",
        "_deadline",
        "_is_closing",
        "_plane",
        "_record",
        "_since",
        "_timeouts",
        "_upstream",
        "_write_timeout",
    )

    def __init__(
        self, plane: Plane, record: AccessRecord, forward: Forward, connection: UpstreamConnection
    ) -> None:
        """Make a tunnel; ``begin`` lets bytes through.

        Args:
            plane: what it belongs to.
            record: of the request that asked for it; reported when it ends.
            forward: what was planned for that request.
            connection: to the API, which has sent its 101.
        """
        self._plane = plane
        self._record = record
        self._timeouts = forward.route.upstream.timeouts
        self._write_timeout = forward.timeouts.write
        self._connection = connection
        self._deadline = Deadline(plane.ticker)
        self._since = 0.0
        """When the deadline was set; what has been heard after it moves it."""
        self._is_closing = False
        self._client = _Side(self, plane.ticker)
        self._upstream = _Side(self, plane.ticker)
        self._client.other, self._upstream.other = self._upstream, self._client

    def begin(self, client: Client, switched: bytes) -> None:
        """Send the client its 101, take over both sockets, and pass on what has arrived already.

        Args:
            client: the connection that the request came by.
            switched: the head of the 101.
        """
        client.write(switched)
        ends = client.hand_over(self), self._connection.hand_over()
        arrived = [(self._client, *ends[0]), (self._upstream, *ends[1])]
        for side, transport, _ in arrived:
            side.transport = transport
            side.descriptor = sockets.descriptor_of(transport)
            side.other.target = transport
            transport.set_protocol(side)
        for side, transport, data in arrived:
            if data:
                side.data_received(data)
            if transport.get_write_buffer_size() > sockets.WRITE_BUFFER:
                side.pause_writing()
            else:
                side.resume_writing()

    # What its sides tell.

    def renew(self) -> None:
        """Take that something has happened: wait anew for the next."""
        self._wait_since(self._plane.ticker.now)

    def wake(self) -> None:
        """Have the time looked at from the next tick on."""
        self._plane.wake(self)

    def end_direction(self, side: _Side) -> bool:
        """Take that one peer sends no more; say whether it may still be sent to."""
        transport, other = cast("asyncio.Transport", side.transport), side.other.transport
        goes_on = (
            other is not None
            and not other.is_closing()
            and not side.other.has_ended
            and other.can_write_eof()
            and transport.can_write_eof()
        )
        if goes_on and other is not None:
            other.write_eof()
            self.renew()
            return True
        self._close()
        return False

    def lose(self, side: _Side, *, reset: bool) -> None:
        """Take that one connection is gone: the other goes as well, in the same way."""
        if side is self._upstream:
            self._connection.connection_lost(None)
        other = side.other.transport
        if other is None:
            self._finish()
        elif reset and not self._is_closing:
            self._fail(side)
        else:
            self._close()

    # What the plane asks for.

    @property
    def in_progress(self) -> AccessRecord:
        """The record of the request that asked for it."""
        return self._record

    def check_time(self, now: float) -> float:
        """Act if nothing has happened for too long, or if a paused peer has gone unnoticed."""
        heard = max(self._client.heard, self._upstream.heard)
        if heard > self._since:
            self._wait_since(heard)
        if not self._is_closing:
            self._look_at_paused()
        elif not self._untaken_bytes():
            # TLS would wait for a close_notify that the peer need not send.
            for side in (self._client, self._upstream):
                if side.transport is not None:
                    side.transport.abort()
        if not self._deadline.has_passed(now):
            return self._deadline.at if self._is_flowing() else now
        untaken = self._untaken_bytes()
        if self._deadline.has_progress(untaken) or (untaken and not self._deadline.untaken):
            self._deadline.set(self._write_timeout, untaken=untaken)
            self._since = now
        elif self._is_closing:
            self.abort()
        else:
            note_failure(self._record, Failure.TUNNEL_IDLE)
            self._close()
        return now

    def drain(self) -> None:
        """Go on: a tunnel has no end of its own to wait for; ``stop`` ends it."""

    def stop(self) -> None:
        """Close both connections."""
        note_failure(self._record, Failure.STOPPING)
        self._close()

    def abort(self) -> None:
        """Close both connections now."""
        self._is_closing = True
        for side in (self._client, self._upstream):
            side.target = None
            sockets.abort_with_reset(side.transport)

    # The steps that several of these share.

    def _wait_since(self, moment: float) -> None:
        if self._is_closing:
            return
        half_closed = any(
            side.has_ended or side.is_leaving for side in (self._client, self._upstream)
        )
        seconds = self._timeouts.idle if half_closed else self._timeouts.tunnel
        self._deadline.set_since(moment, seconds)
        self._since = moment

    def _is_flowing(self) -> bool:
        """Say whether both peers are read from, so that their ends are noticed."""
        ends = self._client.transport, self._upstream.transport
        return all(end is not None and end.is_reading() for end in ends)

    def _look_at_paused(self) -> None:
        """Ask the kernel of peers that are not being read from: their end would go unnoticed."""
        for side in (self._client, self._upstream):
            transport = side.transport
            if transport is None or transport.is_reading():
                continue
            if sockets.was_reset(transport):
                self._fail(side)
                return
            if not side.is_leaving and sockets.has_hung_up(transport):
                side.is_leaving = True
                self.renew()

    def _untaken_bytes(self) -> int:
        """Tell how much waits for either peer to take it."""
        sides = (self._client, self._upstream)
        return sum(sockets.untaken_bytes(side.transport) for side in sides)

    def _close(self) -> None:
        """Close both connections once their peers have taken what was sent, if they go on taking."""
        if not self._is_closing:
            self._is_closing = True
            self._deadline.set(self._write_timeout, untaken=self._untaken_bytes())
        self.wake()
        for side in (self._client, self._upstream):
            side.target = None
            if side.transport is not None:
                side.transport.close()

    def _fail(self, side: _Side) -> None:
        """Pass a reset on."""
        from_client = side is self._client
        failure = Failure.CLIENT_GONE if from_client else Failure.CONNECTION_TERMINATED
        note_failure(self._record, failure)
        self.abort()

    def _finish(self) -> None:
        record = self._record
        record.request_bytes = self._client.received
        record.response_bytes = self._upstream.received
        record.duration = monotonic() - record.began
        self._plane.remove(self)
        self._plane.report(record)
