"""Who may have something changed: programs, and never a web page of somebody else.

A page can have any browser that opens it send a POST to an address that only the browser reaches, and
need not read the answer. It cannot keep the browser from saying where that comes from, though:
``Origin`` goes with every POST of a page (Fetch, section 3.2), ``Sec-Fetch-Site`` where the browser
knows it, ``Referer`` where nobody forbids it. Programs send none of them.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

__all__ = ["SenderError", "check_sender"]

OWN_SITES = frozenset({"same-origin", "none"})
"""What ``Sec-Fetch-Site`` says of a page of ours, and of what somebody typed."""


class SenderError(Exception):
    """A request comes from a page that may change nothing; the text says so."""


def check_sender(
    host: str, origins: Collection[str], sites: Collection[str], referers: Collection[str]
) -> None:
    """Check that no page of somebody else sends a request.

    Args:
        host: what ``Host`` says; it has been checked.
        origins: the values of the lines of ``Origin``.
        sites: those of ``Sec-Fetch-Site``.
        referers: those of ``Referer``.

    Raises:
        SenderError: one does, or may.
    """
    is_ours = all(_authority(value) == host.lower() for value in (*origins, *referers))
    if not (is_ours and OWN_SITES.issuperset(sites)):
        raise SenderError("a web page of another origin may not change anything here")


def _authority(url: str) -> str | None:
    """Give host and port of a page's URL; ``None``, which no host equals, where it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    is_page = parts.scheme in {"http", "https"}
    return parts.netloc.lower() or None if is_page else None
