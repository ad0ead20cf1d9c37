"""Processes that will be workers, started before it is known what they serve.

An interpreter takes a while to load what every worker needs, and needs no configuration for that. So it
loads while the supervisor still reads the configuration; its orders, and the sockets that it is to
listen on, follow over the socket that it was started with. It does nothing before, has nothing to
lose, and ends by itself when that socket does.

A process is a new interpreter and no fork: the supervisor has threads and an event loop, which do not
survive a fork in order, and modules that a worker must not carry.

Little is imported here: whatever is delays every start.
"""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cors_gateway.process.cpus import count_workers

__all__ = ["NOBODY", "Recruit", "Recruits", "recruit_early"]

MODULE = "cors_gateway.process.worker_main"


@dataclass(frozen=True, slots=True)
class Recruit:
    """A process that waits for its orders, or is about to."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    """Our end of what both speak over; whoever takes it closes it."""

    @classmethod
    def start(cls) -> "Recruit":
        """Start one.

        Raises:
            OSError: the system does not start a process.
        """
        ours, theirs = socket.socketpair()
        try:
            # -P, and the path handed over: or modules that lie in the current folder would be
            # taken for ours.
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                (sys.executable, "-P", "-m", MODULE, str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                pass_fds=[theirs.fileno()],
                # Out of the terminal's foreground: ^C is for the supervisor, also at the start.
                process_group=0,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return cls(process, ours)

    def dismiss(self) -> None:
        """End it: it has done nothing yet."""
        self.control.close()
        self.process.kill()
        self.process.wait()


class Recruits:
    """Those who were started early and have no place yet."""

    def __init__(self, count: int = 0) -> None:
        """Start some; fewer where the system does not start more, which is told who needs them."""
        self._waiting: list[Recruit] = []
        with contextlib.suppress(OSError):
            for _ in range(count):
                self._waiting.append(Recruit.start())

    def take(self) -> Recruit:
        """Give one who was started early, or start one.

        Raises:
            OSError: the system does not start a process.
        """
        return self._waiting.pop(0) if self._waiting else Recruit.start()

    def dismiss(self, but: int = 0) -> None:
        """End those whom nobody needs: all ``but`` so many."""
        while len(self._waiting) > but:
            self._waiting.pop().dismiss()


NOBODY = Recruits()
"""Where nobody was started early."""


@contextmanager
def recruit_early(wanted: str | None) -> Iterator[Recruits]:
    """Start those who will probably be needed, and end at last whoever was not.

    Never more than the machine has use for: one who comes later than the others is no harm, and
    what the configuration says is not known yet.

    Args:
        wanted: how many workers somebody has asked for outside the configuration.
    """
    most = count_workers()
    count = int(wanted) if wanted is not None and wanted.isdecimal() else most
    recruits = Recruits(min(count, most))
    try:
        yield recruits
    finally:
        recruits.dismiss()
