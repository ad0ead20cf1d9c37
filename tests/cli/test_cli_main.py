"""The program as a whole: help, usage, exit codes, and what it loads."""

import ast
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from cors_gateway import __version__, plan
from cors_gateway.cli import main as program
from cors_gateway.cli.verbs import MEANT, MEANT_FLAGS, VERBS
from cors_gateway.snapshot import Snapshot
from tests.cli.conftest import Command

ROOT = Path(__file__).parents[2]


def fresh(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in an interpreter that has loaded nothing of ours yet."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_help_fits_one_screen_and_shows_an_example(command: Command) -> None:
    ended = command("--help")

    lines = ended.out.splitlines()
    assert (ended.code, ended.err) == (0, "")
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "  cors-gateway proxy --to http://localhost:5000 \\\n" in ended.out


def test_the_help_lists_every_verb(command: Command) -> None:
    listed = re.findall(r"^  ([a-z]+)  ", command("--help").out, re.MULTILINE)

    assert listed == list(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_fits_a_screen_and_ends_with_an_example(
    command: Command, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    ended = command(verb, "--help")

    lines = ended.out.splitlines()
    assert (ended.code, ended.err) == (0, "")
    assert lines[0].startswith(f"usage: cors-gateway {verb} ")
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 80
    assert ended.out.endswith(f"\n\nexample:\n  {VERBS[verb].example}\n")
    assert f"cors-gateway {verb}" in VERBS[verb].example
    assert not any(line.endswith("-") for line in lines), "a name is broken at its hyphen"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_a_module_that_can_be_run(verb: str) -> None:
    assert callable(import_module(f"cors_gateway.cli.{verb}").run)


NEED_MORE = {"demo", "diff", "doctor", "healthcheck", "reload"}
"""Somebody who is there, or a file that was committed."""


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in NEED_MORE])
def test_the_example_of_a_verb_works_beside_what_init_writes(
    command: Command, served: list[Snapshot], verb: str
) -> None:
    if verb != "init":
        command("init")
    program, name, *words = shlex.split(VERBS[verb].example.replace("\\\n", ""))

    ended = command(name, *(words[: words.index(">")] if ">" in words else words))

    assert (program, ended.code, ended.err) == ("cors-gateway", 0, "")
    assert len(served) == (verb in {"run", "proxy"})


@pytest.mark.parametrize("arguments", [["help"], ["-h"], ["--help", "run"]])
def test_ways_to_ask_for_help(command: Command, arguments: list[str]) -> None:
    assert command(*arguments) == command("--help")


def test_help_with_a_verb_is_the_help_of_that_verb(command: Command) -> None:
    assert command("help", "routes") == command("routes", "--help")


def test_without_a_verb_the_help_is_no_answer_but_a_remedy(command: Command) -> None:
    asked, ended = command("--help"), command()

    assert (ended.code, ended.out, ended.err) == (2, "", asked.out)


@pytest.mark.parametrize(
    "arguments, said",
    [
        pytest.param(["rum"], "no command 'rum', did you mean run?", id="a verb, misspelled"),
        pytest.param(["Validate"], "did you mean validate?", id="a verb in capitals"),
        pytest.param(["help", "explian"], "did you mean explain?", id="help, misspelled"),
        pytest.param(["serve"], "did you mean run?", id="what others call it"),
        pytest.param(["frobnicate"], "the commands are run, proxy, demo, ", id="nothing like it"),
        pytest.param(["\x1b[2J"], r"'\x1b[2J'", id="what a terminal would obey"),
        pytest.param(["-c", "f.yaml", "run"], "the command comes first", id="a flag before it"),
        pytest.param(["run", "--lis", ":1"], "no --lis, did you mean --listen?", id="cut short"),
        pytest.param(["run", "--liste=:1"], "did you mean --listen?", id="a flag with its value"),
        pytest.param(
            ["proxy", "--allow-origins", "x"], "did you mean --allow-origin?", id="a flag"
        ),
        pytest.param(
            ["proxy", "--port", "9000"], "no --port, did you mean --listen :9000?", id="a port"
        ),
        pytest.param(["run", "--port=9000"], "did you mean --listen :9000?", id="a port's value"),
        pytest.param(["run", "--port"], "did you mean --listen :8080?", id="no port"),
        pytest.param(["run", "--bind", "[::]:1"], "did you mean --listen?", id="an address"),
        pytest.param(["proxy", "--proxyUrl", "x"], "did you mean --to?", id="an API"),
        pytest.param(["proxy", "--origin", "x"], "did you mean --allow-origin?", id="an origin"),
        pytest.param(["proxy", "--method", "x"], "did you mean --allow-method?", id="a method"),
        pytest.param(["routes", "--port", "1"], "there is no --port; see", id="nor one meant"),
        pytest.param(["routes", "--zzz"], "there is no --zzz; see", id="no flag like it"),
        pytest.param(["run", "x.yaml"], "did you mean -c x.yaml?", id="a file without its flag"),
        pytest.param(["version", "x"], "nothing takes 'x'; see", id="an argument too many"),
        pytest.param(["run", "--listen"], "--listen: expected one argument", id="no value"),
        pytest.param(["validate", "--format", "xml"], "'xml'", id="no such format"),
    ],
)
def test_a_mistake_of_usage(command: Command, arguments: list[str], said: str) -> None:
    ended = command(*arguments)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "--help" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_what_others_call_a_verb_is_none_of_ours() -> None:
    assert set(MEANT.values()) <= VERBS.keys()
    assert MEANT.keys().isdisjoint(VERBS)


def test_a_flag_that_was_meant_is_one_of_the_verbs_that_serve(command: Command) -> None:
    helps = command("proxy", "--help").out

    assert {flag for flag in MEANT_FLAGS.values() if f"  {flag} " not in helps} == set()
    assert {flag for flag in MEANT_FLAGS if f"  {flag} " in helps or flag != flag.lower()} == set()


def test_the_version_in_short_and_in_full(command: Command) -> None:
    assert command("--version").out == f"cors-gateway {__version__}\n"
    ended = command("version")

    assert ended.code == 0
    form = "interpreted" if str(plan.__file__).endswith(".py") else "compiled"
    assert ended.out.startswith(f"cors-gateway {__version__} ({form}, Python 3.")
    assert "aiohttp 3." in ended.out


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["version"], ["healthcheck"]])
def test_what_is_asked_for_often_loads_little(arguments: list[str]) -> None:
    done = fresh(
        "import sys\n"
        "from cors_gateway.cli.main import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "finally:\n"
        "    print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )

    loaded = set(done.stderr.split())
    ours = f"cors_gateway.cli.{arguments[0]}"
    assert (ours in loaded) is (arguments[0] in VERBS)
    assert loaded.isdisjoint({"aiohttp", "asyncio", "pydantic", "uvloop", "yaml"})


def test_the_package_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cors_gateway", "--version"],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, f"cors-gateway {__version__}\n")


def test_a_python_that_is_too_old_is_told_so() -> None:
    source = (ROOT / "cors_gateway/__main__.py").read_text("utf-8")
    ast.parse(source, feature_version=(3, 7))

    done = fresh(f"import sys; sys.version_info = (3, 10, 4)\n{source}")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "cors-gateway: Python 3.11 or newer is needed, this is 3.10\n"


def test_a_package_that_is_not_installed_is_named() -> None:
    done = fresh(
        "import sys\n"
        "sys.modules['pydantic'] = None\n"
        "from cors_gateway.cli.main import main\n"
        "sys.exit(main(['validate']))"
    )

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("cors-gateway: the package pydantic is not installed for ")
    assert len(done.stderr.splitlines()) == 1


def test_a_fault_of_our_own_is_no_missing_package() -> None:
    done = fresh(
        "import sys\n"
        "sys.modules['cors_gateway.cli.version'] = None\n"
        "from cors_gateway.cli.main import main\n"
        "main(['version'])"
    )

    assert "Traceback" in done.stderr


def test_an_interruption_has_the_code_that_shells_expect(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("cors_gateway.cli.version.run", interrupt)

    assert command("version").code == 130


def test_there_may_be_no_streams_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    try:
        assert program.main(["version"]) == 0
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.close()
