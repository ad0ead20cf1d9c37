import pytest

from cors_gateway.config.document import parse_document
from cors_gateway.config.substitution import FilledText, Filling, substitute
from tests.cases.configs import FakeReader

READER = FakeReader(
    env={"A": "a", "N": "5", "EMPTY": "", "YAML": "{b: [1, 2]} # \n- x: ${A}", "API_KEY": "k"},
    files={"/run/secrets/x": b"s3cret\r\n", "/latin": b"\xe9", "/empty": b"\r\n"},
)


def fill(scalar: str) -> Filling:
    return substitute(parse_document(f"v: {scalar}", "f.yaml"), READER)


def value(scalar: str) -> object:
    filling = fill(scalar)
    assert isinstance(filling.value, dict)
    return filling.value["v"]


@pytest.mark.parametrize(
    "scalar, text",
    [
        pytest.param("${A}", "a", id="a variable"),
        pytest.param("x${A}y${A}", "xaya", id="within a text, twice"),
        pytest.param("${MISSING:-b}", "b", id="a default"),
        pytest.param("${EMPTY:-b}", "b", id="empty counts as unset for a default"),
        pytest.param("${EMPTY}", "", id="empty is a value without one"),
        pytest.param("${MISSING:-}", "", id="an empty default"),
        pytest.param('"${MISSING:-http://a:1/?b=c#d}"', "http://a:1/?b=c#d", id="any default"),
        pytest.param("${A:?must be set}", "a", id="a message that is not needed"),
        pytest.param("${file:/run/secrets/x}", "s3cret", id="a file, without its line end"),
        pytest.param("$${A}", "${A}", id="an escaped substitution"),
        pytest.param("$$${A}", "$a", id="an escaped dollar before one"),
        pytest.param("a$", "a$", id="a lone dollar at the end"),
        pytest.param("a$b", "a$b", id="a lone dollar"),
        pytest.param("a$$b", "a$b", id="a doubled dollar"),
        pytest.param("'^https://a$'", "^https://a$", id="a regular expression"),
        pytest.param("${YAML}", "{b: [1, 2]} # \n- x: ${A}", id="YAML stays text, and is final"),
    ],
)
def test_scalars_are_filled(scalar: str, text: str) -> None:
    assert value(scalar) == text


@pytest.mark.parametrize("scalar", ["${N}", '"${N}"'])
def test_what_is_filled_in_may_be_read_as_a_number_however_it_is_quoted(scalar: str) -> None:
    assert isinstance(value(scalar), FilledText)


@pytest.mark.parametrize("scalar, found", [("5", 5), ("'5'", "5"), ("on", "on"), ("", None)])
def test_what_is_not_filled_in_is_yaml(scalar: str, found: object) -> None:
    assert value(scalar) == found


def test_lists_and_blocks_are_filled_inside() -> None:
    document = parse_document("a: [1, x, '${A}', [b], {c: '${A}'}]", "f.yaml")

    assert substitute(document, READER).value == {"a": [1, "x", "a", ["b"], {"c": "a"}]}


def test_keys_are_not_substituted() -> None:
    assert substitute(parse_document("'${A}': 1", "f.yaml"), READER).value == {"${A}": 1}


def test_no_document_has_no_value() -> None:
    assert substitute(parse_document("[", "f.yaml"), READER).value is None


@pytest.mark.parametrize(
    "scalar, what",
    [
        ("${MISSING}", "the variable MISSING is not set"),
        ("${MISSING:?}", "the variable MISSING is not set"),
        ("${EMPTY:?}", "the variable EMPTY is empty"),
        ("${A", "${ has no }"),
        ("a${", "${ has no }"),
        ("${}", '"${}" is no substitution'),
        ("${1A}", '"${1A}" is no substitution'),
        ("${A-b}", '"${A-b}" is no substitution'),
        ("${A:+b}", '"${A:+b}" is no substitution'),
        ("${A:-${N}}", '"${A:-${N}" is no substitution'),
        ("${file:/missing}", "the file /missing cannot be read"),
        ("${file:/latin}", "the file /latin cannot be read"),
        ("${file:/empty}", "the file /empty is empty"),
        ("${file:x}", "${file:x} has no absolute path"),
    ],
)
def test_what_cannot_be_filled_is_a_problem_at_its_place(scalar: str, what: str) -> None:
    filling = fill(scalar)

    assert [(problem.what, problem.position.column) for problem in filling.problems] == [(what, 4)]
    assert filling.failed == {("v",)}


@pytest.mark.parametrize(
    "scalar, expression, secret",
    [
        pytest.param("${A}", "${A}", False, id="a variable"),
        pytest.param("${A:-x}", "${A}", False, id="without its default"),
        pytest.param("${A}${N}", "${A}${N}", False, id="two"),
        pytest.param("${API_KEY}", "${API_KEY}", True, id="a name like that of a secret"),
        pytest.param("${file:/run/secrets/x}", "${file:/run/secrets/x}", True, id="a file"),
    ],
)
def test_what_came_from_outside_is_remembered(scalar: str, expression: str, secret: bool) -> None:
    known = fill(scalar).filled[("v",)]

    assert (known.text, known.expression, known.secret) == (scalar, expression, secret)


@pytest.mark.parametrize("scalar", ["${MISSING:-x}", "$${A}", "x"])
def test_what_stands_in_the_document_is_not_from_outside(scalar: str) -> None:
    assert fill(scalar).filled == {}
