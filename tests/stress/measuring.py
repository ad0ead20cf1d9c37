"""What a process takes, as the kernel counts it, and what its admin listener says of it."""

import re
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

__all__ = [
    "MEBIBYTE",
    "clients_of",
    "cpu_seconds",
    "descriptors",
    "metric",
    "metrics",
    "resident",
    "wait_until",
    "wait_until_stopped",
]

MEBIBYTE = 1024 * 1024
PATIENCE = 60.0


def resident(pid: int) -> int:
    """Bytes that a process holds in memory."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def descriptors(pid: int) -> int:
    """How many files and sockets it has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def cpu_seconds(pid: int) -> float:
    """CPU time that it has used, system calls included."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text("ascii").split()[0]) for task in tasks) / 1e9


def wait_until_stopped(pid: int) -> None:
    """Wait until a process that was sent SIGSTOP does nothing more."""
    stat = Path(f"/proc/{pid}/stat")
    wait_until(lambda: stat.read_text("ascii").rpartition(") ")[2][0] == "T", "it goes on")


def clients_of(pid: int, port: int) -> set[int]:
    """The ports of the clients of ``port`` whose connections a process has."""
    links = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.add(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    found = set()
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        fields = line.split()
        if f"socket:[{fields[9]}]" in links and int(fields[1].rpartition(":")[2], 16) == port:
            found.add(int(fields[2].rpartition(":")[2], 16))
    return found - {0}


def metrics(admin: int) -> str:
    """The metrics of a gateway, by the port of its admin listener."""
    connection = HTTPConnection("127.0.0.1", admin, timeout=PATIENCE)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def metric(admin: int, name: str) -> float:
    """The sum of a metric over all its labels."""
    pattern = rf"^cors_gateway_{name}(?:\{{.*\}})? (\S+)$"
    return sum(float(value) for value in re.findall(pattern, metrics(admin), re.MULTILINE))


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for what nobody tells."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
