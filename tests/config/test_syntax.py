import pytest

from cors_gateway.config.syntax import explain_syntax


@pytest.mark.parametrize(
    "said, context, line, column, what",
    [
        pytest.param(
            "found character that cannot start any token", "", "\ta: b", 0, "a tab", id="a tab"
        ),
        pytest.param(
            "found a tab character that violates indentation",
            "",
            "a",
            0,
            "a tab",
            id="libyaml saw it",
        ),
        pytest.param(
            "did not find expected alphabetic or numeric character",
            "while scanning an alias",
            "allowOrigins: [*]",
            16,
            "a value begins with *",
            id="a star without quotes",
        ),
        pytest.param(
            "did not find expected ',' or '}'",
            "while parsing a flow mapping",
            "{a: ${B}}",
            5,
            "a value is cut short",
            id="a substitution in braces",
        ),
        pytest.param(
            "found character that cannot start any token",
            "",
            "a: `b",
            3,
            "a value begins with `",
            id="a reserved character",
        ),
        pytest.param(
            "did not find expected key", "", "a", 0, "a key is out of place", id="a known sentence"
        ),
        pytest.param(
            "something new", "while parsing", "a", 0, "something new", id="an unknown sentence"
        ),
        pytest.param("something new", "", "", 5, "something new", id="past the end of the line"),
    ],
)
def test_syntax_errors_are_explained(
    said: str, context: str, line: str, column: int, what: str
) -> None:
    assert explain_syntax(said, context, line, column)[0] == what
