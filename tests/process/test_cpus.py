"""What ``workers: auto`` amounts to, in the control groups of a machine made of files."""

import os
from pathlib import Path

import pytest

from cors_gateway.process.cpus import count_workers, read_quota

V2 = "0::/system.slice/gateway\n"
V1 = "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n"


def machine(root: Path, groups: str, files: dict[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.mark.parametrize(
    "groups, files, quota",
    [
        pytest.param(V2, {}, None, id="no control groups are mounted"),
        pytest.param("", {"sys/fs/cgroup/cpu.max": "50000 100000\n"}, None, id="in no group"),
        pytest.param(V2, {"sys/fs/cgroup/cpu.max": "max 100000\n"}, None, id="no bound"),
        pytest.param(V2, {"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5, id="a container's own"),
        pytest.param(
            V2,
            {
                "sys/fs/cgroup/system.slice/cpu.max": "200000 100000\n",
                "sys/fs/cgroup/system.slice/gateway/cpu.max": "max 100000\n",
            },
            2.0,
            id="that of the group above",
        ),
        pytest.param(
            V2,
            {
                "sys/fs/cgroup/system.slice/cpu.max": "200000 100000\n",
                "sys/fs/cgroup/system.slice/gateway/cpu.max": "50000 100000\n",
            },
            0.5,
            id="the narrowest counts",
        ),
        pytest.param(V2, {"sys/fs/cgroup/cpu.max": "garbage\n"}, None, id="garbage"),
        pytest.param(V2, {"sys/fs/cgroup/cpu.max": "1 0\n"}, None, id="a period of nothing"),
        pytest.param(
            V1,
            {
                "sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": "300000\n",
                "sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us": "100000\n",
            },
            3.0,
            id="the older kind",
        ),
        pytest.param(
            V1,
            {
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            None,
            id="the older kind without a bound",
        ),
    ],
)
def test_the_quota(tmp_path: Path, groups: str, files: dict[str, str], quota: float | None) -> None:
    assert read_quota(machine(tmp_path, groups, files)) == quota


@pytest.mark.parametrize(
    "written, usable, workers",
    [
        pytest.param("max 100000", 64, 4, id="a large machine is not taken whole"),
        pytest.param("max 100000", 2, 2, id="a small one is"),
        pytest.param("10000 100000", 64, 1, id="a tenth of a CPU is one worker"),
        pytest.param("150000 100000", 64, 2, id="a quota is rounded up"),
        pytest.param("1600000 100000", 64, 16, id="a large quota is a wish"),
        pytest.param("1600000 100000", 8, 8, id="but no more than there are"),
    ],
)
def test_the_number_of_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, usable: int, workers: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(usable)))

    assert count_workers(machine(tmp_path, V2, {"sys/fs/cgroup/cpu.max": written})) == workers


def test_on_this_machine_there_is_at_least_one() -> None:
    assert count_workers() >= 1
