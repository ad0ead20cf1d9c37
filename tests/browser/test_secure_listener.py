"""The gateway with TLS of its own: pages call https and wss, and notice nothing else."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from tests.browser.pages import Browser, Page
from tests.browser.visits import Visit
from tests.peers.processes import gateway
from tests.peers.stream_peers import StreamPeer, stream_peer

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def secure(
    page_origin: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], tuple[StreamPeer, str]]]:
    """Start a server with a TLS gateway in front of it; give the gateway's address."""
    directory = tmp_path_factory.mktemp("tls")
    issued = trustme.CA().issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(str(directory / "both.pem"))
    with ExitStack() as running:

        def start(server: str) -> tuple[StreamPeer, str]:
            peer = running.enter_context(stream_peer(server))
            pem = str(directory / "both.pem")
            settings = {
                "server": {"listen": "127.0.0.1:0", "tls": {"certificate": pem, "key": pem}},
                "defaults": {
                    "cors": {
                        "allowOrigins": [page_origin],
                        "allowMethods": ["PUT"],
                        "allowCredentials": True,
                    }
                },
                "routes": [{"match": {"path": "/"}, "upstream": peer.url}],
            }
            folder: Path = tmp_path_factory.mktemp("gateway")
            port = running.enter_context(gateway(folder, json.dumps(settings))).port
            return peer, f"https://localhost:{port}"

        yield start


@pytest.fixture
def page(browser: Browser, page_origin: str) -> Iterator[Page]:
    """A page on the allowed origin, of a browser that takes any certificate."""
    with browser.new_context(ignore_https_errors=True) as context:
        opened = context.new_page()
        opened.goto(page_origin)
        yield opened


def test_each_event_is_seen_before_the_next_is_written(
    secure: Callable[[str], tuple[StreamPeer, str]], page: Page, visit_name: str
) -> None:
    peer, api = secure("node")
    visit = Visit(page=page, peer=peer, api=api, name=visit_name)
    script = """({url}) => {
        window.seen = [];
        window.events = new EventSource(url, {withCredentials: true});
        events.onmessage = event => seen.push(event.data);
    }"""
    visit.run(script, "stream/*?type=text/event-stream")
    peer.noted("opened", visit.name)
    for number in range(5):
        peer.push(visit.name, f"data: event {number}\n\n")
        visit.wait_until("number => window.seen.length > number", number)
    assert page.evaluate("seen") == [f"event {number}" for number in range(5)]
    page.evaluate("events.close()")
    peer.noted("closed", visit.name)


def test_an_upload_with_a_preflight_arrives_whole(
    secure: Callable[[str], tuple[StreamPeer, str]], page: Page, visit_name: str
) -> None:
    peer, api = secure("node")
    visit = Visit(page=page, peer=peer, api=api, name=visit_name)
    script = """async ({url, size}) => {
        const body = new Blob([new Uint8Array(size)], {type: "application/x-thing"});
        const response = await fetch(url, {method: "PUT", body, credentials: "include"});
        return (await response.json()).length;
    }"""
    assert visit.run(script, "upload/*", size=8 * MIB) == 8 * MIB
    asked = peer.noted("opened", visit.name)
    assert asked["fields"]["x-forwarded-proto"] == "https"


def test_a_web_socket_is_a_tunnel(
    secure: Callable[[str], tuple[StreamPeer, str]], page: Page, visit_name: str
) -> None:
    peer, api = secure("websockets")
    visit = Visit(page=page, peer=peer, api=api, name=visit_name)
    script = """({url}) => new Promise((resolve, reject) => {
        const socket = new WebSocket(url.replace("https:", "wss:"), ["orders.v1"]);
        const text = "☕".repeat(100000);
        socket.onopen = () => socket.send(text);
        socket.onerror = reject;
        socket.onmessage = ({data}) => {
            resolve([data === text, socket.protocol, socket.extensions]);
            socket.close(4001, "enough");
        };
    })"""
    same, protocol, extensions = visit.run(script, "echo/*")
    assert (same, protocol) == (True, "orders.v1")
    assert extensions.startswith("permessage-deflate")
    assert peer.noted("closed", visit.name)["code"] == 4001
