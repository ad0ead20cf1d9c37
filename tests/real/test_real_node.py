"""Node behind the gateway: interim responses, trailers, aborts on both sides, early refusals."""

import contextlib
import hashlib
import select
import socket
from time import sleep

import pytest

from tests.peers.processes import Gateway
from tests.real.caller import BrokenOff, Caller, ask, ask_both, calling
from tests.real.conftest import GatewayTo

pytestmark = pytest.mark.system("node")

KEEP_ALIVE = 5.0
"""Seconds after which Node closes an idle connection unless it is told otherwise."""
MEBIBYTE = 1024 * 1024
UPLOAD = 96 * MEBIBYTE
REFUSALS = 20
PIECE = hashlib.shake_256(b"upload").digest(MEBIBYTE)


@pytest.fixture(scope="module")
def behind(node_api: int, gateway_to: GatewayTo) -> Gateway:
    return gateway_to(node_api)


def has_left(node_api: int, name: str) -> bool:
    """Wait until Node has noticed that the client of a request has gone."""
    return ask(node_api, f"/left/{name}").status == 204


def connection_of(caller: Caller) -> int:
    """Ask Node which of its connections carries this client's request."""
    number = caller.asks_and_gets("/connection").json()["connection"]
    assert isinstance(number, int)
    return number


# What Node sends.


def test_trailers_are_dropped_and_reach_nobody_else(node_api: int, behind: Gateway) -> None:
    straight = ask(node_api, "/trailers", "TE: trailers")
    with calling(behind.port) as caller:
        first = caller.asks_and_gets("/trailers", "TE: trailers")
        second = caller.asks_and_gets("/echo")

    assert straight.trailers == (b"X-Sum: 12", b"Set-Cookie: session=somebody")
    assert first.content == straight.content == b"first second"
    assert first.trailers == ()
    assert first.head.values("Set-Cookie") == second.head.values("Set-Cookie") == []


def test_early_hints_and_processing_are_relayed_in_order(node_api: int, behind: Gateway) -> None:
    straight = ask(node_api, "/hints")
    through = ask(behind.port, "/hints")

    assert [head.status for head in through.interim] == [102, 103]
    assert through.interim == straight.interim
    assert through.interim[1].values("Link") == [
        b"</a.css>; rel=preload; as=style, </b.js>; rel=preload"
    ]
    assert through.json() == {"hinted": True}


def test_early_hints_are_kept_from_an_http_1_0_client(behind: Gateway) -> None:
    answer = ask(behind.port, "/hints", version="1.0")

    assert answer.interim == ()
    assert answer.status == 200
    assert answer.json() == {"hinted": True}


@pytest.mark.parametrize(
    "target, status, field",
    [
        pytest.param("/bytes", 200, b"X-Latin: caf\xe9 \xa7", id="bytes that are not ASCII"),
        pytest.param("/large", 200, b"X-Field-59: vvv", id="a large head"),
        pytest.param("/nowhere", 404, b"", id="404"),
    ],
)
def test_an_answer_is_the_same_as_straight_from_node(
    target: str, status: int, field: bytes, node_api: int, behind: Gateway
) -> None:
    answer = ask_both(node_api, behind.port, target)

    assert answer.status == status
    assert any(line.startswith(field) for line in answer.head.lines)


def test_bytes_that_are_not_ascii_reach_node_unchanged(behind: Gateway) -> None:
    fields = ["X-Latin: caf\xe9", "X-Utf-8: " + "日本語".encode().decode("latin-1")]

    seen = [bytes.fromhex(text) for text in ask(behind.port, "/echo", *fields).json()["fields"]]

    assert dict(zip(seen[::2], seen[1::2], strict=True)).items() >= {
        (b"X-Latin", b"caf\xe9"),
        (b"X-Utf-8", "日本語".encode()),
    }


def test_a_head_that_is_too_large_for_node_gets_nodes_own_431(
    node_api: int, behind: Gateway
) -> None:
    lines = [f"X-Field-{number}: {'v' * 1000}" for number in range(20)]

    straight = ask(node_api, "/echo", *lines)
    through = ask(behind.port, "/echo", *lines)

    assert (straight.status, through.status) == (431, 431)
    assert through.content == straight.content


# Connections to Node.


def test_a_connection_to_node_is_used_again(behind: Gateway) -> None:
    with calling(behind.port) as caller:
        numbers = {connection_of(caller) for _ in range(10)}
        keep_alive = caller.asks_and_gets("/connection").head.values("Keep-Alive")

    assert len(numbers) == 1
    assert keep_alive == [], "how long Node waits is between Node and the gateway"


def test_a_request_after_node_has_closed_the_idle_connection(behind: Gateway) -> None:
    with calling(behind.port) as getting, calling(behind.port) as posting:
        connection_of(getting)
        connection_of(posting)
        sleep(KEEP_ALIVE)

        got = getting.asks_and_gets("/echo")
        posted = posting.asks_and_gets("/echo", method="POST", content=b"only once")

    assert (got.status, posted.status) == (200, 200)
    assert posted.json()["length"] == 9


# Streams, and how they end.


def test_a_slow_stream_is_seen_piece_by_piece(node_api: int, behind: Gateway) -> None:
    with calling(behind.port) as caller:
        caller.asks("/streams/slow")
        head, content = caller.sees_begin()
        for number in range(10):
            piece = b"piece %d;" % number
            ask(node_api, "/streams/slow", method="POST", content=piece)
            assert content.read(len(piece)) == piece
        ask(node_api, "/streams/slow", method="POST", content=b"")
        assert content.rest() == b""
        again = caller.asks_and_gets("/connection")

    assert (head.status, content.framing, again.status) == (200, "chunked", 200)


@pytest.mark.parametrize("framing", ["chunked", "counted"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_client_can_tell_that_a_response_broke_off(
    framing: str, version: str, behind: Gateway
) -> None:
    with calling(behind.port) as caller:
        caller.asks(f"/cut/{framing}", version=version)
        _, content = caller.sees_begin()
        assert content.read(13) == b"the beginning"
        with pytest.raises(BrokenOff):
            content.rest()


def test_a_stream_that_breaks_off_later_ends_without_a_last_chunk(
    node_api: int, behind: Gateway
) -> None:
    with calling(behind.port) as caller:
        caller.asks("/streams/cut")
        _, content = caller.sees_begin()
        ask(node_api, "/streams/cut", method="POST", content=b"some")
        assert content.read(4) == b"some"
        ask(node_api, "/streams/cut?break", method="POST", content=b"")
        with pytest.raises(BrokenOff):
            content.rest()


def test_a_connection_that_closes_without_an_answer_is_a_502(behind: Gateway) -> None:
    answer = ask(behind.port, "/hang")

    assert answer.status == 502
    assert answer.value("Access-Control-Allow-Origin") == b"https://app.example.com"


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
@pytest.mark.parametrize("page", ["silence", "streams"], ids=["no answer yet", "a silent stream"])
def test_node_sees_that_the_client_left(
    page: str, reset: bool, node_api: int, behind: Gateway
) -> None:
    name = f"{page}-{reset}"
    with calling(behind.port) as caller:
        caller.asks(f"/{page}/{name}")
        # Interim or final: with it, it is certain that the request has reached Node.
        assert caller.sees_head().status == (102 if page == "silence" else 200)
        caller.leaves(reset=reset)

    assert has_left(node_api, name)


# Content on its way to Node.


def test_an_expectation_is_met_by_one_100_and_then_the_answer(behind: Gateway) -> None:
    with calling(behind.port) as caller:
        caller.asks("/echo", "Expect: 100-continue", "Content-Length: 7", method="POST")
        interim = caller.sees_head()
        caller.sends(b"content")
        answer = caller.gets()

    assert (interim.status, interim.fields) == (100, ())
    assert answer.interim == ()
    assert answer.json()["sha256"] == hashlib.sha256(b"content").hexdigest()
    assert b"expect" not in {bytes.fromhex(text).lower() for text in answer.json()["fields"][::2]}


def test_an_upload_is_held_back_while_node_does_not_read(node_api: int, behind: Gateway) -> None:
    with calling(behind.port) as caller:
        caller.asks("/slow/upload", f"Content-Length: {UPLOAD}", method="PUT")
        held_back = send_while_taken(caller.sock)
        ask(node_api, "/slow/upload", method="POST", content=b"")
        for start in range(held_back, UPLOAD, MEBIBYTE):
            caller.sends(upload_from(start)[: min(MEBIBYTE, UPLOAD - start)])
        answer = caller.gets()

    expected = hashlib.sha256()
    for _ in range(UPLOAD // MEBIBYTE):
        expected.update(PIECE)
    assert held_back < UPLOAD, "all of it lies in buffers"
    assert answer.json() == answer.json() | {"length": UPLOAD, "sha256": expected.hexdigest()}


def upload_from(start: int) -> bytes:
    """Give a mebibyte of the upload, which is one piece over and over."""
    start %= MEBIBYTE
    return PIECE[start:] + PIECE[:start]


def send_while_taken(sock: socket.socket) -> int:
    """Send the upload until nothing has been taken for a while; give how much was."""
    sent = 0
    while sent < UPLOAD and select.select([], [sock], [], 1.0)[1]:
        left = upload_from(sent)[: UPLOAD - sent]
        with contextlib.suppress(BlockingIOError):
            sent += sock.send(left, socket.MSG_DONTWAIT)
    return sent


@pytest.mark.parametrize("framing", ["counted", "chunked"])
def test_node_sees_that_an_upload_was_given_up(
    framing: str, node_api: int, behind: Gateway
) -> None:
    with calling(behind.port) as caller:
        if framing == "counted":
            caller.asks(f"/uploads/{framing}", "Content-Length: 100", method="PUT")
            caller.sends(b"a part")
        else:
            caller.asks(f"/uploads/{framing}", "Transfer-Encoding: chunked", method="PUT")
            caller.sends(b"6\r\na part\r\n")
        assert caller.sees_head().status == 102
        caller.leaves()

    assert has_left(node_api, framing)


def test_a_refusal_is_read_while_the_upload_is_still_on_its_way(behind: Gateway) -> None:
    with calling(behind.port) as caller:
        caller.asks("/refuse", "Content-Length: 1000", method="PUT")
        # Not a byte of content has been sent, and none will be.
        answer = caller.gets()

    assert (answer.status, answer.content) == (413, b"too much")
    assert answer.value("Connection") == b"close"


def test_a_refusal_is_read_although_node_closes_on_the_upload(behind: Gateway) -> None:
    # Node resets the connection: what the gateway sends on meets that before it meets the answer.
    statuses = []
    for _ in range(REFUSALS):
        with calling(behind.port) as caller:
            caller.asks("/refuse", f"Content-Length: {UPLOAD}", method="PUT")
            with contextlib.suppress(ConnectionError):
                send_while_answerless(caller.sock)
            statuses.append(caller.gets().status)

    assert statuses == [413] * REFUSALS


def send_while_answerless(sock: socket.socket) -> None:
    """Send the upload as browsers do: until an answer is there."""
    sent = 0
    while sent < UPLOAD:
        readable, writable, _ = select.select([sock], [sock], [], 30.0)
        if readable:
            return
        if writable:
            with contextlib.suppress(BlockingIOError):
                sent += sock.send(PIECE[: UPLOAD - sent], socket.MSG_DONTWAIT)
