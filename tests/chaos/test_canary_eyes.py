"""The canary notices: each thing that must not reach a client is told from what may.

Without these, a run in which nothing is noticed would say nothing.
"""

import asyncio
import socket
from collections import Counter
from contextlib import nullcontext

import pytest

from tests.chaos.accounts import Accounts, Promise, broken_promises
from tests.chaos.canary import Canary, Response, StrangeError
from tests.chaos.clients import Clients
from tests.chaos.conducts import Ending
from tests.chaos.plans import FIXED_ORIGIN, Ask, Conversation, Style

ASK = Ask("tok00000000", origin="")
OTHER = b"tok00000001"
HEAD = (
    b'HTTP/1.1 200 OK\r\nX-Token: tok00000000\r\nETag: "tok00000000"\r\nDate: now\r\n'
    b"Set-Cookie: session=tok00000000\r\nX-Request-ID: 1\r\nVary: Origin\r\n"
)  # fmt: skip
COUNTED = HEAD + b"Content-Length: 12\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
CONTENT = b"tok00000000 "
OLD = Ask("tok00000000", minor_version=0)


async def read(data: bytes, ask: Ask = ASK) -> Response:
    """Read what a gateway sends before it closes."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        theirs.sendall(data)
        theirs.close()
        return await Canary(ours).reads(ask)


@pytest.mark.parametrize(
    "data, ask, ending",
    [
        pytest.param(COUNTED + CONTENT, ASK, Ending.WHOLE, id="counted"),
        pytest.param(COUNTED + CONTENT[:5], ASK, Ending.CUT, id="counted and too short"),
        pytest.param(
            CHUNKED + b"c\r\n%b\r\n0\r\n\r\n" % CONTENT, ASK, Ending.WHOLE, id="in chunks"
        ),
        pytest.param(
            CHUNKED + b"c\r\n%b\r\n" % CONTENT, ASK, Ending.CUT, id="without the last chunk"
        ),
        pytest.param(
            HEAD + b"Connection: close\r\n\r\n" + CONTENT, OLD, Ending.WHOLE, id="until close"
        ),
        pytest.param(b"", ASK, Ending.NOTHING, id="nothing"),
        pytest.param(
            b"HTTP/1.1 103 Hints\r\n\r\n" + COUNTED + CONTENT, ASK, Ending.WHOLE, id="a hint before"
        ),
    ],
)
async def test_how_a_response_ends(data: bytes, ask: Ask, ending: Ending) -> None:
    assert (await read(data, ask)).ending is ending


@pytest.mark.parametrize(
    "data, ask",
    [
        pytest.param(COUNTED + OTHER + b" ", ASK, id="another's content"),
        pytest.param(
            HEAD + b"X-A: %b\r\nContent-Length: 0\r\n\r\n" % OTHER, ASK, id="another's field"
        ),
        pytest.param(
            b"HTTP/1.1 103 Hints\r\nLink: %b\r\n\r\n" % OTHER + COUNTED + CONTENT,
            ASK,
            id="another's hint",
        ),
        pytest.param(COUNTED + b"POISON      ", ASK, id="what nobody asked for"),
        pytest.param(
            HEAD + b"X-Odd: 1\r\nContent-Length: 0\r\n\r\n", ASK, id="a trailer as a field"
        ),
        pytest.param(HEAD[:40], ASK, id="half a head"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n", ASK, id="another version"),
        pytest.param(CONTENT + b"\r\n\r\n", ASK, id="content where a head begins"),
        pytest.param(HEAD.replace(b"\r\n", b"\n") + b"\r\n\r\n", ASK, id="bare LF"),
        pytest.param(
            HEAD + b"A : b\r\nContent-Length: 0\r\n\r\n", ASK, id="a space before a colon"
        ),
        pytest.param(HEAD + b"Content-Length: 0\r\n" * 2 + b"\r\n", ASK, id="two lengths"),
        pytest.param(
            HEAD + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
            ASK,
            id="a length and chunks",
        ),
        pytest.param(CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n", ASK, id="an odd chunk"),
        pytest.param(CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n", ASK, id="a chunk that is too long"),
        pytest.param(CHUNKED + b"0\r\nA: b\r\n\r\n", ASK, id="a trailer"),
        pytest.param(CHUNKED + b"0\r\n\r\n", OLD, id="chunks for HTTP/1.0"),
        pytest.param(HEAD + b"\r\n" + CONTENT, ASK, id="content until close, unsaid"),
    ],
)
async def test_what_must_not_come_is_noticed(data: bytes, ask: Ask) -> None:
    with pytest.raises(StrangeError):
        await read(data, ask)


@pytest.mark.parametrize(
    "asks, answers, said",
    [
        pytest.param((ASK,), COUNTED + CONTENT, "", id="a right one"),
        pytest.param((ASK,), COUNTED + CONTENT + b"x", "more came", id="a byte behind"),
        pytest.param((ASK,), COUNTED + b"tok00000000x", "the content is", id="other content"),
        pytest.param((ASK,), COUNTED + CONTENT[:5], "unexpected", id="one that is cut off"),
        pytest.param((ASK,), b"", "unexpected", id="none"),
        pytest.param(
            (Ask("tok00000000", origin=FIXED_ORIGIN),),
            COUNTED + CONTENT,
            "granted to ''",
            id="one that a page cannot read",
        ),
        pytest.param(
            (ASK,),
            COUNTED.replace(b"Vary", b"Access-Control-Allow-Origin: https://b.example\r\nVary")
            + CONTENT,
            "granted to 'https://b.example'",
            id="one that a stranger can read",
        ),
    ],
)
async def test_a_client_judges_its_answer(asks: tuple[Ask, ...], answers: bytes, said: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers)
        await writer.drain()
        writer.close()

    async def spoil(name: str, token: str) -> None:
        raise AssertionError

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        clients = Clients(server.sockets[0].getsockname()[1], spoil, nullcontext)
        await clients.hold(Conversation(0, Style.SERIES, asks))

    assert [said in str(violation) for violation in clients.violations] == [True] * bool(said)


@pytest.mark.parametrize(
    "promise, heads, wholes, broken",
    [
        pytest.param(Promise(1, 1, 1), 1, 1, False, id="answered, and got once"),
        pytest.param(Promise(1, 1, 1), 2, 2, True, id="got twice"),
        pytest.param(Promise(1, 1, 1), 0, 0, True, id="answered, and never got"),
        pytest.param(Promise(1, 1, 1), 2, 1, True, id="begun twice"),
        pytest.param(Promise(2, 1), 2, 2, False, id="may be repeated"),
        pytest.param(Promise(1, 0, 0), 1, 1, True, id="whole although it broke off"),
        pytest.param(Promise(0), 1, 0, True, id="not to arrive"),
        pytest.param(None, 1, 1, True, id="nobody's"),
    ],
)
def test_the_accounts_are_compared(
    promise: Promise | None, heads: int, wholes: int, broken: bool
) -> None:
    accounts = Accounts(Counter(t=heads), Counter(t=wholes))
    promises = {} if promise is None else {"t": promise}

    assert bool(list(broken_promises(promises, accounts))) is broken
