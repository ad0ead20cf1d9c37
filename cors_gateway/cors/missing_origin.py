"""Where to look for the origin of a request that carries none (``missingOrigin``).

Some caches remove ``Origin``. What is found elsewhere can only grant: a browser compares the
granted origin with its page's, so a wrong one helps nobody, and refusing is left to real origins.
"""

from collections.abc import Sequence

from cors_gateway.cors.outcome import CorsRequest

__all__ = ["derive_origin"]


def derive_origin(
    sources: Sequence[str], request: CorsRequest
) -> tuple[bytes | None, tuple[bytes, ...]]:
    """Take an origin from the first source that the request has.

    Returns:
        The origin, which nobody has checked, or ``None``; and the sources consulted, all of which
        the answer depends on.
    """
    consulted: tuple[bytes, ...] = ()
    for source in sources:
        consulted += (source.encode("ascii"),)
        origin = _derive_from(source, request)
        if origin is not None:
            return origin, consulted
    return None, consulted


def _derive_from(source: str, request: CorsRequest) -> bytes | None:
    match source:
        case "X-Original-Origin":
            return request.original_origin
        case "Referer":
            return None if request.referer is None else _origin_of(request.referer)
        case _:
            return None if request.host is None else b"https://" + request.host


def _origin_of(url: bytes) -> bytes:
    """Cut a URL after its authority."""
    scheme, separator, rest = url.partition(b"://")
    for delimiter in b"/", b"?", b"#":
        rest = rest.partition(delimiter)[0]
    return scheme + separator + rest
