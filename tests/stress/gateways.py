"""The gateway by its own command, in front of the quick API, and what its processes take."""

import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.processes import GATEWAY_LISTENS, Running, running
from tests.process.running_worker import children_of
from tests.stress.load import MIXED
from tests.stress.measuring import descriptors, metric, resident

__all__ = ["Footprint", "Stressed", "stressed"]

PREFLIGHT = 4
ADMIN_LISTENS = re.compile(r"admin on http://127\.0\.0\.1:(\d+)")
CONFIG = """\
server: {{listen: "127.0.0.1:0"{server}}}
log: {{access: false}}
routes:
  - name: api
    match: {{path: /}}
    upstream: {{url: "http://127.0.0.1:{api}"{upstream}}}
    cors: {{allowOrigins: [https://app.example.com], allowMethods: [GET, PUT, POST], maxAge: {max_age}}}
  - {{name: nowhere, match: {{path: /nowhere}}, upstream: "http://127.0.0.1:{nowhere}", cors: false}}
"""


@dataclass(frozen=True)
class Footprint:
    """What processes take together at one moment."""

    memory: int
    """Bytes."""
    descriptors: int


@dataclass
class Stressed:
    """A gateway, and what it is made of."""

    program: Running
    file: Path
    api: int
    nowhere: int
    """A port on which nothing listens."""
    keys: dict[str, str]
    port: int = 0
    admin: int = 0
    max_age: int = 600
    """What its file says."""

    @property
    def pid(self) -> int:
        return self.program.process.pid

    def workers(self) -> list[int]:
        return children_of(self.pid)

    def write(self) -> None:
        """Write its file, which is another one each time."""
        self.max_age += 1
        values = {"api": self.api, "nowhere": self.nowhere, "max_age": self.max_age}
        self.file.write_text(CONFIG.format(**self.keys, **values), "utf-8")

    def reloads(self) -> float:
        """How often it has loaded its file again, well or not."""
        return metric(self.admin, "config_reloads_total")

    def is_told(self, number: signal.Signals) -> None:
        self.program.process.send_signal(number)

    def connects(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 60)

    def max_age_of_an_answer(self) -> int:
        """Ask once, and tell by what an answer says which file it comes from."""
        with self.connects() as client:
            client.sendall(MIXED[PREFLIGHT][0])
            answer = client.recv(4096).lower()
        return int(answer.partition(b"\r\naccess-control-max-age: ")[2].split(b"\r\n")[0])

    def footprint(self) -> Footprint:
        """What the supervisor and the workers take."""
        pids = (self.pid, *self.workers())
        return Footprint(sum(map(resident, pids)), sum(map(descriptors, pids)))

    def complaints(self) -> list[str]:
        """What it has said that nobody should read: tracebacks, and faults of its own."""
        words = ("Traceback", "internal error", "never retrieved", "was never awaited", "Warning")
        return [line for line in self.program.printed if any(word in line for word in words)]


@contextmanager
def stressed(
    folder: Path, api: int, *, workers: int = 1, server: str = "", upstream: str = ""
) -> Iterator[Stressed]:
    """Run one.

    Args:
        folder: for its file.
        api: the port of the API.
        workers: how many.
        server: more keys of ``server``, as ``, key: value``.
        upstream: more keys of ``upstream``.
    """
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(folder / "gateway.yaml")]
    env = {"CORS_GATEWAY_WORKERS": str(workers), "CORS_GATEWAY_ADMIN": "127.0.0.1:0"}
    with socket.socket() as nothing:
        nothing.bind(("127.0.0.1", 0))
        keys = {"server": server, "upstream": upstream}
        file, nowhere = folder / "gateway.yaml", nothing.getsockname()[1]
        first = CONFIG.format(api=api, nowhere=nowhere, max_age=600, **keys)
        file.write_text(first, "utf-8")
        with running(argv, env) as program:
            gateway = Stressed(program, file, api, nowhere, keys)
            gateway.port = int(program.wait_for(GATEWAY_LISTENS)[1].rpartition(":")[2])
            gateway.admin = int(program.wait_for(ADMIN_LISTENS)[1])
            yield gateway
