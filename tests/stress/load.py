"""Clients who call a gateway all the time, and what became of each of their requests.

Half of them keep their connection, and half open one for each request. A request counts as lost if its connection
ended before its answer was whole; a connection that the gateway closes between two requests is no loss.
"""

import asyncio
import itertools
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvloop

from tests.stress.measuring import wait_until

__all__ = [
    "MIXED",
    "ORIGIN",
    "Caller",
    "Load",
    "LostError",
    "call_mixed",
    "under_load",
    "wait_for_answers",
]

PATIENCE = 60.0
PAUSE = 0.01
"""Seconds between two requests of one client: what is tested is order, not speed."""

ORIGIN = b"https://app.example.com"
FIELDS = b"Host: gw.example\r\nOrigin: %b\r\n" % ORIGIN
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

MIXED = (
    (b"GET /ok HTTP/1.1\r\n%b\r\n" % FIELDS, 200),
    (b"GET /held HTTP/1.1\r\n%b\r\n" % FIELDS, 200),
    (b"POST /ok HTTP/1.1\r\n%bContent-Length: 5\r\n\r\nhello" % FIELDS, 200),
    (
        b"PUT /ok HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" % FIELDS,
        200,
    ),
    (b"OPTIONS /ok HTTP/1.1\r\n%bAccess-Control-Request-Method: PUT\r\n\r\n" % FIELDS, 204),
    (b"GET /chunked?a=b HTTP/1.1\r\n%bCookie: a=b; c=d\r\n\r\n" % FIELDS, 200),
    (b"GET /missing HTTP/1.1\r\nHost: gw.example\r\n\r\n", 404),
    (b"GET /large HTTP/1.1\r\n%b\r\n" % FIELDS, 200),
    (b"GET /empty HTTP/1.1\r\n%b\r\n" % FIELDS, 204),
    (b"GET /moved HTTP/1.1\r\n%b\r\n" % FIELDS, 302),
)
"""Requests, and the status of their answers."""


class LostError(Exception):
    """The connection ended before the answer was whole."""


class Caller:
    """One client, with one connection at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def own_port(self) -> int:
        """The port of its own end, or 0 without a connection."""
        if self._writer is None:
            return 0
        port: int = self._writer.get_extra_info("sockname")[1]
        return port

    async def ask(self, request: bytes) -> int:
        """Send a request; return the status of its answer, which is read whole.

        Raises:
            LostError: there was none.
        """
        reader, writer = await self._connect()
        try:
            writer.write(request)
            status, closes = await asyncio.wait_for(self._read_answer(reader), PATIENCE)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise LostError(repr(error)) from error
        if closes:
            self.leave()
        return status

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Give the connection that is there, or another where the gateway has closed it."""
        reader, writer = self._reader, self._writer
        if reader is not None and writer is not None:
            if not reader.at_eof() and reader.exception() is None:
                return reader, writer
            self.leave()
        opening = asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = opened = await asyncio.wait_for(opening, PATIENCE)
        self._reader, self._writer = reader, writer
        return opened

    def leave(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    @staticmethod
    async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        if found := LENGTH.search(head):
            await reader.readexactly(int(found[1]))
        elif b"\r\ntransfer-encoding: chunked" in head.lower():
            while size := int(await reader.readuntil(b"\r\n"), 16):
                await reader.readexactly(size + 2)
            await reader.readexactly(2)
        return status, b"\r\nconnection: close" in head.lower()


@dataclass
class Load:
    """What became of the requests so far."""

    answered: Counter[int] = field(default_factory=Counter)
    """Answers by status."""
    wrong: list[str] = field(default_factory=list)
    """Answers with another status than expected."""
    lost: list[int] = field(default_factory=list)
    """The clients' ports of lost requests."""

    @property
    def count(self) -> int:
        return self.answered.total()


@contextmanager
def under_load(port: int, clients: int = 6) -> Iterator[Load]:
    """Have clients call while the body runs; at its end each still gets its last answer."""
    load = Load()
    over = threading.Event()
    faults: list[BaseException] = []

    async def call(number: int) -> None:
        caller = Caller(port)
        for request, expected in itertools.islice(itertools.cycle(MIXED), number, None):
            if over.is_set():
                break
            try:
                status = await caller.ask(request)
            except LostError:
                load.lost.append(caller.own_port)
                caller.leave()
                continue
            load.answered[status] += 1
            if status != expected:
                load.wrong.append(f"{request[:30]!r}: {status}")
            if number % 2:
                caller.leave()
            await asyncio.sleep(PAUSE)
        caller.leave()

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(call(number))

    def run() -> None:
        try:
            uvloop.run(all_of_them())
        except BaseException as error:  # noqa: BLE001 - is raised below
            faults.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield load
    finally:
        over.set()
        thread.join()
    if faults:
        raise faults[0]


def wait_for_answers(load: Load, count: int = 1) -> None:
    """Wait until so many more have come."""
    called = load.count
    wait_until(lambda: load.count >= called + count, "nobody is answered")


def call_mixed(
    port: int,
    count: int,
    clients: int = 8,
    choose: Callable[[int], tuple[bytes, int]] | None = None,
) -> None:
    """Send so many requests, as fast as they are answered; each gets the status that it must.

    Args:
        port: where to.
        count: of requests.
        clients: who share them.
        choose: gives the request of a number, and the status of its answer; ``MIXED`` in turn otherwise.
    """
    numbers = iter(range(count))
    pick = choose or (lambda number: MIXED[number % len(MIXED)])

    async def call() -> None:
        caller = Caller(port)
        for number in numbers:
            request, expected = pick(number)
            status = await caller.ask(request)
            assert status == expected, (request[:60], status)
        caller.leave()

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(call())

    uvloop.run(all_of_them())
