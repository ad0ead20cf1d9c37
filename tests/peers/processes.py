"""Real programs as processes of their own, for tests that talk to them over loopback.

Each is a context manager that returns once the program says where it listens, and that ends it.
A program that stops, or says nothing in time, fails the test with all it printed.
"""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

__all__ = [
    "SMALL",
    "FlaskApi",
    "Gateway",
    "Running",
    "closed_port",
    "events",
    "flask_api",
    "gateway",
    "running",
]

START_SECONDS = 90.0
STOP_SECONDS = 15.0
FLASK_LISTENS = re.compile(r"Running on (http://\S+)")
SMALL = {
    "PYTHONUNBUFFERED": "1",
    # One worker and no port in common: dozens of gateways run side by side here.
    "CORS_GATEWAY_WORKERS": "1",
    "CORS_GATEWAY_ADMIN": "off",
}
GATEWAY_LISTENS = re.compile(r"listening on (https?://[^\s,]+)")


@dataclass
class Running:
    """A process and what it printed so far, both streams together."""

    process: subprocess.Popen[str]
    printed: list[str] = field(default_factory=list)
    _lines: SimpleQueue[str | None] = field(default_factory=SimpleQueue)

    def read(self) -> None:
        """Gather lines until the process closes its output; runs in a thread."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed.append(line)
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Return the first match in a line not yet looked at."""
        deadline = monotonic() + START_SECONDS
        while (left := deadline - monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except Empty:
                break
            if line is None:
                break
            if found := pattern.search(line):
                return found
        raise AssertionError(
            f"{self.process.args!r} did not say {pattern.pattern!r}; it printed:\n"
            + "".join(self.printed)
        )


def events(printed: Iterable[str]) -> list[str]:
    """Give what a log tells, but not that this machine was so busy that an event loop stood still."""
    told = [str(json.loads(line)["msg"]) for line in printed]
    return [each for each in told if not each.startswith("the event loop st")]


@contextmanager
def running(
    argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[Running]:
    """Run a program; at the end ask it to stop, and insist if it does not."""
    process = subprocess.Popen(
        argv,
        cwd=cwd,
        env={**os.environ, **SMALL, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
    )
    program = Running(process)
    reader = threading.Thread(target=program.read, daemon=True)
    reader.start()
    try:
        yield program
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(STOP_SECONDS)
        assert process.stdout is not None
        process.stdout.close()


@dataclass(frozen=True)
class FlaskApi:
    """The Flask application where it listens."""

    port: int
    hit_log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hits(self) -> list[dict[str, Any]]:
        """Return every request it has seen: ``method``, ``target`` and ``headers``."""
        if not self.hit_log.exists():
            return []
        return [json.loads(line) for line in self.hit_log.read_text("utf-8").splitlines()]

    def forget(self) -> None:
        """Empty the hit log."""
        self.hit_log.unlink(missing_ok=True)

    def lines(self) -> list[str]:
        """Return every request it has seen as ``METHOD target``."""
        return [f"{hit['method']} {hit['target']}" for hit in self.hits()]


@contextmanager
def flask_api(directory: Path, **settings: str) -> Iterator[FlaskApi]:
    """Serve ``flask_api.py`` by werkzeug on a free port.

    Args:
        directory: where its hit log is written.
        settings: Flask's own, e.g. ``SESSION_COOKIE_SAMESITE="None"``.
    """
    hit_log = directory / "hits.jsonl"
    application = Path(__file__).with_name("flask_api.py")
    argv = [sys.executable, "-m", "flask", "--app", str(application), "run", "--port", "0"]
    env = {f"FLASK_{name}": value for name, value in settings.items()}
    with running(argv, {**env, "FLASK_HIT_LOG": str(hit_log)}) as program:
        url = program.wait_for(FLASK_LISTENS)[1]
        yield FlaskApi(port=int(url.rpartition(":")[2]), hit_log=hit_log)


@dataclass(frozen=True)
class Gateway:
    """The gateway where it listens, and the file that it runs."""

    port: int
    config: Path
    printed: list[str] = field(repr=False)
    """Its log, a line an item; it grows while the gateway runs."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url_as(self, host: str) -> str:
        """Return its address under another name of this machine, e.g. ``api.localhost``."""
        return f"http://{host}:{self.port}"


@contextmanager
def gateway(directory: Path, config: str) -> Iterator[Gateway]:
    """Run the gateway's own command on a configuration that listens on port 0."""
    file = directory / "gateway.yaml"
    file.write_text(config, "utf-8")
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(file)]
    with running(argv) as program:
        url = program.wait_for(GATEWAY_LISTENS)[1]
        yield Gateway(port=int(url.rpartition(":")[2]), config=file, printed=program.printed)


@contextmanager
def closed_port() -> Iterator[int]:
    """Hold a port of 127.0.0.1 on which nothing listens and which nobody else can take."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
