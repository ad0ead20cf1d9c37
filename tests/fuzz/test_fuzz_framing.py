"""Where one message ends and the next begins: the gateway, its client and its API must agree.

Streams of requests, and responses of any form, through a worker of this process. What the API sees
is a list of whole requests that a strict reader finds in the stream too, each answered once; what a
client gets of a response is what other parsers read of it, or a 502.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from cors_gateway.messages.heads import find_head_end
from tests.fuzz import messages
from tests.fuzz.effort import fuzzed
from tests.fuzz.other_parsers import Message, RefusedError, response_by_h11, response_by_llhttp
from tests.fuzz.strict_reading import Reading, read_requests
from tests.fuzz.talking import AnswersByH11, Talking, sends_pieces, talking
from tests.wire.raw_client import RawClient, Response

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
CONTENTS = [
    b"", b"", b"abc", b"x" * 40, b"y" * 100, b"0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n", b"3;x=y\r\nabc\r\n0\r\nX-A: b\r\n\r\n", b"\r\n",
    SMUGGLED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED), b"3\r\nabcd\r\n0\r\n\r\n", b"3\nabc\n0\n\n", b"0\r\n\r\n" + SMUGGLED,
    b"ffffffffffffffff1\r\nabc", b"3\r\nab",
]  # fmt: skip
streams = st.lists(
    st.tuples(
        messages.request_heads()
        | st.sampled_from(
            [b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", SMUGGLED]
        ),
        st.sampled_from(CONTENTS),
    ).map(b"".join),
    min_size=1,
    max_size=4,
).map(b"".join)


@pytest.fixture(scope="module")
def reader() -> Iterator[tuple[Talking, AnswersByH11]]:
    api = AnswersByH11()
    with talking(api) as rig:
        yield rig, api


async def answers_to(client: RawClient, reading: Reading) -> list[Response]:
    """Receive the final answers: to all that is whole, and then to what is in doubt."""
    found: list[Response] = []
    while len(found) < len(reading.requests):
        if not client.unread and not await client._receive_more():
            return found
        answer = await client.gets(reading.requests[len(found)].method.decode())
        if answer.status >= 200:
            found.append(answer)
    if reading.ending == "doubtful":
        # A line that has a bare CR in it may still be waited for; these end any line and any head.
        await sends_pieces(client, [b"\r\n\r\n\r\n"])
    if reading.ending in {"doubtful", "closed"}:
        rest = await client.sees_rest()
        while rest.startswith(b"HTTP/1.1 100 "):
            rest = rest[find_head_end(rest) :]
        assert not rest or rest.startswith(b"HTTP/1.1 "), rest
        assert not rest or reading.ending == "doubtful", rest
        if rest:
            # Nobody knows by which method that was asked for, nor whether content follows.
            found.append(Response(int(rest[9:12]), rest[: find_head_end(rest)], b""))
    return found


@fuzzed(60)
@given(streams, st.data())
@example(
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    None,
)
@example(b"PUT / HTTP/1.0\r\nHost: a\r\r\nPUT / HTTP/1.0\r\nHost: a\r\r\n", None)
@example(
    b"OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\nTransfer-Encoding: chunked\r\n\r\nP\r\n",
    None,
)
@example(
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n" + SMUGGLED + b"12345" + SMUGGLED,
    None,
)
def test_an_api_sees_the_requests_that_are_there_and_each_is_answered_once(
    reader: tuple[Talking, AnswersByH11], stream: bytes, data: st.DataObject | None
) -> None:
    rig, api = reader
    api.seen.clear()
    api.refused.clear()
    pieces = data.draw(messages.segments(stream)) if data else [stream]
    reading = read_requests(stream)
    event(f"{reading.ending}")

    async def conversation() -> list[Response]:
        client = await rig.gateway.connects()
        await sends_pieces(client, pieces)
        return await answers_to(client, reading)

    answers = rig.run(conversation())

    assert api.refused == []
    passed = [
        request
        for request, answer in zip(reading.requests, answers, strict=False)
        if answer.value("X-Serial")
    ]
    event(f"{len(passed)} passed on")
    assert len(answers) <= len(reading.requests) + 1
    assert [each.value("X-Serial") for each in answers if each.value("X-Serial")] == [
        b"%d" % serial for serial in range(1, len(api.seen) + 1)
    ]
    assert [(each.method, each.content) for each in api.seen] == [
        (each.method, each.content) for each in passed
    ]
    for seen, sent in zip(api.seen, passed, strict=True):
        assert seen.target == sent.target or not sent.target.startswith(b"/")
    if len(answers) < len(reading.requests):
        assert answers, "nobody has said why"
        assert answers[-1].closes, "a request was left without an answer"
    for extra in answers[len(reading.requests) :]:
        # It may even be a success: OPTIONS can be answered before its content is seen to be wrong.
        assert extra.closes


CONTENTS_OF_RESPONSES = [
    *CONTENTS, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen", b"3 \r\nabc\r\n0\r\n\r\n", b"hello",
    b"3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen", b"abcHTTP/1.1 200 OK\r\n\r\nstolen",
]  # fmt: skip
NEXT = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown"
responses = st.tuples(
    messages.response_heads()
    | st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
            b"HTTP/1.0 200 OK\r\n\r\n",
        ]
    ),
    st.sampled_from(CONTENTS_OF_RESPONSES),
).map(b"".join)


class SaysOnce:
    """An API that says some bytes in answer to the first request, and ``own`` to every other."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.keeps = True

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reads_head(reader):
            pieces, self.pieces = self.pieces or [NEXT], []
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if pieces != [NEXT] and not self.keeps:
                return


@pytest.fixture(scope="module")
def speaker() -> Iterator[tuple[Talking, SaysOnce]]:
    api = SaysOnce()
    with talking(api) as rig:
        yield rig, api


async def reads_head(reader: asyncio.StreamReader) -> bool:
    try:
        await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return False
    return True


def read_by(parse: Any, data: bytes, **how: Any) -> Message | None:
    """Return the final response, whole or not; nothing where a parser refuses it."""
    try:
        found = parse(data, **how)
    except RefusedError:
        return None
    # A parser that is fed more goes on to what stands behind, which answers nobody.
    return next((each for each in found if int(each.start[0]) >= 200), None)


def stays_open(data: bytes, method: bytes) -> bool:
    """Whether no end of the connection is needed to know that a response is whole."""
    found = read_by(response_by_h11, data, method=method, ends=False)
    other = read_by(response_by_llhttp, data, ends=False)
    return bool(found and found.is_whole and (method == b"HEAD" or (other and other.is_whole)))


async def answer_to(client: RawClient, method: bytes) -> Message | None:
    """Receive one final answer by h11, which must have nothing to object; nothing if there is none."""
    while True:
        found = read_answer(client.unread, method)
        if found and found.is_whole:
            return found
        if not await client._receive_more():
            break
    if found:
        names = {name for name, _ in found.fields}
        found.is_whole = not names & {b"content-length", b"transfer-encoding"}
    return found


def read_answer(data: bytes, method: bytes) -> Message | None:
    found = response_by_h11(data, method=method, ends=False)
    return found[-1] if found and int(found[-1].start[0]) >= 200 else None


@fuzzed(70)
@given(responses, st.sampled_from([b"GET", b"HEAD"]), st.data())
@example(
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen",
    b"GET",
    None,
)
@example(b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc", b"GET", None)
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"HEAD", None)
def test_a_client_gets_what_the_response_holds_and_the_next_one_its_own(
    speaker: tuple[Talking, SaysOnce], response: bytes, method: bytes, data: st.DataObject | None
) -> None:
    rig, api = speaker
    api.pieces = data.draw(messages.segments(response)) if data else [response]
    api.keeps = stays_open(response, method)

    async def conversation() -> tuple[Message | None, Message | None]:
        client = await rig.gateway.connects()
        await client.asks("/first", method=method.decode())
        first = await answer_to(client, method)
        other = await rig.gateway.connects()
        await other.asks("/second")
        return first, await answer_to(other, b"GET")

    first, second = rig.run(conversation())

    assert second is not None
    assert (second.content, second.is_whole) == (b"own", True)
    assert first is not None, "there is always an answer"
    assert b"stolen" not in first.content or b"stolen" in response
    if first.start[0] == b"502" and b"proxy-status" in dict(first.fields):
        event("refused")
        return
    event("relayed, whole" if first.is_whole else "relayed, and broken off")
    judges = [read_by(response_by_h11, response, method=method, ends=True)]
    if method == b"GET":
        judges.append(read_by(response_by_llhttp, response, ends=True))
    for judge in filter(None, judges):
        event("judged")
        assert first.start == judge.start
        assert first.is_whole <= judge.is_whole, "what has broken off looks whole"
        if first.is_whole:
            assert first.content == judge.content
