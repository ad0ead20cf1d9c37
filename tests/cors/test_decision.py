from typing import Any

import pytest

from cors_gateway.cors import decision
from cors_gateway.cors.decision import (
    Check,
    CorsRequest,
    Decision,
    Outcome,
    Reason,
    RequestKind,
    classify,
    decide,
    decide_by_origin,
    is_by_origin,
)
from cors_gateway.cors.policy import Policy, PolicySettings, compile_policy

APP = b"https://app.example.com"
EVIL = b"https://evil.com"
ACAO = b"Access-Control-Allow-Origin"
ACAC = (b"Access-Control-Allow-Credentials", b"true")
ACAM = b"Access-Control-Allow-Methods"
ACAH = b"Access-Control-Allow-Headers"
ACEH = b"Access-Control-Expose-Headers"
AGE = (b"Access-Control-Max-Age", b"600")
TAO = b"Timing-Allow-Origin"
VARY = (b"Origin",)
PREFLIGHT_VARY = (b"Origin", b"Access-Control-Request-Method", b"Access-Control-Request-Headers")


def policy(**settings: Any) -> Policy:
    settings.setdefault("allow_origins", ("https://app.example.com", "https://*.example.net"))
    compiled, problems = compile_policy(PolicySettings(**settings), {"com", "net"}.__contains__)
    assert compiled is not None, problems
    return compiled


def actual(origin: bytes | None = APP, method: bytes = b"GET", **more: Any) -> CorsRequest:
    lines = () if origin is None else (origin,)
    return CorsRequest(method=method, origin_lines=lines, **more)


def preflight(
    origin: bytes = APP, method: bytes = b"GET", *names: bytes, **more: Any
) -> CorsRequest:
    return CorsRequest(
        method=b"OPTIONS",
        origin_lines=(origin,),
        request_method_lines=(method,),
        request_headers_lines=names,
        **more,
    )


def summary(decision: Decision) -> tuple[str, str, str, int | None]:
    return decision.kind, decision.outcome, decision.reason, decision.status


# What kind of request it is.


@pytest.mark.parametrize(
    "method, origins, methods, kind",
    [
        (b"GET", (), (), RequestKind.NOT_CORS),
        (b"OPTIONS", (), (b"PUT",), RequestKind.NOT_CORS),
        (b"OPTIONS", (), (), RequestKind.NOT_CORS),
        (b"GET", (APP,), (), RequestKind.ACTUAL),
        (b"GET", (APP,), (b"PUT",), RequestKind.ACTUAL),
        (b"OPTIONS", (APP,), (), RequestKind.ACTUAL),
        (b"OPTIONS", (APP,), (b"",), RequestKind.ACTUAL),
        (b"options", (APP,), (b"PUT",), RequestKind.ACTUAL),
        (b"OPTIONS", (APP,), (b"PUT",), RequestKind.PREFLIGHT),
        (b"OPTIONS", (b"",), (b"PUT",), RequestKind.PREFLIGHT),
        (b"OPTIONS", (b"nonsense",), (b"PUT",), RequestKind.PREFLIGHT),
        (b"OPTIONS", (APP, EVIL), (b"PUT",), RequestKind.PREFLIGHT),
        (b"OPTIONS", (APP,), (b"", b"PUT"), RequestKind.PREFLIGHT),
    ],
)
def test_a_preflight_is_options_with_any_origin_line_and_an_announced_method(
    method: bytes, origins: tuple[bytes, ...], methods: tuple[bytes, ...], kind: RequestKind
) -> None:
    request = CorsRequest(method=method, origin_lines=origins, request_method_lines=methods)

    assert classify(request) is kind
    assert decide(policy(), request).kind is kind


# Actual requests.


def test_an_allowed_origin_is_granted_by_name() -> None:
    decision = decide(policy(), actual())

    assert summary(decision) == ("actual", "allowed", "origin-allowed", None)
    assert decision.fields == ((ACAO, APP),)
    assert decision.vary == VARY
    assert (decision.origin, decision.entry) == (APP, "https://app.example.com")
    assert decision.upstream_cors == "strip"
    assert [step.check for step in decision.steps] == [Check.ORIGIN]


def test_a_pattern_grants_the_origin_and_is_named() -> None:
    decision = decide(policy(allow_credentials=True), actual(b"https://a.b.example.net"))

    assert decision.fields == ((ACAO, b"https://a.b.example.net"), ACAC)
    assert decision.entry == "https://*.example.net"


def test_everything_that_a_policy_grants_is_on_the_answer() -> None:
    decision = decide(
        policy(
            allow_credentials=True,
            expose_headers=("X-Total-Count", "ETag"),
            timing_allow_origins=("https://app.example.com", "https://b.com"),
        ),
        actual(),
    )

    assert decision.fields == (
        (ACAO, APP),
        ACAC,
        (ACEH, b"X-Total-Count, ETag"),
        (TAO, b"https://app.example.com, https://b.com"),
    )


@pytest.mark.parametrize(
    "origin, reason",
    [
        (EVIL, Reason.ORIGIN_NOT_ALLOWED),
        (b"https://example.net", Reason.ORIGIN_NOT_ALLOWED),
        (b"null", Reason.NULL_ORIGIN),
        (b"HTTPS://APP.EXAMPLE.COM", Reason.ORIGIN_INVALID),
        (b"", Reason.ORIGIN_INVALID),
    ],
)
def test_a_disallowed_origin_is_passed_on_and_granted_nothing(
    origin: bytes, reason: Reason
) -> None:
    decision = decide(policy(allow_credentials=True, expose_headers=("X-A",)), actual(origin))

    assert summary(decision) == ("actual", "denied", reason, None)
    assert (decision.fields, decision.vary) == ((), VARY)
    assert (decision.origin, decision.entry) == (origin, None)


def test_a_disallowed_origin_can_be_blocked() -> None:
    decision = decide(policy(on_disallowed_origin="block"), actual(EVIL))

    assert summary(decision) == ("actual", "denied", "origin-not-allowed", 403)
    assert (decision.fields, decision.vary) == ((), VARY)


@pytest.mark.parametrize(
    "request_",
    [
        actual(None),
        actual(None, b"POST"),
        actual(None, b"OPTIONS", request_method_lines=(b"PUT",)),
        actual(None, host=b"app.example.com", referer=b"https://app.example.com/"),
    ],
)
def test_a_request_without_an_origin_is_never_blocked_and_not_granted_anything(
    request_: CorsRequest,
) -> None:
    decision = decide(policy(on_disallowed_origin="block"), request_)

    assert summary(decision) == ("none", "none", "no-origin", None)
    assert (decision.fields, decision.vary, decision.steps) == ((), VARY, ())


@pytest.mark.parametrize(
    "request_",
    [
        actual(EVIL, b"POST", own_origins=(EVIL,)),
        actual(b"null", b"POST", sec_fetch_site=b"same-origin"),
        actual(EVIL, b"GET", own_origins=(EVIL,), websocket=True),
    ],
)
def test_a_request_of_the_own_origin_is_never_refused(request_: CorsRequest) -> None:
    decision = decide(policy(on_disallowed_origin="block", csrf_guard=True), request_)

    assert summary(decision) == ("actual", "none", "same-origin", None)
    assert (decision.fields, decision.vary) == ((), VARY)


def test_an_allowed_origin_gets_its_fields_though_it_is_the_own() -> None:
    decision = decide(policy(), actual(own_origins=(APP,), sec_fetch_site=b"same-origin"))

    assert decision.fields == ((ACAO, APP),)


@pytest.mark.parametrize("method", [b"GET", b"POST", b"OPTIONS"])
def test_two_origin_lines_are_a_bad_request(method: bytes) -> None:
    decision = decide(policy(), CorsRequest(method=method, origin_lines=(APP, APP)))

    assert summary(decision) == ("actual", "denied", "repeated-origin", 400)
    assert (decision.fields, decision.vary) == ((), VARY)
    assert decision.origin is None


def test_two_origin_lines_of_a_preflight_are_a_bad_request() -> None:
    request = CorsRequest(
        method=b"OPTIONS", origin_lines=(APP, EVIL), request_method_lines=(b"GET",)
    )
    decision = decide(policy(), request)

    assert summary(decision) == ("preflight", "denied", "repeated-origin", 400)
    assert (decision.fields, decision.vary) == ((), PREFLIGHT_VARY)


# A literal star.


@pytest.mark.parametrize(
    "request_",
    [actual(EVIL), actual(b"null"), actual(b"\xffnonsense"), actual(None), actual(EVIL, b"POST")],
)
def test_a_star_is_sent_whatever_the_origin_and_without_vary(request_: CorsRequest) -> None:
    decision = decide(
        policy(allow_origins=("*",), expose_headers=("X-A",), missing_origin=("Referer",)), request_
    )

    assert decision.fields == ((ACAO, b"*"), (ACEH, b"X-A"))
    assert (decision.vary, decision.status) == ((), None)
    expected = Outcome.ALLOWED if request_.origin_lines else Outcome.NOT_APPLICABLE
    assert decision.outcome is expected


def test_a_star_answers_preflights_of_everyone_without_vary() -> None:
    decision = decide(policy(allow_origins=("*",)), preflight(b"nonsense", b"PUT", b"x-a"))

    assert summary(decision) == ("preflight", "denied", "method-not-allowed", 204)
    assert decision.fields == (
        (ACAO, b"*"),
        (ACAM, b"GET, HEAD, POST"),
        (ACAH, b"Content-Type, X-Requested-With"),
        AGE,
    )
    assert decision.vary == ()


def test_a_star_is_on_refusals_too() -> None:
    request = CorsRequest(method=b"GET", origin_lines=(APP, APP))
    decision = decide(policy(allow_origins=("*",), timing_allow_origins=("*",)), request)

    assert (decision.status, decision.vary) == (400, ())
    assert decision.fields == ((ACAO, b"*"), (TAO, b"*"))


# Dangerous policies.


def test_reflection_names_any_well_formed_origin() -> None:
    reflecting = policy(
        allow_origins=("*",), allow_credentials=True, dangerously_reflect_any_origin=True
    )

    assert decide(reflecting, actual(EVIL)).fields == ((ACAO, EVIL), ACAC)
    assert decide(reflecting, actual(EVIL)).vary == VARY
    assert decide(reflecting, actual(b"null")).fields == ()
    assert decide(reflecting, actual(b"x y")).fields == ()
    assert decide(reflecting, actual(None)).fields == ()


def test_a_null_origin_is_granted_where_the_danger_is_named() -> None:
    decision = decide(policy(dangerously_allow_null_origin=True), actual(b"null"))

    assert decision.fields == ((ACAO, b"null"),)
    assert decision.entry == "dangerouslyAllowNullOrigin"


# Preflights.


@pytest.mark.parametrize("origin", [EVIL, b"null", b"nonsense", b"", b"https://example.net"])
def test_a_preflight_of_a_disallowed_origin_is_refused_and_learns_nothing(origin: bytes) -> None:
    decision = decide(policy(timing_allow_origins=("*",)), preflight(origin))

    assert (decision.outcome, decision.status) == (Outcome.DENIED, 403)
    assert (decision.fields, decision.vary) == ((), PREFLIGHT_VARY)


def test_a_preflight_of_the_own_origin_is_refused_like_any_other() -> None:
    decision = decide(policy(), preflight(EVIL, own_origins=(EVIL,)))

    assert summary(decision) == ("preflight", "denied", "origin-not-allowed", 403)


LISTS = (
    (ACAO, APP),
    ACAC,
    (ACEH, b"X-C"),
    (ACAM, b"GET, PUT"),
    (ACAH, b"X-A, X-B"),
    AGE,
)


@pytest.mark.parametrize(
    "method, names, outcome, reason, failed",
    [
        (b"PUT", (b"x-a",), "allowed", "origin-allowed", []),
        (b"POST", (), "allowed", "origin-allowed", []),
        (b"DELETE", (b"x-a",), "denied", "method-not-allowed", [Check.METHOD]),
        (b"PUT", (b"x-a,x-z",), "denied", "header-not-allowed", [Check.HEADERS]),
        (b"DELETE", (b"x-z",), "denied", "method-not-allowed", [Check.METHOD, Check.HEADERS]),
        (b"GET PUT", (), "denied", "method-not-allowed", [Check.METHOD]),
        (b"PUT", (b"a b",), "denied", "header-not-allowed", [Check.HEADERS]),
    ],
)
def test_an_allowed_origin_gets_the_whole_lists_and_the_reason_is_kept(
    method: bytes, names: tuple[bytes, ...], outcome: str, reason: str, failed: list[Check]
) -> None:
    decision = decide(
        policy(
            allow_credentials=True,
            allow_methods=("GET", "PUT"),
            allow_headers=("X-A", "X-B"),
            expose_headers=("X-C",),
            timing_allow_origins=("*",),
        ),
        preflight(APP, method, *names),
    )

    assert summary(decision) == ("preflight", outcome, reason, 204)
    assert (decision.fields, decision.vary) == (LISTS, PREFLIGHT_VARY)
    assert [step.check for step in decision.steps] == [Check.ORIGIN, Check.METHOD, Check.HEADERS]
    assert [step.check for step in decision.steps if not step.passed] == failed


def test_safelisted_headers_are_sent_along_when_they_are_announced() -> None:
    decision = decide(
        policy(allow_headers=("X-A", "Accept")), preflight(APP, b"GET", b"accept,range,x-a")
    )

    assert decision.outcome is Outcome.ALLOWED
    assert (ACAH, b"X-A, Accept, range") in decision.fields


@pytest.mark.parametrize("names, value", [((), None), ((b"range",), b"range")])
def test_an_empty_list_is_not_sent(names: tuple[bytes, ...], value: bytes | None) -> None:
    decision = decide(policy(allow_headers=(), allow_methods=()), preflight(APP, b"GET", *names))

    assert dict(decision.fields).get(ACAH) == value
    assert ACAM not in dict(decision.fields)
    assert decision.outcome is Outcome.ALLOWED


STARS: dict[str, Any] = {"allow_methods": ("*",), "allow_headers": ("*",), "expose_headers": ("*",)}


def test_stars_are_sent_literally_without_credentials() -> None:
    decision = decide(policy(**STARS), preflight(APP, b"PURGE", b"x-a"))

    assert decision.outcome is Outcome.ALLOWED
    assert decision.fields == ((ACAO, APP), (ACEH, b"*"), (ACAM, b"*"), (ACAH, b"*"), AGE)


def test_authorization_beside_a_star_is_sent_too() -> None:
    stars = policy(allow_headers=("*", "Authorization"))
    decision = decide(stars, preflight(APP, b"GET", b"authorization,x-a"))

    assert decision.outcome is Outcome.ALLOWED
    assert (ACAH, b"*, Authorization") in decision.fields


@pytest.mark.parametrize(
    "listed, method, names, methods, headers, reason",
    [
        (("*",), b"PURGE", (b"X-B,x-a,X-b",), b"PURGE", b"x-b, x-a", "origin-allowed"),
        (("*",), b"GET", (), b"GET", None, "origin-allowed"),
        (("*",), b"GET", (b"authorization,x-a",), b"GET", b"x-a", "header-not-allowed"),
        (("*", "Authorization"), b"GET", (b"authorization,x-a",), b"GET", b"authorization, x-a",
         "origin-allowed"),
        (("*", "Authorization"), b"GET", (), b"GET", b"Authorization", "origin-allowed"),
        (("*", "Authorization"), b"GET", (b"a b",), b"GET", b"Authorization",
         "header-not-allowed"),
        (("*",), b"G T", (b"x-a",), None, b"x-a", "method-not-allowed"),
        (("*",), b"TRACE", (), None, None, "method-not-allowed"),
        (("*",), b"*", (b"*",), None, None, "method-not-allowed"),
        (("*",), b"GET", (b"x-a," * 101,), b"GET", None, "header-not-allowed"),
    ],
)  # fmt: skip
def test_with_credentials_stars_name_what_is_announced(
    listed: tuple[str, ...],
    method: bytes,
    names: tuple[bytes, ...],
    methods: bytes | None,
    headers: bytes | None,
    reason: str,
) -> None:
    stars = policy(allow_credentials=True, allow_methods=("*",), allow_headers=listed)
    decision = decide(stars, preflight(APP, method, *names))

    assert (decision.status, decision.reason) == (204, reason)
    assert dict(decision.fields).get(ACAM) == methods
    assert dict(decision.fields).get(ACAH) == headers


def test_with_credentials_an_exposed_star_asks_for_the_real_names() -> None:
    stars = policy(allow_credentials=True, expose_headers=("*",))

    granted = decide(stars, actual())
    assert (granted.expose_real, granted.fields) == (True, ((ACAO, APP), ACAC))
    assert decide(stars, actual(EVIL)).expose_real is False
    assert decide(stars, preflight()).expose_real is False
    assert decide(policy(expose_headers=("*",)), actual()).expose_real is False


@pytest.mark.parametrize("origin", [APP, EVIL])
def test_two_announced_methods_are_a_bad_request(origin: bytes) -> None:
    request = CorsRequest(
        method=b"OPTIONS", origin_lines=(origin,), request_method_lines=(b"GET", b"GET")
    )
    decision = decide(policy(), request)

    assert summary(decision) == ("preflight", "denied", "repeated-request-method", 400)
    assert (decision.fields, decision.vary) == ((), PREFLIGHT_VARY)


@pytest.mark.parametrize("origin, outcome", [(APP, Outcome.ALLOWED), (EVIL, Outcome.DENIED)])
def test_a_forwarded_preflight_is_left_to_the_upstream(origin: bytes, outcome: Outcome) -> None:
    decision = decide(policy(preflight="forward"), preflight(origin))

    assert (decision.kind, decision.outcome) == (RequestKind.PREFLIGHT, outcome)
    assert (decision.status, decision.fields, decision.vary) == (None, (), ())
    assert decision.upstream_cors == "passthrough"


def test_only_preflights_are_left_to_the_upstream() -> None:
    decision = decide(policy(preflight="forward"), actual())

    assert (decision.fields, decision.upstream_cors) == (((ACAO, APP),), "strip")


# An origin found elsewhere.

SOURCES = ("X-Original-Origin", "Referer", "Host")


@pytest.mark.parametrize(
    "request_, origin, vary",
    [
        (actual(None, original_origin=APP), APP, (b"X-Original-Origin",)),
        (actual(None, referer=APP + b"/a?b"), APP, (b"X-Original-Origin", b"Referer")),
        (actual(None, host=b"app.example.com"), APP, (b"X-Original-Origin", b"Referer", b"Host")),
    ],
)
def test_a_missing_origin_is_found_elsewhere_and_vary_says_where(
    request_: CorsRequest, origin: bytes, vary: tuple[bytes, ...]
) -> None:
    decision = decide(policy(missing_origin=SOURCES), request_)

    assert summary(decision) == ("actual", "allowed", "origin-allowed", None)
    assert decision.fields == ((ACAO, origin),)
    assert decision.vary == VARY + vary
    assert decision.origin == origin


@pytest.mark.parametrize("request_", [
    actual(None, b"POST", original_origin=EVIL),
    actual(None, b"POST", original_origin=b"nonsense", referer=APP),
    actual(None, b"POST", original_origin=b"null"),
    actual(None, b"OPTIONS", original_origin=EVIL, request_method_lines=(b"PUT",)),
    actual(None, b"GET", referer=EVIL, websocket=True),
])  # fmt: skip
def test_an_origin_found_elsewhere_never_refuses(request_: CorsRequest) -> None:
    strict = policy(missing_origin=SOURCES, on_disallowed_origin="block", csrf_guard=True)
    decision = decide(strict, request_)

    assert summary(decision) == ("none", "none", "no-origin", None)
    assert decision.fields == ()
    assert next((step.check, step.passed) for step in decision.steps) == (
        Check.MISSING_ORIGIN,
        False,
    )


def test_an_origin_line_is_never_overruled() -> None:
    decision = decide(policy(missing_origin=SOURCES), actual(EVIL, original_origin=APP))

    assert (decision.fields, decision.vary) == ((), VARY)


def test_a_preflight_without_origin_is_answered_where_its_origin_is_found_and_allowed() -> None:
    request = CorsRequest(method=b"OPTIONS", request_method_lines=(b"PUT",), original_origin=APP)
    decision = decide(policy(missing_origin=SOURCES, allow_methods=("PUT",)), request)

    assert summary(decision) == ("preflight", "allowed", "origin-allowed", 204)
    assert decision.fields[0] == (ACAO, APP)
    assert decision.vary == (*VARY, b"X-Original-Origin", *PREFLIGHT_VARY[1:])


def test_a_null_origin_found_elsewhere_is_granted_like_any_other() -> None:
    lenient = policy(missing_origin=SOURCES, dangerously_allow_null_origin=True)

    assert decide(lenient, actual(None, original_origin=b"null")).fields == ((ACAO, b"null"),)


# Guards.

GUARDED: dict[str, Any] = {"csrf_guard": True}


@pytest.mark.parametrize(
    "request_",
    [
        actual(EVIL, b"POST"),
        actual(EVIL, b"POST", sec_fetch_site=b"cross-site"),
        actual(b"https://b.example.com", b"DELETE", sec_fetch_site=b"same-site"),
        actual(b"null", b"POST"),
        actual(b"null", b"POST", sec_fetch_site=b"cross-site"),
        actual(None, b"POST", sec_fetch_site=b"cross-site"),
        actual(None, b"PUT", sec_fetch_site=b"same-site"),
    ],
)
def test_the_guard_stops_changes_that_other_sites_cause(request_: CorsRequest) -> None:
    decision = decide(policy(**GUARDED), request_)

    assert (decision.outcome, decision.reason) == (Outcome.DENIED, Reason.CSRF)
    assert (decision.status, decision.fields, decision.vary) == (403, (), VARY)
    assert decision.steps[-1].check is Check.CSRF


@pytest.mark.parametrize(
    "request_, fields",
    [
        (actual(APP, b"POST", sec_fetch_site=b"cross-site"), ((ACAO, APP),)),
        (actual(APP, b"POST"), ((ACAO, APP),)),
        (actual(EVIL, b"POST", sec_fetch_site=b"none"), ()),
        (actual(EVIL, b"POST", own_origins=(EVIL,)), ()),
        (actual(None, b"POST"), ()),
        (actual(None, b"POST", sec_fetch_site=b"same-origin"), ()),
        (actual(EVIL, b"GET", sec_fetch_site=b"cross-site"), ()),
        (actual(None, b"HEAD", sec_fetch_site=b"cross-site"), ()),
        (actual(EVIL, b"OPTIONS"), ()),
    ],
)
def test_the_guard_lets_everything_else_pass(
    request_: CorsRequest, fields: tuple[tuple[bytes, bytes], ...]
) -> None:
    decision = decide(policy(**GUARDED), request_)

    assert (decision.status, decision.fields) == (None, fields)


def test_the_guard_stops_null_though_null_may_read() -> None:
    guarded = policy(dangerously_allow_null_origin=True, **GUARDED)

    assert decide(guarded, actual(b"null", b"POST")).reason is Reason.CSRF
    assert decide(guarded, actual(b"null", b"GET")).fields == ((ACAO, b"null"),)


@pytest.mark.parametrize(
    "request_, status",
    [
        (actual(None, b"POST", sec_fetch_site=b"cross-site", original_origin=APP), None),
        (actual(None, b"POST", sec_fetch_site=b"cross-site", referer=APP + b"/"), None),
        (actual(None, b"POST", sec_fetch_site=b"cross-site", host=b"app.example.com"), 403),
        (actual(None, b"POST", sec_fetch_site=b"cross-site", original_origin=EVIL), 403),
    ],
)
def test_where_a_request_goes_does_not_say_which_page_sent_it(
    request_: CorsRequest, status: int | None
) -> None:
    decision = decide(policy(missing_origin=SOURCES, **GUARDED), request_)

    assert decision.status == status


@pytest.mark.parametrize(
    "settings, origin, status, reason",
    [
        ({}, EVIL, 403, "origin-not-allowed"),
        ({}, b"null", 403, "null-origin"),
        ({}, APP, None, "origin-allowed"),
        ({}, None, None, "no-origin"),
        ({"require_origin": True}, None, 403, "origin-required"),
        ({"require_origin": True}, APP, None, "origin-allowed"),
        ({"allow_origins": ("*",)}, EVIL, None, "origin-allowed"),
        ({"allow_origins": ("*",), "require_origin": True}, None, 403, "origin-required"),
    ],
)
def test_a_websocket_opens_for_allowed_pages_and_for_programs(
    settings: dict[str, Any], origin: bytes | None, status: int | None, reason: str
) -> None:
    decision = decide(policy(**settings), actual(origin, websocket=True))

    assert (decision.status, decision.reason) == (status, reason)


@pytest.mark.parametrize(
    "request_, status",
    [
        (actual(None, websocket=True, host=b"app.example.com"), 403),
        (actual(None, websocket=True, original_origin=APP), None),
        (actual(None), None),
    ],
)
def test_an_origin_is_required_of_websockets_only_and_host_is_none(
    request_: CorsRequest, status: int | None
) -> None:
    decision = decide(policy(missing_origin=SOURCES, require_origin=True), request_)

    assert decision.status == status


# Modes.


@pytest.mark.parametrize(
    "request_, outcome, reason",
    [
        (actual(), "allowed", "origin-allowed"),
        (actual(EVIL), "denied", "origin-not-allowed"),
        (actual(EVIL, b"POST"), "denied", "origin-not-allowed"),
        (actual(None), "none", "no-origin"),
        (preflight(APP, b"PUT"), "denied", "method-not-allowed"),
        (preflight(EVIL), "denied", "origin-not-allowed"),
        (CorsRequest(method=b"GET", origin_lines=(APP, EVIL)), "denied", "repeated-origin"),
    ],
)
def test_what_only_reports_changes_nothing(
    request_: CorsRequest, outcome: str, reason: str
) -> None:
    reporting = policy(
        mode="reportOnly", on_disallowed_origin="block", expose_headers=("*",), csrf_guard=True
    )
    decision = decide(reporting, request_)

    assert (decision.outcome, decision.reason) == (outcome, reason)
    assert (decision.status, decision.fields, decision.vary) == (None, (), ())
    assert (decision.expose_real, decision.upstream_cors) == (False, "passthrough")


@pytest.mark.parametrize("mode", ["strip", "passthrough", "fallback"])
@pytest.mark.parametrize("origin", [APP, EVIL, None])
def test_the_way_of_the_upstreams_own_fields_is_told_to_whoever_has_them(
    mode: str, origin: bytes | None
) -> None:
    assert decide(policy(upstream_cors=mode), actual(origin)).upstream_cors == mode


@pytest.mark.parametrize("origin", [APP, EVIL, b"null", None])
def test_timing_is_on_every_answer_because_images_carry_no_origin(origin: bytes | None) -> None:
    decision = decide(policy(timing_allow_origins=("https://b.com",)), actual(origin))

    assert decision.fields[-1] == (TAO, b"https://b.com")


@pytest.mark.parametrize("origin", [APP, EVIL, b"null", None])
def test_who_may_embed_is_on_every_answer_unless_the_api_says_it(origin: bytes | None) -> None:
    decision = decide(policy(cross_origin_resource_policy="same-site"), actual(origin))

    assert decision.unless_sent == ((b"Cross-Origin-Resource-Policy", b"same-site"),)
    assert b"Cross-Origin-Resource-Policy" not in dict(decision.fields)


@pytest.mark.parametrize("origin", [APP, EVIL])
def test_a_preflight_is_told_nothing_of_who_may_embed(origin: bytes) -> None:
    decision = decide(policy(cross_origin_resource_policy="same-site"), preflight(origin))

    assert decision.unless_sent == ()


def test_to_report_only_says_nothing_of_who_may_embed() -> None:
    only = policy(cross_origin_resource_policy="same-site", mode="reportOnly")

    assert decide(only, actual(None)).unless_sent == ()


def test_without_the_key_nothing_is_said_of_who_may_embed() -> None:
    assert decide(policy(), actual(None)).unless_sent == ()


# What is decided once for each origin.


@pytest.mark.parametrize(
    "settings, method, origin",
    [
        pytest.param({"csrf_guard": True}, b"POST", APP, id="a guarded method"),
        pytest.param({}, b"GET", EVIL, id="an origin that is not allowed"),
        pytest.param({}, b"GET", b"no origin", id="what is no origin"),
        pytest.param({"csrf_guard": True}, b"PUT", None, id="a guarded method without an origin"),
        pytest.param({"require_origin": True}, b"GET", None, id="an origin is required"),
        pytest.param({"missing_origin": ("Referer",)}, b"GET", None, id="it is looked for"),
    ],
)
def test_only_plain_requests_of_allowed_origins_or_of_none_are_decided_once(
    settings: dict[str, Any], method: bytes, origin: bytes | None
) -> None:
    decided = policy(**settings)
    assert decide_by_origin(decided, method, origin) is None
    assert decided.by_origin == {}


@pytest.mark.parametrize("mode", ["enforce", "reportOnly"])
def test_what_is_decided_once_is_what_is_decided_each_time(mode: str) -> None:
    decided = policy(mode=mode, csrf_guard=True, allow_credentials=True)
    first = decide_by_origin(decided, b"GET", APP)
    assert first == decide(decided, actual(sec_fetch_site=b"cross-site", websocket=True))
    assert decide_by_origin(decided, b"HEAD", APP) is first
    assert {first: 1}[first] == 1
    without = decide_by_origin(decided, b"GET", None)
    assert without == decide(decided, actual(None, sec_fetch_site=b"cross-site"))
    assert decide_by_origin(decided, b"HEAD", None) is without
    assert is_by_origin(decided, first)
    assert not is_by_origin(decided, decide(decided, actual()))


def test_what_is_decided_once_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "MOST_REMEMBERED", 2)
    decided = policy()
    for number in range(5):
        assert decide_by_origin(decided, b"GET", b"https://a%d.example.net" % number) is not None
        assert len(decided.by_origin) <= 2
