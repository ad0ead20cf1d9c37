"""How many workers the machine is good for: what ``workers: auto`` amounts to.

A container's CPU quota is asked of the kernel's control groups (cgroup v2, ``cpu.max``, in the
process's own group and every one above; v1, ``cpu.cfs_quota_us``), because the number of CPUs says
nothing of it: a container with half a CPU on a large machine sees all of them.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["count_workers", "read_quota"]

MOST_WITHOUT_QUOTA = 4
"""Where nobody set a bound, a sidecar must not take a large machine's memory for itself."""


def count_workers(root: Path = Path("/")) -> int:
    """Say how many workers fit the CPUs that this process may use.

    Args:
        root: where ``proc`` and ``sys`` are found.
    """
    usable = len(os.sched_getaffinity(0))
    quota = read_quota(root)
    if quota is None:
        return min(usable, MOST_WITHOUT_QUOTA)
    return max(1, min(usable, math.ceil(quota)))


def read_quota(root: Path = Path("/")) -> float | None:
    """Read how many CPUs this process may use at once; ``None`` where that is not bounded."""
    return min(_quotas(root), default=None)


def _quotas(root: Path) -> Iterator[float]:
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if not controllers:
            yield from _quotas_of_v2(root / "sys/fs/cgroup", group)
        elif "cpu" in controllers.split(","):
            yield from _quotas_of_v1(root / "sys/fs/cgroup/cpu", group)


def _quotas_of_v2(mount: Path, group: str) -> Iterator[float]:
    for folder in _folders(mount, group):
        quota, _, period = _read(folder / "cpu.max").strip().partition(" ")
        yield from _quota(quota, period)


def _quotas_of_v1(mount: Path, group: str) -> Iterator[float]:
    for folder in _folders(mount, group):
        quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        yield from _quota(quota.strip(), period.strip())


def _folders(mount: Path, group: str) -> Iterator[Path]:
    """Give the folder of a group and those above; in a container its own may be the mount itself."""
    folder = mount / group.strip("/")
    yield folder
    yield from (above for above in folder.parents if above.is_relative_to(mount))


def _quota(quota: str, period: str) -> Iterator[float]:
    # "max" and -1 stand for no bound.
    if quota.isdecimal() and period.isdecimal() and int(period):
        yield int(quota) / int(period)


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""
