"""What the kernel knows of the gateway's processes, added up: CPU time, memory, descriptors.

Read from ``/proc`` as proc(5) describes it. A process that ends meanwhile is passed over; where there
is no ``/proc``, nothing is known.
"""

import os
import resource
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Processes", "Usage"]

PROC = Path("/proc")
# Of /proc/PID/stat, counted behind the name, which is in parentheses and may hold anything.
USER, SYSTEM, CHILDREN_USER, CHILDREN_SYSTEM, START, ADDRESS_SPACE, RESIDENT = (
    *(11, 12, 13, 14),
    *(19, 20, 21),
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What all processes use together."""

    cpu_seconds: float
    resident_bytes: int
    virtual_bytes: int
    open_files: int
    most_files: int
    """For the supervisor alone; the workers have the same limit."""
    started: float
    """The supervisor, in seconds since the epoch."""


class Processes:
    """Adds up what the supervisor and its workers use."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._cpu_seconds = 0.0

    def usage(self, supervisor: int, workers: Iterable[int]) -> Usage | None:
        """Look at the processes; ``None`` where nothing is known.

        Args:
            supervisor: the process that waits for the workers' ends.
            workers: its children.
        """
        own = self._stat(supervisor)
        if own is None:
            return None
        stats = [stat for pid in workers if (stat := self._stat(pid))]
        ticks = sum(own[USER : CHILDREN_SYSTEM + 1])
        ticks += sum(sum(stat[USER : SYSTEM + 1]) for stat in stats)
        # Workers that have ended are among the supervisor's children. One that ends between
        # the two looks is in neither; time that was there once stays.
        self._cpu_seconds = max(self._cpu_seconds, ticks / os.sysconf("SC_CLK_TCK"))
        everyone = [own, *stats]
        return Usage(
            cpu_seconds=self._cpu_seconds,
            resident_bytes=sum(stat[RESIDENT] for stat in everyone) * resource.getpagesize(),
            virtual_bytes=sum(stat[ADDRESS_SPACE] for stat in everyone),
            open_files=sum(map(self._count_files, (supervisor, *workers))),
            most_files=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            started=self._booted() + own[START] / os.sysconf("SC_CLK_TCK"),
        )

    def _stat(self, pid: int) -> list[int] | None:
        try:
            text = (self._proc / str(pid) / "stat").read_bytes()
        except OSError:
            return None
        state, *numbers = text.rpartition(b")")[2].split()
        return [ord(state), *map(int, numbers)]

    def _count_files(self, pid: int) -> int:
        try:
            return sum(1 for _ in (self._proc / str(pid) / "fd").iterdir())
        except OSError:
            return 0

    def _booted(self) -> float:
        for line in (self._proc / "stat").read_text("ascii").splitlines():
            if line.startswith("btime "):
                return float(line.split()[1])
        return 0.0
