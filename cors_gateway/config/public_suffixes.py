"""Domains below which anyone can register: the Public Suffix List, as bundled at build time.

It is read once, when a configuration is loaded, and by no request.
"""

from functools import cache

from publicsuffixlist import PublicSuffixList

__all__ = ["is_public_suffix", "is_registry_suffix"]


def is_public_suffix(domain: str) -> bool:
    """Say whether names below ``domain`` belong to different parties.

    Args:
        domain: in lower case, without a dot at its end.
    """
    return bool(_list(registries_only=False).is_public(domain))


def is_registry_suffix(domain: str) -> bool:
    """Say whether ``domain`` is a registry's, such as ``co.uk``, and no hosting service's."""
    return bool(_list(registries_only=True).is_public(domain))


@cache
def _list(*, registries_only: bool) -> PublicSuffixList:
    return PublicSuffixList(only_icann=registries_only)
