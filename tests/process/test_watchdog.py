"""An event loop that does not come round: who hears of it, and of what."""

import asyncio
import ctypes
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest

from cors_gateway.process import watchdog
from cors_gateway.process.watchdog import Watchdog
from tests.process.changed_gateway import PATIENCE, changed_gateway, wait_until

CONFIG = """
server: {listen: "127.0.0.1:0"}
routes: [{match: {path: /}, upstream: "http://127.0.0.1:9", cors: {allowOrigins: ["*"]}}]
"""

ASLEEP = """
import time
from cors_gateway.wire import downstream

plan = downstream.plan

def plan_slowly(snapshot, head, peer, pseudonym):
    if head.target == b"/asleep":
        # However its two intervals of half a second lie, one look falls into the second that is told.
        time.sleep(2.6)
    return plan(snapshot, head, peer, pseudonym)

downstream.plan = plan_slowly
"""
"""A worker in which whoever asks for ``/asleep`` stops the event loop."""


class Told:
    """What the operator heard."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, level: str, text: str) -> None:
        assert level == "warning"
        self.lines.append(text)


async def looked_after(told: Told) -> Watchdog:
    """A watchdog that has seen the loop come round."""
    dog = Watchdog(asyncio.get_running_loop(), told)
    dog.start()
    await asyncio.sleep(0.05)
    return dog


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, and tell soon."""
    monkeypatch.setattr(watchdog, "INTERVAL", 0.02)
    monkeypatch.setattr(watchdog, "STALL", 0.3)


def wait_here(seconds: float) -> None:
    time.sleep(seconds)


def wait_and_let_no_thread_run(seconds: float) -> None:
    """As a call does that computes for long without Python's leave."""
    ctypes.PyDLL(None).usleep(int(seconds * 1_000_000))


@pytest.mark.row("F11")
@pytest.mark.usefixtures("quick")
async def test_a_loop_that_stands_still_is_told_where_and_for_how_long() -> None:
    told = Told()
    dog = await looked_after(told)

    for _ in range(2):
        wait_here(1.1)
        await asyncio.sleep(0.1)
    dog.close()

    where = [line for line in told.lines if line.endswith("wait_here")]
    assert len(where) == 2, "once for each time"
    assert where[0].startswith("the event loop stands still: ")
    assert where[0].rpartition(": ")[2].startswith("test_watchdog.py:")
    long = [line for line in told.lines if re.search(r"stood still for [1-9]", line)]
    assert len(long) == 2
    assert "computed for 0.0 s" in long[0]
    assert dog.stalls >= 2
    assert dog.lags.count > 2
    assert sum(dog.lags.counts[10:]) >= 2, "more than a second"
    assert dog.lags.total >= 2.1


@pytest.mark.usefixtures("quick")
async def test_what_holds_up_every_thread_is_told_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Until the thread looks again, a busy machine has to let the loop go on.
    monkeypatch.setattr(watchdog, "INTERVAL", 0.4)
    told = Told()
    dog = await looked_after(told)

    wait_and_let_no_thread_run(1.5)
    await asyncio.sleep(0.1)
    dog.close()

    assert [line for line in told.lines if re.search(r"stood still for [1-9]", line)]
    assert not [line for line in told.lines if line.endswith("wait_and_let_no_thread_run")]
    assert dog.stalls >= 1


@pytest.mark.usefixtures("quick")
async def test_who_computes_is_told_from_who_waits() -> None:
    told = Told()
    dog = await looked_after(told)

    until = time.process_time() + 0.7
    while time.process_time() < until:
        pass
    await asyncio.sleep(0.1)
    dog.close()

    assert [x for x in told.lines if re.search(r"computed for (0\.[7-9]|1\.\d) s", x)], told.lines


async def test_a_loop_that_comes_round_in_time_is_not_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watchdog, "INTERVAL", 0.01)
    # However busy this machine is.
    monkeypatch.setattr(watchdog, "STALL", PATIENCE)
    told = Told()
    dog = await looked_after(told)

    for _ in range(10):
        wait_here(0.03)
        await asyncio.sleep(0.02)
    dog.close()
    wait_until(lambda: all(each.name != "watchdog" for each in threading.enumerate()))

    assert told.lines == []
    assert dog.stalls == 0
    assert dog.lags.count >= 10


@pytest.mark.interpreted
@pytest.mark.row("F11")
def test_the_worker_lives_on_and_everybody_hears_of_it(tmp_path: Path) -> None:
    with changed_gateway(tmp_path, CONFIG, worker=ASLEEP) as served:
        stuck = threading.Thread(target=served.asked, args=["/asleep"])
        stuck.start()
        where = served.says("the event loop stands still: ")
        assert served.asked("/livez", admin=True) == (200, "ok\n")
        assert served.asked("/other")[0] == 502, "it is served when the loop goes on"
        how_long = served.says("the event loop stood still for ")
        stuck.join()

        wait_until(
            lambda: re.search(
                r"\ncors_gateway_event_loop_stalls_total [1-9]",
                served.asked("/metrics", admin=True)[1],
            )
        )
        (worker,) = served.workers()

        assert re.search(r"downstream\.py:\d+ \S+: changed_worker\.py:\d+ plan_slowly\"", where)
        assert '"level": "warning"' in how_long
        told = len(served.said("the event loop stands still"))
        # The whole process stops: nothing in it is to blame, and no place is told.
        os.kill(worker, signal.SIGSTOP)
        time.sleep(2)
        os.kill(worker, signal.SIGCONT)
        wait_until(lambda: len(served.said("the event loop stood still for ")) > told)

        assert served.workers() == [worker]
        assert len(served.said("the event loop stands still")) == told
