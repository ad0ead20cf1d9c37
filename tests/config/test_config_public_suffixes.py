import pytest

from cors_gateway.config.public_suffixes import (
    has_public_suffix_below,
    is_public_suffix,
    is_registry_suffix,
)


@pytest.mark.parametrize(
    "domain, is_public, is_registry",
    [
        ("com", True, True),
        ("co.uk", True, True),
        ("github.io", True, False),
        ("vercel.app", True, False),
        ("example.com", False, False),
        ("app.example.co.uk", False, False),
    ],
)
def test_what_is_a_public_suffix_and_whose(domain: str, is_public: bool, is_registry: bool) -> None:
    assert (is_public_suffix(domain), is_registry_suffix(domain)) == (is_public, is_registry)


@pytest.mark.parametrize(
    "domain, has_below",
    [
        ("windows.net", True),
        ("core.windows.net", True),
        ("blob.core.windows.net", False),
        ("amazonaws.com", True),
        ("platform.sh", True),
        ("ck", True),
        ("www.ck", False),
        ("xn--p1acf", True),
        ("github.io", False),
        ("example.com", False),
    ],
)
def test_what_has_a_public_suffix_below(domain: str, has_below: bool) -> None:
    assert has_public_suffix_below(domain) is has_below
