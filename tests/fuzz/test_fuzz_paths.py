"""No request comes to an API's resource under another route's policy.

What an application makes of a path is asked of werkzeug's own routing, and of the other readings
that servers have: decoded, slashes merged, parameters cut off, dot segments removed. Whatever the
gateway lets through must stand below the chosen route in all of them.
"""

import posixpath
from collections.abc import Iterable, Sequence
from urllib.parse import unquote_to_bytes, urlsplit

from hypothesis import event, example, given
from hypothesis import strategies as st
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter, Map, RequestRedirect, Rule

from cors_gateway.messages.heads import RequestHead
from cors_gateway.plan import plan
from cors_gateway.planned import Forward, Peer
from cors_gateway.snapshot import Route, Snapshot
from tests.fuzz.effort import fuzzed
from tests.wire.gateways import route_to, snapshot_of

PEER = Peer("127.0.0.1")
PATHS = [
    b"/",
    b"/public",
    b"/admin",
    b"/public/admin",
    b"/admin/public",
    b"/a%20b",
    b"/public/a",
    b"/p",
]
PARTS = [
    b"/", b"/", b"//", b"public", b"admin", b"/public", b"/admin", b"a", b"p", b".", b"..", b"/..", b"/../admin", b"%2e%2e",
    b"%2e", b"%2E.", b"%2f", b"%2F..", b"%5c", b"\\", b"%00", b";", b";x=/", b"%3b", b"%3B/..", b"%61dmin", b"adm%69n",
    b"%2561dmin", b"%", b"%2", b"%zz", b"a%20b", b"a b", b"PUBLIC", b"\xc3\xa9", b"%c0%af", b"%e2%88%95", b"?", b"?/../admin",
    b"#", b"*", b"~", b":80", b"@", b"%0d%0a", b"%09",
]  # fmt: skip

paths = st.lists(st.sampled_from(PARTS), max_size=5).map(lambda parts: b"/" + b"".join(parts))
tables = st.lists(st.sampled_from(PATHS), min_size=1, max_size=5, unique=True)
HOSTS = [b"public.example", b"admin.example"]
authorities = st.sampled_from([
    b"public.example", b"admin.example", b"Admin.Example", b"admin.example.", b"admin.example:80", b"admin.example:",
    b"public.example@admin.example", b"admin.example:80@public.example", b"public.example,admin.example", b"admin%2eexample",
    b"public.example/admin.example", b"admin.example\t", b"other.example", b"[::1]", b"", b"public.example..", b".admin.example",
    b"admin.example:0", b"admin.example:99999", b"public.example#@admin.example", b"public.example\\admin.example",
])  # fmt: skip


def table_of(names: Sequence[bytes], **settings: bool) -> Snapshot:
    routes = [route_to(1, name=name.decode(), path=name, **settings) for name in names]
    return snapshot_of(*routes)


def planned_for(snapshot: Snapshot, target: bytes, host: bytes = b"gw.example") -> Forward | None:
    head = RequestHead(b"GET", target, 1, ((b"Host", host),))
    planned = plan(snapshot, head, PEER, b"gw")
    if isinstance(planned, Forward):
        event("forwarded")
        return planned
    assert planned.fault is None
    event(f"refused: {planned.answer.status}")
    return None


def readings(path: bytes) -> set[bytes]:
    """Return what servers make of a path, decoded or not."""
    found = {path}
    for _ in range(3):
        found |= {merged(each) for each in found}
        found |= {without_parameters(each) for each in found}
        found |= {merged(posixpath.normpath(each)) for each in found}
        found |= {each.replace(b"\\", b"/") for each in found}
    return found


def merged(path: bytes) -> bytes:
    while b"//" in path:
        path = path.replace(b"//", b"/")
    return path


def without_parameters(path: bytes) -> bytes:
    return b"/".join(segment.partition(b";")[0] for segment in path.split(b"/"))


def longest_prefix(names: Iterable[bytes], path: bytes) -> bytes | None:
    """Choose by whole segments, the plainest way."""
    below = [
        name
        for name in names
        if path == name.rstrip(b"/") or path.startswith(name.rstrip(b"/") + b"/")
    ]
    return max(below, key=len, default=None)


@fuzzed(200)
@given(tables, paths)
@example([b"/public", b"/admin"], b"/public/%2e%2e/admin")
@example([b"/public", b"/admin"], b"/public;x/..%2fadmin")
@example([b"/", b"/admin"], b"//admin")
@example([b"/", b"/admin"], b"/%61dmin")
@example([b"/", b"/a%20b"], b"/a%20b/c")
def test_every_reading_of_a_path_is_below_the_route_that_was_chosen(
    names: list[bytes], target: bytes
) -> None:
    forward = planned_for(table_of(names), target)
    if forward is None:
        return
    assert forward.target == target, "the target is forwarded byte for byte"
    path = target.partition(b"?")[0]
    for reading in readings(path):
        assert longest_prefix(names, reading) == forward.route.path, reading
    decoded = {unquote_to_bytes(name): name for name in names}
    for reading in readings(unquote_to_bytes(path)):
        chosen = longest_prefix(decoded, reading)
        assert chosen is not None, reading
        assert decoded[chosen] == forward.route.path, reading


class Rest(BaseConverter):
    """All that is below a path; werkzeug's own ``path`` does not begin with a slash."""

    regex = ".*"
    part_isolating = False


def rules_of(names: Sequence[bytes]) -> Map:
    rules = []
    for name in names:
        path = unquote_to_bytes(name).decode()
        rules += [
            Rule(path, endpoint=name, strict_slashes=False),
            Rule(path.rstrip("/") + "/<rest:rest>", endpoint=name),
        ]
    return Map(rules, converters={"rest": Rest})


def chosen_by_werkzeug(rules: Map, path: bytes) -> bytes | None:
    """Ask where an application sends a path, and where it redirects one to."""
    text = unquote_to_bytes(path).decode("utf-8", "replace")
    for _ in range(3):
        try:
            endpoint, _ = rules.bind("gw.example").match(text, method="GET")
        except RequestRedirect as redirect:
            text = unquote_to_bytes(urlsplit(redirect.new_url).path).decode("utf-8", "replace")
        except NotFound:
            return None
        else:
            assert isinstance(endpoint, bytes)
            return endpoint
    raise AssertionError(f"{path!r} leads round in a circle")


@fuzzed(200)
@given(tables, paths)
@example([b"/public", b"/admin"], b"/public//admin")
@example([b"/", b"/admin"], b"/x/..;/admin")
def test_an_application_chooses_as_the_gateway_did(names: list[bytes], target: bytes) -> None:
    forward = planned_for(table_of(names), target)
    if forward is None:
        return
    chosen = chosen_by_werkzeug(rules_of(names), target.partition(b"?")[0])
    # "/" names nothing below it but through a rule of its own; an unknown place has no policy.
    assert chosen in {forward.route.path, None}
    event("the same" if chosen else "nothing there")


@fuzzed(150)
@given(tables, paths)
@example([b"/public"], b"/public//evil.example/x")
def test_a_stripped_prefix_takes_off_whole_segments_and_nothing_else(
    names: list[bytes], target: bytes
) -> None:
    forward = planned_for(table_of(names, strip_prefix=True), target)
    if forward is None:
        return
    prefix = forward.route.path.rstrip(b"/")
    assert forward.target.startswith(b"/")
    assert target in {prefix + forward.target, prefix + forward.target.removeprefix(b"/")}
    path = forward.target.partition(b"?")[0]
    for reading in readings(path) | readings(unquote_to_bytes(path)):
        assert b".." not in reading.split(b"/"), "a prefix hides nothing that climbs"


@fuzzed(200)
@given(authorities, authorities, st.booleans(), st.booleans())
@example(b"public.example", b"admin.example", True, False)
def test_the_host_that_an_api_sees_is_the_one_that_was_routed_by(
    host: bytes, other: bytes, is_absolute: bool, repeats: bool
) -> None:
    routes = [route_to(1, name=name.decode(), host=name) for name in HOSTS]
    fields: tuple[tuple[bytes, bytes], ...] = ((b"Host", host),)
    if repeats:
        fields = (*fields, (b"host", other))
    target = b"http://" + other + b"/" if is_absolute else b"/"
    head = RequestHead(b"GET", target, 1, fields)
    planned = plan(snapshot_of(*routes), head, PEER, b"gw")
    if not isinstance(planned, Forward):
        event("refused")
        return
    event("forwarded")
    sent = [value for name, value in planned.field_lines if name.lower() == b"host"]
    assert [host_only(value) for value in sent] == [route_host(planned.route)]
    assert host_only(sent[0]) == host_only(other if is_absolute else host), "the target wins"
    assert planned.target == b"/" + (other + b"/" if is_absolute else b"/").partition(b"/")[2]


def host_only(value: bytes) -> str:
    """Read a Host as applications do, with another parser."""
    return str(urlsplit("//" + value.decode("latin-1")).hostname).removesuffix(".")


def route_host(route: Route) -> str:
    assert route.host is not None
    return route.host.decode()
