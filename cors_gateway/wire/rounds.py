"""Whom a tick looks at: the connections that may have something to do, and not all the others.

Ten thousand connections that wait for their clients' next requests cost 4 % of a CPU if each is asked four
times a second whether its deadline has passed. So each says until when it may be left alone, and
rests in a slot with those of the same moment; a tick touches only the slots whose time has come. A
deadline that moves away costs nothing: the connection is looked at once in vain, and rests again.

Knows neither deadlines nor what a look does. Who has to act earlier than it said is woken.
"""

from collections.abc import KeysView
from typing import Generic, TypeVar

__all__ = ["Rounds"]

T = TypeVar("T")


class Rounds(Generic[T]):
    """Connections, each either awake, to be looked at by every tick, or at rest."""

    __slots__ = ("_awake", "_places", "_slots", "_width", "all")

    def __init__(self, width: float) -> None:
        """Begin with none.

        Args:
            width: seconds that go into one slot.
        """
        self._width = width
        self._awake: set[T] = set()
        self._slots: dict[int, set[T]] = {}
        self._places: dict[T, set[T]] = {}  # the one set of those above that has it
        self.all: KeysView[T] = self._places.keys()
        """Every one, as it is at the moment."""

    def add(self, connection: T) -> None:
        """Take one, awake."""
        self._places[connection] = self._awake
        self._awake.add(connection)

    def remove(self, connection: T) -> None:
        """Forget one, if it is known."""
        place = self._places.pop(connection, None)
        if place is not None:
            place.discard(connection)

    def wake(self, connection: T) -> None:
        """Look at one from the next tick on, if it is known."""
        place = self._places.get(connection)
        if place is not None and place is not self._awake:
            place.discard(connection)
            self.add(connection)

    def wake_all(self) -> None:
        """Look at each from the next tick on."""
        for connection in self._places:
            self.add(connection)
        self._slots.clear()

    def due(self, now: float) -> list[T]:
        """Give those to look at; whose rest is over is awake from now on.

        Args:
            now: in the seconds that ``rest`` is given.
        """
        current = int(now / self._width)
        for number in [number for number in self._slots if number <= current]:
            for connection in self._slots.pop(number):
                self.add(connection)
        return list(self._awake)

    def rest(self, connection: T, now: float, until: float) -> None:
        """Leave one alone until the first tick behind a moment, if it is known.

        Args:
            connection: which one.
            now: as ``due`` was given it.
            until: at ``now`` or before it, the connection stays awake.
        """
        number = int(until / self._width)
        place = self._places.get(connection)
        if place is None or number <= int(now / self._width):
            return
        place.discard(connection)
        slot = self._slots.setdefault(number, set())
        slot.add(connection)
        self._places[connection] = slot
