"""Run a program that ends with the process that started it, even one that was killed.

``python -m cors_gateway.demo.leash PID PROGRAM ARGUMENT…`` becomes PROGRAM, and gets TERM when
process PID is no more. A process that is killed can ask nobody to stop, so the kernel does; this is
asked for in the child itself, because code between fork and exec must not depend on an interpreter.
"""

import ctypes
import os
import signal
import sys

__all__ = ["leashed"]

PR_SET_PDEATHSIG = 1


def leashed(*argv: str) -> tuple[str, ...]:
    """Give the command line that runs ``argv`` on a leash of this process."""
    return (sys.executable, "-P", "-m", __name__, str(os.getpid()), *argv)


def _main(parent: int, argv: list[str]) -> None:
    # Only Linux has it; elsewhere a gateway outlives a demonstration that was killed.
    if hasattr(library := ctypes.CDLL(None), "prctl"):
        library.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == parent:  # or it is gone already, and nobody will tell
        os.execv(argv[0], argv)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2:])
