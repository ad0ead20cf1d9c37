"""What compiled modules may not say, because mypyc makes something else of it than the interpreter does.

The type checker sees none of these, and a test of the compiled form only what it reaches.
"""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOOK = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
    "wheel"
]["hooks"]["custom"]
COMPILED = sorted(
    {path for pattern in HOOK["compiled"] for path in ROOT.glob(pattern)}
    - {ROOT / name for name in HOOK["interpreted"]}
    - set(ROOT.glob("cors_gateway/**/__init__.py"))
)

IN_ORDER = {
    # Bytes, which begin before they end:
    "path[len(prefix):len(prefix) + 1]",
    "packed[i:i + 2]",
    "data[at:at + self._left]",
    "data[at:at + size]",
    "frame[index:index + 1]",
    # Text, and lists:
    "host[1:-1]",
    "label[len(prefix):len(label) - len(suffix)]",
    "self.opening.split(b'\\r\\n')[1:-1]",
    "json.dumps(text)[1:-1]",
}
"""Slices with two bounds that are the same in either form."""


def said_wrongly(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _named_alike(node)
            case ast.ClassDef():
                yield from _methods_that_are_attributes(node)
            case ast.Subscript(slice=ast.Slice(ast.Constant(int(lower)), ast.Constant(int(upper)))):
                assert lower <= upper
            case ast.Subscript(slice=ast.Slice(lower=ast.expr(), upper=ast.expr(), step=None)):
                if ast.unparse(node) not in IN_ORDER:
                    yield f"line {node.lineno}: {ast.unparse(node)} may begin behind its end"


def _named_alike(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """The variable would have the first clause's type, and the second would raise a TypeError."""
    kinds: dict[str, str] = {}
    for clause in ast.walk(function):
        if isinstance(clause, ast.ExceptHandler) and clause.name and clause.type:
            kind = ast.unparse(clause.type)
            if kinds.setdefault(clause.name, kind) != kind:
                yield f"line {clause.lineno}: {clause.name} is {kinds[clause.name]} and {kind}"


def _methods_that_are_attributes(of: ast.ClassDef) -> Iterator[str]:
    """They would be each instance's own, and not what Python looks for in its class."""
    for node in of.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                name = ast.unparse(target)
                if name.startswith("__") and name not in {"__slots__", "__match_args__"}:
                    yield f"line {node.lineno}: {name} is an attribute"


def test_what_is_listed_is_there() -> None:
    assert {"plan.py", "exchange.py", "decision.py"} <= {path.name for path in COMPILED}
    assert [name for name in HOOK["interpreted"] if not (ROOT / name).is_file()] == []
    assert [pattern for pattern in HOOK["compiled"] if not list(ROOT.glob(pattern))] == []


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_says_nothing_that_is_compiled_to_something_else(path: Path) -> None:
    assert list(said_wrongly(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("b[i - 1:i]", id="a slice of bytes that begins behind its end is an error"),
        pytest.param("class A:\n  __hash__ = object.__hash__", id="a method that is an attribute"),
        pytest.param(
            "def f():\n  try: f()\n  except A as e: f()\n  except B as e: f()",
            id="one name for two kinds of exceptions",
        ),
    ],
)
def test_each_of_these_is_found(source: str) -> None:
    assert len(list(said_wrongly(ast.parse(source)))) == 1
