"""Domains below which anyone can register: the Public Suffix List, as bundled at build time.

It is read once, when a configuration is loaded, and by no request.
"""

from functools import cache
from importlib.resources import files

from publicsuffixlist import PublicSuffixList

__all__ = ["has_public_suffix_below", "is_public_suffix", "is_registry_suffix"]


def is_public_suffix(domain: str) -> bool:
    """Say whether names below ``domain`` belong to different parties.

    Args:
        domain: in lower case, without a dot at its end.
    """
    return bool(_list(registries_only=False).is_public(domain))


def is_registry_suffix(domain: str) -> bool:
    """Say whether ``domain`` is a registry's, such as ``co.uk``, and no hosting service's."""
    return bool(_list(registries_only=True).is_public(domain))


def has_public_suffix_below(domain: str) -> bool:
    """Say whether a name below ``domain``, at any depth, is a public suffix.

    ``windows.net`` is none, but ``blob.core.windows.net`` is.
    """
    return domain in _domains_above()


@cache
def _domains_above() -> frozenset[str]:
    """Collect the domains above each rule of the list, for which the list has no question."""
    text = (files("publicsuffixlist") / "public_suffix_list.dat").read_text("utf-8")
    above: set[str] = set()
    for line in text.splitlines():
        # What starts with "!" is taken out of a rule that stands there too.
        if line and not line.startswith(("//", "!")):
            domain = line.split()[0].encode("idna").decode("ascii")
            while domain := domain.partition(".")[2]:
                above.add(domain)
    return frozenset(above)


@cache
def _list(*, registries_only: bool) -> PublicSuffixList:
    return PublicSuffixList(only_icann=registries_only)
