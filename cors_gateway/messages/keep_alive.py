"""For how long the other side means to keep a connection: the ``Keep-Alive`` field.

Servers send it beside ``Connection: keep-alive``: ``timeout=5, max=100``, seconds of idleness and
further requests. No standard requires it (RFC 2068, section 19.7.1.1 has the form, RFC 9112, appendix
C.2.2 the history), so what cannot be read says nothing. Does not know connections.
"""

import re
from dataclasses import dataclass

from cors_gateway.messages.fields import FieldIndex

__all__ = ["KeepAlive", "read_keep_alive"]

_PARAMETER = re.compile(rb'(timeout|max)[ \t]*=[ \t]*"?([0-9]{1,9})"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """What a server says of its connection."""

    timeout: int | None = None
    """Seconds for which it stays open unused; ``None`` where that is not said."""
    max: int | None = None
    """Requests that it takes on it from now on; ``None`` where that is not said."""


def read_keep_alive(index: FieldIndex) -> KeepAlive | None:
    """Read the field; of several values of a parameter the smallest counts.

    Returns:
        What it says, or ``None`` where it is missing or says nothing.
    """
    values = index.get(b"keep-alive")
    if values is None:
        return None
    said: dict[bytes, int] = {}
    for parameter in b",".join(values).split(b","):
        match = _PARAMETER.fullmatch(parameter.strip(b" \t"))
        if match is not None:
            name, number = match[1].lower(), int(match[2])
            said[name] = min(number, said.get(name, number))
    return KeepAlive(said.get(b"timeout"), said.get(b"max")) if said else None
