"""Whether a request's conditions hold for a file, and which part of it is asked for.

Decides preconditions in their order (RFC 9110, section 13.2.2), ``If-Range`` and ``Range`` (section
14). What cannot be parsed is as if it were not there. Does not know where the file's validators come
from.
"""

import re
from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate

__all__ = ["Validators", "judge", "part_of", "spell_date"]

STRONG_AFTER = 60
"""Seconds after which a file of that date is taken to stay as it was (section 8.8.2.2)."""

_TAG = re.compile(r'\s*(W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|\Z)')
_RANGE = re.compile(r"bytes=\s*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells one state of a file from another."""

    tag: str
    """A strong entity tag, with its quotes."""
    modified: int
    """Seconds since 1970."""


def spell_date(seconds: int) -> str:
    """Write a time as HTTP does (section 5.6.7)."""
    return formatdate(seconds, usegmt=True)


def judge(fields: Mapping[str, str], validators: Validators) -> int:
    """Say what the conditions of a GET or HEAD come to: 200, 304 or 412.

    Args:
        fields: of the request, by names in lower case; several lines of one joined with commas.
        validators: of what would be sent.
    """
    match, none_match = fields.get("if-match"), fields.get("if-none-match")
    if match is not None:
        if not _has(match, validators.tag, weakly=False):
            return 412
    elif (
        since := _parse_date(fields.get("if-unmodified-since"))
    ) is not None and since < validators.modified:
        return 412
    if none_match is not None:
        return 304 if _has(none_match, validators.tag, weakly=True) else 200
    since = _parse_date(fields.get("if-modified-since"))
    return 304 if since is not None and validators.modified <= since else 200


def part_of(
    size: int, fields: Mapping[str, str], validators: Validators, now: float
) -> range | None:
    """Say which bytes are asked for.

    Several ranges at once are answered with the whole, as the standard allows: hardly anybody asks
    for them but to wear a server out.

    Args:
        size: of the file.
        fields: as for ``judge``.
        validators: of what would be sent.
        now: seconds since 1970.

    Returns:
        The bytes, none where there are no such; ``None`` for the whole.
    """
    match = _RANGE.fullmatch(fields.get("range", ""))
    if match is None or not _is_the_same(fields.get("if-range"), validators, now):
        return None
    first, last, count = match.groups()
    if count is not None:
        return range(max(size - int(count), 0), size)
    if not last:
        return range(int(first), max(size, int(first)))
    if int(last) < int(first):
        return None
    return range(min(int(first), size), min(int(last) + 1, size))


def _is_the_same(condition: str | None, validators: Validators, now: float) -> bool:
    """Say whether a client that has a part of a file has it of this one (section 13.1.5)."""
    if condition is None:
        return True
    if condition.lstrip().startswith(('"', "W/")):
        return condition.strip() == validators.tag
    since = _parse_date(condition)
    return since == validators.modified and now - validators.modified >= STRONG_AFTER


def _has(value: str, tag: str, *, weakly: bool) -> bool:
    """Say whether a tag is in a list, or any would do; the list counts as far as it is one."""
    if value.strip() == "*":
        return True
    end = 0
    while match := _TAG.match(value, end):
        if match[2] == tag and (weakly or not match[1]):
            return True
        end = match.end()
        if end == len(value):
            break
    return False


def _parse_date(value: str | None) -> int | None:
    """Read a date; the two obsolete forms too."""
    if value is None:
        return None
    parts = parsedate(value)
    if parts is None:
        return None
    try:
        return timegm(parts)
    except (ValueError, OverflowError):
        return None
