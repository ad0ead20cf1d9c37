import pytest

from cors_gateway.cors.origins import serialize_origin
from cors_gateway.cors.regexes import check_regex, sample_origins


@pytest.mark.parametrize(
    "text",
    [
        r"https://app\.example\.com",
        r"https?://([a-z0-9-]+\.)+example\.com(:\d+)?",
        r"https://(a|b)\.example\.com",
        r"^https://pr-\d{1,5}\.example\.com$",
        r"https://([a-z]+){1,3}\.example\.com",
        r"https://(?:[a-z]++)*+\.com",
        r"(a)\1*(?(1)b|c)(?=d)(?<!e)",
        r"",
    ],
)
def test_an_expression_that_matches_in_one_way_can_be_used(text: str) -> None:
    assert check_regex(text) is None


@pytest.mark.parametrize("text", ["(", "[a", "*", "a{99999999999}", "(?P<n", "[[a]"])
def test_an_expression_that_does_not_compile_is_refused(text: str) -> None:
    why = check_regex(text)

    assert why is not None
    assert why.startswith("it does not compile: ")


@pytest.mark.parametrize(
    "text",
    [
        r"https://([a-z]+)*\.com",
        r"https://([a-z]*)*\.com",
        r"https://(a|aa)+\.com",
        r"(?:(?:[a-z]+)+)+",
        r"x|(y([0-9]+)+)",
        r"(?:a{1,3}){2,50}",
        r"([a-z]+?)*?",
    ],
)
def test_an_expression_that_may_take_forever_is_refused(text: str) -> None:
    why = check_regex(text)

    assert why is not None
    assert why.endswith("once or in several pieces, which may take forever")


@pytest.mark.parametrize(
    "text, origins",
    [
        (r"https://app\.example\.com", ["https://app.example.com"]),
        (r"https://app.example.com", ["https://app.example.com"]),
        (r"https?://a\.com", ["https://a.com", "http://a.com"]),
        (r"https://a\.(com|org|net)", ["https://a.com", "https://a.org", "https://a.net"]),
        (r"(?i)HTTPS://A\.com", ["https://a.com"]),
        (r"https://pr-..\.com", ["https://pr-aa.com"]),
        (r"https://(?>ab)\.com", ["https://ab.com"]),
        (r"https://(?!x)[xa]\.com", ["https://a.com"]),
        (r"http://localhost:3\d{3}", ["http://localhost:3888", "http://localhost:3000",
                                      "http://localhost:3111"]),
        (r".*app\.example\.com", ["https://app.example.com", "https://a.app.example.com"]),
        (r"https://[^a-z]\.com", ["https://8.com", "https://-.com", "https://_.com"]),
    ],
)  # fmt: skip
def test_samples_are_origins_that_the_expression_matches(text: str, origins: list[str]) -> None:
    assert [serialize_origin(origin).decode() for origin in sample_origins(text)] == origins


@pytest.mark.parametrize(
    "text",
    [
        r"app\.example\.com",
        r"https://app\.example\.com/",
        r"https://[A-Z]+\.com",
        r"https://[ ]\.com",
        r"null",
        r"a{9999}",
        r"(?:a{300}){300}",
        r"a{0}",
        r"",
        "https://b\u00fccher\\.example",
    ],
)
def test_an_expression_that_matches_no_origin_has_no_samples(text: str) -> None:
    assert check_regex(text) is None
    assert sample_origins(text) == ()
