import pytest

from cors_gateway.cors import origin_lists
from cors_gateway.cors.attacks import Intruder
from cors_gateway.cors.origin_lists import compile_origins, compile_timing_origins
from cors_gateway.cors.public_suffixes import SuffixRules
from cors_gateway.cors.reach import NamedHost
from cors_gateway.cors.settings import PolicyProblem, PolicySettings

REGISTRIES = {"com", "co.uk", "net", "app", "io"}
SUFFIXES = REGISTRIES | {"github.io", "vercel.app", "s3.amazonaws.com"}
RULES = SuffixRules(
    SUFFIXES.__contains__, REGISTRIES.__contains__, {"amazonaws.com", "io"}.__contains__
)


def problems_of(settings: PolicySettings) -> list[PolicyProblem]:
    return compile_origins(settings, RULES)[1]


INSECURE = (
    "anyone on the network path can speak for such an origin and read with its users' cookies"
)


@pytest.mark.parametrize(
    "settings",
    [
        PolicySettings(allow_origins=("https://a.com", "http://a.com", "https://*.a.com:*")),
        PolicySettings(allow_origins=("http://localhost:*", "http://127.0.0.1:3000",
                                      "http://*.localhost", "http://[::1]"),
                       allow_credentials=True),
        PolicySettings(allow_origins=("http://a.com",), allow_credentials=True,
                       dangerously_allow_insecure_origins=True),
        PolicySettings(allow_origins=("https://*.com", "https://*.github.io", "https://pr-*.com"),
                       dangerously_allow_public_suffixes=True),
        PolicySettings(allow_origins=("https://app-*-team.vercel.app",), allow_credentials=True),
        PolicySettings(allow_origins=("https://app-*.vercel.app",)),
        PolicySettings(allow_origins=("capacitor://localhost", "app://obsidian.md"),
                       allow_credentials=True),
        PolicySettings(allow_origins=("https://me.github.io",), allow_credentials=True),
        PolicySettings(allow_origins=("https://codepen.io",)),
        PolicySettings(allow_origin_regex=(r"https://[a-z0-9-]+\.a\.com",), allow_credentials=True),
        PolicySettings(allow_origin_regex=(r"http://localhost(:\d+)?",), allow_credentials=True),
        PolicySettings(allow_origin_regex=(r"https?://a\.com",)),
        PolicySettings(allow_origin_regex=(r"https?://a\.com",), allow_credentials=True,
                       dangerously_allow_insecure_origins=True),
        PolicySettings(allow_origin_regex=(r"https://[a-z]+\.github\.io",),
                       dangerously_allow_public_suffixes=True),
    ],
)  # fmt: skip
def test_safe_origins_load_without_a_word(settings: PolicySettings) -> None:
    assert problems_of(settings) == []


@pytest.mark.parametrize(
    "settings, severity, index, what, why, fix",
    [
        (
            PolicySettings(allow_origins=("https://a.com", "https://a.com/")),
            "error", 1, '"https://a.com/" is not an origin', "an origin ends without a slash",
            'did you mean "https://a.com"?',
        ),
        (
            PolicySettings(allow_origins=("h*",)),
            "error", 0, '"h*" is not an origin',
            "a wildcard stands in the host or as the port, after http:// or https://",
            "write scheme://host or scheme://host:port",
        ),
        (
            PolicySettings(allow_origins=("null",)),
            "error", 0, '"null" is not an origin that can be listed',
            "any page can make itself a null origin, so it names everyone",
            "remove it; if you really mean it, set dangerouslyAllowNullOrigin: true",
        ),
        (
            PolicySettings(allow_origins=("https://a.com", "https://b.com", "https://a.com")),
            "warning", 2, '"https://a.com" has no effect', "it is listed before",
            "remove one of them",
        ),
        (
            PolicySettings(allow_origins=("http://a.com:8080",), allow_credentials=True),
            "error", 0, '"http://a.com:8080" is plain http and allowCredentials is true', INSECURE,
            "use https://a.com:8080, or set dangerouslyAllowInsecureOrigins: true",
        ),
        (
            PolicySettings(allow_origins=("http://*.a.com",), allow_credentials=True),
            "error", 0, '"http://*.a.com" is plain http and allowCredentials is true', INSECURE,
            "use https://*.a.com, or set dangerouslyAllowInsecureOrigins: true",
        ),
        (
            PolicySettings(allow_origins=("https://*.github.io",)),
            "error", 0, '"https://*.github.io" names origins of strangers',
            "anyone may register a name under github.io",
            ("name your own, such as https://*.example.github.io,"
            " or set dangerouslyAllowPublicSuffixes: true"),
        ),
        (
            PolicySettings(allow_origins=("https://pr-*.co.uk:*",)),
            "error", 0, '"https://pr-*.co.uk:*" names origins of strangers',
            "anyone may register a name under co.uk",
            ("name your own, such as https://*.example.co.uk,"
            " or set dangerouslyAllowPublicSuffixes: true"),
        ),
        (
            PolicySettings(allow_origins=("https://app-*.vercel.app",), allow_credentials=True),
            "warning", 0, '"https://app-*.vercel.app" may name origins of strangers',
            'vercel.app gives names to anyone, also one that begins with "app-"',
            "spell the fixed text on both sides of the wildcard: app-*-team",
        ),
        (
            PolicySettings(allow_origins=("https://*-me.vercel.app",), allow_credentials=True),
            "warning", 0, '"https://*-me.vercel.app" may name origins of strangers',
            'vercel.app gives names to anyone, also one that ends in "-me"',
            "spell the fixed text on both sides of the wildcard: app-*-team",
        ),
        (
            PolicySettings(allow_origins=("https://cdpn.io",), allow_credentials=True),
            "warning", 0, '"https://cdpn.io" runs the pages of anybody',
            "whoever writes one could read the answers with the cookies of its visitors",
            "host the page under a name of your own",
        ),
        (
            PolicySettings(allow_origins=("https://*.amazonaws.com",)),
            "error", 0, '"https://*.amazonaws.com" names origins of strangers',
            "among the names below amazonaws.com are some under which anyone may register",
            "name the hosts that are yours, or set dangerouslyAllowPublicSuffixes: true",
        ),
        (
            PolicySettings(allow_origins=("https://*.10.0.0.1.nip.io",), allow_credentials=True),
            "warning", 0, '"https://*.10.0.0.1.nip.io" runs the pages of anybody',
            "whoever writes one could read the answers with the cookies of its visitors",
            "host the page under a name of your own",
        ),
        (
            PolicySettings(allow_origin_regex=("(",)),
            "error", 0, '"(" cannot be used',
            "it does not compile: missing ), unterminated subpattern at position 0",
            r"write an expression such as https://[a-z0-9-]+\.example\.com",
        ),
        (
            PolicySettings(allow_origin_regex=(r"https://(?=a).*",)),
            "error", 0, '"https://(?=a).*" cannot be used',
            "it looks ahead or behind, with (?=…) or (?<=…)", "spell out what may stand there",
        ),
        (
            PolicySettings(allow_origin_regex=("https://" + "[ab]" * 12 + r"\.com",)),
            "error", 0, f'"https://{"[ab]" * 12}\\.com" cannot be used',
            "it spells more than 512 domains, or as good as", "list the origins in allowOrigins",
        ),
        (
            PolicySettings(allow_origin_regex=(r"https://a\.com", r"https://a\.com")),
            "warning", 1, r'"https://a\.com" has no effect', "it is listed before",
            "remove one of them",
        ),
        (
            PolicySettings(allow_origin_regex=(r"a\.com",)),
            "warning", 0, r'"a\.com" has no effect',
            "no origin matches it from its first character to its last",
            r"write the whole origin: https://[a-z0-9-]+\.example\.com",
        ),
        (
            PolicySettings(allow_origin_regex=(r"https://a\.com:443",)),
            "error", 0, r'"https://a\.com:443" cannot be used',
            "no origin was found that it matches from its first character to its last",
            r"write the whole origin: https://[a-z0-9-]+\.example\.com",
        ),
        (
            PolicySettings(allow_origin_regex=(r"https://www.a\.com",)),
            "error", 0, r'"https://www.a\.com" lets in https://wwwaa.com',
            "the entry does not seem to mean that origin, and its owner could read the answers",
            r"escape dots as \. and spell the domain in full: https://[a-z0-9-]+\.example\.com",
        ),
        (
            PolicySettings(allow_origin_regex=(r"https://.*\.co\.uk",)),
            "error", 0, r'"https://.*\.co\.uk" lets in https://evil.co.uk',
            "the entry does not seem to mean that origin, and its owner could read the answers",
            r"escape dots as \. and spell the domain in full: https://[a-z0-9-]+\.example\.com",
        ),
        (
            PolicySettings(allow_origin_regex=(r"https://app-[a-z]+-team\.vercel\.app",)),
            "error", 0,
            r'"https://app-[a-z]+-team\.vercel\.app" lets in https://app-a-team.vercel.app',
            "names below vercel.app belong to different parties",
            ("spell the name in full, or as https://app-*-team.vercel.app in allowOrigins,"
            " or set dangerouslyAllowPublicSuffixes: true"),
        ),
        (
            PolicySettings(allow_origin_regex=(r"https://[a-z]{70}",)),
            "error", 0, '"https://[a-z]{70}" cannot be used',
            "its scheme and its domain have to be spelled out",
            r"escape dots as \. and spell the domain in full: https://[a-z0-9-]+\.example\.com",
        ),
        (
            PolicySettings(allow_origin_regex=(r"https://(a\.com|codepen\.io)",),
                           allow_credentials=True),
            "warning", 0, r'"https://(a\.com|codepen\.io)" runs the pages of anybody',
            "whoever writes one could read the answers with the cookies of its visitors",
            "host the page under a name of your own",
        ),
        (
            PolicySettings(allow_origin_regex=(r"https?://a\.com",), allow_credentials=True),
            "error", 0, r'"https?://a\.com" is plain http and allowCredentials is true', INSECURE,
            "use https:// only, or set dangerouslyAllowInsecureOrigins: true",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_its_remedy(
    settings: PolicySettings, severity: str, index: int, what: str, why: str, fix: str
) -> None:
    [problem] = problems_of(settings)

    assert (problem.severity, problem.index) == (severity, index)
    assert (problem.what, problem.why, problem.fix) == (what, why, fix)
    assert problem.key == ("allowOrigins" if settings.allow_origins else "allowOriginRegex")


def test_an_expression_that_has_no_effect_is_not_asked() -> None:
    origins, [problem] = compile_origins(PolicySettings(allow_origin_regex=("null",)), RULES)

    assert problem.severity == "warning"
    assert origins._regexes == ()


def test_what_the_second_net_catches_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = NamedHost("https", "b.com", with_subdomains=False, example=None)
    monkeypatch.setattr(origin_lists, "find_hosts", lambda *_: [stranger])
    settings = PolicySettings(allow_origin_regex=(r"https://evil\.com",))

    assert [problem.what for problem in problems_of(settings)] == [
        r'"https://evil\.com" cannot be used',
        r'"https://evil\.com" lets in https://evil.com',
    ]


def test_a_star_is_left_to_the_policy() -> None:
    origins, problems = compile_origins(PolicySettings(allow_origins=("*", "https://a.com")), RULES)

    assert problems == []
    assert origins.find(b"https://a.com") == "https://a.com"
    assert origins.find(b"https://b.com") is None


def test_the_self_test_starts_from_every_kind_of_entry_and_its_find_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []

    def find_intruder(named: object, *_: object) -> Intruder:
        seen.extend(str(origin.host) for origin in named)  # type: ignore[attr-defined]
        return Intruder("https://аpp.com".encode(), "https://*.b.com")  # noqa: RUF001

    monkeypatch.setattr(origin_lists, "find_intruder", find_intruder)
    [problem] = problems_of(
        PolicySettings(
            allow_origins=("https://a.com", "https://*.b.com", "https://pr-*.c.com", "http://d:*")
        )
    )

    assert seen == ["a.com", "a.b.com", "pr-a.c.com", "d"]
    assert (problem.severity, problem.key, problem.index) == ("error", "allowOrigins", 1)
    assert problem.what == '"https://*.b.com" lets in https://аpp.com'  # noqa: RUF001


def test_of_many_entries_the_self_test_takes_some_from_everywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(
        origin_lists, "find_intruder", lambda named, *_: seen.extend(o.host for o in named)
    )
    problems_of(PolicySettings(allow_origins=tuple(f"https://a{i}.com" for i in range(1000))))

    assert len(seen) == 167
    assert (seen[0], seen[-1]) == ("a0.com", "a996.com")


def test_timing_origins_become_one_value() -> None:
    assert compile_timing_origins([]) == (b"", [])
    assert compile_timing_origins(["*"]) == (b"*", [])
    assert compile_timing_origins(["https://a.com", "http://b.com:81"]) == (
        b"https://a.com, http://b.com:81",
        [],
    )


@pytest.mark.parametrize(
    "items, severity, index, what, fix",
    [
        (["https://a.com", "https://a.com"], "warning", 1, '"https://a.com" has no effect',
         "remove one of them"),
        (["https://a.com", "*"], "warning", 0, '"https://a.com" has no effect',
         'remove "*" to allow named origins only, or remove the named ones'),
        (["https://a.com/"], "error", 0, '"https://a.com/" is not an origin',
         'did you mean "https://a.com"?'),
        (["https://*.a.com"], "error", 0, '"https://*.a.com" is not an origin',
         "write scheme://host or scheme://host:port"),
        (["null"], "error", 0, '"null" is not an origin that can be listed', "remove it"),
    ],
)  # fmt: skip
def test_timing_origins_are_origins(
    items: list[str], severity: str, index: int, what: str, fix: str
) -> None:
    _, [problem] = compile_timing_origins(items)

    assert (problem.severity, problem.key, problem.index) == (severity, "timingAllowOrigins", index)
    assert (problem.what, problem.fix) == (what, fix)
