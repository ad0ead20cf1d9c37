"""The program as a whole: help, usage, exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from cors_gateway import __version__
from cors_gateway.cli import main as program
from cors_gateway.cli.main import VERBS
from tests.cli.conftest import Command


def test_the_help_fits_one_screen_and_shows_an_example(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    ended = command("--help")

    lines = ended.out.splitlines()
    assert ended.code == 0
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 86  # the example is not broken
    assert "cors-gateway proxy --to http://localhost:5000 --allow-origin" in ended.out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(command: Command, verb: str) -> None:
    ended = command(verb, "--help")

    assert ended.code == 0
    assert ended.out.startswith(f"usage: cors-gateway {verb} ")


@pytest.mark.parametrize(
    "arguments, said",
    [
        pytest.param([], "COMMAND", id="no verb"),
        pytest.param(["demo"], "invalid choice: 'demo'", id="a verb of later"),
        pytest.param(["run", "--lis", ":1"], "--lis", id="a flag cut short"),
        pytest.param(["run", "x"], "unrecognized arguments: x", id="an argument too many"),
        pytest.param(["validate", "--format", "xml"], "'xml'", id="no such format"),
    ],
)
def test_a_mistake_of_usage(command: Command, arguments: list[str], said: str) -> None:
    ended = command(*arguments)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "--help" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_the_version_in_short_and_in_full(command: Command) -> None:
    assert command("--version").out == f"cors-gateway {__version__}\n"
    ended = command("version")

    assert ended.code == 0
    assert ended.out.startswith(f"cors-gateway {__version__} (Python 3.")
    assert "aiohttp 3." in ended.out


def test_the_package_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cors_gateway", "--version"],
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, f"cors-gateway {__version__}\n")


def test_an_interruption_has_the_code_that_shells_expect(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(VERBS["version"], "run", interrupt)

    assert command("version").code == 130


def test_there_may_be_no_streams_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    try:
        assert program.main(["version"]) == 0
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.close()
