"""The course of a request: who is asked, what is answered, what the browser makes of it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cors_gateway.cors.browser import CorsError
from cors_gateway.cors.decision import CorsRequest, decide
from cors_gateway.explain.question import QuestionError
from cors_gateway.messages.fields import index_fields
from tests.explain.asking import APP, ask, configured, last_of
from tests.judge import Page, Verdict, judge_preflight, judge_response, preflight_lines

BASE = """\
routes:
  - name: api
    match: {path: /api}
    upstream: http://h
    cors:
      allowOrigins: [https://app.example.com]
      allowMethods: [GET, PUT]
"""
HOME = "server: {publicOrigin: https://www.example.com}\n"


def test_a_simple_request_is_not_preceded_by_another() -> None:
    told = ask(configured(), APP)

    assert told.preflight is None
    assert told.actual is not None
    assert told.actual.fields == (
        (b"Access-Control-Allow-Origin", APP.encode()),
        (b"Vary", b"Origin"),
    )
    assert (told.site, told.error, told.is_served) == ("cross-site", None, True)


def test_what_needs_permission_is_asked_for_first() -> None:
    told = ask(configured(), APP, "PUT", "/api/1", (b"Content-Type", b"application/json"))

    assert told.preflight is not None
    assert not told.preflight.reaches_api
    assert told.preflight.status == 204
    assert told.actual is not None
    assert told.actual.reaches_api
    assert told.is_served


def test_after_a_refusal_nothing_more_is_sent() -> None:
    told = ask(configured(), "https://evil.example", "PUT")

    assert told.actual is None
    assert told.preflight is told.last
    assert last_of(told).status == 403
    assert told.error is CorsError.PREFLIGHT_MISSING_ALLOW_ORIGIN_HEADER
    assert not told.is_readable
    assert not told.is_served


@pytest.mark.parametrize(
    "origin, method, headers, credentials, error",
    [
        pytest.param(
            "https://evil.example", "GET", {}, False, "MissingAllowOriginHeader", id="an origin"
        ),
        pytest.param(
            "https://evil.example", "PUT", {}, False, "PreflightMissingAllowOriginHeader",
            id="an origin that asks",
        ),
        pytest.param("null", "GET", {}, False, "MissingAllowOriginHeader", id="null"),
        pytest.param(APP, "DELETE", {}, False, "MethodDisallowedByPreflightResponse", id="a method"),
        pytest.param(APP, "patch", {}, False, "MethodDisallowedByPreflightResponse", id="its case"),
        pytest.param(
            APP, "GET", {b"X-A": b"1"}, False, "HeaderDisallowedByPreflightResponse", id="a header"
        ),
        pytest.param(
            APP, "DELETE", {b"X-A": b"1"}, False, "MethodDisallowedByPreflightResponse", id="both"
        ),
        pytest.param(APP, "GET", {}, True, "InvalidAllowCredentials", id="credentials"),
        pytest.param(
            APP, "PUT", {}, True, "PreflightInvalidAllowCredentials", id="credentials, and it asks"
        ),
        pytest.param(APP, "put", {}, False, None, id="a method that is spelled anew"),
        pytest.param(APP, "POST", {b"Content-Type": b"text/plain"}, False, None, id="a form"),
    ],
)  # fmt: skip
def test_the_reason_in_the_browsers_words(
    origin: str, method: str, headers: dict[bytes, bytes], credentials: bool, error: str | None
) -> None:
    told = ask(configured(BASE), origin, method, "/api", *headers.items(), credentials=credentials)

    assert told.error == error


def test_a_star_does_not_go_with_credentials() -> None:
    loaded = configured(BASE.replace("https://app.example.com", '"*"'))

    assert ask(loaded, APP, credentials=True).error == "WildcardOriginNotAllowed"
    assert ask(loaded, APP).is_served


def test_a_program_is_not_a_browser() -> None:
    told = ask(configured(), None, "DELETE", "/api", (b"X-A", b"1"))

    assert (told.site, told.preflight, told.error) == (None, None, None)
    assert told.is_served


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_page_of_the_gateways_own_origin_needs_no_permission(method: str) -> None:
    told = ask(configured(BASE + HOME), "https://www.example.com", method)

    assert (told.site, told.preflight, told.error) == ("same-origin", None, None)
    assert told.is_served


def test_an_answer_of_the_gateway_may_be_readable_and_is_not_served() -> None:
    loaded = configured()
    nowhere = ask(loaded, APP, "GET", "/other")

    assert last_of(nowhere).status == 404
    assert last_of(nowhere).route is None
    assert (nowhere.is_readable, nowhere.is_served) == (True, False)


def test_a_method_that_the_route_does_not_take() -> None:
    loaded = configured(BASE.replace("/api}", "/api, methods: [GET]}"))
    told = ask(loaded, APP, "PUT")

    assert told.preflight is not None
    assert told.preflight.status == 204
    assert last_of(told).status == 405
    assert last_of(told).route is not None
    assert (b"Allow", b"GET") in last_of(told).fields
    assert (told.is_readable, told.is_served) == (True, False)


def test_a_transparent_route_leaves_the_preflight_to_the_api() -> None:
    loaded = configured("routes: [{match: {path: /api}, upstream: http://h, cors: false}]")
    told = ask(loaded, APP, "PUT")

    assert last_of(told).reaches_api
    assert last_of(told).decision is None
    assert told.error == "PreflightMissingAllowOriginHeader"


@pytest.mark.parametrize(
    "line, method, status",
    [
        pytest.param("onDisallowedOrigin: block", "GET", 403, id="blocked"),
        pytest.param("csrfGuard: true", "POST", 403, id="guarded"),
        pytest.param("csrfGuard: true", "GET", 200, id="reading is not guarded"),
    ],
)
def test_refusals_before_the_api_hears_of_it(line: str, method: str, status: int) -> None:
    loaded = configured(f"{BASE}      {line}\n")
    told = ask(loaded, "https://evil.example", method)

    assert last_of(told).status == status
    assert last_of(told).reaches_api is (status == 200)
    assert told.error == "MissingAllowOriginHeader"


def test_a_path_that_can_be_read_in_two_ways() -> None:
    told = ask(configured(), APP, "GET", "/api/..;/x")

    assert (last_of(told).status, told.is_readable, told.is_served) == (400, True, False)


def test_a_method_that_passes_the_policy_and_not_the_parser() -> None:
    loaded = configured(BASE.replace("[GET, PUT]", '["*"]'))

    with pytest.raises(QuestionError, match="write PATCH"):
        ask(loaded, APP, "patch")


def test_a_method_that_the_parser_refuses_is_one_to_the_own_origin_too() -> None:
    with pytest.raises(QuestionError, match="answers FOO with 501"):
        ask(configured(BASE + HOME), "https://www.example.com", "FOO")


@pytest.mark.parametrize(
    "origin, url, error",
    [
        pytest.param(APP, "http://api.example.com/api", "mixed-content", id="in the clear"),
        pytest.param(APP, "http://192.168.0.1/api", "mixed-content", id="in the neighbourhood"),
        pytest.param(APP, "http://127.0.0.2:1/api", None, id="this machine, by address"),
        pytest.param(APP, "http://[::1]:1/api", None, id="this machine, by IPv6 address"),
        pytest.param(APP, "http://localhost:1/api", None, id="this machine, by name"),
        pytest.param(APP, "https://api.example.com/api", None, id="encrypted"),
        pytest.param(
            "http://app.example.com", "http://h/api", "MissingAllowOriginHeader", id="both clear"
        ),
        pytest.param(None, "http://h/api", None, id="a program"),
    ],
)
def test_a_page_on_https_calls_nothing_that_anyone_can_listen_to(
    origin: str | None, url: str, error: str | None
) -> None:
    told = ask(configured(), origin, "GET", url)

    assert told.error == error
    assert (told.last is None) is (error == "mixed-content")
    assert told.is_served is (error is None)


def test_only_what_is_the_same_each_time_is_shown() -> None:
    for origin in (APP, "https://evil.example"):
        for method in ("GET", "DELETE"):
            names = {name.lower() for name, _ in last_of(ask(configured(), origin, method)).fields}
            assert names.isdisjoint({b"date", b"x-request-id", b"content-length"})


POLICIES = st.fixed_dictionaries(
    {
        "allowOrigins": st.lists(
            st.sampled_from(["https://a.example", "https://*.b.example", "http://localhost:*"]),
            min_size=1,
            unique=True,
        )
        | st.just(["*"]),
        "allowMethods": st.lists(st.sampled_from(["PUT", "DELETE", "*"]), unique=True),
        "allowHeaders": st.lists(st.sampled_from(["X-A", "Authorization", "*"]), unique=True),
        "exposeHeaders": st.lists(st.sampled_from(["X-Total", "*"]), unique=True),
        "onDisallowedOrigin": st.sampled_from(["omit", "block"]),
        "preflight": st.sampled_from(["answer", "forward"]),
        "upstreamCors": st.sampled_from(["strip", "passthrough", "fallback"]),
        "mode": st.sampled_from(["enforce", "reportOnly"]),
        "csrfGuard": st.booleans(),
        "maxAge": st.sampled_from([0, 600]),
    },
    optional={"allowCredentials": st.booleans()},
).filter(lambda block: not (block.get("allowCredentials") and block["allowOrigins"] == ["*"]))

ORIGINS = st.sampled_from(
    [
        "https://a.example",
        "https://x.b.example",
        "https://b.example",
        "http://localhost:3000",
        "null",
        "junk",
        "https://c.example",
        "https://a.example.",
        "https://gateway.invalid",
    ]
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "patch", "put", "OPTIONS", "HEAD"])
HEADERS = st.lists(
    st.sampled_from(
        [
            (b"X-A", b"1"),
            (b"Authorization", b"x"),
            (b"X-Other", b"1"),
            (b"Accept", b"a" * 200),
            (b"Content-Type", b"application/json"),
            (b"Content-Type", b"text/plain"),
        ]
    ),
    unique_by=lambda line: line[0],
)


@settings(deadline=None)
@given(POLICIES, ORIGINS, METHODS, HEADERS, st.booleans())
def test_explain_agrees_with_decide_and_with_an_independent_judge(
    block: dict[str, Any],
    origin: str,
    method: str,
    headers: list[tuple[bytes, bytes]],
    credentials: bool,
) -> None:
    route = {"match": {"path": "/api"}, "upstream": "http://h", "cors": block}
    loaded = configured(json.dumps({"routes": [route]}))
    try:
        told = ask(loaded, origin, method, "/api", *headers, credentials=credentials)
    except QuestionError:
        assert method == "patch"
        return
    assert loaded.snapshot is not None
    policy = loaded.snapshot.routes[0].policy
    assert policy is not None

    for exchange in filter(None, (told.preflight, told.actual)):
        index = index_fields(exchange.request.fields)
        decision = decide(
            policy,
            CorsRequest(
                method=exchange.request.method,
                origin_lines=index.get(b"origin", ()),
                request_method_lines=index.get(b"access-control-request-method", ()),
                request_headers_lines=index.get(b"access-control-request-headers", ()),
                sec_fetch_site=told.site.encode() if told.site else None,
                own_origins=(b"https://gateway.invalid",),
                host=b"gateway.invalid",
            ),
        )
        assert exchange.decision == decision
        assert exchange.reaches_api is (decision.status is None)
        if decision.status is not None:
            assert exchange.status == decision.status

    page = Page(
        origin=origin.encode(),
        method=method.encode(),
        headers=tuple(headers),
        credentials=credentials,
    )
    if told.site == "same-origin":
        assert told.error is None
        return
    asked = preflight_lines(page)
    assert (asked is None) is (told.preflight is None)
    verdict = Verdict.ALLOWED
    if told.preflight is not None:
        assert asked is not None
        assert set(asked) <= set(told.preflight.request.fields)
        verdict = judge_preflight(page, told.preflight.status, told.preflight.fields)
    if verdict is Verdict.ALLOWED:
        assert told.actual is not None
        verdict = judge_response(page, told.actual.fields)
    else:
        assert told.actual is None
    assert (verdict is Verdict.ALLOWED) is told.is_readable
