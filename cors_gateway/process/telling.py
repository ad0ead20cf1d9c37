"""What a process tells, in the form and from the level on that the configuration now says.

Both kinds outlive a configuration: whoever has been handed one of them goes on with it when another
configuration is served. How lines are written is for ``logging``.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace

from cors_gateway.failures import Failure
from cors_gateway.process.logging import LEVELS, LogWriter, access_logger, is_json, reporter
from cors_gateway.process.tally import Tally
from cors_gateway.snapshot import LogSettings, Snapshot
from cors_gateway.wire.record import AccessRecord

__all__ = ["AccessLog", "Telling", "describe_losses"]


class Telling:
    """Tells the operator what is not a request: a ``Report``, and a ``Follower``.

    What came of a change is told at the more talkative of both levels: whoever raises the level
    is still to read what else that made wider.
    """

    def __init__(self, settings: LogSettings) -> None:
        """Tell as ``settings`` say."""
        self._settings = self._next = settings
        self.follow(settings)

    def __call__(self, level: str, message: str) -> None:
        """Tell of an event, if its level is told."""
        self._report(level, message)

    def follow(self, settings: LogSettings) -> None:
        """Tell as ``settings`` say from now on."""
        self._settings = settings
        self._speak(settings)

    async def prepare(self, snapshot: Snapshot) -> None:
        """Take what is to count after ``commit``."""
        self._next = snapshot.log

    def commit(self) -> None:
        """Tell in the form that it says, and what either level wants told."""
        before, self._settings = self._settings, self._next
        level = min(before.level, self._next.level, key=LEVELS.index)
        self._speak(replace(self._next, level=level))

    def forget(self) -> None:
        """Tell on as before."""

    def settle(self) -> None:
        """Tell only what the level wants told that counts."""
        self._speak(self._settings)

    def _speak(self, settings: LogSettings) -> None:
        self._report = reporter(settings, json_lines=is_json(settings, sys.stdout))


class AccessLog:
    """Writes a line for each request, if that is wanted."""

    def __init__(self, settings: LogSettings, writer: LogWriter) -> None:
        """Write as ``settings`` say, to ``writer``."""
        self._writer = writer
        self.follow(settings)

    def __call__(self, records: Sequence[AccessRecord]) -> None:
        """Take the records of requests that have ended."""
        if self._log is not None:
            self._log(records)

    def follow(self, settings: LogSettings) -> None:
        """Write as ``settings`` say from now on."""
        json_lines = is_json(settings, sys.stdout)
        self._log = access_logger(settings, self._writer, json_lines=json_lines)


def describe_losses(tally: Tally) -> str:
    """Say how many requests the end has broken off; empty where none that workers have told of."""
    failures = tally.counters.get("failures_total", {})
    lost = sum(number for (*_, problem), number in failures.items() if problem == Failure.STOPPING)
    requests = "1 request was" if lost == 1 else f"{lost:.0f} requests were"
    return f": {requests} broken off" if lost else ""
