"""A real Chromium and a page on an origin of its own.

Chromium resolves ``localhost`` and every ``….localhost`` to loopback by itself, so one small server
stands for as many sites as a test names. Playwright runs only as long as a module's tests: its
synchronous form keeps an event loop in this thread, which other modules' tests need for themselves.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.tabs import Tab
from tests.browser.visits import DIRECT, THROUGH, Place, Visit
from tests.peers.processes import FlaskApi, Gateway, closed_port, flask_api, gateway
from tests.peers.stream_peers import stream_peer

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class _BlankPage(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        content = b"<!doctype html><title>a page</title><link rel=icon href=data:,>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def page_port() -> Iterator[int]:
    """The port of a server of blank pages; its host name makes the origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _BlankPage) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def page_origin(page_port: int) -> str:
    """The origin that the gateway's configuration names."""
    return f"http://localhost:{page_port}"


@pytest.fixture(scope="session")
def stranger_origin(page_port: int) -> str:
    """An origin that nobody named."""
    return f"http://stranger.localhost:{page_port}"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture
def fresh_page(chromium: Browser) -> Iterator[Page]:
    """A page of a browser without cookies and cache, on no origin yet."""
    with chromium.new_context() as context:
        yield context.new_page()


@pytest.fixture
def tab(fresh_page: Page, page_origin: str) -> Tab:
    """A page on the origin that the configuration names."""
    fresh_page.goto(page_origin)
    return Tab.of(fresh_page)


@pytest.fixture
def strange_tab(fresh_page: Page, stranger_origin: str) -> Tab:
    """A page on an origin that nobody named."""
    fresh_page.goto(stranger_origin)
    return Tab.of(fresh_page)


@pytest.fixture(scope="module")
def served_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskApi]:
    with flask_api(tmp_path_factory.mktemp("flask")) as api:
        yield api


@pytest.fixture
def legacy_api(served_api: FlaskApi) -> FlaskApi:
    """The Flask application, which has seen nothing yet of this test."""
    served_api.forget()
    return served_api


@pytest.fixture(scope="module")
def guarded(
    served_api: FlaskApi, page_origin: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """The gateway in front of the Flask application, for pages of one origin."""
    with closed_port() as dead_port:
        config = f"""\
server: {{listen: "127.0.0.1:0"}}
corsPolicies:
  spa:
    allowOrigins: ["{page_origin}"]
    allowMethods: [GET, PUT, POST]
    allowHeaders: [Content-Type, Authorization]
    exposeHeaders: [X-Total-Count]
    allowCredentials: true
defaults: {{cors: spa}}
routes:
  - name: api
    match: {{path: /api}}
    upstream: {{url: "{served_api.url}", stripPrefix: true}}
  - name: plain
    match: {{path: /plain}}
    upstream: {{url: "{served_api.url}", stripPrefix: true}}
    cors: {{allowOrigins: ["{page_origin}"], allowMethods: [GET, PUT]}}
  - name: public
    match: {{path: /public}}
    upstream: {{url: "{served_api.url}", stripPrefix: true}}
    cors: {{allowOrigins: ["*"], allowMethods: [GET, PUT]}}
  - name: dead
    match: {{path: /dead}}
    upstream: "http://127.0.0.1:{dead_port}"
"""
        with gateway(tmp_path_factory.mktemp("gateway"), config) as running_gateway:
            yield running_gateway


VISIT_NUMBERS = count(1)


@pytest.fixture(scope="session")
def place_of(
    page_origin: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Place]]:
    """Start a server of streams with a gateway in front of it, when it is first asked for."""
    places: dict[str, Place] = {}
    with ExitStack() as running_places:

        def place(server: str) -> Place:
            if server not in places:
                peer = running_places.enter_context(stream_peer(server))
                config = f"""\
server: {{listen: "127.0.0.1:0"}}
corsPolicies:
  spa:
    allowOrigins: ["{page_origin}", "http://localhost:{peer.port}"]
    allowMethods: [GET, PUT, POST]
    allowHeaders: [Content-Type]
    exposeHeaders: [X-Total-Count]
    allowCredentials: true
defaults: {{cors: spa}}
routes:
  - name: streams
    match: {{path: /}}
    upstream: "{peer.url}"
"""
                directory = tmp_path_factory.mktemp("place")
                running_gateway = running_places.enter_context(gateway(directory, config))
                places[server] = Place(peer=peer, gateway=running_gateway)
            return places[server]

        yield place


@pytest.fixture
def server() -> str:
    """Which of ``STREAM_PEERS`` a visit goes to; a test may name another."""
    return "node"


@pytest.fixture
def way() -> str:
    """How a visit reaches the API; ``both_ways`` has a test run twice."""
    return THROUGH


@pytest.fixture
def visit(
    server: str,
    way: str,
    place_of: Callable[[str], Place],
    page_origin: str,
    fresh_page: Page,
) -> Visit:
    """A page that is about to call an API that streams."""
    place = place_of(server)
    own_origin = f"http://localhost:{place.peer.port}"
    fresh_page.goto(f"{own_origin}/blank" if way == DIRECT else page_origin)
    return Visit(
        page=fresh_page,
        peer=place.peer,
        api=own_origin if way == DIRECT else place.gateway.url_as("localhost"),
        name=f"visit{next(VISIT_NUMBERS)}-",
    )
