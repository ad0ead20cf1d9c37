"""The command keeps what was found; what documents show is written only when that is asked for."""

from pathlib import Path

import pytest

from bench import __main__ as command
from bench.machine import BenchError
from bench.results import Results, read
from bench.workloads import KEYS
from tests.bench.runs import made_up


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(command, "ROOT", tmp_path)
    for name in ("LATEST", "RECORDED"):
        monkeypatch.setattr(command, name, tmp_path / f"{name.lower()}.json")
    monkeypatch.setattr(command, "PICTURE", tmp_path / "speed.svg")
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
    assert "Goals" in capsys.readouterr().out


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


def test_a_program_that_is_missing_is_named_with_the_remedy(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
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
