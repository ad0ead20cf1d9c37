"""The gateway by its own command in front of the misbehaving API, and what both are afterwards.

Nothing is in progress when accounts are settled: then a descriptor that is still open is a leak, and
what the API has counted is all there will be.
"""

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic

from tests.admin.reading import Samples, sample, samples_of
from tests.chaos.accounts import Accounts, broken_promises
from tests.chaos.clients import Clients, Violation
from tests.chaos.plans import LATE_PATHS, Conversation
from tests.peers.processes import GATEWAY_LISTENS, Running, running
from tests.process.running_worker import children_of

__all__ = ["Rest", "Stage", "stage"]

ADMIN_LISTENS = re.compile(r"admin on http://127\.0\.0\.1:(\d+)$")
API_LISTENS = re.compile(r"^\{.*\}$")
PATIENCE = 120.0
WORKERS = 2
FILE = "gateway.yaml"
AT_ONCE = 40
"""Conversations."""
ENOUGH = 5
"""Violations after which no conversation is begun."""

CONFIG = """\
server:
  listen: 127.0.0.1:0
  workers: {workers}
  timeouts: {{head: 10m, content: 10m, write: 10m, keepAlive: 600s}}
admin: {{listen: "127.0.0.1:0"}}
log: {{access: false, format: json}}
corsPolicies:
  canary:
    allowOrigins: [https://app.chaos.example, "https://*.chaos.example"]
    allowMethods: [GET, PUT, POST, DELETE]
    allowHeaders: [X-Token]
    allowCredentials: true
defaults: {{cors: canary}}
routes:
"""
ROUTE = """\
  - match: {{path: /{area}}}
    upstream:
      url: http://127.0.0.1:{port}
      pool: {{idle: {idle}ms, connections: 512}}
      timeouts: {{connect: 2m, response: {patience}, idle: {patience}}}
"""
KEEP_ALIVE = ("keepAlive: 600s", "keepAlive: 601s")
"""What a reload changes, there and back."""

AT_REST = (
    "cors_gateway_requests_in_flight",
    "cors_gateway_client_connections",
    "cors_gateway_tunnels",
    "cors_gateway_upstream_connections",
    "cors_gateway_upstream_requests_waiting",
)
"""Metrics that are 0 when nothing is in progress."""


@dataclass(frozen=True, slots=True)
class Rest:
    """The workers when nothing is in progress."""

    descriptors: int
    """Of all workers together."""
    memory: int
    """Bytes that they hold resident, together."""
    requests: int
    """How many requests the clients had made by then."""


class Stage:
    """All that runs."""

    def __init__(
        self, gateway: Running, file: Path, port: int, admin: int, orders: "Orders"
    ) -> None:
        self._file = file
        self.clients = Clients(port, orders.spoil, self._stillness)
        self.requests = 0
        """How many the clients have made."""
        self._gateway = gateway
        self._admin = admin
        self._orders = orders
        self._looked_at = 0
        self._is_still = asyncio.Lock()
        self._plan: dict[str, Conversation] = {}
        """By token, what has not been settled."""

    @property
    def violations(self) -> list[Violation]:
        return self.clients.violations

    def workers(self) -> list[int]:
        return children_of(self._gateway.process.pid)

    async def hold(self, plan: Iterable[Conversation]) -> None:
        """Hold these conversations, some at a time."""

        def counted() -> Iterator[Conversation]:
            for conversation in plan:
                self.requests += len(conversation.asks)
                self._plan.update({ask.token: conversation for ask in conversation.asks})
                yield conversation

        left = counted()

        async def hold_some() -> None:
            for conversation in left:
                if len(self.violations) >= ENOUGH:
                    return
                await self.clients.hold(conversation)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(hold_some())

    async def settle(self) -> Rest:
        """Come to rest, and compare the accounts."""
        if await self._comes_to_rest():
            self._compare(await self._orders.accounts())
        self._plan.clear()
        workers = self.workers()
        return Rest(sum(map(_descriptors, workers)), sum(map(_resident, workers)), self.requests)

    async def kill_a_worker(self) -> None:
        """Kill one, as the kernel does when memory is short; not while another is missing."""
        if not self._is_complete(await asyncio.to_thread(self.samples)):
            return
        _kill(min(self.workers()))
        self.clients.seen["a worker was killed"] += 1
        self.clients.killed = monotonic()

    def reload(self) -> None:
        """Have the configuration read again, with another of two settings that nobody notices."""
        text = self._file.read_text("utf-8")
        before, after = KEEP_ALIVE if KEEP_ALIVE[0] in text else KEEP_ALIVE[::-1]
        self._file.write_text(text.replace(before, after), "utf-8")
        self._gateway.process.send_signal(signal.SIGHUP)
        self.clients.seen["the configuration was reloaded"] += 1

    def samples(self) -> Samples:
        """What the gateway counts."""
        connection = HTTPConnection("127.0.0.1", self._admin, timeout=PATIENCE)
        try:
            connection.request("GET", "/metrics")
            return samples_of(connection.getresponse().read().decode())
        finally:
            connection.close()

    @asynccontextmanager
    async def _stillness(self) -> AsyncIterator[None]:
        async with self._is_still:
            workers = self.workers()
            try:
                for pid in workers:
                    _tell(pid, signal.SIGSTOP)
                _wait_for_stops(workers)
                yield
            finally:
                for pid in workers:
                    _tell(pid, signal.SIGCONT)

    async def _comes_to_rest(self) -> bool:
        deadline = monotonic() + PATIENCE
        while True:
            samples = await asyncio.to_thread(self.samples)
            busy = {name: value for name, value in samples.items() if name[0] in AT_REST and value}
            if not busy and self._is_complete(samples):
                return True
            if monotonic() > deadline:
                what = f"it does not come to rest: {busy}, workers {self.workers()}"
                self.violations.append(Violation(None, what, ()))
                return False
            await asyncio.sleep(0.1)

    def _is_complete(self, samples: Samples) -> bool:
        """Say whether all workers serve, and no other is there."""
        ready = samples[sample("cors_gateway_workers", state="ready")]
        return ready == WORKERS == len(self.workers())

    def _compare(self, accounts: Accounts) -> None:
        failed = {
            ask.token
            for each in self.violations
            if each.conversation is not None
            for ask in each.conversation.asks
        }
        found = [
            (token_in(complaint), f"the API: {complaint}") for complaint in accounts.complaints
        ]
        found += broken_promises(self.clients.promises, accounts)
        found += [("", f"the gateway said: {line}") for line in self._faults()]
        for token, what in found:
            if token not in failed:
                self.violations.append(Violation(self._plan.get(token), what, ()))
        self.clients.promises.clear()

    def _faults(self) -> list[str]:
        """What the gateway has said since the last time that it says of its own faults only."""
        printed = self._gateway.printed[self._looked_at :]
        self._looked_at += len(printed)
        return [line for line in printed if '"error"' in line or "Traceback" in line]


class Orders:
    """What the API is told by us."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._lock = asyncio.Lock()

    async def spoil(self, name: str, token: str) -> None:
        """Have it do something to an idle connection; return when that has arrived."""
        assert await self._tell(f"spoil {name} {token}") == b"done\n"

    async def accounts(self) -> Accounts:
        """Ask what has come, once nothing more can come."""
        gathered = Accounts()
        while True:
            told = json.loads(await self._tell("accounts"))
            gathered.heads.update(told["heads"])
            gathered.wholes.update(told["wholes"])
            gathered.complaints += told["complaints"]
            if not told["open"]:
                return gathered
            await asyncio.sleep(0.02)

    async def _tell(self, order: str) -> bytes:
        async with self._lock:
            self._writer.write(order.encode() + b"\n")
            return await self._reader.readline()


@asynccontextmanager
async def stage(folder: Path, idle: int = 400) -> AsyncIterator[Stage]:
    """Start everything.

    Args:
        folder: for the configuration.
        idle: milliseconds for which the gateway keeps an idle connection to the API.
    """
    with _api() as ports, _gateway(folder, ports, idle) as (gateway, port, admin):
        reader, writer = await asyncio.open_connection("127.0.0.1", ports["orders"], limit=1 << 26)
        try:
            yield Stage(gateway, folder / FILE, port, admin, Orders(reader, writer))
        finally:
            writer.close()
            await writer.wait_closed()


def token_in(text: str) -> str:
    """Give the first token that is named."""
    found = re.search(r"tok[0-9a-f]{8}", text)
    return found[0] if found else ""


@contextmanager
def _api() -> Iterator[dict[str, int]]:
    root = Path(__file__).parents[2]
    argv = [sys.executable, "-m", "tests.chaos.misbehaving_api"]
    with running(argv, cwd=root) as program:
        yield json.loads(program.wait_for(API_LISTENS)[0])


@contextmanager
def _gateway(folder: Path, ports: dict[str, int], idle: int) -> Iterator[tuple[Running, int, int]]:
    areas = {"c": "api", "smuggled": "api", "hang": "api", "away": "away"}
    areas |= {path: path for path in LATE_PATHS}
    routes = [
        ROUTE.format(
            area=area, port=ports[name], idle=idle, patience="1s" if area == "hang" else "5m"
        )
        for area, name in areas.items()
    ]
    file = folder / FILE
    config = CONFIG.format(workers=WORKERS)
    file.write_text(config + "".join(routes), "utf-8")
    argv = [sys.executable, "-m", "cors_gateway", "run", "-c", str(file)]
    env = {"CORS_GATEWAY_WORKERS": str(WORKERS), "CORS_GATEWAY_ADMIN": "127.0.0.1:0"}
    with running(argv, env) as program:
        port = int(program.wait_for(GATEWAY_LISTENS)[1].rpartition(":")[2])
        admin = int(program.wait_for(ADMIN_LISTENS)[1])
        yield program, port, admin


def _kill(pid: int) -> None:
    """Kill a process, and wait until it is gone: a moment later it serves nobody."""
    _tell(pid, signal.SIGKILL)
    deadline = monotonic() + PATIENCE
    while _state(pid) not in "ZX" and monotonic() < deadline:
        time.sleep(0.001)


def _tell(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _wait_for_stops(pids: Iterable[int]) -> None:
    """Wait the moment that it takes until a stop has come through."""
    while not all(_state(pid) in "TZX" for pid in pids):
        time.sleep(0)


def _state(pid: int) -> str:
    """Give the letter that the kernel has for what a process does; X where it is gone."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return "X"
    return status.rpartition(")")[2].split()[0]


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
