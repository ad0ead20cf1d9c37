"""Redirects of the API, followed by the browser, and answers out of the browser's cache."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.browser.pages import Page
from tests.browser.tabs import tab_of
from tests.browser.visits import Place, Visit, both_ways

pytestmark = pytest.mark.system("node")

FETCH = """async ({url, init}) => {
    const response = await fetch(url, init);
    return [response.status, response.type, response.redirected, response.url,
            await response.text()];
}"""


def redirect_to(location: str, status: int) -> str:
    return f"redirect/*?status={status}&to={quote(location)}"


@both_ways
@pytest.mark.parametrize(
    "status, method, becomes",
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (307, "PUT", "PUT"),
        (308, "POST", "POST"),
    ],
)
def test_a_redirect_is_followed_as_its_status_says(
    visit: Visit, status: int, method: str, becomes: str
) -> None:
    init = {"method": method, "body": "content", "credentials": "include"}
    path = redirect_to(f"/landing/{visit.name}", status)

    code, _, redirected, url, text = visit.run(FETCH, path, init=init)

    assert (code, redirected, url, text) == (200, True, visit.url("landing/*"), becomes)
    assert visit.peer.noted("asked", visit.name)["method"] == method
    assert visit.peer.noted("landed", visit.name)["method"] == becomes


@both_ways
@pytest.mark.parametrize(
    "location",
    [
        pytest.param("/landing/NAME", id="an absolute path"),
        pytest.param("../landing/NAME", id="a relative path"),
        pytest.param("//HOST/landing/NAME", id="with the host that the browser used"),
        pytest.param("http://HOST/landing/NAME", id="a whole URL, as Flask made them"),
    ],
)
def test_a_location_is_resolved_against_what_the_browser_called(
    visit: Visit, location: str
) -> None:
    host = visit.api.removeprefix("http://")
    location = location.replace("NAME", visit.name).replace("HOST", host)

    answer = visit.run(FETCH, redirect_to(location, 302), init={})

    assert answer[2:] == [True, visit.url("landing/*"), "GET"]


@both_ways
def test_the_page_learns_that_there_was_a_redirect_when_it_follows_none(visit: Visit) -> None:
    path = redirect_to(f"/landing/{visit.name}", 302)

    answer = visit.run(FETCH, path, init={"redirect": "manual"})

    assert answer[:3] == [0, "opaqueredirect", False]
    assert visit.peer.notes("landed", visit.name) == []


@both_ways
def test_a_redirect_that_is_taken_for_an_error_is_one(visit: Visit) -> None:
    script = "({url}) => fetch(url, {redirect: 'error'}).catch(error => error.name)"

    assert visit.run(script, redirect_to(f"/landing/{visit.name}", 302)) == "TypeError"


def test_a_redirect_to_a_third_origin_comes_from_origin_null_and_is_refused(
    visit: Visit, page_origin: str
) -> None:
    """The origin that is allowed does not count any more: somebody else has sent the page there."""
    tab = tab_of(visit.page)
    other = visit.api.replace("localhost", "127.0.0.1")
    path = redirect_to(f"{other}/landing/{visit.name}", 302)

    refusal = tab.fetch(visit.url(path))

    assert (refusal.error or "").startswith("TypeError")
    assert refusal.reason == tab.reason_for("MissingAllowOriginHeader")
    assert visit.peer.noted("asked", visit.name)["fields"]["origin"] == page_origin
    assert visit.peer.noted("landed", visit.name)["fields"]["origin"] == "null"


@pytest.mark.parametrize("credentials", ["omit", "include"])
def test_two_origins_share_a_cache_and_each_gets_its_own_answer(
    place_of: Callable[[str], Place],
    page_origin: str,
    page: Page,
    visit_name: str,
    credentials: str,
) -> None:
    """Two ports of one host are one site to the cache, and two origins to CORS."""
    place = place_of("node")
    url = f"{place.gateway.url_as('localhost')}/cached/{visit_name}"
    other_origin = f"http://localhost:{place.peer.port}"
    read = """async ([url, credentials]) => {
        const response = await fetch(url, {credentials});
        return [response.status, await response.text()];
    }"""

    answers: list[Any] = []
    for address in (page_origin, f"{other_origin}/blank", page_origin):
        page.goto(address)
        answers.append(page.evaluate(read, [url, credentials]))

    assert answers == [[200, "cached content"]] * 3
    place.peer.noted("asked", visit_name, 3)
    asked = place.peer.notes("asked", visit_name)
    origins = [note["fields"]["origin"] for note in asked]
    assert origins == [page_origin, other_origin, page_origin]
    assert [note["status"] for note in asked] == [200, 304, 304]
