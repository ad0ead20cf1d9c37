"""``python -m cors_gateway.process.worker_main FD``: a worker's process, started by the supervisor.

It loads what every worker needs, and then takes its orders from the socket that it has inherited as
``FD`` (``beginning``). Little is imported here, so that what is missing can be told over that socket.
"""

import gc
import json
import signal
import socket
import sys
from collections.abc import Callable

from cors_gateway.process.lacking import describe_lacking
from cors_gateway.process.parser_only import import_parser

__all__ = ["load", "main"]


def main(descriptor: int) -> int:
    """Serve as the orders say; return the exit status."""
    # Nobody's terminal closes for a worker, and a reload is for the supervisor.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    control = socket.socket(fileno=descriptor)
    try:
        begin = load()
    except ModuleNotFoundError as error:
        if str(error.name).startswith("cors_gateway"):
            raise
        _fail(control, describe_lacking(error))
        return 1
    return begin(control)


def load() -> Callable[[socket.socket], int]:
    """Import all that a worker needs; give what serves.

    All of it stays until the end. So the garbage collector neither looks for garbage in it meanwhile
    nor ever again: every full collection, which holds up all requests, would walk through it.
    """
    gc.disable()
    import_parser()
    from cors_gateway.process.beginning import begin  # noqa: PLC0415 - it may fail, and that is told

    gc.freeze()
    gc.enable()
    return begin


def _fail(control: socket.socket, why: str) -> None:
    control.sendall(json.dumps({"failed": why}).encode("ascii") + b"\n")
    # Orders that meet a closed socket would keep it from being read.
    control.shutdown(socket.SHUT_WR)
    while control.recv(1 << 16):
        pass


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
