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

from cors_gateway.snapshot import Listener

__all__ = ["BACKLOG", "ListenError", "bind", "url_of"]

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
    flag: str = "--listen",
) -> socket.socket:
    """Open a listening socket of ``listener``.

    Args:
        listener: where to listen.
        all_listeners: what is bound beside it: ``[::]`` leaves IPv4 to a wildcard of its own.
        beside: one of our own at the same address, to be joined. A unix socket's is shared.
        flag: what would choose another address.

    Raises:
        ListenError: with what to do about it.
    """
    try:
        if listener.unix_path:
            return _bind_unix(listener.unix_path) if beside is None else beside.dup()
        has_ipv4 = any(
            other.unix_path is None and (other.host, other.port) == (ALL_IPV4, listener.port)
            for other in all_listeners
        )
        if beside is not None:
            return _bind_tcp(listener, beside.getsockname()[1], is_only_ipv6=has_ipv4)
        if listener.port:
            _open_tcp(listener, listener.port, is_only_ipv6=has_ipv4).close()
        return _bind_tcp(listener, listener.port, is_only_ipv6=has_ipv4)
    except OSError as error:
        host = f"[{listener.host}]" if ":" in listener.host else listener.host
        where = listener.unix_path or f"{host}:{listener.port}"
        raise ListenError(f"cannot listen on {where}: {_remedy(error, listener, flag)}") from error


def url_of(sock: socket.socket, listener: Listener) -> str:
    """Spell the address of the listening socket of ``listener`` for a person."""
    name = sock.getsockname()
    if isinstance(name, str):
        return f"unix:{name}"
    host, port = name[:2]
    scheme = "http" if listener.tls is None else "https"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _bind_tcp(listener: Listener, port: int, *, is_only_ipv6: bool) -> socket.socket:
    sock = _open_tcp(listener, port, is_only_ipv6=is_only_ipv6, shares=True)
    try:
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.settimeout(0)
    return sock


def _open_tcp(
    listener: Listener, port: int, *, is_only_ipv6: bool, shares: bool = False
) -> socket.socket:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    address = socket.getaddrinfo(
        listener.host, port, family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(address[0], address[1])
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shares)
        if family == socket.AF_INET6:
            # [::] alone takes IPv4 as well, as in Go; both together are what nginx needs.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, is_only_ipv6)
        sock.bind(address[4])
    except OSError:
        sock.close()
        raise
    return sock


def _bind_unix(path: str) -> socket.socket:
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.bind(path)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.settimeout(0)
    return sock


def _remove_stale(path: str) -> None:
    """Remove the socket of a process that is gone, and nothing else."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):  # noqa: PTH116 - one call, one error
            raise FileExistsError(errno.EEXIST, "a file that is no socket is there", path)
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
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
