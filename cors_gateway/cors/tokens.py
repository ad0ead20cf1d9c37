"""The ``token`` rule (RFC 9110 section 5.6.2), which methods and field names have to follow.

Knows no name: which tokens mean what is for the modules beside it.
"""

from string import ascii_letters, digits

__all__ = ["is_token"]

_TOKEN_BYTES = (ascii_letters + digits + "!#$%&'*+-.^_`|~").encode()


def is_token(value: bytes) -> bool:
    """Say whether a value is one or more token bytes and nothing else."""
    return bool(value) and not value.translate(None, _TOKEN_BYTES)
