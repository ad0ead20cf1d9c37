"""``WebSocket``: what the page and the server say to each other, the gateway does not touch."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.browser.pages import Page, wait_for_message
from tests.browser.visits import THROUGH, Place, Visit, both_ways

MIB = 1024 * 1024

OPEN = """({url, protocols}) => {
    window.told = [];
    window.messages = [];
    window.socket = new WebSocket(url.replace("http:", "ws:"), protocols ?? []);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => told.push(["open"]);
    socket.onerror = () => told.push(["error"]);
    socket.onclose = ({code, reason, wasClean}) => told.push(["close", code, reason, wasClean]);
    socket.onmessage = ({data}) => messages.push(data);
}"""
"""Open a socket; ``told`` are its events other than messages."""

LOST = ["close", 1006, "", False]
"""What a page is told of a connection that ended without a close frame, or that never was."""


@pytest.fixture
def server() -> str:
    return "websockets"


def told(visit: Visit, number: int) -> list[Any]:
    """Wait until the page has been told so many things, and return all it was told."""
    visit.wait_until("number => window.told.length >= number", number)
    return list(visit.page.evaluate("window.told"))


def open_socket(visit: Visit, path: str) -> None:
    visit.run(OPEN, path)
    assert told(visit, 1) == [["open"]]


@both_ways
@pytest.mark.parametrize(
    "offered, chosen",
    [([], ""), (["orders.v1"], "orders.v1"), (["orders.v3", "orders.v2"], "orders.v2")],
    ids=["none is offered", "the only one", "one of two"],
)
def test_the_server_chooses_the_subprotocol(visit: Visit, offered: list[str], chosen: str) -> None:
    visit.run(OPEN, "echo/*", protocols=offered)

    assert told(visit, 1) == [["open"]]
    assert visit.page.evaluate("socket.protocol") == chosen


def test_compression_is_agreed_between_the_page_and_the_server(visit: Visit) -> None:
    """The browser sets no limits on whom a page opens a WebSocket to: here it asks both."""
    script = """async ({url}) => {
        const socket = new WebSocket(url.replace("http:", "ws:"));
        await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
        return socket.extensions;
    }"""

    through = visit.run(script, "echo/*")
    straight = visit.page.evaluate(script, {"url": f"http://localhost:{visit.peer.port}/echo/x"})

    assert through == straight
    assert through.startswith("permessage-deflate")


@both_ways
def test_messages_of_every_size_come_back_as_they_went(visit: Visit) -> None:
    """Random content does not become smaller by compression, the text does."""
    script = """async ({sizes}) => {
        const next = () => new Promise(resolve => { socket.onmessage = e => resolve(e.data); });
        const wrong = [];
        for (const size of sizes) {
            const text = "tea ☕ ".repeat(size / 6 + 1).slice(0, size);
            let answer = next();
            socket.send(text);
            if (await answer !== text) wrong.push(["text", size]);
            const bytes = new Uint8Array(size);
            for (let at = 0; at < size; at += 65536)
                crypto.getRandomValues(bytes.subarray(at, Math.min(size, at + 65536)));
            answer = next();
            socket.send(bytes);
            const back = new Uint8Array(await answer);
            if (back.length !== size || back.some((byte, at) => byte !== bytes[at]))
                wrong.push(["binary", size]);
        }
        return wrong;
    }"""
    open_socket(visit, "echo/*")

    assert visit.run(script, sizes=[0, 1, 125, 126, 65535, 65536, 5 * MIB]) == []


@both_ways
def test_a_thousand_messages_come_back_in_order(visit: Visit) -> None:
    open_socket(visit, "echo/*")

    visit.page.evaluate("() => { for (let n = 0; n < 1000; n += 1) socket.send(`message ${n}`); }")
    visit.wait_until("window.messages.length >= 1000")

    assert visit.page.evaluate("messages") == [f"message {number}" for number in range(1000)]


@both_ways
def test_a_message_that_follows_the_handshake_at_once_is_received(visit: Visit) -> None:
    open_socket(visit, "greet/*")

    visit.wait_until("window.messages.length === 1")

    assert visit.page.evaluate("messages") == ["welcome ☕"]


@both_ways
def test_what_a_server_does_not_read_waits_in_the_page(visit: Visit) -> None:
    """Some of it fits into the kernel's buffers; nobody in between hoards the rest."""
    script = """async ({most}) => {
        const pause = () => new Promise(resolve => setTimeout(resolve, 10));
        let sent = 0;
        while (sent < most && socket.bufferedAmount === 0) {
            socket.send(new Uint8Array(1024 * 1024));
            sent += 1;
            for (let n = 0; n < 50 && socket.bufferedAmount > 0; n += 1) await pause();
        }
        return sent;
    }"""
    open_socket(visit, "hold/*")

    sent = visit.run(script, most=256)
    assert sent < 256
    assert visit.peer.notes("received", visit.name) == []
    visit.peer.release(visit.name)

    visit.wait_until("socket.bufferedAmount === 0")
    visit.peer.noted("received", visit.name, sent)
    assert [note["length"] for note in visit.peer.notes("received", visit.name)] == [MIB] * sent


@both_ways
@pytest.mark.parametrize(
    "code, reason",
    [(1000, ""), (4321, "Kännchen ☕")],
    ids=["nothing to say", "a code of its own"],
)
def test_the_server_learns_why_the_page_closes(visit: Visit, code: int, reason: str) -> None:
    open_socket(visit, "echo/*")

    visit.page.evaluate("([code, reason]) => socket.close(code, reason)", [code, reason])

    closed = visit.peer.noted("closed", visit.name)
    assert (closed["code"], closed["reason"]) == (code, reason)
    assert told(visit, 2)[1:] == [["close", code, reason, True]]


@both_ways
@pytest.mark.parametrize(
    "code, reason",
    [(1012, "restarting"), (4321, "Kännchen ☕")],
    ids=["it restarts", "a code of its own"],
)
def test_the_page_learns_why_the_server_closes(visit: Visit, code: int, reason: str) -> None:
    visit.run(OPEN, f"close/*?code={code}&reason={quote(reason)}")

    assert told(visit, 2) == [["open"], ["close", code, reason, True]]


@both_ways
def test_a_server_that_vanishes_is_told_as_such(visit: Visit) -> None:
    open_socket(visit, "greet/*")
    visit.wait_until("window.messages.length === 1")

    visit.peer.drop(visit.name)

    assert told(visit, 2)[-1] == LOST


def navigate(page: Page) -> None:
    page.goto("about:blank")


def close_the_page(page: Page) -> None:
    page.close()


@both_ways
@pytest.mark.parametrize("leave", [navigate, close_the_page])
def test_the_server_learns_that_the_page_has_gone(
    visit: Visit, leave: Callable[[Page], None]
) -> None:
    open_socket(visit, "echo/*")
    assert visit.peer.notes("closed", visit.name) == []

    leave(visit.page)

    assert visit.peer.noted("closed", visit.name)["code"] in {1001, 1005, 1006}


REFUSED = "Firefox can’t establish a connection to the server at"
"""All that Firefox says, whatever the server answered."""


@both_ways
@pytest.mark.parametrize(
    "status, words",
    [
        (401, "HTTP Authentication failed; no valid credentials available"),
        (404, "Unexpected response code: 404"),
        (500, "Unexpected response code: 500"),
    ],
)
def test_a_server_that_refuses_is_told_as_such(visit: Visit, status: int, words: str) -> None:
    """The page learns next to nothing; Chromium shows its console the server's status."""
    visit.run(OPEN, f"refuse/*?status={status}")

    assert told(visit, 2) == [["error"], LOST]
    visit.peer.noted("asked", visit.name)
    assert len(visit.peer.notes("asked", visit.name)) == 1
    wait_for_message(visit.page, lambda text: words in text or REFUSED in text)


def test_an_origin_that_is_not_allowed_does_not_reach_the_server(
    place_of: Callable[[str], Place], page: Page, visit_name: str, stranger_origin: str
) -> None:
    place = place_of("websockets")
    page.goto(stranger_origin)
    visit = Visit(page, place.peer, place.gateway.url_as("localhost"), visit_name)

    visit.run(OPEN, "echo/*")

    assert told(visit, 2) == [["error"], LOST]
    words = "Unexpected response code: 403"
    wait_for_message(page, lambda text: words in text or REFUSED in text)
    assert visit.peer.notes("asked", visit.name) == []


@pytest.mark.parametrize("way", [THROUGH])
def test_a_page_of_the_apis_own_behind_the_gateway_is_let_through(visit: Visit) -> None:
    """Its origin is the gateway's, which nobody needs to name."""
    visit.page.goto(visit.url("blank"))

    open_socket(visit, "echo/*")

    assert visit.peer.noted("asked", visit.name)["fields"]["origin"] == visit.api


@both_ways
def test_the_handshake_carries_the_cookies_of_the_server(visit: Visit) -> None:
    """A cookie does not tell the ports of a host apart."""
    visit.page.evaluate("() => { document.cookie = 'user=ada'; }")

    open_socket(visit, "echo/*")

    assert visit.peer.noted("asked", visit.name)["fields"]["cookie"] == "user=ada"
