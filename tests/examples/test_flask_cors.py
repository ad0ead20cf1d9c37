"""An API that uses the real Flask-CORS: what its decorators leave out, let in and leak, and what is left of that."""

import pytest

from tests.examples.server_log import ServerLog
from tests.examples.stacks import Stack
from tests.examples.visitors import FAILED, NO_ALLOW_ORIGIN, Visitor
from tests.examples.wire import cors_lines

pytestmark = pytest.mark.chromium

EXAMPLE = "flask-cors"
CREDENTIALS_NOT_ALLOWED = (
    "The value of the 'Access-Control-Allow-Credentials' header in the response is '' "
    "which must be 'true' when the request's credentials mode is 'include'."
)
CARD = "4929 1234 5678 9012"
READ_BY_THE_ATTACKER = ["GET /account 200", "GET /books 200", "GET /partners/stock 200"]


def shop(it: Stack, api: str) -> str:
    return f"{it.url('page')}/?api={it.url(api)}"


def partner(it: Stack, api: str) -> str:
    return f"{it.url('page', 'partner.localhost')}/partner.html?api={it.url(api)}"


def attack(it: Stack, api: str) -> str:
    return f"{it.url('attacker', 'evil.localhost')}/?api={it.url(api)}"


class TestTheShopsOwnPage:
    def test_without_the_gateway_it_gets_only_what_the_decorators_happen_to_cover(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(shop(it, "api"))

        assert set(seen.answered) == {"login", "account"}
        assert set(seen.refused) == {"books", "missing", "orders"}
        assert set(seen.refused.values()) == {FAILED}
        assert seen.cors_errors() == [CREDENTIALS_NOT_ALLOWED, NO_ALLOW_ORIGIN, NO_ALLOW_ORIGIN]
        assert log.news() == [
            "OPTIONS /login 200",
            "POST /login 200",
            "GET /account 200",
            "GET /books 200",
            "GET /books/99 404",
            "GET /orders 200",
        ]

    def test_through_the_gateway_it_gets_every_answer(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(shop(it, "gateway"))

        assert seen.refused == {}
        assert seen.cors_errors() == []
        assert CARD in seen.answered["account"]
        assert seen.answered["books"] == '200 (3 in all) ["Emma","Dracula","Ulysses"]'
        assert seen.answered["missing"].startswith("404 <!doctype html>")
        assert seen.answered["orders"] == '200 [{"book":1,"count":2}]'
        assert log.news() == [
            "POST /login 200",
            "GET /account 200",
            "GET /books 200",
            "GET /books/99 404",
            "GET /orders 200",
        ]


class TestAHostilePage:
    def test_without_the_gateway_it_reads_the_account_of_who_visits_it(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        visitor.opens(shop(it, "api"))
        log.news()

        seen = visitor.opens(attack(it, "api"))

        assert CARD in seen.answered["account"]
        assert "Emma" in seen.answered["books"]
        assert seen.refused == {"stock": FAILED}
        assert log.news() == READ_BY_THE_ATTACKER

    def test_through_the_gateway_it_reads_nothing(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        visitor.opens(shop(it, "gateway"))
        log.news()

        seen = visitor.opens(attack(it, "gateway"))

        assert seen.answered == {}
        assert set(seen.refused) == {"account", "books", "stock"}
        assert seen.cors_errors() == [NO_ALLOW_ORIGIN] * 3
        # The API was asked, with the visitor's cookie. Only the answer does not reach the page.
        assert log.news() == READ_BY_THE_ATTACKER


class TestAnApiThatKnowsBetterForSomeOfItsPaths:
    """``upstreamCors: fallback`` and ``preflight: forward``."""

    @pytest.mark.parametrize("way", ["api", "gateway"])
    def test_a_page_that_the_api_allows_works_with_the_gateway_as_without(
        self, it: Stack, visitor: Visitor, log: ServerLog, way: str
    ) -> None:
        seen = visitor.opens(partner(it, way))

        assert seen.answered["stock"].startswith('200 {"1":12')
        assert seen.answered["count"] == '200 {"2":2}'
        assert set(seen.refused) == {"account"}
        assert log.news() == [
            "GET /partners/stock 200",
            "OPTIONS /partners/stock/2 200",
            "PUT /partners/stock/2 200",
            "GET /account 401",
        ]

    @pytest.mark.parametrize(
        "way, seen",
        [
            pytest.param("api", FAILED, id="without the gateway"),
            pytest.param("gateway", '["Closed on Monday"]\n', id="through it"),
        ],
    )
    def test_where_it_says_nothing_the_policy_stands_in(
        self, it: Stack, visitor: Visitor, log: ServerLog, way: str, seen: str
    ) -> None:
        assert self.news_as_the_shop_sees_it(it, visitor, it.url(way)) == seen
        assert log.news() == ["GET /partners/news 200"]

    def news_as_the_shop_sees_it(self, it: Stack, visitor: Visitor, api: str) -> str:
        page = visitor.context.new_page()
        # On the shop's origin, and nothing there calls of its own accord.
        page.goto(f"{it.url('page')}/style.css")
        found: str = page.evaluate(
            """url => fetch(url).then(response => response.text(), String)""",
            f"{api}/partners/news",
        )
        page.close()
        return found


PATHS = ["/books", "/books/99", "/account", "/orders", "/nowhere"]
METHODS = ["GET", "HEAD", "OPTIONS", "DELETE"]
OURS = [
    ("access-control-allow-credentials", "true"),
    ("access-control-allow-origin", "{page}"),
    ("access-control-expose-headers", "X-Total-Count"),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
class TestOnTheWire:
    """Line by line, for every kind of view: with the defaults, with credentials, without a decorator."""

    def test_our_page_gets_the_policys_lines_once_each_and_no_other(
        self, it: Stack, method: str, path: str
    ) -> None:
        lines = cors_lines(it, "gateway", method, path, {"Origin": it.url("page")})

        *cors, vary = sorted(lines)
        assert cors == [(name, value.format(page=it.url("page"))) for name, value in OURS]
        assert vary[0] == "vary"
        assert vary[1].split(", ").count("Origin") == 1

    @pytest.mark.parametrize("origin", ["http://evil.localhost:4000", "null", "", None])
    def test_nobody_else_gets_a_line_of_the_api(
        self, it: Stack, method: str, path: str, origin: str | None
    ) -> None:
        headers = {} if origin is None else {"Origin": origin}

        ((name, value),) = cors_lines(it, "gateway", method, path, headers)

        assert (name, value.split(", ").count("Origin")) == ("vary", 1)


@pytest.mark.parametrize(
    "path, leaked",
    [
        pytest.param("/books", "http://evil.localhost:4000", id="with the default settings"),
        pytest.param("/account", None, id="with an error, whatever the settings"),
    ],
)
def test_what_the_api_itself_says_to_anybody(it: Stack, path: str, leaked: str | None) -> None:
    """That there is something to leak: without it the tests above would show nothing."""
    lines = cors_lines(it, "api", "GET", path, {"Origin": "http://evil.localhost:4000"})
    without_origin = cors_lines(it, "api", "GET", path, {})

    assert dict(lines).get("access-control-allow-origin") == leaked
    assert dict(without_origin).get("access-control-allow-origin") == ("*" if leaked else None)


@pytest.mark.parametrize("path", ["/books", "/account", "/orders"])
def test_a_strangers_preflight_is_answered_without_a_word_of_the_apis(
    it: Stack, log: ServerLog, path: str
) -> None:
    asked = {
        "Origin": "http://evil.localhost:4000",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }

    lines = cors_lines(it, "gateway", "OPTIONS", path, asked)

    assert [name for name, _ in lines] == ["vary"]
    assert log.news() == []


@pytest.mark.parametrize(
    "path, origin, granted",
    [
        pytest.param("/partners/stock", "partner", "partner", id="the API's own word comes first"),
        pytest.param("/partners/stock", "page", "page", id="the policy adds to it"),
        pytest.param("/partners/news", "page", "page", id="the policy where there is none"),
        pytest.param("/partners/nowhere", "page", "page", id="the policy on errors"),
        pytest.param("/partners/news", "partner", None, id="no word, no entry"),
        pytest.param("/partners/news", "evil", None, id="a stranger"),
    ],
)
def test_with_fallback_there_is_one_allow_origin_or_none(
    it: Stack, path: str, origin: str, granted: str | None
) -> None:
    origins = {
        "page": it.url("page"),
        "partner": it.url("page", "partner.localhost"),
        "evil": it.url("attacker", "evil.localhost"),
    }

    lines = cors_lines(it, "gateway", "GET", path, {"Origin": origins[origin]})

    values = [value for name, value in lines if name == "access-control-allow-origin"]
    assert values == ([origins[granted]] if granted else [])
    assert [value for name, value in lines if name == "vary"] == ["Origin"]
