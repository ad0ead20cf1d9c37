"""Which entries of a policy let in origins that another policy does not: exactly, where that ends.

A pattern is looked up among the patterns that could contain it. An expression is asked as what it
is: an automaton that runs beside those of the other policy, byte by byte, until an origin is found
that it alone accepts, or until there is nothing left to find. The search has a bound, and behind it
the answer is that an entry may let in more.

Knows origins and no other part of a policy: neither credentials nor methods.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product
from string import ascii_lowercase, digits
from typing import NamedTuple

from cors_gateway.cors.automata import Automaton
from cors_gateway.cors.origins import parse_origin
from cors_gateway.cors.patterns import OriginPattern, OriginSet, parse_pattern
from cors_gateway.cors.policy import Policy
from cors_gateway.cors.regexes import compile_regex

__all__ = ["EntryBeyond", "entries_beyond"]

_ALPHABET = (ascii_lowercase + digits[1:] + "0-_.:/[]+").encode("ascii")
"""The bytes of origins; those that make the plainest ones come first."""

_GRAMMAR = (
    r"[a-z][a-z0-9+.-]*://"
    r"([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:]+\])"
    r"(:[1-9][0-9]{0,4})?"
)
"""A little wider than ``parse_origin``, which has the last word on what is found."""

_NEVER_WRITTEN = r"https://[^:]+:443|http://[^:]+:80"

_MAX_STATES = 20_000
"""Sets of places that are looked at for one entry."""

_MAX_SEARCHES = 20
"""Entries that are searched for; the same code would only be repeated for a generated list."""

_MAX_BESIDE = 32
"""Patterns of the other policy that run beside its expressions."""


class EntryBeyond(NamedTuple):
    """An entry that lets in more than another policy does."""

    text: str
    """As configured."""
    key: str
    """``allowOrigins`` or ``allowOriginRegex``."""
    place: int
    """In the key's list."""
    example: bytes | None
    """An origin that only this entry lets in; ``None`` where it is not certain that there is one."""


class _Names(NamedTuple):
    """The origins that a policy looks at by name."""

    origins: OriginSet
    entries: tuple[str, ...]
    """Of ``allowOrigins``."""


def entries_beyond(policy: Policy, other: Policy) -> Iterator[EntryBeyond]:
    """Find the entries of a policy that name origins which the other does not name.

    ``*`` and ``null`` are no names. A policy that sends a literal ``*`` looks at none.
    """
    own, others = _names_of(policy), _names_of(other)
    searches = _MAX_SEARCHES
    known = frozenset((*others.entries, *(text for text, _ in others.origins.regexes)))
    for place, text in enumerate(own.entries):
        if text == "*" or text in known:
            continue
        pattern = parse_pattern(text)
        if others.origins.find_pattern(pattern) is not None:
            continue
        if pattern.is_exact or not others.origins.regexes:
            example = _find_example(pattern, others.origins)
            yield EntryBeyond(text, "allowOrigins", place, example)
            continue
        searches -= 1
        found = _search(_automaton_of(pattern), others) if searches >= 0 else _UNKNOWN
        if found is not None:
            yield EntryBeyond(text, "allowOrigins", place, found or None)
    for text, automaton in own.origins.regexes:
        if text in known:
            continue
        searches -= 1
        found = _search(automaton, others) if searches >= 0 else _UNKNOWN
        if found is not None:
            place = policy.settings.allow_origin_regex.index(text)
            yield EntryBeyond(text, "allowOriginRegex", place, found or None)


def _names_of(policy: Policy) -> _Names:
    if policy.allows_any_origin:
        return _Names(OriginSet(), ())
    return _Names(policy.origins, policy.settings.allow_origins)


def _find_example(pattern: OriginPattern, others: OriginSet) -> bytes | None:
    """Make a plain origin of a pattern that is not among others."""
    if pattern.is_exact:
        return pattern.text.encode("ascii")
    ports = ("", ":8080", ":1") if pattern.any_port else (_port(pattern),)
    for letter, port in product(ascii_lowercase + digits, ports):
        front = ""
        if pattern.subdomains:
            front = f"{letter}."
        elif pattern.label is not None:
            front = f"{pattern.label[0]}{letter}{pattern.label[1]}."
        origin = f"{pattern.scheme}://{front}{pattern.host}{port}".encode("ascii")
        if parse_origin(origin) and others.find(origin) is None:
            return origin
    return None


_UNKNOWN = b""
"""There may be an origin."""


def _search(automaton: Automaton, others: _Names) -> bytes | None:
    """Find an origin that an automaton accepts and that is not named by others.

    Returns:
        The origin; ``None`` if there is none; empty if that could not be found out.
    """
    beside = (
        parse_pattern(text)
        for text in others.entries
        if text != "*" and ("*" in text or automaton.matches(text.encode("ascii")))
    )
    covering = [
        compile_regex(_NEVER_WRITTEN),
        *(regex for _, regex in others.origins.regexes),
        *map(_automaton_of, islice(beside, _MAX_BESIDE)),
    ]
    return _find_alone((automaton, compile_regex(_GRAMMAR)), covering, others.origins)


def _find_alone(
    wanted: Sequence[Automaton], covering: Sequence[Automaton], named: OriginSet
) -> bytes | None:
    """Walk all automata at once, shortest texts first, for one that only those wanted accept."""
    every = (*wanted, *covering)
    letters = _letters_told_apart(every)
    start = (1,) * len(every)
    known = {start}
    waiting = deque([(start, b"")])
    is_certain = True
    while waiting:
        reached, text = waiting.popleft()
        accepted = [bool(r & a.accepting) for r, a in zip(reached, every, strict=True)]
        if all(accepted[: len(wanted)]) and not any(accepted[len(wanted) :]):
            if parse_origin(text) and named.find(text) is None:
                return text
            is_certain = False
        for letter in letters:
            following = tuple(
                a.step(r, letter) if r else 0 for r, a in zip(reached, every, strict=True)
            )
            if all(following[: len(wanted)]) and following not in known:
                if len(known) >= _MAX_STATES:
                    return _UNKNOWN
                known.add(following)
                waiting.append((following, text + bytes((letter,))))
    return None if is_certain else _UNKNOWN


def _letters_told_apart(automata: Iterable[Automaton]) -> bytes:
    """Choose one byte of those that every automaton takes for the same."""
    automata = tuple(automata)
    letters: dict[tuple[int, ...], int] = {}
    for byte in _ALPHABET:
        letters.setdefault(tuple(automaton.readers(byte) for automaton in automata), byte)
    return bytes(letters.values())


def _automaton_of(pattern: OriginPattern) -> Automaton:
    """Write a pattern as an expression."""
    front = ""
    if pattern.subdomains:
        front = r"([a-z0-9_-]+\.)+"
    elif pattern.label is not None:
        before, after = map(re.escape, pattern.label)
        front = rf"{before}[a-z0-9-]+{after}\."
    port = "(:[1-9][0-9]{0,4})?" if pattern.any_port else _port(pattern)
    return compile_regex(f"{re.escape(pattern.scheme)}://{front}{re.escape(pattern.host)}{port}")


def _port(pattern: OriginPattern) -> str:
    return "" if pattern.port is None else f":{pattern.port}"
