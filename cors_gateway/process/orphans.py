"""Children that process 1 of a container inherits: it waits for those that nobody else can wait for.

Who runs something inside a container by ``exec`` may leave processes behind. They become children of
process 1, and stay in the table of processes for good if that does not ask how they ended.
"""

import asyncio
import os
from collections.abc import Callable, Container

__all__ = ["wait_for_orphans"]

PAUSE = 1.0


async def wait_for_orphans(own: Callable[[], Container[int]]) -> None:
    """Wait for children that have ended and that are not ours, for ever.

    One of ours that ends is in the way until it has been waited for, which takes no time.

    Args:
        own: gives the children that somebody else waits for.
    """
    suspect = 0
    while True:
        await asyncio.sleep(PAUSE)
        ended = _next_ended()
        # Only at the second look: one that has just been started may not be known as ours yet.
        if ended and ended == suspect and ended not in own():
            _bury(ended)
        suspect = ended


def _next_ended() -> int:
    """Return a child that has ended, without taking its status; 0 where there is none."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0
    return found.si_pid if found else 0


def _bury(child: int) -> None:
    os.waitpid(child, os.WNOHANG)
