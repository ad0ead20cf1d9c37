"""When a worker that has died is replaced."""

import pytest

from cors_gateway.process.restarts import Restarts


def test_the_first_death_is_followed_at_once_and_the_next_ones_wait_longer() -> None:
    restarts = Restarts()

    delays = [restarts.delay_after(1.0) for _ in range(6)]

    waited = [delay for delay in delays if delay is not None]
    assert waited == sorted(set(waited))
    assert (waited[0], delays[-1]) == (0.0, None)


def test_the_attempts_before_giving_up_take_a_few_seconds() -> None:
    restarts = Restarts()
    delays = [restarts.delay_after(0.0) for _ in range(5)]

    assert 2 < sum(delay or 0 for delay in delays) < 10


@pytest.mark.parametrize(
    "lived, forgives",
    [
        pytest.param(9.9, False, id="not long"),
        pytest.param(10.0, True, id="long"),
        pytest.param(86400.0, True, id="a day"),
    ],
)
def test_a_long_life_lets_earlier_deaths_be_forgotten(lived: float, forgives: bool) -> None:
    restarts = Restarts()
    for _ in range(5):
        restarts.delay_after(0.0)

    assert restarts.delay_after(lived) == (0.0 if forgives else None)
    assert restarts.delay_after(0.0) == (0.25 if forgives else None)
