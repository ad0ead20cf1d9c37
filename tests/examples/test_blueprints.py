"""Five blueprints under five policies: who may what, and that no spelling of a path leads from one to another.

The law, for whatever is asked: an answer that a blueprint has given carries the fields that this
blueprint's policy grants to the origin that asked, whichever route the path seems to belong to.
"""

import json
import socket
from dataclasses import dataclass
from itertools import permutations

import pytest

from tests.examples.server_log import ServerLog
from tests.examples.stacks import Stack
from tests.examples.visitors import Visitor

EXAMPLE = "blueprints"
ASKED = r"^asked: (\w+) ([A-Z]+) (.*)$"
METHODS = ("GET", "PUT", "DELETE")
PATHS = {
    "test": "/test/echo",
    "admin": "/admin/users",
    "site": "/menu",
    "user": "/user/profile",
    "public": "/public/news",
}
PREFIXES = {"test": "/test", "admin": "/admin", "site": "", "user": "/user", "public": "/public"}
HOSTS = {
    "test": "test.localhost",
    "admin": "admin.localhost",
    "site": "localhost",
    "user": "localhost",
    "public": "stranger.localhost",
}
"""Where a page is that may call a blueprint."""
DETOURS_OF_THE_PAGE = {f"detour-{number}" for number in range(8)}
"""The ids of the calls by which the page tries to get to another blueprint."""


@dataclass(frozen=True)
class Promise:
    """What the configuration is meant to say of a blueprint."""

    hosts: frozenset[str]
    """Of the pages that may read; ``*`` for all."""
    methods: tuple[str, ...]
    cookies: bool = False
    blocks: bool = False
    """Whether requests of other pages do not reach the API."""


PROMISES = {
    "test": Promise(frozenset({"test.localhost"}), METHODS, blocks=True),
    "admin": Promise(frozenset({"admin.localhost"}), METHODS, cookies=True, blocks=True),
    "site": Promise(frozenset({"localhost", "admin.localhost"}), ("GET",)),
    "user": Promise(frozenset({"localhost"}), ("GET", "PUT"), cookies=True),
    "public": Promise(frozenset({"*"}), ("GET",)),
}


def granted(blueprint: str, host: str, origin: str) -> dict[str, str]:
    """Return the fields that an answer of a blueprint has to carry for a page."""
    promise = PROMISES[blueprint]
    if "*" in promise.hosts:
        return {"access-control-allow-origin": "*"}
    if host not in promise.hosts:
        return {}
    fields = {"access-control-allow-origin": origin}
    return {**fields, "access-control-allow-credentials": "true"} if promise.cookies else fields


@pytest.fixture
def log(it: Stack) -> ServerLog:
    """What the API writes down from here on: blueprint, method and path."""
    return ServerLog(it, line=ASKED)


def asked(log: ServerLog) -> list[tuple[str, str]]:
    """Return blueprint and method of what the API has been asked since."""
    return [(line.split(" ")[0], line.split(" ")[1]) for line in log.news()]


@pytest.mark.chromium
class TestInTheBrowser:
    @pytest.mark.parametrize("host", sorted(set(HOSTS.values())))
    def test_without_the_gateway_every_page_is_refused_everywhere(
        self, it: Stack, visitor: Visitor, log: ServerLog, host: str
    ) -> None:
        seen = visitor.opens(f"{it.url('page', host)}/?api={it.url('api')}")

        calls = {f"{blueprint}-{method}" for blueprint in PATHS for method in METHODS}
        assert seen.answered == {}
        assert seen.refused == dict.fromkeys(calls | DETOURS_OF_THE_PAGE, "refused")
        # Each GET has arrived and was answered. Of PUT and DELETE only the questions have.
        came = asked(log)
        each = [(name, method) for name in PATHS for method in ("GET", "OPTIONS", "OPTIONS")]
        assert came[: len(each)] == each
        assert [method for _, method in came[len(each) :]] == ["GET"] * len(DETOURS_OF_THE_PAGE)

    @pytest.mark.parametrize("host", sorted(set(HOSTS.values())))
    def test_through_the_gateway_each_page_gets_what_its_policies_say_and_no_more(
        self, it: Stack, visitor: Visitor, log: ServerLog, host: str
    ) -> None:
        seen = visitor.opens(f"{it.url('page', host)}/?api={it.url('gateway')}")

        may = {
            (blueprint, method)
            for blueprint, promise in PROMISES.items()
            for method in promise.methods
            if promise.hosts & {host, "*"}
        }
        calls = {name: saw for name, saw in seen.answered.items() if not name.startswith("detour")}
        assert calls == {f"{blueprint}-{method}": f"200 {blueprint}" for blueprint, method in may}
        # What the API was asked beside that are GETs, which a browser sends without asking first.
        surplus = {(b, "GET") for b, promise in PROMISES.items() if not promise.blocks}
        assert may <= set(asked(log)) | {("nobody", "GET")} <= may | surplus | {("nobody", "GET")}

    @pytest.mark.parametrize("host", ["localhost", "stranger.localhost"])
    def test_no_detour_of_a_page_reaches_the_admins_blueprint(
        self, it: Stack, visitor: Visitor, log: ServerLog, host: str
    ) -> None:
        straight = visitor.opens(f"{it.url('page', host)}/?api={it.url('api')}")
        reached_straight = asked(log).count(("admin", "GET"))
        through = visitor.opens(f"{it.url('page', host)}/?api={it.url('gateway')}")

        assert straight.refused.keys() >= DETOURS_OF_THE_PAGE
        # The plain path, and three detours that this API takes for it.
        assert reached_straight == 4
        assert {saw for name, saw in through.answered.items() if name in DETOURS_OF_THE_PAGE} <= {
            "404 NOT FOUND"
        }
        assert "admin" not in {blueprint for blueprint, _ in asked(log)}


DETOURS = [
    "{home}/../{rest}",
    "{home}/%2e%2e/{rest}",
    "{home}/%2E%2e/{rest}",
    "{home}/.%2e/{rest}",
    "{home}/x/../../{rest}",
    "{home}/./../{rest}",
    "{home}//../{rest}",
    "{home}/..//{rest}",
    "{home}/..%2f{rest}",
    "{home}%2f..%2f{rest}",
    "{home}/%2e%2e%2f{rest}",
    "{home}/..%5c{rest}",
    "{home}/..\\{rest}",
    "{home}\\..\\{rest}",
    "{home}/..;/{rest}",
    "{home}/..;x=1/{rest}",
    "{home};/../{rest}",
    "{home};x/..%2f{rest}",
    "{home}/..%3b/{rest}",
    "{home}/%252e%252e/{rest}",
    "{home}/..%252f{rest}",
    "{home}/%c0%ae%c0%ae/{rest}",
    "{home}/..%c0%af{rest}",
    "{home}/%ef%bc%8e%ef%bc%8e/{rest}",
    "{home}/%u002e%u002e/{rest}",
    "{home}/..%00/{rest}",
    "{home}%00/../{rest}",
    "{home}/..%20/{rest}",
    "{home}/..%09/{rest}",
    "{home}/..%0d%0a/{rest}",
    "{home}/{rest}",
    "{home}//{rest}",
    "{home}%2f{rest}",
    "{home}?/../{rest}",
    "{home}?x=1#/../{rest}",
    "{home}%3f/../{rest}",
    "{home}%23/../{rest}",
    "{home} /{rest}",
    "//{rest}",
    "///{rest}",
    "/./{rest}",
    "/%2e/{rest}",
    "/%2f{rest}",
    "%2f{rest}",
    "/;/{rest}",
    "/;x/{rest}",
    "/{rest};x",
    "/{rest}%3bx",
    "/{rest}/.",
    "/{rest}/../{rest}",
    "/{rest}%00",
    "/{rest}%20",
    "/{rest}%0a",
    "/{rest}/",
    "/{rest}//",
    "/{rest}?{home}",
    "/{slashes}",
    "/{letters}",
    "/{all}",
    "/{capitals}",
    "/{params}",
    "/{doubled}",
    "{rest}",
    "http://{authority}/{rest}",
    "http://{authority}{home}/../{rest}",
    "http://{authority}//{rest}",
    "http://evil.example/{rest}",
    "http://evil.example{home}/../{rest}",
]
"""``home`` begins a path of one blueprint, ``rest`` is a path of another without its slash."""


def spelled(detour: str, home: str, target: str, authority: str) -> str:
    """Write a detour from one blueprint to another as a request target."""
    rest = PATHS[target].removeprefix("/")
    return detour.format(
        home=PREFIXES[home],
        rest=rest,
        slashes=rest.replace("/", "%2f"),
        letters=f"%{ord(rest[0]):02x}{rest[1:]}",
        all="".join(f"%{ord(letter):02X}" for letter in rest),
        capitals=rest.upper(),
        params=rest.replace("/", ";x=1/"),
        doubled=rest.replace("/", "//"),
        authority=authority,
    )


@dataclass(frozen=True)
class Answer:
    """An answer as far as the law asks for it."""

    status: int
    cors: dict[str, str]
    blueprint: str | None
    """Which one has answered; ``None`` for errors, redirects and the gateway itself."""


def asks(
    it: Stack, process: str, target: str, *lines: str, method: str = "GET", host: str | None = None
) -> Answer:
    """Send a request by a socket, its target byte for byte, and read until the end."""
    port = it.port(f"{process.upper()}_PORT")
    head = [f"{method} {target} HTTP/1.1", f"Host: {host or f'localhost:{port}'}", *lines]
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall("\r\n".join([*head, "Connection: close", "", ""]).encode("latin-1"))
        received = b"".join(iter(lambda: peer.recv(65536), b""))
    answer_head, _, content = received.partition(b"\r\n\r\n")
    status_line, *fields = answer_head.decode("latin-1").split("\r\n")
    pairs = [
        (name.lower(), value)
        for name, _, value in (line.partition(": ") for line in fields)
        if name.lower().startswith("access-control-")
    ]
    assert len(dict(pairs)) == len(pairs), f"a field stands there twice: {pairs}"
    status = int(status_line.split(" ")[1])
    by_blueprint = status == 200 and content.startswith(b"{") and b'"blueprint"' in content
    blueprint = json.loads(content)["blueprint"] if by_blueprint else None
    return Answer(status, dict(pairs), blueprint)


@pytest.mark.parametrize("home, target", list(permutations(PATHS, 2)))
def test_no_spelling_gives_one_blueprints_answer_under_another_ones_policy(
    it: Stack, log: ServerLog, home: str, target: str
) -> None:
    host = HOSTS[home]
    origin = it.url("page", host)
    authority = it.url("gateway").removeprefix("http://")
    preflight = (f"Origin: {origin}", "Access-Control-Request-Method: DELETE")

    crossed, announced = [], []
    for detour in DETOURS:
        spelling = spelled(detour, home, target, authority)
        answer = asks(it, "gateway", spelling, f"Origin: {origin}")
        if answer.blueprint and answer.cors != granted(answer.blueprint, host, origin):
            crossed.append((spelling, answer))
        if answer.status == 400:
            answer = asks(it, "gateway", spelling, *preflight, method="OPTIONS")
            if answer.status != 400:
                announced.append((spelling, answer))

    assert crossed == []
    assert announced == [], "what is refused is refused to a preflight too"
    news = asked(log)
    assert "OPTIONS" not in {method for _, method in news}
    if PROMISES[target].blocks and host not in PROMISES[target].hosts:
        assert target not in {blueprint for blueprint, _ in news}


HEADERS_THAT_NAME_A_PATH = [
    "X-Original-URL: /admin/users",
    "X-Rewrite-URL: /admin/users",
    "X-Forwarded-Prefix: /admin",
    "X-Forwarded-Path: /admin/users",
    "X-Forwarded-Uri: /admin/users",
    "X-Script-Name: /admin",
    "Script-Name: /admin",
    "SCRIPT_NAME: /admin",
    "Path-Info: /admin/users",
    "Forwarded: for=127.0.0.1;path=/admin/users",
    "X-HTTP-Method-Override: DELETE",
    "X-Forwarded-Host: admin.localhost",
]


@pytest.mark.parametrize("line", HEADERS_THAT_NAME_A_PATH)
@pytest.mark.parametrize("home", ["site", "user", "public"])
def test_no_header_leads_to_another_blueprint(
    it: Stack, log: ServerLog, home: str, line: str
) -> None:
    origin = it.url("page", HOSTS[home])

    answer = asks(it, "gateway", PATHS[home], f"Origin: {origin}", line)

    assert answer.blueprint == home
    assert answer.cors == granted(home, HOSTS[home], origin)
    assert asked(log) == [(home, "GET")]


@pytest.mark.parametrize("host", ["admin.localhost", "admin", "evil.example", "127.0.0.1"])
def test_no_host_changes_whose_policy_it_is(it: Stack, log: ServerLog, host: str) -> None:
    answer = asks(it, "gateway", PATHS["admin"], f"Origin: {it.url('page')}", host=host)

    assert (answer.status, answer.cors) == (403, {})
    assert log.news() == []


@pytest.mark.parametrize("home, target", [("site", "admin"), ("public", "user"), ("user", "test")])
def test_the_api_itself_takes_some_of_the_spellings_for_the_other_blueprint(
    it: Stack, home: str, target: str
) -> None:
    """That there is something to refuse: without it the tests above would show nothing."""
    authority = it.url("api").removeprefix("http://")
    spellings = {detour: spelled(detour, home, target, authority) for detour in DETOURS}

    crossed = {
        d for d, spelling in spellings.items() if asks(it, "api", spelling).blueprint == target
    }

    assert {"//{rest}", "/%2f{rest}", "/{slashes}", "/{letters}", "/{all}"} <= crossed
    statuses = {d: asks(it, "gateway", spellings[d]).status for d in crossed}
    gateways = {"//{rest}", "///{rest}", "/%2f{rest}", "/{slashes}", "/{letters}", "/{all}"}
    assert {d: statuses[d] for d in gateways & crossed} == dict.fromkeys(gateways & crossed, 400)
