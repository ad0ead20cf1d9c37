"""Real APIs with hand-written CORS, examined over real sockets: each mistake by its name, no other."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cors_gateway.config.problems import render_text
from cors_gateway.explain.expectations import check_expectations
from tests.doctor.examining import APP, SUFFIXES, case, examined, loaded
from tests.doctor.hand_written import MISTAKES
from tests.peers.processes import FLASK_LISTENS, Running, running
from tests.process.tls_rig import wait_until

NO_LISTS = {"method-not-listed", "header-not-listed"}

FOUND: dict[str, set[str]] = {
    "nothing": {"no-allow-origin", *NO_LISTS},
    "right": set(),
    "public": set(),
    "host-without-scheme": {"allow-origin-without-scheme"},
    "slash-at-the-end": {"allow-origin-misspelled"},
    "capitals": {"allow-origin-misspelled"},
    "pattern": {"allow-origin-pattern"},
    "empty": {"allow-origin-invalid"},
    "list-of-origins": {"allow-origin-list"},
    "two-lines": {"allow-origin-repeated"},
    "another-origin": {"allow-origin-other"},
    "star-with-credentials": {"wildcard-with-credentials"},
    "python-true": {"credentials-not-true"},
    "reflects": {"reflects-any-origin"},
    "reflects-with-cookies": {"reflects-any-origin-with-credentials"},
    "own-host-in-origin": {"partial-match"},
    "begins-like": {"partial-match"},
    "page-host-in-origin": {"partial-match"},
    "unescaped-dot": {"unescaped-dot"},
    "ends-like": {"partial-match"},
    "null-too": {"allows-null"},
    "any-scheme": {"allows-insecure-origin"},
    "without-vary": {"vary-origin-missing"},
    # Where a preflight and https take their requests, none is left for this.
    "only-where-it-went-well": set(),
    "preflights-for-all": {"preflight-allows-strangers"},
    "methods-without-commas": {"methods-malformed"},
    "headers-without-commas": {"headers-malformed"},
    "no-lists": NO_LISTS,
    "methods-in-small-letters": {"method-not-listed"},
    "star-in-headers": {"header-not-listed"},
    "star-in-lists-with-cookies": {"wildcard-list-with-credentials"},
    "age-in-words": {"max-age-invalid"},
    "plain-cookie": {"cookie-stays-home"},
    "refuses-strange-origins": {"refuses-origin", "no-allow-origin", *NO_LISTS},
    "no-preflight": {"no-allow-origin", "preflight-not-answered"},
    "moved": {"redirect", "no-allow-origin", *NO_LISTS},
    "login-for-all": {"no-allow-origin", "preflight-needs-login"},
    "https-for-all": {"no-allow-origin", "preflight-redirect"},
    "broken-options": {"no-allow-origin", "preflight-status"},
    # What its defaults come to: it names whoever asks, and tells no cache.
    "flask-cors": {"reflects-any-origin", "vary-origin-missing"},
    "flask-cors-credentials": {"reflects-any-origin-with-credentials", "vary-origin-missing"},
}
"""Where the API is asked for a PUT with Authorization → what is wrong."""

IS_FINE = {mistake for mistake, codes in FOUND.items() if codes <= {"max-age-invalid"}}

HEADERS = ((b"Authorization", b"Bearer none"), (b"Content-Type", b"application/json"))


@pytest.fixture(scope="module")
def api() -> Iterator[Running]:
    application = str(Path(__file__).with_name("hand_written.py"))
    argv = [sys.executable, "-m", "flask", "--app", application, "run", "--port", "0"]
    with running(argv) as program:
        yield program


@pytest.fixture(scope="module")
def home(api: Running) -> str:
    return str(api.wait_for(FLASK_LISTENS)[1])


def test_every_mistake_of_the_application_is_in_the_table() -> None:
    assert set(MISTAKES) <= FOUND.keys()


@pytest.mark.parametrize("mistake", FOUND)
def test_what_is_wrong_is_named(home: str, mistake: str) -> None:
    opened = case(APP, url=f"{home}/{mistake}/orders", method="PUT", headers=HEADERS)

    examination = examined(opened)

    assert {one.code for one in examination.findings} == FOUND[mistake]
    assert examination.is_fine is (mistake in IS_FINE)
    assert len(examination.course.exchanges) <= 8


@pytest.mark.parametrize(
    "mistake, part",
    [
        ("begins-like", "to begin like https://app.example.com is enough."),
        ("page-host-in-origin", "to hold app.example.com is enough."),
        ("own-host-in-origin", "the API's own name in it is enough."),
        ("ends-like", "to end like app.example.com, or to hold a part of it, is enough."),
    ],
)
def test_the_part_that_is_compared_is_told(home: str, mistake: str, part: str) -> None:
    opened = case(APP, url=f"{home}/{mistake}/orders", method="PUT", headers=HEADERS)

    (finding,) = examined(opened).findings

    assert finding.what.endswith(f": {part}")


@pytest.mark.parametrize("credentials", [True, False])
def test_errors_without_cors_are_a_note_where_all_else_is_right(
    home: str, *, credentials: bool
) -> None:
    opened = case(
        APP,
        url=f"{home}/only-where-it-went-well/orders",
        method="GET",
        credentials=credentials,
    )

    examination = examined(opened)

    assert [one.code for one in examination.findings] == ["errors-without-allow-origin"]
    assert examination.is_fine


@pytest.mark.parametrize("mistake", FOUND)
def test_what_is_proposed_loads_and_passes_its_tests(home: str, mistake: str) -> None:
    opened = case(APP, url=f"{home}/{mistake}/orders?page=2", method="PUT", headers=HEADERS)

    configured = loaded(examined(opened).proposal)

    assert render_text(configured.problems) == ""
    assert len(configured.expectations) == 2
    assert render_text(check_expectations(configured, SUFFIXES)) == ""


def methods_seen(api: Running) -> list[bytes]:
    """Give the methods that werkzeug has seen with the query of the test below."""
    found = (re.search(r'"([A-Z]+) \S+\?only-this-test ', line) for line in api.printed)
    return [match[1].encode() for match in found if match]


def test_nothing_but_safe_methods_reaches_the_api(api: Running, home: str) -> None:
    path = "/right/orders?only-this-test"

    course = examined(case(APP, url=f"{home}{path}", method="DELETE")).course

    expected = [one.probe.method for one in course.exchanges if b"?" in one.probe.target]
    # What a server prints comes when it comes.
    wait_until(lambda: len(methods_seen(api)) >= len(expected))
    assert methods_seen(api) == expected
    assert set(expected) == {b"GET", b"OPTIONS"}


def test_several_pages_are_all_asked_for(home: str) -> None:
    opened = case(
        *(APP, "https://admin.example.com", "https://other.example"),
        url=f"{home}/right/orders",
        method="GET",
    )

    (finding,) = examined(opened).findings

    assert finding.code == "no-allow-origin"
    assert [probe.origin for probe in finding.seen] == [b"https://other.example"]
