"""Methods as the Fetch standard sees them (section 2.2.1): safelisted, forbidden, normalized.

*Forbidden* is the standard's word. *Receivable* is this gateway's: its request parser knows a
fixed set of methods and refuses any other before a policy is asked.
"""

from cors_gateway.cors.tokens import is_token

__all__ = [
    "FORBIDDEN_METHODS",
    "MAX_METHOD_BYTES",
    "RECEIVABLE_METHODS",
    "SAFELISTED_METHODS",
    "is_forbidden_method",
    "is_method",
    "normalize_method",
]

SAFELISTED_METHODS = frozenset({b"GET", b"HEAD", b"POST"})
"""Browsers allow these whatever ``Access-Control-Allow-Methods`` says."""

FORBIDDEN_METHODS = frozenset({b"CONNECT", b"TRACE", b"TRACK"})
"""No page can send these."""

MAX_METHOD_BYTES = 64
"""An announced method longer than this is not repeated in an answer."""

RECEIVABLE_METHODS = frozenset(
    b"ACL BIND CHECKOUT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL"
    b" MOVE NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH"
    b" SOURCE SUBSCRIBE UNBIND UNLINK UNLOCK UNSUBSCRIBE".split()
)
"""What the request parser lets through, without the forbidden ones."""

_NORMALIZED = frozenset({b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"POST", b"PUT"})


def is_method(value: bytes) -> bool:
    """Say whether an announced method is one at all, and of a length that may be repeated."""
    return len(value) <= MAX_METHOD_BYTES and is_token(value)


def is_forbidden_method(method: bytes) -> bool:
    """Say whether the standard forbids the method to pages; case does not matter."""
    return method.upper() in FORBIDDEN_METHODS


def normalize_method(method: bytes) -> bytes:
    """Spell a method as a browser sends it: six are put in upper case, all others stay."""
    upper = method.upper()
    return upper if upper in _NORMALIZED else method
