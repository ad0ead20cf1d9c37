"""What every example keeps: its README can be followed, and its configuration says what it shows."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.examples.stacks import EXAMPLES, START, commands_of, example_names, unbuilt_copy

ROOT = EXAMPLES.parent
RECIPES = ROOT / "docs/recipes"
YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)

every_example = pytest.mark.parametrize("name", example_names())


def readme_of(name: str) -> str:
    return (EXAMPLES / name / "README.md").read_text("utf-8")


def environment_of(folder: Path) -> dict[str, str]:
    lines = (folder / ".env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


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
    for line in (EXAMPLES / name / "requirements.txt").read_text("utf-8").split():
        assert version(re.split("[<>=~!]", line)[0])


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
