"""The gateway's part of the same-origin example: what each of its lines is for, and behind TLS.

Each variant is the example's own gateway.yaml with a line less or more, in front of the same
application and the same built page.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from playwright.sync_api import Browser, Page, Response, expect

from tests.examples.nginx_beside import nginx_beside
from tests.examples.server_log import ServerLog
from tests.examples.stacks import Stack
from tests.peers.processes import FLASK_LISTENS, Gateway, closed_port, gateway, running

pytestmark = [pytest.mark.chromium, pytest.mark.system("nginx", "node", "npm")]

EXAMPLE = "same-origin"
NOBODY = "GET /me: 401, nobody is logged in"
SERVER = 'server: {listen: "127.0.0.1:${GATEWAY_PORT}"}'
COOKIES = "    cookies: {domain: remove, path: auto, sameSite: Lax}\n"
REDIRECTS = "    redirects: rewrite\n"
UPSTREAM = "http://127.0.0.1:${API_PORT}"

COOKIES_OF_ALL_KINDS = """\
from flask import Flask, Response, request

LINES = [
    "__Host-a=1; Secure; Path=/",
    "__Secure-b=2; Secure; Path=/; Domain=api.example.com; HttpOnly",
    "c=3; Domain=.api.example.com; Colour=blue; SameSite=Strict; Path=/; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
    "d=4; Path=/x",
    "e=5; path=/; Max-Age=3600; domain=api.example.com",
]
app = Flask(__name__)


@app.get("/set")
def set_cookies():
    answer = Response("set")
    for line in LINES:
        answer.headers.add("Set-Cookie", line)
    return answer


@app.get("/<path:path>")
def show(path):
    return dict(request.cookies)
"""
TERMINATOR = """\
daemon off;
error_log stderr notice;
pid .nginx/pid;
events {{}}
http {{
  access_log off;
  client_body_temp_path .nginx/body;
  proxy_temp_path .nginx/proxy;
  fastcgi_temp_path .nginx/fastcgi;
  scgi_temp_path .nginx/scgi;
  uwsgi_temp_path .nginx/uwsgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    location / {{
      proxy_pass http://127.0.0.1:{gateway};
      {lines}
    }}
  }}
}}
"""
WITHOUT_SEC_FETCH_SITE = 'proxy_set_header Sec-Fetch-Site "";'
FORWARDED = f"""\
{WITHOUT_SEC_FETCH_SITE}
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-Host $http_host;
"""


@dataclass(frozen=True)
class Front:
    """What speaks TLS in front of the gateway, and what the gateway is told of it."""

    says: str
    """Lines of nginx's; it sends its own name for the gateway as Host, as it does by itself."""
    told: str = ""
    """Keys of ``server``."""


FRONTS_IT_KNOWS = {
    "publicOrigin": Front(WITHOUT_SEC_FETCH_SITE, ', publicOrigin: "https://localhost:{port}"'),
    "X-Forwarded from a trusted proxy": Front(FORWARDED, ", trustedProxies: [127.0.0.1]"),
    "Sec-Fetch-Site alone": Front(""),
}
FRONTS_IT_CANNOT_KNOW = {
    "no word of it": Front(WITHOUT_SEC_FETCH_SITE),
    "X-Forwarded from anybody": Front(FORWARDED),
}


@contextmanager
def variant(it: Stack, directory: Path, changes: Mapping[str, str]) -> Iterator[Gateway]:
    """Run the example's configuration with changes of its text."""
    text = it.configuration(changes).replace("./dist", str(it.folder / "dist"))
    with gateway(directory, text) as running_gateway:
        yield running_gateway


@contextmanager
def behind(it: Stack, directory: Path, front: Front) -> Iterator[str]:
    """Run nginx with TLS in front of the gateway; gives the site's URL."""
    certificate = trustme.CA().issue_cert("localhost")
    certificate.private_key_pem.write_to_path(directory / "key.pem")
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(directory / "cert.pem", append=True)
    with closed_port() as free:
        inner = free

    def write(port: int) -> str:
        return TERMINATOR.format(port=port, gateway=inner, lines=front.says)

    with nginx_beside(directory, write) as port:
        told = front.told.format(port=port)
        server = f'server: {{listen: "127.0.0.1:{inner}"{told}}}'
        with variant(it, directory, {SERVER: server}):
            yield f"https://localhost:{port}"


@pytest.fixture
def tls_page(chromium: Browser) -> Iterator[Page]:
    """A page of a browser that takes the certificate of a test."""
    with chromium.new_context(ignore_https_errors=True) as context:
        yield context.new_page()


def press_log_in(page: Page, site: str) -> None:
    page.goto(site)
    expect(page.get_by_role("status")).to_have_text(NOBODY)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize("front", FRONTS_IT_KNOWS.values(), ids=FRONTS_IT_KNOWS)
def test_behind_tls_the_pages_own_posts_are_not_refused(
    it: Stack, front: Front, tls_page: Page, log: ServerLog, tmp_path: Path
) -> None:
    with behind(it, tmp_path, front) as site:
        press_log_in(tls_page, site)
        expect(tls_page.locator("#user")).to_have_text("ada")
        tls_page.get_by_label("Item").fill("jam")
        tls_page.get_by_role("button", name="Order", exact=True).click()
        expect(tls_page.locator("#order")).to_contain_text("1 × jam")
        (cookie,) = tls_page.context.cookies()

    posts = [line for line in log.news() if line.startswith("POST")]
    assert posts == ["POST /login 200", "POST /orders 308", "POST /orders/ 201"]
    assert (cookie["domain"], cookie["path"], cookie["secure"]) == ("localhost", "/api", True)


@pytest.mark.parametrize("front", FRONTS_IT_KNOWS.values(), ids=FRONTS_IT_KNOWS)
def test_behind_tls_another_sites_posts_are_refused(
    it: Stack, front: Front, tls_page: Page, log: ServerLog, tmp_path: Path
) -> None:
    with behind(it, tmp_path, front) as site:
        attack(tls_page, site)

    assert log.news() == []


@pytest.mark.parametrize("front", FRONTS_IT_CANNOT_KNOW.values(), ids=FRONTS_IT_CANNOT_KNOW)
def test_a_gateway_that_cannot_know_its_name_takes_the_page_for_a_stranger(
    it: Stack, front: Front, tls_page: Page, log: ServerLog, tmp_path: Path
) -> None:
    with behind(it, tmp_path, front) as site:
        with tls_page.expect_response("**/login") as received:
            press_log_in(tls_page, site)
        expect(tls_page.get_by_role("status")).to_have_text("POST /login: 403")
        why = received.value.header_value("Proxy-Status")

    assert why is not None
    assert "origin-not-allowed" in why

    assert log.news() == ["GET /me 401"]


def attack(page: Page, site: str) -> None:
    """Log somebody out as a form of another site could, from a page there."""
    # The gateway serves it by any name: so it stands for a server of somebody else's, too.
    page.goto(f"{site.replace('localhost', 'evil.localhost')}/favicon.svg")
    url = f"{site}/api/logout"
    with page.expect_response(url) as received:
        page.evaluate("url => fetch(url, {method: 'POST', mode: 'no-cors', body: 'x=1'})", url)
    assert received.value.status == 403


def test_another_sites_post_is_refused(it: Stack, fresh_page: Page, log: ServerLog) -> None:
    attack(fresh_page, it.url("gateway"))

    assert log.news() == []


def test_without_the_cookies_line_the_browser_throws_the_cookie_away(
    it: Stack, fresh_page: Page, log: ServerLog, tmp_path: Path
) -> None:
    with variant(it, tmp_path, {COOKIES: ""}) as plain:
        press_log_in(fresh_page, plain.url_as("localhost"))
        expect(fresh_page.get_by_role("status")).to_have_text(NOBODY)

    assert fresh_page.context.cookies() == []
    assert log.news() == ["GET /me 401", "POST /login 200", "GET /me 401"]


def test_without_the_redirects_line_a_redirect_leads_away(
    it: Stack, fresh_page: Page, console: list[str], log: ServerLog, tmp_path: Path
) -> None:
    with variant(it, tmp_path, {REDIRECTS: ""}) as plain:
        press_log_in(fresh_page, plain.url_as("localhost"))
        silence = "GET /orders: the browser shows this page no answer"
        expect(fresh_page.get_by_role("status")).to_have_text(silence)

    away = f"Access to XMLHttpRequest at 'http://127.0.0.1:{it.port('API_PORT')}/orders/'"
    assert any(away in line and "blocked by CORS policy" in line for line in console)
    heard = ["GET /me 401", "POST /login 200", "GET /me 200", "GET /orders 308"]
    assert log.news() == [*heard, "GET /orders/ 401"]


def test_redirects_of_an_api_that_is_called_by_our_name_stay_here_too(
    it: Stack, fresh_page: Page, log: ServerLog, tmp_path: Path
) -> None:
    with variant(it, tmp_path, {"      host: upstream\n": ""}) as plain:
        press_log_in(fresh_page, plain.url_as("localhost"))
        expect(fresh_page.get_by_role("status")).to_have_text("GET /orders: 200")

    assert log.news()[-2:] == ["GET /orders 308", "GET /orders/ 200"]


def test_without_a_fallback_only_files_can_be_opened(
    it: Stack, fresh_page: Page, log: ServerLog, tmp_path: Path
) -> None:
    with variant(it, tmp_path, {", fallback: index.html": ""}) as plain:
        site = plain.url_as("localhost")
        page = fresh_page.goto(site)
        expect(fresh_page.get_by_role("status")).to_have_text(NOBODY)
        missing = fresh_page.goto(f"{site}/orders/1")

    assert [response and response.status for response in (page, missing)] == [200, 404]
    assert log.news() == ["GET /me 401"]


def test_a_site_without_tls_can_have_its_cookies_without_secure(
    it: Stack, fresh_page: Page, log: ServerLog, tmp_path: Path
) -> None:
    changed = COOKIES.replace("auto,", "auto, secure: remove,")
    with variant(it, tmp_path, {COOKIES: changed}) as plain:
        press_log_in(fresh_page, plain.url_as("localhost"))
        expect(fresh_page.locator("#user")).to_have_text("ada")
        expect(fresh_page.get_by_role("status")).to_have_text("GET /orders: 200")
        (cookie,) = fresh_page.context.cookies()

    assert (cookie["path"], cookie["secure"], cookie["sameSite"]) == ("/api", False, "Lax")
    heard = ["GET /me 401", "POST /login 200", "GET /me 200"]
    assert log.news() == [*heard, "GET /orders 308", "GET /orders/ 200"]


def test_a_browser_keeps_cookies_of_all_kinds_as_they_are_meant(
    it: Stack, fresh_page: Page, tmp_path: Path
) -> None:
    """None of them could be kept as the API sets it but the first."""
    (tmp_path / "cookies.py").write_text(COOKIES_OF_ALL_KINDS, "utf-8")
    argv = [sys.executable, "-m", "flask", "--app", "cookies", "run", "--port", "0"]
    changed = "    cookies: {domain: remove, path: auto, secure: add}\n"
    with running(argv, cwd=tmp_path) as api:
        at = api.wait_for(FLASK_LISTENS)[1]
        with variant(it, tmp_path, {COOKIES: changed, UPSTREAM: at}) as plain:
            site = plain.url_as("localhost")
            fresh_page.goto(f"{site}/api/set")
            kept = {cookie["name"]: cookie for cookie in fresh_page.context.cookies()}
            sent = {
                path: fresh_page.evaluate("path => fetch(path).then((it) => it.json())", path)
                for path in ("/api/y", "/api/x/y")
            }

    places = {name: (cookie["domain"], cookie["path"]) for name, cookie in kept.items()}
    assert places == {
        "__Host-a": ("localhost", "/"),
        "__Secure-b": ("localhost", "/api"),
        "c": ("localhost", "/api"),
        "d": ("localhost", "/api/x"),
        "e": ("localhost", "/api"),
    }
    assert all(cookie["secure"] for cookie in kept.values())
    assert [name for name, cookie in kept.items() if cookie["httpOnly"]] == ["__Secure-b"]
    assert [name for name, cookie in kept.items() if cookie["sameSite"] == "Strict"] == ["c"]
    assert {name for name, cookie in kept.items() if cookie["expires"] > 0} == {"c", "e"}
    values = {"__Host-a": "1", "__Secure-b": "2", "c": "3", "e": "5"}
    assert sent == {"/api/y": values, "/api/x/y": {**values, "d": "4"}}


def test_who_takes_brotli_gets_it(it: Stack, fresh_page: Page) -> None:
    encodings: dict[str, str] = {}

    def note(response: Response) -> None:
        encodings[response.url] = response.headers.get("content-encoding", "")

    fresh_page.on("response", note)
    fresh_page.goto(it.url("gateway"))
    expect(fresh_page.get_by_role("status")).to_have_text(NOBODY)

    (script,) = [url for url in encodings if re.search(r"/assets/app\.\w+\.js$", url)]
    assert encodings[script] == "br"
