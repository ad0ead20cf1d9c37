"""A clock that ticks: deadlines are never met early, dates are as HTTP spells them."""

import asyncio
import re

import pytest

from cors_gateway.wire import tick
from cors_gateway.wire.tick import Ticker
from tests.wire.gateways import until

USUAL = tick.INTERVAL


@pytest.mark.row("A9")
def test_what_only_the_tick_notices_is_noticed_within_a_second() -> None:
    assert 2 * USUAL <= 1


async def test_it_ticks_until_it_is_stopped() -> None:
    ticks: list[float] = []
    ticker = Ticker(asyncio.get_running_loop(), lambda: ticks.append(ticker.now))
    ticker.start()
    await until(lambda: len(ticks) > 3)
    ticker.stop()
    ticker.stop()
    counted = len(ticks)
    assert ticks == sorted(ticks)
    await asyncio.sleep(0.05)
    assert len(ticks) == counted


async def test_it_goes_on_after_a_tick_that_failed() -> None:
    loop = asyncio.get_running_loop()
    faults: list[object] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    ticker = Ticker(loop, lambda: 1 // 0)  # type: ignore[arg-type]
    ticker.start()
    await until(lambda: len(faults) > 3)
    ticker.stop()


async def test_a_deadline_is_never_met_early() -> None:
    loop = asyncio.get_running_loop()
    ticker = Ticker(loop, lambda: None)
    ticker.start()
    for _ in range(20):
        deadline = ticker.after(0.03)
        start = loop.time()
        await until(lambda: ticker.now >= deadline)  # noqa: B023 - is called before the next turn
        assert loop.time() - start >= 0.03
    ticker.stop()


async def test_the_date_is_spelled_as_http_wants_it() -> None:
    ticker = Ticker(asyncio.get_running_loop(), lambda: None)
    assert re.fullmatch(
        rb"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT", ticker.date
    )
