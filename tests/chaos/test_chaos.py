"""The canary, in short: many faults at once, and nobody gets what is not theirs. ``make soak`` is the long form.

The seed is fixed here, so that a failure is one of the gateway's.
"""

from itertools import islice
from pathlib import Path

import pytest

from tests.chaos.conducts import CONDUCTS, SPOILS
from tests.chaos.payloads import HIDDEN, REFUSED, UNFINISHED
from tests.chaos.plans import Style, conversations, take
from tests.chaos.runs import MEBIBYTE, PER_REQUEST, WARMING, Settings, chaos, leaks
from tests.chaos.stage import Rest

SHORT = Settings(seed=6, requests=800, slices=1, idle=200)


@pytest.mark.row("G7")
async def test_g7_nobody_gets_anothers_and_nothing_is_lost_or_sent_twice(tmp_path: Path) -> None:
    """G7, scaled: 1,600 requests of 40 clients at a time; ``make soak`` makes 200,000."""
    result = await chaos(tmp_path, SHORT)

    assert result.complaints() == [], f"seed {SHORT.seed}"
    assert len(result.rests) == SHORT.slices + 1


def test_the_same_seed_is_the_same_plan() -> None:
    first, second, other = (list(islice(conversations(seed), 50)) for seed in (1, 1, 2))

    assert first == second
    assert first != other
    assert [ask.framed() for each in first for ask in each.asks] == [
        ask.framed() for each in second for ask in each.asks
    ]


def test_a_conversation_does_not_depend_on_those_before() -> None:
    assert next(conversations(1, first=40)) == list(islice(conversations(1), 41))[-1]


def test_no_token_is_used_twice() -> None:
    tokens = [ask.token for each in take(conversations(3), 2000) for ask in each.asks]

    assert len(set(tokens)) == len(tokens)


def test_a_long_plan_has_every_kind_of_client_api_and_payload() -> None:
    plan = list(take(conversations(1), 20_000))

    assert {each.style for each in plan} == set(Style)
    assert {ask.conduct for each in plan for ask in each.asks} >= set(CONDUCTS)
    assert {each.name for each in plan} >= {*SPOILS, *REFUSED, *UNFINISHED, *HIDDEN}


@pytest.mark.parametrize(
    "descriptors, memory, count",
    [
        pytest.param(34, 90 * MEBIBYTE, 0, id="as before"),
        pytest.param(30, 80 * MEBIBYTE, 0, id="less than before"),
        pytest.param(35, 90 * MEBIBYTE, 1, id="a descriptor more"),
        pytest.param(34, 90 * MEBIBYTE + WARMING + 1000 * PER_REQUEST + 1, 1, id="more memory"),
    ],
)
def test_what_has_grown_at_rest_is_a_leak(descriptors: int, memory: int, count: int) -> None:
    rests = [Rest(34, 90 * MEBIBYTE, 1000), Rest(descriptors, memory, 2000)]

    assert len(leaks(rests)) == count
