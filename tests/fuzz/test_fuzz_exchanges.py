"""Whole exchanges with some bytes changed, on both sides at once, against the gateway's own command.

Whatever a client and an API say to each other, the gateway lives, answers HTTP or closes, serves the
next one, and logs one line of JSON for each request and nothing else: no traceback, no broken line.
"""

import asyncio
import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.effort import fuzzed
from tests.fuzz.messages import mutated, request_heads, response_heads
from tests.peers.processes import Gateway, gateway

BATCH = 20
"""Exchanges at once: what waits for the gateway's clock waits together."""

CONFIG = """
server:
  listen: 127.0.0.1:0
  timeouts: {{head: 200ms, content: 200ms, write: 200ms, keepAlive: 200ms}}
log: {{format: json, level: info}}
routes:
  - name: api
    match: {{path: /}}
    upstream:
      url: http://127.0.0.1:{port}
      timeouts: {{connect: 5s, response: 200ms, idle: 200ms, tunnel: 200ms}}
    cors: {{allowOrigins: [https://app.example]}}
    cookies: {{domain: remove, path: auto, secure: add}}
    redirects: rewrite
"""
REQUESTS = [
    b"GET /a?b HTTP/1.1\r\nHost: gw.example\r\nOrigin: https://app.example\r\n\r\nGET /b HTTP/1.1\r\nHost: gw.example\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: gw.example\r\nContent-Length: 5\r\n\r\nhello",
    b"POST http://gw.example/ HTTP/1.1\r\nHost: gw.example\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"OPTIONS /a HTTP/1.1\r\nHost: [::1]:80\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: PUT\r\n\r\n",
    b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\n\r\n\x81\x80abcd",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
]  # fmt: skip
RESPONSES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nVary: a\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata",
    b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: x\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/x\r\nSet-Cookie: a=b; Domain=x; Path=/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00",
    b"",
]  # fmt: skip
PATIENCE = 60.0
PROPER = b"GET /proper HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class Api:
    """It says the same to everybody until it is told to say something else."""

    def __init__(self) -> None:
        self.says = RESPONSES[0]
        self.closes = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def starts(self) -> int:
        """Listen; return the port."""
        self._server = await asyncio.start_server(self.serves, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def ends(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def serves(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await reader.read(65536):
                writer.write(self.says)
                await writer.drain()
                if self.closes:
                    break
        except OSError:
            pass
        finally:
            self._tasks.discard(task)
            writer.close()


class Rig:
    """The command in front of the API of this process."""

    def __init__(self, loop: asyncio.AbstractEventLoop, api: Api, gateway: Gateway) -> None:
        self.loop = loop
        self.api = api
        self.gateway = gateway
        self._checked = len(gateway.printed)

    def log_is_whole(self) -> None:
        """Hold that what the gateway has printed since are lines of its log, and no complaint."""
        printed = self.gateway.printed[self._checked :]
        self._checked += len(printed)
        for line in printed:
            entry = json.loads(line)
            assert entry["level"] in {"info", "warning"}, line
            assert line.rstrip("\n").isprintable()

    def exchanges(self, requests: list[bytes], response: bytes, *, closes: bool) -> list[bytes]:
        """Send all the requests at once; return what comes back."""
        self.api.says, self.api.closes = response, closes
        return self.loop.run_until_complete(self._ask_all(requests))

    def asks_properly(self) -> bytes:
        self.api.says, self.api.closes = RESPONSES[0], True
        return self.loop.run_until_complete(self._asks(PROPER))

    async def _ask_all(self, requests: list[bytes]) -> list[bytes]:
        return await asyncio.gather(*map(self._asks, requests))

    async def _asks(self, request: bytes) -> bytes:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.gateway.port)
            try:
                writer.write(request)
                return await reader.read(-1)
            except OSError:
                return b""  # a reset: the answer to it may be lost, and is not asked for here
            finally:
                writer.close()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    loop = asyncio.new_event_loop()
    api = Api()
    port = loop.run_until_complete(api.starts())
    try:
        with gateway(tmp_path_factory.mktemp("fuzz"), CONFIG.format(port=port)) as started:
            rig = Rig(loop, api, started)
            yield rig
        rig.log_is_whole()
    finally:
        loop.run_until_complete(api.ends())
        loop.close()


batches = st.lists(
    mutated(REQUESTS) | request_heads() | st.binary(max_size=50), min_size=BATCH, max_size=BATCH
)


@fuzzed(5)
@given(batches, mutated(RESPONSES) | response_heads() | st.binary(max_size=50), st.booleans())
def test_the_gateway_outlives_every_exchange(
    rig: Rig, requests: list[bytes], response: bytes, closes: bool
) -> None:
    for answer in rig.exchanges(requests, response, closes=closes):
        # Interim answers come first, and what an API says in a tunnel is its own.
        assert re.match(rb"HTTP/1\.1 [1-9][0-9][0-9] ", answer) or not answer, answer[:80]

    # The connections that were kept may still hold what was said too much; each is tried once.
    assert b" 200 " in rig.asks_properly().partition(b"\r\n")[0]
    rig.log_is_whole()
