"""The self-test of a policy at load: hostile siblings of what it names must stay outside.

A sibling is an origin that differs from a named one as attackers' origins do: a glued suffix, an
unescaped dot, another scheme or port, a misread URL part. The set of origins is asked for each. An
entry that answers to an origin that it does not spell is an *intruder's* way in, and the policy
does not load.

What an entry spells is judged here in another way than the set decides it, so that one mistake
does not excuse the other. What a regular expression spells is read off its automaton by ``reach``.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from cors_gateway.cors.origins import TupleOrigin, parse_origin, serialize_origin
from cors_gateway.cors.public_suffixes import IsPublicSuffix, registrable_domain
from cors_gateway.cors.reach import NamedHost, NotSpelledError

__all__ = [
    "Intruder",
    "choose_intruder",
    "find_intruder",
    "find_regex_intruder",
    "hostile_siblings",
    "is_spelled_by",
]

Find = Callable[[bytes], str | None]
Matches = Callable[[bytes], bool]

_STRANGERS = (
    b"https://evil.com",
    b"http://evil.com",
    b"https://evil.example",
    b"https://xn--vil-yma.com",
    b"http://localhost.evil.com",
    b"null",
)
"""Origins that no policy means, whatever it names."""


@dataclass(frozen=True, slots=True)
class Intruder:
    """An origin that got in, and the entry that let it in."""

    origin: bytes
    entry: str


def hostile_siblings(origin: TupleOrigin, domain: str) -> Iterator[bytes]:
    """Derive origins that look like a named one and are not.

    Args:
        origin: The one that is named.
        domain: Its registrable domain.
    """
    itself = serialize_origin(origin)
    return (sibling for sibling in _derive(origin, domain) if sibling != itself)


def _derive(origin: TupleOrigin, domain: str) -> Iterator[bytes]:
    scheme, host = origin.scheme, origin.host
    port = "" if origin.port is None else f":{origin.port}"
    spelled = f"{scheme}://{host}{port}"
    first, _, parent = host.partition(".")
    hosts = [
        f"evil.{domain.partition('.')[2]}",
        *(f"{host}{tail}" for tail in (".evil.com", "evil.com", ".tk", "puter", ".", "_.evil.com")),
        *(f"{head}{domain}" for head in ("evil", "not", "evil-", "x.evil")),
        *(host[1:], host[:-1], domain[1:], f".{host}", f"a..{host}", f"*.{host}"),
        *(parent, f"{first}.evil.{parent}"),
        *(f"{host}{c}.evil.com" for c in "`{}^!~;|&'()$=\"+-"),
        *(host.replace(".", c) for c in "ax-"),
        *(f"{domain.partition('.')[0]}.{tail}" for tail in ("evil", "xyz")),
    ]
    for dot in (index for index, c in enumerate(host) if c == "."):
        hosts += [f"{host[:dot]}{c}{host[dot + 1 :]}" for c in "ax-"]
    for sibling in hosts:
        yield f"{scheme}://{sibling}{port}".encode()
    for other in ("http", "https", "ws", "ftp", "evil"):
        yield f"{other}://{host}{port}".encode()
    for tail in (":8443", ":80", ":443", ":0", ":65536", ":", ":443x", ":08443", ":-1"):
        yield f"{scheme}://{host}{tail}".encode()
    for tail in (
        "/",
        "/a",
        "?a",
        "#a",
        "@evil.com",
        "\\.evil.com",
        "%60.evil.com",
        "\0",
        "\t",
        " ",
    ):
        yield f"{spelled}{tail}".encode()
    yield from (
        f"{scheme}://evil.com#{host}".encode(),
        f"{scheme}://evil.com\\@{host}".encode(),
        f"{scheme}://user@{host}{port}".encode(),
        f"{spelled},https://evil.com".encode(),
        f"{spelled} https://evil.com".encode(),
        f"{host}{port}".encode(),
        f"//{host}{port}".encode(),
        spelled.upper().encode(),
        spelled.replace("a", "\u0430").encode(),
        spelled.replace(".", "\uff0e").encode(),
    )
    yield from _STRANGERS


def is_spelled_by(entry: str, origin: bytes) -> bool:
    """Say whether an entry of ``allowOrigins`` spells an origin, by the letter."""
    if "*" not in entry:
        return origin == entry.encode()
    expression = re.escape(entry)
    if entry.endswith(":*"):
        expression = expression.removesuffix(r":\*") + r"(:[1-9][0-9]{0,4})?"
    expression = expression.replace(r"://\*\.", r"://([a-z0-9_-]+\.)+")
    expression = expression.replace(r"\*", "[a-z0-9-]+")
    return re.fullmatch(expression.encode(), origin) is not None


def find_intruder(
    named: Iterable[TupleOrigin], find: Find, regexes: frozenset[str], is_public: IsPublicSuffix
) -> Intruder | None:
    """Find an origin that a set admits by an entry that does not spell it.

    Entries that are regular expressions have a test of their own.
    """
    for origin in named:
        domain = registrable_domain(origin.host, is_public)
        for sibling in hostile_siblings(origin, domain):
            entry = find(sibling)
            if entry is not None and entry not in regexes and not is_spelled_by(entry, sibling):
                return Intruder(sibling, entry)
    return None


def find_regex_intruder(
    text: str, matches: Matches, hosts: Collection[NamedHost], is_public: IsPublicSuffix
) -> Intruder | None:
    """Find an origin that a regular expression matches and does not spell.

    Args:
        text: The expression.
        matches: Whether it matches an origin.
        hosts: All that it spells.
        is_public: Whether a domain is a public suffix.
    """
    candidates = dict.fromkeys(_STRANGERS)
    for example in filter(None, (host.example for host in hosts)):
        domain = registrable_domain(example.host, is_public)
        candidates |= dict.fromkeys(hostile_siblings(example, domain))
        candidates |= dict.fromkeys(hostile_siblings(replace(example, port=None), domain))
    for candidate in candidates:
        origin = parse_origin(candidate)
        if (
            origin is not None
            and matches(candidate)
            and not any(host.contains(origin) for host in hosts)
        ):
            return Intruder(candidate, text)
    return None


def choose_intruder(matches: Matches, error: NotSpelledError) -> bytes | None:
    """Choose the plainest of the origins that come in where an expression spells no domain."""
    scheme = (error.origin or b"https").partition(b":")[0]
    plain = (
        *_STRANGERS,
        *(scheme + b"://evil" + tail + error.end.encode() for tail in (b"", b"-")),
    )
    for candidate in plain:
        if parse_origin(candidate) is not None and matches(candidate):
            return candidate
    return error.origin
