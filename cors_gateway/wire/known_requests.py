"""The last request of a connection, word for word, and what was planned for it.

``plan`` is pure: the same bytes from the same client mean the same under the same snapshot. Pages ask for
the same again and again, and then only the bytes are compared.
"""

from typing import Final

from cors_gateway.planned import Forward, Respond
from cors_gateway.snapshot import Snapshot

__all__ = ["KnownRequest", "remember"]

LONGEST_KEPT: Final = 4 * 1024
"""Bytes of a head that is kept."""


class KnownRequest:
    """A request that may come again."""

    __slots__ = ("planned", "raw", "snapshot")

    def __init__(self, raw: bytes, snapshot: Snapshot, planned: Forward | Respond) -> None:
        """Keep what was planned."""
        self.raw = raw
        """The head from its request line to its empty line: whatever begins with it has the same head."""
        self.snapshot = snapshot
        """What it was planned by."""
        self.planned = planned


def remember(raw: bytes, snapshot: Snapshot, planned: Forward | Respond) -> KnownRequest | None:
    """Keep a request for the next one; ``None`` where it is too long, or a mistake of ours ended it."""
    has_failed = isinstance(planned, Respond) and planned.fault is not None
    if has_failed or len(raw) > LONGEST_KEPT:
        return None
    return KnownRequest(raw, snapshot, planned)
