import pytest

from cors_gateway.cors.origins import parse_origin
from cors_gateway.cors.patterns import OriginPattern, OriginSet, PatternError, parse_pattern
from cors_gateway.cors.regexes import compile_regex
from tests.steps import count_steps

# Pattern, origins inside, origins outside.
PATTERNS: dict[str, tuple[list[str], list[str]]] = {
    "https://app.example.com": (
        ["https://app.example.com"],
        [
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://example.com",
            "https://a.app.example.com",
            "https://xapp.example.com",
        ],
    ),
    "https://app.example.com:8443": (
        ["https://app.example.com:8443"],
        ["https://app.example.com", "https://app.example.com:8444"],
    ),
    "capacitor://localhost": (
        ["capacitor://localhost"],
        ["http://localhost", "capacitor://localhost:1", "tauri://localhost"],
    ),
    "https://*.example.com": (
        [
            "https://a.example.com",
            "https://a.b.c.example.com",
            "https://a_b.example.com",
            "https://-.example.com",
        ],
        [
            "https://example.com",
            "http://a.example.com",
            "https://a.example.com:8443",
            "https://aexample.com",
            "https://a.example.com.evil.com",
            "https://a.example.org",
        ],
    ),
    "https://*.example.com:8443": (
        ["https://a.example.com:8443"],
        ["https://a.example.com", "https://a.example.com:8444", "https://example.com:8443"],
    ),
    "https://*.example.com:*": (
        ["https://a.example.com", "https://a.b.example.com:1"],
        ["https://example.com", "http://a.example.com:1"],
    ),
    "http://*.example.com": (["http://a.example.com"], ["https://a.example.com"]),
    "http://localhost:*": (
        ["http://localhost", "http://localhost:3000", "http://localhost:65535"],
        ["https://localhost", "http://a.localhost", "http://localhosts", "http://localhost.a.com"],
    ),
    "http://[::1]:*": (["http://[::1]", "http://[::1]:3000"], ["http://[::2]"]),
    "http://127.0.0.1:*": (["http://127.0.0.1:80800"[:-1]], ["http://127.0.0.2:8080"]),
    "https://pr-*.preview.example.net": (
        [
            "https://pr-1.preview.example.net",
            "https://pr-a-b-c.preview.example.net",
            "https://pr--.preview.example.net",
        ],
        [
            "https://pr-.preview.example.net",
            "https://pr.preview.example.net",
            "https://pr-1.evil.preview.example.net",
            "https://pr-x.y.preview.example.net",
            "https://xpr-1.preview.example.net",
            "https://pr-1.preview.example.net.evil.com",
            "https://pr-1.preview.example.net:8443",
            "https://pr-a_b.preview.example.net",
            "http://pr-1.preview.example.net",
        ],
    ),
    "https://app-*-team.vercel.app": (
        ["https://app-x-team.vercel.app", "https://app---team.vercel.app"],
        [
            "https://app--team.vercel.app",
            "https://app-team.vercel.app",
            "https://app-x-teams.vercel.app",
            "https://app-x.vercel.app",
        ],
    ),
    "https://*-team.vercel.app:*": (
        ["https://a-team.vercel.app", "https://a-team.vercel.app:8443"],
        ["https://-team.vercel.app", "https://a-team.b.vercel.app"],
    ),
    "https://app*-team.vercel.app": (
        ["https://appx-team.vercel.app"],
        ["https://x-team.vercel.app"],
    ),
}

INSIDE = [(pattern, origin) for pattern, (inside, _) in PATTERNS.items() for origin in inside]
OUTSIDE = [(pattern, origin) for pattern, (_, outside) in PATTERNS.items() for origin in outside]


@pytest.mark.parametrize("text, origin", INSIDE)
def test_a_pattern_contains_what_it_stands_for(text: str, origin: str) -> None:
    pattern = parse_pattern(text)

    assert parse_origin(origin.encode()) is not None
    assert OriginSet.of([pattern]).find(origin.encode()) == text


@pytest.mark.parametrize("text, origin", OUTSIDE)
def test_a_pattern_contains_nothing_else(text: str, origin: str) -> None:
    pattern = parse_pattern(text)

    assert parse_origin(origin.encode()) is not None
    assert OriginSet.of([pattern]).find(origin.encode()) is None


@pytest.mark.parametrize("text", PATTERNS)
def test_a_pattern_without_a_wildcard_is_exact(text: str) -> None:
    assert parse_pattern(text).is_exact is ("*" not in text)


@pytest.mark.parametrize(
    "text, why, suggestion",
    [
        ("", "it is empty", None),
        ("https://app.example.com/", "an origin ends without a slash", "https://app.example.com"),
        (
            "https://app.example.com/a",
            "an origin has no path and no query",
            "https://app.example.com",
        ),
        (
            "https://app.example.com?a",
            "an origin has no path and no query",
            "https://app.example.com",
        ),
        ("https://*.example.com/", "an origin ends without a slash", "https://*.example.com"),
        (
            "https://App.example.com",
            "browsers spell origins in lower case",
            "https://app.example.com",
        ),
        ("https://*.Example.com", "browsers spell origins in lower case", "https://*.example.com"),
        (
            "app.example.com",
            "an origin starts with a scheme, such as https://",
            "https://app.example.com",
        ),
        (
            ".example.com",
            "an origin starts with a scheme, such as https://",
            "https://*.example.com",
        ),
        (
            "https://app.example.com:443",
            "browsers never write a scheme's default port",
            "https://app.example.com",
        ),
        (
            "https://*.example.com:443",
            "browsers never write a scheme's default port",
            "https://*.example.com",
        ),
        (
            "https://bücher.example",
            "browsers spell names beyond ASCII in punycode",
            "https://xn--bcher-kva.example",
        ),
        (
            "https://me@app.example.com",
            "an origin has no user name and no password",
            "https://app.example.com",
        ),
        ("https://app.example.com.", "the host ends in a dot", "https://app.example.com"),
        (
            "https://a.com,https://b.com",
            "an item is one origin, without spaces or separators",
            None,
        ),
        ("https://a.com|b.com", "an item is one origin, without spaces or separators", None),
        (
            " https://a.com",
            "an item is one origin, without spaces or separators",
            "https://a.com",
        ),
        ("file://", "file:// is not followed by a host and a port as browsers spell them", None),
        ("file://host", "browsers send Origin: null for files", None),
        (
            "http://127.1",
            "http:// is not followed by a host and a port as browsers spell them",
            None,
        ),
        (
            "https://a.com:8080:*",
            "https:// is not followed by a host and a port as browsers spell them",
            None,
        ),
        (
            "https://*.1.2.3.4",
            "https:// is not followed by a host and a port as browsers spell them",
            None,
        ),
        (
            "https://*.example.com:0",
            "https:// is not followed by a host and a port as browsers spell them",
            None,
        ),
        (
            "*",
            "a wildcard stands in the host or as the port, after http:// or https://",
            None,
        ),
        (
            "h*",
            "a wildcard stands in the host or as the port, after http:// or https://",
            None,
        ),
        (
            "*.example.com",
            "a wildcard stands in the host or as the port, after http:// or https://",
            "https://*.example.com",
        ),
        (
            "capacitor://*.example.com",
            "a wildcard stands in the host or as the port, after http:// or https://",
            None,
        ),
        (
            "https://*",
            "a wildcard may only stand in the leftmost of several labels, and once",
            None,
        ),
        (
            "https://pr-*",
            "a wildcard may only stand in the leftmost of several labels, and once",
            None,
        ),
        (
            "https://pr-*-*.example.com",
            "a wildcard may only stand in the leftmost of several labels, and once",
            None,
        ),
        (
            "https://a.*.example.com",
            "a wildcard may only stand in the leftmost of several labels, and once",
            None,
        ),
        (
            "https://a.com:80*",
            "a wildcard may only stand in the leftmost of several labels, and once",
            None,
        ),
        (
            "https://*.*.example.com",
            "a wildcard may only stand in the leftmost label, and once",
            None,
        ),
        (
            "https://*example.com",
            "inside a label, a wildcard needs a - on one side: pr-*",
            "https://*.example.com",
        ),
        (
            "https://pr*.example.com",
            "inside a label, a wildcard needs a - on one side: pr-*",
            None,
        ),
    ],
)
def test_what_is_no_pattern_is_refused_with_what_was_meant(
    text: str, why: str, suggestion: str | None
) -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern(text)

    assert (caught.value.why, caught.value.suggestion) == (why, suggestion)


def test_a_set_holds_all_kinds_side_by_side() -> None:
    text = r"https://[a-z]+\.example\.org"
    origins = OriginSet.of(map(parse_pattern, PATTERNS), {text: compile_regex(text)})

    assert origins.find(b"https://app.example.com") == "https://app.example.com"
    assert origins.find(b"https://x.example.com") == "https://*.example.com"
    assert origins.find(b"https://pr-7.preview.example.net") == "https://pr-*.preview.example.net"
    assert origins.find(b"https://abc.example.org") == r"https://[a-z]+\.example\.org"
    assert origins.find(b"https://abc.example.org.evil.com") is None
    assert origins.find(b"https://abc1.example.org") is None


def test_an_expression_only_sees_origins() -> None:
    origins = OriginSet.of([], {r".*": compile_regex(r".*")})

    assert origins.find(b"https://example.com") == r".*"
    assert origins.find(b"null") is None
    assert origins.find(b"https://example.com/") is None
    assert origins.find(b"\xff") is None


def test_patterns_of_one_domain_are_told_apart_by_shape() -> None:
    patterns = ["https://a-*.x.com", "https://abc-*.x.com", "https://*-z.x.com:*"]
    origins = OriginSet.of(map(parse_pattern, patterns))

    assert origins.find(b"https://abc-1.x.com") == "https://abc-*.x.com"
    assert origins.find(b"https://a-1.x.com") == "https://a-*.x.com"
    assert origins.find(b"https://q-z.x.com:99") == "https://*-z.x.com:*"
    assert origins.find(b"https://a-.x.com") is None
    assert origins.find(b"https://a_-z.x.com") is None


@pytest.mark.row("E9")
def test_a_hundred_thousand_entries_are_searched_in_as_many_steps_as_ten() -> None:
    def names(count: int) -> OriginSet:
        hosts = [f"x{number}.example" for number in range(count)]
        exact = [OriginPattern(f"https://{host}", "https", host, None) for host in hosts]
        wild = [
            OriginPattern(f"https://*.{host}", "https", host, None, subdomains=True)
            for host in hosts
        ]
        return OriginSet.of([*exact, *wild])

    few, many = names(5), names(50_000)

    def steps(origins: OriginSet, origin: bytes) -> int:
        return count_steps(lambda: origins.find(origin))

    for origin in (b"https://x3.example", b"https://a.b.x3.example", b"https://a.x.example:1"):
        assert many.find(origin) == few.find(origin)
        assert steps(many, origin) == steps(few, origin)


def test_an_empty_set_finds_nothing() -> None:
    assert OriginSet.of([]).find(b"https://example.com") is None


def test_a_pattern_remembers_its_text() -> None:
    assert parse_pattern("https://*.example.com:*") == OriginPattern(
        "https://*.example.com:*", "https", "example.com", None, any_port=True, subdomains=True
    )
