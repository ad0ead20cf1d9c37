"""The demonstration in Firefox: every call comes to the same as in Chromium."""

from collections.abc import Iterator

import pytest

from tests.browser.pages import Page, wait_until
from tests.browser.test_demo_page import STRAIGHT, THROUGH
from tests.demo.demonstration import Demonstration, demonstration
from tests.peers.firefox import running_firefox

pytestmark = pytest.mark.firefox

VERDICTS = """(side) => [...document.querySelectorAll(`[data-side=${side}] .verdict`)]
    .map((element) => element.innerText)"""


@pytest.fixture(scope="module")
def demo() -> Iterator[Demonstration]:
    with demonstration() as running_demo:
        yield running_demo


@pytest.fixture
def page() -> Iterator[Page]:
    with running_firefox() as firefox, firefox.new_context() as context:
        yield context.new_page()


def test_the_same_calls_are_kept_from_the_page_and_the_same_get_through(
    page: Page, demo: Demonstration
) -> None:
    page.goto(demo.page)
    wait_until(
        page,
        "document.querySelector('[role=status]').innerText.includes('calls work straight')",
    )

    assert page.evaluate(VERDICTS, "straight") == STRAIGHT
    assert page.evaluate(VERDICTS, "through") == THROUGH
