"""``EventSource``: each event is seen when it is written, and a page that leaves is noticed."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.pages import Page
from tests.browser.visits import Place, Visit, both_ways

pytestmark = pytest.mark.system("node")

EVENTS = "stream/*?type=text/event-stream"

OPEN = """({url, init}) => {
    window.seen = [];
    window.errors = [];
    window.opened = 0;
    window.events = new EventSource(url, init);
    window.events.onopen = () => { window.opened += 1; };
    window.events.onmessage = event => window.seen.push([event.lastEventId, event.data]);
    window.events.onerror = () => window.errors.push(window.events.readyState);
}"""
CONNECTING, CLOSED = 0, 2


def seen(visit: Visit, number: int) -> list[Any]:
    """Wait until the page has seen so many events, and return all it has seen."""
    visit.wait_until("number => window.seen.length >= number", number)
    return list(visit.page.evaluate("window.seen"))


@both_ways
@pytest.mark.parametrize("server", ["node", "gunicorn", "werkzeug"])
def test_each_event_is_seen_before_the_next_is_written(visit: Visit) -> None:
    visit.run(OPEN, EVENTS, init={})
    visit.peer.noted("opened", visit.name)

    for number in range(1, 6):
        visit.peer.push(visit.name, f"id: {number}\ndata: event {number} ☕\n\n")
        assert seen(visit, number)[-1] == [str(number), f"event {number} ☕"]

    assert visit.page.evaluate("[window.opened, window.errors]") == [1, []]
    visit.page.evaluate("window.events.close()")
    visit.peer.end(visit.name)


@both_ways
def test_an_event_that_is_written_in_two_halves_is_seen_when_it_is_whole(visit: Visit) -> None:
    visit.run(OPEN, EVENTS, init={})
    visit.peer.noted("opened", visit.name)

    visit.peer.push(visit.name, ": a comment against silence\n\ndata: first\n\ndata: sec")
    assert seen(visit, 1) == [["", "first"]]
    visit.peer.push(visit.name, "ond\n\n")

    assert seen(visit, 2) == [["", "first"], ["", "second"]]


@pytest.mark.parametrize(
    "init, cookie",
    [
        pytest.param({"withCredentials": True}, "user=ada", id="with credentials"),
        pytest.param({}, None, id="without credentials"),
    ],
)
def test_cookies_are_sent_across_origins_only_with_credentials(
    visit: Visit, page_origin: str, init: dict[str, bool], cookie: str | None
) -> None:
    visit.run("({url}) => fetch(url, {credentials: 'include'})", "cookie")

    visit.run(OPEN, EVENTS, init=init)
    fields = visit.peer.noted("opened", visit.name)["fields"]
    visit.peer.push(visit.name, "data: for you\n\n")

    assert (fields["origin"], fields.get("cookie")) == (page_origin, cookie)
    assert seen(visit, 1) == [["", "for you"]]


@both_ways
@pytest.mark.parametrize("server", ["node", "gunicorn"])
def test_it_reconnects_when_asked_to_and_says_which_event_it_saw_last(visit: Visit) -> None:
    visit.run(OPEN, EVENTS, init={})
    visit.peer.noted("opened", visit.name)

    visit.peer.push(visit.name, "retry: 20\nid: 7\ndata: before\n\n")
    assert seen(visit, 1) == [["7", "before"]]
    visit.peer.end(visit.name)
    again = visit.peer.noted("opened", visit.name, 2)
    visit.peer.push(visit.name, "data: after\n\n")

    assert again["fields"]["last-event-id"] == "7"
    assert seen(visit, 2) == [["7", "before"], ["7", "after"]]
    assert visit.page.evaluate("window.errors") == [CONNECTING]


@both_ways
def test_it_reconnects_when_the_stream_broke_off(visit: Visit) -> None:
    visit.run(OPEN, EVENTS, init={})
    visit.peer.noted("opened", visit.name)

    visit.peer.push(visit.name, "retry: 20\nid: 7\ndata: before\n\n")
    seen(visit, 1)
    visit.peer.break_off(visit.name)
    again = visit.peer.noted("opened", visit.name, 2)

    assert again["fields"]["last-event-id"] == "7"
    assert visit.page.evaluate("window.errors") == [CONNECTING]


def close_it(page: Page) -> None:
    page.evaluate("window.events.close()")


def navigate(page: Page) -> None:
    page.goto("about:blank")


def close_the_page(page: Page) -> None:
    page.close()


@both_ways
@pytest.mark.parametrize("leave", [close_it, navigate, close_the_page])
def test_the_api_learns_that_the_page_left_a_silent_stream(
    visit: Visit, leave: Callable[[Page], None]
) -> None:
    visit.run(OPEN, EVENTS, init={})
    visit.peer.noted("opened", visit.name)
    visit.wait_for_head("window.opened === 1")
    assert visit.peer.notes("closed", visit.name) == []

    leave(visit.page)

    assert visit.peer.noted("closed", visit.name)["whole"] is False


@both_ways
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("answer/*?status=204&type=text/event-stream", id="a 204"),
        pytest.param("answer/*?status=500&type=text/event-stream", id="a 500"),
        pytest.param("answer/*?status=200&type=text/html", id="another media type"),
    ],
)
def test_it_gives_up_for_good(visit: Visit, path: str) -> None:
    visit.run(OPEN, path, init={})

    visit.wait_until("window.errors.length > 0")

    assert visit.page.evaluate("[window.errors, window.opened]") == [[CLOSED], 0]
    visit.peer.noted("asked", visit.name)
    assert len(visit.peer.notes("asked", visit.name)) == 1


def test_an_origin_that_is_not_allowed_learns_nothing(
    place_of: Callable[[str], Place], page: Page, visit_name: str, stranger_origin: str
) -> None:
    place = place_of("node")
    page.goto(stranger_origin)
    visit = Visit(page, place.peer, place.gateway.url_as("localhost"), visit_name)

    visit.run(OPEN, EVENTS, init={"withCredentials": True})
    visit.peer.noted("opened", visit.name)
    visit.peer.push(visit.name, "data: not for you\n\n")
    visit.wait_until("window.errors.length > 0")

    assert visit.page.evaluate("[window.errors, window.opened, window.seen]") == [[CLOSED], 0, []]


def test_six_pages_of_one_browser_listen_at_once(visit: Visit) -> None:
    """Six is how many connections a browser opens to one HTTP/1.1 server."""
    visits = [visit]
    for number in range(2, 7):
        page = visit.page.context.new_page()
        page.goto(visit.page.url)
        visits.append(Visit(page, visit.peer, visit.api, f"{visit.name}{number}-"))

    for each in visits:
        each.run(OPEN, EVENTS, init={})
        each.peer.noted("opened", each.name)
    for each in reversed(visits):
        each.peer.push(each.name, f"data: {json.dumps(each.name)}\n\n")
        assert seen(each, 1) == [["", json.dumps(each.name)]]
