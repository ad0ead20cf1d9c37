"""What is done with a request: answered here and how, or forwarded and how."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from cors_gateway.cors.policy import Policy, PolicySettings, compile_policy
from cors_gateway.failures import Failure
from cors_gateway.messages.framing import CHUNKED, NO_CONTENT, Framing, FramingKind
from cors_gateway.messages.heads import MessageError, RequestHead
from cors_gateway.messages.path_map import PathMap
from cors_gateway.messages.redirects import RedirectRewrite
from cors_gateway.plan import plan, refuse
from cors_gateway.planned import Forward, Peer, Respond
from cors_gateway.routes import Router
from cors_gateway.snapshot import Endpoint, Limits, Route, Snapshot, Upstream

APP = b"https://app.example"
PEER = Peer("192.0.2.7")
ORIGIN = (b"Origin", APP)
EVIL = (b"Origin", b"https://evil.example")
PREFLIGHT = (b"Access-Control-Request-Method", b"PUT")
GRANT = (b"Access-Control-Allow-Origin", APP)


def policy(**settings: Any) -> Policy:
    compiled, problems = compile_policy(
        PolicySettings(**{"allow_origins": (APP.decode(),), **settings}), lambda _: False
    )
    assert compiled is not None, problems
    return compiled


UPSTREAM = Upstream(
    url="http://api:5000", endpoints=(Endpoint("api", 5000),), authority=b"api:5000"
)


def route(name: str = "api", path: bytes = b"/", **settings: Any) -> Route:
    return Route(
        **{"name": name, "path": path, "upstream": UPSTREAM, "policy": policy(), **settings}
    )


def snapshot(*routes: Route, **settings: Any) -> Snapshot:
    routes = routes or (route(),)
    return Snapshot(
        **{"router": Router(routes), "routes": routes, "default_policy": policy(), **settings}
    )


def head(
    *fields: tuple[bytes, bytes],
    method: bytes = b"GET",
    target: bytes = b"/a",
    host: bytes | None = b"gw.example",
    minor: int = 1,
) -> RequestHead:
    lines = fields if host is None else ((b"Host", host), *fields)
    return RequestHead(method, target, minor, lines)


def planned(
    request: RequestHead, config: Snapshot | None = None, peer: Peer = PEER
) -> Respond | Forward:
    return plan(config or snapshot(), request, peer, b"gw-1")


def forwarded(request: RequestHead, config: Snapshot | None = None, peer: Peer = PEER) -> Forward:
    result = planned(request, config, peer)
    assert isinstance(result, Forward), result
    return result


def answered(request: RequestHead, config: Snapshot | None = None, peer: Peer = PEER) -> Respond:
    result = planned(request, config, peer)
    assert isinstance(result, Respond), result
    return result


def sent(forward: Forward, name: bytes) -> list[bytes]:
    return [value for key, value in forward.field_lines if key.lower() == name.lower()]


REFUSALS = [
    pytest.param(head(target=b"a"), 400, id="a target in no form"),
    pytest.param(head(host=None), 400, id="no Host"),
    pytest.param(head(target=b"/a/../b"), 400, id="a dot segment"),
    pytest.param(head((b"Content-Length", b"x")), 400, id="a length that is no number"),
    pytest.param(head((b"Transfer-Encoding", b"gzip, chunked")), 501, id="an unknown coding"),
    pytest.param(head((b"Connection", b"Origin")), 400, id="a prohibited connection option"),
    pytest.param(head(method=b"TRACE"), 405, id="TRACE"),
    pytest.param(head(method=b"CONNECT", target=b"gw.example:80"), 405, id="CONNECT"),
    pytest.param(head((b"Expect", b"foo")), 417, id="an expectation"),
    pytest.param(head((b"Via", b"1.1 x, 1.1 gw-1")), 508, id="a loop"),
    pytest.param(head((b"Content-Length", b"11")), 413, id="content that is too long"),
]


@pytest.mark.parametrize("request_head, status", REFUSALS)
def test_a_refusal_can_be_read_by_a_page_that_may(request_head: RequestHead, status: int) -> None:
    config = snapshot(limits=Limits(content_bytes=10))
    for origin, granted in ((ORIGIN, True), (EVIL, False)):
        asked = RequestHead(
            request_head.method,
            request_head.target,
            request_head.minor_version,
            (*request_head.fields, origin),
        )
        result = answered(asked, config)
        assert result.answer.status == status
        assert (GRANT in result.answer.fields) is granted
        assert (b"Vary", b"Origin") in result.answer.fields


def test_what_no_route_takes_gets_the_default_policy() -> None:
    config = snapshot(route(path=b"/api", policy=None))
    result = answered(head(ORIGIN), config)
    assert (result.answer.status, result.route) == (404, None)
    assert GRANT in result.answer.fields
    assert answered(head(ORIGIN), replace(config, default_policy=None)).answer.fields == ()


def test_a_method_that_no_route_takes_is_a_405_of_the_first_route_there() -> None:
    first = route("first", methods=frozenset({b"GET"}))
    second = route("second", methods=frozenset({b"POST"}), policy=None)
    result = answered(head(ORIGIN, method=b"PUT"), snapshot(first, second))
    assert (result.answer.status, result.route) == (405, first)
    assert result.answer.fields[-1] == (b"Allow", b"GET, POST")
    assert GRANT in result.answer.fields


@pytest.mark.parametrize(
    "target", [b"/api%2Fx", b"/%61pi", b"//api", b"/api;x", b"/x/%2e%2e/api", b"/api/..;/x"]
)
def test_a_path_that_two_servers_read_differently_is_refused(target: bytes) -> None:
    config = snapshot(route("root"), route("api", b"/api"))
    assert answered(head(ORIGIN, target=target), config).answer.status == 400


@pytest.mark.parametrize("target", [b"/api/a%2Fb", b"/api//a", b"/api/a;b", b"/%C3%A9", b"/a%20b"])
def test_a_path_that_leads_to_the_same_route_in_any_reading_passes(target: bytes) -> None:
    config = snapshot(route("root"), route("api", b"/api"))
    assert forwarded(head(target=target), config).target == target


# Preflights.


def test_a_preflight_is_routed_by_the_method_that_it_announces() -> None:
    reads = route(
        "reads",
        methods=frozenset({b"GET"}),
        policy=policy(allow_origins=("https://other.example",)),
    )
    writes = route("writes", methods=frozenset({b"PUT"}))
    result = answered(head(ORIGIN, PREFLIGHT, method=b"OPTIONS"), snapshot(reads, writes))
    assert (result.answer.status, result.route) == (204, writes)
    assert GRANT in result.answer.fields


def test_a_preflight_of_a_method_that_no_route_takes_is_the_first_routes() -> None:
    first = route("first", methods=frozenset({b"GET"}))
    result = answered(head(ORIGIN, PREFLIGHT, method=b"OPTIONS"), snapshot(first))
    assert (result.answer.status, result.route) == (204, first)
    assert result.answer.reason == "method-not-allowed"


def test_a_preflight_of_another_origin_is_refused_without_a_grant() -> None:
    result = answered(head(EVIL, PREFLIGHT, method=b"OPTIONS"))
    assert (result.answer.status, result.answer.failure) == (403, Failure.ORIGIN_REFUSED)
    assert [name for name, _ in result.answer.fields] == [b"Vary"]


def test_a_transparent_route_forwards_preflights() -> None:
    result = forwarded(head(ORIGIN, PREFLIGHT, method=b"OPTIONS"), snapshot(route(policy=None)))
    assert result.decision is None
    assert result.answer_fields == ()


def test_two_origins_are_malformed() -> None:
    assert answered(head(ORIGIN, EVIL)).answer.status == 400


def test_content_is_framed_also_where_it_is_not_forwarded() -> None:
    result = answered(head(ORIGIN, PREFLIGHT, (b"Content-Length", b"5"), method=b"OPTIONS"))
    assert result.framing == Framing(FramingKind.COUNTED, 5)
    assert result.persists


# Same origin.


@pytest.mark.parametrize(
    "origin, fields, config, passes",
    [
        (b"http://gw.example", (), {}, True),
        (b"http://gw.example:80", (), {}, False),
        (b"https://gw.example", (), {}, False),
        (b"https://gw.example", ((b"X-Forwarded-Proto", b"https"),), {}, False),
        (
            b"https://gw.example",
            ((b"X-Forwarded-Proto", b"https"),),
            {"trusted_proxies": (ip_network("192.0.2.0/24"),)},
            True,
        ),
        (b"https://www.example", (), {"public_origin": b"https://www.example"}, True),
        (b"http://gw.example", (), {"public_origin": b"https://www.example"}, True),
        # By that name we speak https: a page of the same name without it is anybody's on the way.
        (b"https://gw.example", (), {"public_origin": b"https://gw.example"}, True),
        (b"http://gw.example", (), {"public_origin": b"https://gw.example"}, False),
        (b"http://gw.example", ((b"Sec-Fetch-Site", b"cross-site"),), {}, False),
        (b"https://evil.example", ((b"Sec-Fetch-Site", b"same-origin"),), {}, True),
        (b"https://evil.example", ((b"Sec-Fetch-Site", b"same-site"),), {}, False),
    ],
)
def test_our_own_pages_are_never_refused(
    origin: bytes, fields: tuple[tuple[bytes, bytes], ...], config: dict[str, Any], passes: bool
) -> None:
    blocking = route(policy=policy(on_disallowed_origin="block"))
    result = planned(head((b"Origin", origin), *fields), snapshot(blocking, **config))
    assert isinstance(result, Forward) is passes


def test_a_default_port_in_host_is_no_difference() -> None:
    blocking = route(policy=policy(on_disallowed_origin="block"))
    forwarded(head((b"Origin", b"http://gw.example"), host=b"GW.example:80"), snapshot(blocking))


def test_a_websocket_of_another_origin_is_refused() -> None:
    upgrade = (b"Connection", b"Upgrade"), (b"Upgrade", b"WebSocket")
    assert answered(head(EVIL, *upgrade)).answer.status == 403
    assert not forwarded(head(ORIGIN, *upgrade)).persists


# What goes upstream.


@pytest.mark.parametrize(
    "settings, target, line",
    [
        ({}, b"/a?b", b"GET /a?b HTTP/1.1"),
        ({}, b"http://gw.example", b"GET / HTTP/1.1"),
        ({}, b"http://gw.example?x", b"GET /?x HTTP/1.1"),
        ({}, b"HTTP://gw.example/a", b"GET /a HTTP/1.1"),
        ({"path": b"/a", "strip_prefix": True}, b"/a", b"GET / HTTP/1.1"),
        ({"path": b"/a/", "strip_prefix": True}, b"/a/b?c", b"GET /b?c HTTP/1.1"),
        ({"path": b"/a", "strip_prefix": True}, b"/a?c", b"GET /?c HTTP/1.1"),
    ],
)
def test_the_request_line(settings: dict[str, Any], target: bytes, line: bytes) -> None:
    assert (
        forwarded(head(target=target), snapshot(route(**settings)))
        .head(b"id")
        .startswith(line + b"\r\n")
    )


def test_a_path_in_the_upstreams_url_is_put_in_front() -> None:
    config = snapshot(route(upstream=replace(UPSTREAM, base_path=b"/v1")))
    assert forwarded(head(), config).target == b"/v1/a"


@pytest.mark.parametrize(
    "settings, request_head, host",
    [
        pytest.param({}, head(host=b"GW.example:81"), b"GW.example:81", id="preserved"),
        pytest.param({"host_field": b"api:5000"}, head(), b"api:5000", id="the upstream's"),
        pytest.param({}, head(target=b"http://x.example/"), b"x.example", id="of the target"),
        pytest.param({}, head(host=None, minor=0), b"api:5000", id="HTTP/1.0 without one"),
    ],
)
def test_the_host(settings: dict[str, Any], request_head: RequestHead, host: bytes) -> None:
    assert sent(forwarded(request_head, snapshot(route(**settings))), b"host") == [host]


@pytest.mark.parametrize(
    "field, origins",
    [(None, [APP]), (b"", []), (b"https://inside.example", [b"https://inside.example"])],
)
def test_the_origin_that_the_api_sees(field: bytes | None, origins: list[bytes]) -> None:
    config = snapshot(route(origin_field=field))
    assert sent(forwarded(head(ORIGIN), config), b"origin") == origins
    assert sent(forwarded(head(), config), b"origin") == []


def test_fields_that_the_route_sets_or_removes_are_not_the_clients() -> None:
    config = snapshot(
        route(set_fields=((b"X-Api-Key", b"secret"),), remove_fields=frozenset({b"x-debug"}))
    )
    client = (b"x-api-key", b"mine"), (b"X-Debug", b"1"), (b"X_Api_Key", b"2"), (b"X-Kept", b"3")
    result = forwarded(head(*client), config)
    assert sent(result, b"x-api-key") == [b"secret"]
    assert sent(result, b"x_api_key") == sent(result, b"x-debug") == []
    assert sent(result, b"x-kept") == [b"3"]


def test_what_concerns_the_clients_connection_ends_here() -> None:
    result = forwarded(
        head(
            (b"Connection", b"x-hop, keep-alive"),
            (b"X-Hop", b"1"),
            (b"TE", b"trailers"),
            (b"Expect", b"100-continue"),
        )
    )
    names = {name.lower() for name, _ in result.field_lines}
    assert names.isdisjoint({b"connection", b"x-hop", b"te", b"expect", b"keep-alive"})
    assert result.expects_continue


@pytest.mark.parametrize(
    "fields, framing, coded",
    [
        ((), NO_CONTENT, []),
        (((b"Content-Length", b"5"),), Framing(FramingKind.COUNTED, 5), []),
        (((b"Transfer-Encoding", b"Chunked"),), CHUNKED, [b"chunked"]),
    ],
)
def test_content_keeps_its_framing(
    fields: tuple[tuple[bytes, bytes], ...], framing: Framing, coded: list[bytes]
) -> None:
    result = forwarded(head(*fields, method=b"POST"))
    assert result.framing == framing
    assert sent(result, b"transfer-encoding") == coded


@pytest.mark.parametrize(
    "hops, here, passed_on",
    [
        (b"0", True, None),
        (b"00", True, None),
        (b"1", False, b"0"),
        (b"70", False, b"69"),
        (b"x", False, b"x"),
    ],
)
def test_an_options_request_goes_only_so_far(
    hops: bytes, here: bool, passed_on: bytes | None
) -> None:
    result = planned(head((b"Max-Forwards", hops), method=b"OPTIONS"))
    if here:
        assert isinstance(result, Respond)
        assert result.answer.status == 204
    else:
        assert isinstance(result, Forward)
        assert sent(result, b"max-forwards") == [passed_on]


def test_max_forwards_means_nothing_for_get() -> None:
    assert sent(forwarded(head((b"Max-Forwards", b"5"))), b"max-forwards") == [b"5"]


@pytest.mark.parametrize("target", [b"*", b"http://gw.example"])
@pytest.mark.parametrize("path", [b"/", b"/api"])
@pytest.mark.row("A27")
def test_options_about_the_server_is_answered_here(target: bytes, path: bytes) -> None:
    result = answered(head(method=b"OPTIONS", target=target), snapshot(route(path=path)))
    assert result.answer.status == 204


@pytest.mark.parametrize(
    "given, trusted, kept",
    [
        (b"abc-1", True, b"abc-1"),
        (b"abc-1", False, None),
        (b"a b", True, None),
        (b"x" * 129, True, None),
        (b"\xe9", True, None),
        (b"", True, None),
    ],
)
def test_the_request_id_of_a_trusted_peer_is_kept(
    given: bytes, trusted: bool, kept: bytes | None
) -> None:
    proxies = (ip_network("192.0.2.0/24"),) if trusted else ()
    result = forwarded(head((b"X-Request-ID", given)), snapshot(trusted_proxies=proxies))
    assert result.request_id == kept
    assert sent(result, b"x-request-id") == []
    assert result.head(b"id").endswith(b"\r\nX-Request-ID: id\r\n\r\n")


@pytest.mark.parametrize(
    "request_head, persists",
    [
        (head(), True),
        (head((b"Connection", b"close")), False),
        (head((b"Connection", b"upgrade"), (b"Upgrade", b"h2c")), False),
        (head((b"Upgrade", b"h2c")), True),
        (head(minor=0), False),
        (head((b"Connection", b"keep-alive"), minor=0), False),
    ],
)
def test_whether_the_connection_may_carry_another_request(
    request_head: RequestHead, persists: bool
) -> None:
    assert forwarded(request_head).persists is persists


@pytest.mark.parametrize(
    "method, idempotent",
    [
        (b"GET", True),
        (b"PUT", True),
        (b"DELETE", True),
        (b"POST", False),
        (b"PATCH", False),
        (b"LOCK", False),
    ],
)
def test_what_may_be_sent_twice(method: bytes, idempotent: bool) -> None:
    assert forwarded(head(method=method)).is_repeatable is idempotent
    with_content = head((b"Content-Length", b"1"), method=method)
    assert not forwarded(with_content).is_repeatable


def test_expect_means_nothing_in_http_1_0() -> None:
    result = forwarded(head((b"Expect", b"100-continue"), (b"Content-Length", b"5"), minor=0))
    assert not result.expects_continue


def test_the_same_request_gets_the_same_plan() -> None:
    config = snapshot()
    for request_head in (head(ORIGIN), head(EVIL, PREFLIGHT, method=b"OPTIONS"), head(target=b"x")):
        assert planned(request_head, config) == planned(request_head, config)


@pytest.mark.interpreted
def test_a_mistake_of_ours_is_a_500_that_a_page_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    error = RuntimeError("a mistake")

    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr("cors_gateway.plan.request_framing", fails)
    result = answered(head(ORIGIN))
    assert (result.answer.status, result.persists, result.fault) == (500, False, error)
    assert GRANT in result.answer.fields


def test_the_query_is_in_nothing_that_is_logged() -> None:
    result = forwarded(head(target=b"/a?token=secret"))
    assert result.path == b"/a"
    refused = answered(head(target=b"/a/..?token=secret"))
    assert refused.path == b"/a/.."


def test_a_route_that_is_written_with_encoding_takes_its_requests() -> None:
    cafe = route("cafe", b"/caf%C3%A9")
    config = snapshot(route("root"), cafe)
    assert forwarded(head(target=b"/caf%C3%A9/menu"), config).route is cafe
    assert answered(head(target=b"/caf%c3%a9/menu"), config).answer.status == 400


def test_a_preflight_that_lost_its_origin_is_routed_like_any_other_where_it_is_found_again() -> (
    None
):
    finding = policy(missing_origin=("Referer",), allow_methods=("PUT",))
    writing = route("writing", methods=frozenset({b"PUT"}), policy=finding)
    reading = route("reading", methods=frozenset({b"GET", b"OPTIONS"}))
    asked = head(PREFLIGHT, (b"Referer", APP + b"/page"), method=b"OPTIONS")

    result = answered(asked, snapshot(reading, writing))

    assert (result.route, result.answer.status) == (writing, 204)
    assert GRANT in result.answer.fields


def test_options_without_an_origin_is_routed_as_options_elsewhere() -> None:
    writing = route("writing", methods=frozenset({b"PUT"}))
    reading = route("reading", methods=frozenset({b"GET", b"OPTIONS"}))

    result = forwarded(head(PREFLIGHT, method=b"OPTIONS"), snapshot(reading, writing))

    assert result.route is reading


@pytest.mark.parametrize("value", [b"100-continue", b"100-Continue, 100-continue", b""])
def test_an_expectation_is_a_list(value: bytes) -> None:
    asked = head((b"Expect", value), (b"Content-Length", b"1"), method=b"POST")
    assert forwarded(asked).expects_continue is bool(value)


def test_a_field_that_cgi_makes_a_proxy_setting_is_not_forwarded() -> None:
    assert sent(forwarded(head((b"Proxy", b"http://evil.example:1"))), b"Proxy") == []


TOO_LONG = MessageError(431, "The field section is too long.")


def test_a_head_that_cannot_be_served_is_answered_under_its_routes_policy() -> None:
    strict = route("strict", b"/strict", policy=policy(allow_origins=("https://other.example",)))
    config = snapshot(route("root"), strict)

    readable = refuse(config, head(ORIGIN), PEER, TOO_LONG)
    other = refuse(config, head(ORIGIN, target=b"/strict/a"), PEER, TOO_LONG)

    assert (readable.answer.status, readable.persists) == (431, False)
    assert GRANT in readable.answer.fields
    assert (other.route, GRANT in other.answer.fields) == (strict, False)


@pytest.mark.parametrize("target", [b"", b"a", b"/a/../b", b"/" + b"a" * 9000])
def test_a_head_of_no_route_is_answered_under_the_default_policy(target: bytes) -> None:
    config = snapshot(route(path=b"/api", policy=None))
    assert GRANT in refuse(config, head(ORIGIN, target=target), PEER, TOO_LONG).answer.fields
    assert GRANT not in refuse(config, head(EVIL, target=target), PEER, TOO_LONG).answer.fields


def test_a_preflight_of_a_path_with_two_readings_is_refused_like_its_request() -> None:
    config = snapshot(route("root"), route("api", b"/api"))
    asked = head(ORIGIN, PREFLIGHT, method=b"OPTIONS", target=b"/api%2Fx")
    assert answered(asked, config).answer.status == 400


@pytest.mark.parametrize(
    "fields, settings, expected",
    [
        pytest.param((), {}, (b"http://gw.example",), id="as it was asked for"),
        pytest.param(
            (),
            {"public_origin": b"https://www.example"},
            (b"https://www.example", b"http://gw.example"),
            id="as configured too",
        ),
        pytest.param(
            (),
            {"public_origin": b"https://gw.example"},
            (b"https://gw.example",),
            id="by the configured scheme, where the name is the same",
        ),
        pytest.param(
            ((b"X-Forwarded-Host", b"www.example"), (b"X-Forwarded-Proto", b"https")),
            {"trusted_proxies": (ip_network("192.0.2.0/24"),)},
            (b"https://www.example",),
            id="as a trusted proxy was asked for",
        ),
        pytest.param(
            ((b"X-Forwarded-Host", b"www.example"),), {}, (b"http://gw.example",), id="of no other"
        ),
    ],
)
def test_by_which_names_redirects_may_know_us(
    fields: tuple[tuple[bytes, bytes], ...],
    settings: dict[str, Any],
    expected: tuple[bytes, ...],
) -> None:
    changing = route(redirects=RedirectRewrite(frozenset(), PathMap()))
    assert forwarded(head(*fields), snapshot(changing, **settings)).own_origins == expected
    assert forwarded(head(*fields), snapshot(route(), **settings)).own_origins == ()
