"""A page that nobody named acts as the user of an API without a defence; behind the gateway it does not.

What the API has been asked is its own count, read from it directly. All ports of a host share their
cookies, so somebody who has logged in by the gateway is logged in at the API itself.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from time import monotonic, sleep
from urllib.request import urlopen

import pytest

from tests.browser.pages import (
    BOTH,
    FIREFOX,
    LONGEST_WAIT,
    Browser,
    Page,
    running_browser,
    wait_until,
)
from tests.examples.stacks import Stack

EXAMPLE = "csrf-and-websocket-hijacking"
API_HOST = "api.bank.localhost"
OWN_PAGE = "app.bank.localhost"
NEIGHBOUR = "blog.bank.localhost"
"""Another host of the API's own site: its requests carry every cookie."""
STRANGER = "evil.localhost"
SECRET = "for ada only: your new PIN is 4711"
SENT = {"form": "sent", "fetch": "sent", "image": "sent"}
PRIZE = 100
LOG_IN = """() => fetch("/login", {method: "POST", body: new FormData(document.querySelector("form"))})
    .then((answer) => answer.status)"""
SAW = """() => Object.fromEntries([...document.querySelectorAll("#calls [id]")]
    .map((item) => [item.id, item.querySelector(".saw").textContent]))"""


@dataclass(frozen=True)
class Bank:
    """The stack, and what its parts have been asked."""

    stack: Stack
    seen: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def asked(self, number: int = 0) -> list[str]:
        """Wait for so many requests, and return what the APIs were asked since this was called."""
        return self._gather("api", number, self._hits)

    def refused(self, number: int) -> list[str]:
        """Wait for so many refusals of the gateway, and return them."""
        return self._gather("gateway", number, self._refusals)

    def _gather(self, name: str, number: int, read: Callable[[], list[str]]) -> list[str]:
        deadline = monotonic() + LONGEST_WAIT
        while (fresh := Counter(read()) - self.seen[name]).total() < number:
            assert monotonic() < deadline, f"{name} saw only {fresh}"
            sleep(0.05)
        self.seen[name] += fresh
        return sorted(fresh.elements())

    def _hits(self) -> list[str]:
        hits: list[str] = []
        for process in ("api", "live"):
            with urlopen(f"{self.stack.url(process, '127.0.0.1')}/hits") as answer:
                hits += json.load(answer)
        return [hit for hit in hits if "favicon" not in hit]

    def _refusals(self) -> list[str]:
        lines = [json.loads(line) for line in self.stack.lines("gateway") if line.startswith("{")]
        return [
            f"{line['http.request.method']} {line['url.path']} {line['http.response.status_code']}"
            for line in lines
            if line["msg"] == "access"
            and line["http.response.status_code"] >= HTTPStatus.BAD_REQUEST
            and "favicon" not in line["url.path"]
        ]

    def straight(self, page: str, host: str) -> str:
        """Return the address of a page that calls the API itself."""
        api = self.stack.url("api", API_HOST)
        live = f"{self.stack.url('live', API_HOST).replace('http', 'ws')}/live"
        return f"{self.stack.url(page, host)}/?api={api}&live={live}"

    def through(self, page: str, host: str) -> str:
        """Return the address of a page that calls the gateway."""
        return f"{self.stack.url(page, host)}/?api={self.stack.url('gateway', API_HOST)}"


@dataclass(frozen=True)
class Person:
    """Somebody with a browser."""

    page: Page
    bank: Bank

    def logs_in(self, process: str) -> None:
        """Send the API's own form."""
        self.page.goto(f"{self.bank.stack.url(process, API_HOST)}/login")
        assert self.page.evaluate(LOG_IN) == 200

    def opens(self, address: str) -> dict[str, str]:
        """Open a page and return what it shows of its calls."""
        self.page.goto(address)
        wait_until(self.page, "document.body.dataset.state === 'done'")
        return dict(self.page.evaluate(SAW))

    def claims_the_prize(self) -> None:
        """Press the button of the attacking page."""
        self.page.evaluate("() => document.querySelector('#prize button').click()")

    def balance(self) -> int:
        """Look at the account, at the API itself."""
        self.page.goto(f"{self.bank.stack.url('api', API_HOST)}/login")
        account = self.page.evaluate("fetch('/account').then((answer) => answer.json())")
        return int(account["balance"])


@pytest.fixture(scope="module", params=BOTH)
def browser_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def browser(browser_name: str) -> Iterator[Browser]:
    with running_browser(browser_name) as running:
        yield running


@pytest.fixture
def bank(it: Stack) -> Bank:
    return Bank(it)


@pytest.fixture
def ada(browser: Browser, bank: Bank) -> Iterator[Person]:
    """A user whose browser knows nothing yet."""
    with browser.new_context() as context:
        yield Person(context.new_page(), bank)


def test_without_the_gateway_a_neighbours_page_acts_as_whoever_is_logged_in(
    ada: Person, bank: Bank
) -> None:
    ada.logs_in("api")
    balance = ada.balance()
    bank.asked()

    saw = ada.opens(bank.straight("attacker", NEIGHBOUR))

    assert saw == {**SENT, "socket": f"read: {SECRET}"}
    assert bank.asked(4) == ["GET /live", "GET /transfer", "POST /transfer", "POST /transfer"]
    assert balance - ada.balance() == 3 * PRIZE


def test_without_the_gateway_a_button_of_any_site_pays(
    ada: Person, bank: Bank, browser_name: str
) -> None:
    """A cookie that says nothing of SameSite: Chromium sends it with a form only while it is fresh.

    From calls within the page, of another site, both keep it. They are asked for all the same.
    """
    ada.logs_in("api")
    balance = ada.balance()
    bank.asked()
    saw = ada.opens(bank.straight("attacker", STRANGER))
    assert saw == {**SENT, "socket": "refused"}
    assert bank.asked(4) == ["GET /live", "GET /transfer", "POST /transfer", "POST /transfer"]
    assert ada.balance() == balance
    bank.asked()
    ada.opens(bank.straight("attacker", STRANGER))

    ada.claims_the_prize()

    assert bank.asked(5).count("POST /transfer") == 3
    if browser_name == FIREFOX:
        assert balance - ada.balance() == PRIZE


@pytest.mark.parametrize("host", [NEIGHBOUR, STRANGER])
def test_behind_the_gateway_the_api_is_not_asked_at_all(ada: Person, bank: Bank, host: str) -> None:
    ada.logs_in("gateway")
    balance = ada.balance()
    bank.asked()
    bank.refused(0)

    saw = ada.opens(bank.through("attacker", host))

    assert saw == {**SENT, "socket": "refused"}
    assert bank.refused(4) == [
        *["GET /live 403", "GET /transfer 405"],
        *["POST /transfer 403", "POST /transfer 403"],
    ]
    ada.claims_the_prize()
    assert bank.refused(1) == ["POST /transfer 403"]
    assert bank.asked() == []
    assert ada.balance() == balance


def test_the_own_page_works_behind_the_gateway_and_only_there(ada: Person, bank: Bank) -> None:
    straight = ada.opens(bank.straight("page", OWN_PAGE))
    bank.asked()

    through = ada.opens(bank.through("page", OWN_PAGE))

    assert not [name for name, saw in straight.items() if saw.startswith("200")]
    assert through.pop("notice") == SECRET
    answers = {name: json.loads(saw.removeprefix("200 ")) for name, saw in through.items()}
    assert [answers[name]["user"] for name in ("login", "account", "bill")] == ["ada"] * 3
    assert answers["account"]["balance"] - answers["bill"]["balance"] == 1
    assert bank.asked(4) == ["GET /account", "GET /live", "POST /login", "POST /transfer"]
