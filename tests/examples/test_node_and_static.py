"""An isolated page with an API on Node and files from a static server, and what each file needs.

What the two servers have seen is read from the lines that they print of their own accord.
"""

import json
import re
import time
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.examples.server_log import ServerLog
from tests.examples.stacks import Stack
from tests.examples.visitors import IN_PREFLIGHT, NO_ALLOW_ORIGIN
from tests.peers.processes import Gateway, gateway

pytestmark = [pytest.mark.chromium, pytest.mark.system("node", "npm")]

EXAMPLE = "node-and-static"
FONT = "press-start-2p-latin-400-normal.woff2"
FILES = ["200 /arcade.svg", f"200 /{FONT}"]
"""The static server's answers, whether or not the page then gets them."""

PUT_A_SCORE = """url => fetch(url, {method: "PUT", body: JSON.stringify({score: 9})})
  .then(response => `${response.status}`, error => error.message)"""


class Seen(NamedTuple):
    """What the page says of the static server's files."""

    image: str
    timing: str | re.Pattern[str]
    font: str


NO_FONT = "blocked: A network error occurred."
LOADED = "loaded, 320 × 96"
TIMED = re.compile(r"first byte after \d+\.\d ms")


@pytest.fixture
def api(it: Stack) -> ServerLog:
    return ServerLog(it, "api", r"^([A-Z]+) (/\S*) (\d+)$")


@pytest.fixture
def cdn(it: Stack) -> ServerLog:
    return ServerLog(it, "cdn", r"\] (\d+) .* (/\S+)$")


def open_page(page: Page, it: Stack, api: str, cdn: str) -> None:
    page.goto(f"{it.url('page')}/?{urlencode({'api': api, 'cdn': cdn})}")
    expect(page.locator("#page")).to_have_text("isolated, it has SharedArrayBuffer")


def shows(page: Page, seen: Seen) -> None:
    expect(page.locator("#image")).to_have_text(seen.image)
    expect(page.locator("#timing")).to_have_text(seen.timing)
    expect(page.locator("#font")).to_have_text(seen.font)


def served(cdn: ServerLog) -> list[str]:
    """What it has served: a file that the browser throws away may still be on its way when it does."""
    deadline = time.monotonic() + 30
    files = cdn.news()
    while len(files) < len(FILES) and time.monotonic() < deadline:
        files += cdn.news()
    return sorted(files)


def test_without_the_gateway_all_is_served_and_the_browser_withholds_it(
    it: Stack, fresh_page: Page, console: list[str], api: ServerLog, cdn: ServerLog
) -> None:
    open_page(fresh_page, it, it.url("api"), it.url("cdn"))
    shows(fresh_page, Seen("blocked", "hidden", NO_FONT))
    expect(fresh_page.get_by_role("status")).to_have_text("GET /scores: Failed to fetch")
    assert fresh_page.evaluate(PUT_A_SCORE, f"{it.url('api')}/scores/ada") == "Failed to fetch"

    assert served(cdn) == FILES
    assert api.news() == ["GET /scores 200", "OPTIONS /scores/ada 404"]
    told = "\n".join(console)
    assert "net::ERR_BLOCKED_BY_RESPONSE.NotSameOriginAfterDefaultedToSameOriginByCoep" in told
    blocked = f"from origin '{it.url('page')}' has been blocked by CORS policy"
    assert f"Access to font at '{it.url('cdn')}/{FONT}' {blocked}" in told
    assert f"Access to fetch at '{it.url('api')}/scores' {blocked}" in told
    assert IN_PREFLIGHT + NO_ALLOW_ORIGIN in told


def test_through_the_gateway_the_page_has_all_of_it(
    it: Stack, fresh_page: Page, console: list[str], api: ServerLog, cdn: ServerLog
) -> None:
    open_page(fresh_page, it, it.url("gateway"), f"{it.url('gateway')}/cdn")
    shows(fresh_page, Seen(LOADED, TIMED, "loaded"))
    status = fresh_page.get_by_role("status")
    expect(status).to_have_text("GET /scores: 200, 3 in all")
    fresh_page.get_by_role("button", name="100 more for ada").click()
    expect(status).to_have_text("PUT /scores/ada: 200")
    expect(fresh_page.get_by_role("row", name="ada")).to_contain_text("1915")

    assert served(cdn) == FILES
    # The question whether it may change a score ends at the gateway.
    assert api.news() == ["GET /scores 200", "PUT /scores/ada 200"]
    assert console == []


PAGE = "the page's own origin"
ANY = {"allowOrigins": ["*"]}
OTHER = ["https://other.example"]
EVERYWHERE = {"crossOriginResourcePolicy": "cross-origin"}

POLICIES: dict[str, tuple[object, Seen]] = {
    "no policy": (False, Seen("blocked", "hidden", NO_FONT)),
    "fonts alone": (ANY, Seen("blocked", "hidden", "loaded")),
    "fonts for another page": (
        {"allowOrigins": OTHER, **EVERYWHERE},
        Seen(LOADED, "hidden", NO_FONT),
    ),
    "images everywhere": (ANY | EVERYWHERE, Seen(LOADED, "hidden", "loaded")),
    "images on the same site": (
        {**ANY, "crossOriginResourcePolicy": "same-site"},
        Seen(LOADED, "hidden", "loaded"),
    ),
    "images on the same origin": (
        {**ANY, "crossOriginResourcePolicy": "same-origin"},
        Seen("blocked", "hidden", "loaded"),
    ),
    "timings without images": (
        ANY | {"timingAllowOrigins": ["*"]},
        Seen("blocked", "hidden", "loaded"),
    ),
    "timings for another page": (
        {**ANY, **EVERYWHERE, "timingAllowOrigins": OTHER},
        Seen(LOADED, "hidden", "loaded"),
    ),
    "all of it for this page": (
        {"allowOrigins": [PAGE], **EVERYWHERE, "timingAllowOrigins": [PAGE]},
        Seen(LOADED, TIMED, "loaded"),
    ),
}
"""A policy for the static server's route by what it is for, and what the page then has."""


def _path(name: str) -> str:
    return "/" + name.replace(" ", "-")


@pytest.fixture(scope="module")
def many(it: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that has the same files under each of the policies."""
    routes = "".join(
        f"  - match: {{path: {_path(name)}}}\n"
        f"    upstream: {{url: {it.url('cdn')}, stripPrefix: true}}\n"
        f"    cors: {json.dumps(cors).replace(PAGE, it.url('page'))}\n"
        for name, (cors, _) in POLICIES.items()
    )
    config = f"server: {{listen: 127.0.0.1:0}}\nroutes:\n{routes}"
    with gateway(tmp_path_factory.mktemp("many"), config) as running:
        yield running


@pytest.mark.parametrize("name", POLICIES)
def test_each_key_is_for_one_thing(
    it: Stack, fresh_page: Page, many: Gateway, api: ServerLog, cdn: ServerLog, name: str
) -> None:
    _, expected = POLICIES[name]
    open_page(fresh_page, it, it.url("gateway"), many.url_as("localhost") + _path(name))
    shows(fresh_page, expected)
    expect(fresh_page.get_by_role("status")).to_have_text("GET /scores: 200, 3 in all")

    assert served(cdn) == FILES
    assert api.news() == ["GET /scores 200"]


def test_a_page_of_another_site_is_not_of_the_same_site(
    it: Stack, fresh_page: Page, console: list[str], many: Gateway, cdn: ServerLog
) -> None:
    open_page(fresh_page, it, it.url("gateway"), many.url + _path("images on the same site"))
    shows(fresh_page, Seen("blocked", "hidden", "loaded"))
    assert "net::ERR_BLOCKED_BY_RESPONSE.NotSameSite" in "\n".join(console)
    assert served(cdn) == FILES
