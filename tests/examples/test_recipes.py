"""What recipes and READMEs ask of a configuration can be asked, and they show what is said.

Each line is run as it is written, by a shell that knows where the programs are and nothing else. With
``honcho run``, and in an example's README, it is asked in the example's folder. Without, it is asked
about the configurations that the recipe itself shows: they need no environment. Of an output lines
may be left out; those that are shown are there, in their order.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Page
from tests.examples.stacks import unbuilt_copy

RECIPES = [page for page in PAGES if page.name.startswith("docs/recipes/")]
READMES = [page for page in PAGES if re.fullmatch(r"examples/.+/README\.md", page.name)]
COMMAND = re.compile(r"^(?:\$ )?(.*\bcors-gateway (explain|routes|validate) .*)", re.MULTILINE)
CONFIGURATION = re.compile(r"^routes:", re.MULTILINE)


@dataclass(frozen=True)
class Asked:
    """A command of a page."""

    page: Page
    command: str
    verb: str
    output: str | None
    """What the page shows of what ``explain`` says: the next block that is no command."""

    @property
    def example(self) -> str | None:
        """The example whose folder it is asked in, ``None`` for the recipe's own configuration."""
        if self.page in READMES:
            return self.page.path.parent.name
        return self.page.path.stem if self.command.startswith("honcho run ") else None


def asked(page: Page) -> Iterator[Asked]:
    for place, block in enumerate(page.blocks):
        if block.language not in {"console", "sh"}:
            continue
        outputs = [each.text for each in page.blocks[place + 1 :] if each.language == ""]
        for command, verb in COMMAND.findall(block.text.replace("\\\n", " ")):
            output = outputs[0] if outputs and verb == "explain" else None
            yield Asked(page, command, verb, output)


ASKED = [each for page in (*RECIPES, *READMES) for each in asked(page)]


def lines_of(text: str) -> list[str]:
    return [line.strip().removeprefix("< ") for line in text.splitlines() if line.strip()]


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={"PATH": str(Path(sys.executable).parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def answers(each: Asked, directory: Path) -> list[subprocess.CompletedProcess[str]]:
    """Return what is said in the example's folder, or of each configuration of the recipe."""
    if each.example:
        return [run(each.command, unbuilt_copy(each.example, directory))]
    file = directory / re.findall(r"\S+\.yaml", each.command)[0]
    said = []
    for block in each.page.blocks:
        if block.language == "yaml" and CONFIGURATION.search(block.text):
            file.write_text(block.text, "utf-8")
            said.append(run(each.command, directory))
    return said


@pytest.mark.parametrize(
    "each", [pytest.param(each, id=f"{each.page.name}: {each.command}") for each in ASKED]
)
def test_a_page_s_command_says_what_the_page_shows(each: Asked, tmp_path: Path) -> None:
    said = answers(each, tmp_path)

    assert said
    assert [answer.stderr for answer in said] == [""] * len(said)
    if each.verb != "explain":
        assert [answer.returncode for answer in said] == [0] * len(said)
    if each.output is not None:
        shown = lines_of(each.output)
        found = [[line for line in lines_of(answer.stdout) if line in shown] for answer in said]
        assert shown
        assert shown in found, "\n".join(answer.stdout for answer in said)


@pytest.mark.parametrize("page", [pytest.param(each, id=each.path.stem) for each in RECIPES])
def test_a_recipe_of_an_example_shows_how_to_check(page: Page) -> None:
    example = ROOT / "examples" / page.path.stem
    assert not example.is_dir() or "explain" in {each.verb for each in asked(page)}
