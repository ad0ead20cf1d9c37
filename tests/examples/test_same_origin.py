"""A page and its API on one origin: what nginx's ``/api`` trick does, the gateway does as well.

Both serve the same built page in front of the same Flask application, which sets its cookies for
another name and redirects to its own. What a visitor notices is tested with either of them.
"""

import re
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, Response, expect

from tests.examples.nginx_beside import nginx_beside
from tests.examples.server_log import ServerLog
from tests.examples.stacks import EXAMPLES, Stack
from tests.examples.visitors import PATIENCE

pytestmark = [pytest.mark.chromium, pytest.mark.system("nginx", "node", "npm")]

EXAMPLE = "same-origin"
UNREADABLE = "GET /me: the browser shows this page no answer"
SITES = ["gateway", "nginx"]
BROWSERS_ENCODINGS = "gzip, deflate, br, zstd"
UPWARDS = [
    "/../api.py",
    "/%2e%2e/api.py",
    "/..%2fapi.py",
    "/assets/../../api.py",
    "/assets/%2e%2e%2f%2e%2e%2fapi.py",
    "/assets/..%5c..%5capi.py",
    "//../api.py",
    "/.%00/../api.py",
]


class Answer(NamedTuple):
    """What a server says to a program that is no browser."""

    status: int
    fields: dict[str, str]
    """By names in lower case."""
    content: bytes


def ask(site: str, target: str, method: str = "GET", **fields: str) -> Answer:
    host, port = site.removeprefix("http://").split(":")
    connection = HTTPConnection(host, int(port), timeout=PATIENCE / 1000)
    try:
        lines = {name.replace("_", "-"): value for name, value in fields.items()}
        connection.request(method, target, headers=lines)
        response = connection.getresponse()
        received = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, received, response.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def nginx_url(it: Stack) -> Iterator[str]:
    """The example's own nginx.conf, on free ports."""
    text = (it.folder / "nginx.conf").read_text("utf-8")
    for written in ("127.0.0.1:8090", "127.0.0.1:5000", "error_log stderr;"):
        assert text.count(written) == 1

    def write(port: int) -> str:
        here = text.replace("127.0.0.1:8090", f"127.0.0.1:{port}")
        here = here.replace("127.0.0.1:5000", f"127.0.0.1:{it.port('API_PORT')}")
        return here.replace("error_log stderr;", "error_log stderr notice;")

    with nginx_beside(it.folder, write) as port:
        yield f"http://localhost:{port}"


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest, it: Stack, nginx_url: str) -> str:
    """Where the page is: served by the gateway, and by nginx."""
    return nginx_url if request.param == "nginx" else it.url("gateway")


def log_in(page: Page, site: str) -> None:
    page.goto(site)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#user")).to_have_text("ada")
    expect(page.locator("#orders a").first).to_have_text("1")


def script_of(folder: Path) -> str:
    """Return the path of the built page's script."""
    (path,) = (folder / "dist/assets").glob("app.*.js")
    return f"/assets/{path.name}"


def test_it_is_the_application_of_the_other_example() -> None:
    for name in ("api.py", "build.mjs", "page/app.js", "page/index.html", "page/style.css"):
        here, there = EXAMPLES / EXAMPLE / name, EXAMPLES / "flask-angularjs" / name
        assert here.read_bytes() == there.read_bytes(), name


def test_the_page_logs_in_and_stays_logged_in(site: str, fresh_page: Page, log: ServerLog) -> None:
    log_in(fresh_page, site)
    fresh_page.reload()
    expect(fresh_page.locator("#user")).to_have_text("ada")
    expect(fresh_page.locator("#orders a").first).to_have_text("1")

    heard = [line for line in log.news() if not line.endswith(" 308")]
    again = ["GET /me 200", "GET /orders/ 200"]
    assert heard == ["GET /me 401", "POST /login 200", *again, *again]


def test_its_cookie_belongs_to_the_site_and_to_the_path_of_the_api(
    site: str, fresh_page: Page
) -> None:
    log_in(fresh_page, site)

    (cookie,) = fresh_page.context.cookies()
    assert cookie["domain"] == "localhost"
    assert cookie["path"].rstrip("/") == "/api"
    assert (cookie["secure"], cookie["sameSite"], cookie["httpOnly"]) == (True, "Lax", True)


def test_the_api_itself_sets_it_for_another_name(it: Stack) -> None:
    login = '{"user": "ada", "password": "notes on the engine"}'
    connection = HTTPConnection("localhost", it.port("API_PORT"), timeout=PATIENCE / 1000)
    connection.request("POST", "/login", login, {"Content-Type": "application/json"})
    line = connection.getresponse().getheader("Set-Cookie") or ""
    connection.close()

    assert line.endswith("; Domain=api.example.com; Secure; HttpOnly; Path=/; SameSite=None")


def test_no_redirect_leads_the_page_away(site: str, fresh_page: Page, log: ServerLog) -> None:
    log_in(fresh_page, site)
    log.news()
    asked: list[str] = []
    fresh_page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    fresh_page.get_by_label("Item").fill("jam")
    fresh_page.get_by_role("button", name="Order", exact=True).click()
    expect(fresh_page.locator("#order")).to_contain_text("1 × jam")
    number = fresh_page.locator("#orders a").last.inner_text()

    # To the path with a slash, and from the latest order to where that one is.
    assert asked == [
        f"POST {site}/api/orders",
        f"POST {site}/api/orders/",
        f"GET {site}/api/orders",
        f"GET {site}/api/orders/",
        f"GET {site}/api/orders/latest",
        f"GET {site}/api/orders/{number}",
    ]
    assert "GET /orders/latest 302" in log.news()


def test_what_the_api_names_as_the_place_of_an_order_is_there(site: str, fresh_page: Page) -> None:
    log_in(fresh_page, site)
    created, location, found, item = fresh_page.evaluate(
        """async () => {
          const headers = {"Content-Type": "application/json"};
          const body = JSON.stringify({item: "scones", count: 4});
          const created = await fetch("/api/orders/", {method: "POST", headers, body});
          const location = created.headers.get("Location");
          const found = await fetch(location);
          return [created.status, location, found.status, (await found.json()).item];
        }"""
    )

    assert (created, found, item) == (201, 200, "scones")
    # nginx puts its own name in front.
    assert re.fullmatch(r"/api/orders/\d+", location.removeprefix(site))


@pytest.mark.parametrize(
    "target, place",
    [
        ("/api/orders", r"/api/orders/"),
        ("/api/orders?page=2", r"/api/orders/\?page=2"),
        ("/api/orders/latest", r"/api/orders/\d+"),
    ],
)
def test_a_redirect_is_told_without_the_name_of_the_api(
    it: Stack, site: str, target: str, place: str, fresh_page: Page
) -> None:
    log_in(fresh_page, site)
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in fresh_page.context.cookies())
    answer = ask(site, target, cookie=cookie)

    assert answer.status in {302, 308}
    assert re.fullmatch(place, answer.fields["location"].removeprefix(site))
    assert str(it.port("API_PORT")) not in repr(answer.fields)


def refused_without_the_gateway(page: Page, site: str, log: ServerLog) -> None:
    expect(page.get_by_role("status")).to_have_text(UNREADABLE)
    blocked = "blocked by CORS policy"
    assert any(blocked in message.text for message in page.console_messages())
    assert log.news() == ["GET /me 401"]


def orders_and_reloads(page: Page, site: str, log: ServerLog) -> None:
    answers: dict[str, list[str]] = {}

    def note(answer: Response) -> None:
        answers.setdefault(answer.url, []).extend(answer.headers)

    page.on("response", note)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#user")).to_have_text("ada")
    page.get_by_label("Item").fill("jam")
    page.get_by_role("button", name="Order", exact=True).click()
    expect(page.locator("#order")).to_contain_text("1 × jam")
    page.reload()
    expect(page.locator("#user")).to_have_text("ada")
    expect(page.locator("#orders a").last).to_be_visible()

    assert f"{site}/api/orders/latest" in answers
    assert [url for url in answers if not url.startswith(f"{site}/")] == []
    assert "access-control-" not in repr(answers)
    assert [line for line in log.news() if line.startswith("OPTIONS")] == []


def finds_its_way(page: Page, site: str, log: ServerLog) -> None:
    expect(page.get_by_role("status")).to_have_text("GET /me: 401, nobody is logged in")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#order")).to_contain_text("2 × tea")
    assert page.url == f"{site}/orders/1"
    assert log.news()[-1] == "GET /orders/1 200"


def is_no_page(page: Page, site: str, log: ServerLog) -> None:
    assert page.locator("[ng-app]").count() == 0
    assert page.url.startswith(site)
    assert log.news() == []


ROWS: dict[str, tuple[int, Callable[[Page, str, ServerLog], None]]] = {
    "/?api=http://localhost:5000": (200, refused_without_the_gateway),
    "": (200, orders_and_reloads),
    "/orders/1": (200, finds_its_way),
    "/assets/app.0a1b2c3d.js": (404, is_no_page),
}
"""What the README's table says to open: the status, and what is seen there."""


def test_each_row_of_the_readme_is_opened() -> None:
    readme = (EXAMPLES / EXAMPLE / "README.md").read_text("utf-8")
    assert re.findall(r"^\| <http://localhost:8080(\S*)> \|", readme, re.MULTILINE) == [*ROWS]


@pytest.mark.parametrize("row", ROWS)
def test_what_the_readme_says_to_open_looks_as_it_says(
    it: Stack, site: str, row: str, fresh_page: Page, log: ServerLog
) -> None:
    status, looks_as_said = ROWS[row]
    response = fresh_page.goto(site + row.replace("http://localhost:5000", it.url("api")))

    assert response is not None
    assert response.status == status
    looks_as_said(fresh_page, site, log)


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_a_missing_script_is_missing_and_not_the_page(site: str, accept: str) -> None:
    answer = ask(site, "/assets/app.0a1b2c3d.js", accept=accept)

    assert answer.status == 404
    assert b"ng-app" not in answer.content


def opened(page: Page, site: str, path: str) -> tuple[int, str, str]:
    """Open an address; return the status, the type of what is there, and the path arrived at."""
    response = page.goto(site + path)
    assert response is not None
    return response.status, response.headers["content-type"], page.url.removeprefix(site)


def test_a_name_with_a_dot_in_front_is_missing_and_by_nginx_the_page_or_the_file(
    it: Stack, nginx_url: str, fresh_page: Page
) -> None:
    here = it.url("gateway")
    assert opened(fresh_page, here, "/.env")[:2] == (404, "application/problem+json")
    assert opened(fresh_page, nginx_url, "/.env")[:2] == (200, "text/html")

    secret = it.folder / "dist/.env"
    secret.write_text("of nobody's concern", "utf-8")
    assert ask(here, "/.env").status == 404
    assert ask(nginx_url, "/.env").content == secret.read_bytes()
    secret.unlink()


def test_the_path_of_the_api_without_a_slash_is_its_root_and_by_nginx_a_redirect(
    it: Stack, nginx_url: str, fresh_page: Page, log: ServerLog
) -> None:
    assert opened(fresh_page, it.url("gateway"), "/api") == (401, "application/json", "/api")
    assert opened(fresh_page, nginx_url, "/api") == (401, "application/json", "/api/")
    assert log.news() == ["GET / 401", "GET / 401"]


def test_a_missing_picture_is_the_page_for_who_opens_it_and_by_nginx_for_everybody(
    it: Stack, nginx_url: str, fresh_page: Page
) -> None:
    found: list[list[int]] = []
    for site in (it.url("gateway"), nginx_url):
        status, kind, _ = opened(fresh_page, site, "/picture.png")
        assert (status, kind.partition(";")[0]) == (200, "text/html")
        with fresh_page.expect_response("**/picture.png") as received:
            fresh_page.evaluate("() => { new Image().src = '/picture.png' }")
        program = ask(site, "/picture.png", accept="*/*")
        found.append([received.value.status, program.status])

    assert found == [[404, 404], [200, 200]]


@pytest.mark.parametrize(
    "stem, kind",
    [
        ("index.html", "text/html"),
        ("favicon.svg", "image/svg+xml"),
        ("assets/app.*.js", "text/javascript application/javascript"),
        ("assets/style.*.css", "text/css"),
    ],
)
def test_each_file_has_its_type(it: Stack, site: str, stem: str, kind: str) -> None:
    (path,) = (it.folder / "dist").glob(stem)
    answer = ask(site, f"/{path.relative_to(it.folder / 'dist')}")

    assert answer.status == 200
    assert answer.fields["content-type"].partition(";")[0] in kind.split()
    assert answer.content == path.read_bytes()


def test_the_page_is_asked_for_again_each_time(site: str) -> None:
    assert ask(site, "/").fields["cache-control"] == "no-cache"
    assert ask(site, "/orders/1", accept="text/html").fields["cache-control"] == "no-cache"


def test_what_a_browser_has_already_is_not_sent_again(it: Stack, site: str) -> None:
    script = script_of(it.folder)
    first = ask(site, script)

    assert ask(site, script, if_none_match=first.fields["etag"])[::2] == (304, b"")
    assert ask(site, script, if_none_match='"another"').status == 200
    assert ask(site, script, if_modified_since=first.fields["last-modified"]).status == 304


def test_a_part_of_a_file_is_sent(it: Stack, site: str) -> None:
    script = script_of(it.folder)
    whole = ask(site, script)
    part = ask(site, script, range="bytes=10-19")

    assert (part.status, part.content) == (206, whole.content[10:20])
    assert part.fields["content-range"] == f"bytes 10-19/{len(whole.content)}"
    assert ask(site, script, range="bytes=9999999-").status == 416
    same = ask(site, script, range="bytes=0-4", if_range=whole.fields["etag"])
    other = ask(site, script, range="bytes=0-4", if_range='"another"')
    assert (same.status, other.status) == (206, 200)


def test_a_head_request_gets_the_head_alone(it: Stack, site: str) -> None:
    script = script_of(it.folder)
    answer = ask(site, script, "HEAD")

    assert (answer.status, answer.content) == (200, b"")
    assert answer.fields["content-length"] == ask(site, script).fields["content-length"]


def test_the_compressed_variant_is_sent_to_who_takes_it(it: Stack, site: str) -> None:
    script = script_of(it.folder)
    compressed = ask(site, script, accept_encoding="gzip")
    plain = ask(site, script)

    assert compressed.fields["content-encoding"] == "gzip"
    assert compressed.content == (it.folder / f"dist{script}.gz").read_bytes()
    assert compressed.fields["content-type"] == plain.fields["content-type"]
    assert "content-encoding" not in plain.fields
    assert plain.fields["vary"] == compressed.fields["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("target", UPWARDS)
def test_nothing_outside_the_folder_is_served(site: str, target: str) -> None:
    assert b"Flask" not in ask(site, target).content
