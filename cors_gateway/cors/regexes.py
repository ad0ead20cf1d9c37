"""Regular expressions of ``allowOriginRegex``: whether they can be used, and what they let in.

An expression always has to match a whole origin. To know what it lets in, origins that it matches
are made from its parse tree; ``attacks`` then alters those. The parse tree is Python's own
(``re._parser``): private, but the same since long before 3.11, and a second parser of this syntax
would be the worse risk.
"""

import re
import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from cors_gateway.cors.origins import MAX_ORIGIN_BYTES, TupleOrigin, parse_origin

__all__ = ["check_regex", "sample_origins"]

_parser: Any = import_module("re._parser")
_compiler: Any = import_module("re._compiler")

_CHARACTERS = "ax8-_.:/bcdefghijklmnopqrstuvwyz0123456794[]"
"""What an origin is made of; those that make it up most come first."""

_STARTS = ("https://", "https://a.")
"""What a repeat may stand for where an expression does not spell the scheme."""

_MAX_SAMPLES = 48
_SOME = 3
"""Choices taken where a node offers many."""

_MAX_COUNTED_REPEATS = 8
"""A body repeated no more often than this cannot cost much."""


def check_regex(text: str) -> str | None:
    """Say why an expression cannot be used; ``None`` if it can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(text)
            tree = _parser.parse(text)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        return f"it does not compile: {error}"
    body = next(_ambiguous_bodies(tree, tree.state.flags), None)
    if body is None:
        return None
    return f'a repeated part can match "{body}" once or in several pieces, which may take forever'


def sample_origins(text: str) -> tuple[TupleOrigin, ...]:
    """Make some of the origins that an expression matches; empty if none was found.

    Precondition: ``check_regex`` has nothing to say about the expression.
    """
    regex = re.compile(text)
    tree = _parser.parse(text)
    # An unescaped dot on its own was probably meant to be one.
    for lone_dot in (".", "a"):
        samples = dict.fromkeys(
            sample.lower() for sample in _samples(tree, tree.state.flags, lone_dot)
        )
        origins = tuple(
            origin
            for sample in samples
            if regex.fullmatch(sample)
            and (origin := parse_origin(sample.encode("ascii", "replace"))) is not None
        )
        if origins:
            return origins
    return ()


def _samples(nodes: Any, flags: int, lone_dot: str) -> list[str]:
    """Make texts that a sequence of nodes matches: a first one, then one change at a time."""
    choices = [_choices(nodes, index, flags, lone_dot) for index in range(len(nodes))]
    if not all(choices):
        return []
    firsts = [choice[0] for choice in choices]
    samples = ["".join(firsts)]
    for index, choice in enumerate(choices):
        before, after = "".join(firsts[:index]), "".join(firsts[index + 1 :])
        samples += [f"{before}{other}{after}" for other in choice[1:]]
    return [sample for sample in samples if len(sample) <= MAX_ORIGIN_BYTES][:_MAX_SAMPLES]


def _choices(nodes: Any, index: int, flags: int, lone_dot: str) -> list[str]:
    operator, argument = str(nodes[index][0]), nodes[index][1]
    match operator:
        case "LITERAL":
            return [chr(argument)]
        case "ANY":
            return [lone_dot]
        case "IN" | "NOT_LITERAL":
            regex = _compiler.compile(nodes[index : index + 1], flags)
            return [c for c in _CHARACTERS if regex.fullmatch(c)][:_SOME]
        case "BRANCH":
            alternatives = [_samples(option, flags, lone_dot) for option in argument[1]]
            return [sample for samples in alternatives for sample in samples]
        case "SUBPATTERN":
            return _samples(argument[-1], flags, lone_dot)
        case "ATOMIC_GROUP":
            return _samples(argument, flags, lone_dot)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, high, body = argument
            once = _samples(body, flags, "a") if high else []
            counts = dict.fromkeys((max(low, 1), low, low + 1, low + 2))
            repeat = _compiler.compile(nodes[index : index + 1], flags)
            return [
                sample * count
                for count in counts
                if count <= high
                for sample in (once[:_SOME] if count else [""])
                if len(sample) * count <= MAX_ORIGIN_BYTES
            ] + [start for start in _STARTS if repeat.fullmatch(start)]
        case _:  # An assertion, or a reference: whether the sample holds is seen in the end.
            return [""]


def _ambiguous_bodies(nodes: Any, flags: int) -> Iterator[str]:
    """Find repeated parts that match two of their own matches as one.

    Such a part (``([a-z]+)*``) splits a text of n bytes in 2^n ways, and an Origin that almost
    matches makes the expression try them all.
    """
    for operator, argument in nodes:
        for inner in _inner(argument):  # First, so that no costly part is ever run.
            yield from _ambiguous_bodies(inner, flags)
        if str(operator) in {"MAX_REPEAT", "MIN_REPEAT"}:
            _, high, body = argument
            if high > _MAX_COUNTED_REPEATS:
                yield from _doubled(body, flags)


def _doubled(body: Any, flags: int) -> Iterator[str]:
    regex = _compiler.compile(body, flags)
    samples = [sample for sample in _samples(body, flags, "a") if sample]
    for first in samples:
        for second in samples:
            if regex.fullmatch(first + second):
                yield first + second


def _inner(argument: Any) -> Iterator[Any]:
    """Find the sequences of nodes inside a node's argument, however it is built."""
    if isinstance(argument, _parser.SubPattern):
        yield argument
    elif isinstance(argument, Sequence) and not isinstance(argument, str):
        for part in argument:
            yield from _inner(part)
