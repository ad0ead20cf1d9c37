"""Routes that come, go and change, and which of them takes what."""

import pytest

from cors_gateway.differences import takeovers
from cors_gateway.differences.compare import compare
from tests.cases.configs import FakeReader
from tests.differences.comparing import configured, routed, said

A = "{allowOrigins: [https://a.example.com]}"
AB = "{allowOrigins: [https://a.example.com, https://b.example.com]}"
CALL = "https://a.example.com may call"
B_MAY = "https://b.example.com may call now"


def table(*routes: str) -> str:
    """Write several routes: ``NAME MATCH CORS``."""
    lines = []
    for route in routes:
        name, match, cors = route.split(" ", 2)
        path, _, methods = match.partition("|")
        host, slash, rest = path.partition("/")
        keys = [f"path: {slash}{rest}"]
        keys += [f"host: {host}"] if host else []
        keys += [f"methods: [{methods}]"] if methods else []
        lines.append(
            f"  - {{name: {name}, match: {{{', '.join(keys)}}}, upstream: http://h, cors: {cors}}}\n"
        )
    return f"routes:\n{''.join(lines)}"


@pytest.mark.parametrize(
    "old, new, lines",
    [
        pytest.param(
            table(f"a /a {A}"),
            table(f"a /a {A}", f"b /b {A}"),
            [f"wider: route b is new: /b → http://h, {CALL}"],
            id="a route more",
        ),
        pytest.param(
            table(f"a /a {A}", f"b /b {A}"),
            table(f"a /a {A}"),
            ["route b is gone: /b is refused"],
            id="a route less",
        ),
        pytest.param(
            table(f"all / {AB}"),
            table(f"b /b {A}", f"all / {AB}"),
            [f"route b is new: /b → http://h, {CALL}; route all took that before"],
            id="a stricter route within another",
        ),
        pytest.param(
            table(f"all / {A}"),
            table(f"b /b {AB}", f"all / {A}"),
            [("wider: route b is new: /b → http://h, https://a.example.com and "
             "https://b.example.com may call; route all took that before, and this lets more "
             f"through: {B_MAY}")],
            id="a laxer route within another",
        ),
        pytest.param(
            table(f"b /b {A}", f"all / {AB}"),
            table(f"all / {AB}"),
            ["route b is gone: route all takes its requests",
             ("wider: route all: takes /b now, which route b took before, and lets more through: "
              f"{B_MAY}")],
            id="a stricter route within another goes",
        ),
        pytest.param(
            table(f"a /a {A}"),
            table(f"b /a {A}"),
            ["route a is called b now"],
            id="a route is renamed",
        ),
        pytest.param(
            table(f"a /a {A}"),
            table(f"a / {A}"),
            ["route a: match.path: /a → /",
             "wider: route a: takes / now, which no route took before"],
            id="a route takes more",
        ),
        pytest.param(
            table(f"a /a|GET,PUT {A}"),
            table(f"a /a|GET {A}"),
            ["route a: match.methods: now without PUT"],
            id="a route takes less",
        ),
        pytest.param(
            table(f"a /a|GET {A}"),
            table(f"a /a|GET,PUT,DELETE {A}"),
            ["route a: match.methods: now with PUT and DELETE",
             "wider: route a: takes DELETE /a and PUT /a now, which no route took before"],
            id="methods more",
        ),
        pytest.param(
            table(f"a /1 {A}", f"b /2 {AB}"),
            table(f"a /2 {A}", f"b /1 {AB}"),
            ["route b is called a now", "route a is called b now",
             "route a: https://b.example.com may not call any more",
             f"wider: route b: {B_MAY}"],
            id="two routes change places",
        ),
        pytest.param(
            table(f"a /1 {A}", f"b /2 {AB}"),
            table(f"b /1 {A}", f"a /2 {AB}"),
            ["route a is called b now", "route b is called a now"],
            id="two routes swap names",
        ),
        pytest.param(
            table(f"a /1 {A}"),
            table(f"a /2 {A}", f"b /1 {A}"),
            [f"wider: route a is new: /2 → http://h, {CALL}", "route a is called b now"],
            id="what takes the same requests is the same, whatever its name is",
        ),
        pytest.param(
            table(f"a /a|GET {A}"),
            table(f"a /a {A}"),
            ["route a: match.methods: [GET] → every method",
             "wider: route a: takes /a with every method but GET now, which no route took before"],
            id="every method, and only one before",
        ),
        pytest.param(
            table(f"a /a {A}"),
            table(f"a x.com/a {A}"),
            ["route a: match.host: every host → x.com"],
            id="one host, and every one before",
        ),
        pytest.param(
            table(f"a / {A}", "b /b {allowOrigins: [https://a.example.com], csrfGuard: true}"),
            table("a / {allowOrigins: [https://a.example.com, https://b.example.com, "
                  "https://c.example.com], allowCredentials: true}"),
            ["route b is gone: route a takes its requests",
             ("wider: route a: takes /b now, which route b took before, and lets more through: "
              f"{B_MAY}; https://c.example.com may call now; pages may send cookies now; 1 more"),
             f"wider: route a: {B_MAY}",
             "wider: route a: https://c.example.com may call now",
             "wider: route a: pages may send cookies now"],
            id="more is let through in several ways",
        ),
        pytest.param(
            table(f"h x.com/a {A}", f"all / {AB}", "deep /a/b false"),
            table(f"all / {AB}", "deep /a/b false"),
            ["route h is gone: routes all and deep take its requests",
             ("wider: route all: takes x.com/a now, which route h took before, and lets more "
              f"through: {B_MAY}"),
             ("wider: route deep: takes x.com/a/b now, which route h took before, and lets more "
              "through: cors: a policy → false: nothing is refused, and the API's own CORS headers "
              "decide")],
            id="a host's route leaves its requests to several",
        ),
        pytest.param(
            table(f"a /a|GET {A}", f"b /a|PUT {AB}"),
            table(f"b /a|PUT {AB}", f"a /a|GET {A}"),
            ["route b: refuses /a for its method under its policy now, in place of route a"],
            id="the order, where it matters",
        ),
        pytest.param(
            table(f"a /a {A}", f"b /b {AB}"),
            table(f"b /b {AB}", f"a /a {A}"),
            [],
            id="the order, where it does not",
        ),
    ],
)  # fmt: skip
def test_who_takes_which_requests(old: str, new: str, lines: list[str]) -> None:
    assert said(old, new) == lines


def test_a_route_that_is_gone_is_told_with_its_line_if_that_is_still_there() -> None:
    old, new = configured(table(f"a /a {A}", f"b /b {A}"), "old.yaml"), table(f"a /a {A}")

    assert [each.source for each in compare(old, configured(new, "new.yaml"))] == ["old.yaml:3"]
    assert [each.source for each in compare(old, configured(new, "old.yaml"))] == [""]


def test_behind_a_bound_it_may_be_wider(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = table(f"a /a {A}", f"b /b {A}"), table(f"a /a {A}")
    monkeypatch.setattr(takeovers, "MAX_KINDS", 1)

    assert said(old, new)[-1] == (
        "wider: which route takes which request was compared for a part of them only: "
        "it may be wider"
    )


HEADERS = "upstream: {url: http://h, headers: {set: {X-Key: hunter22}, remove: [X-Debug]}}"
FOLDER = "files: {root: ./site}"
BLIND = "the API cannot refuse by the page's own origin"


@pytest.mark.parametrize(
    "old, new, lines",
    [
        pytest.param("", "upstream: http://i:5000", ["upstream: http://h → http://i:5000"],
                     id="another API"),
        pytest.param("", "upstream: {urls: [http://h, http://i]}",
                     ["upstream: http://h → http://h,http://i"], id="several addresses"),
        pytest.param("", FOLDER, ["files: http://h → ./site",
                                  "clients may not switch to websocket any more"], id="a folder"),
        pytest.param(FOLDER, "files: {root: .}", [("wider: files: ./site → .: "
                                                  "it holds the other")], id="the folder around it"),
        pytest.param(FOLDER, "files: {root: ./other}", ["files: ./site → ./other"],
                     id="another folder"),
        pytest.param(FOLDER, "files: {root: ./site, fallback: a.html}",
                     ["files.fallback: nothing → a.html"], id="a fallback"),
        pytest.param("", "upstream: {url: http://h, stripPrefix: true, host: upstream}",
                     ["upstream.stripPrefix: false → true", "upstream.host: preserve → upstream"],
                     id="how it is called"),
        pytest.param("", "upstream: {url: http://h, timeouts: {response: 1s}, pool: {idle: 1m}}",
                     ["upstream.timeouts.response: 1m → 1s", "upstream.pool.idle: 15s → 1m"],
                     id="times"),
        pytest.param("upstream: {url: http://h, upgrades: []}", "",
                     ["wider: clients may switch to websocket now"], id="upgrades"),
        pytest.param("", "cookies: {sameSite: None, secure: add}",
                     ["cookies.secure: keep → add",
                      ("wider: cookies.sameSite: keep → None: pages of other sites may send the "
                      "cookies")], id="cookies"),
        pytest.param("", "redirects: rewrite", ["redirects: keep → rewrite"], id="redirects"),
        pytest.param("", HEADERS, [("wider: header X-Key is set now, for everybody who reaches "
                                    "the route"),
                                   "header x-debug is removed now where a client sends it"],
                     id="headers"),
        pytest.param(HEADERS, HEADERS.replace("hunter22", "other"),
                     ["header X-Key is set to another value"], id="a header's value"),
        pytest.param("", "upstream: {url: http://h, headers: {set: {Authorization: a, cookie: b, "
                         "X-Auth-User: c, X-Tenant: d}}}",
                     [("wider: headers Authorization, cookie and X-Auth-User are set now, "
                       "for everybody who reaches the route"), "header X-Tenant is set now"],
                     id="credentials for everybody"),
        pytest.param("", "upstream: {url: http://h, origin: drop}",
                     [f"wider: upstream.origin: keep → drop: {BLIND}"], id="no origin"),
        pytest.param("", "upstream: {url: http://h, origin: 'https://x.com'}",
                     [f"wider: upstream.origin: keep → https://x.com: {BLIND}"],
                     id="an origin for everybody"),
        pytest.param("upstream: {url: http://h, origin: drop}", "upstream: http://h",
                     ["upstream.origin: drop → keep"], id="the page's own origin"),
        pytest.param("", "upstream: {url: http://h, healthCheck: {path: /up}}",
                     [("upstream.healthCheck: nothing → {path: /up, interval: 5s, timeout: 2s, "
                       "status: 200 to 299}")], id="a health check"),
        pytest.param("upstream: {url: http://h, healthCheck: {path: /up}}",
                     "upstream: {url: http://h, healthCheck: {path: /up, status: [204]}}",
                     ["upstream.healthCheck.status: 200 to 299 → [204]"], id="a health check's answer"),
        pytest.param(HEADERS, "upstream: http://h",
                     ["header X-Key is not set any more", ("wider: headers x-debug and x-key are "
                      "passed on now where a client sends it")], id="headers that are left alone"),
        pytest.param(HEADERS, HEADERS.replace("[X-Debug]", "[]"),
                     ["wider: header x-debug is passed on now where a client sends it"],
                     id="a header that is not removed any more"),
        pytest.param("", "upstream: http://h/base", ["upstream: http://h → http://h/base"],
                     id="a path at the API"),
    ],
)  # fmt: skip
def test_what_is_said_of_the_keys_of_a_route(old: str, new: str, lines: list[str]) -> None:
    assert said(routed(route=old), routed(route=new)) == [
        f"{'wider: ' * line.startswith('wider: ')}route api: {line.removeprefix('wider: ')}"
        for line in lines
    ]


def test_who_takes_over_may_take_the_guards_at_the_api_away() -> None:
    small = "  - {name: b, match: {path: /b}, upstream: http://h, cors: false}\n"
    loose = "{url: http://h, origin: drop, headers: {set: {Authorization: x}}}"
    rest = f"  - {{name: all, match: {{path: /}}, upstream: {loose}, cors: false}}\n"

    assert said(f"routes:\n{small}{rest}", f"routes:\n{rest}") == [
        "route b is gone: route all takes its requests",
        (
            "wider: route all: takes /b now, which route b took before, and lets more through: "
            f"header Authorization is set now, for everybody who reaches the route; {BLIND}"
        ),
    ]


def test_what_came_from_outside_is_not_shown() -> None:
    text = routed(
        route="upstream: {url: 'http://h${file:/secret}', headers: {set: {X-Key: '${SECRET}'}}}, "
        "redirects: keep"
    )
    other = FakeReader(
        env={"SECRET": "correct-horse"}, files={"/secret": b"/battery-staple"}, flaws={}
    )
    before = FakeReader(env={"SECRET": "Tr0ub4dor"}, files={"/secret": b"/hunter22"}, flaws={})

    found = compare(configured(text, reader=before), configured(text, reader=other))

    assert [each.text for each in found] == [
        "route api: upstream: leads elsewhere, by what is not shown",
        "route api: header X-Key is set to another value",
    ]


def test_a_secret_that_is_a_plain_value_is_not_shown() -> None:
    text = routed(rest="log: {level: '${file:/level}'}\n")
    first, second = FakeReader(files={"/level": b"info"}), FakeReader(files={"/level": b"debug"})

    found = compare(configured(text, reader=first), configured(text, reader=second))

    assert [each.text for each in found] == ["log.level: has another value, which is not shown"]


def test_nothing_in_a_line_moves_a_cursor() -> None:
    cors = """{allowOriginRegex: "https://a\\u202e?\\\\.example\\\\.com"}"""

    assert said(routed("{allowOrigins: [https://b.example.com]}"), routed(cors))[0] == (
        r"wider: route api: https://a\u202e?\\.example\\.com may call now, "
        "such as https://a.example.com"
    )


def test_a_line_is_never_longer_than_a_screen_has_room_for() -> None:
    names = ", ".join(f"https://{'a' * 60}.{'b' * 60}.x{number}.example.com" for number in range(9))

    [line] = said(table(f"a /a {A}"), table(f"a /a {A}", f"b /b {{allowOrigins: [{names}]}}"))

    assert len(line) == len("wider: ") + 500
    assert line.endswith("…")
