from time import perf_counter

import pytest

from cors_gateway.cors.decision import CorsRequest, Outcome, decide
from cors_gateway.cors.policy import Policy, PolicyProblem, PolicySettings, compile_policy

SUFFIXES = {"com", "uk", "co.uk", "github.io"}


def compile_settings(settings: PolicySettings) -> tuple[Policy | None, tuple[PolicyProblem, ...]]:
    return compile_policy(settings, SUFFIXES.__contains__)


def compiled(settings: PolicySettings) -> Policy:
    policy, _ = compile_settings(settings)
    assert policy is not None
    return policy


ANY = 'allowOrigins is ["*"] without credentials, so all origins get the same answer'
COVERED = 'the list also holds "*", which covers it'


@pytest.mark.parametrize(
    "settings, severity, key, index, what, why, fix",
    [
        (
            PolicySettings(),
            "error", "allowOrigins", None, "no origin is allowed",
            "a policy has to name the origins whose pages may read the answers",
            "list them: allowOrigins: [https://app.example.com]; or write cors: false",
        ),
        (
            PolicySettings(allow_origins=("*",), allow_credentials=True),
            "error", "allowOrigins", 0, '"*" and allowCredentials: true exclude each other',
            ("every site could read the answers with the cookies of its visitors,"
            " and browsers refuse"),
            ("name the origins, or remove allowCredentials;"
            " dangerouslyReflectAnyOrigin: true allows every site"),
        ),
        (
            PolicySettings(allow_origins=("https://a.com",), dangerously_reflect_any_origin=True),
            "error", "dangerouslyReflectAnyOrigin", None,
            'dangerouslyReflectAnyOrigin is set, but allowOrigins is not ["*"]',
            "to reflect any origin and to name some contradict each other",
            'remove dangerouslyReflectAnyOrigin, or set allowOrigins: ["*"]',
        ),
        (
            PolicySettings(dangerously_allow_null_origin=True, allow_credentials=True),
            "error", "dangerouslyAllowNullOrigin", None,
            "dangerouslyAllowNullOrigin and allowCredentials exclude each other",
            "any page can make itself a null origin and would read with its visitors' cookies",
            "remove one of them",
        ),
        (
            PolicySettings(allow_origins=("*",), dangerously_reflect_any_origin=True),
            "warning", "dangerouslyReflectAnyOrigin", None,
            "dangerouslyReflectAnyOrigin has no effect", ANY,
            "remove dangerouslyReflectAnyOrigin",
        ),
        (
            PolicySettings(allow_origins=("*",), dangerously_allow_null_origin=True),
            "warning", "dangerouslyAllowNullOrigin", None,
            "dangerouslyAllowNullOrigin has no effect", ANY,
            "remove dangerouslyAllowNullOrigin",
        ),
        (
            PolicySettings(allow_origins=("*",), on_disallowed_origin="block"),
            "warning", "onDisallowedOrigin", None,
            "onDisallowedOrigin: block has no effect", 'allowOrigins holds "*": none is disallowed',
            "remove onDisallowedOrigin: block",
        ),
        (
            PolicySettings(allow_origins=("https://a.com", "*")),
            "warning", "allowOrigins", 0, '"https://a.com" has no effect', COVERED,
            'remove "https://a.com"',
        ),
        (
            PolicySettings(allow_origins=("*", "*")),
            "warning", "allowOrigins", 1, '"*" has no effect', "it is listed before",
            'remove "*"',
        ),
        (
            PolicySettings(allow_origins=("*",), allow_origin_regex=(r"https://a\.com",)),
            "warning", "allowOriginRegex", 0, r'"https://a\.com" has no effect',
            'allowOrigins holds "*", which covers it', r'remove "https://a\.com"',
        ),
        (
            PolicySettings(allow_origins=("https://a.com",), max_age=-2),
            "error", "maxAge", None, "-2 is not a time to remember a preflight",
            "it is 0 to 86400 seconds, or -1 for not at all", "did you mean -1?",
        ),
        (
            PolicySettings(allow_origins=("https://a.com",), max_age=1728000),
            "warning", "maxAge", None, "1728000 seconds are sent as 86400",
            "no browser remembers a preflight for longer than 86400 seconds",
            "write 86400 or less",
        ),
        (
            PolicySettings(allow_origins=("https://a.com",), missing_origin=("referrer",)),
            "error", "missingOrigin", 0, '"referrer" is no source of an origin',
            "the sources are X-Original-Origin, Referer, Host", 'did you mean "Referer"?',
        ),
        (
            PolicySettings(allow_origins=("https://a.com",), missing_origin=("Cookie",)),
            "error", "missingOrigin", 0, '"Cookie" is no source of an origin',
            "the sources are X-Original-Origin, Referer, Host", "remove it",
        ),
        (
            PolicySettings(allow_origins=("https://a.com",), missing_origin=("Host", "Host")),
            "warning", "missingOrigin", 1, '"Host" has no effect', "it is listed before",
            'remove "Host"',
        ),
        (
            PolicySettings(allow_origins=("https://a.com",), allow_methods=("TRACE",)),
            "error", "allowMethods", 0, '"TRACE" cannot be allowed',
            "browsers forbid CONNECT, TRACE and TRACK to every page", 'remove "TRACE"',
        ),
        (
            PolicySettings(allow_origins=("https://a.com",), allow_headers=("Connection",)),
            "warning", "allowHeaders", 0, '"Connection" has no effect',
            "browsers do not let pages set this header", 'remove "Connection"',
        ),
        (
            PolicySettings(allow_origins=("https://a.com",), expose_headers=("Set-Cookie",)),
            "warning", "exposeHeaders", 0, '"Set-Cookie" has no effect',
            "browsers never show this header to pages", 'remove "Set-Cookie"',
        ),
        (
            PolicySettings(allow_origins=("https://pr-*.com",)),
            "error", "allowOrigins", 0, '"https://pr-*.com" names origins of strangers',
            "anyone may register a name under com",
            ("name your own, such as https://*.example.com,"
            " or set dangerouslyAllowPublicSuffixes: true"),
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_its_remedy(
    settings: PolicySettings,
    severity: str,
    key: str,
    index: int | None,
    what: str,
    why: str,
    fix: str,
) -> None:
    policy, [problem] = compile_settings(settings)

    assert (problem.severity, problem.key, problem.index) == (severity, key, index)
    assert (problem.what, problem.why, problem.fix) == (what, why, fix)
    assert (policy is None) is (severity == "error")


def test_all_mistakes_are_told_at_once() -> None:
    policy, problems = compile_settings(
        PolicySettings(
            allow_origins=("https://a.com/", "null"),
            allow_origin_regex=("(",),
            allow_methods=("TRACE",),
            allow_headers=("",),
            expose_headers=("a b",),
            max_age=-5,
            missing_origin=("x",),
            timing_allow_origins=("y/",),
        )
    )

    assert policy is None
    assert [problem.key for problem in problems] == [
        "allowOrigins",
        "allowOrigins",
        "allowOriginRegex",
        "allowMethods",
        "allowHeaders",
        "exposeHeaders",
        "maxAge",
        "missingOrigin",
        "timingAllowOrigins",
    ]


@pytest.mark.parametrize(
    "settings",
    [
        PolicySettings(allow_origins=("https://a.com",)),
        PolicySettings(allow_origins=("*",)),
        PolicySettings(allow_origin_regex=(r"https://a\.com",)),
        PolicySettings(dangerously_allow_null_origin=True),
        PolicySettings(
            allow_origins=("*",), allow_credentials=True, dangerously_reflect_any_origin=True
        ),
        PolicySettings(allow_origins=("https://pr-*.github.io",)),
        PolicySettings(allow_origins=("https://a.com",), max_age=86400, missing_origin=("Host",)),
    ],
)
def test_a_policy_without_a_mistake_loads_without_a_word(settings: PolicySettings) -> None:
    policy, problems = compile_settings(settings)

    assert problems == ()
    assert policy is not None
    assert policy.settings == settings


def test_the_part_of_the_list_that_registries_hold_can_be_told_apart() -> None:
    settings = PolicySettings(allow_origins=("https://pr-*.co.uk",))

    assert compile_policy(settings, SUFFIXES.__contains__)[0] is not None
    assert compile_policy(settings, SUFFIXES.__contains__, {"co.uk"}.__contains__)[0] is None


@pytest.mark.parametrize(
    "max_age, sent", [(-1, b"0"), (0, b"0"), (1, b"1"), (86400, b"86400"), (1728000, b"86400")]
)
def test_the_time_to_remember_is_capped(max_age: int, sent: bytes) -> None:
    policy = compiled(PolicySettings(allow_origins=("https://a.com",), max_age=max_age))

    assert policy.max_age_value == sent


@pytest.mark.parametrize("mode", ["strip", "passthrough", "fallback"])
def test_what_only_reports_leaves_the_fields_of_the_upstream_alone(mode: str) -> None:
    settings = PolicySettings(allow_origins=("https://a.com",), upstream_cors=mode)  # type: ignore[arg-type]
    reporting = PolicySettings(
        allow_origins=("https://a.com",),
        upstream_cors=mode,  # type: ignore[arg-type]
        mode="reportOnly",
    )

    assert compiled(settings).upstream_cors == mode
    assert compiled(reporting).upstream_cors == "passthrough"


@pytest.mark.parametrize(
    "kind, allowed",
    [
        ("https://app{}.example.com", b"https://app99999.example.com"),
        ("https://*.c{}.example.com", b"https://a.b.c99999.example.com"),
        ("https://pr{}-*.example.com", b"https://pr99999-x.example.com"),
        ("https://h{}.example.com:*", b"https://h99999.example.com:8443"),
    ],
)
def test_a_hundred_thousand_entries_decide_as_fast_as_one(kind: str, allowed: bytes) -> None:
    many = compiled(PolicySettings(allow_origins=tuple(kind.format(i) for i in range(100_000))))
    one = compiled(PolicySettings(allow_origins=(kind.format(99_999),)))

    def time_of(policy: Policy, origin: bytes) -> float:
        request = CorsRequest(method=b"GET", origin_lines=(origin,))
        times = []
        for _ in range(50):
            start = perf_counter()
            for _ in range(20):
                decide(policy, request)
            times.append(perf_counter() - start)
        return min(times)

    request = CorsRequest(method=b"GET", origin_lines=(allowed,))
    assert decide(many, request).outcome is Outcome.ALLOWED
    for origin in allowed, b"https://evil.com", allowed + b".evil.com":
        assert time_of(many, origin) < 5 * time_of(one, origin)
