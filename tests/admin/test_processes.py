import os
import subprocess
import sys
from pathlib import Path

import pytest

from cors_gateway.admin.processes import Processes

TICK = 1 / os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGESIZE")
GONE = 4_000_000


def write_process(
    proc: Path,
    pid: int,
    *,
    name: str = "python",
    times: tuple[int, int, int, int] = (0, 0, 0, 0),
    started: int = 0,
    memory: tuple[int, int] = (0, 0),
    files: int = 0,
) -> None:
    """Write down a process as proc(5) describes it."""
    (proc / "stat").write_text("cpu  1 2 3\nbtime 1000\nprocesses 7\n")
    folder = proc / str(pid)
    (folder / "fd").mkdir(parents=True, exist_ok=True)
    fields = [0] * 50
    fields[10:14] = times
    fields[18] = started
    fields[19:21] = memory
    (folder / "stat").write_text(f"{pid} ({name}) S {' '.join(map(str, fields))}\n")
    for number in range(files):
        (folder / "fd" / str(number)).touch()


def test_supervisor_and_workers_are_added_up(tmp_path: Path) -> None:
    write_process(tmp_path, 1, times=(1, 2, 4, 8), started=300, memory=(1000, 10), files=3)
    write_process(tmp_path, 2, times=(100, 200, 0, 0), memory=(2000, 20), files=4)
    write_process(tmp_path, 3, times=(1000, 0, 0, 0), memory=(4000, 40), files=5)

    usage = Processes(tmp_path).usage(1, [2, 3])

    assert usage is not None
    # The supervisor's children that have ended count; a worker's have none.
    assert usage.cpu_seconds == pytest.approx(1315 * TICK)
    assert (usage.virtual_bytes, usage.resident_bytes) == (7000, 70 * PAGE)
    assert usage.open_files == 12
    assert usage.started == pytest.approx(1000 + 300 * TICK)


def test_a_process_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    write_process(tmp_path, 1, times=(1, 0, 0, 0), files=1)

    usage = Processes(tmp_path).usage(1, [2])

    assert usage is not None
    assert usage.cpu_seconds == pytest.approx(TICK)
    assert usage.open_files == 1


def test_a_name_may_hold_anything(tmp_path: Path) -> None:
    write_process(tmp_path, 1, name="a) R 1 (b) ", times=(5, 0, 0, 0))

    usage = Processes(tmp_path).usage(1, [])

    assert usage is not None
    assert usage.cpu_seconds == pytest.approx(5 * TICK)


def test_time_that_was_there_once_stays(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    write_process(tmp_path, 1)
    write_process(tmp_path, 2, times=(100, 0, 0, 0))

    # The worker has ended, and the supervisor has not waited for it when it is looked at.
    seen = [processes.usage(1, [2]), processes.usage(1, [])]
    write_process(tmp_path, 1, times=(0, 0, 110, 0))
    seen.append(processes.usage(1, []))

    assert [usage and round(usage.cpu_seconds / TICK) for usage in seen] == [100, 100, 110]


def test_where_nothing_is_known_nothing_is_told(tmp_path: Path) -> None:
    assert Processes(tmp_path).usage(1, [2]) is None


def test_the_kernel_says_it_as_we_read_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        usage = Processes().usage(os.getpid(), [child.pid, GONE])
        alone = Processes().usage(os.getpid(), [])
        child.communicate(b"\n")
    after = Processes().usage(os.getpid(), [])

    assert usage is not None
    assert alone is not None
    assert after is not None
    assert usage.resident_bytes > alone.resident_bytes > 1024 * 1024
    assert usage.virtual_bytes > alone.virtual_bytes > alone.resident_bytes
    assert usage.open_files >= alone.open_files + 3
    assert usage.most_files >= alone.open_files
    assert after.cpu_seconds >= alone.cpu_seconds > 0
    assert after.started == pytest.approx(alone.started)
    assert alone.started > 1_000_000_000
