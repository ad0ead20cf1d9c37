"""How many connections to APIs a worker holds, over all its pools, and which one it gives up first.

Each client has at most one request in progress, so a worker needs at most as many connections as it
may have clients. More would be idle ones that nobody waits for, and each takes a file descriptor. So
from then on a connection that is opened takes the place of the one that has been idle for longest, to
whichever API it leads. Nobody is refused here: how many there may be to one API is for its pool.
"""

from cors_gateway.wire.places import Place, Places

__all__ = ["Holdings"]


class Holdings:
    """The connections of all pools of one worker together."""

    __slots__ = ("count", "limit", "places")

    def __init__(self, limit: int) -> None:
        """Hold nothing.

        Args:
            limit: how many there may be before idle ones are given up.
        """
        self.limit = limit
        self.count = 0
        """Connections that are open or being opened; a sum over the pools would cost more."""
        self.places: set[Places] = set()
        """Of every pool that keeps idle connections."""

    def make_room(self) -> None:
        """Let one more be opened: give an idle one up where there are as many as there may be."""
        if self.count < self.limit:
            return
        oldest = min(self._with_idle(), key=lambda each: each.idle[0].idle_since, default=None)
        if oldest is not None:
            oldest.give_up_oldest()

    def close_idle(self) -> None:
        """Give all idle ones up: descriptors have run out."""
        for place in self._with_idle():
            place.close_idle()

    def _with_idle(self) -> list[Place]:
        return [place for places in self.places for place in places if place.idle]
