"""The command keeps what was found; what documents show is written only when that is asked for."""

import re
import subprocess
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import machine
from bench.machine import BenchError
from bench.peers.gateway import COMMAND, OTHER, program
from bench.results import Results, read
from bench.workloads import KEYS
from tests.bench.runs import made_up


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(command, "ROOT", tmp_path)
    for name in ("LATEST", "RECORDED"):
        monkeypatch.setattr(command, name, tmp_path / f"{name.lower()}.json")
    monkeypatch.setattr(command, "PICTURE", tmp_path / "speed.svg")
    monkeypatch.setattr(command, "require", lambda _: None)
    monkeypatch.setattr(command, "changes", list)
    monkeypatch.delenv(COMMAND, raising=False)
    monkeypatch.setenv(OTHER, "python -m cors_gateway")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, words: str, found: Results) -> tuple[int, list[str]]:
    asked: list[str] = []

    def measure(keys: list[str], rounds: int, seconds: float) -> Results:
        asked.extend(keys)
        return found

    monkeypatch.setattr(command, "measure", measure)
    monkeypatch.setattr("sys.argv", ["bench", *words.split()])
    return command.main(), asked


def written(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_run_is_kept_beside_the_recorded_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, asked = run(monkeypatch, "", made_up())

    assert status == 0
    assert asked == list(KEYS)
    assert written(folder) == {"latest.json", "latest.svg"}
    told = capsys.readouterr().out
    assert "Goals" in told
    assert "written: latest.json\nwritten: latest.svg\n" in told


def test_a_run_of_some_workloads_asks_for_those(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, asked = run(monkeypatch, "--only d,l", made_up())

    assert asked == ["d", "l-routes", "l-origins"]


def test_a_run_is_recorded_when_that_is_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _ = run(monkeypatch, "--record --rounds 5", made_up())

    assert status == 0
    assert read(folder / "recorded.json") == made_up()
    assert (folder / "speed.svg").read_text("utf-8").startswith("<svg")


def test_a_run_in_which_something_failed_is_not_recorded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = made_up()
    found.workloads[0].failed["Caddy"] = "it did not start"
    status, _ = run(monkeypatch, "--record", found)

    assert status == 1
    assert written(folder) == {"latest.json", "latest.svg"}


@pytest.mark.parametrize(
    "words, why",
    [
        ("--record --only a", "all workloads"),
        ("--only z", "no workload 'z'"),
        ("--rounds 0", "1 to 50 rounds"),
        ("--seconds 3600", "0.2 to 30 seconds"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_measured(
    words: str,
    why: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, words, made_up())

    assert ended.value.code == 2
    assert why in capsys.readouterr().err
    assert written(folder) == set()


def test_what_is_not_committed_is_named_and_not_recorded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "changes", lambda: [" M cors_gateway/plan.py", "?? new.py"])
    status, asked = run(monkeypatch, "--record", made_up())

    assert (status, asked) == (1, [])
    told = capsys.readouterr().err
    assert "cors_gateway/plan.py" in told
    assert "new.py" in told
    assert written(folder) == set()


def test_what_is_not_committed_may_be_measured(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "changes", lambda: [" M cors_gateway/plan.py"])

    assert run(monkeypatch, "", made_up())[0] == 0


def test_another_gateway_than_this_trees_is_not_recorded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(COMMAND, "python -m cors_gateway")

    assert run(monkeypatch, "--record", made_up()) == (1, [])
    assert COMMAND in capsys.readouterr().err


def test_a_run_without_the_compiled_gateway_is_not_recorded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(OTHER)

    assert run(monkeypatch, "--record", made_up()) == (1, [])
    assert "compiled gateway" in capsys.readouterr().err


@pytest.mark.parametrize("changed, status", [([], 0), ([" M README.md"], 1)])
def test_whether_it_could_begin_is_said_without_measuring(
    changed: list[str], status: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "changes", lambda: changed)

    assert run(monkeypatch, "--record --check", made_up()) == (status, [])
    assert written(folder) == set()


def test_files_that_are_not_as_committed_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    with pytest.raises(BenchError, match="no checkout"):
        machine.changes()
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)

    assert machine.changes() == []
    (tmp_path / "new.py").touch()
    assert machine.changes() == ["?? new.py"]


def test_a_gateway_says_itself_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "ASKED_FOR_VERSIONS", {})

    assert re.match(r"\d\S+ \(\w+, Python ", machine.versions({"it": program()})["it"])
    with pytest.raises(BenchError, match="is no gateway"):
        machine.versions({"it": ["true"]})


def test_a_program_that_is_missing_is_named_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("sys.argv", ["bench", "--only", "a"])

    assert command.main() == 1
    told = capsys.readouterr().err
    assert "wrk" in told
    assert "make test-system" in told


def test_it_says_why_nothing_was_measured(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(*_: object) -> Results:
        raise BenchError("the API did not start")

    monkeypatch.setattr(command, "measure", measure)
    monkeypatch.setattr("sys.argv", ["bench"])

    assert command.main() == 1
    assert "the API did not start" in capsys.readouterr().err
