"""Programs that are measured or needed for it: each pinned to its CPUs, and ended by its id."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.machine import ROOT, BenchError, where

__all__ = ["Program", "pinned", "pinned_argv", "wait_until_it_listens"]

START_SECONDS = 90.0
STOP_SECONDS = 10.0
FOREIGN = ("CORS_GATEWAY_", "PORT", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "PYTHON")
"""How the names of variables begin that would change how the gateway is set up, or how Python runs it: where no
bytecode may be written, each start compiles again what has changed since some was."""


@dataclass(frozen=True, slots=True)
class Program:
    """One that runs."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path
    """All that it prints, its access log included."""

    @property
    def pid(self) -> int:
        """Its first process."""
        return self.process.pid


def environment() -> dict[str, str]:
    """Give the variables of programs: nobody's settings, and this tree before an installed one."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
    return {**kept, "PYTHONPATH": str(ROOT)}


def pinned_argv(cpus: Sequence[int], argv: Sequence[str]) -> list[str]:
    """Give the command that runs another on some CPUs only."""
    return [where("taskset"), "-c", ",".join(map(str, cpus)), *argv]


@contextmanager
def pinned(name: str, argv: Sequence[str], cpus: Sequence[int], folder: Path) -> Iterator[Program]:
    """Run a program on some CPUs only; at the end ask it to stop, and insist if it does not."""
    output = folder / "output"
    with (
        output.open("wb") as printed,
        subprocess.Popen(
            pinned_argv(cpus, argv),
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield Program(name, process, output)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_it_listens(program: Program, port: int) -> None:
    """Wait for the first connection that is accepted.

    Raises:
        BenchError: the program has ended, or takes too long.
    """
    deadline = time.monotonic() + START_SECONDS
    while program.process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        time.sleep(0.005)
    printed = program.output.read_text("utf-8", "replace")[-2000:]
    raise BenchError(f"{program.name} did not start; it printed:\n{printed}")
