"""Origin patterns: the spellings that stand for more than one origin, and sets of them.

==============================  =========================================================
``https://app.example.com``     that origin; any scheme but ``file``
``https://*.example.com``       one or more labels in front; not ``https://example.com``
``https://pr-*.example.com``    ``[a-z0-9-]+`` inside the leftmost label, beside a ``-``
``http://localhost:*``          any port, and none
==============================  =========================================================

Wildcards stand with ``http`` and ``https`` only. Every pattern has one spelling, and the set finds
patterns by it: an origin is turned into the few spellings that could contain it, which are looked
up, so that a hundred thousand entries decide as fast as one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase, digits
from types import MappingProxyType
from typing import Self

from cors_gateway.cors.automata import Automaton
from cors_gateway.cors.origins import (
    TupleOrigin,
    parse_origin,
    respell_origin,
    suggest_origin,
)

__all__ = ["OriginPattern", "OriginSet", "PatternError", "parse_pattern"]

_IN_LABEL_CHARACTERS = ascii_lowercase + digits + "-"
_NO_REGEXES: Mapping[str, Automaton] = MappingProxyType({})


class PatternError(ValueError):
    """A text that is no pattern: why, and what was probably meant."""

    def __init__(self, why: str, suggestion: str | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class OriginPattern:
    """One entry of ``allowOrigins``, taken apart."""

    text: str
    scheme: str
    host: str
    """The literal end of the host: without the wildcard's label if there is one."""
    port: int | None
    any_port: bool = False
    subdomains: bool = False
    """One or more labels stand in front of ``host``."""
    label: tuple[str, str] | None = None
    """What stands before and after the wildcard inside the leftmost label."""

    @property
    def is_exact(self) -> bool:
        """Whether the pattern is one origin."""
        return not (self.any_port or self.subdomains or self.label)


def parse_pattern(text: str) -> OriginPattern:
    """Parse an entry of ``allowOrigins``.

    Raises:
        PatternError: The text stands for no origin, or for more than a pattern may.
    """
    pattern = _parse_pattern(text)
    if isinstance(pattern, OriginPattern):
        return pattern
    respelled = _respell_pattern(text)
    is_better = respelled != text and isinstance(_parse_pattern(respelled), OriginPattern)
    raise PatternError(pattern, respelled if is_better else None)


class OriginSet:
    """All origins that a policy names, exactly, by pattern and by regular expression."""

    __slots__ = ("_exact", "_regexes", "_shapes", "_subdomains", "_wildcards")

    def __init__(self) -> None:
        self._exact: dict[bytes, str] = {}
        self._wildcards: set[str] = set()
        self._subdomains: set[str] = set()
        self._shapes: dict[str, tuple[tuple[int, int], ...]] = {}
        self._regexes: tuple[tuple[str, Automaton], ...] = ()

    @classmethod
    def of(
        cls, patterns: Iterable[OriginPattern], regexes: Mapping[str, Automaton] = _NO_REGEXES
    ) -> Self:
        """Collect patterns and regular expressions, these by their texts."""
        origins = cls()
        shapes: dict[str, set[tuple[int, int]]] = {}
        for pattern in patterns:
            if pattern.is_exact:
                origins._exact[pattern.text.encode("ascii")] = pattern.text
                continue
            origins._wildcards.add(pattern.text)
            if pattern.subdomains:
                origins._subdomains.add(pattern.host)
            elif pattern.label:
                prefix, suffix = pattern.label
                shapes.setdefault(pattern.host, set()).add((len(prefix), len(suffix)))
        origins._shapes = {host: tuple(sorted(found)) for host, found in shapes.items()}
        origins._regexes = tuple(regexes.items())
        return origins

    @property
    def regexes(self) -> Sequence[tuple[str, Automaton]]:
        """The expressions that some origin can match: their texts, and what they are run by."""
        return self._regexes

    def find(self, origin: bytes) -> str | None:
        """Find the configured text that names an origin; ``None`` if none does."""
        entry = self._exact.get(origin)
        if entry is not None or not (self._wildcards or self._regexes):
            return entry
        parsed = parse_origin(origin)
        if parsed is None:
            return None
        if self._wildcards:
            for candidate in self._candidates(parsed):
                if candidate in self._wildcards:
                    return candidate
        for text, automaton in self._regexes:
            if automaton.matches(origin):
                return text
        return None

    def find_pattern(self, pattern: OriginPattern) -> str | None:
        """Find one configured entry that names every origin of a pattern; ``None`` if none does.

        With a wildcard in the pattern, expressions are not asked, nor what several entries name
        together.
        """
        if pattern.is_exact:
            return self.find(pattern.text.encode("ascii"))
        for candidate in self._candidates_around(pattern):
            if candidate in self._wildcards:
                return candidate
        return None

    def _candidates(self, origin: TupleOrigin) -> Iterator[str]:
        """Spell every pattern with a wildcard that would contain an origin."""
        port = "" if origin.port is None else f":{origin.port}"
        scheme, host = origin.scheme, origin.host
        yield f"{scheme}://{host}:*"
        label, _, rest = host.partition(".")
        for before, after in self._shapes.get(rest, ()):
            prefix, suffix = label[:before], label[len(label) - after :]
            if before + after < len(label) and _fills_label(label, prefix, suffix):
                yield f"{scheme}://{prefix}*{suffix}.{rest}{port}"
                yield f"{scheme}://{prefix}*{suffix}.{rest}:*"
        yield from self._candidates_over(scheme, rest, port)

    def _candidates_around(self, pattern: OriginPattern) -> Iterator[str]:
        """Spell every pattern with a wildcard that would contain another one."""
        port = ":*" if pattern.any_port else "" if pattern.port is None else f":{pattern.port}"
        scheme, host = pattern.scheme, pattern.host
        if pattern.subdomains:
            yield from self._candidates_over(scheme, host, port)
            return
        if pattern.label is None:
            # A host with any port: as an origin of it, and with the same port.
            for candidate in self._candidates(TupleOrigin(scheme, host, None)):
                if candidate.endswith(":*"):
                    yield candidate
            return
        left, right = pattern.label
        for before, after in self._shapes.get(host, ()):
            spared = left[before:] + right[: len(right) - after]
            if (
                before <= len(left)
                and after <= len(right)
                and not spared.strip(_IN_LABEL_CHARACTERS)
            ):
                label = f"{left[:before]}*{right[len(right) - after :]}"
                yield f"{scheme}://{label}.{host}{port}"
                yield f"{scheme}://{label}.{host}:*"
        yield from self._candidates_over(scheme, host, port)

    def _candidates_over(self, scheme: str, domain: str, port: str) -> Iterator[str]:
        """Spell the patterns for whatever is below a domain, or below one that it is in."""
        while domain:
            if domain in self._subdomains:
                yield f"{scheme}://*.{domain}{port}"
                yield f"{scheme}://*.{domain}:*"
            domain = domain.partition(".")[2]


def _fills_label(label: str, prefix: str, suffix: str) -> bool:
    wild = label[len(prefix) : len(label) - len(suffix)]
    return (
        label.startswith(prefix)
        and label.endswith(suffix)
        and bool(wild)
        and not wild.strip(_IN_LABEL_CHARACTERS)
    )


def _parse_pattern(text: str) -> OriginPattern | str:
    """Parse a pattern, or say why it is none."""
    if "*" not in text:
        origin = parse_origin(text.encode("ascii", "replace"))
        if origin is None:
            return _why_no_origin(text)
        if origin.scheme == "file":
            return "browsers send Origin: null for files"
        return OriginPattern(text, origin.scheme, origin.host, origin.port)
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in {"http", "https"}:
        return "a wildcard stands in the host or as the port, after http:// or https://"
    any_port = rest.endswith(":*")
    host_and_port = rest.removesuffix(":*")
    label, dot, host = host_and_port.partition(".")
    if "*" not in host_and_port:
        parts, host, inside = "", host_and_port, None
    elif label == "*" and dot:
        parts, inside = "a.", None
    elif label.count("*") == 1 and dot:
        prefix, _, suffix = label.partition("*")
        if not (prefix.endswith("-") or suffix.startswith("-")):
            return "inside a label, a wildcard needs a - on one side: pr-*"
        parts, inside = f"{prefix}a{suffix}.", (prefix, suffix)
    else:
        return "a wildcard may only stand in the leftmost of several labels, and once"
    if "*" in host:
        return "a wildcard may only stand in the leftmost label, and once"
    sample = parse_origin(f"{scheme}://{parts}{host}".encode("ascii", "replace"))
    if sample is None or (any_port and sample.port is not None):
        return _why_no_origin(text.replace("*", "a", 1).removesuffix(":*"))
    literal = sample.host.removeprefix(parts) if parts else sample.host
    return OriginPattern(
        text,
        scheme,
        literal,
        sample.port,
        any_port=any_port,
        subdomains=bool(parts) and inside is None,
        label=inside,
    )


def _respell_pattern(text: str) -> str:
    """Spell what a pattern was probably meant to be; it need not be one."""
    scheme, separator, host = respell_origin(text).partition("://")
    if host.startswith("."):
        host = "*" + host
    elif host.startswith("*") and host[1:2] not in {".", "-", ":", ""}:
        host = "*." + host[1:]
    return scheme + separator + host


def _why_no_origin(text: str) -> str:
    """Name the part of a text that keeps it from being an origin."""
    scheme, separator, rest = text.partition("://")
    if not text:
        return "it is empty"
    if text != text.strip() or " " in text or "," in text or "|" in text:
        return "an item is one origin, without spaces or separators"
    if not separator:
        return "an origin starts with a scheme, such as https://"
    if not text.isascii():
        return "browsers spell names beyond ASCII in punycode"
    if text != text.lower():
        return "browsers spell origins in lower case"
    if "@" in rest:
        return "an origin has no user name and no password"
    if rest.strip("/") and rest.endswith("/") and rest.count("/") == 1:
        return "an origin ends without a slash"
    if any(delimiter in rest for delimiter in "/?#\\"):
        return "an origin has no path and no query"
    suggestion = suggest_origin(text)
    if suggestion is not None and suggestion == text.rpartition(":")[0]:
        return "browsers never write a scheme's default port"
    if rest.partition(":")[0].endswith("."):
        return "the host ends in a dot"
    return f"{scheme}:// is not followed by a host and a port as browsers spell them"
