from pkgutil import get_data

import pytest
from publicsuffixlist import PublicSuffixList

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


def _rules() -> list[str]:
    content = get_data("publicsuffixlist", "public_suffix_list.dat") or b""
    lines = (line for line in content.decode().splitlines() if line and not line.startswith("//"))
    rules = [line.split()[0] for line in lines]
    # One domain of many, and whatever is written in a special way.
    return [
        rule
        for number, rule in enumerate(rules)
        if number % 97 == 0 or rule[0] in "!*" or not rule.rpartition(".")[2].isascii()
    ]


def test_the_rules_that_are_read_say_what_all_of_them_would() -> None:
    every, registries = PublicSuffixList(), PublicSuffixList(only_icann=True)
    for rule in _rules():
        name = rule.lstrip("!").replace("*", "any").encode("idna").decode()
        for domain in (name, f"name.{name}", name.partition(".")[2] or "unknown"):
            assert is_public_suffix(domain) is every.is_public(domain), domain
            assert is_registry_suffix(domain) is registries.is_public(domain), domain
