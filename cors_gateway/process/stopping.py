"""What says stop, and how far the end of a worker has come. It only goes on, and never back.

This module heeds no signal and knows no socket: who stops says so here, who works looks here.
"""

import asyncio
import signal
from enum import IntEnum

__all__ = ["STOP_SIGNALS", "Stage", "Stopping"]

STOP_SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)
"""Each of them drains; a second one, of whichever kind, ends it now."""


class Stage(IntEnum):
    """What is to be done with what is open."""

    WAIT = -1
    """Be ready; accept nothing yet."""
    SERVE = 0
    RETIRE = 1
    """Accept nothing more; requests in progress may take as long as they like."""
    DRAIN = 2
    """Accept for ``drain.delay`` more; requests in progress have ``drain.timeout``."""
    CLOSE = 3
    """The same without the delay."""
    NOW = 4
    """Break off."""


class Stopping:
    """The stage of one worker."""

    def __init__(self, stage: Stage = Stage.SERVE) -> None:
        """Begin with serving, or before that."""
        self.stage = stage
        self.wanted = {stage}
        """The stages that somebody said; several may be, before anybody looks."""
        self._changed = asyncio.Event()

    def reach(self, stage: Stage) -> None:
        """Go on to ``stage``, if it has not been reached yet."""
        self.wanted.add(stage)
        if stage > self.stage:
            self.stage = stage
            self._changed.set()
            self._changed = asyncio.Event()

    async def wait_beyond(self, stage: Stage) -> None:
        """Wait until a later stage than ``stage`` is reached."""
        while self.stage <= stage:
            await self._changed.wait()
