"""The law of ``wider``: nobody may do after a change what nobody could before, unless it is said.

What somebody may do is asked of ``plan`` and the decisions, which know nothing of differences.
"""

from collections.abc import Iterator
from itertools import product

import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cors_gateway.config.load import Loaded, load
from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix
from cors_gateway.differences.compare import compare
from cors_gateway.messages.heads import RequestHead
from cors_gateway.plan import plan
from cors_gateway.planned import Forward, Peer
from tests.cases.configs import READER

ORIGINS = [
    "https://a.x.com",
    "https://pr-1.x.com",
    "https://deep.a.x.com",
    "https://a.x.com:8443",
    "http://localhost:5173",
    "https://evil.example",
    "null",
]
ENTRIES = ["https://a.x.com", "https://pr-*.x.com", "https://*.x.com", "https://a.x.com:*",
           "http://localhost:*"]  # fmt: skip
REGEXES = [
    r"https://[a-z]+\.x\.com",
    r"https://[a-z.]+\.x\.com(:[0-9]+)?",
    r"https://pr-[0-9]+\.x\.com",
]
NAMES = ["X-A", "X-B", "Authorization"]


def some(values: list[str], *, least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=3, unique=True)


KEYS: dict[str, st.SearchStrategy[object]] = {
    "allowMethods": st.one_of(some(["PUT", "DELETE"]), st.just(["*"])),
    "allowHeaders": st.one_of(some(NAMES), st.just(["*"]), st.just(["*", "Authorization"])),
    "exposeHeaders": st.one_of(some(NAMES), st.just(["*"])),
    "onDisallowedOrigin": st.sampled_from(["omit", "block"]),
    "preflight": st.sampled_from(["answer", "answer", "forward"]),
    "upstreamCors": st.sampled_from(["strip", "strip", "passthrough", "fallback"]),
    "missingOrigin": some(["Referer", "X-Original-Origin", "Host"]).map(lambda f: {"from": f}),
    "mode": st.sampled_from(["enforce", "enforce", "enforce", "reportOnly"]),
    "requireOrigin": st.booleans(),
    "csrfGuard": st.booleans(),
    "allowCredentials": st.booleans(),
    "dangerouslyAllowNullOrigin": st.sampled_from([False, False, True]),
    "allowOrigins": some(ENTRIES, least=1),
    "allowOriginRegex": some(REGEXES),
}
named = st.fixed_dictionaries(KEYS)
anybody = named.map(
    lambda policy: {
        **policy,
        "allowOrigins": ["*"],
        "allowOriginRegex": [],
        "dangerouslyReflectAnyOrigin": policy["allowCredentials"],
    }
)
policies = st.one_of(st.just(False), named, named, anybody)

routes = st.lists(
    st.builds(
        lambda name, path, host, methods, cors, upgrades, remove: {
            "name": name,
            "match": {"path": path, **host, **methods},
            "upstream": {"url": "http://h", "upgrades": upgrades, "headers": {"remove": remove}},
            "cors": cors,
        },
        st.sampled_from(["one", "two", "three"]),
        st.sampled_from(["/", "/a", "/a/b"]),
        st.sampled_from([{}, {}, {"host": "h.com"}]),
        st.sampled_from([{}, {}, {"methods": ["GET"]}, {"methods": ["PUT", "POST"]}]),
        policies,
        st.sampled_from([["websocket"], []]),
        st.sampled_from([[], ["X-Debug"]]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda route: route["name"],
)
one_route = policies.map(
    lambda cors: [{"name": "one", "match": {"path": "/"}, "upstream": "http://h", "cors": cors}]
)
tables = st.one_of(one_route, one_route, routes)


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, str]:
    """Write a configuration, and what somebody made of it with a few changes."""
    before = draw(tables)
    after = [{**route} for route in before]
    for _ in range(draw(st.sampled_from([1, 1, 2]))):
        route = draw(st.sampled_from(after))
        match draw(st.sampled_from(["key", "key", "key", "key", "policy", "route", "order"])):
            case "key" if route["cors"] is not False:
                key = draw(st.sampled_from(sorted(KEYS)))
                route["cors"] = route["cors"] | {key: draw(KEYS[key])}
            case "policy":
                route["cors"] = draw(policies)
            case "route":
                index = after.index(route)
                after[index : index + 1] = draw(routes)[:2]
            case "order":
                after.reverse()
    if draw(st.sampled_from([False, False, True])):
        # All of them, because where requests go is not judged.
        before, after = _of_files(before), _of_files(after)
    return yaml.safe_dump({"routes": before}), yaml.safe_dump({"routes": after})


def _of_files(table: list[dict[str, object]]) -> list[dict[str, object]]:
    """Give the same routes, with folders in place of APIs."""
    keys = ("name", "match", "cors")
    return [{key: route[key] for key in keys} | {"files": {"root": "./site"}} for route in table]


def loaded(text: str) -> Loaded:
    return load(text, "f.yaml", READER, is_public_suffix, is_registry_suffix)


def requests() -> Iterator[RequestHead]:
    """Give every request that the law looks at."""
    for origin, host, target in product([None, *ORIGINS], ["h.com", "i.com"], ["/a/b", "/a", "/"]):
        source = () if origin is None else ((b"Origin", origin.encode()),)
        front = ((b"Host", host.encode()), *source)
        for method, more in (
            ("GET", ()),
            ("GET", ((b"Referer", b"https://a.x.com/p"),)),
            ("POST", ((b"Sec-Fetch-Site", b"cross-site"),)),
            ("PUT", ((b"Referer", b"https://a.x.com/"), (b"Sec-Fetch-Site", b"cross-site"))),
            ("GET", ((b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"),
                     (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
                     (b"Sec-WebSocket-Version", b"13"))),
            ("GET", ((b"X-Debug", b"1"),)),
            ("OPTIONS", ((b"Access-Control-Request-Method", b"DELETE"),)),
            ("OPTIONS", ((b"Access-Control-Request-Method", b"GET"),
                         (b"Access-Control-Request-Headers", b"authorization,x-a"))),
        ):  # fmt: skip
            # Without an Origin another route may answer a preflight than the request it announces.
            if origin is not None or method != "OPTIONS":
                yield RequestHead(method.encode(), target.encode(), 1, (*front, *more))


REQUESTS = tuple(requests())


def may(loaded: Loaded, head: RequestHead) -> set[str]:
    """Say what comes of a request for who sent it."""
    assert loaded.snapshot is not None
    planned = plan(loaded.snapshot, head, Peer("192.0.2.1", b"http"), b"via")
    allowed: set[str] = set()
    announces = any(name == b"Access-Control-Request-Method" for name, _ in head.fields)
    if isinstance(planned, Forward):
        # An OPTIONS that announces nothing reaches it anyway. A folder has nothing but what GET gives.
        is_folder = planned.route.upstream.files is not None
        is_plain_get = head.method == b"GET" and (b"Connection", b"Upgrade") not in head.fields
        reaches = not announces and (is_plain_get or not is_folder)
        allowed.update(("it reaches the API",) if reaches else ())
        allowed.update(f"with {name!r}" for name, _ in planned.field_lines if name == b"X-Debug")
        if planned.upgrade:
            allowed.add("it may switch")
    decision = planned.decision
    if decision is None:
        return allowed
    values = dict(decision.fields)
    if isinstance(planned, Forward):
        # A literal * is on every answer, whoever asked.
        is_granted = b"Access-Control-Allow-Origin" in values
    else:
        is_granted = decision.outcome == "allowed" and planned.answer.status == 204
    if not is_granted:
        return allowed
    allowed.add("the page goes on")
    if b"Access-Control-Allow-Credentials" in values:
        allowed.add("the page sends cookies")
    if not announces:
        exposed = values.get(b"Access-Control-Expose-Headers", b"").decode().lower().split(", ")
        is_any = "*" in exposed or decision.expose_real
        allowed.update(f"it reads {name}" for name in NAMES if is_any or name.lower() in exposed)
    return allowed


@settings(deadline=None, max_examples=30)
@given(edits())
def test_what_nobody_could_do_before_is_called_wider(edit: tuple[str, str]) -> None:
    old, new = map(loaded, edit)
    assume(old.snapshot is not None and new.snapshot is not None)

    differences = compare(old, new)

    if not any(difference.is_wider for difference in differences):
        for head in REQUESTS:
            more = may(new, head) - may(old, head)
            assert not more, (head, more, differences)
    assert compare(new, loaded(edit[1])) == ()
