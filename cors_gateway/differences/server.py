"""What changes for all routes alike: listeners, limits, times, admin, the log.

Wider is what can be reached by more, and whom the gateway believes more. A limit that is raised lets
nobody do anything else.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address
from typing import Any

from cors_gateway.config.load import Loaded
from cors_gateway.differences.change import Change
from cors_gateway.differences.keys import Side, changed_keys
from cors_gateway.snapshot import Listener, Snapshot

__all__ = ["compare_servers"]

BLOCKS = ("server", "admin", "log")

ALL_IPV4 = "0.0.0.0"  # noqa: S104 - compared, not bound
ALL_IPV6 = "::"


def compare_servers(old: Loaded, new: Loaded, was: Snapshot, becomes: Snapshot) -> Iterator[Change]:
    """Say what changes outside routes and policies.

    Args:
        old: the configuration as it was.
        new: the configuration as it is.
        was: its snapshot.
        becomes: its snapshot.
    """
    if old.settings is None or new.settings is None:
        return

    def why_wider(key: tuple[str, ...], _: Any, __: Any) -> str:
        match key:
            case ("server", "listen" | "tls", *_):
                plain = "clients may reach it that could not, or without TLS"
                return "" if _covers(was.listeners, becomes.listeners) else plain
            case ("server", "trustedProxies"):
                return "" if _trusts_no_more(was, becomes) else "their X-Forwarded-* count now"
            case ("server", "publicOrigin"):
                return "pages of another origin count as the gateway's own"
            case ("admin", *_):
                return _why_admin_is_wider(was, becomes)
        return ""

    for block in BLOCKS:
        yield from changed_keys(
            Side(_dumped(getattr(old.settings, block)), (block,), old),
            Side(_dumped(getattr(new.settings, block)), (block,), new),
            below=(block,),
            why_wider=why_wider,
        )


def _dumped(block: Any) -> Any:
    return block if isinstance(block, bool) else block.model_dump(by_alias=True)


def _why_admin_is_wider(old: Snapshot, new: Snapshot) -> str:
    if new.admin is None:
        return ""
    before = () if old.admin is None else (old.admin.listener,)
    hosts = frozenset() if old.admin is None else old.admin.hosts
    if _covers(before, (new.admin.listener,)) and new.admin.hosts <= hosts:
        return ""
    return "more may reach the admin listener"


def _covers(old: Iterable[Listener], new: Iterable[Listener]) -> bool:
    """Say whether whoever can reach one of the new listeners could reach one of the old."""
    old = tuple(old)
    return all(any(_is_within(after, before) for before in old) for after in new)


def _is_within(after: Listener, before: Listener) -> bool:
    if before.unix_path is not None:
        return before.unix_path == after.unix_path
    if after.unix_path is not None or _is_loopback(after.host):
        return True
    if after.tls is None and before.tls is not None:
        return False
    if before.host == ALL_IPV6:
        return True
    return after.host == before.host or (
        before.host == ALL_IPV4 and after.host != ALL_IPV6 and ":" not in after.host
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _trusts_no_more(old: Snapshot, new: Snapshot) -> bool:
    if new.trusts_unix and not old.trusts_unix:
        return False
    fours = [network for network in old.trusted_proxies if isinstance(network, IPv4Network)]
    sixes = [network for network in old.trusted_proxies if isinstance(network, IPv6Network)]
    known_fours, known_sixes = [*collapse_addresses(fours)], [*collapse_addresses(sixes)]
    return all(
        any(network.subnet_of(known) for known in known_fours)
        if isinstance(network, IPv4Network)
        else any(network.subnet_of(known) for known in known_sixes)
        for network in new.trusted_proxies
    )
