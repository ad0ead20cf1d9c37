"""Cookies of an API that browsers know by another name, under another path, or from another site.

Decides: how the attributes of a ``Set-Cookie`` line change, by the way in which browsers read them
(RFC 6265bis, sections 4.1 and 5.6). Does not know: which API, which route, or the cookie's meaning:
name and value are never touched, nor is an attribute that nobody asked to change.

A change never makes a cookie one that browsers refuse: what its name's prefix promises stays
(section 4.1.3), and what needs ``Secure`` is only set beside it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cors_gateway.messages.heads import FieldLines
from cors_gateway.messages.path_map import PathMap

__all__ = ["CookieRewrite", "rewrite_cookies", "rewrite_set_cookie"]

_CONTROLS = bytes([*range(0x09), *range(0x0A, 0x20), 0x7F])
_WHITE_SPACE = b" \t"
_DOMAIN = re.compile(rb"\.?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_SAME_SITES = frozenset({b"lax", b"none", b"strict"})
_LONGEST_VALUE = 1024
"""Bytes of an attribute's value; browsers ignore one with more (section 5.6)."""

# Browsers compare them without case (section 5.7). Chromium also knows __Http-, which needs Secure.
_HOST_PREFIX = b"__host-"
_SECURE_PREFIXES = (_HOST_PREFIX, b"__secure-", b"__http-")


@dataclass(frozen=True, slots=True)
class CookieRewrite:
    """What changes on every cookie; by default nothing does."""

    domain: bytes | None = None
    """In place of a ``Domain`` that is there; ``b""`` removes it. A cookie without one, which is
    for one host only, is never widened."""
    path: bytes | None = None
    """Set on every cookie."""
    paths: PathMap | None = None
    """How a ``Path`` that is there changes, where ``path`` is not set."""
    secure: bool | None = None
    """Whether to add ``Secure`` or to remove it; ``None`` leaves it."""
    same_site: bytes | None = None
    """Set on every cookie, ``None`` only on those with ``Secure``."""
    partitioned: bool = False
    """Whether to add ``Partitioned``, to cookies with ``Secure``."""


class _UnparsedError(Exception):
    """An attribute that would have to change has a value that browsers do not understand."""


def rewrite_cookies(fields: FieldLines, rewrite: CookieRewrite) -> tuple[FieldLines, int]:
    """Change every ``Set-Cookie`` line, each for itself; the order and the other lines stay.

    Returns:
        The lines, and how many of them hold what could not be parsed.
    """
    unparsed = 0
    lines: list[tuple[bytes, bytes]] = []
    for name, value in fields:
        written = value
        if name.lower() == b"set-cookie":
            written, is_unparsed = rewrite_set_cookie(value, rewrite)
            unparsed += is_unparsed
        lines.append((name, written))
    return tuple(lines), unparsed


def rewrite_set_cookie(value: bytes, rewrite: CookieRewrite) -> tuple[bytes, bool]:
    """Change one ``Set-Cookie`` line.

    Of a repeated attribute the last one counts for a browser, so each of them changes. What is not
    understood stays as it is, and counts: no cookie at all, or the value of an attribute that would
    have to change.

    Returns:
        The line, and whether something in it could not be parsed.
    """
    pair, *attributes = value.split(b";")
    cookie_name, equals, _ = pair.partition(b"=")
    cookie_name = cookie_name.strip(_WHITE_SPACE).lower()
    if not equals or not cookie_name or len(value.translate(None, _CONTROLS)) != len(value):
        return value, True
    names = [_name_of(attribute) for attribute in attributes]
    rewrite = _within_rules(rewrite, cookie_name, names)
    is_unparsed = False
    kept: list[bytes] = []
    for name, attribute in zip(names, attributes, strict=True):
        try:
            changed = _change(name, attribute, rewrite)
        except _UnparsedError:
            is_unparsed = True
            changed = attribute
        if changed is None and is_unparsed:
            # Gone altogether, it would leave the last word to what was not understood before it.
            changed = attribute.partition(b"=")[0] + b"="
        if changed is not None:
            kept.append(changed)
    kept += _additions(rewrite, names)
    if rewrite.secure is False and not _needs_secure(kept):
        kept = [attribute for attribute in kept if _name_of(attribute) != b"secure"]
    return b";".join([pair, *kept]), is_unparsed


def _name_of(attribute: bytes) -> bytes:
    return attribute.partition(b"=")[0].strip(_WHITE_SPACE).lower()


def _value_of(attribute: bytes) -> bytes:
    return attribute.partition(b"=")[2].strip(_WHITE_SPACE)


def _within_rules(
    rewrite: CookieRewrite, cookie_name: bytes, names: Sequence[bytes]
) -> CookieRewrite:
    """Leave out of a rewrite what would make browsers refuse this cookie."""
    if cookie_name.startswith(_HOST_PREFIX):
        rewrite = replace(rewrite, path=None, paths=None)
    if rewrite.secure is False and cookie_name.startswith(_SECURE_PREFIXES):
        rewrite = replace(rewrite, secure=None)
    if rewrite.secure is not True and b"secure" not in names:
        same_site = None if rewrite.same_site == b"None" else rewrite.same_site
        rewrite = replace(rewrite, same_site=same_site, partitioned=False)
    return rewrite


def _change(name: bytes, attribute: bytes, rewrite: CookieRewrite) -> bytes | None:
    """Give an attribute as it is to be, with its spelling; ``None`` to leave it out.

    Raises:
        _UnparsedError: it should change, and is not understood.
    """
    value = _value_of(attribute)
    if name == b"domain" and rewrite.domain is not None:
        changed = _changed_domain(value, rewrite.domain)
    elif name == b"path":
        changed = _changed_path(value, rewrite)
    elif name == b"samesite" and rewrite.same_site is not None:
        if value.lower() not in _SAME_SITES:
            raise _UnparsedError
        changed = rewrite.same_site
    else:
        return attribute
    if changed is None:
        return None
    if changed == value:
        return attribute
    spelled, _, written = attribute.partition(b"=")
    return b"%b=%b" % (spelled, written.replace(value, changed, 1))


def _changed_domain(value: bytes, domain: bytes) -> bytes | None:
    # Of one that is too long a browser takes no notice: the cookie is for one host only.
    if len(value) > _LONGEST_VALUE or (value and not _DOMAIN.fullmatch(value)):
        raise _UnparsedError
    if not domain:
        return None
    # An empty Domain is none (section 5.6.3), and such a cookie is for one host only.
    return domain if value else value


def _changed_path(value: bytes, rewrite: CookieRewrite) -> bytes:
    if rewrite.path is None and rewrite.paths is None:
        return value
    if value and not value.startswith(b"/"):
        raise _UnparsedError
    if rewrite.path is not None:
        return rewrite.path
    if not value or rewrite.paths is None or rewrite.paths.is_identity:
        # Then it is the folder of the URL that was called (section 5.1.4): the client's already.
        return value
    # "/" stands for all of the API; with the prefix's own slash it would miss the prefix itself.
    path = rewrite.paths.prefix if value == b"/" else rewrite.paths.to_client(value)
    if len(path) > _LONGEST_VALUE:
        raise _UnparsedError
    return path or b"/"


def _additions(rewrite: CookieRewrite, names: Sequence[bytes]) -> list[bytes]:
    """Give the attributes that are to be there, and are not."""
    additions: list[bytes] = []
    if rewrite.path is not None and b"path" not in names:
        additions.append(b" Path=" + rewrite.path)
    if rewrite.secure and b"secure" not in names:
        additions.append(b" Secure")
    if rewrite.same_site is not None and b"samesite" not in names:
        additions.append(b" SameSite=" + rewrite.same_site)
    if rewrite.partitioned and b"partitioned" not in names:
        additions.append(b" Partitioned")
    return additions


def _needs_secure(attributes: Sequence[bytes]) -> bool:
    """Say whether browsers refuse a cookie with these attributes if it is not ``Secure``."""
    same_sites = [_value_of(each) for each in attributes if _name_of(each) == b"samesite"]
    is_none = bool(same_sites) and same_sites[-1].lower() == b"none"
    return is_none or b"partitioned" in map(_name_of, attributes)
