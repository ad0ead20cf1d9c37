"""The listeners of a document as they run: addresses that do not clash, certificates that fit.

What lies in files is said by the ``Reader``; here it is decided which listener proves itself with
what, and which addresses cannot be had together.
"""

from cors_gateway.config.addresses import Address, parse_listener
from cors_gateway.config.findings import Findings
from cors_gateway.config.listener_schema import (
    AdminSwitch,
    ListenerSettings,
    ListenerTlsSettings,
    ListenerTlsSwitch,
)
from cors_gateway.config.problems import Path, quote
from cors_gateway.config.schema import ServerSettings
from cors_gateway.config.substitution import Reader
from cors_gateway.snapshot import Admin, Listener, ListenerTls

__all__ = ["ListenerTable"]

ALL_IPV4 = "0.0.0.0"  # noqa: S104 - compared, not bound
ALL_IPV6 = "::"


class ListenerTable:
    """Compiles the listeners of one document."""

    def __init__(self, findings: Findings, reader: Reader) -> None:
        self._findings = findings
        self._reader = reader
        self._written: list[tuple[Address, str]] = []

    def compile_listeners(self, server: ServerSettings) -> tuple[Listener, ...]:
        """Compile ``server.listen`` and ``server.tls``; what is wrong goes to the findings."""
        where: Path = ("server", "listen")
        general = self._tls(server.tls, ("server", "tls"))
        listeners: list[Listener] = []
        is_used = False
        for index, item in enumerate(server.listen):
            path = (*where, index)
            own: ListenerTlsSwitch | None = None
            if isinstance(item, ListenerSettings):
                own = item.tls
                if item.address is None:
                    if not self._findings.is_touched((*path, "address")):
                        fix = "write address: host:port"
                        self._findings.error(path, "address is missing", "", fix)
                    self._tls(own, (*path, "tls"))
                    continue
                text, place = item.address, (*path, "address")
            else:
                text, place = item, path
            address = parse_listener(text)
            self._claim(text, address, place)
            tls = self._tls(own, (*path, "tls"))
            if own is None and address.unix_path is None:
                tls, is_used = general, True
            listeners.append(Listener(address.host, address.port, address.unix_path, tls))
        if isinstance(server.tls, ListenerTlsSettings) and not is_used and listeners:
            why = "every listener is a unix socket or has a tls of its own"
            fix = "remove it, or give a unix socket a block with tls"
            self._findings.warning(("server", "tls"), "{key} has no effect", why, fix, at_key=True)
        return tuple(listeners)

    def compile_admin(self, admin: AdminSwitch) -> Admin | None:
        """Compile ``admin``, after the listeners that it must not clash with."""
        if admin is False:
            return None
        address = parse_listener(admin.listen)
        is_default = "listen" not in admin.model_fields_set
        if not is_default:
            self._claim(admin.listen, address, ("admin", "listen"))
        listener = Listener(address.host, address.port, address.unix_path)
        return Admin(listener, frozenset(admin.hosts), is_default)

    def _tls(self, tls: ListenerTlsSwitch | None, path: Path) -> ListenerTls | None:
        if not isinstance(tls, ListenerTlsSettings):
            return None
        named: dict[str, str] = {}
        for role, name in (("certificate", tls.certificate), ("key", tls.key)):
            if name is not None:
                named[role] = self._reader.locate(name)
            elif not self._findings.is_touched((*path, role)):
                why = "a listener proves itself with a certificate and its key"
                fix = f"write {role}: {role[:4]}.pem"
                self._findings.error(path, f"{role} is missing", why, fix)
        if len(named) < 2:
            return None
        flaws = self._reader.check_pair(named["certificate"], named["key"])
        places = {role: (*path, role) for role in named}
        self._findings.report_flaws(flaws, places)
        return ListenerTls(named["certificate"], named["key"])

    def _claim(self, own: str, address: Address, path: Path) -> None:
        """Refuse an address that the system would, because another listener has it."""
        for other, text in self._written:
            if _is_same(address, other):
                what = f"{{value}} is {quote(text)} again"
                if text == own:
                    what = "{value} is there twice"
                self._findings.error(path, what, "", "remove one")
                return
            if _is_part(address, other) or _is_part(other, address):
                wide = quote(text) if _is_part(address, other) else "{value}"
                why = f"{wide} takes every address of this port"
                fix = "keep one of them, or choose another port"
                self._findings.error(path, f"{{value}} clashes with {quote(text)}", why, fix)
                return
        self._written.append((address, own))


def _is_same(one: Address, other: Address) -> bool:
    if one.unix_path is not None or other.unix_path is not None:
        return one.unix_path == other.unix_path
    # Port 0 is a free one, another each time.
    return one.port == other.port != 0 and one.host.lower() == other.host.lower()


def _is_part(narrow: Address, wide: Address) -> bool:
    """Say whether one address is among those that another takes.

    ``[::]`` and ``0.0.0.0`` are not: beside an IPv4 wildcard, ``[::]`` takes IPv6 only, so that
    what people write for nginx means the same here. Names are for the system to resolve.
    """
    if narrow.unix_path is not None or wide.unix_path is not None or narrow.port != wide.port:
        return False
    if not wide.port or narrow.host in {ALL_IPV4, ALL_IPV6}:
        return False
    is_ipv6 = ":" in narrow.host
    is_ipv4 = narrow.host.replace(".", "").isdecimal()
    if wide.host == ALL_IPV4:
        return is_ipv4
    return wide.host == ALL_IPV6 and (is_ipv6 or is_ipv4)
