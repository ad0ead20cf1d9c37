"""The last request of a connection, word for word, and what was planned for it.

``plan`` is pure: the same bytes from the same client mean the same under the same snapshot. Pages ask for
the same again and again, and then only the bytes are compared; what differs in little is planned alike
(``precedents``). A program that opens a connection for each request asks for the same too: what a client's
address asked first is kept beyond the connection.
"""

from typing import Final

from cors_gateway.messages.heads import RequestHead
from cors_gateway.planned import Forward, Peer, Respond
from cors_gateway.precedents import Precedent, plan_by_precedent, precedent_of
from cors_gateway.snapshot import Snapshot
from cors_gateway.wire.heads import HeadCutter

__all__ = ["FirstRequests", "KnownRequest", "remember"]

LONGEST_KEPT: Final = 4 * 1024
"""Bytes of a head that is kept."""

MOST_CLIENTS: Final = 256
"""Whose first requests are kept; then all are forgotten."""


class KnownRequest:
    """A request that may come again."""

    __slots__ = ("_precedent", "planned", "raw", "snapshot")

    def __init__(
        self,
        raw: bytes,
        snapshot: Snapshot,
        planned: Forward | Respond,
        precedent: Precedent | None = None,
    ) -> None:
        """Keep what was planned."""
        self.raw = raw
        """The head from its request line to its empty line: whatever begins with it has the same head."""
        self.snapshot = snapshot
        """What it was planned by."""
        self.planned = planned
        self._precedent = precedent

    def cut_next(self, heads: HeadCutter, snapshot: Snapshot) -> "KnownRequest | None":
        """Cut off the next head, and plan it, if it is the same again or differs in little."""
        if self.snapshot is not snapshot:
            return None
        if heads.cut_known(self.raw):
            return self
        if self._precedent is None:
            return None
        raw = heads.peek_plain()
        if len(raw) > LONGEST_KEPT:
            return None
        precedent = plan_by_precedent(raw, self._precedent, self.snapshot)
        if precedent is None:
            return None
        heads.cut_known(raw)
        return KnownRequest(raw, self.snapshot, precedent.forward, precedent)


def remember(
    raw: bytes, snapshot: Snapshot, head: RequestHead, planned: Forward | Respond
) -> KnownRequest | None:
    """Keep a request for the next one; ``None`` where it is too long, or a mistake of ours ended it."""
    if len(raw) > LONGEST_KEPT:
        return None
    if isinstance(planned, Forward):
        return KnownRequest(raw, snapshot, planned, precedent_of(head, planned))
    return None if planned.fault is not None else KnownRequest(raw, snapshot, planned)


class FirstRequests:
    """What the clients of each address asked first on a connection, the last time.

    Of an address and a scheme, because what is sent to the API says them. Behind a balancer all users have
    one address; only the same bytes, credentials and all, mean the same.
    """

    __slots__ = ("_of",)

    def __init__(self) -> None:
        """Know nobody."""
        self._of: dict[Peer, KnownRequest] = {}

    def of(self, peer: Peer) -> KnownRequest | None:
        """Give what a client is likely to ask."""
        return self._of.get(peer)

    def note(self, peer: Peer, known: KnownRequest | None) -> None:
        """Keep the first request of a connection, if it may be kept."""
        if known is None:
            return
        if len(self._of) >= MOST_CLIENTS:
            self.forget()
        self._of[peer] = known

    def forget(self) -> None:
        """Forget all: nobody is served by their snapshot any more."""
        self._of.clear()
