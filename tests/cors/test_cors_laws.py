"""Laws of the CORS engine, for any policy and any bytes."""

import re
from functools import cache
from ipaddress import IPv6Address
from string import ascii_lowercase, digits

from hypothesis import given, settings
from hypothesis import strategies as st

from cors_gateway.cors.decision import (
    CorsRequest,
    Outcome,
    RequestKind,
    decide,
    decide_by_origin,
)
from cors_gateway.cors.origins import (
    TupleOrigin,
    parse_origin,
    serialize_origin,
    suggest_origin,
)
from cors_gateway.cors.patterns import OriginSet, PatternError, parse_pattern
from cors_gateway.cors.policy import Policy, PolicySettings, compile_policy
from cors_gateway.cors.request_headers import parse_announced_names

law = settings(deadline=None, max_examples=300)

SUFFIXES = {"com", "net", "localhost"}

label = st.text(ascii_lowercase + digits + "-_", min_size=1, max_size=6)
name = (
    st.lists(label, min_size=1, max_size=4)
    .map(".".join)
    .filter(lambda host: parse_origin(f"x://{host}".encode()) is not None)
)
ipv4 = st.ip_addresses(v=4).map(str)
ipv6 = (
    st.integers(0, 2**128 - 1)
    .map(IPv6Address)
    .map(lambda ip: f"[{ip}]" if ip.ipv4_mapped is None else "[::1]")
)
host = st.one_of(name, ipv4, ipv6)
scheme = st.sampled_from(["http", "https", "capacitor", "x+y"])
port = st.one_of(st.none(), st.integers(1, 65535))
origins = st.builds(TupleOrigin, scheme, host, port).filter(
    lambda origin: (origin.scheme, origin.port) not in {("http", 80), ("https", 443)}
)

# Few letters, so that origins and patterns meet.
small_host = st.lists(st.sampled_from(["a", "b", "a-b", "b-", "-"]), min_size=1, max_size=4).map(
    ".".join
)
small_port = st.sampled_from(["", ":1", ":2"])
small_scheme = st.sampled_from(["http", "https"])
small_origins = st.builds("{}://{}{}".format, small_scheme, small_host, small_port)
small_patterns = st.builds(
    "{}://{}{}{}".format,
    small_scheme,
    st.sampled_from(["", "*.", "a-*.", "*-b.", "a*-.", "-*-."]),
    small_host,
    st.sampled_from(["", ":1", ":*"]),
)


def naive_model(pattern: str) -> re.Pattern[str]:
    """Say in another way what a pattern stands for."""
    parts = [
        (r"://*.", r"://(?:[a-z0-9_-]+\.)+"),
        (r":*", r"(?::[1-9]\d*)?"),
        (r"*", "[a-z0-9-]+"),
    ]
    expression, rest = "", pattern
    while rest:
        for spelled, meaning in parts:
            if rest.startswith(spelled):
                expression, rest = expression + meaning, rest[len(spelled) :]
                break
        else:
            expression, rest = expression + re.escape(rest[0]), rest[1:]
    return re.compile(expression)


@law
@given(origins)
def test_parsing_is_the_inverse_of_serializing(origin: TupleOrigin) -> None:
    assert parse_origin(serialize_origin(origin)) == origin


@law
@given(st.binary(max_size=400))
def test_any_bytes_are_an_origin_or_none(value: bytes) -> None:
    origin = parse_origin(value)

    assert origin is None or serialize_origin(origin) == value


@law
@given(origins)
def test_a_pattern_without_a_wildcard_contains_the_origin_it_spells(origin: TupleOrigin) -> None:
    spelled = serialize_origin(origin)
    pattern = parse_pattern(spelled.decode())

    assert pattern.is_exact
    assert OriginSet.of([pattern]).find(spelled) == pattern.text


@law
@given(origins, origins)
def test_a_pattern_without_a_wildcard_contains_no_other(
    named: TupleOrigin, other: TupleOrigin
) -> None:
    found = OriginSet.of([parse_pattern(serialize_origin(named).decode())])
    assert (found.find(serialize_origin(other)) is not None) is (named == other)


@law
@given(small_patterns, small_origins)
def test_a_pattern_is_what_the_naive_model_says(text: str, origin: str) -> None:
    pattern = parse_pattern(text)

    assert parse_origin(origin.encode()) is not None
    inside = naive_model(text).fullmatch(origin) is not None
    assert (OriginSet.of([pattern]).find(origin.encode()) == text) is inside


@law
@given(st.lists(small_patterns, max_size=6, unique=True), small_origins)
def test_a_set_finds_an_origin_exactly_if_one_of_its_patterns_contains_it(
    texts: list[str], origin: str
) -> None:
    found = OriginSet.of(map(parse_pattern, texts)).find(origin.encode())
    inside = {text for text in texts if naive_model(text).fullmatch(origin)}

    assert (found in inside) if inside else found is None


@law
@given(st.text(max_size=40))
def test_any_text_is_a_pattern_or_a_pattern_error(text: str) -> None:
    meant: str | None = text
    try:
        parse_pattern(text)
    except PatternError as error:
        meant = error.suggestion
    assert meant is None or parse_pattern(meant).text == meant
    suggestion = suggest_origin(text)
    assert suggestion is None or parse_origin(suggestion.encode()) is not None


@law
@given(st.lists(st.binary(max_size=40), max_size=5))
def test_any_bytes_are_announced_names_or_none(lines: list[bytes]) -> None:
    names = parse_announced_names(lines)

    assert names is None or len(names) == len(set(names))
    assert all(name and name == name.lower() for name in names or ())


policy_settings = st.builds(
    PolicySettings,
    allow_origins=st.sampled_from(
        [("https://a.b",), ("https://*.a.b", "https://a-*.b:*", "http://localhost:*"), ("*",)]
    ),
    allow_methods=st.sampled_from([(), ("GET", "PUT"), ("*",)]),
    allow_headers=st.sampled_from([(), ("X-A", "Authorization"), ("*",), ("*", "Authorization")]),
    expose_headers=st.sampled_from([(), ("X-A",), ("*",)]),
    allow_credentials=st.booleans(),
    on_disallowed_origin=st.sampled_from(["omit", "block"]),
    preflight=st.sampled_from(["answer", "forward"]),
    upstream_cors=st.sampled_from(["strip", "passthrough", "fallback"]),
    missing_origin=st.sampled_from([(), ("X-Original-Origin",), ("Referer", "Host")]),
    mode=st.sampled_from(["enforce", "reportOnly"]),
    require_origin=st.booleans(),
    csrf_guard=st.booleans(),
    dangerously_allow_null_origin=st.booleans(),
    dangerously_reflect_any_origin=st.booleans(),
)


@cache
def _compile(settings_: PolicySettings) -> Policy | None:
    return compile_policy(settings_, SUFFIXES.__contains__)[0]


policies = policy_settings.map(_compile).filter(lambda policy: policy is not None)

origin_bytes = st.one_of(
    st.sampled_from([b"null", b"*", b"https://a.b", b"https://x.a.b", b"https://a.b.evil.com"]),
    small_origins.map(str.encode),
    st.binary(max_size=30),
)
method = st.one_of(
    st.sampled_from([b"GET", b"POST", b"OPTIONS", b"PUT", b"TRACE", b"*"]), st.binary(max_size=8)
)
names = st.one_of(
    st.sampled_from([b"x-a", b"X-A, authorization", b"*", b"accept,x-b", b"a b"]),
    st.binary(max_size=30),
)
requests = st.builds(
    CorsRequest,
    method=st.one_of(st.just(b"OPTIONS"), method),
    origin_lines=st.lists(origin_bytes, max_size=2).map(tuple),
    request_method_lines=st.lists(method, max_size=2).map(tuple),
    request_headers_lines=st.lists(names, max_size=3).map(tuple),
    sec_fetch_site=st.one_of(
        st.none(), st.sampled_from([b"same-origin", b"cross-site", b"same-site", b"none", b"x"])
    ),
    own_origins=st.lists(origin_bytes, max_size=1).map(tuple),
    original_origin=st.one_of(st.none(), origin_bytes),
    referer=st.one_of(st.none(), st.binary(max_size=20)),
    host=st.one_of(st.none(), st.sampled_from([b"a.b", b"x.a.b"]), st.binary(max_size=10)),
    websocket=st.booleans(),
)


@law
@given(policies, requests)
def test_nothing_outside_the_set_is_ever_granted(policy: Policy, request: CorsRequest) -> None:
    decision = decide(policy, request)
    granted = dict(decision.fields).get(b"Access-Control-Allow-Origin")
    named = policy.settings
    if granted == b"*":
        assert "*" in named.allow_origins
        assert not named.allow_credentials
    elif granted == b"null":
        assert named.dangerously_allow_null_origin
    elif granted is not None:
        assert granted == decision.origin
        assert named.dangerously_reflect_any_origin or any(
            naive_model(text).fullmatch(granted.decode()) for text in named.allow_origins
        )
    if decision.outcome is Outcome.ALLOWED:
        assert decision.entry is not None


@law
@given(policies, requests)
def test_with_credentials_there_is_never_a_star(policy: Policy, request: CorsRequest) -> None:
    fields = decide(policy, request).fields
    if policy.settings.allow_credentials:
        assert all(b"*" not in value.split(b", ") for _, value in fields)
    else:
        assert b"Access-Control-Allow-Credentials" not in dict(fields)


@law
@given(policies, requests)
def test_fields_are_fit_for_the_wire(policy: Policy, request: CorsRequest) -> None:
    fields = decide(policy, request).fields

    assert len({field for field, _ in fields}) == len(fields)
    assert all(value and value.isascii() and value.isprintable() for _, value in (
        (field, value.decode("latin-1")) for field, value in fields
    ))  # fmt: skip


@law
@given(policies, requests)
def test_the_steps_agree_with_the_outcome(policy: Policy, request: CorsRequest) -> None:
    decision = decide(policy, request)
    failed = [step for step in decision.steps if not step.passed]

    match decision.outcome:
        case Outcome.ALLOWED:
            assert decision.steps
            assert not failed
            assert decision.status in {None, 204}
        case Outcome.DENIED:
            assert failed
            assert decision.status in {None, 204, 400, 403}
        case Outcome.NOT_APPLICABLE:
            assert decision.status is None
            assert all(step.passed for step in decision.steps[1:])


@law
@given(policies, requests)
def test_the_answers_of_a_policy_differ_by_origin_only_where_vary_says_so(
    policy: Policy, request: CorsRequest
) -> None:
    decision = decide(policy, request)
    if decision.upstream_cors == "passthrough" and decision.vary == ():
        return
    assert (b"Origin" in decision.vary) is not policy.allows_any_origin
    is_preflight = decision.kind is RequestKind.PREFLIGHT and not policy.allows_any_origin
    assert (b"Access-Control-Request-Method" in decision.vary) is is_preflight
    assert (b"Access-Control-Request-Headers" in decision.vary) is is_preflight


@law
@given(policies, requests)
def test_a_refused_origin_learns_nothing(policy: Policy, request: CorsRequest) -> None:
    decision = decide(policy, request)
    if decision.status in {400, 403} and not policy.allows_any_origin:
        assert not [name for name, _ in decision.fields if name.startswith(b"Access-Control-")]


@law
@given(policies, requests)
def test_deciding_again_is_deciding_the_same(policy: Policy, request: CorsRequest) -> None:
    assert decide(policy, request) == decide(policy, request)


@law
@given(policies, requests)
def test_what_is_decided_once_for_an_origin_is_what_is_decided_each_time(
    policy: Policy, request: CorsRequest
) -> None:
    if len(request.origin_lines) < 2 and request.method != b"OPTIONS":
        once = decide_by_origin(policy, request.method, next(iter(request.origin_lines), None))
        assert once is None or once == decide(policy, request)
