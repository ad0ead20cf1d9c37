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


@pytest.mark.parametrize(
    "line, column, fix",
    [
        pytest.param("  - *.example.com", 5, '"*.example.com"', id="behind the star"),
        pytest.param("  - *.example.com", 4, '"*.example.com"', id="at the star"),
        pytest.param("  - *a.example.com", 6, '"*a.example.com"', id="behind a name"),
        pytest.param('a: ["*", *.b.c, *.d]', 10, '"*.b.c"', id="one of a list"),
        pytest.param("a: [*]", 5, '"*"', id="everybody"),
        pytest.param("  - **.b", 5, '"**.b"', id="two stars"),
    ],
)
def test_what_begins_with_a_star_is_to_be_quoted_as_a_whole(
    line: str, column: int, fix: str
) -> None:
    explained = explain_syntax("did not find", "while scanning an alias", line, column)

    assert explained[2] == f"put it in quotes: {fix}"


def test_a_star_that_is_not_there_is_not_shown() -> None:
    explained = explain_syntax("did not find", "while scanning an alias", "", 0)

    assert explained[2] == "put it in quotes"


def test_what_is_to_be_quoted_moves_no_cursor() -> None:
    """U+202E turns the direction of writing round; YAML allows it."""
    context = "while scanning an alias"
    _, _, fix = explain_syntax("did not find …", context, "a: *\u202eb", 4)
    assert fix == 'put it in quotes: "*\\u202eb"'
