"""Workers that say nothing: when that is told, and when they are ended."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cors_gateway.process import silence
from cors_gateway.process.overview import LONG_SILENCE
from cors_gateway.process.silence import PATIENCE, end_the_silent
from tests.process.changed_gateway import changed_gateway, wait_until

CONFIG = """
server: {listen: "127.0.0.1:0", workers: 1}
routes: [{match: {path: /}, upstream: "http://127.0.0.1:9", cors: false}]
"""
TALKATIVE = """
from cors_gateway.process import link
link.INTERVAL = 0.1
"""
IMPATIENT = """
from cors_gateway.process import overview, silence
silence.INTERVAL, silence.PATIENCE = 0.1, 5.0
silence.LONG_SILENCE = overview.LONG_SILENCE = 1.0
"""


class Worker:
    """One that may or may not have spoken."""

    name = "worker 1 (pid 7)"

    def __init__(self, already: float = 0.0) -> None:
        self.silence = already
        self.ended: list[str] = []

    def give_up(self, why: str) -> None:
        self.ended.append(why)


class Clock:
    """A clock that goes on as far as a test wants at each look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *steps: float) -> None:
        self._steps = list(steps)
        self._now = 0.0
        self.has_run_down = asyncio.Event()
        monkeypatch.setattr(silence, "monotonic", lambda: self._now)
        monkeypatch.setattr(asyncio, "sleep", self.goes_on)

    async def goes_on(self, seconds: float) -> None:
        del seconds
        if not self._steps:
            self.has_run_down.set()
            await asyncio.Event().wait()
        self._now += self._steps.pop(0)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    async def look(worker: Worker, *steps: float) -> list[tuple[str, str]]:
        told: list[tuple[str, str]] = []
        clock = Clock(monkeypatch, *steps)
        looking = asyncio.get_running_loop().create_task(
            end_the_silent(lambda: [worker], lambda *event: told.append(event))
        )
        await clock.has_run_down.wait()
        looking.cancel()
        return told

    return look


async def test_long_silence_is_told_once_and_ended_at_last(looks: Callable[..., object]) -> None:
    worker = Worker()

    before = await looks(worker, *[1.0] * 11)  # type: ignore[misc]
    told = await looks(worker, *[1.0] * 18)  # type: ignore[misc]

    assert before == []
    assert told == [("warning", "worker 1 (pid 7) says nothing: it is ended if that lasts 30 s")]
    assert worker.ended == []
    await looks(worker, 1.0)  # type: ignore[misc]
    assert worker.ended == ["it said nothing for 30 s"]


async def test_a_machine_that_slept_makes_nobody_silent(looks: Callable[..., object]) -> None:
    worker = Worker()

    told = await looks(worker, 3600.0, 1.0)  # type: ignore[misc]

    assert told == []
    assert worker.ended == []
    assert worker.silence < LONG_SILENCE < PATIENCE


@pytest.mark.row("F11")
def test_a_worker_that_hangs_is_told_of_and_replaced(tmp_path: Path) -> None:
    with changed_gateway(tmp_path, CONFIG, supervisor=IMPATIENT, worker=TALKATIVE) as served:
        (stopped,) = served.workers()
        os.kill(stopped, signal.SIGSTOP)
        answers: list[int] = []
        waiting = threading.Thread(target=lambda: answers.append(served.asked("/x")[0]))
        waiting.start()
        served.says(f"worker 1 (pid {stopped}) says nothing: it is ended if that lasts 5 s")
        unready = served.asked("/readyz?verbose", admin=True)
        served.says(f"worker 1 (pid {stopped}) is replaced: it said nothing for 5 s")
        waiting.join()
        wait_until(lambda: served.asked("/readyz", admin=True)[0] == 200)

        assert unready[0] == 503
        assert f"    worker 1 (pid {stopped}) has said nothing for " in unready[1]
        assert "workers failed: 0 of 1 ready" in unready[1]
        assert stopped not in served.workers()
        assert answers == [502], "who waited to be accepted is served by the next"
