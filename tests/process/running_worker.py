"""One worker as a process of its own, with a snapshot made from arguments.

Run as a program it is the worker; imported, it starts one: ``with worker(port) as running``.
"""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cors_gateway.process import watchdog
from cors_gateway.process.worker import run_worker
from cors_gateway.routes import Router
from cors_gateway.snapshot import (
    Drain,
    Endpoint,
    LogSettings,
    Route,
    Snapshot,
    Timeouts,
    Upstream,
    UpstreamTimeouts,
)

__all__ = ["RunningWorker", "children_of", "memory_peak_of", "worker"]

PATIENCE = 30.0


@dataclass
class RunningWorker:
    """A worker and where it listens."""

    process: subprocess.Popen[Any]
    port: int

    def connects(self, timeout: float = PATIENCE) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def is_told(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ends(self, within: float) -> int:
        """Wait for its end; return the exit status."""
        return self.process.wait(within)

    def memory_peak(self) -> int:
        """Bytes it has held resident at most."""
        return memory_peak_of(self.process.pid)


def children_of(pid: int) -> list[int]:
    """The processes that a process has started, such as the workers of a supervisor."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(child) for child in children.split()]


def memory_peak_of(pid: int) -> int:
    """Bytes that a process has held resident at most."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@contextmanager
def worker(
    upstream_port: int, stdout: Any = subprocess.DEVNULL, **settings: Any
) -> Iterator[RunningWorker]:
    """Run a worker in front of a port of this machine.

    Args:
        upstream_port: where the API is.
        stdout: for the log; a file, or a constant of ``subprocess``.
        settings: ``delay`` and ``timeout`` of the drain; ``files``, a limit on descriptors;
            ``timeouts`` and ``upstream_timeouts``, some of the snapshot's by name.
    """
    reading, writing = os.pipe()
    arguments = json.dumps({"upstream": upstream_port, "announce": writing, **settings})
    process = subprocess.Popen(
        [sys.executable, __file__, arguments],
        stdout=stdout,
        pass_fds=[writing],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as announced:
            port = int(announced.readline())
        yield RunningWorker(process, port)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def main(settings: dict[str, Any]) -> None:
    # It does not tell how busy this machine is.
    watchdog.STALL = 3600.0
    if "files" in settings:
        resource.setrlimit(resource.RLIMIT_NOFILE, (settings["files"], settings["files"]))
    port = settings["upstream"]
    route = Route(
        name="api",
        path=b"/",
        upstream=Upstream(
            url=f"http://127.0.0.1:{port}",
            endpoints=(Endpoint("127.0.0.1", port),),
            timeouts=UpstreamTimeouts(**settings.get("upstream_timeouts", {})),
        ),
    )
    snapshot = Snapshot(
        router=Router([route]),
        routes=(route,),
        timeouts=Timeouts(**settings.get("timeouts", {})),
        drain=Drain(settings.get("delay", 0.0), settings.get("timeout", 5.0)),
        log=LogSettings(format="json"),
    )
    sock = socket.create_server(("127.0.0.1", 0), backlog=512)
    sock.setblocking(False)

    def announce() -> None:
        os.write(settings["announce"], b"%d\n" % sock.getsockname()[1])
        os.close(settings["announce"])

    run_worker(snapshot, [sock], announce)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
