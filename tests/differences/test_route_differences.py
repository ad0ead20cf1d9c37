"""Routes that come, go and change, and which of them takes what."""

import pytest

from cors_gateway.differences import takeovers
from cors_gateway.differences.compare import compare
from tests.cases.configs import FakeReader
from tests.differences.comparing import configured, routed, said

A = "{allowOrigins: [https://a.example.com]}"
AB = "{allowOrigins: [https://a.example.com, https://b.example.com]}"
CALL = "https://a.example.com may call"


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
             "https://b.example.com may call; route all took that before")],
            id="a laxer route within another",
        ),
        pytest.param(
            table(f"b /b {A}", f"all / {AB}"),
            table(f"all / {AB}"),
            ["route b is gone: route all takes its requests",
             "wider: route all: takes /b now, which route b took before, and lets more through"],
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
            ["route a: match.path: /1 → /2",
             "route a: takes /2 now, which route b took before",
             "route b: match.path: /2 → /1",
             "wider: route b: takes /1 now, which route a took before, and lets more through"],
            id="two routes change places",
        ),
        pytest.param(
            table(f"h x.com/a {A}", f"all / {AB}", "deep /a/b false"),
            table(f"all / {AB}", "deep /a/b false"),
            ["route h is gone: routes all and deep take its requests",
             "wider: route all: takes x.com/a now, which route h took before, and lets more through",
             "wider: route deep: takes x.com/a/b now, which route h took before, and lets more through"],
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


@pytest.mark.parametrize(
    "old, new, lines",
    [
        pytest.param("", "upstream: http://i:5000", ["upstream: http://h → http://i:5000"],
                     id="another API"),
        pytest.param("", "upstream: {urls: [http://h, http://i]}",
                     ["upstream: http://h → http://h,http://i"], id="several addresses"),
        pytest.param("", FOLDER, ["files: http://h → files:./site",
                                  "clients may not switch to websocket any more"], id="a folder"),
        pytest.param(FOLDER, "files: {root: .}", [("wider: files: files:./site → files:.: "
                                                  "it holds the other")], id="the folder around it"),
        pytest.param(FOLDER, "files: {root: ./other}", ["files: files:./site → files:./other"],
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
        pytest.param("", HEADERS, ["header X-Key is set now",
                                   "header x-debug is removed now where a client sends it"],
                     id="headers"),
        pytest.param(HEADERS, HEADERS.replace("hunter22", "other"),
                     ["header X-Key is set to another value"], id="a header's value"),
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
