"""What is proposed: it loads without a warning, passes its own tests, and allows nothing by mistake."""

import re

import pytest

from cors_gateway.config.problems import render_text
from cors_gateway.config.public_suffixes import is_public_suffix
from cors_gateway.doctor.case import Answer, Case
from cors_gateway.doctor.findings import find_all
from cors_gateway.doctor.proposal import propose
from cors_gateway.explain.expectations import check_expectations
from cors_gateway.snapshot import Route
from tests.doctor.examining import APP, SUFFIXES, Server, answer, case, course, loaded

OTHER = "https://b.example"


class Same(Server):
    """Gives everybody the same answer."""

    def __init__(self, told: Answer) -> None:
        self.told = told

    def answer(self, method: str, target: str, origin: str | None) -> Answer | None:
        return self.told


def proposed(opened: Case, told: Answer | None = None, server: Server | None = None) -> str:
    taken = course(opened, server or Same(told or answer()))
    return propose(opened, taken, find_all(opened, taken), is_public_suffix)


def route_of(text: str) -> Route:
    """Load a proposal, and have it prove itself."""
    configured = loaded(text)
    assert render_text(configured.problems) == ""
    assert configured.snapshot is not None
    assert render_text(check_expectations(configured, SUFFIXES)) == ""
    (route,) = configured.snapshot.routes
    return route


@pytest.mark.parametrize(
    "opened",
    [
        pytest.param(case(), id="nothing said"),
        pytest.param(case(APP, OTHER, method="DELETE", credentials=True), id="cookies"),
        pytest.param(case("http://[::1]:3000", url="http://[::1]:5000/a?b"), id="addresses"),
        pytest.param(case("capacitor://localhost", method="PATCH"), id="an app"),
        pytest.param(case(APP, method="FOO"), id="a method that the gateway does not take"),
        pytest.param(case(APP, method="OPTIONS"), id="OPTIONS itself"),
        pytest.param(
            case(APP, headers=((b"Accept", b"text/csv"), (b"Content-Type", b"text/x: ${A}"))),
            id="safelisted headers",
        ),
        pytest.param(
            case(APP, headers=((b"true", b"1"), (b"X-A", b"1"), (b"x-a", b"2"), (b"$a", b"'"))),
            id="odd names",
        ),
        pytest.param(case(APP, url="https://h.example/a//b/%5c/%zz;x=1"), id="an odd path"),
        pytest.param(case(APP, url="https://h.example/a'b]: {c"), id="what YAML might mind"),
        pytest.param(case("http://app.example.com", credentials=True), id="http with cookies"),
        pytest.param(case("https://codesandbox.io"), id="a playground"),
    ],
)
@pytest.mark.parametrize(
    "told",
    [
        pytest.param(answer(), id="an API that says nothing"),
        pytest.param(answer(405, Allow="GET, PUT, TRACE, OPTIONS, FOO"), id="Allow"),
        pytest.param(
            answer(
                allow_origin="*",
                allow_credentials="true",
                allow_methods="*, CONNECT, put, PATCH",
                allow_headers="*, Cookie, accept, x-b, X-B, null, sec-x",
                expose_headers="*, Set-Cookie, etag, yes",
                max_age="forever",
            ),
            id="all that is wrong",
        ),
    ],
)
def test_it_loads_whatever_was_said_and_seen(opened: Case, told: Answer) -> None:
    route = route_of(proposed(opened, told))

    assert route.policy is not None
    assert route.policy.upstream_cors == "strip"


def test_it_allows_the_origins_that_were_given_and_no_other() -> None:
    told = answer(allow_origin="*", allow_credentials="true")

    policy = route_of(proposed(case(APP, OTHER), told)).policy

    assert policy is not None
    assert policy.settings.allow_origins == (APP, OTHER)


def test_cookies_are_allowed_only_if_they_were_asked_for() -> None:
    told = answer(allow_origin=APP, allow_credentials="true")

    asked, unasked = proposed(case(APP, credentials=True), told), proposed(case(APP), told)

    assert "    allowCredentials: true\n" in asked
    assert (
        "    allowCredentials: false  # true, if the page sends cookies: the API allows it\n"
        in unasked
    )
    assert "# true" not in proposed(case(APP), answer())
    for text, is_allowed in ((asked, True), (unasked, False)):
        policy = route_of(text).policy
        assert policy is not None
        assert policy.settings.allow_credentials is is_allowed


def test_what_only_a_stranger_was_told_is_not_proposed() -> None:
    class TwoFaced(Server):
        def answer(self, method: str, target: str, origin: str | None) -> Answer | None:
            if origin in {None, APP}:
                return answer(allow_origin=APP)
            return answer(allow_origin=origin or "", allow_methods="DELETE", allow_headers="X-Root")

    text = proposed(case(APP, method="PUT"), server=TwoFaced())

    assert "allowMethods: [GET, HEAD, POST, PUT]" in text
    assert "X-Root" not in text
    route_of(text)


def test_names_that_no_person_would_write_are_left_out() -> None:
    told = answer(
        allow_methods="PROPFIND, M-SEARCH, PATCH", allow_headers=f"X-#, {'x' * 65}, X-{'a' * 62}"
    )
    opened = case(APP, headers=((b"X-" + b"b" * 1200, b"v"),))

    policy = route_of(proposed(opened, told)).policy

    assert policy is not None
    assert policy.settings.allow_methods == ("GET", "HEAD", "POST", "PATCH")
    assert policy.settings.allow_headers == ("Content-Type", "X-Requested-With", f"X-{'a' * 62}")


def test_what_stands_for_the_page_is_marked() -> None:
    assert "allowOrigins:  # the origins of your pages in its place\n" in proposed(case())
    assert "allowOrigins:\n" in proposed(case(APP))


def test_it_lists_what_was_seen() -> None:
    told = Answer(
        401,
        (
            *answer(allow_methods="GET, DELETE", allow_headers="accept, X-Trace").fields,
            (b"Allow", b"PATCH, OPTIONS"),
            (b"WWW-Authenticate", b"Bearer"),
            (b"Access-Control-Expose-Headers", b"X-Page"),
            (b"X-Total-Count", b"1"),
            (b"x-total-count", b"1"),
            (b"X-Powered-By", b"hands"),
            (b"X-Frame-Options", b"DENY"),
            (b"Server", b"x"),
            (b"ETag", b'"1"'),
        ),
    )

    policy = route_of(proposed(case(APP, method="put"), told)).policy

    assert policy is not None
    settings = policy.settings
    assert settings.allow_methods == ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
    assert settings.allow_headers == (
        *("Content-Type", "X-Requested-With", "Authorization", "X-Trace"),
    )
    assert settings.expose_headers == ("X-Page", "X-Total-Count", "ETag")
    assert not settings.allow_credentials


def test_a_list_of_nothing_is_left_out() -> None:
    silent = proposed(case(APP), answer())
    policy = route_of(silent).policy

    assert "exposeHeaders" not in silent
    assert policy is not None
    assert policy.settings.expose_headers == ()
    assert "    exposeHeaders: [ETag]\n    allow" in proposed(case(APP), answer(ETag='"1"'))


def test_no_list_is_longer_than_a_person_reads() -> None:
    names = ", ".join(f"X-{number}" for number in range(1000))

    policy = route_of(proposed(case(APP), answer(allow_headers=names))).policy

    assert policy is not None
    assert len(policy.settings.allow_headers) == 20


def test_a_token_and_a_query_stay_out_of_it() -> None:
    opened = case(
        APP, url="https://api.example.com/a?key=secret", headers=((b"Authorization", b"secret"),)
    )

    assert "secret" not in proposed(opened)


@pytest.mark.parametrize(
    "url, written",
    [
        pytest.param("http://legacy:5000/a", "    upstream: http://legacy:5000\n", id="a service"),
        pytest.param("http://10.1.2.3/", "    upstream: http://10.1.2.3\n", id="an address"),
        pytest.param(
            "https://API.example.com:443/a",
            "    upstream:\n      url: https://api.example.com\n      host: upstream\n",
            id="a name of the Internet's",
        ),
    ],
)
def test_where_the_api_is(url: str, written: str) -> None:
    text = proposed(case("http://localhost:3000", url=url))

    assert written in text
    route_of(text)


def test_an_api_that_refuses_origins_gets_none() -> None:
    class Refusing(Server):
        def answer(self, method: str, target: str, origin: str | None) -> Answer | None:
            return answer(403 if origin else 200)

    text = proposed(case(APP), server=Refusing())

    assert "      origin: drop\n" in text
    route_of(text)


@pytest.mark.parametrize("credentials", [True, False])
def test_cookies_that_would_stay_home_are_changed_and_guarded(credentials: bool) -> None:
    told = answer(**{"Set-Cookie": "sid=1"})
    opened = case("https://app.example.org", credentials=credentials)

    text = proposed(opened, told)

    assert ("    cookies: {secure: add, sameSite: None}\n" in text) is credentials
    assert ("    csrfGuard: true\n" in text) is credentials
    route_of(text)


def test_an_api_that_redirects_has_its_redirects_rewritten() -> None:
    text = proposed(case(APP), answer(308, Location="/orders/"))

    assert "    redirects: rewrite\n" in text
    route_of(text)


def test_no_line_of_it_ends_in_spaces() -> None:
    assert not re.search(r" $|\n\n\n", proposed(case(), answer()), re.MULTILINE)
