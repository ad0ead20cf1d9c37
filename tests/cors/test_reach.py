import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cors_gateway.cors import reach
from cors_gateway.cors.automata import Automaton
from cors_gateway.cors.origins import TupleOrigin, parse_origin, serialize_origin
from cors_gateway.cors.reach import (
    NamedHost,
    NotSpelledError,
    TooManyHostsError,
    find_hosts,
)
from cors_gateway.cors.regexes import RegexError, compile_regex

SUFFIXES = {"com", "org", "example", "uk", "co.uk", "io", "github.io"}


def is_one_partys(end: str) -> bool:
    return end == "localhost" or ("." in end and end not in SUFFIXES and not end[-1].isdigit())


def told(text: str) -> list[str]:
    """Spell the hosts of an expression: with ``*.`` where there may be more in front."""
    return sorted(
        f"{host.scheme}://{'*.' * host.with_subdomains}{host.host}"
        for host in find_hosts(compile_regex(text), is_one_partys)
    )


@pytest.mark.parametrize(
    "text, hosts",
    [
        (r"https://app\.example\.com", ["https://*.example.com"]),
        (r"https://example\.com", ["https://example.com"]),
        (r"https?://a\.com(:\d+)?", ["http://a.com", "https://a.com"]),
        (r"https://(a|b)\.(com|org)", ["https://a.com", "https://a.org", "https://b.com",
                                       "https://b.org"]),
        (r"https://a[12]\.com", ["https://a1.com", "https://a2.com"]),
        (r"https://([a-z0-9-]+\.)*a\.com", ["https://*.a.com", "https://a.com"]),
        (r"https://.*\.a\.co\.uk", ["https://*.a.co.uk"]),
        (r"https://([a-z]+)*\.a\.com", ["https://*.a.com"]),
        (r"https://me\.github\.io", ["https://me.github.io"]),
        (r"https://(my)?a\.com", ["https://a.com", "https://mya.com"]),
        (r"https://a{1,3}\.com", ["https://a.com", "https://aa.com", "https://aaa.com"]),
        (r"http://(.+\.)?localhost:\d+", ["http://*.localhost", "http://localhost"]),
        (r"http://192\.168\.1\.1", ["http://192.168.1.1"]),
        (r"http://\[::1\](:3000)?", ["http://[::1]"]),
        (r"capacitor://localhost", ["capacitor://localhost"]),
        (r"(http://localhost|https://a\.com)", ["http://localhost", "https://a.com"]),
        (r"(https://a\.com/?)+", ["https://a.com"]),
        (r"https://a\.com(/.*)?", ["https://a.com"]),
        (r"https://a\.com:.*", ["https://a.com"]),
        (r"(http://a|https://b)\.com", ["http://a.com", "https://b.com"]),
        (r"https://(com|co\.uk)", ["https://co.uk", "https://com"]),
    ],
)  # fmt: skip
def test_the_hosts_of_an_expression_are_found(text: str, hosts: list[str]) -> None:
    assert told(text) == hosts


@pytest.mark.parametrize(
    "text",
    [r"a\.com", r"https://a\.com/", r"https://A\.com", "null", "", r".{3}", "https://", "https:/a",
     r"https://a\.com:0\d*", "https://b\u00fccher"],
)  # fmt: skip
def test_what_no_origin_matches_has_no_hosts(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    "text, origin, end",
    [
        (r".*", "a://a", ""),
        (r"[a-z]+://a\.com", "a://a.com", ""),
        (r"https+://a\.com", "httpsss://a.com", ""),
        (r"https://.*", "https://a", ""),
        (r"https://a\.com.*", "https://a.coma", ""),
        (r"https://a\.[a-z]{2,3}", "https://a.aa", ""),
        (r"https://a\.com(\.[a-z]{2})?", "https://a.com.aa", ""),
        (r"https://.*a\.com", "https://aa.com", "a.com"),
        (r"https://.*\.?a\.com", "https://aa.com", "a.com"),
        (r"https://app.a\.com", "https://appaa.com", "a.com"),
        (r"https://ab+\.com", "https://abb.com", "bb.com"),
        (r"https://(a[ab]*|c)\.com", "https://abb.com", "bb.com"),
        (r"https://[a-z]+\.github\.io", "https://a.github.io", ".github.io"),
        (r"http://10\.0\.0\.\d", "http://10.0.0.1", ""),
        (r"http://10\.0\.\d\.1", "http://10.0.1.1", ".1"),
        (r"http://\[[0-9:]+\]", None, "]"),
        (r"http://localhost.*", "http://localhosta", ""),
        (r"https://(c0\.co|c1\.co|shop.a\.org)", "https://shopaa.org", "a.org"),
        (r"https://a\.[a-z]+:\d{4}", "https://a.a:1111", ""),
        (r"https://[a-z]{70}", None, ""),
    ],
)
def test_a_domain_that_is_not_spelled_is_refused_with_one_that_gets_in(
    text: str, origin: str | None, end: str
) -> None:
    automaton = compile_regex(text)
    with pytest.raises(NotSpelledError) as caught:
        find_hosts(automaton, is_one_partys)

    assert caught.value.end == end
    if origin is None:
        assert caught.value.origin is None
    else:
        assert caught.value.origin == origin.encode()
        assert automaton.matches(origin.encode())


@pytest.mark.parametrize(
    "text",
    [
        "https://" + "[ab]" * 12 + r"\.com",
        "[ab]" * 12 + r"://a\.com",
        "https://" + "[ab]?" * 60 + r"\.com",
    ],
)
def test_hosts_beyond_number_are_refused(text: str) -> None:
    with pytest.raises(TooManyHostsError):
        find_hosts(compile_regex(text), is_one_partys)


def test_the_number_of_hosts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "MAX_NAMED_HOSTS", 2)
    assert len(told(r"https://(a|b)\.com")) == 2

    with pytest.raises(TooManyHostsError):
        told(r"https://(a|b|c|d)\.com")


def test_a_host_that_is_too_long_is_none() -> None:
    assert told(r"https://a{254}|https://a\.com") == ["https://a.com"]


@pytest.mark.parametrize(
    "text, example",
    [
        (r"https://[a-z0-9-]+\.a\.com", TupleOrigin("https", "a.a.com", None)),
        (r"https://a\.com:\d{5}", TupleOrigin("https", "a.com", 11111)),
        (r"https://a\.com:80(90)?", TupleOrigin("https", "a.com", 80)),
        (r"https://a\.com:443", None),
        (r"https://a\.com:443\d*", TupleOrigin("https", "a.com", 4431)),
        (r"https://a\.com:0\d?|https://a\.com:66\d+", TupleOrigin("https", "a.com", 661)),
        (r"https://(a\.com:443|a\.com:8443)", TupleOrigin("https", "a.com", 8443)),
        (r"https://a\.com:443|()https://a\.com:8443", TupleOrigin("https", "a.com", 8443)),
        (r"https://a\.com:8443|()https://a\.com:444", TupleOrigin("https", "a.com", 8443)),
        (r"https://a\.com:4?4?443", TupleOrigin("https", "a.com", 4443)),
        (r"https://a\.com:9{6}", None),
        (r"https://(a\.com:8443|a\.com:443)", TupleOrigin("https", "a.com", 8443)),
    ],
)
def test_a_host_has_an_example_where_one_is_found(text: str, example: TupleOrigin | None) -> None:
    [host] = find_hosts(compile_regex(text), is_one_partys)

    assert host.example == example


@pytest.mark.parametrize(
    "origin, inside",
    [
        ("https://a.com", True),
        ("https://a.com:8443", True),
        ("https://x.a.com", True),
        ("https://xa.com", False),
        ("http://a.com", False),
    ],
)
def test_a_named_host_contains_its_subdomains(origin: str, inside: bool) -> None:
    parsed = parse_origin(origin.encode())
    assert parsed is not None

    assert (
        NamedHost("https", "a.com", with_subdomains=True, example=None).contains(parsed) is inside
    )
    exactly = NamedHost("https", "a.com", with_subdomains=False, example=None)
    assert exactly.contains(parsed) is (inside and parsed.host == "a.com")


texts = st.lists(
    st.sampled_from(["a", "b", r"\.", ".", "[ab]", "[a-b]", "com", r"\.com", "?", "*", "+", "|",
                     "(?:", ")", ":", "1"]),
    max_size=10,
).map(lambda parts: f"https://{''.join(parts)}")  # fmt: skip
origins = st.builds(
    "https://{}{}".format,
    st.lists(st.sampled_from(["a", "b", "ab", "com"]), min_size=1, max_size=3).map(".".join),
    st.sampled_from(["", ":1"]),
)


def survey(text: str) -> tuple[Automaton, list[NamedHost] | None, list[bytes]]:
    """Give the hosts of an expression, or who gets in where it is refused."""
    try:
        automaton = compile_regex(text)
    except RegexError:
        return compile_regex(""), None, []
    try:
        return automaton, find_hosts(automaton, is_one_partys), []
    except NotSpelledError as error:
        return automaton, None, [error.origin] if error.origin else []


@settings(deadline=None, max_examples=1000)
@given(texts, st.lists(origins, min_size=1, max_size=20))
def test_all_that_an_expression_lets_in_is_in_its_hosts(text: str, several: list[str]) -> None:
    automaton, hosts, strangers = survey(text)
    for stranger in strangers:
        assert automaton.matches(stranger)
    if hosts is None:
        return
    for origin in several:
        parsed = parse_origin(origin.encode())
        assert parsed is not None
        if re.fullmatch(text, origin):
            assert any(host.contains(parsed) for host in hosts)
    for host in hosts:
        assert host.example is None or automaton.matches(serialize_origin(host.example))
