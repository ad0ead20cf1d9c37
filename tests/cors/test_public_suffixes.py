import pytest

from cors_gateway.cors.public_suffixes import registrable_domain

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
