"""``python -m cors_gateway.process.worker_main FD``: a worker's process, started by the supervisor.

It takes its orders from the socket that it has inherited as ``FD``, serves, and says over the same
socket when it is ready, what it has counted, and why it could not begin.
"""

import signal
import socket
import sys

from cors_gateway.process.certificates import CertificateError
from cors_gateway.process.control import receive_orders, to_line
from cors_gateway.process.worker import run_worker

__all__ = ["main"]


def main(descriptor: int) -> int:
    """Serve as the orders say; return the exit status."""
    # Nobody's terminal closes for a worker, and a reload is for the supervisor.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    control = socket.socket(fileno=descriptor)
    try:
        orders = receive_orders(control)
        sockets = [socket.socket(fileno=number) for number in orders.sockets]
        run_worker(
            orders.snapshot,
            sockets,
            control=control,
            log_lock=orders.log_lock,
            waits=orders.waits,
        )
    except EOFError:
        return 0
    except CertificateError as error:
        control.setblocking(True)  # noqa: FBT003
        control.sendall(to_line({"failed": str(error)}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
