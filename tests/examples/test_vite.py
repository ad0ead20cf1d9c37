"""A page on Vite's development server: its API through the gateway, and then all of it.

The development server is the real one, and so is what changes: a file of the page's source. What
the application has seen is read from werkzeug's log.
"""

import http.client
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.examples.server_log import ServerLog
from tests.examples.stacks import Stack
from tests.examples.visitors import IN_PREFLIGHT, NO_ALLOW_ORIGIN
from tests.peers.processes import gateway

pytestmark = [pytest.mark.chromium, pytest.mark.system("node", "npm")]

EXAMPLE = "vite"

OPEN_WEB_SOCKET = """url => new Promise(resolve => {
  const socket = new WebSocket(url, "vite-ping")
  socket.onopen = () => resolve("open")
  socket.onerror = () => resolve("refused")
})"""


@pytest.fixture
def sockets(fresh_page: Page) -> list[WebSocket]:
    """The WebSockets that the page has opened."""
    opened: list[WebSocket] = []

    def note(socket: WebSocket) -> None:
        opened.append(socket)

    fresh_page.on("websocket", note)
    return opened


def says(page: Page, text: str) -> None:
    expect(page.get_by_role("status")).to_have_text(text)


def add(page: Page, text: str) -> None:
    page.get_by_label("Another task").fill(text)
    page.get_by_role("button", name="Add").click()


def open_whole(page: Page, it: Stack) -> None:
    """Open the page under the gateway's address, and wait until it hears of changes."""
    with page.expect_console_message(lambda message: message.text == "[vite] connected."):
        page.goto(it.url("gateway"))
    says(page, "GET /tasks: 200")


def test_without_the_gateway_the_page_is_shown_nothing(
    it: Stack, fresh_page: Page, console: list[str], log: ServerLog
) -> None:
    fresh_page.goto(f"{it.url('page')}/?api={it.url('api')}")
    says(fresh_page, "GET /tasks: Failed to fetch")
    add(fresh_page, "Never arrives")
    says(fresh_page, "POST /tasks: Failed to fetch")

    assert log.news() == ["GET /tasks 200", "OPTIONS /tasks 200"]
    read, asked = [line for line in console if "blocked by CORS policy" in line]
    assert f"{it.url('api')}/tasks' from origin '{it.url('page')}'" in read
    assert NO_ALLOW_ORIGIN in read
    assert IN_PREFLIGHT + NO_ALLOW_ORIGIN in asked


def test_the_page_on_its_own_port_calls_the_api_through_the_gateway(
    it: Stack, fresh_page: Page, log: ServerLog
) -> None:
    fresh_page.goto(f"{it.url('page')}/?api={it.url('gateway')}/api")
    says(fresh_page, "GET /tasks: 200")
    add(fresh_page, "Sweep the stairs")
    expect(fresh_page.get_by_role("listitem").last).to_have_text("Sweep the stairs")
    with fresh_page.expect_response(lambda response: response.request.method == "PUT"):
        fresh_page.get_by_label("Sweep the stairs").check()
    says(fresh_page, "PUT /tasks/3: 200")

    # The prefix is cut off, and the browser's questions end at the gateway.
    assert log.news() == ["GET /tasks 200", "POST /tasks 201", "GET /tasks 200", "PUT /tasks/3 200"]


def test_the_gateway_takes_the_place_of_vites_own_proxy(
    it: Stack, fresh_page: Page, log: ServerLog
) -> None:
    open_whole(fresh_page, it)
    expect(fresh_page.locator("#api")).to_have_text(f"{it.url('gateway')}/api")
    with fresh_page.expect_response(lambda response: response.request.method == "PUT"):
        fresh_page.get_by_label("Read the mail").check()
    says(fresh_page, "PUT /tasks/2: 200")

    assert log.news() == ["GET /tasks 200", "PUT /tasks/2 200"]


def test_a_changed_file_is_replaced_in_the_page_and_nothing_is_lost(
    it: Stack, fresh_page: Page, sockets: list[WebSocket]
) -> None:
    open_whole(fresh_page, it)
    title = fresh_page.get_by_role("heading")
    draft = fresh_page.get_by_label("Another task")
    expect(title).to_have_text("To do")
    draft.fill("half a thought")

    source = it.folder / "src"
    (source / "title.js").write_text('export const title = "Today";\n', "utf-8")
    expect(title).to_have_text("Today")
    with (source / "style.css").open("a", encoding="utf-8") as style:
        style.write("h1 { color: rgb(1, 2, 3); }\n")
    expect(title).to_have_css("color", "rgb(1, 2, 3)")

    expect(draft).to_have_value("half a thought")
    (socket,) = sockets
    assert socket.url.startswith(f"{it.url('gateway').replace('http', 'ws')}/?token=")


def test_a_file_that_cannot_be_replaced_reloads_the_page(it: Stack, fresh_page: Page) -> None:
    open_whole(fresh_page, it)
    page_file = it.folder / "index.html"
    changed = page_file.read_text("utf-8").replace("<title>To do", "<title>Changed")
    with fresh_page.expect_event("load"):
        page_file.write_text(changed, "utf-8")
    expect(fresh_page).to_have_title("Changed")
    says(fresh_page, "GET /tasks: 200")


def test_a_strangers_page_neither_reads_nor_watches(
    it: Stack, fresh_page: Page, console: list[str], log: ServerLog
) -> None:
    # Not a name of the list: the browser takes it for another origin on another site.
    fresh_page.goto(f"{it.url('page', 'stranger.localhost')}/?api={it.url('gateway')}/api")
    says(fresh_page, "GET /tasks: Failed to fetch")
    watched = it.url("gateway").replace("http", "ws")
    assert fresh_page.evaluate(OPEN_WEB_SOCKET, watched) == "refused"
    assert any(f"'{watched}/' failed" in line and "403" in line for line in console), console
    # The same handshake is Vite's to grant, and Vite does grant it.
    vites_own = it.url("page").replace("http", "ws")
    assert fresh_page.evaluate(OPEN_WEB_SOCKET, vites_own) == "open"
    add(fresh_page, "Buy my wares")
    says(fresh_page, "POST /tasks: Failed to fetch")

    assert log.news() == ["GET /tasks 200"]


@pytest.mark.parametrize(
    "upstream, status",
    [
        pytest.param("{{url: {url}}}", 403, id="a name that Vite does not know is refused by it"),
        pytest.param("{{url: {url}, host: upstream}}", 200, id="unless it is called by its own"),
    ],
)
def test_a_name_of_ones_own(it: Stack, tmp_path: Path, upstream: str, status: int) -> None:
    route = f"{{match: {{path: /}}, upstream: {upstream.format(url=it.url('page'))}, cors: false}}"
    config = f"server: {{listen: 127.0.0.1:0}}\nroutes: [{route}]\n"
    with gateway(tmp_path, config) as named:
        connection = http.client.HTTPConnection("127.0.0.1", named.port, timeout=60)
        connection.request("GET", "/", headers={"Host": f"app.test:{named.port}"})
        response = connection.getresponse()
        content = response.read().decode()
        connection.close()
    assert response.status == status
    assert ("server.allowedHosts" in content) is (status == 403)
