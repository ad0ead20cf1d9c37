"""How a worker begins: it takes its orders from the supervisor, and serves as they say.

Why it cannot is told over the same socket.
"""

import socket

from cors_gateway.process.certificates import CertificateError
from cors_gateway.process.control import receive_orders, to_line
from cors_gateway.process.descriptors import raise_limit
from cors_gateway.process.worker import run_worker
from cors_gateway.wire.heads import has_c_parser

__all__ = ["begin"]

NO_C_PARSER = (
    "aiohttp came without its C parser, and what reads requests without it is not strict enough: "
    "install an aiohttp wheel for this platform, and unset AIOHTTP_NO_EXTENSIONS"
)


def begin(control: socket.socket) -> int:
    """Serve, once there are orders; return the exit status.

    Args:
        control: leads to the supervisor.
    """
    # As the supervisor does for itself, later than it has started who comes early.
    raise_limit()
    try:
        orders = receive_orders(control)
    except EOFError:
        return 0
    if not has_c_parser():
        return _fail(control, NO_C_PARSER)
    sockets = [socket.socket(fileno=number) for number in orders.sockets]
    try:
        run_worker(
            orders.snapshot,
            sockets,
            control=control,
            log_lock=orders.log_lock,
            waits=orders.waits,
        )
    except CertificateError as error:
        return _fail(control, str(error))
    return 0


def _fail(control: socket.socket, why: str) -> int:
    control.setblocking(True)  # noqa: FBT003 - the signature of the system's
    control.sendall(to_line({"failed": why}))
    return 1
