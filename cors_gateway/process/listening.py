"""Binding the sockets that clients connect to.

Each worker has sockets of its own at the same addresses (SO_REUSEPORT), so that each has its own
queue of connections and none takes all of them. The kernel lets any process of the same user join
in; so an address is first bound without that, which fails where somebody else has it.
"""

import errno
import os
import socket
import stat
from collections.abc import Iterable
from typing import Any

from cors_gateway.snapshot import Listener

__all__ = ["BACKLOG", "Found", "ListenError", "bind", "refuse", "resolve", "url_of"]

Found = tuple[Any, ...]
"""An address as the system spells it for ``bind``: host and port first."""

ALL_IPV4 = "0.0.0.0"  # noqa: S104 - compared, not bound
BACKLOG = 1024
"""Connections that may wait for a worker; the kernel turns away who comes in a greater crowd at once."""


class ListenError(Exception):
    """A socket could not be bound; the text says where, why and what to do."""


def bind(
    listener: Listener,
    all_listeners: Iterable[Listener] = (),
    *,
    beside: socket.socket | None = None,
    found: Found | None = None,
    flag: str = "--listen",
    listens: bool = True,
) -> socket.socket:
    """Open a socket of ``listener``.

    Args:
        listener: where to listen.
        all_listeners: what is bound beside it: ``[::]`` leaves IPv4 to a wildcard of its own.
        beside: one of our own at the same address, to be joined. A unix socket's is shared.
        found: what ``resolve`` gave for its host; ``None`` to look it up here.
        flag: what would choose another address.
        listens: whether clients may come at once.

    Raises:
        ListenError: with what to do about it.
    """
    try:
        if listener.unix_path:
            if beside is not None:
                return beside.dup()
            return _bind_unix(listener.unix_path, listens=listens)
        has_ipv4 = any(
            other.unix_path is None and (other.host, other.port) == (ALL_IPV4, listener.port)
            for other in all_listeners
        )
        if beside is not None:
            return _bind_tcp(beside.getsockname(), listens=listens, is_only_ipv6=has_ipv4)
        name, _, *others = found or _resolve(listener.host)
        address = (name, listener.port, *others)
        if listener.port:
            _open_tcp(address, is_only_ipv6=has_ipv4).close()
        return _bind_tcp(address, listens=listens, is_only_ipv6=has_ipv4)
    except OSError as error:
        raise refuse(error, listener, flag) from error


def resolve(listeners: Iterable[Listener], *, flag: str = "--listen") -> dict[str, Found]:
    """Look up the names that stand where an address is to be; it may take long.

    Raises:
        ListenError: one leads nowhere.
    """
    addresses: dict[str, Found] = {}
    for listener in listeners:
        if listener.unix_path is None:
            try:
                addresses[listener.host] = _resolve(listener.host)
            except OSError as error:
                raise refuse(error, listener, flag) from error
    return addresses


def refuse(error: OSError, listener: Listener, flag: str = "--listen") -> ListenError:
    """Say what to do where nobody can listen."""
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    where = listener.unix_path or f"{host}:{listener.port}"
    return ListenError(f"cannot listen on {where}: {_remedy(error, listener, flag)}")


def url_of(sock: socket.socket, listener: Listener) -> str:
    """Spell the address of the listening socket of ``listener`` for a person."""
    name = sock.getsockname()
    if isinstance(name, str):
        return f"unix:{name}"
    host, port = name[:2]
    scheme = "http" if listener.tls is None else "https"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _bind_tcp(address: Found, *, listens: bool, is_only_ipv6: bool) -> socket.socket:
    return _begin(_open_tcp(address, is_only_ipv6=is_only_ipv6, shares=True), listens=listens)


def _begin(sock: socket.socket, *, listens: bool) -> socket.socket:
    try:
        if listens:
            sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.settimeout(0)
    return sock


def _resolve(host: str) -> Found:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.getaddrinfo(host, 0, family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return found[0][4]


def _open_tcp(address: Found, *, is_only_ipv6: bool, shares: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shares)
        if family == socket.AF_INET6:
            # [::] alone takes IPv4 as well, as in Go; both together are what nginx needs.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, is_only_ipv6)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def _bind_unix(path: str, *, listens: bool) -> socket.socket:
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.bind(path)
    except OSError:
        sock.close()
        raise
    return _begin(sock, listens=listens)


def _remove_stale(path: str) -> None:
    """Remove the socket of a process that is gone, and nothing else."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):  # noqa: PTH116 - one call, one error
            raise FileExistsError(errno.EEXIST, "a file that is no socket is there", path)
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        # Who accepts nothing and has a full queue would be waited for without an end.
        probe.settimeout(0)
        try:
            probe.connect(path)
        except BlockingIOError:
            pass
        except ConnectionRefusedError:
            os.unlink(path)  # noqa: PTH108
            return
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), path)


def _remedy(error: OSError, listener: Listener, flag: str) -> str:
    if isinstance(error, socket.gaierror):
        said = error.strerror or str(error)
        return f"{said}; correct the name, or write an address such as 0.0.0.0:8080"
    match error.errno:
        case errno.EADDRINUSE:
            return f"the address is in use; stop what listens there or choose another with {flag}"
        case errno.EACCES if listener.unix_path:
            return f"permission denied; let user {os.geteuid()} write in its folder"
        case errno.EACCES:
            return "permission denied; ports below 1024 need a capability, choose 8080"
        case errno.ENOENT:
            return f"the folder does not exist; make it or choose another path with {flag}"
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT if ":" in listener.host:
            return f"no such address, or IPv6 is off here; choose 0.0.0.0 with {flag}"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address; 0.0.0.0 or [::] takes them all"
        case _:
            return error.strerror or str(error)
