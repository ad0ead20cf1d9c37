"""A request that is planned like the one before is planned as it would be for itself."""

from dataclasses import dataclass
from ipaddress import ip_network
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cors_gateway.messages.cookies import CookieRewrite
from cors_gateway.messages.heads import MessageError
from cors_gateway.messages.path_map import PathMap
from cors_gateway.messages.redirects import RedirectRewrite
from cors_gateway.plan import plan
from cors_gateway.planned import Forward, Peer
from cors_gateway.precedents import Precedent, plan_by_precedent, precedent_of
from cors_gateway.snapshot import Limits, Snapshot, Upstream
from cors_gateway.wire.heads import HeadCutter, read_request_head
from tests.test_plan import APP, policy, route, snapshot

OTHER = b"https://other.example"
EVIL = b"https://evil.example"
BOTH = (APP.decode(), OTHER.decode())
PEER = Peer("192.0.2.7")
TRUSTED = ip_network("192.0.2.0/24")

REDIRECTS = RedirectRewrite(frozenset({(b"api", 5000)}), PathMap(b"/", b"/"))

CONFIGURATIONS = {
    "two origins": snapshot(route(policy=policy(allow_origins=BOTH, allow_credentials=True))),
    "strangers blocked": snapshot(
        route(policy=policy(allow_origins=BOTH, on_disallowed_origin="block"))
    ),
    "report only": snapshot(route(policy=policy(allow_origins=BOTH, mode="reportOnly"))),
    "CSRF guarded": snapshot(route(policy=policy(allow_origins=BOTH, csrf_guard=True))),
    "an origin required": snapshot(route(policy=policy(allow_origins=BOTH, require_origin=True))),
    "a lost origin found": snapshot(
        route(policy=policy(allow_origins=BOTH, missing_origin=("X-Original-Origin", "Referer")))
    ),
    "any origin": snapshot(route(policy=policy(allow_origins=("*",)))),
    "no policy": snapshot(route(policy=None)),
    "a trusted proxy": snapshot(
        route(policy=policy(allow_origins=BOTH)), trusted_proxies=(TRUSTED,)
    ),
    "our own name": snapshot(
        route(
            redirects=REDIRECTS,
        ),
        trusted_proxies=(TRUSTED,),
        public_origin=b"https://gw.example",
    ),
    "fields changed": snapshot(
        route(
            host_field=b"api",
            origin_field=b"https://api",
            set_fields=((b"X-Key", b"1"),),
            remove_fields=frozenset({b"cookie"}),
        )
    ),
    "several routes": snapshot(
        route("users", b"/users", strip_prefix=True),
        route("read", b"/a", methods=frozenset({b"GET"})),
        route("named", b"/a/b", host=b"gw.example"),
        route("escaped", b"/a%20b"),
    ),
    "small limits": snapshot(
        limits=Limits(target_bytes=12, field_section_bytes=160, field_lines=5, content_bytes=3)
    ),
}

TARGETS = st.sampled_from(
    [
        *(b"/a", b"/b?c=d", b"/a/b/c", b"/users", b"/users/1?x=/../", b"/usersx", b"/?", b"/"),
        *(b"/a//b", b"/a/../b", b"/a%20b", b"/a;x", b"/a\\b", b"/a/.b", b"//a", b"/%2e", b"/a b"),
        *(b"a", b"*", b"http://gw.example/a", b"/a#b", b"/\xe4", b"/abcdefghijkl", b"/x?y?z"),
    ]
)
ORIGINS = [APP, OTHER, EVIL, b"null", b"https://gw.example", b"x"]
VALUES = {
    b"Host": [b"gw.example", b"GW.example:80", b"other.example", b"a b"],
    b"Origin": ORIGINS,
    b"Referer": [origin + b"/page" for origin in ORIGINS],
    b"X-Original-Origin": ORIGINS,
    b"Sec-Fetch-Site": [b"same-origin", b"same-site", b"cross-site", b"none"],
    b"Cookie": [b"a=1", b"a=2", b"a: b", b" a", b"a ", b"a\tb", b"", b"\xe4"],
    b"User-Agent": [b"curl", b"Mozilla/5.0"],
    b"Traceparent": [b"00-1", b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01"],
    b"Connection": [b"keep-alive", b"close", b"Upgrade", b"cookie", b"te"],
    b"Content-Length": [b"0", b"3", b"4", b"03", b"x"],
    b"Transfer-Encoding": [b"chunked", b"gzip"],
    b"Expect": [b"100-continue", b"x"],
    b"Upgrade": [b"websocket", b"h2c"],
    b"Via": [b"1.1 other", b"1.1 gw-1"],
    b"Max-Forwards": [b"0", b"1"],
    b"TE": [b"trailers", b"gzip"],
    b"Keep-Alive": [b"timeout=1", b"timeout=2"],
    b"Access-Control-Request-Method": [b"PUT", b"GET"],
    b"Access-Control-Request-Headers": [b"x", b"content-type"],
    b"X-Forwarded-For": [b"10.0.0.1", b"10.0.0.2"],
    b"X-Forwarded-Proto": [b"http", b"https"],
    b"X-Forwarded-Host": [b"gw.example", b"other.example"],
    b"X-Forwarded-Prefix": [b"/p", b"/q"],
    b"X-Forwarded-User": [b"root", b"me"],
    b"X_Forwarded_For": [b"10.0.0.1", b"10.0.0.2"],
    b"Forwarded": [b"for=10.0.0.1;proto=https;host=a", b"for=10.0.0.2"],
    b"X-Request-ID": [b"one", b"two", b"a b"],
    b"X-Real-IP": [b"10.0.0.1", b"10.0.0.2"],
}


@dataclass(frozen=True)
class Asked:
    """A request line and fields."""

    method: bytes
    target: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    version: bytes = b"HTTP/1.1"

    @property
    def raw(self) -> bytes:
        lines = [b"%b: %b" % field for field in self.fields]
        return b"\r\n".join([b" ".join([self.method, self.target, self.version]), *lines, b"", b""])

    def with_values(self, **values: bytes) -> "Asked":
        changed = {name.replace("_", "-").lower().encode(): value for name, value in values.items()}
        fields = [(name, changed.get(name.lower(), value)) for name, value in self.fields]
        return Asked(self.method, self.target, tuple(fields), self.version)


METHODS = st.sampled_from([b"GET", b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS"])
VERSIONS = st.sampled_from([b"HTTP/1.1"] * 8 + [b"HTTP/1.0"])


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Asked, Asked]:
    """Give two requests whose names are mostly the same."""
    more = draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=5, unique=True))
    names = list(dict.fromkeys([b"Host", *more]))
    fields = tuple((name, draw(st.sampled_from(VALUES[name]))) for name in names)
    first = Asked(draw(METHODS), draw(TARGETS), fields, draw(VERSIONS))
    again = tuple(
        (name, draw(st.sampled_from(VALUES[name])) if draw(st.booleans()) else value)
        for name, value in fields
    )
    if draw(st.integers(0, 9)) == 0:
        again = draw(st.sampled_from([again[:-1], again[::-1], (*again, (b"X", b"y"))]))
    method, version = first.method, first.version
    if draw(st.integers(0, 4)) == 0:
        method, version = draw(METHODS), draw(VERSIONS)
    target = draw(TARGETS) if draw(st.booleans()) else first.target
    return first, Asked(method, target, again, version)


def read_and_planned(asked: Asked, config: Snapshot) -> Precedent | None:
    """Read and plan a request for itself."""
    cutter = HeadCutter()
    cutter.add(asked.raw)
    head = read_request_head(cutter.cut(config.limits), config.limits.field_lines)
    assert len(head.target) <= config.limits.target_bytes
    forward = plan(config, head, PEER, b"gw-1")
    return precedent_of(head, forward) if isinstance(forward, Forward) else None


def planned_alike(first: Asked, then: Asked, config: Snapshot) -> Forward | None:
    """Plan a request by the one before it, if that can be; then it is what it is for itself."""
    try:
        precedent = read_and_planned(first, config)
    except (AssertionError, MessageError):  # no request that is served
        return None
    if precedent is None:
        return None
    alike = plan_by_precedent(then.raw, precedent, config)
    if alike is None:
        return None
    by_itself = read_and_planned(then, config)
    assert by_itself is not None
    assert alike.forward == by_itself.forward
    assert alike.forward.decision is by_itself.forward.decision or not alike.by_origin
    assert (alike.lines, alike.names) == (by_itself.lines, by_itself.names)
    assert (alike.request_line, alike.by_origin) == (by_itself.request_line, by_itself.by_origin)
    return alike.forward


BROWSER = Asked(
    b"GET",
    b"/a?page=1",
    (
        (b"Host", b"gw.example"),
        (b"Origin", APP),
        (b"Referer", APP + b"/page"),
        (b"Sec-Fetch-Site", b"same-site"),
        (b"Cookie", b"a=1"),
        (b"User-Agent", b"curl"),
        (b"Traceparent", b"00-1"),
        (b"Content-Length", b"3"),
    ),
)


@settings(max_examples=400)
@given(st.sampled_from(sorted(CONFIGURATIONS)), pairs())
@example("two origins", (BROWSER, BROWSER.with_values(cookie=b"a=2")))
def test_what_is_planned_by_a_precedent_is_planned_as_for_itself(
    name: str, asked: tuple[Asked, Asked]
) -> None:
    planned_alike(*asked, CONFIGURATIONS[name])


BASES = [
    Asked(b"GET", b"/a", ((b"Host", b"gw.example"),)),
    Asked(b"POST", b"/a", ((b"Host", b"gw.example"), (b"Origin", APP))),
    Asked(b"PUT", b"/a", ((b"Host", b"gw.example"), (b"Origin", EVIL))),
]


@pytest.mark.parametrize("name", sorted(VALUES), ids=bytes.decode)
@pytest.mark.parametrize("config", [pytest.param(CONFIGURATIONS[n], id=n) for n in CONFIGURATIONS])
def test_whatever_one_field_says_and_then_says(config: Snapshot, name: bytes) -> None:
    for base, value, then in product(BASES, VALUES[name], VALUES[name]):
        others = tuple(field for field in base.fields if field[0] != name)
        first, second = (
            Asked(base.method, base.target, (*others, (name, said))) for said in (value, then)
        )
        planned_alike(first, second, config)


MAY_DIFFER = [
    pytest.param(BROWSER.with_values(cookie=b"a=2"), id="a cookie"),
    pytest.param(BROWSER.with_values(origin=OTHER), id="an origin that is allowed as well"),
    pytest.param(BROWSER.with_values(referer=b"x"), id="the page"),
    pytest.param(BROWSER.with_values(user_agent=b"x"), id="the program"),
    pytest.param(BROWSER.with_values(traceparent=b"x"), id="the trace"),
    pytest.param(Asked(b"GET", b"/b", BROWSER.fields), id="the path"),
    pytest.param(Asked(b"GET", b"/a?page=2", BROWSER.fields), id="the query"),
]


@pytest.mark.parametrize("then", MAY_DIFFER)
def test_this_may_differ(then: Asked) -> None:
    forward = planned_alike(BROWSER, then, CONFIGURATIONS["two origins"])
    assert forward is not None
    assert b"\r\n".join(then.raw.split(b"\r\n")[1:-2]) in forward.opening


def test_what_is_logged_is_what_this_request_said() -> None:
    then = Asked(b"GET", b"/b", BROWSER.fields).with_values(
        user_agent=b"x", traceparent=b"y", origin=OTHER
    )
    forward = planned_alike(BROWSER, then, CONFIGURATIONS["two origins"])
    assert forward is not None
    assert (forward.path, forward.user_agent, forward.traceparent) == (b"/b", b"x", b"y")
    assert forward.decision is not None
    assert forward.decision.origin == OTHER


MUST_NOT_DIFFER = [
    pytest.param(BROWSER.with_values(origin=EVIL), id="an origin that is not allowed"),
    pytest.param(BROWSER.with_values(host=b"other.example"), id="the host"),
    pytest.param(BROWSER.with_values(content_length=b"4"), id="the length"),
    pytest.param(Asked(b"POST", BROWSER.target, BROWSER.fields), id="the method"),
    pytest.param(Asked(b"GET", BROWSER.target, BROWSER.fields, b"HTTP/1.0"), id="the version"),
    pytest.param(Asked(b"GET", BROWSER.target, BROWSER.fields[:-1]), id="a field less"),
    pytest.param(Asked(b"GET", BROWSER.target, BROWSER.fields[::-1]), id="their order"),
    pytest.param(Asked(b"GET", b"/a/../b", BROWSER.fields), id="a path of two meanings"),
    pytest.param(Asked(b"GET", b"a", BROWSER.fields), id="a target in another form"),
    pytest.param(Asked(b"GET", b"/a#b", BROWSER.fields), id="a target in no form"),
    pytest.param(Asked(b"GET", b"/" + b"a" * 8192, BROWSER.fields), id="a target too long"),
    pytest.param(BROWSER.with_values(cookie=b"a" * 33_000), id="a section that may be too long"),
]


@pytest.mark.parametrize("then", MUST_NOT_DIFFER)
def test_this_must_not_differ(then: Asked) -> None:
    config = CONFIGURATIONS["two origins"]
    precedent = read_and_planned(BROWSER, config)
    assert precedent is not None
    assert plan_by_precedent(then.raw, precedent, config) is None


ALIKE = policy(allow_origins=BOTH)


@pytest.mark.parametrize(
    "settings, may_differ",
    [
        pytest.param({}, True, id="nothing but the path"),
        pytest.param({"upstream": Upstream(url="http://b", authority=b"b")}, True, id="the API"),
        pytest.param({"methods": frozenset({b"GET"})}, True, id="methods"),
        pytest.param({"cookies": CookieRewrite()}, True, id="cookies of responses"),
        pytest.param({"policy": policy(allow_origins=BOTH)}, False, id="a policy of its own"),
        pytest.param({"policy": None}, False, id="no policy"),
        pytest.param({"host_field": b"b"}, False, id="the host sent on"),
        pytest.param({"origin_field": b""}, False, id="the origin sent on"),
        pytest.param({"set_fields": ((b"X", b"y"),)}, False, id="a field that is set"),
        pytest.param({"remove_fields": frozenset({b"cookie"})}, False, id="a field removed"),
        pytest.param({"strip_prefix": True}, False, id="the path sent on"),
        pytest.param({"redirects": REDIRECTS}, False, id="redirects"),
    ],
)
def test_another_route_may_have_the_same_plan(settings: dict[str, Any], may_differ: bool) -> None:
    config = snapshot(
        route("a", b"/a", policy=ALIKE), route("b", b"/b", **{"policy": ALIKE, **settings})
    )
    for there, back in ((b"/a/1", b"/b/1"), (b"/b/1", b"/a/1")):
        forward = planned_alike(
            Asked(b"GET", there, BROWSER.fields), Asked(b"GET", back, BROWSER.fields), config
        )
        assert (forward is not None) is may_differ
        assert forward is None or forward.route.path == back[:2]


def test_where_no_route_is_nothing_is_planned_alike() -> None:
    config = snapshot(route("a", b"/a"))
    first, then = (Asked(b"GET", target, BROWSER.fields) for target in (b"/a", b"/b"))
    assert planned_alike(first, then, config) is None


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(BROWSER.raw[:-1], id="the last byte is missing"),
        pytest.param(BROWSER.raw[:-2], id="the empty line is missing"),
        pytest.param(BROWSER.raw[:40], id="most is missing"),
        pytest.param(BROWSER.raw * 2, id="two heads"),
        pytest.param(b"\r\n" + BROWSER.raw, id="an empty line in front"),
        pytest.param(BROWSER.raw.replace(b"\r\n", b"\n"), id="bare line feeds"),
    ],
)
def test_what_is_not_one_whole_head_is_planned_like_none(raw: bytes) -> None:
    config = CONFIGURATIONS["two origins"]
    precedent = read_and_planned(BROWSER, config)
    assert precedent is not None
    assert plan_by_precedent(raw, precedent, config) is None


NO_PRECEDENTS = [
    pytest.param(Asked(b"OPTIONS", b"/a", BROWSER.fields), id="OPTIONS"),
    pytest.param(Asked(b"GET", b"/a", BROWSER.fields, b"HTTP/1.0"), id="HTTP/1.0"),
    pytest.param(Asked(b"GET", b"http://gw.example/a", BROWSER.fields), id="absolute-form"),
    pytest.param(BROWSER.with_values(cookie=b"a\tb"), id="a head that is not plain"),
]


@pytest.mark.parametrize("asked", NO_PRECEDENTS)
def test_these_are_no_precedents(asked: Asked) -> None:
    assert read_and_planned(asked, CONFIGURATIONS["no policy"]) is None


def test_without_an_allowed_origin_what_else_decides_must_not_differ() -> None:
    config = CONFIGURATIONS["a lost origin found"]
    fields = tuple(field for field in BROWSER.fields if field[0] != b"Origin")
    first = Asked(b"GET", b"/a", fields)
    assert planned_alike(first, first.with_values(cookie=b"a=2"), config) is not None
    assert planned_alike(first, first.with_values(referer=EVIL + b"/"), config) is None
    assert planned_alike(first, first.with_values(sec_fetch_site=b"none"), config) is None
