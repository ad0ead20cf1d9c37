"""What a client gets of an API's response: its fields, its framing, and the policy's last word."""

from typing import Any

import pytest

from cors_gateway.conclude import Concluded, conclude, conclude_interim
from cors_gateway.messages.cookies import CookieRewrite
from cors_gateway.messages.framing import CHUNKED, NO_CONTENT, UNTIL_CLOSE, Framing, FramingKind
from cors_gateway.messages.heads import MessageError, ResponseHead
from cors_gateway.messages.path_map import PathMap
from cors_gateway.messages.redirects import RedirectRewrite
from tests.test_plan import APP, EVIL, ORIGIN, forwarded, head, policy, route, snapshot

COUNTED = Framing(FramingKind.COUNTED, 5)
LENGTH = (b"Content-Length", b"5")
CODED = (b"Transfer-Encoding", b"chunked")
DATE = b"Sat, 21 Nov 2026 07:00:00 GMT"


def concluded(
    *fields: tuple[bytes, bytes],
    status: int = 200,
    minor: int = 1,
    close: bool = False,
    request: Any = None,
    **settings: Any,
) -> Concluded:
    cors = settings.pop("cors", {})
    config = snapshot(route(policy=None if cors is None else policy(**cors)))
    forward = forwarded(request or head(ORIGIN), config)
    response = ResponseHead(status, b"Fine", minor, fields)
    return conclude(forward, response, date=DATE, close=close)


def lines(result: Concluded) -> list[bytes]:
    assert result.head(b"id").endswith(b"\r\n\r\n")
    return result.head(b"id").split(b"\r\n")[1:-2]


def values(result: Concluded, name: bytes) -> list[bytes]:
    prefix = name.lower() + b":"
    return [
        line[len(prefix) :].strip() for line in lines(result) if line.lower().startswith(prefix)
    ]


@pytest.mark.parametrize(
    "fields, status, method, client_minor, upstream, downstream",
    [
        pytest.param((LENGTH,), 200, b"GET", 1, COUNTED, COUNTED, id="counted"),
        pytest.param((LENGTH,), 200, b"GET", 0, COUNTED, COUNTED, id="counted to 1.0"),
        pytest.param((CODED,), 200, b"GET", 1, CHUNKED, CHUNKED, id="chunked"),
        pytest.param((CODED,), 200, b"GET", 0, CHUNKED, UNTIL_CLOSE, id="chunked to 1.0"),
        pytest.param((), 200, b"GET", 1, UNTIL_CLOSE, CHUNKED, id="until close"),
        pytest.param((), 200, b"GET", 0, UNTIL_CLOSE, UNTIL_CLOSE, id="until close to 1.0"),
        pytest.param((LENGTH,), 200, b"HEAD", 1, NO_CONTENT, NO_CONTENT, id="HEAD"),
        pytest.param((CODED,), 200, b"HEAD", 0, NO_CONTENT, NO_CONTENT, id="HEAD to 1.0"),
        pytest.param((LENGTH,), 204, b"GET", 1, NO_CONTENT, NO_CONTENT, id="204"),
        pytest.param((LENGTH,), 304, b"GET", 1, NO_CONTENT, NO_CONTENT, id="304"),
    ],
)
def test_the_framing(
    fields: tuple[tuple[bytes, bytes], ...],
    status: int,
    method: bytes,
    client_minor: int,
    upstream: Framing,
    downstream: Framing,
) -> None:
    result = concluded(*fields, status=status, request=head(method=method, minor=client_minor))
    assert (result.upstream_framing, result.downstream_framing) == (upstream, downstream)
    assert values(result, b"transfer-encoding") == ([b"chunked"] if downstream == CHUNKED else [])
    keeps_length = LENGTH in fields and status != 204
    assert values(result, b"content-length") == ([b"5"] if keeps_length else [])


@pytest.mark.parametrize(
    "fields, minor, persists",
    [
        ((LENGTH,), 1, True),
        ((LENGTH, (b"Connection", b"close")), 1, False),
        ((LENGTH,), 0, False),
        ((LENGTH, (b"Connection", b"keep-alive")), 0, True),
        ((), 1, False),
    ],
)
def test_whether_the_api_takes_another_request(
    fields: tuple[tuple[bytes, bytes], ...], minor: int, persists: bool
) -> None:
    assert concluded(*fields, minor=minor).upstream_persists is persists


@pytest.mark.parametrize(
    "request_head, close, persists",
    [
        (head(), False, True),
        (head(), True, False),
        (head((b"Connection", b"close")), False, False),
        (head(minor=0), False, False),
    ],
)
def test_whether_the_client_may_send_another_request(
    request_head: Any, close: bool, persists: bool
) -> None:
    result = concluded(LENGTH, close=close, request=request_head)
    assert result.downstream_persists is persists
    assert values(result, b"connection") == ([] if persists else [b"close"])


def test_what_concerns_the_apis_connection_ends_here() -> None:
    result = concluded(
        LENGTH,
        (
            b"Connection",
            b"x-hop, Keep-Alive, Content-Length, Set-Cookie, Access-Control-Allow-Origin",
        ),
        (b"Keep-Alive", b"timeout=5"),
        (b"X-Hop", b"1"),
        (b"Proxy-Authenticate", b"Basic"),
        (b"Upgrade", b"h2c"),
        (b"Trailer", b"X"),
        (b"Set-Cookie", b"a=b"),
        (b"X-Request-ID", b"the API's"),
    )
    assert lines(result) == [
        b"Content-Length: 5",
        b"Set-Cookie: a=b",
        b"Date: " + DATE,
        b"X-Request-ID: id",
        b"Access-Control-Allow-Origin: " + APP,
        b"Vary: Origin",
    ]


def test_a_date_of_the_apis_own_stays() -> None:
    assert values(concluded((b"date", b"yesterday")), b"date") == [b"yesterday"]


OWN = (
    (b"Access-Control-Allow-Origin", b"*"),
    (b"access-control-allow-credentials", b"true"),
    (b"Access-Control-Anything", b"x"),
)


@pytest.mark.parametrize(
    "cors, own, origins, other",
    [
        ({}, OWN, [APP], []),
        ({"upstream_cors": "passthrough"}, OWN, [b"*"], [b"x"]),
        ({"upstream_cors": "passthrough"}, (), [], []),
        ({"upstream_cors": "fallback"}, OWN, [b"*"], [b"x"]),
        ({"upstream_cors": "fallback"}, OWN[1:], [APP], []),
        ({"mode": "reportOnly"}, OWN, [b"*"], [b"x"]),
        (None, OWN, [b"*"], [b"x"]),
        (None, (), [], []),
    ],
)
def test_who_has_the_last_word_on_cors(
    cors: dict[str, Any] | None,
    own: tuple[tuple[bytes, bytes], ...],
    origins: list[bytes],
    other: list[bytes],
) -> None:
    result = concluded(LENGTH, *own, cors=cors)
    assert values(result, b"access-control-allow-origin") == origins
    assert values(result, b"access-control-anything") == other


@pytest.mark.parametrize(
    "cors, own, count",
    [
        pytest.param({}, (), 0, id="nothing to strip"),
        pytest.param({}, OWN, 3, id="three lines"),
        pytest.param({}, (OWN[0], OWN[0]), 2, id="a line twice"),
        pytest.param({}, ((b"Timing-Allow-Origin", b"*"),), 0, id="a field that is not CORS"),
        pytest.param({"upstream_cors": "passthrough"}, OWN, 0, id="passthrough"),
        pytest.param({"upstream_cors": "fallback"}, OWN, 0, id="fallback that is there"),
        pytest.param({"upstream_cors": "fallback"}, OWN[1:], 2, id="fallback that is not there"),
        pytest.param(None, OWN, 0, id="no policy"),
    ],
)
def test_what_is_left_out_of_the_apis_own_cors_is_counted(
    cors: dict[str, Any] | None, own: tuple[tuple[bytes, bytes], ...], count: int
) -> None:
    assert concluded(LENGTH, *own, cors=cors).stripped == count


def test_an_origin_that_is_not_allowed_gets_nothing_of_the_apis_own_either() -> None:
    result = concluded(LENGTH, *OWN, request=head(EVIL))
    assert not any(line.lower().startswith(b"access-control") for line in lines(result))
    assert values(result, b"vary") == [b"Origin"]


@pytest.mark.parametrize(
    "own, merged",
    [
        ((), [b"Origin"]),
        ((b"Accept",), [b"Accept, Origin"]),
        ((b"Accept, ORIGIN", b"Cookie"), [b"Accept, ORIGIN, Cookie"]),
        ((b"*",), [b"*"]),
        ((b"Accept", b"*"), [b"*"]),
    ],
)
def test_vary_is_united_and_never_shortened(own: tuple[bytes, ...], merged: list[bytes]) -> None:
    result = concluded(LENGTH, *((b"vary", value) for value in own))
    assert values(result, b"vary") == merged


def test_a_route_whose_answer_is_the_same_for_all_leaves_vary_alone() -> None:
    result = concluded(LENGTH, (b"vary", b"Accept"), cors={"allow_origins": ("*",)})
    assert values(result, b"vary") == [b"Accept"]
    assert values(result, b"access-control-allow-origin") == [b"*"]


def test_the_names_that_are_really_there_are_exposed_where_a_star_would_not_do() -> None:
    result = concluded(
        LENGTH,
        (b"X-Total", b"7"),
        (b"ETag", b"x"),
        (b"Keep-Alive", b"5"),
        (b"Connection", b"X-Hop"),
        (b"X-Hop", b"1"),
        *OWN,
        cors={"allow_credentials": True, "expose_headers": ("*",)},
    )
    (exposed,) = values(result, b"access-control-expose-headers")
    names = set(exposed.split(b", "))
    assert {b"X-Total", b"ETag"} <= names
    assert names.isdisjoint({b"Keep-Alive", b"Connection", b"X-Hop", b"Access-Control-Anything"})


def test_timing_may_be_read_by_whom_the_policy_names_and_is_told_once() -> None:
    result = concluded(
        LENGTH, (b"Timing-Allow-Origin", b"*"), cors={"timing_allow_origins": (APP.decode(),)}
    )
    assert values(result, b"timing-allow-origin") == [APP]


@pytest.mark.parametrize(
    "own, told",
    [
        pytest.param((), [b"same-site"], id="ours where the API says nothing"),
        pytest.param((b"same-origin",), [b"same-origin"], id="the API's own"),
        pytest.param((b"cross-origin", b"same-site"), [b"cross-origin", b"same-site"], id="two"),
        pytest.param((b"",), [b""], id="an empty line"),
    ],
)
def test_who_may_embed_is_said_where_the_api_does_not(
    own: tuple[bytes, ...], told: list[bytes]
) -> None:
    name = b"cross-origin-Resource-Policy"
    result = concluded(
        LENGTH,
        *((name, value) for value in own),
        cors={"cross_origin_resource_policy": "same-site"},
    )
    assert values(result, name.lower()) == told
    assert values(result, b"access-control-allow-origin") == [APP]


@pytest.mark.parametrize(
    "fields",
    [
        (LENGTH, CODED),
        (LENGTH, LENGTH),
        ((b"Content-Length", b"x"),),
        ((b"Transfer-Encoding", b"gzip"),),
        ((b"A", b"b\x01c"),),
        ((b"A\x01", b"b"),),
    ],
)
def test_what_cannot_be_passed_on_safely_is_a_502(fields: tuple[tuple[bytes, bytes], ...]) -> None:
    with pytest.raises(MessageError) as caught:
        concluded(*fields)
    assert caught.value.status == 502


@pytest.mark.parametrize(
    "content_type, expected",
    [
        (b"text/event-stream", True),
        (b"Text/Event-Stream; charset=utf-8", True),
        (b"text/plain", False),
    ],
)
def test_an_event_stream_is_known_by_its_type(content_type: bytes, expected: bool) -> None:
    assert concluded((b"Content-Type", content_type)).is_event_stream is expected


def test_an_interim_response_keeps_what_does_not_concern_a_connection() -> None:
    response = ResponseHead(
        103, b"Early", 1, ((b"Link", b"</a>"), (b"Connection", b"x"), (b"X", b"y"), LENGTH, CODED)
    )
    assert (
        conclude_interim(forwarded(head()), response) == b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"
    )


def test_an_interim_response_is_looked_at_like_any_other() -> None:
    with pytest.raises(MessageError):
        conclude_interim(forwarded(head()), ResponseHead(103, b"Early", 1, ((b"Link", b"\x01"),)))


def test_an_interim_response_grants_nothing_of_the_apis_own() -> None:
    response = ResponseHead(103, b"Early", 1, ((b"Access-Control-Allow-Origin", b"*"),))

    assert conclude_interim(forwarded(head()), response) == b"HTTP/1.1 103 Early\r\n\r\n"


API = PathMap(b"/api")
COOKIES = CookieRewrite(domain=b"", paths=API, secure=True)
REDIRECTS = RedirectRewrite(frozenset({(b"api", 5000)}), API)


def changed(
    *fields: tuple[bytes, bytes], status: int = 200, target: bytes = b"/api/a?b", **settings: Any
) -> Concluded:
    """Conclude a response of a route that has ``cookies`` and ``redirects``."""
    settings = {"cookies": COOKIES, "redirects": REDIRECTS, **settings}
    config = snapshot(
        route(path=b"/api", strip_prefix=True, **settings), public_origin=b"https://www.example"
    )
    forward = forwarded(head(ORIGIN, target=target), config)
    response = ResponseHead(status, b"Fine", 1, fields)
    return conclude(forward, response, date=DATE, close=False)


@pytest.mark.parametrize("cors", [policy(), None], ids=["a policy", "cors: false"])
def test_cookies_and_redirects_change_in_their_places(cors: Any) -> None:
    result = changed(
        (b"set-cookie", b"a=\xe9; Domain=api; Path=/"),
        (b"X", b"y"),
        (b"LOCATION", b"http://api:5000/b"),
        (b"Set-Cookie", b"b=2; Path=/c; Secure"),
        LENGTH,
        status=302,
        policy=cors,
    )
    assert lines(result)[:5] == [
        b"set-cookie: a=\xe9; Path=/api; Secure",
        b"X: y",
        b"LOCATION: /api/b",
        b"Set-Cookie: b=2; Path=/api/c; Secure",
        b"Content-Length: 5",
    ]
    assert result.cookies_unparsed == 0


def test_cookies_that_cannot_be_parsed_pass_and_are_counted() -> None:
    result = changed((b"Set-Cookie", b"a"), (b"Set-Cookie", b"b=1"), (b"Set-Cookie", b""))
    assert values(result, b"set-cookie") == [b"a", b"b=1; Secure", b""]
    assert result.cookies_unparsed == 2


@pytest.mark.parametrize(
    "settings, cookie, location",
    [
        ({"redirects": None}, b"a=b; Secure", b"http://api:5000/"),
        ({"cookies": None}, b"a=b", b"/api/"),
        ({"cookies": None, "redirects": None}, b"a=b", b"http://api:5000/"),
    ],
)
def test_each_changes_alone(settings: dict[str, Any], cookie: bytes, location: bytes) -> None:
    given = ((b"Set-Cookie", b"a=b"), (b"Location", b"http://api:5000/"))
    result = changed(*given, status=301, **settings)
    assert values(result, b"set-cookie") == [cookie]
    assert values(result, b"location") == [location]


@pytest.mark.parametrize(
    "target, location, expected",
    [
        (b"/api/a?b", b"http://gw.example/a?c", b"/api/a?c"),
        (b"/api/a?b", b"https://gw.example/a?b", b"https://gw.example/api/a?b"),
        (b"/api/a?b?c", b"https://gw.example/a?b?c", b"https://gw.example/api/a?b?c"),
        (b"/api/a", b"https://www.example/a", b"https://www.example/api/a"),
        (b"/api/a", b"https://www.example/b", b"/api/b"),
        (b"/api", b"/login", b"/api/login"),
    ],
)
def test_a_redirect_is_ours_by_every_name_and_never_leads_back(
    target: bytes, location: bytes, expected: bytes
) -> None:
    result = changed((b"Location", location), status=307, target=target)
    assert values(result, b"location") == [expected]


def test_a_control_character_in_a_cookie_or_redirect_is_a_502() -> None:
    for name in (b"Set-Cookie", b"Location"):
        with pytest.raises(MessageError) as caught:
            changed((name, b"/a\x0b"), status=302)
        assert caught.value.status == 502


def test_an_interim_response_keeps_its_cookies_as_they_are() -> None:
    config = snapshot(route(path=b"/api", strip_prefix=True, cookies=COOKIES, redirects=REDIRECTS))
    response = ResponseHead(103, b"Early", 1, ((b"Set-Cookie", b"a=b"), (b"Location", b"/a")))
    assert conclude_interim(forwarded(head(target=b"/api"), config), response) == (
        b"HTTP/1.1 103 Early\r\nSet-Cookie: a=b\r\nLocation: /a\r\n\r\n"
    )
