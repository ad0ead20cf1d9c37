"""The table of Fetch cases through real sockets, and the judge on every answer.

One gateway and one upstream serve all rows, each row under its own configuration, so that what
one row leaves behind would be seen by the next. The upstream counts what reaches it. Clients
write raw bytes: also what no HTTP library would send.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from cors_gateway.wire.downstream import DownstreamConnection
from cors_gateway.wire.plane import Plane
from tests.cases.fetch import CASES, Case
from tests.cases.fetch_case import Request, Upstream
from tests.cases.fetch_judging import (
    cors_lines,
    expected,
    is_preflight,
    judge,
    name_of,
    normalize,
    request_after,
)
from tests.cases.fetch_loading import snapshot_of
from tests.judge import FieldLines, Verdict

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = 60.0

# A line break ends a field line: on the wire such a value is two fields, and neither is hostile.
SENT = [case for case in CASES if not any(b"\r\n" in value for _, value in case.request.fields)]


@dataclass
class Peers:
    """A gateway, and the API behind it."""

    plane: Plane
    port: int
    api_port: int
    closed_port: int
    answer: Upstream = field(default_factory=Upstream)
    requests: int = 0
    """How many the API has seen."""
    serving: set["asyncio.Task[None]"] = field(default_factory=set)

    async def ask(self, case: Case, request: Request) -> tuple[int, FieldLines]:
        """Send one request on a connection of its own; give the response's status and fields."""
        port = self.closed_port if case.upstream.fails == "refuses" else self.api_port
        self.plane.snapshot = snapshot_of(case, f"http://127.0.0.1:{port}")
        self.answer = case.upstream
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**18)
        try:
            lines = [b"%b %b HTTP/1.1" % (request.method, request.target)]
            lines += [b"%b: %b" % line for line in request.fields]
            writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
            async with asyncio.timeout(SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        status_line, *field_lines = head[:-4].split(b"\r\n")
        split = (line.partition(b": ") for line in field_lines)
        return int(status_line.split(b" ")[1]), cors_lines((name, v) for name, _, v in split)

    async def serve_api(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer every request of a connection as the row says."""
        if task := asyncio.current_task():
            self.serving.add(task)
            task.add_done_callback(self.serving.discard)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                lines = [b"HTTP/1.1 %d -" % self.answer.status, b"Content-Length: 0"]
                lines += [b"%b: %b" % line for line in self.answer.fields]
                writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
        writer.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def peers() -> AsyncIterator[Peers]:
    loop = asyncio.get_running_loop()
    plane = Plane(snapshot_of(SENT[0], "http://127.0.0.1:9"), loop)
    gateway = await loop.create_server(lambda: DownstreamConnection(plane), "127.0.0.1", 0)
    closed = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    closed_port = closed.sockets[0].getsockname()[1]
    closed.close()
    await closed.wait_closed()
    both = Peers(plane, gateway.sockets[0].getsockname()[1], 0, closed_port)
    api = await asyncio.start_server(both.serve_api, "127.0.0.1", 0)
    both.api_port = api.sockets[0].getsockname()[1]
    plane.start()
    yield both
    gateway.close()
    api.close()
    await plane.drain(0)
    if both.serving:
        await asyncio.wait(both.serving, timeout=SECONDS)
    await gateway.wait_closed()
    await api.wait_closed()


@pytest.mark.parametrize("case", [case for case in SENT if case.wire_status is None], ids=name_of)
async def test_the_answer(case: Case, peers: Peers) -> None:
    seen = peers.requests
    status, lines = await peers.ask(case, case.request)

    assert status == (case.answer.status or case.upstream.status)
    assert normalize(lines) == expected(case.answer)
    assert peers.requests - seen == (1 if case.reaches_upstream else 0)

    then: dict[Request, FieldLines] = {}
    if is_preflight(case.request) and case.browser is Verdict.ALLOWED:
        request = request_after(case)
        then[request] = (await peers.ask(case, request))[1]
    assert judge(case, status, lines, then.__getitem__) is case.browser


@pytest.mark.parametrize(
    "case", [case for case in SENT if case.wire_status is not None], ids=name_of
)
async def test_a_message_that_is_not_served(case: Case, peers: Peers) -> None:
    seen = peers.requests
    status, lines = await peers.ask(case, case.request)

    assert status == case.wire_status
    if status == 400:
        assert not [name for name, _ in lines if name.lower().startswith(b"access-control-")]
    else:
        # Well-formed and too large: the page that may read answers may read this one.
        assert normalize(lines) == expected(case.answer)
    assert peers.requests == seen
