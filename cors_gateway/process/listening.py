"""Binding the sockets that clients connect to."""

import errno
import os
import socket
import stat

from cors_gateway.snapshot import Listener

__all__ = ["ListenError", "bind", "url_of"]

BACKLOG = 1024


class ListenError(Exception):
    """A socket could not be bound; the text says where, why and what to do."""


def bind(listener: Listener) -> socket.socket:
    """Open the listening socket of ``listener``.

    Raises:
        ListenError: with what to do about it.
    """
    try:
        return _bind_unix(listener.unix_path) if listener.unix_path else _bind_tcp(listener)
    except OSError as error:
        where = listener.unix_path or f"{listener.host}:{listener.port}"
        raise ListenError(f"cannot listen on {where}: {_remedy(error)}") from error


def url_of(sock: socket.socket) -> str:
    """Spell the address of a listening socket for a person."""
    name = sock.getsockname()
    if isinstance(name, str):
        return f"unix:{name}"
    host, port = name[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _bind_tcp(listener: Listener) -> socket.socket:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    address = socket.getaddrinfo(
        listener.host, listener.port, family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(address[0], address[1])
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # [::] takes IPv4 as well, as in nginx and Go.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(address[4])
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.settimeout(0)
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


def _remedy(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "the address is in use; stop what listens there or choose another with --listen"
        case errno.EACCES:
            return "permission denied; ports below 1024 need a capability, choose 8080"
        case errno.ENOENT:
            return "the folder does not exist; make it or choose another path with --listen"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address; 0.0.0.0 or [::] takes them all"
        case _:
            return error.strerror or str(error)
