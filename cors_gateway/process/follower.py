"""Who goes over to another configuration beside the workers: only a shape.

First all get ready, which may fail and changes nothing; then each goes over, which cannot fail.
"""

from typing import Protocol

from cors_gateway.snapshot import Snapshot

__all__ = ["Follower"]


class Follower(Protocol):
    """Somebody beside the workers who goes over to another configuration with them."""

    async def prepare(self, snapshot: Snapshot) -> None:
        """Get ready for it, without a change.

        Raises:
            ListenError: that cannot be done.
        """

    def commit(self) -> None:
        """Go over to it."""

    def forget(self) -> None:
        """Give it up."""

    def settle(self) -> None:
        """Take that the attempt is over, and what came of it has been told."""
