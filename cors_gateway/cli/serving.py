"""Starting to serve: what ``run`` and ``proxy`` have in common once there is a snapshot."""

import contextlib
import socket

from cors_gateway import __version__
from cors_gateway.cli.endings import Exit, RefusedError
from cors_gateway.process.certificates import CertificateError
from cors_gateway.process.listening import ListenError, bind, url_of
from cors_gateway.process.worker import run_worker
from cors_gateway.snapshot import Snapshot
from cors_gateway.wire.heads import has_c_parser

__all__ = ["serve"]

NO_C_PARSER = (
    "aiohttp came without its C parser, and what reads requests without it is not strict enough: "
    "install an aiohttp wheel for this platform, and unset AIOHTTP_NO_EXTENSIONS"
)


def serve(snapshot: Snapshot) -> int:
    """Listen, say so in one line, and serve until a signal says stop.

    Raises:
        RefusedError: it could not start.
    """
    if not has_c_parser():
        raise RefusedError(NO_C_PARSER, Exit.COULD_NOT_START)
    with contextlib.ExitStack() as stack:
        sockets: list[socket.socket] = []
        try:
            for listener in snapshot.listeners:
                sock = bind(listener, snapshot.listeners)
                sockets.append(stack.enter_context(sock))
        except ListenError as error:
            raise RefusedError(str(error), Exit.COULD_NOT_START) from error
        urls = ", ".join(map(url_of, sockets, snapshot.listeners))
        try:
            run_worker(snapshot, sockets, lambda: _announce(urls))
        except CertificateError as error:
            raise RefusedError(str(error), Exit.COULD_NOT_START) from error
    return Exit.FINE


def _announce(urls: str) -> None:
    # Nobody has to read it.
    with contextlib.suppress(OSError):
        print(f"cors-gateway {__version__} listening on {urls}", flush=True)
