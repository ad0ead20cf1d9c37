"""The load on one thing for a moment, and what came of it: by ``wrk``, or by clients that talk at length.

A load is a program on the load's CPU. It says on one line what it has done: ``counted {"requests": …}``.
"""

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Timer
from typing import Protocol

from bench.machine import BenchError, where
from bench.measure import bytes_read, cpu_seconds
from bench.processes import environment, pinned_argv

__all__ = ["Counted", "Live", "Load", "Round", "Target", "Wrk", "read_counted"]

LATE = 60.0
"""Seconds after which a load that should have ended is ended."""
WORD = "counted "


@dataclass(frozen=True, slots=True)
class Counted:
    """What clients have seen."""

    requests: int
    """That were answered whole; or messages, or events."""
    bytes: int
    seconds: float
    refused: int = 0
    """Of the requests, those with a status of 400 or more."""
    broken: int = 0
    """Connections that failed, or waited too long."""


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of one thing."""

    counted: Counted
    cpu: float
    """Seconds of CPU time that the thing took meanwhile."""


@dataclass(frozen=True, slots=True)
class Target:
    """The thing that the load is for."""

    pid: int
    port: int
    api: int
    """The port where its API is, or should be."""
    tls: bool
    cpu: int
    """Of the load."""


class Load(Protocol):
    """Something that keeps a thing busy."""

    @property
    def settle(self) -> float:
        """Seconds at the start of every turn that do not count."""

    def run(self, target: Target, seconds: float, folder: Path) -> Round:
        """Keep it busy for so long."""


def read_counted(printed: str) -> Counted:
    """Find what a load says.

    Raises:
        BenchError: it says nothing of the kind.
    """
    for line in printed.splitlines():
        if line.startswith(WORD):
            return Counted(**json.loads(line.removeprefix(WORD)))
    raise BenchError(f"the load did not say what it has done; it printed:\n{printed[-2000:]}")


@dataclass(frozen=True, slots=True)
class Wrk:
    """Requests by ``wrk``, on each connection one after the other."""

    script: str
    connections: int
    settle: float = 0.0
    """It connects anew for every turn, and windows of new connections are small."""

    def run(self, target: Target, seconds: float, folder: Path) -> Round:
        """Keep it busy for so long, once it has settled."""
        script = folder / "load.lua"
        script.write_text(self.script, "utf-8")
        scheme = "https" if target.tls else "http"
        # A signal that comes before it can take one is to be lost, and not to end it.
        argv = ["env", "--ignore-signal=INT", where("wrk"), "-t1", f"-c{self.connections}"]
        # One that has to settle is told when to end.
        argv += [f"-d{math.ceil(self.settle + seconds + (LATE if self.settle else 0))}s"]
        argv += ["--timeout", "30s", "-s", str(script), f"{scheme}://127.0.0.1:{target.port}"]
        began = cpu_seconds(target.pid)
        with _started(argv, target.cpu) as process:
            if self.settle:
                return self._run_settled(process, target, seconds)
            # It knows whole seconds only; told to, it ends earlier and says what there was.
            try:
                printed, _ = process.communicate(timeout=seconds if seconds % 1 else LATE)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
                printed, _ = _communicate(process)
        return Round(read_counted(printed), cpu_seconds(target.pid) - began)

    def _run_settled(self, process: subprocess.Popen[str], target: Target, seconds: float) -> Round:
        """Count from when it has settled: what ``wrk`` has read by then and later, as ``/proc`` says.

        What it says itself is of the whole turn, which is right for what was refused or failed.
        """
        time.sleep(self.settle)
        began, cpu, had = time.monotonic(), cpu_seconds(target.pid), bytes_read(process.pid)
        time.sleep(seconds)
        took, used = time.monotonic() - began, cpu_seconds(target.pid) - cpu
        count = bytes_read(process.pid) - had
        process.send_signal(signal.SIGINT)
        printed, _ = _communicate(process)
        return Round(replace(read_counted(printed), bytes=count, seconds=took), used)


@dataclass(frozen=True, slots=True)
class Live:
    """Event streams or WebSockets, by ``bench.live``, which is their API as well."""

    kind: str
    connections: int
    size: int
    settle: float = 0.0
    """All connections are open before anything counts."""

    def run(self, target: Target, seconds: float, folder: Path) -> Round:
        """Keep it busy for so long, once all connections are open."""
        words = [self.kind, self.connections, self.size, target.port, target.api, seconds]
        argv = [sys.executable, "-m", "bench.live", *map(str, words)]
        with _started(argv, target.cpu) as process:
            # It may wait for an answer that never comes, and this for its line.
            too_late = Timer(seconds + LATE, process.kill)
            too_late.start()
            try:
                if not (process.stdout and process.stdin):
                    raise BenchError("the load has no pipes")
                if process.stdout.readline() != "ready\n":
                    printed, _ = _communicate(process)
                    raise BenchError(f"the connections were not opened:\n{printed}")
                began = cpu_seconds(target.pid)
                process.stdin.write("go\n")
                process.stdin.flush()
                line = process.stdout.readline()
                used = cpu_seconds(target.pid) - began
                rest, _ = _communicate(process)
            finally:
                too_late.cancel()
                process.kill()
        return Round(read_counted(line + rest), used)


def _started(argv: Sequence[str], cpu: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        pinned_argv([cpu], argv),
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _communicate(process: subprocess.Popen[str]) -> tuple[str, str]:
    try:
        return process.communicate(timeout=LATE)
    except subprocess.TimeoutExpired as error:
        process.kill()
        raise BenchError("the load did not end") from error
