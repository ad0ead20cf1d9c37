"""A Flask API with a session login, and an AngularJS page on another origin that calls it.

The page is the same in every test; which server it calls stands in its own address. What the
application has seen is read from werkzeug's log.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.examples.server_log import ServerLog
from tests.examples.stacks import Stack
from tests.examples.visitors import IN_PREFLIGHT, NO_ALLOW_ORIGIN
from tests.peers.processes import gateway

pytestmark = [pytest.mark.chromium, pytest.mark.system("node", "npm")]

EXAMPLE = "flask-angularjs"
COOKIES = "    cookies: {secure: add, sameSite: None, partitioned: add}\n"
SILENCE = "the browser shows this page no answer"


def open_page(page: Page, it: Stack, api: str, host: str = "localhost") -> None:
    page.goto(f"{it.url('page', host)}/?api={it.url(api)}")


def press_log_in(page: Page) -> None:
    page.get_by_role("button", name="Log in").click()


def log_in(page: Page) -> None:
    """Log in, and wait for all that the page then asks for."""
    press_log_in(page)
    says(page, "GET /orders: 200")
    expect(page.locator("#user")).to_have_text("ada")


def says(page: Page, text: str) -> None:
    expect(page.get_by_role("status")).to_have_text(text)


def test_without_the_gateway_the_browser_shows_the_page_nothing(
    it: Stack, fresh_page: Page, console: list[str], log: ServerLog
) -> None:
    open_page(fresh_page, it, "api")
    says(fresh_page, f"GET /me: {SILENCE}")
    press_log_in(fresh_page)
    says(fresh_page, f"POST /login: {SILENCE}")

    # The first call was sent, and answered; of the second only the question whether it may be.
    assert log.news() == ["GET /me 401", "OPTIONS /login 200"]
    assert fresh_page.context.cookies() == []
    refused = [line for line in console if "blocked by CORS policy" in line]
    assert NO_ALLOW_ORIGIN in refused[0]
    assert IN_PREFLIGHT + NO_ALLOW_ORIGIN in refused[1]


def test_through_the_gateway_it_logs_in_and_stays_logged_in(
    it: Stack, fresh_page: Page, log: ServerLog
) -> None:
    open_page(fresh_page, it, "gateway")
    says(fresh_page, "GET /me: 401, nobody is logged in")
    log_in(fresh_page)
    expect(fresh_page.locator("#user")).to_have_text("ada")
    fresh_page.reload()
    expect(fresh_page.locator("#user")).to_have_text("ada")
    expect(fresh_page.locator("#orders a").first).to_have_text("1")

    # The gateway has answered each preflight itself; and a browser may remember the 308 of /orders.
    heard = [line for line in log.news() if line != "GET /orders 308"]
    again = ["GET /me 200", "GET /orders/ 200"]
    assert heard == ["GET /me 401", "POST /login 200", *again, *again]


@pytest.mark.parametrize("host", ["localhost", "app.localhost"])
def test_its_session_cookie_is_kept_also_where_the_page_is_another_site(
    it: Stack, fresh_page: Page, host: str
) -> None:
    open_page(fresh_page, it, "gateway", host)
    log_in(fresh_page)
    fresh_page.reload()
    expect(fresh_page.locator("#user")).to_have_text("ada")

    (cookie,) = fresh_page.context.cookies()
    assert (cookie["name"], cookie["domain"], cookie["path"]) == ("session", "localhost", "/")
    assert (cookie["secure"], cookie["sameSite"], cookie["httpOnly"]) == (True, "None", True)


def test_without_the_cookies_line_it_is_not_kept_there(
    it: Stack, fresh_page: Page, log: ServerLog, tmp_path: Path
) -> None:
    with gateway(tmp_path, it.configuration({COOKIES: ""})) as plain:
        page = it.url("page", "app.localhost")
        fresh_page.goto(f"{page}/?api={plain.url_as('localhost')}")
        says(fresh_page, "GET /me: 401, nobody is logged in")
        with fresh_page.expect_response("**/me"):
            press_log_in(fresh_page)
        says(fresh_page, "GET /me: 401, nobody is logged in")

    assert log.news() == ["GET /me 401", "POST /login 200", "GET /me 401"]
    assert fresh_page.context.cookies() == []


def test_without_with_credentials_the_cookie_is_not_kept(
    it: Stack, fresh_page: Page, log: ServerLog
) -> None:
    open_page(fresh_page, it, "gateway")
    says(fresh_page, "GET /me: 401, nobody is logged in")
    fresh_page.get_by_role("checkbox").uncheck()
    with fresh_page.expect_response("**/me"):
        press_log_in(fresh_page)

    # The page reads that the login worked, and is a stranger again in the next moment.
    says(fresh_page, "GET /me: 401, nobody is logged in")
    assert log.news() == ["GET /me 401", "POST /login 200", "GET /me 401"]
    assert fresh_page.context.cookies() == []


def test_without_with_credentials_a_cookie_that_is_there_is_not_sent(
    it: Stack, fresh_page: Page, log: ServerLog
) -> None:
    open_page(fresh_page, it, "gateway")
    log_in(fresh_page)
    log.news()
    fresh_page.get_by_role("checkbox").uncheck()
    fresh_page.get_by_role("button", name="Delete order 2").click()

    says(fresh_page, "DELETE /orders/2: 401")
    assert log.news() == ["DELETE /orders/2 401"]


def test_the_page_adds_opens_and_deletes_orders(
    it: Stack, fresh_page: Page, log: ServerLog
) -> None:
    open_page(fresh_page, it, "gateway")
    log_in(fresh_page)
    log.news()

    fresh_page.get_by_label("Item").fill("jam")
    fresh_page.get_by_role("button", name="Order", exact=True).click()
    expect(fresh_page.locator("#order")).to_contain_text("1 × jam")
    number = fresh_page.locator("#orders a").last.inner_text()
    fresh_page.get_by_role("button", name=f"Delete order {number}").click()
    expect(fresh_page.locator("#orders a").last).not_to_have_text(number)

    calls = [line for line in log.news() if not line.startswith("GET /orders")]
    assert calls == ["POST /orders 308", "POST /orders/ 201", f"DELETE /orders/{number} 204"]


def test_logging_out_ends_the_session(it: Stack, fresh_page: Page) -> None:
    open_page(fresh_page, it, "gateway")
    log_in(fresh_page)
    fresh_page.get_by_role("button", name="Log out").click()

    says(fresh_page, "GET /me: 401, nobody is logged in")
    assert fresh_page.context.cookies() == []


def test_a_page_that_nobody_named_is_refused(
    it: Stack, fresh_page: Page, console: list[str], log: ServerLog
) -> None:
    open_page(fresh_page, it, "gateway", host="stranger.localhost")
    says(fresh_page, f"GET /me: {SILENCE}")
    press_log_in(fresh_page)
    says(fresh_page, f"POST /login: {SILENCE}")

    assert log.news() == ["GET /me 401"]
    assert any(NO_ALLOW_ORIGIN in line for line in console)


@pytest.mark.parametrize("words, is_told", [((), True), (("--credentials",), False)])
def test_explain_says_what_the_page_forgot(
    it: Stack, words: tuple[str, ...], *, is_told: bool
) -> None:
    question = ["--origin", it.url("page"), *words, f"{it.url('gateway')}/me"]
    done = subprocess.run(
        [sys.executable, "-m", "cors_gateway", "explain", "-c", "gateway.yaml", *question],
        cwd=it.folder,
        env={**os.environ, **{name: str(port) for name, port in it.ports.items()}},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    note = "withCredentials: true to XMLHttpRequest, $http or axios"
    assert (note in done.stdout) is is_told
