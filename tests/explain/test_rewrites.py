"""What is told of a route's changes to cookies and redirects."""

import pytest

from cors_gateway.explain.rewrites import tell_rewrites
from cors_gateway.explain.wording import as_data, render_text
from tests.explain.asking import APP, FILE, ask, configured


def told(more: str, upstream: str = "{url: 'http://h', stripPrefix: true}") -> list[str]:
    text = FILE.replace("upstream: http://h", f"upstream: {upstream}, {more}")
    loaded = configured(text)
    assert loaded.snapshot is not None
    return list(tell_rewrites(loaded.snapshot.routes[0]))


@pytest.mark.parametrize(
    "more, words",
    [
        ("cookies: {domain: remove}", "Domain is left out"),
        ("cookies: {domain: a.example}", "Domain becomes a.example where there is one"),
        ("cookies: {path: auto}", "Path is put below /api"),
        ("cookies: {path: /x}", "Path becomes /x"),
        ("cookies: {secure: add}", "Secure is added"),
        ("cookies: {secure: remove}", "Secure is left out"),
        ("cookies: {sameSite: Lax}", "SameSite=Lax is set"),
        ("cookies: {sameSite: None}", "SameSite=None is set beside Secure"),
        ("cookies: {partitioned: add}", "Partitioned is added beside Secure"),
        (
            "cookies: {domain: remove, path: auto, secure: add, sameSite: None, partitioned: add}",
            (
                "Domain is left out, Path is put below /api, Secure is added, SameSite=None is set, "
                "Partitioned is added"
            ),
        ),
    ],
)
def test_what_becomes_of_cookies(more: str, words: str) -> None:
    assert told(more) == [f"cookies of the API: {words}"]


@pytest.mark.parametrize(
    "upstream, words",
    [
        ("{url: 'http://h', stripPrefix: true}", "below /api"),
        ("{url: 'http://h/v1', stripPrefix: true}", "below /api in place of /v1"),
        ("'http://h/v1'", "below / in place of /v1"),
        ("'http://h'", "here"),
    ],
)
def test_what_becomes_of_redirects(upstream: str, words: str) -> None:
    assert told("redirects: rewrite", upstream) == [
        f"redirects of the API to itself become paths {words}"
    ]


def test_nothing_is_told_where_nothing_changes() -> None:
    assert told("redirects: keep") == []


def test_an_explanation_tells_it_before_the_api_is_asked() -> None:
    more = (
        "upstream: {url: 'http://h', stripPrefix: true}, cookies: {path: auto}, redirects: rewrite"
    )
    explanation = ask(configured(FILE.replace("upstream: http://h", more)), APP)
    assert (
        "  cookies of the API: Path is put below /api\n"
        "  redirects of the API to itself become paths below /api\n"
        "  forwarded to http://h;"
    ) in render_text(explanation, None)
    assert as_data(explanation, None)["route"]["changes"] == [
        "cookies of the API: Path is put below /api",
        "redirects of the API to itself become paths below /api",
    ]


def test_an_answer_of_the_gateways_own_changes_nothing() -> None:
    explanation = ask(
        configured(FILE.replace("http://h", "http://h, redirects: rewrite")), None, "TRACE"
    )
    text = render_text(explanation, None)
    assert "refused: " in text
    assert "redirects of the API" not in text
