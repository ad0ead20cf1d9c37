"""What origins an automaton lets in: exactly which schemes and domains, however it spells them.

The automaton is first intersected with the grammar of origins, so that only what can be part of an
origin is left. From its beginning the schemes are read, and from the ends of the host backwards
the domains, until one is reached below which all names belong to one party, or the whole host has
been read. Every byte up to there has to be one that the expression spells: where a range, a class
or an endless repeat can stand, somebody else's domain fits too, and one such origin is made.

The grammar is a little wider than ``parse_origin``, so an automaton may be found to let in more
than it does, never less.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from string import ascii_lowercase, digits

from cors_gateway.cors.automata import Automaton, bits
from cors_gateway.cors.origins import TupleOrigin, parse_origin, serialize_origin

__all__ = ["MAX_NAMED_HOSTS", "NamedHost", "NotSpelledError", "TooManyHostsError", "find_hosts"]

MAX_NAMED_HOSTS = 512
_MAX_STEPS = 50_000
"""Nodes that are looked at, over all beginnings of schemes and ends of hosts."""

_MAX_HOST_BYTES = 253
_MAX_PORT_DIGITS = 5


@dataclass(frozen=True, slots=True)
class NamedHost:
    """A host, or the end of one, that an automaton spells."""

    scheme: str
    host: str
    with_subdomains: bool
    """Whether there may be more in front of it, behind a dot."""
    example: TupleOrigin | None
    """An origin of it that the automaton accepts; ``None`` if none was found."""

    def contains(self, origin: TupleOrigin) -> bool:
        """Say whether an origin is this host's."""
        return origin.scheme == self.scheme and (
            origin.host == self.host
            or (self.with_subdomains and origin.host.endswith(f".{self.host}"))
        )


class NotSpelledError(ValueError):
    """A scheme or a domain is not spelled out."""

    def __init__(self, origin: bytes | None, end: str) -> None:
        super().__init__(end)
        self.origin = origin
        """One that is let in for that; ``None`` if none was found."""
        self.end = end
        """What is spelled of the host, from its end."""


class TooManyHostsError(ValueError):
    """More schemes or domains are spelled than anyone would look through."""


class _Part(Enum):
    """What a byte of an origin is part of."""

    START = auto()
    SCHEME_LETTER = auto()
    SCHEME = auto()
    SCHEME_COLON = auto()
    SLASH = auto()
    LAST_SLASH = auto()
    LABEL = auto()
    DOT = auto()
    BRACKET = auto()
    ADDRESS = auto()
    LAST_BRACKET = auto()
    PORT_COLON = auto()
    PORT_DIGIT = auto()
    PORT = auto()


_GRAMMAR: dict[_Part, tuple[str, tuple[_Part, ...]]] = {
    _Part.START: ("", (_Part.SCHEME_LETTER,)),
    _Part.SCHEME_LETTER: (ascii_lowercase, (_Part.SCHEME, _Part.SCHEME_COLON)),
    _Part.SCHEME: (ascii_lowercase + digits + "+-.", (_Part.SCHEME, _Part.SCHEME_COLON)),
    _Part.SCHEME_COLON: (":", (_Part.SLASH,)),
    _Part.SLASH: ("/", (_Part.LAST_SLASH,)),
    _Part.LAST_SLASH: ("/", (_Part.LABEL, _Part.BRACKET)),
    _Part.LABEL: (ascii_lowercase + digits + "-_", (_Part.LABEL, _Part.DOT, _Part.PORT_COLON)),
    _Part.DOT: (".", (_Part.LABEL,)),
    _Part.BRACKET: ("[", (_Part.ADDRESS,)),
    _Part.ADDRESS: (digits + "abcdef:", (_Part.ADDRESS, _Part.LAST_BRACKET)),
    _Part.LAST_BRACKET: ("]", (_Part.PORT_COLON,)),
    _Part.PORT_COLON: (":", (_Part.PORT_DIGIT,)),
    _Part.PORT_DIGIT: (digits[1:], (_Part.PORT,)),
    _Part.PORT: (digits, (_Part.PORT,)),
}
"""The bytes of each part, and the parts that can follow."""

_HOST_ENDS = frozenset({_Part.LABEL, _Part.LAST_BRACKET})
_ENDS = _HOST_ENDS | {_Part.PORT_DIGIT, _Part.PORT}


@dataclass(slots=True)
class _Node:
    """A byte of an origin at one place of the automaton."""

    part: _Part
    text: str
    """The characters that can stand here; those that make the plainest origins come first."""
    is_open: bool
    """Whether any of several, which are not spelled, can stand here."""
    is_end: bool
    after: list[int]
    before: list[int]


def find_hosts(automaton: Automaton, is_one_partys: Callable[[str], bool]) -> list[NamedHost]:
    """Find all hosts that an automaton lets in, each with its scheme.

    Args:
        automaton: Of an expression.
        is_one_partys: Whether all names below a domain may be let in alike.

    Returns:
        The hosts; where there are none, no origin is let in.

    Raises:
        NotSpelledError: It lets in others than those it spells.
        TooManyHostsError: They are too many to tell.
    """
    return _Survey(_intersect(automaton), is_one_partys).find_hosts()


def _intersect(automaton: Automaton) -> dict[int, _Node]:
    """Give the parts of an automaton that origins can go through, by number; 0 is the start."""
    numbers = {(0, _Part.START): 0}
    nodes = {0: _Node(_Part.START, "", is_open=False, is_end=False, after=[], before=[])}
    reached = deque(numbers.items())
    while reached:
        (place, part), number = reached.popleft()
        for next_part in _GRAMMAR[part][1]:
            for next_place in bits(automaton.following[place]):
                key = (next_place, next_part)
                if key not in numbers:
                    numbers[key] = len(numbers)
                    nodes[numbers[key]] = _node(automaton, *key)
                    if nodes[numbers[key]].text:
                        reached.append((key, numbers[key]))
                if nodes[numbers[key]].text:
                    nodes[number].after.append(numbers[key])
                    nodes[numbers[key]].before.append(number)
    alive = _closure((n for n, node in nodes.items() if node.is_end), nodes, backwards=True)
    for number in nodes.keys() - alive:
        del nodes[number]
    for node in nodes.values():
        node.after = [n for n in node.after if n in alive]
        node.before = [n for n in node.before if n in alive]
    return nodes


def _node(automaton: Automaton, number: int, part: _Part) -> _Node:
    place = automaton.places[number]
    text = "".join(c for c in _GRAMMAR[part][0] if ord(c) in place.accepted)
    return _Node(
        part,
        # 11111 is a port, and 00000 and 99999 are none.
        text[1:] + text[:1] if text[:1] == "0" else text,
        is_open=len(text) > 1 and not place.is_spelled,
        is_end=bool(text) and part in _ENDS and bool(automaton.accepting >> number & 1),
        after=[],
        before=[],
    )


def _closure(start: Iterable[int], nodes: dict[int, _Node], *, backwards: bool = False) -> set[int]:
    found = set(start)
    waiting = list(found)
    while waiting:
        node = nodes[waiting.pop()]
        new = [n for n in (node.before if backwards else node.after) if n not in found]
        found.update(new)
        waiting += new
    return found


class _Survey:
    """One look through what an automaton lets in."""

    def __init__(self, nodes: dict[int, _Node], is_one_partys: Callable[[str], bool]) -> None:
        self._nodes = nodes
        self._is_one_partys = is_one_partys
        self._steps = 0
        self._hosts: dict[tuple[str, str, bool], NamedHost] = {}
        self._rest = self._shortest_rests()

    def find_hosts(self) -> list[NamedHost]:
        if self._nodes:
            self._read_schemes()
        return list(self._hosts.values())

    def _shortest_rests(self) -> dict[int, str]:
        """Give a shortest text behind each node that makes an origin whole."""
        rests = {number: "" for number, node in self._nodes.items() if node.is_end}
        waiting = deque(rests)
        while waiting:
            number = waiting.popleft()
            node = self._nodes[number]
            for before in node.before:
                if before not in rests:
                    rests[before] = node.text[0] + rests[number]
                    waiting.append(before)
        return rests

    def _look_at(self, nodes: int) -> None:
        self._steps += nodes
        if self._steps > _MAX_STEPS or len(self._hosts) > MAX_NAMED_HOSTS:
            raise TooManyHostsError

    def _read_schemes(self) -> None:
        """Read every scheme from its beginning, then the hosts behind it."""
        waiting: list[tuple[str, frozenset[int], tuple[frozenset[int], ...]]]
        waiting = [("", frozenset({0}), ())]
        while waiting:
            text, places, passed = waiting.pop()
            self._look_at(len(places))
            following: dict[str, set[int]] = {}
            for number in {n for place in places for n in self._nodes[place].after}:
                node = self._nodes[number]
                if node.part is _Part.LABEL or node.part is _Part.BRACKET:
                    continue
                if node.is_open or places in passed:
                    self._refuse(text, number, self._rest[number], "")
                for character in node.text:
                    following.setdefault(character, set()).add(number)
            for character, found in following.items():
                waiting.append((text + character, frozenset(found), (*passed, places)))
            slashes = [n for n in places if self._nodes[n].part is _Part.LAST_SLASH]
            if slashes:
                self._read_hosts(text.removesuffix("://"), slashes)

    def _read_hosts(self, scheme: str, slashes: list[int]) -> None:
        """Read the hosts behind a scheme, from their ends."""
        fronts = self._shortest_fronts(scheme, slashes)
        # What ends a host, with a shortest port behind it where there has to be one.
        ends: dict[int, str] = {}
        for number in fronts:
            node = self._nodes[number]
            colons = [n for n in node.after if self._nodes[n].part is _Part.PORT_COLON]
            if node.part in _HOST_ENDS and (node.is_end or colons):
                ends[number] = "" if node.is_end else self._plainest_port(scheme, colons)
        waiting: list[tuple[str, dict[int, str], tuple[frozenset[int], ...]]] = [("", ends, ())]
        while waiting:
            host, ends, passed = waiting.pop()
            self._look_at(len(ends))
            if len(host) > _MAX_HOST_BYTES:
                continue
            places = frozenset(ends)
            preceding: dict[str, dict[int, str]] = {}
            for number, tail in ends.items():
                node = self._nodes[number]
                if node.part is _Part.LAST_SLASH:
                    self._name(scheme, host, fronts[number] + "/", tail)
                    continue
                if node.part is _Part.DOT and self._is_one_partys(host):
                    self._name(scheme, host, fronts[number] + ".", tail)
                    continue
                if node.is_open or places in passed:
                    self._refuse(fronts[number], number, host + tail, host)
                for character in node.text:
                    before = preceding.setdefault(character, {})
                    for n in node.before:
                        if n in fronts:
                            before.setdefault(n, tail)
            for character, before in preceding.items():
                waiting.append((character + host, before, (*passed, places)))

    def _plainest_port(self, scheme: str, colons: list[int]) -> str:
        """Give a short port that the scheme can have; any other where none was found."""
        waiting = deque((":", colon) for colon in colons)
        known = set(waiting)
        while waiting:
            text, number = waiting.popleft()
            node = self._nodes[number]
            if node.is_end and parse_origin(f"{scheme}://a{text}".encode("ascii")) is not None:
                return text
            if len(text) <= _MAX_PORT_DIGITS:
                for after in node.after:
                    for digit in self._nodes[after].text[:2]:
                        if (text + digit, after) not in known:
                            known.add((text + digit, after))
                            waiting.append((text + digit, after))
        return ":" + self._rest[colons[0]]

    def _shortest_fronts(self, scheme: str, slashes: list[int]) -> dict[int, str]:
        """Give a shortest text before each node of a host and a port."""
        fronts = dict.fromkeys(slashes, f"{scheme}:/")
        waiting = deque(fronts)
        while waiting:
            number = waiting.popleft()
            node = self._nodes[number]
            for after in node.after:
                if after not in fronts:
                    fronts[after] = fronts[number] + node.text[0]
                    waiting.append(after)
        return fronts

    def _name(self, scheme: str, host: str, front: str, tail: str) -> None:
        example = parse_origin(f"{front}{host}{tail}".encode("ascii"))
        key = (scheme, host, front.endswith("."))
        if key not in self._hosts or self._hosts[key].example is None:
            self._hosts[key] = NamedHost(*key, example)

    def _refuse(self, front: str, number: int, rest: str, end: str) -> None:
        for character in self._nodes[number].text:
            origin = parse_origin(f"{front}{character}{rest}".encode("ascii"))
            if origin is not None:
                raise NotSpelledError(serialize_origin(origin), end)
        raise NotSpelledError(None, end)
