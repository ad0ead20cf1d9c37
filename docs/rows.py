"""The rows of ``docs/faults.md``, and which tests show each.

A test says by ``@pytest.mark.row("A14")`` which rows it shows. The marks are read from the source, so that
nothing has to be collected; so the names must stand there literally.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Row", "RowError", "names_in", "read_rows", "shown_by"]

ROOT = Path(__file__).parents[1]

_ROW = re.compile(r"^\| ([A-Z][0-9]+) \| (.*) \|$", re.MULTILINE)
_SCALED = re.compile(r"\*Scaled: ([^*]+)\*")


class RowError(Exception):
    """A test is marked so that nobody can tell what it shows."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table."""

    name: str
    what: str
    """What goes wrong."""
    scale: str
    """How much of it the tests of every day show; empty for all of it."""

    @property
    def group(self) -> str:
        """The letter in front."""
        return self.name[0]


def read_rows(text: str) -> Iterator[Row]:
    """Read the rows of a document, in order."""
    for match in _ROW.finditer(text):
        scaled = _SCALED.search(match[2])
        yield Row(match[1], match[2].split(" | ")[0], scaled[1] if scaled else "")


def names_in(source: str) -> Iterator[str]:
    """Give the rows that the tests of a file are marked with, one for each mark.

    Raises:
        RowError: a mark stands where no test is, or does not name its rows literally.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            is_marked = any(_is_mark(decorator) for decorator in node.decorator_list)
            if is_marked and not node.name.startswith("test_"):
                raise RowError(f"{node.name} is no test")
        if isinstance(node, ast.Call) and _is_mark(node):
            if not node.args:
                raise RowError("a mark without a name")
            for argument in node.args:
                if not isinstance(argument, ast.Constant):
                    raise RowError(f"{ast.unparse(node)} is not literal")
                yield str(argument.value)


@cache
def shown_by() -> dict[str, dict[str, int]]:
    """Count the marks of each row, by the test's file from the root of the repository."""
    found: dict[str, dict[str, int]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in names_in(path.read_text("utf-8")):
            files = found.setdefault(name, {})
            file = path.relative_to(ROOT).as_posix()
            files[file] = files.get(file, 0) + 1
    return found


def _is_mark(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.row"
