"""A page on another origin calls a real Flask application: straight, and through the gateway."""

import json

import pytest

from tests.browser.tabs import Tab
from tests.peers.processes import FlaskApi, Gateway

JSON = {"Content-Type": "application/json"}


def test_without_the_gateway_the_browser_keeps_every_answer_from_the_page(
    tab: Tab, legacy_api: FlaskApi
) -> None:
    """The API does what it is asked for by GET; the page is not let see it."""
    api = f"http://localhost:{legacy_api.port}"

    read = tab.fetch(f"{api}/orders")
    written = tab.fetch(f"{api}/orders/1", method="PUT", headers=JSON, body="{}")

    assert read.reason == tab.reason_for("MissingAllowOriginHeader")
    assert written.reason == tab.reason_for("PreflightMissingAllowOriginHeader")
    assert (read.status, written.status) == (None, None)
    assert (read.error or "").startswith("TypeError: ")
    assert read.error == written.error
    assert legacy_api.lines() == ["GET /orders", "OPTIONS /orders/1"]


def test_a_get_and_a_field_that_is_exposed_reach_the_page(
    tab: Tab, guarded: Gateway, legacy_api: FlaskApi
) -> None:
    answer = tab.fetch(f"http://localhost:{guarded.port}/api/orders?sort=id")

    assert answer.status == 200
    orders = json.loads(answer.text or "")
    assert orders[0]["id"] == 1
    assert (answer.headers or {}).get("x-total-count") == str(len(orders))
    assert legacy_api.lines() == ["GET /orders?sort=id"]


def test_a_put_with_authorization_passes_its_preflight_which_the_api_never_sees(
    tab: Tab, guarded: Gateway, legacy_api: FlaskApi
) -> None:
    answer = tab.fetch(
        f"http://localhost:{guarded.port}/api/orders/1",
        method="PUT",
        headers={**JSON, "Authorization": "Bearer letmein"},
        body='{"item": "coffee", "count": 1}',
    )

    assert answer.status == 200
    assert json.loads(answer.text or "") == {"id": 1, "item": "coffee", "count": 1}
    assert legacy_api.lines() == ["PUT /orders/1"]


def test_a_post_of_json_creates_an_order(tab: Tab, guarded: Gateway, legacy_api: FlaskApi) -> None:
    answer = tab.fetch(
        f"http://localhost:{guarded.port}/api/orders",
        method="POST",
        headers=JSON,
        body='{"item": "Kännchen ☕"}',
    )

    assert answer.status == 201
    assert json.loads(answer.text or "")["item"] == "Kännchen ☕"
    assert legacy_api.lines() == ["POST /orders"]


def test_the_cookie_of_a_login_is_kept_and_sent_back(tab: Tab, guarded: Gateway) -> None:
    api = f"http://localhost:{guarded.port}/api"

    before = tab.fetch(f"{api}/me", credentials="include")
    login = tab.fetch(
        f"{api}/login",
        method="POST",
        headers=JSON,
        body='{"user": "ada"}',
        credentials="include",
    )
    after = tab.fetch(f"{api}/me", credentials="include")

    assert (before.status, login.status) == (401, 200)
    assert (after.status, json.loads(after.text or "")) == (200, {"user": "ada"})


@pytest.mark.parametrize(
    "path, status",
    [
        pytest.param("/api/nowhere", 404, id="a 404 of the API"),
        pytest.param("/api/broken", 500, id="a 500 of the API"),
        pytest.param("/dead/end", 502, id="a 502 of the gateway, whose upstream is away"),
        pytest.param("/elsewhere", 404, id="a 404 of the gateway, which has no such route"),
    ],
)
def test_a_page_can_read_failures(tab: Tab, guarded: Gateway, path: str, status: int) -> None:
    answer = tab.fetch(f"http://localhost:{guarded.port}{path}", credentials="include")

    assert answer.status == status
    assert json.loads(answer.text or "")
