"""An API that answers before it has read the request: the answer arrives, the upload stops.

What the API has not read of the request would stand in front of the next, so its connection is
never used again; and a client that goes on sending is let go once it can have read the answer.
"""

import pytest

from tests.wire.conversation import ask_through, assert_next_is_served
from tests.wire.gateways import APP, Gateway
from tests.wire.raw_peer import End, RawPeer
from tests.wire.scripted_upstream import ScriptedUpstream

ANSWERS = [
    pytest.param(b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmuch", b"much", id="413"),
    pytest.param(
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nConnection: keep-alive\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nwho\r\n1\r\n?\r\n0\r\n\r\n",
        b"who?",
        id="401",
    ),
    pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", b"", id="204"),
    pytest.param(b"HTTP/1.1 307 Elsewhere\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", b"", id="307"),
]  # fmt: skip
FRAMINGS = [
    pytest.param("Content-Length: 1000000", b"x" * 1000, id="counted"),
    pytest.param("Transfer-Encoding: chunked", b"3e8\r\n" + b"x" * 1000 + b"\r\n", id="chunked"),
]


def ends(peer: RawPeer, how: str) -> None:
    if how == "closes":
        peer.closes()
    elif how == "resets":
        peer.resets()


@pytest.mark.row("B26")
@pytest.mark.row("B27")
@pytest.mark.parametrize("how", ["keeps", "closes", "resets"])
@pytest.mark.parametrize("framing, piece", FRAMINGS)
@pytest.mark.parametrize("answer, content", ANSWERS)
async def test_the_answer_arrives_and_the_upload_stops(
    gateway: Gateway,
    api: ScriptedUpstream,
    answer: bytes,
    content: bytes,
    framing: str,
    piece: bytes,
    how: str,
) -> None:
    client, peer = await ask_through(gateway, api, framing, f"Origin: {APP}", method="POST")
    await client.sends(piece)
    await peer.sees(piece)
    await peer.sends(answer)
    ends(peer, how)
    response = await client.gets()
    assert response.head.startswith(answer.partition(b"\r\n")[0])
    assert (response.content, response.closes) == (content, True)
    assert response.value("Access-Control-Allow-Origin") == APP.encode()
    if how == "keeps":
        await client.sends(piece)
        await peer.sees_end(End.RESET)
    await client.sends(piece * 200)
    await client.sees_end(End.CLOSED)
    record = await gateway.record()
    assert (record.status, record.problem) == (response.status, "")
    await assert_next_is_served(gateway, api)


@pytest.mark.row("B26")
async def test_the_smuggled_rest_of_an_upload_is_no_request(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    client, peer = await ask_through(gateway, api, "Content-Length: 1000", method="POST")
    await peer.sends(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    assert (await client.gets()).status == 413
    await client.sends(b"GET /admin HTTP/1.1\r\nHost: gw.example\r\n\r\n")
    await client.sees_end(End.CLOSED)
    await peer.sees_end(End.RESET)
    await api.accepts_nobody()


@pytest.mark.row("B26")
async def test_after_an_early_answer_no_connection_is_used_again(
    gateway: Gateway, api: ScriptedUpstream
) -> None:
    """Both messages are whole in the end; but an API that answers early may never read the rest,
    and take it for the next request."""
    client, peer = await ask_through(gateway, api, "Content-Length: 6", method="PUT")
    await client.sends(b"abc")
    await peer.sees(b"abc")
    await peer.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
    assert b"\r\nConnection: close\r\n" in await client.sees_head()
    await client.sees(b"o")
    await client.sends(b"def")
    await peer.sees(b"def")
    await peer.sends(b"k")
    await client.sees(b"k")
    await client.sees_end(End.CLOSED)
    await peer.sees_end(End.CLOSED)
    await assert_next_is_served(gateway, api)


@pytest.mark.row("B15")
@pytest.mark.parametrize("how", ["closes", "resets"])
async def test_an_early_answer_that_breaks_off_breaks_off(
    gateway: Gateway, api: ScriptedUpstream, how: str
) -> None:
    client, peer = await ask_through(gateway, api, "Content-Length: 6", method="PUT")
    await peer.sends(b"HTTP/1.1 413 Too Large\r\nContent-Length: 10\r\n\r\nabc")
    await client.sees_head()
    await client.sees(b"abc")
    ends(peer, how)
    await client.sees_end()
    assert (await gateway.record()).problem == "response-incomplete"
    await assert_next_is_served(gateway, api)


@pytest.mark.row("B7")
@pytest.mark.parametrize("how", ["closes", "resets"])
async def test_an_api_that_leaves_without_an_answer_is_a_502(
    gateway: Gateway, api: ScriptedUpstream, how: str
) -> None:
    client, peer = await ask_through(gateway, api, "Content-Length: 6", method="PUT")
    await client.sends(b"abc")
    await peer.sees(b"abc")
    ends(peer, how)
    response = await client.gets()
    assert (response.status, response.closes) == (502, True)
    await client.sends(b"def")
    await client.sees_end(End.CLOSED)
    await assert_next_is_served(gateway, api)
