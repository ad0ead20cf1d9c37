"""A page that nobody named acts as the user of an API without a defence; behind the gateway it does not.

What the API has been asked is its own count, read from it directly. All ports of a host share their
cookies, so somebody who has logged in by the gateway is logged in at the API itself.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from time import monotonic, sleep
from urllib.request import urlopen

import pytest

from tests.browser.pages import (
    BOTH,
    LONGEST_WAIT,
    Browser,
    Page,
    running_browser,
    wait_until,
)
from tests.examples.stacks import Stack
from tests.peers.processes import gateway

EXAMPLE = "csrf-and-websocket-hijacking"
API_HOST = "api.bank.localhost"
OWN_PAGE = "app.bank.localhost"
NEIGHBOUR = "blog.bank.localhost"
"""Another host of the API's own site: its requests carry every cookie."""
STRANGER = "evil.localhost"
SECRET = "for ada only: your new PIN is 4711"
SENT = {"form": "sent", "fetch": "sent", "image": "sent", "read": "no answer for this page"}
ATTACKS = ["GET /account", "GET /live", "GET /transfer", "POST /transfer", "POST /transfer"]
PRIZE = 100
CSRF_GUARD = "    csrfGuard: true               # no change for a page that is not named\n"
BLOCK = "    onDisallowedOrigin: block     # nor anything else that names such a page's origin\n"
LOG_IN = """() => fetch("/login", {method: "POST", body: new FormData(document.querySelector("form"))})
    .then((answer) => answer.status)"""
SAW = """() => Object.fromEntries([...document.querySelectorAll("#calls [id]")]
    .map((item) => [item.id, item.querySelector(".saw").textContent]))"""


class Heard:
    """Lines that somebody else writes, each of them told once."""

    def __init__(self, read: Callable[[], list[str]]) -> None:
        self._read = read
        self._seen = Counter(read())

    def news(self, number: int = 0) -> list[str]:
        """Wait for so many lines, and return in order of the alphabet what has not been told."""
        deadline = monotonic() + LONGEST_WAIT
        while (fresh := Counter(self._read()) - self._seen).total() < number:
            assert monotonic() < deadline, f"there is only {fresh}"
            sleep(0.05)
        self._seen += fresh
        return sorted(fresh.elements())


@dataclass(frozen=True)
class Gate:
    """A gateway in front of the bank."""

    port: int
    printed: Callable[[], Sequence[str]]
    """Its log so far."""

    @property
    def url(self) -> str:
        return f"http://{API_HOST}:{self.port}"

    def denials(self) -> list[str]:
        """Return what it has answered with an error or denied to a page, each with the reason."""
        lines = [json.loads(line) for line in self.printed() if line.startswith("{")]
        return [
            f"{line['http.request.method']} {line['url.path']}"
            f" {line['http.response.status_code']} {line.get('cors.reason', '-')}"
            for line in lines
            if line["msg"] == "access"
            and "favicon" not in line["url.path"]
            and (line["http.response.status_code"] >= 400 or line.get("cors.decision") == "denied")
        ]


@dataclass(frozen=True)
class Bank:
    """The stack, and what its APIs are asked."""

    stack: Stack

    @property
    def api(self) -> str:
        return self.stack.url("api", API_HOST)

    def hits(self) -> list[str]:
        """Return what the APIs have counted."""
        hits: list[str] = []
        for process in ("api", "live"):
            with urlopen(f"{self.stack.url(process, '127.0.0.1')}/hits") as answer:
                hits += json.load(answer)
        return [hit for hit in hits if "favicon" not in hit]

    def straight(self, page: str, host: str) -> str:
        """Return the address of a page that calls the API itself."""
        live = f"{self.stack.url('live', API_HOST).replace('http', 'ws')}/live"
        return f"{self.stack.url(page, host)}/?api={self.api}&live={live}"

    def through(self, gate: Gate, page: str, host: str) -> str:
        """Return the address of a page that calls a gateway."""
        return f"{self.stack.url(page, host)}/?api={gate.url}"


@dataclass(frozen=True)
class Person:
    """Somebody with a browser."""

    page: Page
    bank: Bank

    def logs_in(self, address: str) -> None:
        """Send the API's own form, in a page of its own."""
        page = self.page.context.new_page()
        page.goto(f"{address}/login")
        assert page.evaluate(LOG_IN) == 200
        page.close()

    def opens(self, address: str) -> dict[str, str]:
        """Open a page and return what it shows of its calls."""
        self.page.goto(address)
        wait_until(self.page, "document.body.dataset.state === 'done'")
        return dict(self.page.evaluate(SAW))

    def claims_the_prize(self) -> None:
        """Press the button of the attacking page."""
        self.page.evaluate("() => document.querySelector('#prize button').click()")

    def balance(self) -> int:
        """Look at the account, at the API itself; in a page of its own, for the other may be moving."""
        page = self.page.context.new_page()
        page.goto(f"{self.bank.api}/login")
        account = page.evaluate("fetch('/account').then((answer) => answer.json())")
        page.close()
        return int(account["balance"])

    def balance_other_than(self, before: int) -> int:
        """Look until the bank has carried out what it has counted."""
        deadline = monotonic() + LONGEST_WAIT
        while (balance := self.balance()) == before:
            assert monotonic() < deadline, "nothing was paid"
            sleep(0.05)
        return balance


@pytest.fixture(scope="module", params=BOTH)
def browser_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def browser(browser_name: str) -> Iterator[Browser]:
    with running_browser(browser_name) as running:
        yield running


@pytest.fixture(scope="module")
def gates(it: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Gate]]:
    """The example's gateway, and two that lack a line of its configuration each."""
    found = {"both": Gate(it.port("GATEWAY_PORT"), partial(it.lines, "gateway"))}
    with ExitStack() as running:
        for name, line in {"csrfGuard": BLOCK, "block": CSRF_GUARD}.items():
            folder = tmp_path_factory.mktemp(name)
            started = running.enter_context(gateway(folder, it.configuration({line: ""})))
            found[name] = Gate(started.port, partial(tuple, started.printed))
        yield found


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
    ada.logs_in(bank.api)
    balance = ada.balance()
    asked = Heard(bank.hits)

    saw = ada.opens(bank.straight("attacker", NEIGHBOUR))

    assert saw == {**SENT, "socket": f"read: {SECRET}"}
    assert asked.news(5) == ATTACKS
    assert balance - ada.balance() == 3 * PRIZE


def test_without_the_gateway_calls_within_a_page_of_another_site_arrive_without_the_login(
    ada: Person, bank: Bank
) -> None:
    """Both browsers keep a cookie that says nothing of SameSite; the API is asked all the same."""
    ada.logs_in(bank.api)
    balance = ada.balance()
    asked = Heard(bank.hits)

    saw = ada.opens(bank.straight("attacker", STRANGER))

    assert saw == {**SENT, "socket": "refused"}
    assert asked.news(5) == ATTACKS
    assert ada.balance() == balance


def test_without_the_gateway_a_button_of_any_site_pays_for_whoever_has_just_logged_in(
    ada: Person, bank: Bank
) -> None:
    """Firefox sends such a cookie with a form however old it is, Chromium for two minutes."""
    ada.logs_in(bank.api)
    balance = ada.balance()
    asked = Heard(bank.hits)
    ada.opens(bank.straight("attacker", STRANGER))
    # The form's hit may come after the page is done.
    assert asked.news(5) == ATTACKS
    ada.logs_in(bank.api)

    ada.claims_the_prize()

    assert asked.news(3) == ["GET /login", "POST /login", "POST /transfer"]
    assert balance - ada.balance_other_than(balance) == PRIZE


@pytest.mark.parametrize("host, arrives", [(NEIGHBOUR, 200), (STRANGER, 401)])
@pytest.mark.parametrize(
    "lines, reason, may_ask",
    [
        pytest.param("csrfGuard", "csrf", True, id="csrfGuard alone"),
        pytest.param("block", "origin-not-allowed", False, id="block alone"),
        pytest.param("both", "origin-not-allowed", False, id="both"),
    ],
)
def test_behind_the_gateway_no_attack_is_passed_on(
    ada: Person,
    bank: Bank,
    gates: dict[str, Gate],
    lines: str,
    reason: str,
    may_ask: bool,
    host: str,
    arrives: int,
) -> None:
    """``csrfGuard`` alone lets a page ask for what changes nothing, and it cannot read the answer."""
    gate = gates[lines]
    ada.logs_in(gate.url)
    balance = ada.balance()
    asked, denied = Heard(bank.hits), Heard(gate.denials)

    saw = ada.opens(bank.through(gate, "attacker", host))

    assert saw == {**SENT, "socket": "refused"}
    assert denied.news(5) == [
        f"GET /account {arrives if may_ask else 403} origin-not-allowed",
        "GET /live 403 origin-not-allowed",
        "GET /transfer 405 no-origin",
        *[f"POST /transfer 403 {reason}"] * 2,
    ]
    ada.claims_the_prize()
    assert denied.news(1) == [f"POST /transfer 403 {reason}"]
    assert asked.news() == (["GET /account"] if may_ask else [])
    assert ada.balance() == balance


def test_the_own_page_works_behind_the_gateway_and_only_there(
    ada: Person, bank: Bank, gates: dict[str, Gate]
) -> None:
    straight = ada.opens(bank.straight("page", OWN_PAGE))
    asked, denied = Heard(bank.hits), Heard(gates["both"].denials)

    through = ada.opens(bank.through(gates["both"], "page", OWN_PAGE))

    assert not [name for name, saw in straight.items() if saw.startswith("200")]
    assert through.pop("notice") == SECRET
    answers = {name: json.loads(saw.removeprefix("200 ")) for name, saw in through.items()}
    assert [answers[name]["user"] for name in ("login", "account", "bill")] == ["ada"] * 3
    assert answers["account"]["balance"] - answers["bill"]["balance"] == 1
    assert asked.news(4) == ["GET /account", "GET /live", "POST /login", "POST /transfer"]
    assert denied.news() == []
