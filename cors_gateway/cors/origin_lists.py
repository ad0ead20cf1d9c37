"""The origins of a policy: from the texts of the settings to one set, with all that is unsafe refused.

Refused without the ``dangerously…`` key that says otherwise: ``null``, plain http beside
credentials (a listener on the way could speak for such an origin), and wildcards over names that
anyone may register.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

from cors_gateway.cors.attacks import choose_intruder, find_intruder, find_regex_intruder
from cors_gateway.cors.automata import Automaton
from cors_gateway.cors.origins import (
    TupleOrigin,
    is_loopback,
    parse_origin,
    suggest_origin,
)
from cors_gateway.cors.patterns import OriginPattern, OriginSet, PatternError, parse_pattern
from cors_gateway.cors.public_suffixes import SuffixRules
from cors_gateway.cors.reach import (
    MAX_NAMED_HOSTS,
    NamedHost,
    NotSpelledError,
    TooManyHostsError,
    find_hosts,
)
from cors_gateway.cors.regexes import RegexError, compile_regex
from cors_gateway.cors.settings import PolicyProblem, PolicySettings

__all__ = ["compile_origins", "compile_timing_origins"]

_KEY = "allowOrigins"
_REGEX_KEY = "allowOriginRegex"

_SPELL_DOMAIN = r"escape dots as \. and spell the domain in full: https://[a-z0-9-]+\.example\.com"

_PLAYGROUND_ENDS = (
    ".cdpn.io",
    ".codepen.io",
    ".jsbin.com",
    ".jsfiddle.net",
    ".jshell.net",
    ".nip.io",
    ".plnkr.co",
    ".s3.amazonaws.com",
    ".sslip.io",
    ".storage.googleapis.com",
)
"""Hosts that run pages of anybody: under one origin, nearly one, or at an address in the name."""

_MAX_QUOTED = 200

_MAX_TESTED = 200
"""Entries of one kind that the self-test starts from, spread over the list: all of any list that a
person writes. A generated one of 100,000 would repeat the same code, and has to load in 2 s."""


def compile_origins(
    settings: PolicySettings, rules: SuffixRules
) -> tuple[OriginSet, list[PolicyProblem]]:
    """Compile ``allowOrigins`` and ``allowOriginRegex``; ``*`` is left to the policy."""
    problems: list[PolicyProblem] = []
    patterns: dict[str, OriginPattern] = {}
    for index, item in enumerate(settings.allow_origins):
        if item == "*":
            continue
        if item in patterns:
            problems.append(_repeated(_KEY, index, item))
            continue
        try:
            pattern = parse_pattern(item)
        except PatternError as error:
            problems.append(_unreadable(_KEY, index, item, error.why, error.suggestion))
            continue
        patterns[item] = pattern
        problems += _check_pattern(pattern, index, settings, rules)
    regexes: dict[str, Automaton] = {}
    for index, item in enumerate(settings.allow_origin_regex):
        if item in settings.allow_origin_regex[:index]:
            problems.append(_repeated(_REGEX_KEY, index, item))
            continue
        try:
            automaton = compile_regex(item)
            hosts = _find_hosts(automaton, settings, rules)
        except RegexError as error:
            problems.append(_unusable(index, item, error.why, error.fix))
        except TooManyHostsError:
            why = f"it spells more than {MAX_NAMED_HOSTS} domains, or as good as"
            problems.append(_unusable(index, item, why, "list the origins in allowOrigins"))
        except NotSpelledError as error:
            stranger = choose_intruder(automaton.matches, error)
            problems.append(_not_spelled(index, item, stranger, error.end, rules))
        else:
            problems += _check_regex(item, automaton, hosts, index, settings, rules)
            if hosts:  # Without any, no origin can match.
                regexes[item] = automaton
    origins = OriginSet.of(patterns.values(), regexes)
    named = chain(
        _spread([p for p in patterns.values() if p.is_exact]),
        _spread([p for p in patterns.values() if not p.is_exact]),
    )
    intruder = find_intruder(
        map(_example, named), origins.find, frozenset(regexes), rules.is_public_suffix
    )
    if intruder is not None:
        index = settings.allow_origins.index(intruder.entry)
        problems.append(_let_in(_KEY, index, intruder.entry, intruder.origin))
    return origins, problems


def compile_timing_origins(items: Sequence[str]) -> tuple[bytes, list[PolicyProblem]]:
    """Compile ``timingAllowOrigins`` to the field's value; empty where there is none."""
    key = "timingAllowOrigins"
    problems: list[PolicyProblem] = []
    values: dict[str, None] = {}
    for index, item in enumerate(items):
        if item in values:
            problems.append(_repeated(key, index, item))
        elif item != "*" and "*" in items:
            problems.append(_covered(key, index, item))
        elif item != "*" and parse_origin(item.encode("ascii", "replace")) is None:
            why = 'each item is one origin, or the list is ["*"]; there are no wildcards here'
            problems.append(_unreadable(key, index, item, why, suggest_origin(item)))
        else:
            values[item] = None
    return ", ".join(values).encode("ascii"), problems


def _check_pattern(
    pattern: OriginPattern,
    index: int,
    settings: PolicySettings,
    rules: SuffixRules,
) -> Iterator[PolicyProblem]:
    item, host = pattern.text, pattern.host
    if (
        pattern.scheme == "http"
        and settings.allow_credentials
        and not settings.dangerously_allow_insecure_origins
        and not is_loopback(host)
    ):
        yield _insecure(_KEY, index, item, item.replace("http://", "https://", 1))
    if settings.allow_credentials and _is_playground(host):
        yield _playground(_KEY, index, item)
    if is_loopback(host) or settings.dangerously_allow_public_suffixes:
        return
    if (pattern.subdomains and rules.is_public_suffix(host)) or (
        pattern.label and rules.is_registry_suffix(host)
    ):
        yield PolicyProblem(
            "error",
            _KEY,
            index,
            f'"{item}" names origins of strangers',
            f"anyone may register a name under {host}",
            f"name your own, such as {pattern.scheme}://*.example.{host},"
            " or set dangerouslyAllowPublicSuffixes: true",
        )
    elif pattern.subdomains and rules.has_public_suffix_below(host):
        yield PolicyProblem(
            "error",
            _KEY,
            index,
            f'"{item}" names origins of strangers',
            f"among the names below {host} are some under which anyone may register",
            "name the hosts that are yours, or set dangerouslyAllowPublicSuffixes: true",
        )
    elif (
        pattern.label
        and not all(pattern.label)
        and settings.allow_credentials
        and rules.is_public_suffix(host)
    ):
        side = "begins with" if pattern.label[0] else "ends in"
        yield PolicyProblem(
            "warning",
            _KEY,
            index,
            f'"{item}" may name origins of strangers',
            f'{host} gives names to anyone, also one that {side} "{"".join(pattern.label)}"',
            "spell the fixed text on both sides of the wildcard: app-*-team",
        )


def _find_hosts(
    automaton: Automaton, settings: PolicySettings, rules: SuffixRules
) -> list[NamedHost]:
    if settings.dangerously_allow_public_suffixes:
        return find_hosts(automaton, lambda end: rules.is_one_partys(end) or rules.is_shared(end))
    return find_hosts(automaton, rules.is_one_partys)


def _check_regex(
    item: str,
    automaton: Automaton,
    hosts: list[NamedHost],
    index: int,
    settings: PolicySettings,
    rules: SuffixRules,
) -> Iterator[PolicyProblem]:
    whole = r"write the whole origin: https://[a-z0-9-]+\.example\.com"
    if not hosts:
        what, why = (
            f'"{item}" has no effect',
            "no origin matches it from its first character to its last",
        )
        yield PolicyProblem("warning", _REGEX_KEY, index, what, why, whole)
        return
    if not any(host.example for host in hosts):
        why = "no origin was found that it matches from its first character to its last"
        yield _unusable(index, item, why, whole)
    intruder = find_regex_intruder(item, automaton.matches, hosts, rules.is_public_suffix)
    if intruder is not None:
        yield _let_in(_REGEX_KEY, index, item, intruder.origin)
    if not settings.allow_credentials:
        return
    if any(_is_playground(host.host) for host in hosts):
        yield _playground(_REGEX_KEY, index, item)
    if not settings.dangerously_allow_insecure_origins and any(
        host.scheme == "http" and not is_loopback(host.host) for host in hosts
    ):
        yield _insecure(_REGEX_KEY, index, item, "https:// only")


def _example(pattern: OriginPattern) -> TupleOrigin:
    """Make one origin that a pattern stands for."""
    host = pattern.host
    if pattern.subdomains:
        host = f"a.{host}"
    elif pattern.label:
        host = f"{pattern.label[0]}a{pattern.label[1]}.{host}"
    return TupleOrigin(pattern.scheme, host, pattern.port)


def _spread(patterns: list[OriginPattern]) -> list[OriginPattern]:
    return patterns[:: len(patterns) // _MAX_TESTED + 1]


def _unreadable(key: str, index: int, item: str, why: str, suggestion: str | None) -> PolicyProblem:
    if item.lower() == "null":
        hint = "; if you really mean it, set dangerouslyAllowNullOrigin: true" * (key == _KEY)
        return PolicyProblem(
            "error",
            key,
            index,
            f'"{item}" is not an origin that can be listed',
            "any page can make itself a null origin, so it names everyone",
            f"remove it{hint}",
        )
    fix = "write scheme://host or scheme://host:port"
    if suggestion is not None:
        fix = f'did you mean "{suggestion}"?'
    return PolicyProblem("error", key, index, f'"{item}" is not an origin', why, fix)


def _repeated(key: str, index: int, item: str) -> PolicyProblem:
    what, why = f'"{item}" has no effect', "it is listed before"
    return PolicyProblem("warning", key, index, what, why, "remove one of them")


def _covered(key: str, index: int, item: str) -> PolicyProblem:
    what, why = f'"{item}" has no effect', 'the list also holds "*", which covers it'
    fix = 'remove "*" to allow named origins only, or remove the named ones'
    return PolicyProblem("warning", key, index, what, why, fix)


def _insecure(key: str, index: int, item: str, better: str) -> PolicyProblem:
    return PolicyProblem(
        "error",
        key,
        index,
        f'"{item}" is plain http and allowCredentials is true',
        "anyone on the network path can speak for such an origin and read with its users' cookies",
        f"use {better}, or set dangerouslyAllowInsecureOrigins: true",
    )


def _is_playground(host: str) -> bool:
    return f".{host}".endswith(_PLAYGROUND_ENDS)


def _playground(key: str, index: int, item: str) -> PolicyProblem:
    return PolicyProblem(
        "warning",
        key,
        index,
        f'"{item}" runs the pages of anybody',
        "whoever writes one could read the answers with the cookies of its visitors",
        "host the page under a name of your own",
    )


def _unusable(index: int, item: str, why: str, fix: str) -> PolicyProblem:
    return PolicyProblem("error", _REGEX_KEY, index, f'"{item}" cannot be used', why, fix)


def _not_spelled(
    index: int, item: str, intruder: bytes | None, end: str, rules: SuffixRules
) -> PolicyProblem:
    """Say that an expression leaves a domain open, of which it spells the end."""
    if intruder is None:
        why = "its scheme and its domain have to be spelled out"
        return _unusable(index, item, why, _SPELL_DOMAIN)
    suffix = end.partition(".")[2]
    if not suffix or not rules.is_shared(suffix) or rules.is_registry_suffix(suffix):
        return _let_in(_REGEX_KEY, index, item, intruder)
    return PolicyProblem(
        "error",
        _REGEX_KEY,
        index,
        _lets_in(item, intruder),
        f"names below {suffix} belong to different parties",
        f"spell the name in full, or as https://app-*-team.{suffix} in allowOrigins,"
        " or set dangerouslyAllowPublicSuffixes: true",
    )


def _lets_in(item: str, origin: bytes) -> str:
    # A long sentence is cut at its end, and this one has to be read to its end.
    subject = f'"{item}"' if len(item) <= _MAX_QUOTED else "the expression"
    return f"{subject} lets in {origin.decode('utf-8', 'backslashreplace')}"


def _let_in(key: str, index: int, item: str, origin: bytes) -> PolicyProblem:
    return PolicyProblem(
        "error",
        key,
        index,
        _lets_in(item, origin),
        "the entry does not seem to mean that origin, and its owner could read the answers",
        _SPELL_DOMAIN,
    )
