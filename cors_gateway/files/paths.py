"""Which names below a folder a request target asks for.

Decides what is refused whatever the folder holds: names with which a path could leave it or mean
two things, and those that begin with a dot, which are somebody's and not the site's (``.git``,
``.env``). The plan has refused most of it before; here nothing is taken for granted. Does not know
what is on the disk. RFC 3986, section 3.3; RFC 8615 for ``/.well-known``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

__all__ = ["Wanted", "may_be_asked_for", "read_target"]

WELL_KNOWN = ".well-known"
"""The one name with a dot in front that is meant for everybody; only right below the folder."""

LONGEST_NAME = 255
"""Bytes; no file system has longer ones."""

_TARGET = re.compile(r"(/[\x21-\x22\x24-\x3e\x40-\x7e]*)(\?[\x21-\x22\x24-\x7e]*)?")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NEVER_IN_A_NAME = re.compile(r"[/\\\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for."""

    names: tuple[str, ...]
    """From the folder downwards; none for the folder itself."""
    is_folder: bool
    """Whether the path ends with a slash."""
    last: str
    """The last name as a relative reference spells it; empty behind a slash."""
    query: str
    """With its question mark; empty where there is none."""

    @property
    def is_well_known(self) -> bool:
        """Whether programs look there, for whom a page in place of what is missing is a lie."""
        return self.names[:1] == (WELL_KNOWN,)

    @property
    def is_like_a_file(self) -> bool:
        """Whether the last name has an extension, as no path of an application's own has."""
        return bool(self.names) and "." in self.names[-1]


def read_target(target: str, prefix: str) -> Wanted | None:
    """Read a request target in origin-form.

    Args:
        target: as on the wire.
        prefix: the path that stands for the folder, as on the wire, without a slash at its end.

    Returns:
        What is asked for; ``None`` for what is refused.
    """
    match = _TARGET.fullmatch(target)
    if match is None or not match[1].startswith(prefix):
        return None
    path, query = match[1], match[2] or ""
    below = path.removeprefix(prefix)
    if below and not below.startswith("/"):
        return None
    *inner, last = below.removeprefix("/").split("/")
    names = [_read_name(part) for part in ([*inner, last] if last else inner)]
    if not may_be_asked_for(names):
        return None
    # Of the folder itself without a slash, the last name is the prefix's.
    spelled = quote(unquote_to_bytes(path.rpartition("/")[2]), safe="")
    return Wanted(tuple(names), path.endswith("/"), spelled, query)


def may_be_asked_for(names: Sequence[str]) -> bool:
    """Say whether what has these names below a folder is served at all, if it is there.

    Args:
        names: decoded; the empty text stands for one that no name can be.
    """
    return all(
        name and (not name.startswith(".") or (name == WELL_KNOWN and index == 0))
        for index, name in enumerate(names)
    )


def _read_name(part: str) -> str:
    """Decode a segment, once; the empty text stands for one that no name can be."""
    if _STRAY_PERCENT.search(part):
        return ""
    decoded = unquote_to_bytes(part)
    try:
        name = decoded.decode()
    except UnicodeDecodeError:
        return ""
    return "" if len(decoded) > LONGEST_NAME or _NEVER_IN_A_NAME.search(name) else name
