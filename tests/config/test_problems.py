import json

import pytest

from cors_gateway.config.problems import (
    Position,
    Problem,
    Severity,
    has_errors,
    quote,
    render_github,
    render_json,
    render_text,
    serialize_path,
    sort_problems,
)

ERROR = Problem(
    Severity.ERROR, ("routes", 0, "cors"), "what", "why", "fix", Position("a.yaml", 3, 5)
)
WARNING = Problem(
    Severity.WARNING, ("log",), "100%, so: what", "", "fix", Position("a,b.yaml", 1, 2)
)
FLAG = Problem(Severity.ERROR, ("routes", 0), "what", "why", "", Position("--to", is_value=True))


def test_a_problem_is_one_line_that_editors_can_follow() -> None:
    assert render_text([ERROR, WARNING, FLAG]) == (
        "a.yaml:3:5: routes[0].cors: what, why, fix\n"
        "a,b.yaml:1:2: log: warning: 100%, so: what, fix\n"
        "--to: what, why\n"
    )


def test_json_holds_the_parts() -> None:
    assert json.loads(render_json([ERROR]))[0] == {
        "severity": "error",
        "source": "a.yaml",
        "line": 3,
        "column": 5,
        "key": "routes[0].cors",
        "what": "what",
        "why": "why",
        "fix": "fix",
    }


def test_github_commands_are_escaped() -> None:
    assert render_github([ERROR, WARNING, FLAG]) == (
        "::error file=a.yaml,line=3,col=5,title=routes[0].cors::what, why, fix\n"
        "::warning file=a%2Cb.yaml,line=1,col=2,title=log::100%25, so: what, fix\n"
        "::error file=--to,title=routes[0]::what, why\n"
    )


@pytest.mark.parametrize(
    "path, text",
    [
        pytest.param((), "", id="the document"),
        pytest.param(("routes", 0, "match", "path"), "routes[0].match.path", id="keys and indices"),
        pytest.param(("corsPolicies", "a.b"), 'corsPolicies["a.b"]', id="a name with a dot"),
        pytest.param(("x-y", "\n"), 'x-y["\\n"]', id="a name with a line break"),
    ],
)
def test_paths_are_written_as_people_do(path: tuple[str | int, ...], text: str) -> None:
    assert serialize_path(path) == text


@pytest.mark.parametrize(
    "value, text",
    [
        (None, "nothing"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        ("é", '"é"'),
        ("\x1b[0m", '"\\u001b[0m"'),
        ([], "a list"),
        ({}, "a block"),
        ("a" * 200, '"' + "a" * 97 + '…"'),
    ],
)
def test_values_are_quoted_without_control_characters_and_shortened(
    value: object, text: str
) -> None:
    assert quote(value) == text


def test_only_errors_count_as_errors() -> None:
    assert has_errors([WARNING, ERROR])
    assert not has_errors([WARNING])


def test_problems_stand_in_the_order_of_the_file_and_once() -> None:
    assert sort_problems([ERROR, WARNING, ERROR]) == (WARNING, ERROR)
