"""``docs/faults.md`` promises nothing that no test shows, and no test shows what it does not say.

A test says by ``@pytest.mark.row("A14")`` which lines it shows. The marks are read from the source, so
that a few tests can be run without collecting all of them; so the names must stand there literally.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
DOCUMENT = TESTS.parent / "docs" / "faults.md"
LINES = DOCUMENT.read_text(encoding="utf-8").splitlines()
ROWS = Counter(match[1] for line in LINES if (match := re.match(r"\| ([A-Z][0-9]+) \|", line)))
GROUPS = {"A": 35, "B": 48, "C": 15, "D": 35}


def names_in(source: str) -> Iterator[str]:
    """Yield the rows that the tests of a file are marked with."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            marked = any(is_mark(decorator) for decorator in node.decorator_list)
            assert not marked or node.name.startswith("test_"), f"{node.name} is no test"
        if is_mark(node):
            assert isinstance(node, ast.Call)
            assert node.args, "a mark without a name"
            for argument in node.args:
                assert isinstance(argument, ast.Constant), f"{ast.unparse(node)} is not literal"
                yield str(argument.value)


def is_mark(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.row"


SHOWN = Counter(
    name
    for path in sorted(TESTS.rglob("test_*.py"))
    for name in names_in(path.read_text(encoding="utf-8"))
)


@pytest.mark.parametrize("row", ROWS)
def test_a_line_has_a_test(row: str) -> None:
    assert SHOWN[row]


def test_every_test_names_a_line_that_is_there() -> None:
    assert set(SHOWN) - set(ROWS) == set()


def test_every_line_is_there_once_and_whole() -> None:
    expected = {
        f"{group}{number}" for group, count in GROUPS.items() for number in range(1, count + 1)
    }
    assert set(ROWS) == expected
    assert set(ROWS.values()) == {1}
    for line in LINES:
        if line.startswith("| "):
            assert line.count(" | ") == 3, line


@pytest.mark.parametrize(
    "source, names",
    [
        pytest.param('@pytest.mark.row("A1", "B2")\ndef test_x(): ...', ["A1", "B2"], id="a test"),
        pytest.param('pytest.param(1, marks=pytest.mark.row("C3"))', ["C3"], id="a case"),
        pytest.param('@pytest.mark.other("D4")\ndef test_x(): ...', [], id="another mark"),
    ],
)
def test_marks_are_found(source: str, names: list[str]) -> None:
    assert list(names_in(source)) == names


@pytest.mark.parametrize(
    "source",
    [
        pytest.param('@pytest.mark.row("A1")\ndef helper(): ...', id="not on a test"),
        pytest.param("@pytest.mark.row(name)\ndef test_x(): ...", id="not literal"),
        pytest.param("@pytest.mark.row()\ndef test_x(): ...", id="without a name"),
    ],
)
def test_a_mark_that_says_nothing_is_refused(source: str) -> None:
    with pytest.raises(AssertionError):
        list(names_in(source))
