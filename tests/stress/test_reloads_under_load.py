"""A configuration that is loaded again and again while clients call: nothing is lost, nothing grows."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.stress.gateways import Stressed, stressed
from tests.stress.load import under_load, wait_for_answers
from tests.stress.measuring import (
    MEBIBYTE,
    clients_of,
    descriptors,
    resident,
    wait_until,
    wait_until_stopped,
)
from tests.stress.quick_api import quick_api
from tests.stress.scale import scaled

WORKERS = 2
KEPT = 2 * 8
"""Connections to the API: each worker keeps as many as it has clients at once."""

RELOADS = scaled(30, 1000)
WARM_UP = scaled(10, 100)
KILLS = scaled(3, 40)
LIFE = scaled(0, 12)
"""Seconds: workers that die sooner than ten, again and again, end the gateway."""
LEEWAY = scaled(3, 6) * MEBIBYTE
"""What memory may grow by: the interpreter keeps some of what it has had, a configuration is some 100 KiB."""


def reload(gateway: Stressed) -> None:
    """Have it load its file again, which has changed."""
    done = gateway.reloads()
    gateway.write()
    gateway.is_told(signal.SIGHUP)
    wait_until(lambda: gateway.reloads() > done, "it was not loaded again")


def at_rest(gateway: Stressed) -> tuple[int, int]:
    """Wait until those before have ended; give the descriptors of the supervisor, and of the workers."""
    wait_until(lambda: len(gateway.workers()) == WORKERS, "workers are left over")
    return descriptors(gateway.pid), sum(map(descriptors, gateway.workers()))


def memory(gateway: Stressed) -> dict[str, int]:
    return {"supervisor": resident(gateway.pid), "workers": sum(map(resident, gateway.workers()))}


@pytest.mark.row("E6", "G5")
def test_reloads_under_load_lose_no_request_and_leave_nothing_behind(tmp_path: Path) -> None:
    """Thirty times in the suite, a thousand times by ``make stress``."""
    with quick_api() as api, stressed(tmp_path, api, workers=WORKERS) as gateway:
        with under_load(gateway.port):
            for _ in range(WARM_UP):
                reload(gateway)
        before, held = at_rest(gateway), memory(gateway)
        with under_load(gateway.port) as load:
            for _ in range(RELOADS):
                reload(gateway)
                wait_for_answers(load)
        assert (load.lost, load.wrong) == ([], [])

        def nothing_is_left() -> bool:
            after = at_rest(gateway)
            return after[0] <= before[0] and after[1] <= before[1] + KEPT

        wait_until(nothing_is_left, "descriptors are left over")
        for process, bytes_held in memory(gateway).items():
            assert bytes_held - held[process] < LEEWAY, process
        assert gateway.complaints() == []
        assert not any("not reloaded" in line for line in gateway.program.printed)
        assert gateway.max_age_of_an_answer() == gateway.max_age


def follower(gateway: Stressed, known: set[int]) -> int:
    """Wait for a worker that was not there before."""
    wait_until(lambda: set(gateway.workers()) - known != set(), "none follows")
    return min(set(gateway.workers()) - known)


@pytest.mark.row("F9")
def test_a_worker_that_is_killed_under_load_takes_only_its_own_requests_with_it(
    tmp_path: Path,
) -> None:
    """Three times in the suite, forty times by ``make stress``."""
    its_own: Counter[int] = Counter()
    with (
        quick_api() as api,
        stressed(tmp_path, api, workers=WORKERS) as gateway,
        under_load(gateway.port, clients=12) as load,
    ):
        oldest_first = gateway.workers()
        for _ in range(KILLS):
            victim = oldest_first.pop(0)
            # Stopped it accepts nobody, so what it has now is all that can be lost with it.
            os.kill(victim, signal.SIGSTOP)
            wait_until_stopped(victim)
            its_own.update(clients_of(victim, gateway.port))
            time.sleep(0.1)  # in which its clients send what will be lost
            os.kill(victim, signal.SIGKILL)
            oldest_first.append(follower(gateway, {victim, *oldest_first}))
            time.sleep(LIFE / 2)
        wait_for_answers(load)
    assert load.lost, "nobody was with a worker that was killed"
    assert Counter(load.lost) <= its_own
    assert load.wrong == []
    assert gateway.complaints() == []
