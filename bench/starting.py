"""How long a worker takes until it accepts connections, and the whole command: ``make bench``.

Seconds by the clock mean little on a machine that is busy; so beside them stands a bare interpreter in
the same run, and the CPU time, which should not differ.
"""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from cors_gateway.process.worker_process import WorkerProcess
from cors_gateway.routes import Router
from cors_gateway.snapshot import Snapshot
from tests.peers.processes import GATEWAY_LISTENS, SMALL, running

ROUNDS = 9
CONFIG = """\
server: {listen: "127.0.0.1:0"}
routes: [{match: {path: /}, upstream: "http://127.0.0.1:9", cors: false}]
"""


def interpreter() -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True)


def worker() -> None:
    asyncio.run(start_worker())


async def start_worker() -> None:
    process = await WorkerProcess.start(0, Snapshot(Router(()), (), listeners=()), [], None)
    await process.wait_until_ready()
    process.kill()
    await process.wait()


def command() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "gateway.yaml"
        file.write_text(CONFIG, "utf-8")
        argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(file)]
        with running(argv) as program:
            program.wait_for(GATEWAY_LISTENS)


def main() -> None:
    os.environ.update(SMALL)
    print(f"\nuntil it is ready, the median of {ROUNDS}         seconds    CPU seconds")
    starts: dict[str, Callable[[], None]] = {
        "a bare interpreter, to its end": interpreter,
        "a worker": worker,
        "the command with one worker, and its stop": command,
    }
    for name, start in starts.items():
        times, cpu = [], []
        for _ in range(ROUNDS):
            began, used = perf_counter(), _cpu_of_children()
            start()
            times.append(perf_counter() - began)
            cpu.append(_cpu_of_children() - used)
        print(f"{name:45} {median(times):9.2f} {median(cpu):14.2f}")


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
