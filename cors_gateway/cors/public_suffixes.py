"""The part of a host that one party controls: the registrable domain (URL standard section 3.2).

Knows no list: whether a domain is a public suffix is asked of the caller.
"""

from collections.abc import Callable
from typing import NamedTuple

from cors_gateway.cors.origins import is_ip_address, is_loopback

__all__ = ["IsPublicSuffix", "SuffixRules", "registrable_domain"]

IsPublicSuffix = Callable[[str], bool]


class SuffixRules(NamedTuple):
    """What is asked about domains."""

    is_public_suffix: IsPublicSuffix
    """Whether names under a domain belong to different parties."""
    is_registry_suffix: IsPublicSuffix
    """Whether anyone may register names under it as a matter of course."""
    has_public_suffix_below: IsPublicSuffix
    """Whether one of the names below it, at any depth, is a public suffix."""

    def is_shared(self, domain: str) -> bool:
        """Say whether the names below a domain, at any depth, belong to different parties."""
        return self.is_public_suffix(domain) or self.has_public_suffix_below(domain)

    def is_one_partys(self, end: str) -> bool:
        """Say whether the end of a host holds a registrable domain, and all below is one party's.

        The end of an address never does.
        """
        if is_ip_address(end):
            return False
        return is_loopback(end) or ("." in end and not self.is_shared(end))


def registrable_domain(host: str, is_public_suffix: IsPublicSuffix) -> str:
    """Cut a host down to its public suffix and one label; an address stays as it is."""
    if is_ip_address(host):
        return host
    domain, _, rest = host.partition(".")
    while rest and not is_public_suffix(rest):
        # The list may not know a host's last label; then that is its public suffix.
        if "." not in rest:
            break
        label, _, rest = rest.partition(".")
        domain = label
    return f"{domain}.{rest}" if rest else domain
