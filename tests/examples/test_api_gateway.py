"""Two applications, Amazon API Gateway, and an API: Amazon alone, and the gateway on either side of it.

Amazon is the example's stand-in; ``test_amazon_stand_in.py`` holds that to its documentation. What
a page calls stands in its own address, and what the API has heard in werkzeug's log.
"""

import http.client
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPMessage
from pathlib import Path

import pytest

from tests.examples.server_log import ServerLog
from tests.examples.stacks import EXAMPLES, Stack
from tests.examples.visitors import FAILED, IN_PREFLIGHT, NO_ALLOW_ORIGIN, Seen, Visitor
from tests.peers.processes import GATEWAY_LISTENS, gateway, running

pytestmark = pytest.mark.chromium

EXAMPLE = "api-gateway"
AMAZON_LISTENS = re.compile(r"listening on (\S+)")
CALLS = {"orders", "again", "send"}
QUESTIONS = ["OPTIONS /orders 200", "OPTIONS /orders 200", "OPTIONS /orders/1 200"]
WORK = ["GET /orders 200", "GET /orders 200", "PUT /orders/1 200"]

PASSING = """\
[methods.ANY]
authorizer = true
integration = "HTTP_PROXY"

[methods.OPTIONS]
integration = "HTTP_PROXY"
"""

APPS = pytest.mark.parametrize("app", ["shop.localhost", "admin.localhost"])
EITHER_SIDE = pytest.mark.parametrize(
    "process, host",
    [
        pytest.param("amazon", "localhost", id="behind Amazon"),
        pytest.param("gateway", "api.localhost", id="in front of Amazon"),
    ],
)


def page(it: Stack, app: str, api: str, token: str = "token-of-ann") -> str:
    return f"{it.url('page', app)}/?api={api}&token={token}"


def ask(url: str, method: str = "GET", **fields: str) -> tuple[int, HTTPMessage]:
    """Ask as a program does, with these header fields alone; ``_`` stands for ``-``."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    connection.request(method, "/orders", headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers


def vary_of(headers: HTTPMessage) -> set[str]:
    return {name for line in headers.get_all("Vary", []) for name in line.split(", ")}


def assert_that_all_was_answered(seen: Seen) -> None:
    assert seen.refused == {}
    assert seen.cors_errors() == []
    assert seen.answered.keys() == CALLS
    assert '"visits":1' in seen.answered["orders"]
    assert '"visits":2' in seen.answered["again"], "the cookie was lost on the way"
    assert '"state":"sent"' in seen.answered["send"]


class TestAmazonAlone:
    def test_the_app_that_amazon_names_may_ask_and_may_not_read(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(page(it, "shop.localhost", it.url("alone")))

        assert seen.refused == dict.fromkeys(CALLS, FAILED)
        assert seen.cors_errors() == [NO_ALLOW_ORIGIN] * 3
        # The API has done it all; only the page does not get to know.
        assert log.news() == WORK

    def test_the_other_app_is_refused_before_anything_is_sent(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(page(it, "admin.localhost", it.url("alone")))

        shop = it.url("page", "shop.localhost")
        sentence = (
            f"{IN_PREFLIGHT}The 'Access-Control-Allow-Origin' header has a value '{shop}' that is "
            "not equal to the supplied origin. Have the server send the header with a valid value."
        )
        assert seen.refused == dict.fromkeys(CALLS, FAILED)
        assert seen.cors_errors() == [sentence] * 3
        assert log.news() == []


@EITHER_SIDE
class TestTheGatewayOnEitherSide:
    @APPS
    def test_both_apps_work_and_keep_their_cookies(
        self, process: str, host: str, app: str, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(page(it, app, it.url(process, host)))

        assert_that_all_was_answered(seen)
        assert log.news() == WORK

    def test_a_stranger_reads_and_changes_nothing(
        self, process: str, host: str, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(page(it, "stranger.localhost", it.url(process, host)))

        assert seen.refused == dict.fromkeys(CALLS, FAILED)
        assert seen.cors_errors() == [IN_PREFLIGHT + NO_ALLOW_ORIGIN] * 3
        # Whose Origin was only guessed is not refused: there, the API itself is asked.
        assert log.news() == (QUESTIONS if process == "amazon" else [])


class TestWhatAmazonRefusesItself:
    def test_behind_it_the_page_does_not_learn_why(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(page(it, "shop.localhost", it.url("amazon"), "wrong"))

        assert seen.refused == dict.fromkeys(CALLS, FAILED)
        assert seen.cors_errors() == [NO_ALLOW_ORIGIN] * 3
        assert log.news() == []

    def test_in_front_of_it_the_page_reads_the_status_and_the_text(
        self, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        url = it.url("gateway", "api.localhost")
        seen = visitor.opens(page(it, "shop.localhost", url, "wrong"))

        said = '403 {"Message": "User is not authorized to access this resource"}'
        assert seen.answered == dict.fromkeys(CALLS, said)
        assert log.news() == []


class TestTheOriginIsFound:
    """What the gateway makes of what an integration sends it."""

    def test_amazon_has_passed_no_origin_on(self, it: Stack, visitor: Visitor) -> None:
        visitor.opens(page(it, "shop.localhost", it.url("amazon")))

        it.wait_for("amazon", "^PUT /orders/1 200 passed on without Origin$")
        assert not any(line.endswith(" passed on") for line in it.lines("amazon"))

    @pytest.mark.parametrize(
        "fields, vary",
        [
            pytest.param({"X_Original_Origin": "{shop}"}, ["X-Original-Origin"], id="its copy"),
            pytest.param(
                {"Referer": "{shop}/orders?a=b"},
                ["X-Original-Origin", "Referer"],
                id="the page's address",
            ),
        ],
    )
    def test_it_is_taken_from_the_first_that_is_there(
        self, fields: Mapping[str, str], vary: list[str], it: Stack
    ) -> None:
        shop = it.url("page", "shop.localhost")
        sent = {name: value.format(shop=shop) for name, value in fields.items()}
        status, headers = ask(it.url("gateway"), **sent)

        assert (status, headers["Access-Control-Allow-Origin"]) == (200, shop)
        assert headers["Access-Control-Allow-Credentials"] == "true"
        assert vary_of(headers) == {"Cookie", "Origin", *vary}

    def test_host_stands_for_a_page_of_that_name_by_https_and_for_no_other(
        self, it: Stack, tmp_path: Path
    ) -> None:
        config = it.configuration()
        shop = it.url("page", "shop.localhost")
        assert config.count(shop) >= 1
        config = config.replace(shop, "https://shop.example.com").partition("\ntests:")[0]
        with gateway(tmp_path, config) as its:
            granted = ask(its.url, Host="shop.example.com")[1]
            with_port = ask(its.url, Host="shop.example.com:8443")[1]
            a_stranger = ask(its.url, Host="shop.example.com.evil.example")[1]

        assert granted["Access-Control-Allow-Origin"] == "https://shop.example.com"
        consulted = {"Origin", "X-Original-Origin", "Referer", "Host"}
        for headers in (granted, with_port, a_stranger):
            assert vary_of(headers) == {"Cookie", *consulted}
        assert "Access-Control-Allow-Origin" not in with_port
        assert "Access-Control-Allow-Origin" not in a_stranger

    def test_what_was_only_found_is_never_a_reason_to_refuse(self, it: Stack) -> None:
        stranger = it.url("page", "stranger.localhost")
        status, headers = ask(it.url("gateway"), X_Original_Origin=stranger)

        assert status == 200
        assert "Access-Control-Allow-Origin" not in headers

    def test_an_origin_that_is_there_is_not_overruled(self, it: Stack) -> None:
        shop, stranger = it.url("page", "shop.localhost"), it.url("page", "stranger.localhost")
        _, headers = ask(it.url("gateway"), Origin=stranger, X_Original_Origin=shop)

        assert "Access-Control-Allow-Origin" not in headers

    def test_a_page_cannot_set_it_for_itself(self, it: Stack, visitor: Visitor) -> None:
        stranger = visitor.context.new_page()
        console: list[str] = []
        stranger.on("console", lambda message: console.append(message.text))
        # From a page without calls of its own, so that the console has this one's sentence only.
        stranger.goto(f"{it.url('page', 'stranger.localhost')}/style.css")
        shop = it.url("page", "shop.localhost")
        learnt = stranger.evaluate(
            """([url, origin]) => fetch(url, {headers: {"X-Original-Origin": origin}})
                .then(answer => answer.status, String)""",
            [f"{it.url('gateway')}/orders", shop],
        )

        assert learnt == FAILED
        assert [line for line in console if IN_PREFLIGHT + NO_ALLOW_ORIGIN in line]


@contextmanager
def amazon(it: Stack, directory: Path, definition: str, to: str) -> Iterator[str]:
    """Set up another API in Amazon, and give its address."""
    file = directory / "api.toml"
    file.write_text(definition, "utf-8")
    argv = [sys.executable, str(it.folder / "amazon.py"), str(file), "--port", "0", "--to", to]
    with running(argv) as program:
        yield program.wait_for(AMAZON_LISTENS)[1]


class TestByTheRefererAlone:
    """A custom integration that knows of no Origin by any name."""

    @pytest.fixture
    def forgetful(self, it: Stack, tmp_path: Path) -> Iterator[str]:
        definition = (it.folder / "behind.toml").read_text("utf-8")
        copy = 'X-Original-Origin = "Origin"'
        assert definition.count(copy) == 2
        without = definition.replace(copy, "").replace('Referer = "Referer"', "")
        without = without.replace(".request]\n", '.request]\nReferer = "Referer"\n')
        with amazon(it, tmp_path, without, it.url("gateway")) as address:
            yield address

    def test_a_browser_sends_it_with_preflights_too(
        self, forgetful: str, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(page(it, "admin.localhost", forgetful))

        assert_that_all_was_answered(seen)
        assert log.news() == WORK

    def test_a_stranger_is_refused(
        self, forgetful: str, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(page(it, "stranger.localhost", forgetful))

        assert seen.refused == dict.fromkeys(CALLS, FAILED)
        assert seen.cors_errors() == [IN_PREFLIGHT + NO_ALLOW_ORIGIN] * 3
        # As there, whose Origin was only guessed is not refused.
        assert log.news() == QUESTIONS


@pytest.fixture(scope="module")
def passing_amazon(it: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Amazon's address, with an integration that leads to a gateway without a file.

    That one is started as the README says, by the origins in the environment.
    """
    readme = (EXAMPLES / EXAMPLE / "README.md").read_text("utf-8")
    (command,) = re.findall(r"^```sh\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    for words, instead in (
        ("127.0.0.1:8080", "127.0.0.1:0"),
        ("cors-gateway proxy", f"exec {sys.executable} -m cors_gateway proxy"),
    ):
        assert words in command
        command = command.replace(words, instead)
    with running(["sh", "-c", it.here(command)]) as ours:
        to = ours.wait_for(GATEWAY_LISTENS)[1]
        with amazon(it, tmp_path_factory.mktemp("amazon"), PASSING, to) as address:
            yield address


class TestWithoutAFile:
    @APPS
    def test_both_apps_work(
        self, app: str, passing_amazon: str, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(page(it, app, passing_amazon))

        assert_that_all_was_answered(seen)
        assert log.news() == WORK

    def test_a_stranger_is_refused(
        self, passing_amazon: str, it: Stack, visitor: Visitor, log: ServerLog
    ) -> None:
        seen = visitor.opens(page(it, "stranger.localhost", passing_amazon))

        assert seen.cors_errors() == [IN_PREFLIGHT + NO_ALLOW_ORIGIN] * 3
        assert log.news() == []
