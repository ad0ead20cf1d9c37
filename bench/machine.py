"""What the benchmark finds on a machine: programs and their versions, CPUs, free ports."""

import os
import platform
import random
import shutil
import socket
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = [
    "ROOT",
    "BenchError",
    "Cpus",
    "changes",
    "commit",
    "cpu_name",
    "find_cpus",
    "free_ports",
    "require",
    "versions",
    "where",
]

ROOT = Path(__file__).parents[1]
LOCAL_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
ASKED_FOR_VERSIONS = {
    "nginx": ("nginx", "-v"),
    "HAProxy": ("haproxy", "-v"),
    "Caddy": ("caddy", "version"),
    "wrk": ("wrk", "-v"),
}


class BenchError(Exception):
    """Why nothing can be measured, for the person who wants to."""


@dataclass(frozen=True, slots=True)
class Cpus:
    """Which CPU is whose."""

    measured: int
    load: int
    others: tuple[int, ...] = ()

    def for_workers(self, count: int) -> list[int]:
        """Give a CPU to each worker; that of the load only if the machine has no other."""
        return [self.measured, *self.others, self.load][:count]


def find_cpus() -> Cpus:
    """Take the first two CPUs that this process may use; with one alone, CPU time still means something."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cpus(allowed[0], allowed[1 % len(allowed)], tuple(allowed[2:]))


def where(program: str) -> str:
    """Return the path of a system program; Debian puts servers where no user's PATH looks."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise BenchError(f"{program} is not installed: make test-system")
    return found


def require(programs: Iterable[str]) -> None:
    """Find out before the first minute is spent whether all programs are there."""
    missing = []
    for program in programs:
        try:
            where(program)
        except BenchError:
            missing.append(program)
    if missing:
        raise BenchError(f"not installed: {', '.join(missing)}. make test-system installs them")


def free_ports(count: int) -> list[int]:
    """Return so many ports of the loopback that nobody listens on.

    None that the system gives away by itself: a client that opens a connection could get it until it is used.
    """
    own = int(LOCAL_PORTS.read_text("ascii").split()[0])
    found: list[int] = []
    for port in random.sample(range(own // 2, own), own // 2):
        if len(found) == count:
            return found
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    raise BenchError("there are no ports left")


def versions(gateways: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return what runs here, by name; gateways say it themselves, by the commands that are given."""
    found = {name: _said_by(argv) for name, argv in gateways.items()} | {
        "Python": platform.python_version(),
        "aiohttp": _of_package("aiohttp"),
        "uvloop": _of_package("uvloop"),
        "Linux": platform.release().partition("-")[0],
    }
    for name, (program, argument) in ASKED_FOR_VERSIONS.items():
        asked = subprocess.run(
            [where(program), argument], capture_output=True, text=True, check=False, timeout=10
        )
        found[name] = _number_in(asked.stdout + asked.stderr)
    return found


def _said_by(gateway: Sequence[str]) -> str:
    # Where this runs may be a tree, which Python would take before what is installed.
    asked = subprocess.run(
        [*gateway, "version"], cwd="/", capture_output=True, text=True, check=False, timeout=60
    )
    name, _, told = asked.stdout.strip().partition(" ")
    if asked.returncode or name != "cors-gateway":
        raise BenchError(f"{' '.join(gateway)} is no gateway: {asked.stderr.strip()[-500:]}")
    return told


def _of_package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"


def _number_in(text: str) -> str:
    for word in text.replace("/", " ").split():
        if word.lstrip("v")[:1].isdigit() and "." in word:
            return word.lstrip("v").partition("-")[0]
    return "?"


def cpu_name() -> str:
    """Return what the machine's CPU calls itself."""
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def changes() -> list[str]:
    """Return the files that are not as they were committed, as ``git status`` names them.

    Raises:
        BenchError: there is nothing that was committed.
    """
    git = ["git", "-C", str(ROOT), "status", "--porcelain"]
    told = subprocess.run(git, capture_output=True, text=True, check=False, timeout=30)
    if told.returncode:
        raise BenchError(f"this is no checkout of git: {told.stderr.strip()}")
    return told.stdout.splitlines()


def commit() -> str:
    """Return what is checked out, with a ``+`` if it has been changed since."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    told = subprocess.run(git, capture_output=True, text=True, check=False, timeout=10)
    return told.stdout.strip() or "?"
