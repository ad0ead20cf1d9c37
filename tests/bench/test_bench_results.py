"""Ratios are taken within a round, and what is kept is read again as it was."""

from pathlib import Path

import pytest

from bench.results import RECORDED, Figures, least_ratio, ratio, read, write
from tests.bench.runs import figures, made_up


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    # The machine was twice as slow in the second round, for both.
    assert ratio(figures(5, 10, 6), figures(10, 20, 10)) == 0.5


def test_what_disturbs_one_round_of_one_thing_does_not_count() -> None:
    assert ratio(figures(5, 500, 5), figures(10, 10, 10)) == 0.5


def test_the_least_ratio_is_of_the_best_round_of_each() -> None:
    # Something else was at work in nginx's second round, which would flatter.
    assert least_ratio(figures(6, 5, 7), figures(10, 50, 10)) == 0.5


def test_rates_are_compared_as_rates() -> None:
    assert ratio(figures(5, 5), figures(10, 10), rate=True) == pytest.approx(2)


@pytest.mark.parametrize(
    "of, to",
    [
        pytest.param(None, figures(1), id="the one was not measured"),
        pytest.param(figures(1), None, id="the other was not measured"),
        pytest.param(Figures(), Figures(), id="no round was counted"),
    ],
)
def test_what_was_not_measured_has_no_ratio(of: Figures | None, to: Figures | None) -> None:
    assert ratio(of, to) is None
    assert least_ratio(of, to) is None


def test_a_round_is_noted_for_each_of_what_is_counted() -> None:
    noted = Figures()
    noted.add(count=1000, seconds=2.0, cpu=0.5)

    assert (noted.cpu, noted.rate, noted.busy) == ([500.0], [500.0], [0.25])


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    results = made_up()
    write(tmp_path / "results" / "run.json", results)

    assert read(tmp_path / "results" / "run.json") == results


def test_what_was_recorded_can_be_read() -> None:
    assert read(RECORDED).workload("a") is not None
