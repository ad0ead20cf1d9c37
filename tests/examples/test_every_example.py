"""What every example keeps: its README can be followed, and its configuration says what it shows."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.examples.stacks import (
    EXAMPLES,
    START,
    commands_of,
    environment_of,
    example_names,
    unbuilt_copy,
)

ROOT = EXAMPLES.parent
RECIPES = ROOT / "docs/recipes"
YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
PORT = re.compile(r"\b(?:https?|wss?)://[\w.-]+:(\d+)")
LISTENS = re.compile(r"^\s*listen (?:[\w.]+:)?(\d+)", re.MULTILINE)
"""A port of nginx's, where an example has a configuration for it."""
DEFAULT = re.compile(r"(?:\?\?|\bapi:) \"(?:http:/)?/")
"""Where a page finds the API (or its files) if its own address does not say it."""
QUOTED = re.compile(r"[\"'`](?:https?|wss?)://[\w.-]+:(\d+)")
"""A port that code uses; what no quotes stand before is a comment's."""
REQUIREMENT = re.compile(r"([a-z][a-z-]*)>=\d+(?:\.\d+)*")

every_example = pytest.mark.parametrize("name", example_names())


def readme_of(name: str) -> str:
    return (EXAMPLES / name / "README.md").read_text("utf-8")


def requirements_of(name: str) -> list[str]:
    return (EXAMPLES / name / "requirements.txt").read_text("utf-8").split()


def ports_of(name: str) -> set[str]:
    """Return the ports that an example listens on."""
    found = {
        value for key, value in environment_of(EXAMPLES / name).items() if key.endswith("_PORT")
    }
    for file in (EXAMPLES / name).glob("nginx.conf"):
        found.update(LISTENS.findall(file.read_text("utf-8")))
    return found


def sources_of(name: str) -> dict[str, str]:
    """Return the scripts and pages of an example, by their paths."""
    folder = EXAMPLES / name
    files = {
        file.relative_to(folder) for kind in ("js", "html") for file in folder.rglob(f"*.{kind}")
    }
    return {
        file.as_posix(): (folder / file).read_text("utf-8")
        for file in sorted(files)
        if not {"node_modules", "dist"} & set(file.parts)
    }


def example_that_is_run_by(module: Path) -> str | None:
    """Return what a test module names as ``EXAMPLE``, if something in it takes the running stack."""
    tree = ast.parse(module.read_text("utf-8"))
    taken = {
        argument.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for argument in node.args.args
    }
    for node in tree.body:
        match node:
            case ast.Assign([ast.Name("EXAMPLE")], ast.Constant(str(name))) if "it" in taken:
                return name
    return None


def test_each_folder_is_an_example_and_is_run() -> None:
    folders = {each.name for each in EXAMPLES.iterdir() if each.is_dir()}
    run = {example_that_is_run_by(module) for module in Path(__file__).parent.glob("test_*.py")}

    assert folders == set(example_names())
    assert folders == run - {None}


@every_example
def test_each_address_that_its_pages_give_has_one_of_its_ports(name: str) -> None:
    for text in (readme_of(name), (RECIPES / f"{name}.md").read_text("utf-8")):
        assert set(PORT.findall(text)) <= ports_of(name)
    assert PORT.search(readme_of(name))


@every_example
def test_a_page_that_is_told_nothing_calls_the_gateway(name: str) -> None:
    gateway = environment_of(EXAMPLES / name)["GATEWAY_PORT"]
    sources = sources_of(name)
    scripts = "\n".join(text for path, text in sources.items() if path.endswith(".js"))

    # One without a host and a port is that of whoever serves the page, which the gateway does.
    assert DEFAULT.search(scripts)
    assert set(QUOTED.findall(scripts)) <= {gateway}
    assert {port for text in sources.values() for port in PORT.findall(text)} <= ports_of(name)


@every_example
def test_the_readme_ends_by_starting_it(name: str) -> None:
    assert commands_of(readme_of(name))[-1] == START


@every_example
def test_its_configuration_says_what_is_expected_of_it(name: str, tmp_path: Path) -> None:
    folder = unbuilt_copy(name, tmp_path)
    command = [sys.executable, "-m", "cors_gateway", "validate", "-c", "gateway.yaml"]
    done = subprocess.run(
        [*command, "--tests", "--strict"],
        cwd=folder,
        env={**environment_of(folder), "PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b[1-9]\d* tests?\b", done.stdout), "gateway.yaml has no tests:"


@every_example
def test_the_lines_of_yaml_that_its_pages_show_are_those_that_run(name: str) -> None:
    """Those of its README. A recipe shows what users write, for hosts that are called example.com.

    That one is whole, and tests/docs/ loads it.
    """
    running = [line.strip() for line in (EXAMPLES / name / "gateway.yaml").read_text().splitlines()]
    shown = YAML.findall(readme_of(name))
    assert shown
    for block in shown:
        lines = [line.strip() for line in block.splitlines() if line.strip()]
        starts = [start for start, line in enumerate(running) if line == lines[0]]
        without_gaps = [
            [line for line in running[start:] if line][: len(lines)] for start in starts
        ]
        assert lines in without_gaps, f"gateway.yaml has no such lines:\n{block}"


@every_example
def test_what_it_requires_of_python_is_installed_for_these_tests(name: str) -> None:
    for line in requirements_of(name):
        assert version(re.split("[<>=~!]", line)[0])


def test_what_they_require_of_python_is_written_alike() -> None:
    spellings = defaultdict(set)
    for line in (line for name in example_names() for line in requirements_of(name)):
        match = REQUIREMENT.fullmatch(line)
        assert match, f"{line!r} has no lower bound"
        spellings[match[1]].add(line)
    assert [lines for lines in spellings.values() if len(lines) > 1] == []


@every_example
def test_it_names_no_registry_but_npms_own(name: str) -> None:
    lock = EXAMPLES / name / "package-lock.json"
    hosts = set()
    if lock.exists():
        hosts = set(re.findall(r'"resolved": "(https?://[^/]+)/', lock.read_text("utf-8")))
    assert hosts <= {"https://registry.npmjs.org"}


@every_example
def test_it_has_a_recipe_and_is_listed(name: str) -> None:
    assert (RECIPES / f"{name}.md").exists()
    assert f"({name}/README.md)" in (EXAMPLES / "README.md").read_text("utf-8")
    assert f"(recipes/{name}.md)" in (ROOT / "docs/recipes.md").read_text("utf-8")
