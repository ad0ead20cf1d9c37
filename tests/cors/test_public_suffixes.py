import pytest

from cors_gateway.cors.public_suffixes import SuffixRules, registrable_domain

SUFFIXES = {"com", "uk", "co.uk", "s3.amazonaws.com", "github.io", "io"}


@pytest.mark.parametrize(
    "host, domain",
    [
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("a.example.co.uk", "example.co.uk"),
        ("me.github.io", "me.github.io"),
        ("x.me.github.io", "me.github.io"),
        ("b.s3.amazonaws.com", "b.s3.amazonaws.com"),
        ("www.amazonaws.com", "amazonaws.com"),
        ("com", "com"),
        ("localhost", "localhost"),
        ("a.b.unknown", "b.unknown"),
        ("b.unknown", "b.unknown"),
        ("10.0.0.1", "10.0.0.1"),
        ("[::1]", "[::1]"),
    ],
)
def test_a_host_is_cut_to_what_one_party_controls(host: str, domain: str) -> None:
    assert registrable_domain(host, SUFFIXES.__contains__) == domain


RULES = SuffixRules(SUFFIXES.__contains__, {"com"}.__contains__, {"amazonaws.com"}.__contains__)


@pytest.mark.parametrize(
    "end, is_one",
    [
        ("example.com", True),
        ("a.example.com", True),
        ("b.unknown", True),
        ("localhost", True),
        ("app.localhost", True),
        ("com", False),
        ("co.uk", False),
        ("github.io", False),
        ("amazonaws.com", False),
        ("s3.amazonaws.com", False),
        ("me.s3.amazonaws.com", True),
        ("unknown", False),
        ("127.0.0.1", False),
        ("0.1", False),
    ],
)
def test_the_names_below_a_registrable_domain_are_one_partys(end: str, is_one: bool) -> None:
    assert RULES.is_one_partys(end) is is_one


def test_names_below_a_suffix_and_above_one_are_shared() -> None:
    shared = [end for end in ("com", "amazonaws.com", "example.com") if RULES.is_shared(end)]

    assert shared == ["com", "amazonaws.com"]
