from collections.abc import Callable

import pytest

from cors_gateway.cors.attacks import (
    Intruder,
    choose_intruder,
    find_intruder,
    find_regex_intruder,
    hostile_siblings,
    is_spelled_by,
)
from cors_gateway.cors.origins import TupleOrigin, parse_origin, serialize_origin
from cors_gateway.cors.patterns import OriginSet, parse_pattern
from cors_gateway.cors.reach import NamedHost, NotSpelledError, find_hosts
from cors_gateway.cors.regexes import compile_regex

SUFFIXES = {"com", "org", "example", "uk", "co.uk", "github.io", "vercel.app"}
APP = TupleOrigin("https", "app.example.com", None)
LOCAL = TupleOrigin("http", "localhost", 3000)


def is_public(domain: str) -> bool:
    return domain in SUFFIXES


@pytest.mark.parametrize(
    "sibling",
    [
        "null",
        "https://evil.com",
        "https://app.example.com.evil.com",
        "https://app.example.comevil.com",
        "https://app.example.com.tk",
        "https://app.example.computer",
        "https://evilexample.com",
        "https://notexample.com",
        "https://xample.com",
        "https://pp.example.com",
        "https://app.example.co",
        "https://appxexample.com",
        "https://app.examplexcom",
        "https://appaexampleacom",
        "http://app.example.com",
        "ws://app.example.com",
        "ftp://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com:443",
        "https://app.example.com:0",
        "https://app.example.com:65536",
        "https://app.example.com:",
        "https://example.com",
        "https://.app.example.com",
        "https://a..app.example.com",
        "https://*.app.example.com",
        "https://app.example.com_.evil.com",
        "https://app.example.com`.evil.com",
        "https://app.example.com%60.evil.com",
        "https://app.example.com/",
        "https://app.example.com?a",
        "https://app.example.com#a",
        "https://app.example.com@evil.com",
        "https://user@app.example.com",
        "https://evil.com#app.example.com",
        "https://app.example.com\\.evil.com",
        "//app.example.com",
        "app.example.com",
        "https://app.example.com,https://evil.com",
        "https://app.example.com https://evil.com",
        "https://app.example.com\t",
        "HTTPS://APP.EXAMPLE.COM",
        "https://app.example.com.",
        "https://app．example．com",  # noqa: RUF001
        "https://аpp.exаmple.com",  # noqa: RUF001
        "https://app.evil.example.com",
    ],
)
def test_the_siblings_of_an_origin_hold_every_known_attack(sibling: str) -> None:
    assert sibling.encode() in set(hostile_siblings(APP, "example.com"))


@pytest.mark.parametrize(
    "origin, domain",
    [
        (APP, "example.com"),
        (LOCAL, "localhost"),
        (TupleOrigin("https", "app.example.com", 8443), "example.com"),
    ],
)
def test_an_origin_is_not_among_its_siblings(origin: TupleOrigin, domain: str) -> None:
    assert serialize_origin(origin) not in set(hostile_siblings(origin, domain))


@pytest.mark.parametrize(
    "entry, origin, spelled",
    [
        ("https://a.com", b"https://a.com", True),
        ("https://a.com", b"https://a.com:8443", False),
        ("https://*.a.com", b"https://x.y.a.com", True),
        ("https://*.a.com", b"https://a.com", False),
        ("https://*.a.com", b"https://x.axcom", False),
        ("https://*.a.com:*", b"https://x.a.com:1", True),
        ("https://*.a.com:*", b"https://x.a.com:0", False),
        ("http://localhost:*", b"http://localhost", True),
        ("http://localhost:*", b"http://localhost:", False),
        ("https://pr-*.a.com", b"https://pr-1.a.com", True),
        ("https://pr-*.a.com", b"https://pr-1.b.a.com", False),
        ("https://pr-*.a.com", b"https://pr-.a.com", False),
    ],
)
def test_what_an_entry_spells_is_judged_by_the_letter(
    entry: str, origin: bytes, spelled: bool
) -> None:
    assert is_spelled_by(entry, origin) is spelled


MATCHERS: dict[str, tuple[Callable[[bytes], bool], bytes]] = {
    "begins with": (
        lambda origin: origin.startswith(b"https://app.example.com"),
        b"https://app.example.com.evil.com",
    ),
    "ends with": (lambda origin: origin.endswith(b"example.com"), b"https://evilexample.com"),
    "contains": (lambda origin: b"example.com" in origin, b"https://app.example.com.evil.com"),
    "any case": (
        lambda origin: origin.lower() == b"https://app.example.com",
        b"HTTPS://APP.EXAMPLE.COM",
    ),
    "any scheme": (lambda origin: origin.endswith(b"//app.example.com"), b"http://app.example.com"),
    "any port": (
        lambda origin: origin.rsplit(b":", 1)[0] == b"https://app.example.com",
        b"https://app.example.com:8443",
    ),
    "the null origin": (lambda origin: origin == b"null", b"null"),
    "everyone": (lambda _: True, b"https://evil.com"),
}


@pytest.mark.parametrize("matches, intruder", MATCHERS.values(), ids=MATCHERS.keys())
def test_a_set_that_goes_by_a_part_of_the_origin_is_found_out(
    matches: Callable[[bytes], bool], intruder: bytes
) -> None:
    def find(origin: bytes) -> str | None:
        return "https://app.example.com" if matches(origin) else None

    assert find_intruder([APP], find, frozenset(), is_public) == Intruder(
        intruder, "https://app.example.com"
    )


def test_a_set_that_goes_by_the_letter_passes() -> None:
    texts = ["https://app.example.com", "https://*.example.com", "http://localhost:*"]
    origins = OriginSet.of(map(parse_pattern, texts), {r".*": compile_regex(r".*")})

    assert find_intruder([APP, LOCAL], origins.find, frozenset({r".*"}), is_public) is None


def is_one_partys(end: str) -> bool:
    return end == "localhost" or ("." in end and not is_public(end))


NAMED = NamedHost("https", "example.com", with_subdomains=True, example=APP)


@pytest.mark.parametrize("matches, intruder", MATCHERS.values(), ids=MATCHERS.keys())
def test_an_expression_is_asked_for_more_than_the_hosts_it_is_said_to_spell(
    matches: Callable[[bytes], bool], intruder: bytes
) -> None:
    found = find_regex_intruder("x", matches, [NAMED], is_public)
    parsed = parse_origin(intruder)

    if parsed is None or NAMED.contains(parsed):  # No origin, or one of that host.
        assert found is None
    else:
        assert found == Intruder(intruder, "x")


def test_every_host_of_an_expression_is_started_from() -> None:
    hosts = [
        NamedHost("https", f"c{i}.com", with_subdomains=False, example=None) for i in range(60)
    ] + [NAMED]

    assert (
        find_regex_intruder("x", lambda origin: origin == b"https://examplexcom", hosts, is_public)
        is None
    )
    assert find_regex_intruder(
        "x", lambda origin: origin == b"https://appxexample.com", hosts, is_public
    ) == Intruder(b"https://appxexample.com", "x")


@pytest.mark.parametrize(
    "text",
    [
        r"https://app\.example\.com",
        r"https?://app\.example\.com(:\d+)?",
        r"https://([a-z0-9-]+\.)+example\.com",
        r"https://[a-z0-9-]+\.example\.(com|org)",
        r"http://localhost:\d+",
        r"https://.*\.example\.co\.uk",
        r"capacitor://localhost",
    ],
)
def test_an_expression_that_spells_its_domain_passes(text: str) -> None:
    automaton = compile_regex(text)
    hosts = find_hosts(automaton, is_one_partys)

    assert find_regex_intruder(text, automaton.matches, hosts, is_public) is None


@pytest.mark.parametrize(
    "text, intruder",
    [
        (r".*", b"https://evil.com"),
        (r"https://.*example\.com", b"https://evilexample.com"),
        (r"https://.*-example\.com", b"https://evil-example.com"),
        (r"http://.*-example\.com", b"http://evil-example.com"),
        (r"https://app.example\.com", b"https://appaexample.com"),
        (r"https://app\.example\.[a-z]+", b"https://app.example.a"),
        (r"http://localhost.*", b"http://localhost.evil.com"),
        (r"https://[a-z]{70}", None),
    ],
)
def test_of_those_that_come_in_the_plainest_is_named(text: str, intruder: bytes | None) -> None:
    automaton = compile_regex(text)
    with pytest.raises(NotSpelledError) as caught:
        find_hosts(automaton, is_one_partys)

    assert choose_intruder(automaton.matches, caught.value) == intruder
