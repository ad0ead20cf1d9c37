"""What the recipes show of ``explain`` is what it says.

It is asked about the configuration that the recipe itself shows, or that of the example, which the
recipe may only show a part of. Lines may be left out; those that are shown are there, in their order.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Block, Page
from tests.examples.stacks import unbuilt_copy

RECIPES = [page for page in PAGES if page.name.startswith("docs/recipes/")]
COMMAND = "$ cors-gateway explain "


def shown() -> list[tuple[Page, str, str]]:
    """Return each command of a recipe, and the output in the next block that is shown as output."""
    found = []
    for page in RECIPES:
        blocks: list[Block] = list(page.blocks)
        for place, block in enumerate(blocks):
            commands = [line for line in block.text.splitlines() if line.startswith(COMMAND)]
            outputs = [each.text for each in blocks[place + 1 :] if each.language == ""]
            if commands and outputs:
                found.append((page, commands[0].removeprefix("$ cors-gateway "), outputs[0]))
    return found


def environment_of(example: Path) -> dict[str, str]:
    lines = (example / ".env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")


def lines_of(text: str) -> list[str]:
    return [line.strip().removeprefix("< ") for line in text.splitlines() if line.strip()]


def explain(command: str, folder: Path, env: dict[str, str]) -> str:
    return subprocess.run(
        [sys.executable, "-m", "cors_gateway", *shlex.split(command)],
        cwd=folder,
        env={**env, "PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout


@pytest.mark.parametrize(
    "page, command, output",
    [pytest.param(*each, id=f"{each[0].path.stem}: {each[1][8:]}") for each in shown()],
)
def test_explain_says_what_the_recipe_shows(
    page: Page, command: str, output: str, tmp_path: Path
) -> None:
    example = unbuilt_copy(page.path.stem, tmp_path)
    env = environment_of(example)
    said = [explain(command, example, env)]
    for block in page.blocks:
        if block.language == "yaml" and re.search(r"^routes:", block.text, re.MULTILINE):
            (tmp_path / "gateway.yaml").write_text(block.text, "utf-8")
            said.append(explain(command, tmp_path, env))

    shown = lines_of(output)
    assert shown
    found = [[line for line in lines_of(each) if line in shown] for each in said]
    assert shown in found, "\n".join(said)


@pytest.mark.parametrize("page", [pytest.param(each, id=each.path.stem) for each in RECIPES])
def test_a_recipe_of_an_example_shows_how_to_check(page: Page) -> None:
    example = ROOT / "examples" / page.path.stem
    assert not example.is_dir() or COMMAND in page.text
