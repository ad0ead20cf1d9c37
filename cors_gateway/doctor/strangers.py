"""Strangers: origins that nobody named, built so that a comparison which is not one of the whole takes them.

Decides how they are spelled, never when one of them asks. Each is, or could be, somebody else's: the names
end in ``.example``, which is reserved (RFC 6761), or belong to another registrable domain than the page's.
"""

from dataclasses import dataclass, replace

from cors_gateway.cors.origins import (
    TupleOrigin,
    is_ip_address,
    is_loopback,
    parse_origin,
    serialize_origin,
)
from cors_gateway.cors.public_suffixes import IsPublicSuffix, registrable_domain

__all__ = ["STRANGER", "Strangers", "beginning_of", "find_strangers"]

_NOBODY = "attacker.example"

STRANGER = f"https://{_NOBODY}".encode()
"""Nobody's page, which has nothing in common with the one that was named."""


@dataclass(frozen=True, slots=True)
class Strangers:
    """Origins of somebody else; ``None`` where the page or the API has no name to build one of."""

    look_alike: bytes
    """Holds the page's name and the API's: in front, in the middle, and at its end."""
    beginning: bytes | None
    """Begins with the page's name."""
    middle: bytes | None
    """Holds the page's name, and neither begins with it nor ends with it."""
    own_name: bytes | None
    """Begins with the API's name."""
    dot: bytes | None
    """The page's own, with a letter in the place of a dot."""
    insecure: bytes | None
    """The page's own over http, where it is https."""


def find_strangers(
    page: TupleOrigin, api: TupleOrigin, is_public_suffix: IsPublicSuffix
) -> Strangers:
    """Build the strangers of a page.

    Args:
        page: whose look-alikes they are.
        api: that they would call.
        is_public_suffix: whether names below a domain belong to different parties.
    """
    scheme = page.scheme if page.scheme in {"http", "https"} else "https"
    host = page.host
    is_named = not is_ip_address(host) and not is_loopback(host) and "." in host
    # Somebody may own attackerexample.com; nobody but its owner has a name below example.com.
    domain = registrable_domain(host, is_public_suffix) if is_named else ".example"
    own = (host, api.host, f"attacker{domain}")
    whole = ".".join(part for part in own if not part.startswith("["))
    dotless = _replace_dot(host, domain) if is_named else None
    return Strangers(
        look_alike=_spell(TupleOrigin(scheme, whole, page.port)) or STRANGER,
        beginning=_spell(TupleOrigin(scheme, f"{host}.{_NOBODY}", page.port)),
        middle=_spell(TupleOrigin(scheme, f"attacker{host}.{_NOBODY}", page.port)),
        own_name=_spell(TupleOrigin("https", f"{api.host}.{_NOBODY}", None)),
        dot=_spell(replace(page, host=dotless)) if dotless else None,
        insecure=_spell(replace(page, scheme="http")) if page.scheme == "https" else None,
    )


def beginning_of(stranger: bytes) -> str:
    """Give what a stranger's origin begins with, up to the name that is nobody's."""
    return stranger.decode().rpartition(f".{_NOBODY}")[0]


def _replace_dot(host: str, domain: str) -> str:
    """Put a letter in the place of the dot in front of a page's registrable domain, or of its first dot.

    The dots before that one lead to names of the same owner, whom ``https://*.example.com`` may well mean.
    """
    front = host.removesuffix(f".{domain}")
    return f"{front}x{domain}" if front != host else host.replace(".", "x", 1)


def _spell(origin: TupleOrigin) -> bytes | None:
    """Serialize an origin; ``None`` where that makes none, such as one that is too long."""
    spelled = serialize_origin(origin)
    return spelled if parse_origin(spelled) else None
