"""How many workers the machine is good for: what ``workers: auto`` amounts to.

A container's CPU quota is asked of the kernel's control groups (cgroup v2, ``cpu.max``, in the
process's own group and every one above; v1, ``cpu.cfs_quota_us``), because the number of CPUs says
nothing of it: a container with half a CPU on a large machine sees all of them.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

from cors_gateway.process.control_groups import groups_of

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
    for group in groups_of("cpu", root):
        if group.is_v2:
            quota, _, period = group.read("cpu.max").partition(" ")
        else:
            quota, period = group.read("cpu.cfs_quota_us"), group.read("cpu.cfs_period_us")
        # "max" and -1 stand for no bound.
        if quota.isdecimal() and period.isdecimal() and int(period):
            yield int(quota) / int(period)
