"""Which requests are sent, and which are not because an answer has decided them already."""

import pytest

from cors_gateway.doctor.case import Answer, Case, Purpose
from cors_gateway.doctor.probes import MOST_REQUESTS
from tests.doctor.examining import APP, Server, answer, case, course

LOCAL = "http://localhost:5173"
"""A page for which there is room for all requests."""
LOOK_ALIKE = "https://app.example.com.api.example.com.attackerexample.com"
PLAIN, PAGE, PREFLIGHT = Purpose.PLAIN, Purpose.PAGE, Purpose.PREFLIGHT
MISSING, THEIR_PREFLIGHT = Purpose.MISSING, Purpose.STRANGERS_PREFLIGHT


class Allowing(Server):
    """Allows some origins by name."""

    def __init__(self, *origins: str) -> None:
        self.origins = origins

    def answer(self, method: str, target: str, origin: str | None) -> Answer | None:
        if origin in self.origins or (origin and "any" in self.origins):
            return answer(allow_origin=origin)
        return answer(allow_origin="*") if "*" in self.origins else answer()


@pytest.mark.parametrize(
    "server, purposes",
    [
        pytest.param(
            Allowing(APP),
            [
                *(PLAIN, PAGE, PREFLIGHT, Purpose.LOOK_ALIKE, Purpose.NULL, Purpose.DOT),
                *(Purpose.INSECURE, THEIR_PREFLIGHT),
            ],
            id="it compares",
        ),
        pytest.param(
            Allowing("*"),
            [PLAIN, PAGE, PREFLIGHT, Purpose.STRANGER, THEIR_PREFLIGHT, MISSING],
            id="it allows everybody",
        ),
        pytest.param(
            Allowing("any"),
            [
                *(PLAIN, PAGE, PREFLIGHT, Purpose.LOOK_ALIKE, Purpose.STRANGER),
                *(THEIR_PREFLIGHT, MISSING),
            ],
            id="it allows whoever asks",
        ),
        pytest.param(
            Allowing(),
            [PLAIN, PAGE, PREFLIGHT, Purpose.LOOK_ALIKE, Purpose.NULL],
            id="it allows nobody",
        ),
        pytest.param(
            Allowing(APP, LOOK_ALIKE, f"{APP}.attacker.example"),
            [
                *(PLAIN, PAGE, PREFLIGHT, Purpose.LOOK_ALIKE, Purpose.STRANGER, Purpose.NULL),
                *(Purpose.BEGINNING, Purpose.MIDDLE),
            ],
            id="it looks at the beginning",
        ),
        pytest.param(
            Allowing(APP, LOOK_ALIKE),
            [
                *(PLAIN, PAGE, PREFLIGHT, Purpose.LOOK_ALIKE, Purpose.STRANGER, Purpose.NULL),
                *(Purpose.BEGINNING, Purpose.OWN_NAME),
            ],
            id="it looks at the end",
        ),
        pytest.param(
            Allowing(LOOK_ALIKE),
            [
                *(PLAIN, PAGE, PREFLIGHT, Purpose.LOOK_ALIKE, Purpose.STRANGER, Purpose.NULL),
                *(Purpose.OWN_NAME, Purpose.BEGINNING),
            ],
            id="it looks for something else than the page",
        ),
    ],
)
def test_the_course_follows_the_answers(server: Server, purposes: list[Purpose]) -> None:
    taken = course(case(APP), server)

    assert [one.probe.purpose for one in taken.exchanges] == purposes
    assert len(purposes) <= MOST_REQUESTS


@pytest.mark.parametrize("server", [Allowing(APP), Allowing("any"), Allowing(), Allowing("*")])
@pytest.mark.parametrize("pages", [1, 2, 3])
def test_there_are_never_more_than_a_handful(server: Server, pages: int) -> None:
    origins = [APP, "https://b.example", "https://c.example"][:pages]

    taken = course(case(*origins), server)

    assert len(taken.exchanges) <= MOST_REQUESTS
    asked = [one.probe.origin for one in taken.of(PAGE)]
    assert asked == [origin.encode() for origin in origins]
    assert taken.of(Purpose.LOOK_ALIKE, Purpose.STRANGER)


@pytest.mark.parametrize(
    "opened",
    [
        pytest.param(case(APP, method="GET"), id="without a preflight"),
        pytest.param(case(LOCAL, method="PUT"), id="without a dot and https"),
    ],
)
def test_what_is_not_there_is_asked_for_last_and_where_there_is_room(opened: Case) -> None:
    (origin,) = [page.origin or b"" for page in opened.pages]

    taken = course(opened, Allowing(origin.decode()))

    assert taken.exchanges[-1].probe.purpose is MISSING
    assert len(taken.exchanges) <= MOST_REQUESTS


def test_with_three_pages_it_is_still_asked_whether_null_is_let_in() -> None:
    origins = [APP, "https://b.example", "https://c.example"]

    for server in (Allowing(*origins), Allowing(*origins, LOOK_ALIKE)):
        assert course(case(*origins), server).of(Purpose.NULL)


def test_a_get_that_needs_no_permission_is_not_asked_for() -> None:
    taken = course(case(APP, method="GET"), Allowing(APP))

    assert taken.of(PREFLIGHT, THEIR_PREFLIGHT) == []
    assert {one.probe.method for one in taken.exchanges} == {b"GET"}


def test_a_preflight_announces_what_the_page_sends() -> None:
    headers = ((b"X-B", b"2"), (b"Authorization", b"x"), (b"Accept", b"*/*"))

    taken = course(case(APP, method="put", headers=headers), Allowing(APP))

    for purpose, origin in (
        (PREFLIGHT, APP.encode()),
        (THEIR_PREFLIGHT, b"https://attacker.example"),
    ):
        (preflight,) = taken.of(purpose)
        assert (preflight.probe.method, preflight.probe.origin) == (b"OPTIONS", origin)
        assert preflight.probe.fields == (
            (b"Access-Control-Request-Method", b"PUT"),
            (b"Access-Control-Request-Headers", b"authorization,x-b"),
        )


def test_a_request_carries_what_the_page_sets_but_for_a_body_that_it_has_not() -> None:
    headers = ((b"X-B", b"2"), (b"Content-Type", b"application/json"))

    taken = course(case(LOCAL, method="PUT", headers=headers), Allowing(LOCAL))

    assert [one.probe.fields for one in taken.of(PLAIN, PAGE, MISSING)] == [((b"X-B", b"2"),)] * 3


def test_head_is_asked_by_head() -> None:
    taken = course(case(APP, method="head"), Allowing(APP))

    assert {one.probe.method for one in taken.exchanges} == {b"HEAD"}


@pytest.mark.parametrize(
    "url, missing",
    [
        ("https://h.example", b"/cors-gateway-doctor-asks-for-what-is-not-there"),
        ("https://h.example/a/b?c=/d", b"/a/cors-gateway-doctor-asks-for-what-is-not-there"),
        ("https://h.example/a/", b"/a/cors-gateway-doctor-asks-for-what-is-not-there"),
    ],
)
def test_what_is_not_there_is_beside_what_is(url: str, missing: bytes) -> None:
    (asked,) = course(case(LOCAL, url=url), Allowing(LOCAL)).of(MISSING)

    assert asked.probe.target == missing


def test_where_the_preflight_allows_nothing_a_strangers_is_not_sent() -> None:
    class Deaf(Allowing):
        def answer(self, method: str, target: str, origin: str | None) -> Answer | None:
            return answer(405) if method == "OPTIONS" else super().answer(method, target, origin)

    assert course(case(APP), Deaf(APP)).of(THEIR_PREFLIGHT) == []
