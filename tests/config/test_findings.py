import pytest

from cors_gateway.config.document import parse_document
from cors_gateway.config.findings import Findings
from cors_gateway.config.problems import Path
from cors_gateway.config.substitution import substitute
from tests.cases.configs import FakeReader

READER = FakeReader(env={"ORIGIN": "https://Secret.example.com", "PIN": "77"})


def findings(text: str) -> Findings:
    document = parse_document(text, "f.yaml")
    return Findings(document, substitute(document, READER))


def said(text: str, path: Path, what: str, fix: str = "") -> str:
    found = findings(text)
    found.error(path, what, "", fix)
    (problem,) = found.problems()
    return problem.sentence


@pytest.mark.parametrize(
    "text, what, sentence",
    [
        pytest.param("a: b", "{value} is bad", '"b" is bad', id="a value in the file"),
        pytest.param("a: '{key}'", "{value} is bad", '"{key}" is bad', id="a value like a mark"),
        pytest.param("a: ${ORIGIN}", "{value} is bad", "${ORIGIN} is bad", id="a variable"),
        pytest.param(
            "a: ${ORIGIN}", '"https://Secret.example.com" is bad', "${ORIGIN} is bad", id="quoted"
        ),
        pytest.param(
            "a: ${ORIGIN}",
            'lets in "https://x.secret.example.com"',
            "lets in ${ORIGIN}",
            id="derived",
        ),
        pytest.param(
            "a: ${ORIGIN}",
            "lets in https://x.secret.example.com",
            "${ORIGIN} is refused here",
            id="derived, and not quoted",
        ),
        pytest.param("a: ${PIN}", "77 is bad", "${PIN} is bad", id="a short value"),
        pytest.param(
            "{a: b, c: '${ORIGIN}'}",
            "like https://Secret.example.com",
            "like ${ORIGIN}",
            id="a value from elsewhere in the document",
        ),
        pytest.param("{a: 77, c: '${PIN}'}", "{value} is bad", "77 is bad", id="a coincidence"),
        pytest.param("a: b", "a" * 600, "a" * 500 + "…", id="a long sentence"),
        pytest.param("a: b", "a\x1b[0mb", r"a\x1b[0mb", id="control characters"),
    ],
)
def test_values_from_outside_are_never_shown(text: str, what: str, sentence: str) -> None:
    assert said(text, ("a",), what) == sentence


def test_a_remedy_that_would_show_a_value_is_replaced() -> None:
    fix = 'did you mean "https://secret.example.com"?'

    assert said("a: ${ORIGIN}", ("a",), "{value} is bad", fix) == (
        "${ORIGIN} is bad, correct it where it is set"
    )


@pytest.mark.parametrize(
    "text, path, sentence",
    [
        ("[a]", (0,), 'the configuration: "a"'),
        ("{a: [b]}", ("a", 0), 'a: "b"'),
        ("{a: [b]}", ("a", "c"), "c: a list"),
        ("{a: [b]}", ("a", 5), "a: a list"),
        ("{headers: {set: {X: b}}}", ("headers", "set", "X"), "X: the value"),
    ],
)
def test_keys_and_values_are_named(text: str, path: Path, sentence: str) -> None:
    assert said(text, path, "{key}: {value}") == sentence


def test_what_was_taken_out_is_not_reported_again() -> None:
    found = findings("{a: [b, c, {d: e}], f: http://g}")
    found.remove(("a", 0))
    found.remove(("f", "url"))

    assert found.remaining() == {"a": ["c", {"d": "e"}]}
    assert found.original(("a", 1, "d")) == ("a", 2, "d")
    assert found.key(("a", 0)) == "a[1]"
    assert found.line(("a", 0)) == "f.yaml:1"
    assert found.is_touched(("a",))
    assert found.is_touched(("f",))
    assert not found.is_touched(("a", 1))
    found.error(("f", "url"), "again")
    found.warning(("a", 0), "is c")
    assert [str(problem) for problem in found.problems()] == ["f.yaml:1:9: a[1]: warning: is c"]
    assert not found.has_errors()
