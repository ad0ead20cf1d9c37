"""Children that process 1 inherits, here by a process that takes orphans as process 1 does."""

import subprocess
import sys

import pytest

SETUP = """
import asyncio, ctypes, os, subprocess, sys
from cors_gateway.process import orphans

PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
orphans.PAUSE = 0.05

def children():
    return open(f"/proc/self/task/{os.getpid()}/children").read().split()

async def wait(own, seconds, enough):
    waiting = asyncio.ensure_future(orphans.wait_for_orphans(lambda: own))
    try:
        async with asyncio.timeout(seconds):
            while not enough():
                await asyncio.sleep(0.02)
    except TimeoutError:
        pass
    waiting.cancel()
"""

INHERITS = """
subprocess.run(["/bin/sh", "-c", "sleep 0.2 & :"], check=True)  # its parent is gone when it ends
before = len(children())
asyncio.run(wait((), 20, lambda: not children()))
print(before, len(children()))
"""

HAS_ITS_OWN = """
own = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
asyncio.run(wait({own.pid}, 1.5, lambda: False))
print(own.wait())
"""


def told_by(script: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", SETUP + script],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


@pytest.mark.row("F13")
def test_an_orphan_that_ends_is_waited_for() -> None:
    assert told_by(INHERITS) == "1 0\n"


def test_what_is_ours_keeps_its_exit_status_for_who_started_it() -> None:
    assert told_by(HAS_ITS_OWN) == "7\n"
