"""Real browsers, and a page on an origin of its own.

Both browsers resolve ``localhost`` and every ``….localhost`` to loopback by themselves, so one small
server stands for as many sites as a test names. A test that takes ``page``, or what is made of it, runs
in both; one that takes ``fresh_page`` is for Chromium, since Playwright can do more.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import playwright.sync_api as playwright
import pytest

from tests.browser.pages import BOTH, CHROMIUM, LONGEST_WAIT, Browser, Page, running_browser
from tests.browser.tabs import Tab, tab_of
from tests.browser.visits import DIRECT, THROUGH, Place, Visit
from tests.peers.chromium import running_chromium
from tests.peers.processes import FlaskApi, Gateway, closed_port, flask_api, gateway
from tests.peers.stream_peers import stream_peer


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
def chromium() -> Iterator[playwright.Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def fresh_page(chromium: playwright.Browser) -> Iterator[playwright.Page]:
    """A page of Chromium without cookies and cache, on no origin yet."""
    with chromium.new_context() as context:
        context.set_default_timeout(LONGEST_WAIT * 1000)
        yield context.new_page()


@pytest.fixture(scope="module", params=BOTH)
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """One browser after the other."""
    if request.param == CHROMIUM:
        # Playwright can run only once at a time.
        yield request.getfixturevalue("chromium")
    else:
        with running_browser(request.param) as other:
            yield other


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page without cookies and cache, on no origin yet."""
    with browser.new_context() as context:
        if isinstance(context, playwright.BrowserContext):
            context.set_default_timeout(LONGEST_WAIT * 1000)
        yield context.new_page()


@pytest.fixture
def tab(page: Page, page_origin: str) -> Tab:
    """A page on the origin that the configuration names."""
    page.goto(page_origin)
    return tab_of(page)


@pytest.fixture
def strange_tab(page: Page, stranger_origin: str) -> Tab:
    """A page on an origin that nobody named."""
    page.goto(stranger_origin)
    return tab_of(page)


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
def visit_name() -> str:
    """Return a name that no other visit has."""
    return f"visit{next(VISIT_NUMBERS)}-"


@pytest.fixture
def visit(
    server: str,
    way: str,
    place_of: Callable[[str], Place],
    page_origin: str,
    page: Page,
    visit_name: str,
) -> Visit:
    """A page that is about to call an API that streams."""
    place = place_of(server)
    own_origin = f"http://localhost:{place.peer.port}"
    page.goto(f"{own_origin}/blank" if way == DIRECT else page_origin)
    return Visit(
        page=page,
        peer=place.peer,
        api=own_origin if way == DIRECT else place.gateway.url_as("localhost"),
        name=visit_name,
    )
