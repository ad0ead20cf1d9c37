"""The demonstration as a process of its own, by its command, and where it says its parts are."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.peers.processes import Running, running

__all__ = ["DEMO", "EXAMPLE", "SHIPPED", "Answer", "Demonstration", "ask", "demonstration"]

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "cors_gateway" / "demo" / "gateway.yaml"
EXAMPLE = ROOT / "config" / "gateway.yaml"
DEMO = [sys.executable, "-P", "-m", "cors_gateway", "demo"]
PART = re.compile(r"^  (http://\S+)  ")
CURL = re.compile(r"curl -i -H 'Origin: (\S+)' http://localhost:(\d+)(/\S+)")


@dataclass(frozen=True)
class Demonstration:
    """A demonstration that runs, and its addresses."""

    program: Running
    page: str
    api: str
    gateway: str
    admin: str
    try_line: re.Match[str]
    """The ``curl`` line: origin, port and path."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    """By lower-case name."""
    content: bytes


@contextmanager
def demonstration(*arguments: str, env: dict[str, str] | None = None) -> Iterator[Demonstration]:
    """Run it until it has said what to try."""
    with running([*DEMO, *arguments], env) as program:
        page, api, own, admin = (program.wait_for(PART)[1] for _ in range(4))
        yield Demonstration(program, page, api, own, admin, program.wait_for(CURL))


def ask(url: str, method: str = "GET", **headers: str) -> Answer:
    """Ask over loopback, whatever ``localhost`` may be here."""
    parts = urlsplit(url)
    assert parts.port is not None
    connection = HTTPConnection("127.0.0.1", parts.port, timeout=30)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, parts.path or "/", headers={"Host": parts.netloc, **fields})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    lines = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(answer.status, lines, content)
