"""Which fields of a response a page may read (Fetch section 2.2.6 and ``Access-Control-Expose-Headers``).

With credentials ``*`` is an ordinary name to browsers, so ``exposeHeaders: ["*"]`` can only be
kept by naming the fields that the response really has.
"""

from collections.abc import Iterable

from cors_gateway.cors.tokens import is_token

__all__ = ["expose_real_names", "is_forbidden_response_header"]

_SAFELISTED_NAMES = frozenset(
    b"cache-control content-language content-length content-type expires last-modified"
    b" pragma".split()
)
_FORBIDDEN_NAMES = frozenset({b"set-cookie", b"set-cookie2"})


def is_forbidden_response_header(name: bytes) -> bool:
    """Say whether the standard hides a field of this name from pages, whatever a server says."""
    return name.lower() in _FORBIDDEN_NAMES


def expose_real_names(names: Iterable[bytes]) -> bytes | None:
    """Name a response's own fields in a value for ``Access-Control-Expose-Headers``.

    Left out are fields that need no exposing, fields that cannot be exposed, and the CORS protocol's
    own. ``None`` where nothing is left.
    """
    real: dict[bytes, bytes] = {}
    for name in names:
        lower = name.lower()
        if (
            lower not in _SAFELISTED_NAMES
            and lower not in _FORBIDDEN_NAMES
            and not lower.startswith(b"access-control-")
            and is_token(name)
        ):
            real.setdefault(lower, name)
    real.pop(b"*", None)
    return b", ".join(real.values()) or None
