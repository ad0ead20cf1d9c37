"""The guard tells every ratio, and fails for one that is more than twice what was recorded."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from bench import guard
from bench.guard import GUARDED, compare, main, verdict
from bench.machine import BenchError
from bench.results import Measured, Results, write
from bench.workloads import KEYS, Workload
from tests.bench.runs import made_up

RECORDED = made_up(a=1.0, b=1.0, d=1.0, f_1m=0.3)


@pytest.mark.parametrize(
    "now, status",
    [
        pytest.param(made_up(a=1.0, b=1.0, d=1.0, f_1m=0.3), 0, id="as it was"),
        pytest.param(made_up(a=0.1, b=0.1, d=0.1, f_1m=0.1), 0, id="faster"),
        pytest.param(made_up(a=1.9, b=1.9, d=1.9, f_1m=0.59), 0, id="slower, as noise is"),
        pytest.param(made_up(a=1.0, b=2.1, d=1.0, f_1m=0.3), 1, id="one workload is too slow"),
    ],
)
def test_only_more_than_twice_fails(now: Results, status: int) -> None:
    assert verdict(list(compare(now, RECORDED))) == status


def test_what_is_too_slow_is_said_so() -> None:
    told = [str(one) for one in compare(made_up(a=1.2, b=2.5, d=1.0, f_1m=0.3), RECORDED)]

    assert "1.20 × nginx, recorded 1.00" in told[0]
    assert ["MORE THAN" in line for line in told] == [False, True, False, False]


def test_noise_in_a_turn_of_nginx_hides_nothing() -> None:
    now = made_up(a=2.5, b=1.0, d=1.0, f_1m=0.3)
    measured = now.workload("a")
    assert measured is not None
    measured.things["nginx"].cpu[1] = 30.0

    assert verdict(list(compare(now, RECORDED))) == 1


def test_what_it_guards_are_workloads() -> None:
    assert set(GUARDED) <= set(KEYS)


def test_a_record_without_a_guarded_workload_is_no_record() -> None:
    recorded = made_up()
    recorded.workloads[:] = [each for each in recorded.workloads if each.key != "d"]

    with pytest.raises(BenchError, match="preflight"):
        list(compare(made_up(), recorded))


def measured_as(results: Results) -> Callable[..., Measured]:
    def run(_: object, workload: Workload, *arguments: object) -> Measured:
        found = results.workload(workload.key)
        assert found is not None
        return found

    return run


@pytest.mark.parametrize("ratio, status", [(1.5, 0), (2.5, 1)])
def test_the_command_tells_all_and_ends_with_the_verdict(
    ratio: float,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path / "recorded.json", RECORDED)
    monkeypatch.setattr(guard, "RECORDED", tmp_path / "recorded.json")
    monkeypatch.setattr(guard, "require", lambda _: None)
    monkeypatch.setattr(guard, "site", nullcontext)
    monkeypatch.setattr(guard, "run", measured_as(made_up(a=ratio, b=1.0, d=1.0, f_1m=0.3)))

    assert main() == status
    printed = capsys.readouterr().out
    assert printed.count("× nginx") == len(GUARDED)
    assert "recorded on 2026-01-02" in printed


@pytest.mark.parametrize(
    "ratios, status, times",
    [
        pytest.param([1.5], 0, 1, id="let pass at once"),
        pytest.param([2.5, 1.5], 0, 2, id="a moment of noise"),
        pytest.param([2.5, 2.6, 2.5, 2.6, 2.7], 1, guard.TRIES, id="too slow each time"),
    ],
)
def test_what_is_too_slow_is_measured_again(
    ratios: list[float],
    status: int,
    times: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    measured = [made_up(a=each, b=1.0, d=1.0, f_1m=0.3) for each in ratios]
    asked: list[str] = []

    def run(_: object, workload: Workload, *arguments: object) -> Measured:
        asked.append(workload.key)
        at = asked.count("a") - 1 if workload.key == "a" else 0
        found = measured[at].workload(workload.key)
        assert found is not None
        return found

    write(tmp_path / "recorded.json", RECORDED)
    monkeypatch.setattr(guard, "RECORDED", tmp_path / "recorded.json")
    monkeypatch.setattr(guard, "require", lambda _: None)
    monkeypatch.setattr(guard, "site", nullcontext)
    monkeypatch.setattr(guard, "run", run)

    assert main() == status
    assert (asked.count("a"), asked.count("b")) == (times, 1)
    assert f"{ratios[-1]:.2f} × nginx" in capsys.readouterr().out


def test_a_machine_without_the_programs_is_told_which(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(guard, "site", nullcontext)

    assert main() == 2
    assert "wrk" in capsys.readouterr().err
