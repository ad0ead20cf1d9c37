"""The words of an explanation, and its data."""

import pytest

from cors_gateway.cors.browser import CorsError
from cors_gateway.cors.decision import Check
from cors_gateway.explain.explanation import Blocked, HandshakeError
from cors_gateway.explain.remedies import find_remedy
from cors_gateway.explain.wording import CHECKS, ERRORS, as_data, render_text
from tests.explain.asking import APP, FILE, SUFFIXES, ask, configured

COOKIES = FILE.replace("[GET, PUT]", "[GET, PUT]\n    allowCredentials: true")


def told(
    text: str, origin: str | None, method: str = "GET", url: str = "/api", **more: bool
) -> str:
    loaded = configured(text)
    explanation = ask(loaded, origin, method, url, **more)
    return render_text(explanation, find_remedy(loaded, explanation, SUFFIXES))


def test_an_explanation_from_the_question_to_the_remedy() -> None:
    assert (
        told(FILE, APP, "DELETE", "https://api.example.com/api/1?x")
        == """\
DELETE https://api.example.com/api/1?x from a page of https://app.example.com

The browser asks first: DELETE is not GET, HEAD or POST.
  > OPTIONS /api/1?x
  > Host: api.example.com
  > Origin: https://app.example.com
  > Sec-Fetch-Mode: cors
  > Sec-Fetch-Site: same-site
  > Access-Control-Request-Method: DELETE
  route api (f.yaml:8), policy spa (f.yaml:3)
  yes the origin https://app.example.com: allowed by https://app.example.com
  no  the method DELETE: allowMethods does not list it
  yes the headers: allowHeaders
  decision: method-not-allowed
  answered by the gateway:
  < 204 No Content
  < Access-Control-Allow-Origin: https://app.example.com
  < Access-Control-Allow-Methods: GET, PUT
  < Access-Control-Allow-Headers: Content-Type, X-Requested-With
  < Access-Control-Max-Age: 600
  < Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers
  < Proxy-Status: cors-gateway; details="method-not-allowed"

The browser refuses: MethodDisallowedByPreflightResponse, Access-Control-Allow-Methods does not list the method.

To change that:
  f.yaml:5: corsPolicies.spa.allowMethods: add DELETE
"""
    )


def test_an_explanation_that_ends_well() -> None:
    text = told(FILE, APP, "PUT", "https://api.example.com/api")

    assert text.count("\n\n") == 3
    assert "The browser sends the request, as it may:\n  > PUT /api\n" in text
    assert "forwarded to http://h; assuming that it answers 200 without CORS:\n  < 200 OK\n" in text
    assert text.endswith("\n\nThe browser lets the page read the answer.\n")


@pytest.mark.parametrize(
    "origin, url, words",
    [
        pytest.param(None, "/api", "without a browser", id="a program"),
        pytest.param(None, "/api", "A program sends the request:", id="what a program does"),
        pytest.param(
            None, "/api", "CORS does not concern it: a program sends no Origin, and reads every answer.\n",
            id="a program's verdict",
        ),
        pytest.param(None, "/api", "name the page's origin to see how\n", id="a program's note"),
        pytest.param(
            None, "/x", "and reads every answer; but that is the gateway's own 404.",
            id="a program without a route",
        ),
        pytest.param(
            "https://h", "https://h/api", "it is of the same origin.", id="the same origin"
        ),
        pytest.param(
            APP, "/x", "The browser lets the page read the answer; but that is the gateway's own 404.",
            id="no route",
        ),
        pytest.param(APP, "/x", "no route takes it; defaults.cors is its policy", id="whose policy"),
        pytest.param(APP, "/x", "refused: No route takes this request", id="the refusal"),
        pytest.param("null", "/api", "What to do:\n  nothing should be", id="advice alone"),
        pytest.param(APP, "/api", "gateway.invalid stands for the gateway", id="a path alone"),
        pytest.param(APP, "http://api.example.com/api",
                     "The browser refuses: mixed-content, a page on https cannot call http",
                     id="mixed content"),
        pytest.param(APP, "/api/../x", 'for "/api/../x" the browser sends /x\n', id="respelled"),
        pytest.param("https://x.codepen.io", "/api", '  warning: "https://x.codepen.io" runs',
                     id="a warning"),
        pytest.param(APP, "http://localhost:1/api", "Chrome asks its user", id="a local address"),
    ],
)  # fmt: skip
def test_what_is_said(origin: str | None, url: str, words: str) -> None:
    assert words in told(COOKIES, origin, "GET", url)


@pytest.mark.parametrize(
    "origin, url, words",
    [
        pytest.param(APP, "https://h/api", "gateway.invalid", id="a URL"),
        pytest.param(
            "http://localhost:2", "http://localhost:1/api", "Chrome asks", id="both local"
        ),
        pytest.param(
            "http://x.example", "http://y.example/api", "mixed-content", id="both in the clear"
        ),
        pytest.param(APP, "https://h/api", "cookies", id="a policy without cookies"),
        pytest.param(APP, "https://h/api", "name the page's origin", id="a page that is named"),
        pytest.param(None, "/x", "name the page's origin", id="a program that is not served"),
    ],
)
def test_what_is_not_said(origin: str | None, url: str, words: str) -> None:
    assert words not in told(FILE, origin, "GET", url)


def test_an_origin_that_was_found_elsewhere_has_a_page_behind_it() -> None:
    finding = FILE.replace("[GET, PUT]", "[GET, PUT]\n    missingOrigin: {from: [Referer]}")
    page, stranger = (
        (b"Referer", origin + b"/a") for origin in (APP.encode(), b"https://x.example")
    )
    found = render_text(ask(configured(finding), None, "GET", "/api", page), None)
    not_found = render_text(ask(configured(finding), None, "GET", "/api", stranger), None)

    assert f"\n\nA page of {APP} may read the answer.\n" in found
    assert "name the page's origin" not in found
    assert "CORS does not concern it" in not_found


def test_cookies_are_spoken_of_where_they_could_be_sent() -> None:
    note = (
        "  note: no cookies are sent, and none that the answer sets are kept: for those the page must "
        "say credentials: 'include' to fetch, or withCredentials: true to XMLHttpRequest, $http or "
        "axios\n"
    )
    assert note in told(COOKIES, APP)
    assert "no cookies are sent" not in told(COOKIES, APP, credentials=True)
    assert ", with credentials\n" in told(COOKIES, APP, credentials=True)


def test_routes_without_a_policy() -> None:
    text = "routes: [{name: raw, match: {path: /api}, upstream: http://h, cors: false}]\n"

    assert "route raw (f.yaml:1), cors: false" in told(text, APP)
    assert "no route takes it; it has no policy" in told(text, APP, "GET", "/x")


def test_routes_that_share_a_policy() -> None:
    more = "  - {name: two, match: {path: /two}, upstream: http://h}\n"

    assert "(this concerns the routes api, two)" in told(FILE + more, "https://x.example")


def test_headers_that_a_page_cannot_set() -> None:
    explanation = ask(configured(), APP, "GET", "/api", (b"Cookie", b"a=b"), (b"X-A", b"1"))
    text = render_text(explanation, None)

    assert "browsers do not let a page set Cookie" in text
    assert "headers need permission: x-a." in text


def test_everything_that_can_be_told_has_words() -> None:
    assert set(CHECKS) == set(Check)
    assert set(Blocked) | set(HandshakeError) <= ERRORS.keys()
    for error in CorsError:
        assert error in ERRORS or CorsError(error.removeprefix("Preflight")) in ERRORS


def test_the_data_of_a_request_that_is_served() -> None:
    data = as_data(ask(configured(), APP, "PUT", "https://api.example.com/api"), None)

    assert data["request"]["url"] == "https://api.example.com/api"
    assert data["browser"] == {
        "verdict": "allowed",
        "error": None,
        "why": None,
        "site": "same-site",
        "notes": [],
    }
    assert data["preflight"]["response"]["status"] == 204
    assert data["preflight"]["answeredBy"] == "gateway"
    assert data["actual"]["answeredBy"] == "api"
    assert data["actual"]["decision"]["steps"] == [
        {"check": "origin", "passed": True, "subject": APP, "detail": APP}
    ]
    assert data["route"] == {
        "name": "api",
        "source": "f.yaml:8",
        "upstream": "http://h",
        "policy": "spa",
        "policySource": "f.yaml:3",
        "changes": [],
    }
    assert data["reachesApi"]
    assert data["remedy"] is None


def test_the_data_of_what_a_browser_does_not_send() -> None:
    loaded = configured()
    explanation = ask(loaded, APP, "PUT", "http://h/api")
    data = as_data(explanation, find_remedy(loaded, explanation, SUFFIXES))

    assert (data["browser"]["verdict"], data["browser"]["error"]) == ("refused", "mixed-content")
    assert (data["preflight"], data["actual"], data["route"]) == (None, None, None)
    assert not data["reachesApi"]
    assert data["remedy"]["warnings"] == []


def test_the_data_of_what_matches_nothing() -> None:
    loaded = configured("routes: [{match: {path: /api}, upstream: http://h, cors: false}]\n")
    explanation = ask(loaded, APP, "PUT", "/x")
    data = as_data(explanation, find_remedy(loaded, explanation, SUFFIXES))

    assert data["browser"]["error"] == "PreflightMissingAllowOriginHeader"
    assert (data["route"], data["actual"], data["reachesApi"]) == (None, None, False)
    assert data["preflight"]["decision"] is None
    assert [change["key"] for change in data["remedy"]["changes"]] == ["routes"]
