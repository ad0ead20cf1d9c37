"""Domains below which anyone can register: the Public Suffix List, as bundled at build time.

It is read when a configuration is loaded, and by no request; and of its 10,000 rules only those below
the top-level domain that is asked about, as the others say nothing of it.
"""

from collections.abc import Iterator
from functools import cache
from pkgutil import get_data

from publicsuffixlist import PublicSuffixList

__all__ = ["has_public_suffix_below", "is_public_suffix", "is_registry_suffix"]


def is_public_suffix(domain: str) -> bool:
    """Say whether names below ``domain`` belong to different parties.

    Args:
        domain: in lower case, without a dot at its end.
    """
    return bool(_list(_top_of(domain), registries_only=False).is_public(domain))


def is_registry_suffix(domain: str) -> bool:
    """Say whether ``domain`` is a registry's, such as ``co.uk``, and no hosting service's."""
    return bool(_list(_top_of(domain), registries_only=True).is_public(domain))


def has_public_suffix_below(domain: str) -> bool:
    """Say whether a name below ``domain``, at any depth, is a public suffix.

    ``windows.net`` is none, but ``blob.core.windows.net`` is.
    """
    return domain in _domains_above(_top_of(domain))


@cache
def _domains_above(top: str) -> frozenset[str]:
    """Collect the domains above each rule of the list, for which the list has no question."""
    above: set[str] = set()
    for line in _lines(top):
        # What starts with "!" is taken out of a rule that stands there too.
        if not line.startswith(("//", "!")):
            domain = line.encode("idna").decode("ascii")
            while domain := domain.partition(".")[2]:
                above.add(domain)
    return frozenset(above)


@cache
def _list(top: str, *, registries_only: bool) -> PublicSuffixList:
    return PublicSuffixList("\n".join(_lines(top)), only_icann=registries_only)


def _lines(top: str) -> Iterator[str]:
    """Give the rules below a top-level domain, between the marks that say whose they are."""
    content = get_data("publicsuffixlist", "public_suffix_list.dat") or b""
    for line in content.decode().splitlines():
        if line.startswith("//"):
            if line.startswith("// ==="):
                yield line
        # Nearly all the others are seen at once not to be of it; a rule ends at white space.
        elif line.endswith(top) or " " in line or not line.isascii():
            rule = line.partition(" ")[0]
            last = _top_of(rule)
            if last == top or (top.startswith("xn--") and _in_ascii(last) == top):
                yield rule


def _top_of(domain: str) -> str:
    return domain.rpartition(".")[2]


def _in_ascii(label: str) -> str:
    return label.encode("idna").decode("ascii")
