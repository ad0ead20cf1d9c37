"""Colours: on terminals only, never against somebody's wish, and never instead of words."""

import re
import sys
from pathlib import Path

import pytest

from cors_gateway.cli.colours import has_colours, paint
from tests.cli.conftest import FILE, Command
from tests.cli.terminal import on_terminal

CODE = re.compile("\x1b\\[[0-9;]*m")


def printed_on_terminal(*arguments: str, **env: str) -> str:
    with on_terminal(*arguments, **env) as command:
        command.wait_for_end()
    return command.shown


def test_on_a_terminal_what_is_wrong_stands_out(file: Path) -> None:
    file.write_text(FILE.replace("[GET, PUT]", "[PUT, PUT, TRACE]"))

    first, second, count = printed_on_terminal("validate", str(file)).splitlines()

    assert first.startswith(f"\x1b[33m{file}:4:25\x1b[0m: corsPolicies.spa.allowMethods[1]: warn")
    assert second.startswith(f"\x1b[31m{file}:4:30\x1b[0m: corsPolicies.spa.allowMethods[2]: ")
    assert count == "1 error, 1 warning"


def test_on_a_terminal_what_is_right_is_green(file: Path) -> None:
    assert f"{file}: \x1b[32mok\x1b[0m: 1 route" in printed_on_terminal("validate", str(file))


@pytest.mark.parametrize(
    "origin, verdict",
    [
        pytest.param("https://app.example.com", "\x1b[32mThe browser lets the page", id="allowed"),
        pytest.param("https://other.example", "\x1b[31mThe browser refuses: ", id="refused"),
    ],
)
def test_on_a_terminal_the_verdict_stands_out(file: Path, origin: str, verdict: str) -> None:
    printed = printed_on_terminal(
        "explain", "-c", str(file), "--origin", origin, "--method", "PUT", "/"
    )

    assert f"\n{verdict}" in printed
    assert len(CODE.findall(printed)) == 2


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({"NO_COLOR": "1"}, id="nobody wants colours"),
        pytest.param({"NO_COLOR": "0"}, id="no value of it wants them"),
        pytest.param({"TERM": "dumb"}, id="the terminal has none"),
    ],
)
def test_no_colours_where_none_are_wanted(file: Path, env: dict[str, str]) -> None:
    assert CODE.search(printed_on_terminal("validate", str(file), **env)) is None


def test_an_empty_wish_is_none(file: Path) -> None:
    assert CODE.search(printed_on_terminal("validate", str(file), NO_COLOR=""))


def test_what_is_not_a_terminal_gets_no_colours(command: Command, file: Path) -> None:
    assert CODE.search(command("validate", str(file)).out) is None
    assert not has_colours(sys.stdout)


def test_nothing_is_painted_where_there_is_nothing() -> None:
    assert paint("a", "bold", wanted=True) == "\x1b[1ma\x1b[0m"
    assert paint("a", "bold", wanted=False) == "a"
    assert paint("", "bold", wanted=True) == ""
