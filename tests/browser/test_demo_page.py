"""The demonstration, started by its command and looked at in Chromium."""

import re
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.peers.processes import running

pytestmark = pytest.mark.chromium

EXAMPLE = Path(__file__).parents[2] / "config" / "gateway.yaml"
PAGE = re.compile(r"(http://localhost:\d+)  open this")


def test_straight_nothing_reaches_the_page_and_through_the_gateway_everything(
    fresh_page: Page,
) -> None:
    argv = [sys.executable, "-m", "cors_gateway.demo", "--config", str(EXAMPLE)]
    errors: list[str] = []
    fresh_page.on("pageerror", lambda error: errors.append(str(error)))

    with running([*argv, "--listen", "127.0.0.1:0"]) as demo:
        fresh_page.goto(demo.wait_for(PAGE)[1])
        expect(fresh_page.get_by_role("status")).to_contain_text("9 of 9 through the gateway")

    straight = fresh_page.locator("[data-side=api] .verdict").all_inner_texts()
    through = fresh_page.locator("[data-side=gateway] .verdict").all_inner_texts()
    assert straight == ["kept from the page"] * 9
    assert through == [
        "200 OK",
        "201 Created",
        "200 OK",
        "200 OK",
        "200 OK",
        "404 Not Found",
        "500 Internal Server Error",
        "200 OK",
        "200 OK",
    ]
    assert errors == []
