"""Which entries let in more than another policy does: by rows, and by laws over small alphabets."""

from string import ascii_lowercase, digits

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cors_gateway.cors import containment
from cors_gateway.cors.containment import EntryBeyond, entries_beyond
from cors_gateway.cors.origins import parse_origin
from cors_gateway.cors.patterns import OriginSet, PatternError, parse_pattern
from cors_gateway.cors.policy import Policy, compile_policy
from cors_gateway.cors.settings import PolicySettings


def is_public_suffix(domain: str) -> bool:
    return "." not in domain and domain != "localhost"


def policy(*entries: str) -> Policy:
    """Make a policy of patterns, and of expressions in slashes."""
    settings = PolicySettings(
        allow_origins=tuple(entry for entry in entries if not entry.startswith("/")),
        allow_origin_regex=tuple(entry[1:-1] for entry in entries if entry.startswith("/")),
    )
    compiled, problems = compile_policy(settings, is_public_suffix)
    assert compiled is not None, problems
    return compiled


def beyond(new: list[str], old: list[str]) -> list[tuple[str, str | None]]:
    return [
        (entry.text, None if entry.example is None else entry.example.decode())
        for entry in entries_beyond(policy(*new), policy(*old))
    ]


A, WILD, PR = "https://a.x.com", "https://*.x.com", "https://pr-*.x.com"
LETTERS = r"/https://[a-z]+\.x\.com/"


@pytest.mark.parametrize(
    "new, old, found",
    [
        pytest.param([A], [A], [], id="the same"),
        pytest.param([A], ["https://b.x.com"], [(A, A)], id="another origin"),
        pytest.param([A], [WILD], [], id="an origin of a pattern"),
        pytest.param([WILD], [A], [(WILD, "https://b.x.com")], id="a pattern with the origin in it"),
        pytest.param([PR], [WILD], [], id="a label of subdomains"),
        pytest.param(["https://*.a.x.com"], [WILD], [], id="subdomains of subdomains"),
        pytest.param([WILD], ["https://*.a.x.com"], [(WILD, "https://a.x.com")], id="and around"),
        pytest.param(["https://pr-1-*.x.com"], [PR], [], id="a longer beginning"),
        pytest.param(["https://pr-1-*.x.com"], ["https://pr-*.x.com:*"], [], id="a label at any port"),
        pytest.param([WILD], [f"https://{each}.x.com" for each in ascii_lowercase + digits],
                     [(WILD, None)], id="without an example that is short"),
        pytest.param(["https://pr-_*-b.x.com"], [PR], [("https://pr-_*-b.x.com",
            "https://pr-_a-b.x.com")], id="a beginning that the wildcard cannot spell"),
        pytest.param([PR], ["https://pr-1-*.x.com"], [(PR, "https://pr-a.x.com")], id="a shorter one"),
        pytest.param(["http://localhost:*"], ["http://localhost"],
                     [("http://localhost:*", "http://localhost:8080")], id="any port"),
        pytest.param(["http://localhost:1"], ["http://localhost:*"], [], id="one of any port"),
        pytest.param(["https://*.x.com:1"], ["https://*.x.com:*"], [], id="subdomains at a port"),
        pytest.param(["https://*.x.com:*"], [WILD],
                     [("https://*.x.com:*", "https://a.x.com:8080")], id="subdomains at any port"),
        pytest.param(["http://*.x.com"], [WILD], [("http://*.x.com", "http://a.x.com")], id="http"),
        pytest.param(["https://a.x.com:*"], ["https://*.x.com:*"], [], id="a host at any port"),
        pytest.param([LETTERS], [WILD], [], id="an expression within a pattern"),
        pytest.param([WILD], [LETTERS], [(WILD, "https://1.x.com")], id="a pattern and an expression"),
        pytest.param([r"/https://(a|b)\.x\.com/"], [LETTERS], [], id="alternatives of letters"),
        pytest.param([r"/https://(a|b)\.x\.com/"], [A],
                     [(r"https://(a|b)\.x\.com", "https://b.x.com")], id="one alternative more"),
        pytest.param([r"/https://(a|b)\.x\.com/"], [A, "https://b.x.com"], [], id="written out"),
        pytest.param([r"/https://a\.x\.com(:443)?/"], [A], [], id="a port that nobody writes"),
        pytest.param([r"/https://a\.x\.com(:[0-9]+)?/"], ["https://a.x.com:*"], [], id="its ports"),
        pytest.param([r"/https://a\.x\.com:[0-9]+/"], [r"/https://a\.x\.com:[1-6]?[0-9]{1,4}/"],
                     [(r"https://a\.x\.com:[0-9]+", None)], id="perhaps, by what is no port"),
        pytest.param([PR], [r"/https://pr-[a-z0-9-]*\.x\.com/"], [], id="a label within an expression"),
        pytest.param(["https://[::1]:*"], ["https://[::1]"],
                     [("https://[::1]:*", "https://[::1]:8080")], id="an address"),
        pytest.param(["*"], [A], [], id="everybody is no name"),
    ],
)  # fmt: skip
def test_what_lets_in_more(new: list[str], old: list[str], found: list[object]) -> None:
    assert beyond(new, old) == found


def test_an_entry_is_told_with_its_place() -> None:
    new, old = policy(A, "https://b.x.com", r"/https://[0-9]+\.x\.com/"), policy(A)

    assert list(entries_beyond(new, old)) == [
        EntryBeyond("https://b.x.com", "allowOrigins", 1, b"https://b.x.com"),
        EntryBeyond(r"https://[0-9]+\.x\.com", "allowOriginRegex", 0, b"https://1.x.com"),
    ]


def test_behind_a_bound_an_entry_may_let_in_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert beyond([LETTERS], [WILD]) == []
    monkeypatch.setattr(containment, "_MAX_STATES", 10)

    assert beyond([LETTERS], [WILD]) == [(LETTERS.strip("/"), None)]


def test_only_some_entries_are_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containment, "_MAX_SEARCHES", 1)

    assert beyond([LETTERS, r"/https://[a-f]+\.x\.com/"], [WILD]) == [
        (r"https://[a-f]+\.x\.com", None)
    ]


host = st.lists(st.sampled_from(["a", "b", "a-b", "a-"]), min_size=2, max_size=3).map(".".join)
port = st.sampled_from(["", ":1", ":2"])
origins = st.builds("https://{}{}".format, host, port)
patterns = st.builds(
    "https://{}{}{}".format,
    st.sampled_from(["", "*.", "a-*.", "*-b.", "a*-."]),
    host,
    st.sampled_from(["", ":1", ":*"]),
)
expressions = st.sampled_from(
    [
        r"/https://(a|b)\.a\.b/",
        r"/https://[ab-]+\.a\.b/",
        r"/https://([ab-]+\.)*a\.b(:[12])?/",
        r"/https://a-?b?\.b\.a(:1)?/",
    ]
)
entries = st.lists(st.one_of(patterns, patterns, expressions), min_size=1, max_size=4, unique=True)


@settings(deadline=None, max_examples=40)
@given(entries, entries, st.lists(origins, min_size=10, max_size=30))
def test_whoever_is_let_in_only_by_one_policy_has_an_entry_there(
    new: list[str], old: list[str], several: list[str]
) -> None:
    named, known = policy(*new), policy(*old)
    found = {entry.text: entry.example for entry in entries_beyond(named, known)}

    for origin in map(str.encode, several):
        entry = named.origins.find(origin)
        if parse_origin(origin) and entry is not None and known.origins.find(origin) is None:
            assert found, (origin, entry)
    for text, example in found.items():
        if example is not None:
            own = policy(text if text in new else f"/{text}/")
            assert own.origins.find(example) == text
            assert known.origins.find(example) is None
    assert list(entries_beyond(named, named)) == []


@settings(deadline=None, max_examples=40)
@given(patterns, st.lists(patterns, max_size=5), st.lists(origins, min_size=10, max_size=30))
def test_a_pattern_is_within_another_only_if_all_its_origins_are(
    pattern: str, others: list[str], several: list[str]
) -> None:
    try:
        narrow = parse_pattern(pattern)
        wide = OriginSet.of(map(parse_pattern, others))
    except PatternError:
        return
    if (entry := wide.find_pattern(narrow)) is None:
        return
    assert entry in others
    own = OriginSet.of([narrow])
    for origin in map(str.encode, several):
        assert own.find(origin) is None or wide.find(origin) is not None
