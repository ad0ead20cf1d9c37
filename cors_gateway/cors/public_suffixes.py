"""The part of a host that one party controls: the registrable domain (URL standard section 3.2).

Knows no list: whether a domain is a public suffix is asked of the caller.
"""

from collections.abc import Callable

from cors_gateway.cors.origins import is_ip_address

__all__ = ["IsPublicSuffix", "registrable_domain"]

IsPublicSuffix = Callable[[str], bool]


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
