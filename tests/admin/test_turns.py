"""One job at a time, beside the event loop."""

import asyncio
import threading

import pytest

from cors_gateway.admin import turns
from cors_gateway.admin.turns import MOST_AT_ONCE, BusyError, Turns

PATIENCE = 60.0


class Blocked:
    """A job that ends when it is let."""

    def __init__(self) -> None:
        self.is_running = threading.Event()
        self.may_end = threading.Event()

    def __call__(self) -> str:
        self.is_running.set()
        assert self.may_end.wait(PATIENCE)
        return "done"

    async def runs(self) -> None:
        assert await asyncio.to_thread(self.is_running.wait, PATIENCE)


async def test_the_loop_goes_on_meanwhile() -> None:
    job = Blocked()
    asked = asyncio.ensure_future(Turns().do(job))

    await job.runs()
    job.may_end.set()

    assert await asked == "done"


async def test_jobs_are_done_one_after_another() -> None:
    its_turns = Turns()
    jobs = [Blocked(), Blocked()]
    asked = [asyncio.ensure_future(its_turns.do(job)) for job in jobs]

    await jobs[0].runs()
    await asyncio.sleep(0.05)
    assert not jobs[1].is_running.is_set()
    jobs[0].may_end.set()
    jobs[1].may_end.set()

    assert await asyncio.gather(*asked) == ["done", "done"]


async def test_what_a_job_raises_is_raised_where_it_was_asked_for() -> None:
    its_turns = Turns()

    with pytest.raises(ZeroDivisionError):
        await its_turns.do(lambda: 1 // 0)

    assert await its_turns.do(lambda: "the next") == "the next"


async def test_where_too_many_wait_the_next_one_has_to_go() -> None:
    its_turns = Turns()
    jobs = [Blocked() for _ in range(MOST_AT_ONCE)]
    asked = [asyncio.ensure_future(its_turns.do(job)) for job in jobs]
    await jobs[0].runs()

    with pytest.raises(BusyError):
        await its_turns.do(lambda: "one too many")

    for job in jobs:
        job.may_end.set()
    assert await asyncio.gather(*asked) == ["done"] * MOST_AT_ONCE
    assert await its_turns.do(lambda: "later") == "later"


async def test_who_waits_too_long_has_to_go_and_the_job_keeps_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.05)
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    its_turns = Turns()
    job, next_job = Blocked(), Blocked()

    with pytest.raises(BusyError):
        await its_turns.do(job)
    with pytest.raises(BusyError):
        await its_turns.do(next_job)

    assert job.is_running.is_set()
    assert not next_job.is_running.is_set()
    job.may_end.set()
    monkeypatch.setattr(turns, "PATIENCE", PATIENCE)
    assert await its_turns.do(lambda: "the next") == "the next"
    assert faults == []


async def test_a_job_may_outlive_the_loop() -> None:
    job = Blocked()

    def live_and_end() -> None:
        async def ask() -> None:
            asked = asyncio.ensure_future(Turns().do(job))
            await job.runs()
            asked.cancel()

        asyncio.run(ask())

    await asyncio.to_thread(live_and_end)
    thread = next(each for each in threading.enumerate() if each.name == "admin")
    job.may_end.set()
    await asyncio.to_thread(thread.join, PATIENCE)

    assert not thread.is_alive()


async def test_a_thread_that_cannot_be_had_takes_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    its_turns = Turns()

    def cannot_start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", cannot_start)
        with pytest.raises(BusyError):
            await its_turns.do(lambda: "never")

    assert await its_turns.do(lambda: "the next") == "the next"
