"""What a worker runs short of: file descriptors, and the memory of its container.

Without descriptors the event loop can only close who connects, and a container without memory is killed
with all its clients. So a worker looks twice a second, and while little is left it takes no further
clients: they are told so, with 503. Those that it has go on, and what they give back ends it. The operator
hears of it once each time.

Memory is what the container cannot give back to the kernel: files that are only cached do not count.
"""

import asyncio
import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cors_gateway.process.control_groups import Group, groups_of
from cors_gateway.process.logging import Report
from cors_gateway.wire.plane import Plane

__all__ = ["MemoryBound", "Scarcity", "find_memory_bound"]

INTERVAL = 0.5
"""Seconds between two looks."""

RELIEF = 10
"""Looks in a row at which there is enough again, before the operator hears that it is over."""

KEPT_DESCRIPTORS = 8
"""For connections to APIs and for the process itself."""

FULL = 0.9
"""The part of a container's memory that may be in use."""

UNBOUND = 1 << 60
"""Bytes from which on a bound of cgroup v1 is none."""

NAMES = {"descriptors": "file descriptors", "memory": "memory"}
"""What there may be too little of: for programs, and for people."""


@dataclass(frozen=True, slots=True)
class MemoryBound:
    """How much memory the container may have, and where it says how much it has."""

    limit: int
    group: Group

    def used(self) -> int:
        """Give the bytes that are in use; 0 where that is not told."""
        is_v2 = self.group.is_v2
        current = self.group.read("memory.current" if is_v2 else "memory.usage_in_bytes")
        cached = "inactive_file " if is_v2 else "total_inactive_file "
        stat = self.group.read("memory.stat").splitlines()
        given_back = [line.removeprefix(cached) for line in stat if line.startswith(cached)]
        return int(current or 0) - sum(map(int, given_back))


def find_memory_bound(root: Path = Path("/")) -> MemoryBound | None:
    """Find the narrowest bound; ``None`` where there is none.

    Args:
        root: where ``proc`` and ``sys`` are found.
    """
    return min(_bounds(root), key=lambda bound: bound.limit, default=None)


def _bounds(root: Path) -> Iterator[MemoryBound]:
    for group in groups_of("memory", root):
        limit = group.read("memory.max" if group.is_v2 else "memory.limit_in_bytes")
        if limit.isdecimal() and 0 < int(limit) < UNBOUND:
            yield MemoryBound(int(limit), group)


class Scarcity:
    """Looks now and then what is left."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        report: Report,
        memory: MemoryBound | None = None,
    ) -> None:
        """Prepare; ``start`` begins.

        Args:
            loop: where it runs.
            report: tells the operator.
            memory: the bound of the container, if there is one.
        """
        self.times = dict.fromkeys(NAMES, 0)
        """How often there was too little of something."""
        self._loop = loop
        self._report = report
        self._plane: Plane | None = None
        self._memory = memory
        self._relieved = dict.fromkeys(self.times, 0)
        """Looks that are missing until it is over; 0 where there is enough."""
        self._handle: asyncio.TimerHandle | None = None

    def start(self, plane: Plane) -> None:
        """Begin to look, and let ``plane`` take fewer clients while there is too little."""
        self._plane = plane
        self._look()

    def close(self) -> None:
        """Look no more."""
        if self._handle is not None:
            self._handle.cancel()

    def _look(self) -> None:
        self._handle = self._loop.call_later(INTERVAL, self._look)
        lacks = {"descriptors": _lack_of_descriptors(), "memory": self._lack_of_memory()}
        for what, lack in lacks.items():
            self._tell(what, lack)
        if self._plane is not None:
            self._plane.sheds = any(lacks.values())

    def _tell(self, what: str, lack: str) -> None:
        missing = self._relieved[what]
        if lack:
            self._relieved[what] = RELIEF
            if not missing:
                self.times[what] += 1
                self._report("warning", f"{lack}: further clients are turned away")
        elif missing:
            self._relieved[what] = missing - 1
            if missing == 1:
                self._report("info", f"enough {NAMES[what]} again: every client is taken")

    def _lack_of_memory(self) -> str:
        memory = self._memory
        if memory is None or (used := memory.used()) < FULL * memory.limit:
            return ""
        return (
            f"{used >> 20} MiB of the {memory.limit >> 20} MiB of memory that the container may have"
            " are in use"
        )


def _lack_of_descriptors() -> str:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        # The kernel gives the lowest number that is free.
        lowest = os.eventfd(0)
    except OSError as error:
        return f"no file descriptor is left ({error.strerror})"
    os.close(lowest)
    if limit == resource.RLIM_INFINITY or lowest < limit - KEPT_DESCRIPTORS:
        return ""
    return f"nearly all of {limit} file descriptors are in use (ulimit -n)"
