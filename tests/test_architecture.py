"""The shape of the house, held by walking the source: rings, cycles, names, sizes, test files."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "cors_gateway"
MAX_LINES = 400

RINGS = {
    "cors": 0,
    "messages": 0,
    "answers": 1,
    "conclude": 1,
    "config": 1,
    "differences": 1,
    "explain": 1,
    "failures": 1,
    "plan": 1,
    "planned": 1,
    "precedents": 1,
    "upgrades": 1,
    "upstream_fields": 1,
    "routes": 1,
    "snapshot": 1,
    "wire": 2,
    "admin": 3,
    "demo": 3,
    "doctor": 3,
    "files": 3,
    "process": 3,
    "__main__": 4,
    "cli": 4,
}
"""The ring of each part of the package. Who adds a part decides here where it stands."""

NARROW = [
    ("admin", "process", {"beside", "metrics", "overview", "tally"}),
    ("demo", "", {"cors"}),
    ("files", "", {"config", "snapshot"}),
    ("files", "config", {"flaws"}),
    ("doctor", "", {"config", "cors", "explain", "messages"}),
]
"""Who may import less than its ring lets it: a part, of which part, what. ``""`` is the package."""

OUTSIDE_WORLD = frozenset(
    {
        "aiohttp",
        "asyncio",
        "os",
        "select",
        "selectors",
        "signal",
        "socket",
        "ssl",
        "subprocess",
        "threading",
        "time",
        "uvloop",
    }
)
"""Modules for I/O and clocks, which the pure rings 0 and 1 do without."""

MEANINGLESS_NAMES = frozenset({"common", "core", "helpers", "manager", "utils"})


def part_of(module: str) -> str | None:
    """Return the part of the package that a module belongs to; ``None`` for the package itself."""
    return module.partition(".")[2].partition(".")[0] or None


def imports_in(tree: ast.Module, modules: Iterable[str]) -> Iterator[str]:
    """Yield the full names of the modules that a source imports, wherever in it they stand."""
    known = frozenset(modules)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            source = node.module or ""
            for alias in node.names:
                name = f"{source}.{alias.name}"
                yield name if name in known else source


def upward_imports(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return each import that breaks the order of the rings, as a sentence."""
    broken = []
    for importer, imported_modules in graph.items():
        for imported in imported_modules:
            part, other = part_of(importer), part_of(imported)
            if part is None or other is None or part == other:
                continue
            if RINGS[other] > RINGS[part]:
                broken.append(f"{importer} imports {imported}, which is above it")
            elif RINGS[part] == 0:
                broken.append(f"{importer} imports {imported}; ring 0 knows only itself")
    return broken


def imports_beyond_the_narrow(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return each import of a part that may import less than its ring, as a sentence."""
    broken = []
    for importer, imported_modules in graph.items():
        for part, source, allowed in NARROW:
            if part_of(importer) != part:
                continue
            prefix = ".".join(filter(None, (PACKAGE, source))) + "."
            broken += [
                f"{importer} imports {imported}: of {prefix[:-1]} it may import {sorted(allowed)}"
                for imported in imported_modules
                if imported.startswith(prefix)
                and part_of(imported) != part
                and imported.removeprefix(prefix).partition(".")[0] not in allowed
            ]
    return broken


def find_cycle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the modules of one import cycle in order, or an empty list."""
    finished: set[str] = set()
    path: list[str] = []

    def visit(module: str) -> list[str]:
        if module in path:
            return path[path.index(module) :]
        if module in finished:
            return []
        path.append(module)
        for imported in graph.get(module, ()):
            if cycle := visit(imported):
                return cycle
        path.pop()
        finished.add(module)
        return []

    for module in graph:
        if cycle := visit(module):
            return cycle
    return []


def _module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {_module_name(file): file for file in sorted((ROOT / PACKAGE).rglob("*.py"))}
TREES = {module: ast.parse(file.read_text("utf-8")) for module, file in FILES.items()}
IMPORTS = {module: frozenset(imports_in(tree, FILES)) for module, tree in TREES.items()}
OWN_IMPORTS = {
    module: frozenset(name for name in names if name in FILES) for module, names in IMPORTS.items()
}
RING_0 = [module for module in FILES if RINGS.get(part_of(module) or "", 4) == 0]

each_module = pytest.mark.parametrize("module", FILES)


def test_every_part_of_the_package_has_a_ring() -> None:
    parts = {part_of(module) for module in FILES} - {None}

    assert parts <= RINGS.keys()


def test_imports_run_downwards() -> None:
    assert upward_imports(OWN_IMPORTS) == []


def test_some_parts_import_less_than_their_ring_may() -> None:
    assert imports_beyond_the_narrow(OWN_IMPORTS) == []


def test_no_modules_import_each_other() -> None:
    assert find_cycle(OWN_IMPORTS) == []


@pytest.mark.parametrize(
    "module", [name for name in FILES if RINGS.get(part_of(name) or "", 4) <= 1]
)
def test_rings_0_and_1_do_no_io_and_know_no_clock(module: str) -> None:
    assert {name.partition(".")[0] for name in IMPORTS[module]} & OUTSIDE_WORLD == set()


@each_module
def test_a_module_opens_with_a_docstring(module: str) -> None:
    assert ast.get_docstring(TREES[module])


@each_module
def test_a_module_that_defines_something_says_what_is_public(module: str) -> None:
    definitions = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    assigned = {
        target.id
        for node in TREES[module].body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    if any(isinstance(node, definitions) for node in TREES[module].body):
        assert "__all__" in assigned


@each_module
def test_a_module_is_named_for_what_it_does(module: str) -> None:
    assert MEANINGLESS_NAMES.isdisjoint(module.split("."))


@each_module
def test_a_module_has_one_job_and_so_a_bounded_length(module: str) -> None:
    assert len(FILES[module].read_text("utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("module", [name for name in RING_0 if FILES[name].stem != "__init__"])
def test_a_module_of_ring_0_has_its_own_test_file(module: str) -> None:
    _, part, name = module.split(".")
    directory = ROOT / "tests" / part

    assert (directory / f"test_{name}.py").exists() or (
        directory / f"test_{part}_{name}.py"
    ).exists()


def test_the_walk_sees_imports_wherever_they_stand() -> None:
    source = """
import a.b
from a import c, thing

def later():
    from a.d import e
"""

    assert set(imports_in(ast.parse(source), ["a", "a.c"])) == {"a.b", "a.c", "a", "a.d"}


@pytest.mark.parametrize(
    "importer, imported, count",
    [
        pytest.param("cors_gateway.plan", "cors_gateway.cors.policy", 0, id="downwards"),
        pytest.param("cors_gateway.plan", "cors_gateway.routes", 0, id="within ring 1"),
        pytest.param("cors_gateway.cors.policy", "cors_gateway.cors.origins", 0, id="within cors/"),
        pytest.param("cors_gateway.wire.pool", "cors_gateway", 0, id="the package's version"),
        pytest.param("cors_gateway.plan", "cors_gateway.wire.pool", 1, id="upwards"),
        pytest.param("cors_gateway.cors.policy", "cors_gateway.messages.fields", 1, id="ring 0"),
        pytest.param("cors_gateway.messages.fields", "cors_gateway.routes", 1, id="from ring 0"),
    ],
)
def test_the_order_of_the_rings(importer: str, imported: str, count: int) -> None:
    assert len(upward_imports({importer: [imported]})) == count


@pytest.mark.parametrize(
    "importer, imported, count",
    [
        pytest.param("cors_gateway.admin.x", "cors_gateway.process.tally", 0, id="admin, counts"),
        pytest.param("cors_gateway.admin.x", "cors_gateway.config.load", 0, id="admin, below"),
        pytest.param("cors_gateway.admin.x", "cors_gateway.process.place", 1, id="admin, more"),
        pytest.param("cors_gateway.demo.x", "cors_gateway.cors.browser", 0, id="demo, cors/"),
        pytest.param("cors_gateway.demo.x", "cors_gateway.demo.y", 0, id="demo, itself"),
        pytest.param("cors_gateway.demo.x", "cors_gateway.messages.heads", 1, id="demo, more"),
        pytest.param("cors_gateway.doctor.x", "cors_gateway.cors.browser", 0, id="doctor, cors/"),
        pytest.param("cors_gateway.doctor.x", "cors_gateway.wire.heads", 1, id="doctor, more"),
        pytest.param("cors_gateway.cli.x", "cors_gateway.process.place", 0, id="somebody else"),
    ],
)
def test_who_may_import_less(importer: str, imported: str, count: int) -> None:
    assert len(imports_beyond_the_narrow({importer: [imported]})) == count


@pytest.mark.parametrize(
    "graph, cycle",
    [
        pytest.param({"a": ["b", "c"], "b": ["c"], "c": []}, [], id="a diamond is none"),
        pytest.param({"a": ["b"], "b": ["c"], "c": ["b"]}, ["b", "c"], id="two modules"),
        pytest.param({"a": ["a"]}, ["a"], id="a module with itself"),
    ],
)
def test_a_cycle_is_found(graph: dict[str, list[str]], cycle: list[str]) -> None:
    assert find_cycle(graph) == cycle
