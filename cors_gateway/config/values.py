"""Durations, sizes, numbers and flags as a configuration writes them.

Each ``parse_`` takes what YAML gave and returns the value, or raises ``UnfitValueError`` with the
sentence for it. ``serialize_`` is its inverse. Units are never guessed: ``10`` is no duration.
"""

import re

from cors_gateway.config.problems import UnfitValueError
from cors_gateway.config.scalars import resolve_scalar
from cors_gateway.config.substitution import FilledText

__all__ = [
    "check_text",
    "parse_duration",
    "parse_flag",
    "parse_integer",
    "parse_max_age",
    "parse_size",
    "resolve",
    "serialize_duration",
    "serialize_size",
]

# The order of units, largest first, is the order in which they may stand: 1h30m.
DURATION = re.compile(
    r"(?:(\d{1,12})h)?(?:(\d{1,12})m)?(?:(\d{1,12})s)?(?:(\d{1,12})ms)?", re.ASCII
)
MILLISECONDS = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
LONGEST = 366 * 24 * 3_600_000

SIZE = re.compile(r"(\d{1,12})(B|KiB|MiB|GiB)", re.ASCII)
BYTES = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10, "B": 1}
NEAR_SIZE = re.compile(r"(\d{1,12}) ?([KMG])(?:i?[Bb])?", re.IGNORECASE | re.ASCII)


def resolve(value: object) -> object:
    """Read a filled-in text as the number, boolean or nothing that it may spell."""
    return resolve_scalar(value) if isinstance(value, FilledText) else value


def check_text(value: object) -> str:
    """Accept text; a number that YAML made of it needs quotes."""
    if isinstance(value, str):
        return str(value)
    if value is None:
        raise UnfitValueError("{key} has no value", "", "write one, or remove the key")
    if isinstance(value, (int, float)):
        kind = "true or false" if isinstance(value, bool) else "a number"
        raise UnfitValueError("{value} is not text", f"YAML reads it as {kind}", "put it in quotes")
    raise UnfitValueError("{key} is {value}", "text is expected", "write a single value")


def parse_flag(value: object) -> bool:
    """Accept ``true`` or ``false``; YAML 1.1's other spellings are text."""
    value = resolve(value)
    if isinstance(value, bool):
        return value
    raise UnfitValueError("{value} is not a boolean", "", "write true or false")


def parse_integer(value: object, *, least: int, most: int, instead: str = "") -> int:
    """Accept a whole number within bounds.

    Args:
        value: what YAML gave.
        least: the smallest number accepted.
        most: the largest number accepted.
        instead: what else the key takes, for the sentence: `` or auto``.
    """
    value = resolve(value)
    fix = f"write a number from {least} to {most}{instead}"
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnfitValueError("{value} is not a whole number", "", fix)
    if not least <= value <= most:
        raise UnfitValueError("{value} is out of bounds", "", fix)
    return value


def parse_duration(value: object) -> float:
    """Read a duration such as ``250ms``, ``10s``, ``1h30m`` as seconds."""
    resolved = resolve(value)
    if isinstance(resolved, (int, float)) and not isinstance(resolved, bool):
        fix = f'write "{resolved}s", or use ms, m, h'
        raise UnfitValueError("{value} has no unit", "it could be seconds or milliseconds", fix)
    found = DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if found is None:
        fix = "write a whole number and its unit: 250ms, 10s, 5m, 1h"
        raise UnfitValueError("{value} is not a duration", "", fix)
    total = sum(
        int(amount or 0) * unit
        for amount, unit in zip(found.groups(), MILLISECONDS.values(), strict=True)
    )
    if total > LONGEST:
        raise UnfitValueError("{value} is too long", "a year is the longest", "write less")
    return total / 1000


def serialize_duration(seconds: float) -> str:
    """Write seconds with the largest unit that divides them."""
    total = round(seconds * 1000)
    for unit, amount in MILLISECONDS.items():
        if total and total % amount == 0:
            return f"{total // amount}{unit}"
    return "0s"


def parse_size(value: object) -> int:
    """Read a size such as ``64KiB`` as bytes."""
    resolved = resolve(value)
    if isinstance(resolved, int) and not isinstance(resolved, bool):
        fix = f'write "{serialize_size(resolved)}"' if resolved > 0 else "write it with a unit"
        raise UnfitValueError("{value} has no unit", "sizes are written with one", fix)
    found = SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is not None:
        return int(found[1]) * BYTES[found[2]]
    fix = "write a whole number and B, KiB, MiB or GiB"
    if isinstance(value, str) and (near := NEAR_SIZE.fullmatch(value)):
        fix = f'did you mean "{near[1]}{near[2].upper()}iB"?'
    raise UnfitValueError("{value} is not a size", "units are powers of 1024", fix)


def serialize_size(size: int) -> str:
    """Write bytes with the largest unit that divides them."""
    for unit, amount in BYTES.items():
        if size >= amount and size % amount == 0:
            return f"{size // amount}{unit}"
    return "0B"


def parse_max_age(value: object) -> int:
    """Read ``maxAge``: whole seconds, a duration, 0, or -1 for "do not cache"."""
    resolved = resolve(value)
    if isinstance(resolved, int) and not isinstance(resolved, bool):
        if not -1 <= resolved < 2**31:
            fix = "write seconds, a duration such as 10m, 0, or -1 for no caching"
            raise UnfitValueError("{value} is out of bounds", "", fix)
        return resolved
    try:
        seconds = parse_duration(resolved)
    except UnfitValueError:
        raise UnfitValueError(
            "{value} is not a duration",
            "",
            "write seconds, a duration such as 10m, 0, or -1 for no caching",
        ) from None
    if seconds != int(seconds):
        raise UnfitValueError("{value} is not whole seconds", "browsers count seconds", "round it")
    return int(seconds)
