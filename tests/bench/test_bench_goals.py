"""Every goal is measured by a workload that there is, and says whether it is reached."""

import pytest

from bench.goals import GOALS, Goal, outcomes
from bench.results import Results
from bench.workloads import FOOTPRINT, KEYS, chosen
from tests.bench.runs import made_up

each_goal = pytest.mark.parametrize("goal", [pytest.param(goal, id=goal.what) for goal in GOALS])


@each_goal
def test_a_goal_has_a_workload(goal: Goal) -> None:
    assert goal.key in KEYS


@each_goal
def test_a_run_of_all_workloads_says_something_to_a_goal(goal: Goal) -> None:
    for name in ("gateway", "compiled gateway"):
        assert goal.measured(made_up(), name) is not None


@each_goal
def test_a_run_of_other_workloads_says_nothing_to_a_goal(goal: Goal) -> None:
    results = Results("", "", "", 2, 1, 1.0, {})

    assert goal.measured(results, "gateway") is None
    assert not any(outcome.is_reached for outcome in outcomes(results))


@pytest.mark.parametrize(
    "ratio, is_reached",
    [
        pytest.param(0.95, True, id="exactly"),
        pytest.param(0.954, True, id="as it is shown"),
        pytest.param(0.96, False, id="exceeded"),
    ],
)
def test_a_goal_is_reached_as_far_as_its_figure_shows(ratio: float, is_reached: bool) -> None:
    found = outcomes(made_up(a=ratio))

    assert found[0].is_reached is is_reached


def test_a_letter_means_all_of_its_workloads() -> None:
    assert chosen("f,a") == ["f-64k", "f-1m", "f-100m", "a"]
    assert chosen(FOOTPRINT) == ["m"]


def test_a_letter_that_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no workload 'z'"):
        chosen("a,z")
