"""Whatever arrives, from either side, no connection's trouble becomes the worker's.

The bytes are hypothesis's: random ones, and well-formed messages in which some were changed. Each
answer is HTTP or the connection closes, nothing escapes to the event loop, and a request of its own
connection is served all the time.
"""

import asyncio
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cors_gateway.snapshot import Timeouts, UpstreamTimeouts
from tests.wire.conftest import StartGateway
from tests.wire.gateways import APP, Gateway, route_to, snapshot_of
from tests.wire.raw_client import RawClient
from tests.wire.raw_peer import RawPeer
from tests.wire.scripted_upstream import OK, ScriptedUpstream

ROUNDS = 15
BATCH = 40

REQUESTS = [
    b"GET /a?b HTTP/1.1\r\nHost: gw.example\r\nOrigin: %b\r\n\r\n" % APP.encode(),
    b"POST /a HTTP/1.1\r\nHost: gw.example\r\nContent-Length: 5\r\n\r\nhello",
    (
        b"POST http://gw.example/ HTTP/1.1\r\nHost: gw.example\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n"
    ),
    b"OPTIONS /a HTTP/1.1\r\nHost: [::1]:80\r\nOrigin: %b\r\nAccess-Control-Request-Method: PUT\r\n"
    b"Access-Control-Request-Headers: a, b\r\nContent-Length: 2\r\n\r\nhi" % APP.encode(),
    b"GET / HTTP/1.0\r\nConnection: keep-alive, x\r\nVia: 1.1 a\r\nX_Forwarded_For: b\r\n\r\n",
    b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
]
RESPONSES = [
    OK,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nVary: a\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata",
    b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: x\r\n\r\n",
    b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nSet-Cookie: a\r\nContent-Length: 10\r\n\r\n',
]  # fmt: skip
ODD = st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b"\r",
        b"\x00",
        b" ",
        b"\t",
        b":",
        b",",
        b";",
        b"\xff",
        b"0",
        b"-",
        b"%2e",
        b"[",
        b"//",
        b"\r\n\r\n",
    ]
)


@st.composite
def mutated(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """Change a well-formed message in a few places."""
    message = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(message)))
        upto = at + draw(st.integers(0, 4))
        message = message[:at] + draw(ODD | st.binary(max_size=3)) + message[upto:]
    return message


async def rest_of(peer: RawPeer) -> bytes:
    try:
        return await peer.sees_rest()
    except OSError:
        return b""


def assert_http_or_nothing(answer: bytes) -> None:
    assert answer == b"" or re.match(rb"HTTP/1\.1 [1-5][0-9][0-9] ", answer), answer[:80]


async def settled(gateway: Gateway) -> None:
    client = await gateway.connects()
    await client.asks("/settled")
    assert (await client.gets()).status in {200, 502, 504}
    client.closes()
    assert gateway.faults == []


async def assaults(gateway: Gateway, payload: bytes) -> None:
    client: RawClient = await gateway.connects()
    try:
        await client.sends(payload)
        client.says_no_more() if len(payload) % 3 == 0 else None
    except OSError:
        pass
    assert_http_or_nothing(await rest_of(client))
    client.closes()


QUICK = Timeouts(head=0.05, content=0.05, write=0.05, keep_alive=0.05)


async def test_clients_may_send_anything(
    start_gateway: StartGateway, api: ScriptedUpstream
) -> None:
    """Run in batches on one gateway, so that what one leaves behind meets the next."""
    api.answers(OK)
    gateway = await start_gateway(snapshot_of(route_to(api.port), timeouts=QUICK))
    for batch in examples(
        st.lists(mutated(REQUESTS) | st.binary(max_size=200), min_size=BATCH, max_size=BATCH)
    ):
        await asyncio.gather(*(assaults(gateway, payload) for payload in batch))
        await settled(gateway)


async def test_apis_may_send_anything(start_gateway: StartGateway, api: ScriptedUpstream) -> None:
    timeouts = UpstreamTimeouts(connect=1, response=0.05, idle=0.05, tunnel=0.05)
    gateway = await start_gateway(
        snapshot_of(route_to(api.port, upstream={"timeouts": timeouts}), timeouts=QUICK)
    )
    payloads: list[bytes] = []

    async def misbehaves(peer: RawPeer) -> None:
        await peer.sees_head()
        payload = payloads.pop() if payloads else OK
        await peer.sends(payload)
        if len(payload) % 3 == 0:
            peer.closes()

    api.runs(misbehaves)
    for batch in examples(
        st.lists(mutated(RESPONSES) | st.binary(max_size=200), min_size=BATCH, max_size=BATCH)
    ):
        payloads[:] = batch
        await asyncio.gather(*(assaults(gateway, REQUESTS[0]) for _ in batch))
        payloads.clear()
        await settled(gateway)


def examples(strategy: st.SearchStrategy[list[bytes]]) -> list[list[bytes]]:
    """Let hypothesis make the batches; the gateway must outlive them all, so it does not run them."""
    batches: list[list[bytes]] = []

    @settings(
        max_examples=ROUNDS, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(strategy)
    def gather(batch: list[bytes]) -> None:
        batches.append(batch)

    gather()
    return batches


@pytest.mark.parametrize("step", [1, 2, 7])
@pytest.mark.parametrize("number", range(len(REQUESTS)))
async def test_how_bytes_are_cut_into_segments_means_nothing(
    gateway: Gateway, api: ScriptedUpstream, number: int, step: int
) -> None:
    """Whole, and in small pieces: the answers are alike."""
    api.answers(OK)
    statuses = []
    for size in (10_000, step):
        client = await gateway.connects()
        request = REQUESTS[number]
        for at in range(0, len(request), size):
            await client.sends(request[at : at + size])
            await asyncio.sleep(0)
        head = await client.sees_head()
        while head.startswith(b"HTTP/1.1 1"):
            head = await client.sees_head()
        statuses.append(head.split(b" ")[1])
        client.closes()
    assert statuses[0] == statuses[1]
