import pytest

from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix


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
