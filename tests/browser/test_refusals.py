"""What the browser says of a refusal is what ``explain`` said it would say."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.browser.tabs import Tab
from tests.peers.processes import FlaskApi, Gateway


def explained(gateway: Gateway, origin: str, url: str, init: dict[str, Any]) -> dict[str, Any]:
    """Ask the command what a page's ``fetch(url, init)`` would come to."""
    argv = [sys.executable, "-m", "cors_gateway", "explain", "-c", str(gateway.config)]
    argv += ["--origin", origin, "--method", init.get("method", "GET"), "--json"]
    for name, value in init.get("headers", {}).items():
        argv += ["--header", f"{name}: {value}"]
    if init.get("credentials") == "include":
        argv.append("--credentials")
    done = subprocess.run([*argv, url], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    browser: dict[str, Any] = json.loads(done.stdout)["browser"]
    return browser


@pytest.mark.parametrize(
    "init, cors_error",
    [
        pytest.param({}, "MissingAllowOriginHeader", id="a plain GET"),
        pytest.param({"credentials": "include"}, "MissingAllowOriginHeader", id="with cookies"),
        pytest.param({"method": "PUT"}, "PreflightMissingAllowOriginHeader", id="a PUT"),
        pytest.param(
            {"headers": {"Authorization": "Bearer letmein"}},
            "PreflightMissingAllowOriginHeader",
            id="a GET with Authorization",
        ),
    ],
)
def test_an_origin_that_is_not_allowed(
    strange_tab: Tab,
    stranger_origin: str,
    guarded: Gateway,
    init: dict[str, Any],
    cors_error: str,
) -> None:
    url = f"http://localhost:{guarded.port}/api/orders"

    refusal = strange_tab.fetch(url, **init)

    assert refusal.reason == strange_tab.reason_for(cors_error)
    assert explained(guarded, stranger_origin, url, init)["error"] == cors_error


@pytest.mark.parametrize(
    "init, cors_error, parameter",
    [
        pytest.param(
            {"method": "DELETE"},
            "MethodDisallowedByPreflightResponse",
            "DELETE",
            id="a method that is not on the list",
        ),
        pytest.param(
            {"method": "put"},
            None,
            None,
            id="a listed method in lower case, which the browser raises to upper case",
        ),
        pytest.param(
            {"method": "DELETE", "credentials": "include"},
            "MethodDisallowedByPreflightResponse",
            "DELETE",
            id="a method that is not on the list, with cookies",
        ),
        pytest.param(
            {"headers": {"X-Trace": "1"}},
            "HeaderDisallowedByPreflightResponse",
            "x-trace",
            id="a header that is not on the list",
        ),
        pytest.param(
            {"headers": {"X-Trace": "1", "Authorization": "Bearer letmein", "X-Abc": "1"}},
            "HeaderDisallowedByPreflightResponse",
            "x-abc",
            id="two of three headers are not on the list",
        ),
        pytest.param(
            {"method": "DELETE", "headers": {"X-Trace": "1"}},
            "MethodDisallowedByPreflightResponse",
            "DELETE",
            id="neither the method nor the header is on the list",
        ),
        pytest.param(
            {"method": "PUT", "headers": {"Authorization": "Bearer letmein"}},
            None,
            None,
            id="everything is on the lists",
        ),
    ],
)
def test_a_method_or_a_header(
    tab: Tab,
    page_origin: str,
    guarded: Gateway,
    legacy_api: FlaskApi,
    init: dict[str, Any],
    cors_error: str | None,
    parameter: str | None,
) -> None:
    url = f"http://localhost:{guarded.port}/api/orders/1"

    answer = tab.fetch(url, **init)

    assert answer.reason == tab.reason_for(cors_error, parameter)
    assert explained(guarded, page_origin, url, init)["error"] == cors_error
    assert bool(legacy_api.hits()) == (cors_error is None)


@pytest.mark.parametrize(
    "path, method, cors_error",
    [
        ("/plain", "GET", "InvalidAllowCredentials"),
        ("/plain", "PUT", "PreflightInvalidAllowCredentials"),
        ("/public", "GET", "WildcardOriginNotAllowed"),
        ("/public", "PUT", "PreflightWildcardOriginNotAllowed"),
    ],
)
def test_cookies_that_the_policy_does_not_allow(
    tab: Tab, page_origin: str, guarded: Gateway, path: str, method: str, cors_error: str
) -> None:
    url = f"http://localhost:{guarded.port}{path}/orders/1"

    with_cookies = tab.fetch(url, method=method, credentials="include")
    without = tab.fetch(url, method=method)

    assert with_cookies.reason == tab.reason_for(cors_error)
    init = {"method": method, "credentials": "include"}
    assert explained(guarded, page_origin, url, init)["error"] == cors_error
    assert without.error is None
