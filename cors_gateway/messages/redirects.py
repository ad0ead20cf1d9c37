"""Redirects of an API that clients know by another name or under another path.

Decides: what becomes of the ``Location`` of a response (RFC 9110, section 10.2.2). Does not know:
routes. ``Refresh`` and ``Link`` are left alone.

What leads to the API, by its own name or by ours, becomes a path on the server that was called: only
the browser knows for certain by which name that was. What leads elsewhere, or could be read in two
ways, stays byte for byte, so that nothing here ever leads to a host that the API did not name.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from cors_gateway.messages.heads import FieldLines, MessageError
from cors_gateway.messages.path_map import PathMap
from cors_gateway.messages.targets import parse_authority

__all__ = ["AskedFor", "Authority", "RedirectRewrite", "read_authority", "rewrite_redirect"]

Authority = tuple[bytes, int | None]
"""A host in lower case, and its port; ``None`` is that of http or https, which are not told apart."""

# No "\" before the query: browsers take it for "/". No control characters, and none of them tab,
# which browsers leave out before they look at a URL.
_LOCATION = re.compile(
    rb"(?:(https?)://([^/?#\\]+))?"
    rb"((?:/[^?#\\\x00-\x1f\x7f]*)?)((?:[?#][^\x00-\x1f\x7f]*)?)",
    re.IGNORECASE,
)
_DEFAULT_PORTS = frozenset({80, 443})


@dataclass(frozen=True, slots=True)
class RedirectRewrite:
    """How the redirects of an API change."""

    authorities: frozenset[Authority]
    """Of the API itself: by its URLs, and by the ``Host`` that it is sent."""
    paths: PathMap
    """How its paths change."""


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What a client asked for, and by which names the API may know us."""

    target: bytes
    """Path and query, as the client sent them."""
    host: bytes
    """The authority of the request, as the client sent it."""
    origins: tuple[bytes, ...]
    """Ours: ``scheme://host[:port]`` in lower case; the last is the one that the client used."""


def read_authority(value: bytes) -> Authority | None:
    """Read host and port in the form in which they are compared; ``None`` if they are malformed."""
    try:
        host, port = parse_authority(value)
    except MessageError:
        return None
    return host, None if port in _DEFAULT_PORTS else port


def rewrite_redirect(
    fields: FieldLines, status: int, rewrite: RedirectRewrite, asked: AskedFor
) -> FieldLines:
    """Change the ``Location`` of a redirect, or of what was created (201).

    Of several lines nobody can say which one a client follows: they stay.
    """
    if status != 201 and not 300 <= status < 400:
        return fields
    places = [place for place, (name, _) in enumerate(fields) if name.lower() == b"location"]
    if len(places) != 1:
        return fields
    place = places[0]
    name, location = fields[place]
    changed = (name, _changed(location, rewrite, asked))
    return (*fields[:place], changed, *fields[place + 1 :])


def _changed(location: bytes, rewrite: RedirectRewrite, asked: AskedFor) -> bytes:
    found = _LOCATION.fullmatch(location)
    if found is None:
        return location
    scheme, authority, path, rest = found.groups()
    is_ours = False
    if authority is None:
        if not path or path.startswith(b"//"):
            # Relative to what was asked for, or another host.
            return location
    else:
        named = read_authority(authority)
        is_ours = named in _own_authorities(asked)
        is_the_apis = named in rewrite.authorities or named == read_authority(asked.host)
        if named is None or not (is_ours or is_the_apis):
            return location
    changed = rewrite.paths.to_client(path or b"/") or b"/"
    if changed.startswith(b"//"):
        # On its own it would be the name of another host.
        return location
    changed += rest
    if is_ours and _changes_only_origin(scheme.lower(), authority, changed, asked):
        return location[: found.end(2)] + changed
    return changed


def _own_authorities(asked: AskedFor) -> AbstractSet[Authority | None]:
    return {read_authority(origin.partition(b"://")[2]) for origin in asked.origins}


def _changes_only_origin(scheme: bytes, authority: bytes, target: bytes, asked: AskedFor) -> bool:
    """Say whether the same is to be asked for by https, or by another of our names.

    As a path it would lead to where it came from, for ever. The way back from https is no such
    change: there the API has not understood how it was called.
    """
    if target.partition(b"#")[0] != asked.target:
        return False
    asked_scheme, _, asked_authority = asked.origins[-1].partition(b"://")
    if read_authority(authority) != read_authority(asked_authority):
        return True
    return (asked_scheme, scheme) == (b"http", b"https")
