"""What a program has used, as ``/proc`` counts it: the process that was started, and all that it has started.

CPU time is that of its threads, to the nanosecond, system calls included; so is what the kernel does for its
sockets in their name. Memory is the proportional share (PSS): what several processes have in common counts once.
"""

from pathlib import Path

from bench.machine import BenchError

__all__ = ["bytes_read", "cpu_seconds", "descriptors", "family", "memory"]

GONE = (FileNotFoundError, ProcessLookupError)
"""What the kernel says of a thread that has ended: the one where its files are opened, the other where an open
one is read."""


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for parent in found:
        for task in _tasks(parent):
            try:
                found += map(int, (task / "children").read_text("ascii").split())
            except GONE:
                continue
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a program has used so far."""
    nanoseconds = 0
    for member in family(pid):
        for task in _tasks(member):
            try:
                nanoseconds += int((task / "schedstat").read_text("ascii").split()[0])
            except GONE:
                continue
    return nanoseconds / 1e9


def bytes_read(pid: int) -> int:
    """Return what a process has read so far, from sockets or else; nothing of one that has ended."""
    try:
        told = Path(f"/proc/{pid}/io").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return int(told.partition("rchar:")[2].split()[0])


def memory(pid: int) -> int:
    """Return the bytes that a program holds."""
    total = 0
    for member in family(pid):
        text = Path(f"/proc/{member}/smaps_rollup").read_text("ascii")
        total += int(text.partition("\nPss:")[2].split()[0]) * 1024
    return total


def descriptors(pid: int) -> int:
    """Return how many files and sockets a program has open."""
    return sum(1 for member in family(pid) for _ in Path(f"/proc/{member}/fd").iterdir())


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except GONE as error:
        raise BenchError(f"process {pid} has ended while it was measured") from error
