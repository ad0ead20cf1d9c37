"""Three hand-written ``after_request``: what each breaks and lets in, and that the policy wins."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.examples.server_log import ServerLog
from tests.examples.stacks import Stack
from tests.examples.visitors import IN_PREFLIGHT, NO_ALLOW_ORIGIN, Visitor
from tests.examples.wire import cors_lines
from tests.peers.processes import gateway

pytestmark = pytest.mark.chromium

EXAMPLE = "hand-written-cors"
CARD = "4929 1234 5678 9012"
WILDCARD_WITH_COOKIES = (
    "The value of the 'Access-Control-Allow-Origin' header in the response must not be the "
    "wildcard '*' when the request's credentials mode is 'include'."
)
HOST_IN_PLACE_OF_AN_ORIGIN = (
    "The 'Access-Control-Allow-Origin' header has a value '{host}' that is not equal to the "
    "supplied origin. Have the server send the header with a valid value."
)


def shop(it: Stack, api: str) -> str:
    return f"{it.url('page')}/?api={it.url(api)}"


def attack(it: Stack, api: str, host: str = "evil.localhost") -> str:
    return f"{it.url('attacker', host)}/?api={it.url(api)}"


class TestTheShopsOwnPage:
    def test_without_the_gateway_it_is_refused_where_the_header_is_wrong(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(shop(it, "api"))

        assert set(seen.answered) == {"login", "account"}
        assert set(seen.refused) == {"basket", "put", "orders"}
        assert seen.cors_errors() == [
            WILDCARD_WITH_COOKIES,
            IN_PREFLIGHT + WILDCARD_WITH_COOKIES,
            HOST_IN_PLACE_OF_AN_ORIGIN.format(host=f"localhost:{it.port('PAGE_PORT')}"),
        ]
        assert log.news() == [
            "OPTIONS /login 200",
            "POST /login 200",
            "GET /account 200",
            "GET /basket 200",
            "OPTIONS /basket/coffee 200",
            "GET /orders 200",
        ]

    def test_through_the_gateway_it_gets_every_answer(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(shop(it, "gateway"))

        assert seen.refused == {}
        assert seen.cors_errors() == []
        assert CARD in seen.answered["account"]
        assert seen.answered["put"].startswith('200 {"coffee":2')
        assert seen.answered["orders"] == '200 [{"count":2,"item":"tea"}]'
        assert log.news() == [
            "POST /login 200",
            "GET /account 200",
            "GET /basket 200",
            "PUT /basket/coffee 200",
            "GET /orders 200",
        ]


class TestAHostilePageWhoseNameContainsOurs:
    def test_without_the_gateway_it_reads_and_changes_the_account_of_who_visits_it(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        visitor.opens(shop(it, "api"))
        log.news()

        seen = visitor.opens(attack(it, "api"))

        assert CARD in seen.answered["account"]
        assert "thief@evil.example" in seen.answered["take"]
        assert log.news()[:3] == ["GET /account 200", "OPTIONS /account 200", "PUT /account 200"]
        assert "thief@evil.example" in visitor.opens(shop(it, "api")).answered["account"]

    def test_through_the_gateway_it_gets_nothing_and_the_api_does_not_hear_of_it(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        visitor.opens(shop(it, "gateway"))
        log.news()

        seen = visitor.opens(attack(it, "gateway"))

        assert seen.answered == {}
        assert set(seen.refused) == {"account", "take", "basket"}
        assert seen.cors_errors() == [
            NO_ALLOW_ORIGIN,
            IN_PREFLIGHT + NO_ALLOW_ORIGIN,
            NO_ALLOW_ORIGIN,
        ]
        assert log.news() == []

    @pytest.mark.parametrize("host", ["localhost", "localhost.evil.localhost"])
    def test_no_other_name_that_contains_ours_gets_through_either(
        self, it: Stack, visitor: Visitor, log: ServerLog, host: str
    ) -> None:
        visitor.opens(shop(it, "api"))
        log.news()

        straight = visitor.opens(attack(it, "api", host))
        came_straight = log.news()
        through = visitor.opens(attack(it, "gateway", host))

        assert CARD in straight.answered["account"]
        assert "GET /account 200" in came_straight
        assert through.answered == {}
        assert log.news() == []


PATHS = ["/orders", "/basket", "/account", "/nowhere"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
class TestOnTheWire:
    def test_the_policys_lines_stand_there_once_each_and_none_of_the_apis(
        self, it: Stack, method: str, path: str
    ) -> None:
        lines = cors_lines(it, "gateway", method, path, {"Origin": it.url("page")})

        assert sorted(lines) == [
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-origin", it.url("page")),
            ("vary", dict(lines)["vary"]),
        ]
        assert "Origin" in dict(lines)["vary"].split(", ")

    @pytest.mark.parametrize(
        "origin",
        [
            pytest.param("http://localhost.evil.example", id="ours at the beginning"),
            pytest.param("http://evil.example.localhost", id="ours at the end"),
            pytest.param("localhost:3000", id="a host without a scheme, as the API writes it"),
            pytest.param("http://LOCALHOST:3000", id="no browser writes it so"),
            pytest.param("null", id="null"),
            pytest.param(None, id="no origin"),
        ],
    )
    def test_nobody_else_gets_one(
        self, it: Stack, method: str, path: str, origin: str | None
    ) -> None:
        headers = {} if origin is None else {"Origin": origin}

        lines = cors_lines(it, "gateway", method, path, headers)

        assert [name for name, _ in lines] == ["vary"]


@pytest.mark.parametrize(
    "path, origin, said",
    [
        ("/orders", "http://evil.example", "localhost:{page_port}"),
        ("/basket", "http://evil.example", "*"),
        ("/account", "http://localhost.evil.example", "http://localhost.evil.example"),
        ("/account", "http://evil.example", None),
    ],
)
def test_what_the_api_itself_says(it: Stack, path: str, origin: str, said: str | None) -> None:
    """That there is something to win over: without it the tests above would show nothing."""
    lines = dict(cors_lines(it, "api", "GET", path, {"Origin": origin}))

    expected = said and said.format(page_port=it.port("PAGE_PORT"))
    assert lines.get("access-control-allow-origin") == expected


def doctor(it: Stack, path: str) -> tuple[int, dict[str, Any]]:
    """Have ``doctor`` examine a view for the shop's page, which sends its cookies along."""
    argv = [sys.executable, "-m", "cors_gateway", "doctor", "--json", "--credentials"]
    done = subprocess.run(
        [*argv, "--origin", it.url("page"), it.url("api") + path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, report


class TestDoctor:
    @pytest.mark.parametrize(
        "path, code, kind, what",
        [
            pytest.param(
                "/orders",
                "allow-origin-without-scheme",
                "broken",
                '"localhost:{page_port}"',
                id="a host without a scheme",
            ),
            pytest.param(
                "/basket",
                "wildcard-with-credentials",
                "broken",
                "Access-Control-Allow-Origin is *",
                id="the wildcard with credentials",
            ),
            pytest.param(
                "/account",
                "partial-match",
                "dangerous",
                'http://localhost.attacker.example:{page_port}"',
                id="a substring match of Host",
            ),
        ],
    )
    def test_it_names_each_mistake_by_a_few_safe_requests(
        self, it: Stack, log: ServerLog, path: str, code: str, kind: str, what: str
    ) -> None:
        exit_code, report = doctor(it, path)

        assert (exit_code, report["verdict"]) == (1, "findings")
        (finding,) = [each for each in report["findings"] if each["code"] == code]
        assert finding["kind"] == kind
        assert what.format(page_port=it.port("PAGE_PORT")) in finding["what"]
        arrived = [line.split() for line in log.news()]
        assert [f"{each['method']} {each['target']}" for each in report["requests"]] == [
            f"{method} {target}" for method, target, _ in arrived
        ]
        assert len(arrived) <= 8
        assert {method for method, _, _ in arrived} <= {"GET", "HEAD", "OPTIONS"}

    @pytest.mark.parametrize("path", ["/orders", "/basket", "/account"])
    def test_the_route_that_it_proposes_loads_and_passes_its_own_tests(
        self, it: Stack, tmp_path: Path, path: str
    ) -> None:
        _, report = doctor(it, path)
        file = tmp_path / "cors-gateway.yaml"
        file.write_text(report["configuration"], "utf-8")

        argv = [sys.executable, "-m", "cors_gateway", "validate", "-c", str(file)]
        done = subprocess.run(
            [*argv, "--tests", "--strict"], capture_output=True, text=True, check=False
        )

        assert (done.returncode, done.stderr) == (0, "")

    def test_with_the_route_that_it_proposes_the_shop_works_and_the_attack_does_not(
        self, it: Stack, visitor: Visitor, tmp_path: Path
    ) -> None:
        _, report = doctor(it, "/basket")
        directory = tmp_path / "proposed"
        directory.mkdir()
        listening = 'server: {listen: "127.0.0.1:0"}\n'

        with gateway(directory, listening + report["configuration"]) as proposed:
            api = proposed.url_as("localhost")
            shops = visitor.opens(f"{it.url('page')}/?api={api}")
            attackers = visitor.opens(f"{it.url('attacker', 'evil.localhost')}/?api={api}")

        assert shops.refused == {}
        assert set(shops.answered) == {"login", "account", "basket", "put", "orders"}
        assert attackers.answered == {}
