"""Answers that the gateway makes itself, on their way to a client; and the content that nobody asked for.

Content of a request that is answered here is dropped, never read as a request (RFC 9112, section 9.3): some
of it, so that the connection may live on; of more, or where the client waits to be told to send it, the
connection closes. This module knows no connection's state.
"""

from cors_gateway.answers import Answer, serialize_answer
from cors_gateway.messages.framing import FramingKind
from cors_gateway.planned import Respond
from cors_gateway.wire.content import ContentReader, content_reader
from cors_gateway.wire.plane import Plane
from cors_gateway.wire.record import AccessRecord

__all__ = ["TURN", "reader_of_unwanted", "write_out"]

TURN = 64
"""Requests of one client in a row before the others have their turn: own answers wait for nobody, and
hundreds of thousands of requests may have arrived at once."""

DISCARDED_BYTES = 64 * 1024
"""Bytes of content that are read and dropped so that a connection may live on after an answer."""


def reader_of_unwanted(planned: Respond) -> ContentReader | None:
    """Give what finds the end of content that is dropped; ``None`` where that is not worth while."""
    framing = planned.framing
    is_short = framing.kind is FramingKind.COUNTED and framing.length <= DISCARDED_BYTES
    if planned.expects_continue or not is_short:
        return None
    return content_reader(framing, strict=True)


def write_out(
    plane: Plane, answer: Answer, record: AccessRecord, *, persists: bool, head_only: bool
) -> bytes:
    """Write an answer for the wire, and note how long its content is.

    Args:
        plane: knows the date.
        answer: what to say.
        record: of the request.
        persists: whether the connection stays open.
        head_only: whether the request was a HEAD.
    """
    written, record.response_bytes = serialize_answer(
        answer,
        request_id=record.request_id,
        date=plane.ticker.date,
        head_only=head_only,
        persists=persists,
    )
    return written
