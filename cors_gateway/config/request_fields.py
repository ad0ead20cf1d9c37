"""Which header fields a route may set on, or remove from, the requests that it sends upstream.

Grammar: RFC 9110, section 5. Prohibited are the fields that frame a message or that the gateway
answers for itself: with them, a line of configuration could split one request into two.
"""

import re

from cors_gateway.config.problems import UnfitValueError
from cors_gateway.messages.fields import CONNECTION_SPECIFIC
from cors_gateway.messages.forwarding import FORWARDING_NAMES

__all__ = ["check_field_name", "check_field_value"]

TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

REASONS = {
    **dict.fromkeys(CONNECTION_SPECIFIC, ("it belongs to one connection", "remove this line")),
    **dict.fromkeys(
        FORWARDING_NAMES,
        ("the gateway sets it", "name the proxies in front under server.trustedProxies"),
    ),
    b"content-length": ("the gateway frames messages by it", "remove this line"),
    b"expect": ("the gateway answers it", "remove this line"),
    b"host": ("it says which site is called", "use upstream.host"),
    b"origin": ("it says which site calls", "use upstream.origin"),
    b"transfer-encoding": ("the gateway frames messages by it", "remove this line"),
    b"via": ("the gateway recognises loops by it", "remove this line"),
    b"x-request-id": ("the gateway sets it", "remove this line"),
}
"""By prohibited name: why, and the fix."""


def check_field_name(name: str) -> None:
    """Check the name of a field to set or to remove."""
    if not TOKEN.fullmatch(name):
        fix = "use letters, digits and -"
        raise UnfitValueError("{value} is no header name", "it is not a token", fix)
    if (reason := REASONS.get(name.lower().encode())) is not None:
        raise UnfitValueError("{value} cannot be set or removed", *reason)


def check_field_value(value: str) -> None:
    """Check the value of a field to set."""
    if CONTROL.search(value):
        why = "a line break in it would make another header or another request"
        raise UnfitValueError("the value has a control character", why, "remove it")
    if value != value.strip(" \t"):
        why = "white space around a value does not reach the upstream"
        raise UnfitValueError("the value begins or ends with white space", why, "remove it")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise UnfitValueError("the value is not Unicode text", "", "correct it")
