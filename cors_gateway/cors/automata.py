"""Finite automata over bytes, by which the expressions of ``allowOriginRegex`` are matched.

Why not by ``re``: a matcher that backtracks needs exponential time for some expressions, whoever
sends a request chooses the text, and so one request could stop every other. An automaton reads
each byte once, whatever the expression.

It has one state for each set of bytes that the expression spells, called a place, and no moves
without a byte (Glushkov's construction). A set of places is the integer with their bits; bit 0 is
the place where nothing has been read. What follows a set and a byte is worked out when it is first
met and remembered, up to a bound.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["MAX_PLACES", "Automaton", "AutomatonBuilder", "Fragment", "Place", "bits"]

MAX_PLACES = 512
_MAX_REMEMBERED = 4096
"""Moves; when there are more, all are forgotten."""

_HEX = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Place:
    """One byte of a matching text."""

    accepted: frozenset[int]
    """The bytes that can stand here."""
    is_spelled: bool
    """Whether each of them was written out, and not meant by a range or a class."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of an automaton that is being built."""

    first: int = 0
    """The places where a match of the part begins."""
    last: int = 0
    """The places where it ends."""
    is_optional: bool = True
    """Whether the part also matches nothing."""


def bits(places: int) -> Iterator[int]:
    """Give the numbers of the places in a set."""
    while places:
        lowest = places & -places
        yield lowest.bit_length() - 1
        places ^= lowest


class Automaton:
    """An automaton as it runs."""

    __slots__ = ("_after", "_moves", "_reading", "accepting", "following", "places")

    def __init__(self, places: Sequence[Place], following: Sequence[int], accepting: int) -> None:
        self.places = tuple(places)
        self.following = tuple(following)
        """For each place, the set of those that can be next."""
        self.accepting = accepting
        """The places where a text may end."""
        self._reading = [0] * 256
        for number, place in enumerate(places):
            for byte in place.accepted:
                self._reading[byte] |= 1 << number
        # What follows a set is put together from what follows each four of its places.
        self._after = [
            {digit: self._follow(value << base) for value, digit in enumerate(_HEX)}
            for base in range(0, len(places), 4)
        ]
        self._moves: dict[int, int] = {}

    def __reduce__(self) -> tuple[type, tuple[tuple[Place, ...], tuple[int, ...], int]]:
        return Automaton, (self.places, self.following, self.accepting)

    def matches(self, text: bytes) -> bool:
        """Say whether the automaton accepts a whole text."""
        reached, moves = 1, self._moves
        for byte in text:
            move = reached << 8 | byte
            known = moves.get(move)
            reached = self._move(move) if known is None else known
            if not reached:
                return False
        return bool(reached & self.accepting)

    def step(self, reached: int, byte: int) -> int:
        """Give the places that are reached from a set of places by one byte."""
        move = reached << 8 | byte
        known = self._moves.get(move)
        return self._move(move) if known is None else known

    def readers(self, byte: int) -> int:
        """Give the places where a byte can stand."""
        return self._reading[byte]

    def _move(self, move: int) -> int:
        following = 0
        for after, digit in zip(self._after, reversed(f"{move >> 8:x}"), strict=False):
            following |= after[digit]
        if len(self._moves) >= _MAX_REMEMBERED:
            self._moves.clear()
        reached = self._moves[move] = following & self._reading[move & 0xFF]
        return reached

    def _follow(self, places: int) -> int:
        following = 0
        for number in bits(places):
            if number < len(self.following):
                following |= self.following[number]
        return following


class AutomatonBuilder:
    """An automaton in the making; fragments are its own and each is used once."""

    def __init__(self) -> None:
        self._places = [Place(frozenset(), is_spelled=False)]
        self._following = [0]

    def __len__(self) -> int:
        return len(self._places) - 1

    def place(self, accepted: frozenset[int], *, is_spelled: bool) -> Fragment:
        """Make a part that matches one byte.

        Raises:
            OverflowError: There are too many places.
        """
        if len(self) >= MAX_PLACES:
            raise OverflowError
        place = 1 << len(self._places)
        self._places.append(Place(accepted, is_spelled))
        self._following.append(0)
        return Fragment(place, place, is_optional=False)

    def chain(self, left: Fragment, right: Fragment) -> Fragment:
        """Put one part behind another."""
        for number in bits(left.last):
            self._following[number] |= right.first
        return Fragment(
            left.first | (right.first if left.is_optional else 0),
            right.last | (left.last if right.is_optional else 0),
            left.is_optional and right.is_optional,
        )

    def choose(self, parts: Sequence[Fragment]) -> Fragment:
        """Let any one of several parts match."""
        first = last = 0
        for part in parts:
            first, last = first | part.first, last | part.last
        return Fragment(first, last, any(part.is_optional for part in parts))

    def loop(self, part: Fragment) -> Fragment:
        """Let a part match once or more often."""
        return self.chain(part, part)

    def finish(self, whole: Fragment) -> Automaton:
        """Make the automaton of a part that is the whole."""
        self._following[0] = whole.first
        return Automaton(self._places, self._following, whole.last | whole.is_optional)
