import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cors_gateway.cors.automata import AutomatonBuilder
from cors_gateway.cors.regexes import RegexError, compile_regex


@pytest.mark.parametrize(
    "text, inside, outside",
    [
        (r"https://app\.example\.com", "https://app.example.com", "https://appxexample.com"),
        (r"^https://a\.com$", "https://a.com", "https://a.com."),
        (r"\Ahttps://a\.com\Z", "https://a.com", "xhttps://a.com"),
        (r"^https://a\.com$|^https://b\.com$", "https://b.com", "https://c.com"),
        (r"(?:^(a|b)$)", "b", "ab"),
        (r"^^a$$", "a", ""),
        (r"https?://a", "http://a", "httpss://a"),
        (r"a{3}", "aaa", "aaaa"),
        (r"a{2,3}", "aaa", "a"),
        (r"a{2,3}?", "aa", "aaaa"),
        (r"a{2,}", "aaaaa", "a"),
        (r"a{0}b", "b", "ab"),
        (r"(a?b?){2,}", "abbaab", "c"),
        (r"a*?b+?", "bb", "a"),
        (r"(?P<n>a)(?:b)", "ab", "a"),
        (r"[a-c_]", "_", "d"),
        (r"[^a-c]", "d", "b"),
        (r"[^a]", "b", "a"),
        (r"\d\w\s", "1a ", "aa "),
        (r"a.c", "abc", "a\nc"),
        (r"a|", "", "b"),
        (r"(?:(?:){1000}){1000}a", "a", ""),
        (r"(?u)a", "a", "b"),
        ("https://b\u00fccher|a", "a", "https://b"),
        (r"(?x: ){0}a", "a", " a"),
    ],
)
def test_an_expression_matches_a_whole_text(text: str, inside: str, outside: str) -> None:
    automaton = compile_regex(text)

    assert automaton.matches(inside.encode())
    assert not automaton.matches(outside.encode())


def problem_of(text: str) -> tuple[str, str]:
    with pytest.raises(RegexError) as caught:
        compile_regex(text)
    assert str(caught.value) == caught.value.why
    return caught.value.why, caught.value.fix


@pytest.mark.parametrize(
    "text", ["(", "[a", "*", "a{99999999999}", "(?P<n", "[[a]", "a(?i)b", "(" * 5000]
)
def test_what_does_not_compile_is_refused(text: str) -> None:
    why, fix = problem_of(text)

    assert why.startswith("it does not compile: ")
    assert fix == r"write an expression such as https://[a-z0-9-]+\.example\.com"


@pytest.mark.parametrize(
    "text, named",
    [
        (r"https://(?=.*\.example\.org).*", "(?=…)"),
        (r"https://.*(?<=corp\.net)", "(?<=…)"),
        (r"a(?!b)c", "(?!…)"),
        (r"a(?<!b)c", "(?<!…)"),
        (r"a(?!)", "(?!…)"),
        (r"(a)\1", r"\1"),
        (r"(https)://(?P<h>[a-z]+)\.(?P=h)\.com", "(?P=…)"),
        (r"(a)?(?(1)b|c)", "(?(…)…|…)"),
        (r"(?>a)", "(?>…)"),
        (r"a*+", "*+"),
        (r"(?i)a", "(?i)"),
        (r"(?x) a", "flags"),
        (r"(?m)^a$", "flags"),
        (r"a(?i:b)", "flags"),
        (r"(?-i:a)", "flags"),
        (r"\ba", r"\b"),
        (r"a\Bb", r"\b"),
        (r"a^b", "anchor"),
        (r"a$b", "anchor"),
        (r"(^a)+", "anchor"),
        (r"$a", "anchor"),
        (r"a^", "anchor"),
        (r"b(^a)", "anchor"),
        ("a{513}", "512 characters"),
        ("(?:a{300}){300}", "512 characters"),
        ("[a-z]{1,4000000}", "512 characters"),
    ],
)
def test_what_no_automaton_can_match_is_refused_by_name(text: str, named: str) -> None:
    why, fix = problem_of(text)

    assert named in why
    assert fix


@pytest.mark.interpreted
def test_what_python_can_parse_and_is_nested_too_deeply_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def place(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr(AutomatonBuilder, "place", place)

    assert problem_of("a")[0] == "its groups are nested too deeply"


@pytest.mark.parametrize(
    "text, spelled",
    [("a", True), ("[ab]", True), ("(a|b)", True), ("[a-b]", False), ("[^a]", False), (".", False)],
)
def test_what_is_written_out_is_told_from_what_is_meant(text: str, spelled: bool) -> None:
    assert compile_regex(text).places[1].is_spelled is spelled


def expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds(
            "({}){}".format, inner, st.sampled_from(["?", "*", "+", "{2}", "{1,2}?", "{0,2}"])
        ),
    )


atoms = st.sampled_from(["a", "b", "1", "-", r"\.", ".", "[a1]", "[^a]", r"\w", r"[a-b.]", r"\d?"])
hosts = st.text("ab1-.", max_size=7)


@settings(deadline=None, max_examples=500)
@given(st.recursive(atoms, expressions, max_leaves=7), hosts)
@example("(?:a?){3}a{3}", "aaa")
def test_an_automaton_accepts_what_python_matches(text: str, host: str) -> None:
    whole = f"https://{text}"
    origin = f"https://{host}"
    expected = re.fullmatch(whole, origin) is not None

    assert compile_regex(whole).matches(origin.encode()) is expected


@settings(deadline=None, max_examples=500)
@given(st.text(r"ab.*+?|()[]{}\1d3,:/-^$<>=!Pix", max_size=16), hosts)
def test_any_text_is_translated_as_python_means_it_or_refused(text: str, host: str) -> None:
    try:
        automaton = compile_regex(text)
    except RegexError:
        return
    assert automaton.matches(host.encode()) is (re.fullmatch(text, host) is not None)
