"""The whole command with something in its code changed, for what no peer can bring about from outside.

The change of a worker is made in each worker's own process, before it begins; that of the
supervisor in the supervisor's.
"""

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from tests.peers.processes import GATEWAY_LISTENS, Running, running
from tests.process.running_worker import children_of

__all__ = ["PATIENCE", "Changed", "changed_gateway", "wait_until"]

PATIENCE = 60.0
ADMIN_LISTENS = re.compile(r"admin on http://127\.0\.0\.1:(\d+)$")

SUPERVISOR = """
import sys
sys.path.insert(0, {folder!r})
from cors_gateway.process import recruits
recruits.MODULE = "changed_worker"
{change}
from cors_gateway.cli.main import main
sys.exit(main(["run", "-c", {config!r}, "--admin", "127.0.0.1:0"]))
"""

WORKER = """
{change}
if __name__ == "__main__":
    import sys
    from cors_gateway.process.worker_main import main
    sys.exit(main(int(sys.argv[1])))
"""


def wait_until(condition: Callable[[], object], what: str = "it did not come about") -> None:
    """Wait for what nobody tells."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@dataclass
class Changed:
    """A gateway that runs."""

    program: Running
    port: int
    admin_port: int

    @property
    def pid(self) -> int:
        return self.program.process.pid

    def workers(self) -> list[int]:
        """The processes that serve."""
        return children_of(self.pid)

    def said(self, text: str) -> list[str]:
        """The lines of its log that hold a text."""
        return [line for line in self.program.printed if text in line]

    def says(self, text: str) -> str:
        """Wait for a line of its log; return it."""
        wait_until(lambda: self.said(text), f"it did not say {text!r}: {self.program.printed}")
        return self.said(text)[0]

    def asked(self, target: str, *, admin: bool = False, **fields: str) -> tuple[int, str]:
        """Ask once; return status and content."""
        port = self.admin_port if admin else self.port
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("GET", target, headers=fields)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


@contextmanager
def changed_gateway(
    folder: Path, config: str, *, supervisor: str = "", worker: str = ""
) -> Iterator[Changed]:
    """Run the command on a configuration, with an admin listener.

    Args:
        folder: for its files.
        config: the configuration; it listens on port 0.
        supervisor: code that is run in the supervisor before it begins.
        worker: code that is run in each worker before it begins.
    """
    (folder / "changed_worker.py").write_text(WORKER.format(change=worker), "utf-8")
    file = folder / "gateway.yaml"
    file.write_text(config, "utf-8")
    script = SUPERVISOR.format(folder=str(folder), change=supervisor, config=str(file))
    with running([sys.executable, "-c", script]) as program:
        port = int(program.wait_for(GATEWAY_LISTENS)[1].rpartition(":")[2])
        yield Changed(program, port, int(program.wait_for(ADMIN_LISTENS)[1]))
