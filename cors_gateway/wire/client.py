"""What an exchange asks of a client's connection."""

import asyncio
from typing import Protocol

from cors_gateway.answers import Answer
from cors_gateway.wire.client_socket import ClientSocket
from cors_gateway.wire.plane import Connection
from cors_gateway.wire.record import AccessRecord

__all__ = ["Client"]


class Client(Connection, Protocol):
    """The connection that a request came by."""

    socket: ClientSocket
    """What the response leaves by."""

    @property
    def is_used_up(self) -> bool:
        """Whether it closes behind the response in progress, which has to say so."""

    def write(self, data: bytes, *, is_last: bool = False) -> None:
        """Send bytes of the response; the last ones that the connection carries with its end."""

    def take_unread(self) -> bytes:
        """Give what has arrived behind the head."""

    def put_back(self, surplus: bytes) -> None:
        """Take what arrived behind the content: it begins the next request."""

    def pause_reading(self) -> None:
        """Let the client wait."""

    def resume_reading(self) -> None:
        """Let the client go on."""

    def untaken_bytes(self) -> int:
        """Tell how much waits for the client to take it."""

    def hand_over(self, connection: Connection) -> tuple[asyncio.Transport, bytes]:
        """Give the socket to ``connection``, with what has arrived behind the head."""

    def exchange_failed(
        self, answer: Answer, record: AccessRecord, *, persists: bool, head_only: bool
    ) -> None:
        """Send an answer of the gateway's own; the exchange is over."""

    def exchange_ended(self, *, persists: bool, still_sending: bool) -> None:
        """Take that the response is complete, though perhaps not the request."""

    def truncate(self, *, reset: bool) -> None:
        """Close early, so that the client knows the response for incomplete."""
