"""The demonstration, started by its command and looked at in Chromium.

``SCREENSHOTS=docs/images`` keeps its pictures there (``make screenshots``).
"""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, Request, ViewportSize, expect

from tests.browser.tabs import ChromiumTab
from tests.demo.demonstration import EXAMPLE, Demonstration, demonstration

pytestmark = pytest.mark.chromium

PATIENCE = 60.0
VISITS = 5
NETWORK_CHANGED = "ERR_NETWORK_CHANGED"
MAX_PICTURE = 300 * 1024
DESKTOP, PHONE = ViewportSize(width=1280, height=1010), ViewportSize(width=390, height=844)

CALLS = [
    "read", "save", "login", "upload", "events", "socket", "broken", "crash", "unnamed",
]  # fmt: skip
KEPT = "Kept from the page"
STRAIGHT = [KEPT] * 5 + ["101 Switching Protocols"] + [KEPT] * 3
THROUGH = [
    "200 OK",
    "200 OK",
    "200 OK",
    "200 OK",
    "Stream received",
    "101 Switching Protocols",
    "500 Internal Server Error, readable",
    "502 Bad Gateway, readable",
    KEPT,
]

CONTRASTS = """() => {
    const parse = (color) => color.match(/[\\d.]+/g).map(Number);
    const light = (color) => {
        const [r, g, b] = parse(color).map((v) => v / 255)
            .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const color = getComputedStyle(at).backgroundColor;
            if (parse(color)[3] !== 0) return color;
        }
        return "rgb(255, 255, 255)";
    };
    return [...document.querySelectorAll("body *")]
        .filter((element) => element.checkVisibility() && !element.disabled
            && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
        .map((element) => {
            const pair = [light(getComputedStyle(element).color), light(ground(element))];
            return [(Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05), element.outerHTML.slice(0, 80)];
        });
}"""


NOTE_STATUS = """() => {
    const status = document.querySelector("[role=status]");
    window.noted = [];
    new MutationObserver(() => noted.push(status.textContent.trim()))
        .observe(status, { childList: true, characterData: true, subtree: true });
}"""
"""However short a time something stands there, it is seen."""


@pytest.fixture(scope="module")
def demo() -> Iterator[Demonstration]:
    with demonstration() as running_demo:
        yield running_demo


@pytest.fixture(scope="module")
def ended(chromium: Browser, demo: Demonstration) -> Iterator[Page]:
    """The page after all calls have ended, to look at."""
    with chromium.new_context() as context:
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        visit(page, demo)
        yield page


def visit(page: Page, demo: Demonstration) -> None:
    """Open the page and wait until all calls have ended.

    Once more if a network of this machine came or went: Chromium drops all requests then.
    """
    for _ in range(VISITS):
        lost: list[str] = []
        page.on("requestfailed", partial(note_loss, lost))
        try:
            page.goto(demo.page)
        except Error as error:
            if NETWORK_CHANGED not in error.message:
                raise
            continue
        wait(page, lost)
        if not lost:
            return
    raise AssertionError("the network of this machine does not keep still")


def note_loss(lost: list[str], request: Request) -> None:
    if NETWORK_CHANGED in (request.failure or ""):
        lost.append(request.url)


def wait(page: Page, lost: Sequence[str] = ()) -> None:
    """Wait until all calls have ended, or one of them was lost."""
    summary = page.get_by_role("status")
    deadline = monotonic() + PATIENCE
    while not lost and "calls work straight" not in summary.inner_text():
        assert monotonic() < deadline, page.inner_text("main")
        page.wait_for_timeout(50)


def card(page: Page, name: str) -> Any:
    return page.locator(f"[data-call={name}]")


def saw(page: Page, name: str, side: str) -> str:
    """Return what the page shows of a call's content."""
    return str(card(page, name).locator(f"[data-side={side}] .saw").inner_text())


def verdicts(page: Page, side: str) -> list[str]:
    return page.locator(f"[data-side={side}] .verdict").all_inner_texts()


def test_straight_next_to_nothing_and_through_the_gateway_what_the_policy_allows(
    fresh_page: Page, demo: Demonstration
) -> None:
    errors: list[str] = []
    fresh_page.on("pageerror", lambda error: errors.append(str(error)))
    fresh_page.on(
        "console",
        lambda said: errors.append(said.text) if "Content Security" in said.text else None,
    )

    visit(fresh_page, demo)

    assert verdicts(fresh_page, "straight") == STRAIGHT
    assert verdicts(fresh_page, "through") == THROUGH
    assert fresh_page.get_by_role("status").inner_text() == (
        "1 of 9 calls work straight, 8 of 9 through the gateway."
    )
    assert errors == []


def test_a_configuration_that_somebody_names_shows_the_same(fresh_page: Page) -> None:
    with demonstration("-c", str(EXAMPLE)) as demo:
        visit(fresh_page, demo)

    assert verdicts(fresh_page, "straight") == STRAIGHT
    assert verdicts(fresh_page, "through") == THROUGH


@pytest.mark.parametrize(
    "name, content",
    [
        ("read", "x-total-count: 2"),
        ("save", '"item": "black tea"'),
        ("login", '{"user": "ada"}'),
        ("upload", '"length": 8388608'),
        ("events", "parcel 5 has left"),
        ("socket", "← Is anybody there?"),
        ("broken", "the database is locked"),
        ("crash", "application/problem+json"),
        ("unnamed", "TypeError: Failed to fetch"),
    ],
)
def test_what_came_through_is_the_content(ended: Page, name: str, content: str) -> None:
    assert content in saw(ended, name, "through")
    assert ("←" if name == "socket" else "rror") in saw(ended, name, "straight")


def cors_errors(tab: ChromiumTab) -> list[str]:
    """Give the errors of calls that the browser has told of, but for those of their preflights."""
    return [
        failure["corsErrorStatus"]["corsError"]
        for failure in tab.failures
        if "corsErrorStatus" in failure and failure["type"] != "Preflight"
    ]


def test_the_reasons_are_those_of_the_browser(fresh_page: Page, demo: Demonstration) -> None:
    visit(fresh_page, demo)
    tab = ChromiumTab(fresh_page)
    told, shown = {}, {}

    for name in CALLS:
        tab.failures.clear()
        again = card(fresh_page, name).get_by_role("button")
        again.click()
        expect(again).to_be_enabled(timeout=PATIENCE * 1000)
        shown[name] = card(fresh_page, name).locator(".reason code").all_inner_texts()
        # The browser tells of a failure a moment after the page has learnt of it.
        deadline = monotonic() + PATIENCE
        while len(cors_errors(tab)) < len(shown[name]):
            assert monotonic() < deadline, tab.failures
            fresh_page.wait_for_timeout(50)
        told[name] = cors_errors(tab)

    assert told == shown
    assert shown["read"] == ["MissingAllowOriginHeader"]
    assert shown["save"] == ["PreflightMissingAllowOriginHeader"]
    assert shown["socket"] == shown["crash"] == []
    assert shown["unnamed"] == [
        "PreflightMissingAllowOriginHeader",
        "HeaderDisallowedByPreflightResponse",
    ]


def test_a_refusal_comes_with_the_line_that_would_change_it(ended: Page) -> None:
    unnamed = card(ended, "unnamed")
    assert "To allow it: add X-Api-Version at" in unnamed.locator(".remedy").inner_text()
    assert "allowHeaders: [Content-Type, Authorization]" in unnamed.locator(".change").inner_text()
    assert card(ended, "read").locator(".marked code").all_inner_texts() == [
        '    allowOrigins: ["${DEMO_PAGE_ORIGIN}"]',
        "    exposeHeaders: [X-Total-Count]",
    ]


def test_a_gateway_that_explains_nothing_is_said_plainly(
    fresh_page: Page, demo: Demonstration
) -> None:
    def respond(route: Any) -> None:
        reason = route.fetch().json()
        route.fulfill(json={**reason, "through": {"problem": "nobody is there"}})

    fresh_page.route("**/reasons/*", respond)

    visit(fresh_page, demo)

    notices = fresh_page.locator(".why .notice").all_inner_texts()
    assert notices == ["The gateway cannot be asked why: nobody is there."] * len(CALLS)


def test_a_demonstration_that_has_ended_is_said_plainly(
    fresh_page: Page, demo: Demonstration
) -> None:
    fresh_page.route("**/demo.json", lambda route: route.abort())

    fresh_page.goto(demo.page)

    notice = fresh_page.locator("#calls .notice")
    expect(notice).to_contain_text("Start it again", timeout=PATIENCE * 1000)


def test_all_calls_can_be_made_again(fresh_page: Page, demo: Demonstration) -> None:
    visit(fresh_page, demo)

    fresh_page.evaluate(NOTE_STATUS)
    fresh_page.get_by_role("button", name="Run all again").click()
    fresh_page.wait_for_function("noted.includes('Calling…')")
    wait(fresh_page)

    assert verdicts(fresh_page, "through") == THROUGH


def test_the_theme_is_the_systems_until_somebody_chooses(
    fresh_page: Page, demo: Demonstration
) -> None:
    def ground() -> str:
        return str(fresh_page.evaluate("getComputedStyle(document.body).backgroundColor"))

    fresh_page.emulate_media(color_scheme="light")
    fresh_page.goto(demo.page)
    light = ground()
    fresh_page.emulate_media(color_scheme="dark")
    dark = ground()
    fresh_page.get_by_role("button", name="Light theme").click()
    chosen = ground()
    fresh_page.reload()

    assert light != dark
    assert chosen == ground() == light


def test_everything_can_be_reached_and_named(fresh_page: Page, demo: Demonstration) -> None:
    visit(fresh_page, demo)

    fresh_page.keyboard.press("Tab")
    assert fresh_page.evaluate("document.activeElement.textContent") == "Skip to the calls"
    names = [
        button.get_attribute("aria-label") or button.inner_text()
        for button in fresh_page.get_by_role("button").all()
    ]
    assert len(set(names)) == len(names) == 2 + len(CALLS)
    headings = fresh_page.locator("h1, h2, h3, h4").evaluate_all(
        "all => all.map(h => +h.tagName[1])"
    )
    assert all(after - before <= 1 for before, after in pairwise(headings))


@pytest.mark.parametrize(
    "picture, size, scheme",
    [
        pytest.param("demo-light", DESKTOP, "light", id="desktop, light"),
        pytest.param("demo-dark", DESKTOP, "dark", id="desktop, dark"),
        pytest.param("demo-phone", PHONE, "dark", id="phone, dark"),
        pytest.param("", PHONE, "light", id="phone, light"),
    ],
)
def test_it_is_legible_fits_and_keeps_still(
    chromium: Browser, demo: Demonstration, picture: str, size: ViewportSize, scheme: Any
) -> None:
    with chromium.new_context(viewport=size, color_scheme=scheme) as context:
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.add_init_script(
            """window.shifts = 0;
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) window.shifts += entry.value;
            }).observe({type: "layout-shift", buffered: true});"""
        )
        visit(page, demo)

        contrasts = page.evaluate(CONTRASTS)
        assert len(contrasts) > 200
        assert [entry for entry in contrasts if entry[0] < 4.5] == []
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        assert page.evaluate("window.shifts") < 0.05
        if picture:
            shot = page.screenshot()
            assert len(shot) < MAX_PICTURE
            if directory := os.environ.get("SCREENSHOTS"):
                Path(directory, f"{picture}.png").write_bytes(shot)
